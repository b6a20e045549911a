"""Credentials shown by wallets: right ones are valid, everything else is not, in both lanes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.jose import write_base64url
from crypto.report import Verdict
from crypto.report_json import write_report
from licence_vault.credentials.check_credential import CheckedCredential, DemandedBinding, check_credential
from licence_vault.credentials.lanes import LANES, LaneName
from standards.errors import TrustError
from standards.rfc9901_sd_jwt import Combined, digest_of, read_combined, read_disclosure, write_combined, write_disclosure
from tests.licence_vault.credentials.wallets import (
    AT,
    AUDIENCE,
    BASE,
    NONCE,
    VCT,
    issue,
    issuers_of,
    key_of,
    payload_of,
    present,
)
from tests.licence_vault.samples import sample_licence

if TYPE_CHECKING:
    from collections.abc import Callable

    from licence_vault.credentials.check_credential import StatusOf

ES256, SM2 = LaneName.ES256, LaneName.SM2
BINDING = DemandedBinding(AUDIENCE, NONCE)
LANE = pytest.mark.parametrize("name", LaneName)


def in_force(_uri: str, _index: int) -> int | None:
    return 0


def check(text: str, name: LaneName = ES256, *, binding: DemandedBinding | None = BINDING, **changes: Any) -> CheckedCredential:
    given_: dict[str, Any] = {"issuers": issuers_of(name), "at": AT, "status_of": in_force, "vcts": {VCT}, **changes}
    return check_credential(text, binding=binding, **given_)


def codes(checked: CheckedCredential, outcome: str = "fail") -> set[str]:
    return {step.code for each in checked.report.signatures for step in each.steps if step.outcome == outcome}


def forged(change: Callable[[dict[str, Any]], Any], name: LaneName = ES256, *, header: dict[str, Any] | None = None) -> str:
    """A credential whose issuer signs something else; its disclosures as they were."""
    combined = read_combined(issue(name))
    payload = payload_of(combined.token)
    change(payload)
    issuer = key_of(name, "issuer")
    said = {"alg": str(LANES[name].algorithm), "typ": "dc+sd-jwt", "kid": issuer.public.key_id, **(header or {})}
    return write_combined(Combined(issuer.sign_raw(said, payload), combined.disclosures))


@LANE
@pytest.mark.clause("RFC 9901 7.3")
def test_what_a_holder_shows_is_valid_and_says_no_more(name: LaneName) -> None:
    shown = present(issue(name), name, show=lambda claim: claim in {"licence_name", "fields", "KZ_scope", "holders", None, "name"})
    checked = check(shown, name)
    assert checked.report.verdict is Verdict.VALID
    assert [each.verdict for each in checked.report.signatures] == [Verdict.VALID] * 2
    assert checked.claims is not None
    about = {claim: value for claim, value in checked.claims.items() if claim not in {"iss", "iat", "exp", "vct", "cnf", "status"}}
    assert about == {"licence_name": "示例许可证（样本）", "fields": {"KZ_scope": "示例经营范围"}, "holders": [{"name": "张三（示例）"}]}
    assert (checked.vct, checked.report.signatures[0].signer) == (VCT, BASE)
    assert checked.claims["cnf"] == {"jwk": key_of(name, "holder").jwk}
    assert "11010519491231002X" not in json.dumps(payload_of(read_combined(shown).token))
    assert write_report("", checked.report, "zh")["signatures"][1]["steps"][0]["detail"] == "出示由持有人密钥签名。"


@LANE
def test_a_credential_with_everything_says_what_the_licence_says(name: LaneName) -> None:
    checked = check(issue(name), name, binding=None)
    assert checked.report.verdict is Verdict.VALID
    data = sample_licence().as_json()
    assert checked.claims is not None
    assert checked.claims["holders"] == data["holders"]
    assert checked.claims["fields"] == data["fields"]
    assert checked.claims["licence_type"] == data["type"]
    assert (checked.claims["valid_to"], checked.claims["licence_number"]) == (data["valid_to"], data["number"])
    assert checked.claims["status"] == {"status_list": {"idx": 4711, "uri": data["status"]["list"]}}
    endless = check(issue(name, data=sample_licence(valid_to=None)), name, binding=None)
    assert endless.claims is not None
    assert "valid_to" not in endless.claims


@pytest.mark.clause("RFC 9901 4.2.7")
def test_the_payload_does_not_tell_how_much_is_hidden() -> None:
    payload = payload_of(read_combined(issue()).token)
    assert len(payload["_sd"]) == 12 + 2
    assert payload["_sd"] == sorted(payload["_sd"])
    assert set(payload) == {"iss", "iat", "exp", "vct", "cnf", "status", "_sd", "_sd_alg"}


def test_no_two_credentials_share_a_digest() -> None:
    first, second = (set(payload_of(read_combined(issue()).token)["_sd"]) for _ in range(2))
    assert not first & second


def test_a_licence_with_more_text_than_a_credential_can_hold_is_refused() -> None:
    with pytest.raises(TrustError, match="CREDENTIAL_TOO_LARGE"):
        issue(data=sample_licence(fields={f"KZ_{number}": "字" * 4000 for number in range(12)}))


# ---- attacks on the binding


@LANE
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "redirect_uri:https://other.example"}, "CREDENTIAL_BINDING_AUDIENCE"),
        ({"aud": [AUDIENCE]}, "CREDENTIAL_BINDING_AUDIENCE"),
        ({"aud": None}, "CREDENTIAL_BINDING_AUDIENCE"),
        ({"nonce": "n-other"}, "CREDENTIAL_BINDING_NONCE"),
        ({"nonce": "\ud800"}, "CREDENTIAL_BINDING_BAD"),
        ({"nonce": None}, "CREDENTIAL_BINDING_NONCE"),
        ({"sd_hash": "x"}, "CREDENTIAL_BINDING_OTHER"),
        ({"sd_hash": None}, "CREDENTIAL_BINDING_OTHER"),
        ({"iat": None}, "CREDENTIAL_BINDING_TIME"),
        ({"iat": "1"}, "CREDENTIAL_BINDING_TIME"),
        ({"iat": True}, "CREDENTIAL_BINDING_TIME"),
        ({"at": AT - timedelta(seconds=331)}, "CREDENTIAL_BINDING_TIME"),
        ({"at": AT + timedelta(seconds=31)}, "CREDENTIAL_BINDING_TIME"),
        ({"holder": "thief"}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"alg": "none"}}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"alg": "HS256"}}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"typ": "JWT"}}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"typ": "openid4vci-proof+jwt"}}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"crit": ["exp"]}}, "CREDENTIAL_BINDING_BAD"),
        ({"header": {"jwk": {}}}, "CREDENTIAL_BINDING_BAD"),
    ],
)
@pytest.mark.clause("RFC 9901 7.3")
def test_a_binding_that_does_not_count(name: LaneName, changes: dict[str, Any], code: str) -> None:
    checked = check(present(issue(name), name, **changes), name)
    assert checked.report.verdict is Verdict.INVALID
    assert codes(checked) == {code}


@LANE
@pytest.mark.clause("RFC 9901 9.1")
def test_a_presentation_without_binding_is_not_the_holder_s(name: LaneName) -> None:
    checked = check(issue(name), name)
    assert (checked.report.verdict, codes(checked)) == (Verdict.INVALID, {"CREDENTIAL_BINDING_MISSING"})


@LANE
@pytest.mark.parametrize("change", ["added", "removed", "binding of another"])
@pytest.mark.clause("RFC 9901 4.3.1")
def test_a_presentation_that_was_changed_after_it_was_bound(name: LaneName, change: str) -> None:
    credential = issue(name)
    part = read_combined(present(credential, name, show=lambda claim: claim == "licence_name"))
    other = read_combined(present(credential, name, show=lambda claim: claim == "identifier"))
    texts = {
        "added": Combined(part.token, part.disclosures + other.disclosures, part.key_binding),
        "removed": Combined(part.token, (), part.key_binding),
        "binding of another": Combined(part.token, part.disclosures, other.key_binding),
    }
    checked = check(write_combined(texts[change]), name)
    assert (checked.report.verdict, codes(checked)) == (Verdict.INVALID, {"CREDENTIAL_BINDING_OTHER"})


@LANE
def test_every_character_of_a_binding_counts(name: LaneName) -> None:
    shown = read_combined(present(issue(name), name, show=lambda _: False))
    assert shown.key_binding is not None
    for position in range(0, len(shown.key_binding), 7):
        old = shown.key_binding[position]
        altered = shown.key_binding[:position] + ("A" if old != "A" else "B") + shown.key_binding[position + 1 :]
        assert check(write_combined(Combined(shown.token, shown.disclosures, altered)), name).report.verdict is Verdict.INVALID


def test_a_binding_nobody_asked_for_is_named_and_not_believed() -> None:
    checked = check(present(issue()), binding=None)
    assert codes(checked, "warn") == {"CREDENTIAL_BINDING_NOT_ASKED"}
    assert len(checked.report.signatures) == 1


def test_of_a_credential_that_nobody_shows_it_is_said_that_nobody_does() -> None:
    checked = check(issue(), binding=None)
    assert (checked.report.verdict, codes(checked, "warn")) == (Verdict.VALID, {"CREDENTIAL_HOLDER_NOT_SHOWN"})


# ---- attacks on the credential


@LANE
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "none"}, "CREDENTIAL_ALGORITHM"),
        ({"alg": "HS256"}, "CREDENTIAL_ALGORITHM"),
        ({"alg": ["ES256"]}, "CREDENTIAL_ALGORITHM"),
        ({"typ": "JWT"}, "CREDENTIAL_SIGNATURE_BAD"),
        ({"typ": "vc+sd-jwt"}, "CREDENTIAL_SIGNATURE_BAD"),
        ({"typ": "kb+jwt"}, "CREDENTIAL_SIGNATURE_BAD"),
        ({"jwk": {}}, "CREDENTIAL_SIGNATURE_BAD"),
        ({"crit": []}, "CREDENTIAL_SIGNATURE_BAD"),
    ],
)
def test_headers_that_are_not_a_credential_s(name: LaneName, header: dict[str, Any], code: str) -> None:
    checked = check(forged(lambda _: None, name, header=header), name, binding=None)
    assert (checked.report.verdict, codes(checked), checked.claims) == (Verdict.INVALID, {code}, None)


@LANE
def test_no_lane_leads_into_the_other(name: LaneName) -> None:
    """Signature of one lane, digests or algorithm of the other."""
    other = next(each for each in LaneName if each is not name)

    def swap_digest(payload: dict[str, Any]) -> None:
        payload["_sd_alg"] = LANES[other].digest_name

    assert codes(check(forged(swap_digest, name), name, binding=None)) == {"CREDENTIAL_DIGEST"}
    swapped = forged(lambda _: None, name, header={"alg": str(LANES[other].algorithm)})
    assert "CREDENTIAL_SIGNATURE_BAD" in codes(check(swapped, name, binding=None))
    holder = {"cnf": {"jwk": key_of(other, "holder").jwk}}
    assert codes(check(forged(lambda payload: payload.update(holder), name), name, binding=None)) == {"CREDENTIAL_HOLDER_KEY_BAD"}


@pytest.mark.parametrize(("claim", "value"), [("exp", 99999999999), ("status", {}), ("iss", BASE), ("nbf", 1), ("cnf", {}), ("vct", VCT)])
@pytest.mark.clause("IETF sd-jwt-vc 2.2.2.3")
def test_what_judges_a_credential_is_never_hidden(claim: str, value: object) -> None:
    disclosure = write_disclosure("salt", claim, value)

    def change(payload: dict[str, Any]) -> None:
        payload.pop(claim, None)
        payload["_sd"] = [*payload["_sd"], digest_of(disclosure.text, LANES[ES256].digest)]

    combined = read_combined(forged(change))
    checked = check(write_combined(Combined(combined.token, (*combined.disclosures, disclosure.text))), binding=None)
    assert checked.report.verdict is not Verdict.VALID
    assert codes(checked) >= {"CREDENTIAL_CLAIM_HIDDEN"}
    assert checked.claims is None


def test_no_part_of_what_judges_a_credential_is_hidden() -> None:
    def change(payload: dict[str, Any]) -> None:
        payload["status"]["_sd"] = ["A" * 43]

    assert codes(check(forged(change), binding=None)) == {"CREDENTIAL_CLAIM_HIDDEN"}


@pytest.mark.parametrize("which", ["twice", "foreign", "altered", "reserved name"])
@pytest.mark.clause("RFC 9901 7.1")
def test_disclosures_that_are_not_the_credential_s(which: str) -> None:
    combined = read_combined(issue())
    first = combined.disclosures[0]
    further = {
        "twice": first,
        "foreign": read_combined(issue()).disclosures[0],
        "altered": write_disclosure(read_disclosure(first).salt, read_disclosure(first).name, "李四").text,
        "reserved name": write_base64url(b'["salt","_sd",[]]'),
    }[which]
    checked = check(write_combined(Combined(combined.token, (*combined.disclosures, further))), binding=None)
    assert (checked.report.verdict, codes(checked), checked.claims) == (Verdict.INVALID, {"CREDENTIAL_DISCLOSURES_BAD"}, None)


@LANE
def test_every_character_of_the_issuer_s_token_counts(name: LaneName) -> None:
    combined = read_combined(issue(name))
    for position in range(0, len(combined.token), 29):
        old = combined.token[position]
        altered = combined.token[:position] + ("A" if old != "A" else "B") + combined.token[position + 1 :]
        checked = check(write_combined(Combined(altered, combined.disclosures)), name, binding=None)
        assert checked.report.verdict is not Verdict.VALID
        assert checked.claims is None


# ---- issuer, type, time, status


def test_an_issuer_nobody_knows_leaves_it_open() -> None:
    checked = check(present(issue()), issuers={})
    assert (checked.report.verdict, codes(checked)) == (Verdict.INDETERMINATE, set())
    assert codes(checked, "not-checked") == {"CREDENTIAL_ISSUER_UNKNOWN"}
    assert (checked.claims, checked.holder, checked.vct) == (None, None, None)
    assert check(forged(lambda payload: payload.update(iss=["x"])), binding=None).report.verdict is Verdict.INDETERMINATE


def test_a_key_nobody_knows_leaves_it_open_and_a_wrong_one_does_not() -> None:
    stranger = key_of(ES256, "stranger").public
    assert codes(check(present(issue()), issuers={BASE: {"other": stranger}}), "not-checked") == {"CREDENTIAL_KEY_UNKNOWN"}
    kid = key_of(ES256, "issuer").public.key_id
    checked = check(present(issue()), issuers={BASE: {kid: stranger}})
    assert (checked.report.verdict, codes(checked)) == (Verdict.INVALID, {"CREDENTIAL_SIGNATURE_BAD"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exp": int((AT - timedelta(seconds=30)).timestamp())}, "CREDENTIAL_EXPIRED"),
        ({"nbf": int((AT + timedelta(seconds=31)).timestamp())}, "CREDENTIAL_NOT_YET_VALID"),
        ({"iat": int((AT + timedelta(seconds=31)).timestamp())}, "CREDENTIAL_NOT_YET_VALID"),
        ({"exp": None}, "CREDENTIAL_TIMES_MALFORMED"),
        ({"exp": "2099"}, "CREDENTIAL_TIMES_MALFORMED"),
        ({"exp": True}, "CREDENTIAL_TIMES_MALFORMED"),
        ({"exp": 1e300}, "CREDENTIAL_TIMES_MALFORMED"),
        ({"iat": -1}, "CREDENTIAL_TIMES_MALFORMED"),
        ({"vct": None}, "CREDENTIAL_TYPE_MISSING"),
        ({"vct": 7}, "CREDENTIAL_TYPE_MISSING"),
        ({"vct": VCT + "x"}, "CREDENTIAL_TYPE_OTHER"),
        ({"status": {"status_list": {"idx": -1, "uri": "https://x"}}}, "CREDENTIAL_STATUS_MALFORMED"),
        ({"status": {"status_list": {"idx": 1, "uri": ""}}}, "CREDENTIAL_STATUS_MALFORMED"),
        ({"status": {"status_list": "x"}}, "CREDENTIAL_STATUS_MALFORMED"),
        ({"status": []}, "CREDENTIAL_STATUS_MALFORMED"),
        ({"cnf": "x"}, "CREDENTIAL_HOLDER_KEY_BAD"),
        ({"cnf": {"jwk": {**key_of(ES256, "holder").jwk, "d": "AA"}}}, "CREDENTIAL_HOLDER_KEY_BAD"),
        ({"cnf": {"jwk": {**key_of(ES256, "holder").jwk, "kty": "OKP", "crv": "Ed25519"}}}, "CREDENTIAL_HOLDER_KEY_BAD"),
        ({"cnf": {"kid": "1"}}, "CREDENTIAL_HOLDER_KEY_BAD"),
    ],
)
def test_what_an_issuer_must_not_say(change: dict[str, Any], code: str) -> None:
    def apply(payload: dict[str, Any]) -> None:
        payload.update(change)
        for claim in [claim for claim, value in change.items() if value is None]:
            del payload[claim]

    checked = check(forged(apply), binding=None)
    assert (checked.report.verdict, codes(checked)) == (Verdict.INVALID, {code})


@pytest.mark.parametrize(
    ("value", "verdict", "code"),
    [
        (0, Verdict.VALID, "CREDENTIAL_STATUS"),
        (1, Verdict.INVALID, "CREDENTIAL_STATUS_INVALID"),
        (2, Verdict.INVALID, "CREDENTIAL_STATUS_SUSPENDED"),
        (3, Verdict.INVALID, "CREDENTIAL_STATUS_ANNUAL"),
        (9, Verdict.INVALID, "CREDENTIAL_STATUS_OTHER"),
        (None, Verdict.INDETERMINATE, "CREDENTIAL_STATUS_UNKNOWN"),
    ],
)
@pytest.mark.clause("IETF token-status-list 8.3")
def test_the_status_decides(value: int | None, verdict: Verdict, code: str) -> None:
    asked: list[tuple[str, int]] = []
    status: StatusOf = lambda uri, index: asked.append((uri, index)) or value  # type: ignore[func-returns-value]  # noqa: E731
    checked = check(present(issue()), status_of=status)
    assert checked.report.verdict is verdict
    assert code in {step.code for step in checked.report.signatures[0].steps}
    assert asked == [("https://licences.example/licences/status/1", 4711)]


def test_without_a_status_or_a_holder_key() -> None:
    def bare(payload: dict[str, Any]) -> None:
        del payload["status"], payload["cnf"]

    text = forged(bare)
    assert codes(check(text, binding=None), "warn") == {"CREDENTIAL_STATUS_ABSENT", "CREDENTIAL_HOLDER_NOT_SHOWN"}
    assert codes(check(text)) == {"CREDENTIAL_HOLDER_KEY_MISSING"}


def test_a_date_far_off_is_no_crash() -> None:
    checked = check(forged(lambda payload: payload.update(exp=2**53 - 1, iat=2**52)), binding=None)
    assert checked.report.signatures[0].signed_at is None


@settings(max_examples=60)
@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){2}(~[A-Za-z0-9_-]{0,20}){1,3}", fullmatch=True))
def test_nothing_makes_it_raise_or_believe(text: str) -> None:
    assert check(text).report.verdict is not Verdict.VALID


@pytest.mark.parametrize("payload", [b"[]", b"1", b"\xff", b'{"a":1,"a":2}', b"[" * 3000])
def test_payloads_that_are_none(payload: bytes) -> None:
    issuer = key_of(ES256, "issuer")
    text = issuer.sign_raw({"alg": "ES256", "typ": "dc+sd-jwt", "kid": issuer.public.key_id}, payload) + "~"
    assert codes(check(text, binding=None)) == {"CREDENTIAL_MALFORMED"}


def test_a_binding_that_is_no_token() -> None:
    part = read_combined(present(issue(), show=lambda _: False))
    for binding in ("a.b.c", "A" * 5000 + ".b.c"):
        assert codes(check(write_combined(Combined(part.token, (), binding)))) == {"CREDENTIAL_BINDING_BAD"}
