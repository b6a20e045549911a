"""``yinxin verify``: verdicts, exit statuses and the JSON shape, with no deployment anywhere near."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from crypto.report import Question, Report, Said, SignatureReport, Verdict, not_checked, passed
from crypto.trust_list import write_trust_list
from seal_service.pdf.seal import seal_pdf
from tests.deployments import yinxin
from tests.flows.served import YINXIN
from tests.pki import DemoPki
from yinxin import command_line
from yinxin.commands import verify_command
from yinxin.commands.reader_language import language_of_reader
from yinxin.commands.verdict_display import show_verdict
from yinxin.demo.document import draw_document
from yinxin.demo.forgery import forge_amount

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture


class Files:
    """A sealed file, a forged one, an unsealed one, no PDF, and whom to trust."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        pki = DemoPki.create(now)
        document = draw_document()
        sealed = seal_pdf(document, signer=pki.seal_signer, certificate=pki.seal, chain=pki.chain, signed_at=now - timedelta(minutes=1))
        self.sealed = self._put(folder / "sealed.pdf", sealed)
        self.forged = self._put(folder / "forged.pdf", forge_amount(sealed))
        self.unsealed = self._put(folder / "unsealed.pdf", document)
        self.other = self._put(folder / "other.txt", b"no document of any kind")
        self.trust = self._put(folder / "trust.json", write_trust_list(pki.trust_list()))
        self.folder = folder / "trusted"
        self.folder.mkdir()
        self._put(self.folder / "root.cer", pki.root.certificate.der)
        for number, crl in enumerate(pki.crls()):
            self._put(self.folder / f"list{number}.crl", crl)

    @staticmethod
    def _put(path: Path, content: bytes) -> Path:
        path.write_bytes(content)
        return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("verify"))


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit status of the command in this process."""
    monkeypatch.setattr(sys, "argv", ["yinxin", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def verdicts(capsys: CaptureFixture[str]) -> list[dict[str, Any]]:
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["files"]
    return list(answer["files"])


def test_exit_status_tells_the_worst(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = ("--trust", files.trust)
    assert run(monkeypatch, "verify", files.sealed, *trust) == 0
    assert run(monkeypatch, "verify", files.sealed, files.sealed, *trust) == 0
    assert run(monkeypatch, "verify", files.sealed) == 2
    assert run(monkeypatch, "verify", files.sealed, files.unsealed, *trust) == 2
    assert run(monkeypatch, "verify", files.other, *trust) == 2
    assert run(monkeypatch, "verify", files.sealed, files.forged, files.unsealed, *trust) == 1
    assert run(monkeypatch, "verify", files.sealed, files.forged.parent / "absent.pdf", *trust) == 64
    assert run(monkeypatch, "verify", files.forged.parent, *trust) == 64
    assert run(monkeypatch, "verify", "--no-such-option", files.sealed) == 64
    assert run(monkeypatch, "verify") == 64


def test_the_json_has_exactly_the_promised_shape(files: Files, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]) -> None:
    assert run(monkeypatch, "verify", files.sealed, files.forged, files.other, "--trust", files.trust, "--json") == 1
    sealed, forged, other = verdicts(capsys)
    for file in (sealed, forged):
        assert list(file) == ["file", "verdict", "tampered", "signatures"]
    assert list(other) == ["file", "verdict", "tampered", "signatures", "steps"], "what there is to say of the file as a whole"
    assert all(list(step) == ["code", "outcome", "clause", "detail"] for step in other["steps"])
    assert (sealed["file"], sealed["verdict"], sealed["tampered"]) == (str(files.sealed), "valid", False)
    assert (forged["verdict"], forged["tampered"]) == ("invalid", True)
    assert (other["verdict"], other["tampered"], other["signatures"]) == ("indeterminate", None, [])
    [signature] = sealed["signatures"]
    assert list(signature) == [
        "name",
        "kind",
        "verdict",
        "cryptographically_valid",
        "document_intact",
        "trusted",
        "signer",
        "signed_at",
        "steps",
    ]
    assert (signature["verdict"], signature["cryptographically_valid"], signature["document_intact"], signature["trusted"]) == (
        "valid",
        *[True] * 3,
    )
    assert datetime.fromisoformat(signature["signed_at"]).tzinfo is not None
    for step in signature["steps"]:
        assert list(step) == ["code", "outcome", "clause", "detail"]
        assert all(isinstance(value, str) for value in step.values())
    assert [step["code"] for step in forged["signatures"][0]["steps"] if step["outcome"] == "fail"] == ["PDF_PAGE_CHANGED"]


def test_without_an_anchor_a_sound_signature_is_undecided(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "verify", files.sealed, "--json") == 2
    [file] = verdicts(capsys)
    assert (file["verdict"], file["tampered"]) == ("indeterminate", False)
    [signature] = file["signatures"]
    assert (signature["cryptographically_valid"], signature["document_intact"], signature["trusted"]) == (True, True, None)


@pytest.mark.parametrize(("variable", "code"), [("YINXIN_LIBCRYPTO_PATH", "_MISSING"), ("YINXIN_SM2_PROVIDER", "_UNKNOWN")])
def test_a_machine_without_sm2_is_said_to_be_so(files: Files, variable: str, code: str) -> None:
    """The verdict is that nothing can be told; that it is the machine's fault and not the file's stands beside it."""
    command = [*YINXIN, "verify", str(files.sealed), "--trust", str(files.trust), "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, variable: "/nowhere/no-such-library", "LC_ALL": "C"}
    )
    assert (done.returncode, json.loads(done.stdout)["files"][0]["verdict"]) == (2, "indeterminate")
    assert f"[CRYPTO_PROVIDER{code}" in done.stderr


def test_trust_may_be_a_list_a_folder_or_a_certificate(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "verify", files.sealed, "--trust", files.folder) == 0
    assert run(monkeypatch, "verify", files.sealed, "--trust", files.folder / "root.cer") == 2  # no revocation lists
    unnamed = files.folder.parent / "root"
    unnamed.write_bytes((files.folder / "root.cer").read_bytes())
    assert run(monkeypatch, "verify", files.sealed, "--trust", unnamed) == 2


def test_the_time_to_judge_at(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = ("--trust", files.trust)
    assert run(monkeypatch, "verify", files.sealed, *trust, "--at", datetime.now(UTC).isoformat()) == 0
    assert run(monkeypatch, "verify", files.sealed, *trust, "--at", datetime.now(UTC).astimezone().replace(tzinfo=None).isoformat()) == 0
    for outside in ("2001-01-01", "0001-01-02T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        assert run(monkeypatch, "verify", files.sealed, *trust, "--at", outside) in {1, 2}
    for bad in ("soon", "0001-01-01T00:00:00+14:00"):
        assert run(monkeypatch, "verify", files.sealed, *trust, "--at", bad) == 64


@pytest.mark.parametrize("content", [b"{", b"{}", b"no certificate", b""])
def test_an_unusable_trust_list_is_a_usage_error(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    path = tmp_path / "trust"
    path.write_bytes(content)
    assert run(monkeypatch, "verify", files.sealed, "--trust", path) == 64
    assert run(monkeypatch, "verify", files.sealed, "--trust", tmp_path / "absent") == 64
    assert run(monkeypatch, "verify", files.sealed, "--trust", tmp_path) == 64  # a folder with nothing to trust in it


def test_what_is_too_large_is_undecided_or_refused(files: Files, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]) -> None:
    monkeypatch.setattr(verify_command, "FILE_BYTES", 100)
    assert run(monkeypatch, "verify", files.sealed, "--json") == 2
    assert verdicts(capsys)[0]["verdict"] == "indeterminate"
    monkeypatch.setattr(verify_command, "TRUST_FILE_BYTES", 100)
    assert run(monkeypatch, "verify", files.sealed, "--trust", files.trust) == 64
    monkeypatch.setattr(verify_command, "TRUST_FILES", 1)
    assert run(monkeypatch, "verify", files.sealed, "--trust", files.folder) == 64


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("TRUST_FILES", 1, "more than 1 files"),
        ("TRUST_ENTRIES", 1, "more than 1 entries"),
        ("TRUST_BYTES", 100, "more than 100 bytes"),
        ("TRUST_FILE_BYTES", 100, "larger than 100 bytes"),
    ],
)
def test_each_limit_of_a_trust_folder_is_said(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str], limit: str, value: int, words: str
) -> None:
    monkeypatch.setattr(verify_command, limit, value)
    assert run(monkeypatch, "verify", files.sealed, "--trust", files.folder) == 64
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("locale", "sealed", "forged", "unsealed"),
    [("C.UTF-8", "VALID", "changed after it was sealed", "No seal was found"), ("zh_CN.UTF-8", "有效", "盖章后被改动", "没有找到签章")],
)
def test_people_are_told_in_their_language(
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    capsys: CaptureFixture[str],
    locale: str,
    sealed: str,
    forged: str,
    unsealed: str,
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    run(monkeypatch, "verify", files.sealed, files.forged, files.unsealed, "--trust", files.trust)
    shown = capsys.readouterr().out
    assert sealed in shown
    assert forged in shown
    assert unsealed in shown
    assert {"✔", "✘", "?"} <= set(shown)


def test_a_hostile_file_name_neither_vanishes_nor_commands_the_terminal(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    path = tmp_path / "[red]x[bold]\x1b[2J\u202e.pdf"
    path.write_bytes(files.other.read_bytes())
    run(monkeypatch, "verify", path)
    shown = "".join(capsys.readouterr().out.translate({ord("│"): None, ord(" "): None}).split())
    assert "[red]x[bold]\ufffd[2J\ufffd.pdf" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LC_ALL": ""}, "en"),
    ],
)
def test_the_locale_decides_the_language(environment: dict[str, str], language: str) -> None:
    assert language_of_reader(environment) == language


# The peak of this program alone: what wait4 tells includes the parent's memory from before the new program was loaded.
MEASURED = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: sys.stderr.write(next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")) + "\\n"))
"""


