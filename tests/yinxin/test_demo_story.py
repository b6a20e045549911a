"""What fills the demonstration's pages: everybody, every state and every kind of record; made once, finished where it was cut off, then left alone."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from crypto.report import Outcome, Verdict
from crypto.trust_list import read_trust_list
from idp.credentials.one_time_codes import STEP_SECONDS
from licence_vault.actions.finish_issue import finish_issue
from standards.errors import Kind, TrustError
from tests.deployments import yinxin
from yinxin.command_line import app
from yinxin.demo import licence_history, people, story, webhook
from yinxin.demo.document import ORGANISATION
from yinxin.demo.prepare import CREDIT_CODE, Demo, prepare_demo
from yinxin.demo.webhook import RECEIVER_URL
from yinxin.file_verdicts import verify_any_file

if TYPE_CHECKING:
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord

ONE_OF_EACH = {
    "SELECT purpose, state FROM seal_seals": {
        ("演示专用章", "active"),
        ("演示停用章", "frozen"),
        ("合同专用章", "active"),
        ("业务专用章", "frozen"),
        ("行政审批专用章", "expired"),
        ("旧版公章", "cancelled"),
        ("法定代表人名章", "issued"),
    },
    "SELECT purpose, kind, state FROM seal_applications WHERE state != 'carried-out'": {
        ("发票专用章", "new", "reviewed"),
        ("财务专用章", "new", "applied"),
        ("会议专用章", "new", "rejected"),
        ("合同业务专用章", "change", "applied"),
    },
    "SELECT DISTINCT state FROM licence_licences": {("issued",), ("expired",), ("revoked",), ("suspended",)},
    "SELECT substr(code, -3), state FROM licence_types": {
        ("902", "published"),
        ("904", "published"),
        ("905", "published"),
        ("907", "published"),
        ("908", "draft"),
        ("909", "in_review"),
    },
    "SELECT state, count(*) FROM licence_batch_rows GROUP BY state": {("issued", 2), ("failed", 2)},
    "SELECT DISTINCT action FROM licence_uses WHERE outcome = 'done'": {
        ("code_granted",),
        ("queried",),
        ("showing_opened",),
        ("showing_scanned",),
        ("showing_agreed",),
        ("shown",),
        ("copied",),
        ("downloaded",),  # by its clerk
    },
    "SELECT code, times FROM seal_refusals": {("SEAL_NOT_ACTIVE", 1)},
    "SELECT doubt, state FROM idp_identity_conflicts": {("not_trusted", "open")},
    "SELECT url, status FROM kit_webhook_endpoints": {(RECEIVER_URL, "disabled")},
    "SELECT DISTINCT status FROM kit_webhook_deliveries": {("delivered",), ("pending",)},
    "SELECT role, count(*) FROM kit_role_holders GROUP BY role": {("system", 1), ("security", 1), ("audit", 1)},
    "SELECT count(*) FROM licence_copies": {(1,)},
    "SELECT count(*) FROM licence_entrustments": {(1,)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("story") / "deployment"


@pytest.fixture(scope="module")
def made(folder: Path) -> Demo:
    """Made in two goes: the first has no typeface for the bilingual licence, and is cut off at the copy, behind which nothing is made yet."""
    refused: list[str] = []

    def without_typeface(means: IssuingMeans, record: LicenceRecord) -> LicenceRecord:
        if record.type_code.endswith(licence_history.PASTURE):
            refused.append(record.id)
            raise TrustError(Kind.UNACCEPTABLE, "GLYPH_MISSING")
        return finish_issue(means, record)

    def cut_off(*_: object, **__: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "CUT_OFF")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(licence_history, "finish_issue", without_typeface)
        patched.setattr(licence_history, "copy_own_licence", cut_off)
        with pytest.raises(TrustError, match="CUT_OFF"):
            prepare_demo(folder)
    assert len(refused) == 1
    return prepare_demo(folder)


def rows(folder: Path, statement: str) -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as connection:
        return set(connection.execute(statement).fetchall())


@pytest.mark.parametrize("statement", ONE_OF_EACH)
def test_there_is_one_of_each(made: Demo, folder: Path, statement: str) -> None:
    assert made.accounts
    assert rows(folder, statement) == ONE_OF_EACH[statement]


def test_the_receiver_is_never_in_for_one_message_however_often_it_comes() -> None:
    with webhook._receiver() as url:
        answers = [
            httpx.post(url, headers={"webhook-id": each}, content=b"{}").status_code for each in ("one", "two", "one", "three", "one")
        ]
    assert answers == [503, 204, 503, 204, 503]


def test_samples_are_what_they_are_called(made: Demo) -> None:
    trust, now = read_trust_list(Path(made.trust).read_bytes()), datetime.now(UTC)

    def look(path: str) -> tuple[Verdict, set[str]]:
        report = verify_any_file(Path(path).read_bytes(), trust, now)
        return report.verdict, {step.code for question in report.questions for step in question.steps if step.outcome is Outcome.FAIL}

    assert look(made.licence_pdf) == (Verdict.VALID, set())
    assert look(made.expired_licence_pdf) == (Verdict.INVALID, {"LICENCE_EXPIRED"})
    assert look(made.revoked_licence_pdf)[0] is Verdict.INVALID
    assert look(made.forged_pdf)[0] is Verdict.INVALID


def test_who_holds_a_licence_is_asked_at_the_terminal(made: Demo) -> None:
    name, code, other = ORGANISATION, CREDIT_CODE, "91150700MA0N000012"
    for document, asked, status in (
        (made.licence_pdf, (name, code), 0),
        (made.licence_ofd, (name, code), 0),
        (made.licence_pdf, (name, other), 1),
        (made.licence_ofd, ("别人", code), 1),
        (made.sealed_pdf, (name, code), 2),  # no licence: it does not say who holds it
    ):
        wish = ["--holder-name", asked[0], "--holder-code", asked[1], "--json"]
        result = CliRunner().invoke(app, ["verify", document, "--trust", made.trust, *wish])
        assert result.exit_code == status, result.output
    for half in ("--holder-name", "--holder-code"):
        assert CliRunner().invoke(app, ["verify", made.licence_pdf, half, name]).exit_code == 64
    for unclear in (("", code), (name, " "), ("名" * 201, code), (name, "9" * 65)):
        wish = ["--holder-name", unclear[0], "--holder-code", unclear[1]]
        assert CliRunner().invoke(app, ["verify", made.licence_pdf, "--trust", made.trust, *wish]).exit_code == 64


def test_everybody_has_a_password_of_this_deployment_and_administrators_a_second_factor(made: Demo, folder: Path) -> None:
    kept = folder / people.FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    told = json.loads(kept.read_text(encoding="utf-8"))
    assert {each.login for each in made.accounts} == set(told) == {part.login for part in people.PARTS}
    assert len({each.password for each in made.accounts} | {made.demo_password}) == len(people.PARTS) + 1
    roles = {part.login for part in people.PARTS if part.role is not None}
    assert {each.login for each in made.accounts if each.totp_secret} == roles
    two = "SELECT count(*) FROM idp_accounts WHERE needs_two_factors"
    assert rows(folder, two) == {(len(roles),)}


def test_the_present_code_is_told_for_administrators_of_a_demonstration_alone(made: Demo, folder: Path, tmp_path: Path) -> None:
    at = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    code = people.present_code(folder / people.FILE, "operator", at)
    assert len(code) == 6
    assert code.isdecimal()
    assert code != people.present_code(folder / people.FILE, "operator", datetime.fromtimestamp(at.timestamp() + 7 * STEP_SECONDS, UTC))
    assert yinxin("demo", "--dir", str(folder), "--code", "operator").stdout.strip().isdecimal()
    refused = yinxin("demo", "--dir", str(folder), "--code", "maker", check=False)
    assert "DEMO_CODE_UNKNOWN" in refused.stderr
    assert "DEPLOYMENT_MISSING" in yinxin("demo", "--dir", str(tmp_path), "--code", "operator", check=False).stderr
    with pytest.raises(TrustError, match="DEMO_CODE_UNKNOWN"):
        people.present_code(tmp_path / "none.json", "operator", at)


def test_what_a_reader_changed_stays(made: Demo, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "yinxin.sqlite3", isolation_level=None)) as connection:
        dismissed = connection.execute("SELECT * FROM kit_role_holders WHERE role = 'audit'").fetchone()
        counted = "SELECT (SELECT count(*) FROM seal_history), (SELECT count(*) FROM licence_licences), (SELECT count(*) FROM licence_uses)"
        before = connection.execute(counted).fetchone()
        connection.execute("DELETE FROM kit_role_holders WHERE role = 'audit'")
        try:
            again = prepare_demo(folder)
            assert asdict(again) == asdict(made)
            assert connection.execute("SELECT count(*) FROM kit_role_holders WHERE role = 'audit'").fetchone() == (0,)
            assert connection.execute(counted).fetchone() == before
        finally:
            connection.execute("INSERT INTO kit_role_holders VALUES (?, ?, ?, ?, ?, ?)", dismissed)


def test_links_and_accounts_are_printed_last(made: Demo, folder: Path) -> None:
    printed = yinxin("demo", "--dir", str(folder), "--no-serve").stdout.rstrip().splitlines()
    links = printed[-3:]
    assert made.console_url in links[0]
    assert links[1].endswith("/v#sample-licence.pdf")
    assert links[2].endswith("/v#sample-forged.pdf")
    for each in made.accounts:
        assert any(each.login in line and each.password in line for line in printed)
    assert story.is_told(folder)
