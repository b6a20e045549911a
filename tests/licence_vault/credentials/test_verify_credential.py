"""Credentials judged without a network: by published keys and status lists at hand, in the program and at the terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.jose import TokenSigner, write_base64url, write_jwk
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer
from licence_vault.credentials.check_credential import DemandedBinding, day_of
from licence_vault.credentials.lanes import LaneName
from licence_vault.model import AskedHolder
from licence_vault.verify_credential import is_credential, read_issuer_keys, verify_credential
from standards.errors import TrustError
from standards.ietf_status_list import JWT_TYPE, deflate, pack
from tests.licence_vault.credentials.wallets import AT, AUDIENCE, BASE, NONCE, issue, issuers_of, key_of, present
from tests.licence_vault.samples import sample_licence
from tests.pki import DemoPki, signer_for
from yinxin.command_line import app
from yinxin.commands import licence_command
from yinxin.commands.verify_command import read_at
from yinxin.demo.document import draw_document
from yinxin.file_verdicts import verify_any_file
from yinxin.offline_verifier.trust_bundle import Knowledge, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

LANE = pytest.mark.parametrize("name", LaneName)
STATUS = sample_licence().status
BINDING = DemandedBinding(AUDIENCE, NONCE)


def trust(
    name: LaneName = LaneName.ES256, status: int = 0, *, expires: int = 3600, signer: str = "lister", subject: str = STATUS.list
) -> TrustList:
    """A trust list with one status list at hand."""
    key = key_of(name, "lister")
    signed_by = key_of(name, signer)
    now = int(AT.timestamp())
    lst = write_base64url(deflate(pack(STATUS.index + 1, 2, [(STATUS.index, status)])))
    claims = {"sub": subject, "iat": now - 60, "exp": now + expires, "ttl": 300, "status_list": {"bits": 2, "lst": lst}}
    key_id = StatusIssuer("", (signed_by.signer.public_spki_der,)).verification_keys()
    token = TokenSigner(signed_by.signer, key_id=next(iter(key_id)), token_type=JWT_TYPE).sign(claims).encode()
    issuers = (StatusIssuer("https://licences.example/", (key.signer.public_spki_der,)),)
    return TrustList(anchors=(), status_issuers=issuers, status_tokens=(token,))


def published(name: LaneName = LaneName.ES256) -> bytes:
    return json.dumps({"issuer": BASE, "jwks": {"keys": [write_jwk(key_of(name, "issuer").public)]}}).encode()


@LANE
@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.VALID),
        ({"status": 1}, Verdict.INVALID),
        ({"status": 2}, Verdict.INVALID),
        ({"status": 3}, Verdict.INVALID),
        ({"expires": -1}, Verdict.INDETERMINATE),
        ({"signer": "stranger"}, Verdict.INDETERMINATE),
        ({"subject": STATUS.list + "1"}, Verdict.INDETERMINATE),
    ],
)
@pytest.mark.clause("IETF token-status-list 8.3")
def test_the_status_lists_at_hand_decide(name: LaneName, given: dict[str, Any], verdict: Verdict) -> None:
    checked = verify_credential(present(issue(name), name), trust(name, **given), issuers_of(name), AT, binding=BINDING)
    assert checked.report.verdict is verdict
    ages = [step.facts["age_seconds"] for step in checked.report.signatures[0].steps if step.code == "STATUS_LIST_FRESH"]
    assert ages == ([] if verdict is Verdict.INDETERMINATE else [60]), (
        "how old the status is that the verdict rests on, and none where there is none"
    )


@LANE
@pytest.mark.parametrize(
    ("days", "show", "code"),
    [
        ({"valid_to": AT.date()}, True, None),
        ({"valid_to": AT.date() - timedelta(days=1)}, True, "LICENCE_EXPIRED"),
        ({"valid_from": AT.date() + timedelta(days=1)}, True, "LICENCE_NOT_YET_VALID"),
        ({"valid_from": date.min, "valid_to": None}, True, None),
        ({"valid_to": AT.date() - timedelta(days=1)}, False, None),
    ],
    ids=["last day", "ended", "not begun", "without end", "not shown"],
)
def test_attack_a_credential_that_outlives_its_licence(name: LaneName, days: dict[str, Any], code: str | None, *, show: bool) -> None:
    """Its issuer lets it run on; the days that it discloses say that the licence does not."""
    text = issue(name, data=sample_licence(**{"valid_from": date(2020, 1, 1), **days}))
    shown = present(text, name, show=lambda claim: show or claim not in {"valid_from", "valid_to"})
    checked = verify_credential(shown, trust(name), issuers_of(name), AT, binding=BINDING)
    assert [step.code for step in checked.report.signatures[0].steps if step.outcome.value == "fail"] == ([] if code is None else [code])
    assert checked.report.verdict is (Verdict.VALID if code is None else Verdict.INVALID)
    status = next(
        each for each in verify_any_file(shown.encode(), trust(name), AT, issuers=issuers_of(name)).questions if each.name == "status"
    )
    assert status.verdict is checked.report.verdict


def test_a_credential_counts_for_as_long_as_clocks_may_differ_and_says_what_it_is_of() -> None:
    for seconds, verdict in ((-29, Verdict.VALID), (-30, Verdict.INVALID), (29, Verdict.VALID)):
        [signature] = verify_credential(
            issue(expires_at=AT + timedelta(seconds=seconds)), trust(), issuers_of(LaneName.ES256), AT
        ).report.signatures
        assert (signature.verdict, signature.document_intact) == (verdict, True)
    assert [day_of(each) for each in ("2026-01-31", "20260131", "2026-W05-6", "2026-02-30", 20260131)] == [date(2026, 1, 31), *[None] * 4]


@LANE
def test_published_keys_are_read_in_both_lanes(name: LaneName) -> None:
    assert read_issuer_keys(published(name)) == issuers_of(name)
    checked = verify_credential(issue(name), TrustList.empty(), read_issuer_keys(published(name)), AT)
    assert checked.report.verdict is Verdict.INDETERMINATE  # without a list nobody knows


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"issuer":1,"jwks":{}}', b'{"issuer":"x"}', b'{"issuer":"x","jwks":[]}', b'{"issuer":"x","jwks":{"keys":1}}'],
)
def test_files_that_are_no_published_keys(data: bytes) -> None:
    with pytest.raises(TrustError, match="CREDENTIAL_KEYS_UNFIT"):
        read_issuer_keys(data)


# ---- as a file among others


def questions(data: bytes, trusted: TrustList, issuers: Any = None) -> tuple[Verdict, dict[str, Verdict]]:
    report = verify_any_file(data, trusted, AT, issuers=issuers)
    return report.verdict, {each.name: each.verdict for each in report.questions}


@LANE
def test_a_credential_is_asked_what_a_licence_file_is_asked(name: LaneName) -> None:
    data = issue(name).encode() + b"\n"
    valid, unknown, invalid = Verdict.VALID, Verdict.INDETERMINATE, Verdict.INVALID
    assert is_credential(data)
    known = {"number": valid, "content": valid, "seal": valid, "status": valid}
    assert questions(data, trust(name), issuers_of(name)) == (valid, known)
    assert questions(data, trust(name, status=1), issuers_of(name)) == (invalid, known | {"status": invalid})
    assert questions(data, TrustList.empty(), issuers_of(name)) == (unknown, known | {"status": unknown})
    stranger = {"content": valid, "seal": unknown, "status": valid}  # what nobody has signed says no number
    assert questions(data, trust(name)) == (unknown, stranger)
    assert questions(data.replace(b"~", b"A~", 1), trust(name), issuers_of(name))[0] is invalid


@pytest.mark.parametrize("identifier", ["1.2.3", 7, None])
def test_the_number_is_asked_where_it_is_said(identifier: object, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verify_credential(issue(), trust(), issuers_of(LaneName.ES256), AT)
    said = replace(checked, claims={"identifier": identifier})
    monkeypatch.setattr("licence_vault.verify_credential.verify_credential", lambda *_: said)
    asked = verify_any_file(issue().encode(), trust(), AT)
    assert [each.verdict for each in asked.questions if each.name == "number"] == ([Verdict.INVALID] if identifier == "1.2.3" else [])
    assert asked.verdict is (Verdict.INVALID if identifier == "1.2.3" else Verdict.VALID)


@LANE
def test_who_holds_it_is_asked_where_that_is_shown(name: LaneName) -> None:
    (holder,) = sample_licence().holders
    whole = issue(name).encode()
    hidden = present(issue(name), name, show=lambda _: False).encode()

    def holder_of(data: bytes, name_: str, code: str, issuers: Any) -> tuple[Verdict, list[tuple[Verdict, str]]]:
        asked = verify_any_file(data, trust(name), AT, issuers=issuers, holder=AskedHolder(name_, code))
        return asked.verdict, [(each.verdict, each.steps[0].code) for each in asked.questions if each.name == "holder"]

    known = issuers_of(name)
    assert holder_of(whole, holder.name, holder.code, known) == (Verdict.VALID, [(Verdict.VALID, "LICENCE_HOLDER_MATCHES")])
    for wrong in ((holder.name, "x"), ("x", holder.code)):
        assert holder_of(whole, *wrong, known) == (Verdict.INVALID, [(Verdict.INVALID, "LICENCE_HOLDER_OTHER")])
    unsaid = (Verdict.INDETERMINATE, [(Verdict.INDETERMINATE, "LICENCE_HOLDER_NOT_SAID")])
    assert holder_of(hidden, holder.name, holder.code, known) == unsaid
    assert holder_of(whole, holder.name, holder.code, {}) == unsaid, "what nobody has signed says nothing of a holder"


@pytest.mark.parametrize("holders", [[], [{"name": "x"}], [{"name": 1, "code": "x"}], {"name": "x", "code": "x"}, ["x"], None])
def test_holders_that_are_not_shown_whole_are_not_believed(holders: object, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = verify_credential(issue(), trust(), issuers_of(LaneName.ES256), AT)
    said = replace(checked, claims={"holders": holders})
    monkeypatch.setattr("licence_vault.verify_credential.verify_credential", lambda *_: said)
    assert verify_any_file(issue().encode(), trust(), AT, holder=AskedHolder("x", "x")).verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("data", [b"", b"a.b.c", b"%PDF-1.7", b"a.b~", b"{}~", b"\xff.b.c~"])
def test_what_is_no_credential_is_none(data: bytes) -> None:
    assert not is_credential(data)


@pytest.mark.parametrize("data", [b"a.b.c~", b"a.b.c~" + b"x" * 200_000, b"a.b.c~\xff", b"eyJ9.eyJ9.a~~~"])
def test_hostile_text_is_never_valid(data: bytes) -> None:
    assert is_credential(data)
    assert questions(data, trust())[0] is Verdict.INVALID


def test_the_command_that_verifies_files_takes_credentials(tmp_path: Path) -> None:
    shown, keys = tmp_path / "shown", tmp_path / "keys.json"
    shown.write_text(issue() + "\n")
    keys.write_bytes(published())

    def told(*arguments: str, language: str = "C") -> Result:
        fixed = ["verify", str(shown), "--at", AT.isoformat()]
        return CliRunner().invoke(app, [*fixed, *arguments], env={"LC_ALL": language})

    said = told("--issuer-keys", str(keys), "--issuer-keys", str(keys), "--json")
    [file] = json.loads(said.stdout)["files"]
    assert (said.exit_code, {each["name"]: each["verdict"] for each in file["questions"]}) == (
        2, {"number": "valid", "content": "valid", "seal": "valid", "status": "indeterminate"},
    )  # fmt: skip
    assert "证照：标识" in told("--issuer-keys", str(keys), language="zh_CN.UTF-8").stdout
    assert told().exit_code == 2
    shown.write_text("a.b.c~")
    assert told().exit_code == 1
    assert told("--issuer-keys", str(tmp_path / "none")).exit_code == 64
    keys.write_bytes(b"{}")
    assert "CREDENTIAL_KEYS_UNFIT" in told("--issuer-keys", str(keys)).stderr


def test_a_trust_bundle_brings_the_keys_of_issuers_along(tmp_path: Path) -> None:
    known = DemoPki.create(AT).trust_list()
    for lane in LaneName:
        known = known.joined_with(trust(lane))
    listed = tuple(json.loads(published(lane)) for lane in LaneName)

    def bundle(*issuers: dict[str, Any]) -> str:
        signers = [signer_for("bundle-issuers", SignatureAlgorithm.SM2_SM3)]
        path = tmp_path / "bundle.json"
        path.write_bytes(write_bundle(Knowledge(known, issuers), [], signers, name="tests", issued_at=AT))
        return str(path)

    shown = tmp_path / "shown"
    for lane in LaneName:
        shown.write_text(issue(lane) + "\n")
        for command in (["verify"], ["licence", "verify-credential"]):

            def told(by: str, command: list[str] = command) -> Result:
                return CliRunner().invoke(app, [*command, str(shown), "--trust", by, "--at", AT.isoformat()])

            assert told(bundle(*listed)).exit_code == 0
            assert told(bundle()).exit_code == 2, "of whom nothing is known, nothing is valid"
            assert told(bundle(*(each | {"issuer": "https://elsewhere.example"} for each in listed))).exit_code == 2
            for unfit in ([{"issuer": BASE}], [listed[0]] * 257):
                assert told(bundle(*unfit)).exit_code == 64


@pytest.mark.parametrize("ahead_seconds", [300, 301])
def test_a_bundle_of_a_later_day_than_the_clock_says_makes_nothing_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_seconds: int
) -> None:
    path, shown, listed = tmp_path / "bundle.json", tmp_path / "shown", (json.loads(published(LaneName.SM2)),)
    signers = [signer_for("bundle-issuers", SignatureAlgorithm.SM2_SM3)]
    issued_at = AT + timedelta(seconds=ahead_seconds)
    path.write_bytes(write_bundle(Knowledge(trust(LaneName.SM2), listed), [], signers, name="tests", issued_at=issued_at))
    shown.write_text(issue(LaneName.SM2) + "\n")
    monkeypatch.setattr(licence_command, "read_at", lambda text: AT if text is None else read_at(text))  # the clock
    asked = ["licence", "verify-credential", str(shown), "--trust", str(path), "--json"]
    told = CliRunner().invoke(app, asked)
    steps = [each["code"] for each in json.loads(told.stdout).get("steps", [])]
    assert (told.exit_code, "TRUST_BUNDLE_FROM_FUTURE" in steps) == ((2, True) if ahead_seconds > 300 else (0, False))
    assert CliRunner().invoke(app, [*asked, "--at", AT.isoformat()]).exit_code == 0, "no clock is asked"


def test_a_bundle_that_knows_issuers_alone_answers_what_they_can(tmp_path: Path) -> None:
    """An issuer's keys say whose words a credential has. Whether it still counts is not known by them, and of seals nothing at all."""
    listed, path, shown = tuple(json.loads(published(lane)) for lane in LaneName), tmp_path / "bundle.json", tmp_path / "shown"

    def told(*command: str, known: TrustList | None = None, issuers: tuple[dict[str, Any], ...] = listed) -> Result:
        written = Knowledge(TrustList.empty() if known is None else known, issuers)
        path.write_bytes(write_bundle(written, [], [signer_for("bundle-issuers", SignatureAlgorithm.SM2_SM3)], name="tests", issued_at=AT))
        return CliRunner().invoke(app, [*command, str(shown), "--trust", str(path), "--at", AT.isoformat(), "--json"])

    for lane in LaneName:
        shown.write_text(issue(lane) + "\n")
        found = told("verify")
        [file] = json.loads(found.stdout)["files"]
        assert (found.exit_code, file["verdict"], {each["name"]: each["verdict"] for each in file["questions"]}) == (
            2, "indeterminate", {"number": "valid", "content": "valid", "seal": "valid", "status": "indeterminate"},
        )  # fmt: skip
        assert told("licence", "verify-credential").exit_code == 2
        assert told("verify", known=trust(lane)).exit_code == 0, "with the status list and who signs it, though no certificate is known"
        assert told("verify", issuers=()).exit_code == 64, "nothing at all"
    shown.write_text("a.b.c~")
    assert told("verify").exit_code == 1
    shown.write_bytes(draw_document())
    assert told("verify").exit_code == 2


