"""Building the offline verifier: one HTML file with everything in it. The same program gives the same bytes.

``python -m yinxin.offline_verifier.build [FILE]`` writes it and prints its digests, to be published apart from the file.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from crypto.sm3 import sm3
from seal_service.api.bodies import HOLDER_FIELDS
from yinxin.offline_verifier import texts
from yinxin.offline_verifier.bundling import bundle, stripped
from yinxin.offline_verifier.modules_text import read_modules, read_scripts
from yinxin.verification_page.texts import TEXTS as PAGE_TEXTS
from yinxin.verification_page.verdict_rules import rules
from yinxin.version import program_version

MOST_BYTES: Final = 250_000
FILE_NAME: Final = "yinxin-verifier.html"
_SHARED_VIEW: Final = ("answers", "elements", "holder", "result_view")  # of the verification page: a result looks the same here and there
_HERE: Final = "yinxin.offline_verifier"
_NOT_HERE: Final = (
    "scan",
    "changes_",
    "offline_",
    "live_",
    "seal_",
    "upload",
    "code_on",
    "code_up",
    "sample",
    "no_script",
)  # needs a server
_KEPT: Final = ("seal_now_",)


def verifier_script() -> str:
    """All of the verifier in one script, for a worker."""
    return bundle(read_modules() | read_scripts(_HERE, "page"), "verifier_worker")


def _given() -> str:
    said = {
        key: pair
        for key, pair in {**PAGE_TEXTS, **texts.TEXTS}.items()
        if key in texts.TEXTS or key.startswith(_KEPT) or not key.startswith(_NOT_HERE)
    }
    languages = {language: {key: pair[at] for key, pair in said.items()} for at, language in enumerate(("zh", "en"))}
    given = {"languages": languages, "texts": {}, "language": "zh", "rules": rules(), "holder": HOLDER_FIELDS}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


_OWN_STYLE: Final = "\n@media print { .result + .result { break-before: page; } }\n"


def _style() -> str:
    shared = files("service_kit.page_frame").joinpath("static", "yinxin.css").read_text("utf-8")
    own = files("yinxin.verification_page").joinpath("static", "verification.css").read_text("utf-8")
    return "\n".join(line.strip() for line in (shared + own + _OWN_STYLE).splitlines() if line.strip())


@lru_cache(maxsize=1)
def build_verifier() -> bytes:
    """The file. Raises ValueError where it became larger than a stick's or a mail's worth (:data:`MOST_BYTES`)."""
    page = read_scripts(_HERE, "page")
    views = read_scripts("yinxin.verification_page", "static")
    shared = {name: views[name] for name in _SHARED_VIEW}
    # In the order that packs best: what is alike stands together
    carried = {"style": _style(), "page": bundle(page | shared, "offline_page"), "verifier": verifier_script(), "given": _given()}
    packed = zlib.compress(json.dumps(carried, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    loader = stripped(page["loader"])
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(_HERE, "page"), PackageLoader("service_kit.page_frame")]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    written = environment.get_template("offline.html").render(
        loader=Markup(loader),  # noqa: S704 - our own script, from this package
        loader_hash=base64.b64encode(sha256(loader.encode()).digest()).decode("ascii"),
        holder_fields=HOLDER_FIELDS,
        packed=Markup(base64.b85encode(packed).decode("ascii")),  # noqa: S704 - within a script element nothing is escaped, and no digit ends it
        version=program_version(),
    )
    content = written.encode()
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content)} bytes, more than {MOST_BYTES}")
    return content


def main() -> None:
    """Write the file and print its digests."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else FILE_NAME)
    content = build_verifier()
    path.write_bytes(content)
    print(f"{path}: {len(content)} bytes\nSHA-256 {sha256(content).hexdigest()}\nSM3     {sm3(content).hex()}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
