"""Authorization codes: bound to everything they were issued for, and good once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.issue_code import issue_code, redeem_code
from idp.model.codes import CODE_SECONDS, IssuedCode
from idp.model.requests import Authentication, AuthorizationRequest
from standards.errors import TrustError

if TYPE_CHECKING:
    from tests.idp.conftest import Provider

T0 = datetime(2026, 5, 1, tzinfo=UTC)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ADDRESS = "https://rp.example.org/cb"
WHO = Authentication("pe_1", "or_1", "s1", "urn:yinxin:loa:2", ("pwd", "otp"), T0)


def issue(provider: Provider, **changes: Any) -> str:
    wanted = AuthorizationRequest("portal", ADDRESS, **{"code_challenge": CHALLENGE, "nonce": "n", "claims": {"userinfo": {}}, **changes})
    return provider.here.house.context.database.write(
        lambda connection: issue_code(connection, wanted, WHO, ("openid",), T0, mac_key=provider.desk.mac_key)
    )


def redeem(provider: Provider, code: str, **changes: Any) -> IssuedCode:
    sent = {"client_id": "portal", "redirect_uri": ADDRESS, "verifier": VERIFIER, "dpop_jkt": None, "at": T0, **changes}
    return provider.here.house.context.database.write(
        lambda connection: redeem_code(connection, code, mac_key=provider.desk.mac_key, **sent)
    )


def test_a_code_gives_back_what_it_was_issued_for(provider: Provider) -> None:
    found = redeem(provider, issue(provider), at=T0 + timedelta(seconds=CODE_SECONDS - 1))
    assert (found.account_id, found.acting_for, found.session_id, found.acr) == ("pe_1", "or_1", "s1", "urn:yinxin:loa:2")
    assert (found.amr, found.auth_at, found.scopes, found.nonce) == (("pwd", "otp"), T0, ("openid",), "n")
    assert found.claims == {"userinfo": {}}


@pytest.mark.clause("RFC 6749 4.1.2")
def test_attack_a_code_is_good_once(provider: Provider) -> None:
    code = issue(provider)
    redeem(provider, code)
    with pytest.raises(TrustError, match="CODE_REUSED"):
        redeem(provider, code)
    with pytest.raises(TrustError, match="CODE_INVALID"):  # another client learns nothing, and causes nothing
        redeem(provider, code, client_id="admin")


def test_attack_sixteen_at_once_one_succeeds(provider: Provider) -> None:
    code = issue(provider)

    def attempt(_: int) -> str:
        try:
            redeem(provider, code)
        except TrustError as error:
            return error.code
        return "redeemed"

    with ThreadPoolExecutor(16) as pool:
        outcomes = sorted(pool.map(attempt, range(16)))
    assert outcomes == ["CODE_REUSED"] * 15 + ["redeemed"]


@pytest.mark.clause("RFC 6749 4.1.3", "RFC 7636 4.6", "RFC 9449 10")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "admin"},
        {"redirect_uri": ADDRESS + "/"},
        {"redirect_uri": None},
        {"verifier": None},
        {"verifier": ""},
        {"verifier": CHALLENGE},
        {"verifier": "a" * 42},
        {"verifier": "a" * 129},
        {"at": T0 + timedelta(seconds=CODE_SECONDS)},
    ],
)
def test_attack_a_code_is_bound_and_a_failed_attempt_does_not_spend_it(provider: Provider, changes: dict[str, Any]) -> None:
    code = issue(provider)
    with pytest.raises(TrustError, match="CODE_INVALID"):
        redeem(provider, code, **changes)
    assert redeem(provider, code).client_id == "portal"


def test_attack_a_verifier_without_a_challenge_and_a_key_that_is_another(provider: Provider) -> None:
    plain = issue(provider, code_challenge=None)
    with pytest.raises(TrustError, match="CODE_INVALID"):
        redeem(provider, plain)
    redeem(provider, plain, verifier=None)
    bound = issue(provider, dpop_jkt=CHALLENGE)
    for key in (None, VERIFIER):
        with pytest.raises(TrustError, match="CODE_INVALID"):
            redeem(provider, bound, dpop_jkt=key)
    redeem(provider, bound, dpop_jkt=CHALLENGE)


def test_attack_unknown_codes_and_edited_rows(provider: Provider) -> None:
    for code in ("", "x" * 43, "\ud800"):
        with pytest.raises(TrustError, match="CODE_INVALID"):
            redeem(provider, code)
    code = issue(provider)
    database = provider.here.house.context.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_codes SET client_id = 'admin'"))
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        redeem(provider, code)


def test_codes_are_not_stored(provider: Provider) -> None:
    code = issue(provider)
    for path in provider.here.folder.rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes()