# ---- at the terminal


def run(folder: Path, text: str, *arguments: str, keys: bytes | None = None, language: str = "C") -> Result:
    (folder / "shown").write_text(text + "\n")
    (folder / "keys.json").write_bytes(published() if keys is None else keys)
    fixed = ["licence", "verify-credential", str(folder / "shown"), "--keys", str(folder / "keys.json"), "--at", AT.isoformat()]
    return CliRunner().invoke(app, [*fixed, *arguments], env={"LC_ALL": language})


def test_a_program_and_a_person_are_told(tmp_path: Path) -> None:
    bound = ("--audience", AUDIENCE, "--nonce", NONCE)
    told = run(tmp_path, present(issue()), *bound, "--json")
    said = json.loads(told.stdout)
    assert (told.exit_code, said["verdict"], said["claims"]["licence_name"]) == (2, "indeterminate", "示例许可证（样本）")
    assert [each["verdict"] for each in said["signatures"]] == ["indeterminate", "valid"]
    shown = run(tmp_path, present(issue()), *bound, language="zh_CN.UTF-8")
    assert "示例许可证（样本）" in shown.stdout
    assert "没有可用的最新状态列表" in shown.stdout
    stolen = run(tmp_path, present(issue(), holder="thief"), *bound)
    assert (stolen.exit_code, "CREDENTIAL_BINDING_BAD" in stolen.stdout) == (1, True)
    assert run(tmp_path, issue(expires_at=AT - timedelta(days=1))).exit_code == 1
    assert run(tmp_path, "x").exit_code == 1
    assert run(tmp_path, "x" * 70_000).exit_code == 1


def test_what_cannot_be_used(tmp_path: Path) -> None:
    assert run(tmp_path, issue(), "--audience", "x").exit_code == 64
    assert run(tmp_path, issue(), "--trust", str(tmp_path / "none")).exit_code == 64
    assert run(tmp_path, issue(), "--keys", str(tmp_path / "none")).exit_code == 64
    refused = run(tmp_path, issue(), keys=b"{}")
    assert refused.exit_code == 64
    assert "CREDENTIAL_KEYS_UNFIT" in refused.stderr
