"""``yinxin demo``: one command to a sealed PDF and a forged copy; again the same; whatever was cut off is finished."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pypdfium2
import pytest

from crypto.report import Outcome, Verdict
from crypto.trust_list import read_trust_list
from seal_service.verify import verify_file
from service_kit.clock import SystemClock
from standards.errors import TrustError
from tests.deployments import START_SECONDS, free_port, yinxin
from tests.flows.served import YINXIN
from yinxin.demo import prepare
from yinxin.demo.document import FORGED_AMOUNT, SEAL_KEYWORD, TRUE_AMOUNT, draw_document
from yinxin.demo.forgery import forge_amount
from yinxin.demo.prepare import Demo, prepare_demo, write_demo
from yinxin.folder_lock import alone_in
from yinxin.initialise import initialise

MEMBERS = [
    "dir",
    "base_url",
    "trust",
    "original_pdf",
    "sealed_pdf",
    "forged_pdf",
    "licence_pdf",
    "licence_ofd",
    "revoked_licence_pdf",
    "licence_number",
    "seal_id",
    "client_id",
    "client_secret",
    "demo_user",
    "demo_password",
    "issuer",
    "rp_client_id",
    "rp_client_secret",
    "rp_redirect_uri",
    "upstream_simulator_url",
    "console_url",
    "verify_url",
    "offline_verifier",
    "trust_bundle",
    "expired_licence_pdf",
    "accounts",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "deployment"


@pytest.fixture(scope="module")
def made(folder: Path) -> Demo:
    return prepare_demo(folder, is_small=True)


def verdict(made: Demo, path: str) -> Any:
    return verify_file(Path(path).read_bytes(), read_trust_list(Path(made.trust).read_bytes()), datetime.now(UTC))


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        page = document[0]
        text = page.get_textpage()
        try:
            return str(text.get_text_bounded())
        finally:
            text.close()
            page.close()
    finally:
        document.close()


def test_the_sealed_document_is_valid_and_the_forged_copy_is_found_out(made: Demo) -> None:
    assert [field.name for field in fields(Demo)] == list(write_demo(made)) == MEMBERS
    sealed, forged = verdict(made, made.sealed_pdf), verdict(made, made.forged_pdf)
    assert (sealed.verdict, sealed.tampered) == (Verdict.VALID, False)
    assert (forged.verdict, forged.tampered) == (Verdict.INVALID, True)
    assert [step.code for step in forged.signatures[0].steps if step.outcome is Outcome.FAIL] == ["PDF_PAGE_CHANGED"]
    assert Path(made.sealed_pdf).read_bytes().startswith(Path(made.original_pdf).read_bytes())
    assert Path(made.forged_pdf).read_bytes().startswith(Path(made.sealed_pdf).read_bytes())
    assert TRUE_AMOUNT in text_of(Path(made.sealed_pdf).read_bytes())
    assert FORGED_AMOUNT in text_of(Path(made.forged_pdf).read_bytes())


def test_what_licences_say_is_nowhere_in_the_clear(made: Demo, folder: Path) -> None:
    """Not even as the result that the seal service keeps of other documents: what is erased would still be there."""
    licence = Path(made.licence_pdf).read_bytes()
    with pikepdf.open(io.BytesIO(licence)) as pdf:
        said = pdf.attachments["licence.json"].get_file().read_bytes()
    salt = json.loads(said)["salt"].encode()
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.parent.name != "demo"]
    assert len(kept) > 20
    assert not any(licence[:200] in each or salt in each or said in each for each in kept)


def test_a_second_run_gives_the_same_and_leaves_the_documents(made: Demo, folder: Path) -> None:
    before = {path: Path(path).read_bytes() for path in (made.original_pdf, made.sealed_pdf, made.forged_pdf)}
    assert prepare_demo(folder, is_small=True) == made
    assert {path: Path(path).read_bytes() for path in before} == before


def test_what_is_missing_is_made_again(made: Demo, folder: Path) -> None:
    for path in (made.original_pdf, made.sealed_pdf, made.forged_pdf, made.trust):
        Path(path).unlink()
    assert prepare_demo(folder, is_small=True) == made
    assert verdict(made, made.sealed_pdf).verdict is Verdict.VALID
    Path(made.sealed_pdf).write_bytes(b"damaged")
    assert prepare_demo(folder, is_small=True) == made
    assert verdict(made, made.sealed_pdf).verdict is Verdict.VALID
    assert verdict(made, made.forged_pdf).verdict is Verdict.INVALID


def test_a_lost_secret_is_replaced_and_an_ended_seal_too(tmp_path: Path) -> None:
    folder = tmp_path / "deployment"
    first = prepare_demo(folder, is_small=True)
    (folder / prepare.CLIENT_FILE).unlink()
    second = prepare_demo(folder, is_small=True)
    assert second.client_secret != first.client_secret
    assert (second.client_id, second.seal_id) == (first.client_id, first.seal_id)
    import sqlite3

    with sqlite3.connect(folder / "yinxin.sqlite3") as connection:
        connection.execute("UPDATE seal_seals SET state = 'frozen'")
    connection.close()
    assert prepare_demo(folder, is_small=True).seal_id != first.seal_id


def test_revocation_lists_that_expire_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deployment"
    first = prepare_demo(folder, is_small=True)
    before = read_trust_list(Path(first.trust).read_bytes()).crls
    later = datetime.now(UTC) + timedelta(days=5)

    monkeypatch.setattr(SystemClock, "now", lambda _clock: later)
    second = prepare_demo(folder, is_small=True)
    assert read_trust_list(Path(second.trust).read_bytes()).crls != before
    report = verify_file(Path(second.sealed_pdf).read_bytes(), read_trust_list(Path(second.trust).read_bytes()), later)
    assert report.verdict is Verdict.VALID


def test_secrets_are_for_their_owner_only(made: Demo, folder: Path) -> None:
    assert stat.S_IMODE((folder / prepare.CLIENT_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    assert json.loads((folder / prepare.CLIENT_FILE).read_text())["client_secret"] == made.client_secret


def test_a_real_deployment_stays_untouched(tmp_path: Path) -> None:
    initialise(tmp_path / "real", organisation="Real")
    with pytest.raises(TrustError) as refused:
        prepare_demo(tmp_path / "real")
    assert refused.value.code == "DEMO_FOLDER_TAKEN"
    assert not (tmp_path / "real" / "demo").exists()
    assert yinxin("demo", "--dir", str(tmp_path / "real"), "--no-serve", check=False).returncode == 64


def test_two_at_once_do_not_meet(made: Demo, folder: Path) -> None:
    with alone_in(folder, prepare.LOCK_FILE, code="UNUSED"), pytest.raises(TrustError) as refused:
        prepare_demo(folder, is_small=True)
    assert refused.value.code == "DEMO_IN_PROGRESS"


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2, 1.6, 2.0])
def test_killed_at_any_moment_the_next_run_finishes(tmp_path: Path, seconds: float) -> None:
    folder = tmp_path / "deployment"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YINXIN_", "COVERAGE_"))}
    with subprocess.Popen(
        [*YINXIN, "demo", "--dir", str(folder), "--no-serve", "--small"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
    made = prepare_demo(folder, is_small=True)
    assert verdict(made, made.sealed_pdf).verdict is Verdict.VALID
    assert verdict(made, made.forged_pdf).verdict is Verdict.INVALID


def test_a_busy_port_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: object) -> None:
        raise AssertionError("it serves")

    monkeypatch.setattr("yinxin.server.serve", serve)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = yinxin("demo", "--dir", str(tmp_path / "deployment"), "--port", str(port), check=False)
        assert done.returncode == 69
        assert "PORT_BUSY" in done.stderr
        assert str(port) in done.stderr
        assert "--port" in done.stderr
        assert not (tmp_path / "deployment").exists()


def sign_in_by_the_simulator(base_url: str) -> None:
    """A reader's first steps: sign in through the simulated upstream, over real sockets."""
    with httpx.Client(base_url=base_url, follow_redirects=True, timeout=20, headers={"accept-language": "en"}) as browser:
        page = browser.get("/links").text
        button = re.search(r'href="(/sign-in/[^"]+/upstream/simulator)"', page)
        assert button, page
        page = browser.get(button[1]).text
        assert "Simulated upstream" in page
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
        page = browser.post("/upstream-simulator/authorize", data={**fields, "subject": "sim-2", "misbehaviour": ""}).text
        assert "模拟乙" in page
        assert "Linked" in page


