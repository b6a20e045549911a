"""What a developer reads where an OAuth endpoint refuses: which rule it was, and nothing that helps to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.idp.conftest import Provider


@pytest.mark.clause("RFC 6749 5.2")
def test_a_refusal_says_which_rule_was_broken_in_the_characters_there_are(provider: Provider) -> None:
    def told(content: str, **headers: str) -> dict[str, Any]:
        headers |= {"content-type": "application/x-www-form-urlencoded"}
        return dict(
            provider.here.http.post("/oauth2/token", content=content, headers=headers, auth=("portal", provider.secrets["portal"])).json()
        )

    missing = told("scope=seal.use")
    assert missing["facts"] == {"parameter": "grant_type"}
    assert missing["error_description"] == "a parameter is missing (parameter: grant_type)"
    twice = told("a%22%5C%C3%A9=1&a%22%5C%C3%A9=2&grant_type=client_credentials")
    assert twice["facts"] == {"parameter": 'a"\\é'}
    assert twice["error_description"] == "a parameter is given more than once (parameter: a???)"
    proof = told("grant_type=client_credentials", dpop="x")
    assert (proof["code"], list(proof["facts"])) == ("DPOP_PROOF_INVALID", ["reason"])
    at_userinfo = provider.here.http.get("/oauth2/userinfo", headers=[("authorization", "DPoP x"), ("dpop", "a"), ("dpop", "b")]).json()
    assert at_userinfo == {"error": "invalid_dpop_proof", "code": "DPOP_PROOF_INVALID", "facts": {"reason": "more than one proof"}}
