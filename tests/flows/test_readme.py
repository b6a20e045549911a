"""What README and tutorials tell a newcomer to type is typed here, all of it, as it stands, against one served demonstration."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from crypto.report import Verdict
from crypto.trust_list import read_trust_list
from seal_service.verify import verify_file
from tests.deployments import START_SECONDS, free_port, unmeasured
from tests.optional import PROJECT, need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = {
    "README.md": "README.zh-CN.md",
    "docs/tutorials/first-call.md": "docs/tutorials/first-call.zh-CN.md",
    "docs/tutorials/first-licence.md": "docs/tutorials/first-licence.zh-CN.md",
    "docs/tutorials/check-a-document.md": "docs/tutorials/check-a-document.zh-CN.md",
}
MAKE = '#!/bin/sh\necho "$@" >> make.log\n'  # what make does is tested elsewhere; here its targets are noted


def code_blocks(name: str) -> list[str]:
    return re.findall(r"```\w*\n(.*?)```", (PROJECT / name).read_text(encoding="utf-8"), re.DOTALL)


def bare(block: str) -> str:
    """Without comments, and in one language."""
    return re.sub(r"\s+#.*|(?<=Accept-Language: )\w+", "", block)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder as after ``make demo``: ``.venv``, ``demo-data`` and a running server; with what was printed."""
    need_program("curl")
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "bin").mkdir()
    (folder / "bin" / "make").write_text(MAKE, encoding="utf-8")
    (folder / "bin" / "make").chmod(0o755)
    yinxin = str(folder / ".venv" / "bin" / "yinxin")
    port = str(free_port())
    printed = subprocess.run(
        [yinxin, "demo", "--dir", "demo-data", "--port", port, "--small", "--no-serve", "--json"],
        cwd=folder,
        env=unmeasured(),
        capture_output=True,
        check=True,
    )
    facts: dict[str, str] = json.loads(printed.stdout)
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen([yinxin, "serve", "--dir", "demo-data"], cwd=folder, env=unmeasured(), stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_ready(facts["base_url"]):
                assert server.poll() is None, (folder / "serve.log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "it does not become ready"
                time.sleep(0.1)
            yield folder, facts
        finally:
            server.terminate()
            server.wait(timeout=30)


def typed(name: str, folder: Path) -> list[str]:
    """Type every block of a document into one shell, in order; the output of each."""
    script = "\n".join(f"printf '\\n=== {number}\\n'\n{block}" for number, block in enumerate(code_blocks(name)))
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**unmeasured(), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    outputs = re.split(r"^=== \d+\n", answer.stdout, flags=re.MULTILINE)[1:]
    assert len(outputs) == len(code_blocks(name))
    return outputs


def assert_valid(sealed: Path, original: Path, facts: dict[str, str]) -> None:
    result = sealed.read_bytes()
    assert result.startswith(original.read_bytes())
    report = verify_file(result, read_trust_list(Path(facts["trust"]).read_bytes()), datetime.now(UTC))
    assert report.verdict is Verdict.VALID, report


@pytest.mark.parametrize("name", DOCUMENTS)
def test_both_languages_tell_the_same_commands(name: str) -> None:
    """So what holds for one of them holds for the other."""
    english, chinese = ([bare(block) for block in code_blocks(each)] for each in (name, DOCUMENTS[name]))
    assert english
    assert english == chinese


def test_the_readme_seals_and_verifies(newcomer: tuple[Path, dict[str, str]]) -> None:
    folder, facts = newcomer
    outputs = typed("README.md", folder)
    targets = (folder / "make.log").read_text(encoding="utf-8").split()
    assert {"demo", "test"} <= set(targets)
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert re.findall(r"✔ VALID|✘ INVALID", outputs[1])[0] == "✔ VALID"
    assert re.findall(r"✔ VALID|✘ INVALID", outputs[2])[0] == "✘ INVALID"
    assert "✔ VALID" in outputs[3]
    assert_valid(folder / "contract.sealed.pdf", Path(facts["original_pdf"]), facts)


def test_the_first_call_succeeds_and_its_error_is_explained(newcomer: tuple[Path, dict[str, str]]) -> None:
    folder, facts = newcomer
    outputs = typed("docs/tutorials/first-call.md", folder)
    assert outputs[1].strip() == facts["base_url"]
    assert json.loads(outputs[3])["scope"] == "seal.use"
    seals = json.loads(outputs[4])["seals"]
    assert facts["seal_id"] in {seal["id"] for seal in seals if seal["state"] == "active"}
    assert "✔ VALID" in outputs[6]
    for report in (json.loads(outputs[7])["files"][0], json.loads(outputs[8])):
        assert report["verdict"] == "valid"
        assert "SEAL_STATUS_OK" in {step["code"] for each in report["signatures"] for step in each["steps"]}
    problem = json.loads(outputs[9])
    assert problem["code"] == "SEAL_NOT_FOUND"
    page = httpx.get(facts["base_url"] + problem["type"], follow_redirects=True, headers={"accept-language": "en"}, timeout=30)
    assert problem["title"] in page.text


def test_the_first_licence_is_issued_checked_and_revoked(newcomer: tuple[Path, dict[str, str]]) -> None:
    folder, _ = newcomer
    outputs = typed("docs/tutorials/first-licence.md", folder)
    assert {"12990000YX0000008K", "11150700MB1234562Q902"} <= set(re.findall(r'"code":"(\w+)"', outputs[1]))
    assert json.loads(outputs[3])["state"] == "issued"
    assert "✔ VALID" in outputs[4]
    problem = json.loads(outputs[5])
    assert problem["code"] == "LICENCE_CONTENT_UNACCEPTABLE"
    assert len(problem["violations"]) == problem["facts"]["broken"] > 1
    tried = json.loads(outputs[6])
    assert (tried["rows"], tried["good"]) == (2, 1)
    assert [(each["number"], each["place"]) for each in tried["problems"]] == [(2, "KZ_format"), (2, "KZ_person")]
    assert "✘ INVALID" in outputs[7]
    assert "[STATUS_INVALID]" in outputs[7]


def test_a_document_is_checked_and_its_changes_are_shown(newcomer: tuple[Path, dict[str, str]]) -> None:
    folder, _ = newcomer
    outputs = typed("docs/tutorials/check-a-document.md", folder)
    assert "✔ VALID" in outputs[0]
    assert "✘ INVALID" in outputs[1]
    assert {"sealed-revision.pdf", "page-1-mask.png"} <= {path.name for path in (folder / "what-changed").iterdir()}