@pytest.fixture(scope="module")
def made_by_command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command makes a demonstration when it comes first, and serves the same one when it comes again."""
    return tmp_path_factory.mktemp("demo") / "deployment"


@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_the_command_makes_prints_and_serves(tmp_path: Path, made_by_command: Path, locale: str) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINXIN_")} | {"LC_ALL": locale}
    arguments = ["demo", "--small", "--dir", str(made_by_command), "--port", str(port), "--host", "127.0.0.1"]
    if locale == "C.UTF-8":
        arguments.append("--json")
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen([*YINXIN, *arguments], stdout=subprocess.PIPE, stderr=log, env=environment) as process,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:
                assert process.poll() is None, (tmp_path / "log").read_text()
                with suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                        break
                time.sleep(0.1)
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=20).status_code == 200
            if locale == "C.UTF-8":
                sign_in_by_the_simulator(f"http://127.0.0.1:{port}")
        finally:
            process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=60)
    if locale == "C.UTF-8":
        answer = json.loads(told)
        assert list(answer) == MEMBERS
        assert answer["base_url"] == f"http://127.0.0.1:{port}"
        assert answer["upstream_simulator_url"] == f"http://127.0.0.1:{port}/upstream-simulator"
    else:
        assert "伪造副本" in told.decode()
        assert "yinxin verify --trust" in told.decode()


def test_the_document_has_every_glyph_and_the_same_bytes_each_time() -> None:
    content = draw_document()
    assert content == draw_document()
    assert SEAL_KEYWORD in text_of(content)
    with pikepdf.open(io.BytesIO(content)) as document:
        assert len(document.pages) == 1
        [font] = [font for font in document.pages[0].Resources.Font.values() if "/FontDescriptor" in font]
        assert "Regular" in str(font.FontDescriptor.FontName)


def test_only_the_demonstration_can_be_forged_for_show() -> None:
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page()
        page.Contents = pikepdf.Array([document.make_stream(b"")])
        document.save(out)
    with pytest.raises(TrustError) as refused:
        forge_amount(out.getvalue())
    assert refused.value.code == "DEMO_NOT_FORGEABLE"