def test_it_needs_no_network_no_database_and_little_time_and_memory(files: Files) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            MEASURED + YINXIN[2],
            "verify",
            str(files.sealed),
            "--trust",
            str(files.trust),
            "--json",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    told = process.stderr
    assert process.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert not imported & {
        "sqlalchemy",
        "fastapi",
        "starlette",
        "uvicorn",
        "httpx",
        "alembic",
        "reportlab",
        "fontTools",
        "pypdfium2",
        "rich",
    }
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE)
    assert peak is not None
    assert int(peak[1]) < 300 * 1024


def test_an_empty_file_is_undecided(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert yinxin("verify", str(empty), check=False).returncode == 2


def test_the_verdict_on_a_report_without_signatures_counts(files: Files) -> None:
    one = verify_command.verify_path(files.unsealed, verify_command.load_known(None).trust, datetime.now(UTC))
    assert verify_command.exit_status([one.report.verdict.value], was_unreadable=False) == 2
    assert verify_command.exit_status([], was_unreadable=True) == 64


@pytest.mark.parametrize(("language", "age"), [("en", "issued 7200 seconds before"), ("zh", "7200 秒前发布")])
def test_how_old_the_status_is_is_told_where_the_licence_is_in_force_too(language: str, age: str) -> None:
    steps = (passed("LICENCE_IN_FORCE", "x"), passed("STATUS_LIST_FRESH", "x", age_seconds=7200), passed("STATUS_VALID", "x"))
    report = Report(Verdict.VALID, tampered=False, signatures=(), questions=(Question("status", Verdict.VALID, steps),))
    written = io.StringIO()
    show_verdict("licence.pdf", report, language, Console(file=written, width=120))
    assert age in written.getvalue()
    assert "STATUS_VALID" not in written.getvalue(), "passed steps are what a reader expects"


@pytest.mark.parametrize(
    ("language", "holders", "told", "untold"),
    [
        (
            "en",
            ("甲公司", "乙公司"),
            ["Licence: 营业执照", "Number: 〔2026〕1号", "Holder: 甲公司, 乙公司", "Valid: 2026-01-02 to no end"],
            [],
        ),
        (
            "zh",
            ("甲公司",),
            ["证照名称: 营业执照", "持证主体: 甲公司", "有效期: 2026-01-02 至 长期", "颁发机构: 示例局", "证照标识: 1.2.156.3005.2.1"],
            [],
        ),
        ("zh", None, ["证照名称: 营业执照"], ["持证主体"]),
    ],
)
def test_which_licence_it_is_is_told_with_the_verdict(
    language: str, holders: tuple[str, ...] | None, told: list[str], untold: list[str]
) -> None:
    says = Said("1.2.156.3005.2.1", "营业执照", "〔2026〕1号", holders, "示例局", date(2026, 1, 1), date(2026, 1, 2), None)
    shown = io.StringIO()
    show_verdict("a.pdf", Report(Verdict.INVALID, False, (), says=says), language, Console(file=shown, width=120))
    assert all(each in shown.getvalue() for each in told)
    assert not any(each in shown.getvalue() for each in untold)


def test_names_in_a_licence_do_not_command_the_terminal() -> None:
    says = Said("1", "营业\x1b[2J执照", "1", ("\u202e",), "局", date(2026, 1, 1), date(2026, 1, 2), date(2027, 1, 1))
    shown = io.StringIO()
    show_verdict("a.pdf", Report(Verdict.VALID, False, (), says=says), "zh", Console(file=shown, width=120))
    assert "\x1b[2J" not in shown.getvalue()
    assert "\u202e" not in shown.getvalue()


def test_times_are_told_by_the_clock_of_china_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        steps = (
            not_checked("SIG_TIME_IN_FUTURE", "x", claimed_at="2026-11-30T17:00:00Z", at="2026-11-30T16:00:00+00:00"),
            not_checked("SIG_TIME_IN_FUTURE", "x", claimed_at="9999-12-31T23:59:59+00:00", at="2026-99-30T16:00:00Z"),
        )
        sealed = [
            SignatureReport(name, "pdf-cms", Verdict.VALID, True, True, True, "CN=A", at, steps)
            for name, at in (("one", datetime(2026, 11, 30, 16, 30, 1, 5, tzinfo=UTC)), ("late", datetime(9999, 12, 31, 23, tzinfo=UTC)))
        ]
        written = io.StringIO()
        show_verdict("a.pdf", Report(Verdict.INDETERMINATE, False, tuple(sealed)), "en", Console(file=written, width=200))
    finally:
        monkeypatch.undo()
        time.tzset()
    told = written.getvalue()
    assert "Sealed at: 2026-12-01 00:30:01+08:00" in told
    assert "2026-12-01 01:00:00+08:00" in told, "the time that a step names"
    assert "2026-12-01 00:00:00+08:00" in told
    assert "Sealed at: 9999-12-31 23:00:00+00:00" in told, "no later time can be said"
    assert "2026-99-30T16:00:00Z" in told, "digits that are no time"
