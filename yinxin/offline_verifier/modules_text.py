"""The texts of the verifier's modules: those in the folder ``modules``, and the one that is made of the sentences of steps."""

from __future__ import annotations

import json
from importlib.resources import files

from crypto.report_text import SENTENCES


def read_scripts(package: str, folder: str) -> dict[str, str]:
    """The scripts in a package's folder by name without ending."""
    entries = files(package).joinpath(folder).iterdir()
    return {each.name.removesuffix(".js"): each.read_text("utf-8") for each in entries if each.name.endswith(".js")}


def sentences_module() -> str:
    """What each step says, as the module that the verifier imports."""
    written = json.dumps(SENTENCES, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"// What each step says, in English and in Chinese; made from crypto/report_sentences.\nexport const SENTENCES = {written};\n"


def read_modules() -> dict[str, str]:
    """The verifier's modules by name without ending; a server may serve them as they are."""
    return {**read_scripts("yinxin.offline_verifier", "modules"), "sentences": sentences_module()}
