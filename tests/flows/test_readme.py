"""What the README tells a newcomer to type is typed here, as it stands, against a served demonstration."""

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
from tests.deployments import free_port, unmeasured
from tests.optional import PROJECT, need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

READMES = ("README.md", "README.zh-CN.md")


def code_blocks(readme: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (PROJECT / readme).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder as after ``make demo``: ``.venv``, ``demo-data`` and a running server; with what was printed."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(sys.prefix)
    yinxin = str(folder / ".venv" / "bin" / "yinxin")
    printed = subprocess.run(
        [yinxin, "demo", "--dir", "demo-data", "--no-serve", "--json"], cwd=folder, env=unmeasured(), capture_output=True, check=True
    )
    facts: dict[str, str] = json.loads(printed.stdout)
    port = free_port()
    facts["base_url"] = f"http://127.0.0.1:{port}"
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [yinxin, "serve", "--dir", "demo-data", "--port", str(port)], cwd=folder, env=unmeasured(), stdout=log, stderr=log
        )
        try:
            for _ in range(300):
                try:
                    if httpx.get(f"{facts['base_url']}/readyz", timeout=2).status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield folder, facts
        finally:
            server.terminate()
            server.wait(timeout=30)


def run(command: str, folder: Path, facts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    names = {"CLIENT_ID": "client_id", "CLIENT_SECRET": "client_secret", "BASE_URL": "base_url", "SEAL_ID": "seal_id"}
    environment = os.environ | {name: facts[key] for name, key in names.items()}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("readme", READMES)
def test_the_first_block_names_the_two_commands(readme: str) -> None:
    targets = re.findall(r"^make (\w+)", code_blocks(readme)[0], re.MULTILINE)
    assert targets == ["demo", "test"]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("readme", READMES)
def test_the_verify_command_says_valid_and_invalid(readme: str, newcomer: tuple[Path, dict[str, str]]) -> None:
    folder, facts = newcomer
    answer = run(code_blocks(readme)[1], folder, facts)
    assert answer.returncode == 1, answer.stderr  # one of the two is invalid
    forged, sealed = (answer.stdout.index(name) for name in ("forged.pdf", "sealed.pdf"))
    verdicts = list(re.findall(r"✔ VALID|✘ INVALID", answer.stdout))[::2]
    assert verdicts == (["✔ VALID", "✘ INVALID"] if sealed < forged else ["✘ INVALID", "✔ VALID"])


@pytest.mark.parametrize("readme", READMES)
def test_the_curl_lines_seal_a_document_of_ones_own(readme: str, newcomer: tuple[Path, dict[str, str]]) -> None:
    need_program("curl")
    folder, facts = newcomer
    contract, sealed = folder / "contract.pdf", folder / "contract.sealed.pdf"
    contract.write_bytes(Path(facts["original_pdf"]).read_bytes())
    sealed.unlink(missing_ok=True)
    answer = run(code_blocks(readme)[2], folder, facts)
    assert answer.returncode == 0, answer.stderr
    result = sealed.read_bytes()
    assert result.startswith(contract.read_bytes())
    report = verify_file(result, read_trust_list(Path(facts["trust"]).read_bytes()), datetime.now(UTC))
    assert report.verdict is Verdict.VALID, report
