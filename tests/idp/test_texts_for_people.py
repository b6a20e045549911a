"""What a client says of itself to people: its policy and its terms are linked where they sign in and consent, and no picture of it is shown."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest

from tests.idp.people import CALLBACK, CHALLENGE, Browser
from tests.idp.test_openid_dynamic_modules import suite  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.test_openid_dynamic_modules import Suite


def test_oidcc_registration_logo_uri(suite: Suite) -> None:  # noqa: F811
    """No picture is fetched or shown from the client's own address: the person sees the name alone, and that is not refused."""
    suite.server.received.clear()
    client = suite.registered(logo_uri=suite.server.url)
    assert "logo_uri" not in client
    assert suite.tokens(client)["id_token"]
    assert suite.server.received == []


@pytest.mark.clause("OIDC Registration 2")
@pytest.mark.parametrize(
    ("member", "said", "in_chinese"),
    [("policy_uri", "Privacy policy", "隐私政策"), ("tos_uri", "Terms of service", "服务条款")],
    ids=["oidcc-registration-policy-uri", "oidcc-registration-tos-uri"],
)
def test_oidcc_registration_of_texts_for_people(suite: Suite, member: str, said: str, in_chinese: str) -> None:  # noqa: F811
    """A link on the page where the person signs in and where it consents: opened apart, with the host in the open, and nothing fetched by us."""
    address = "https://rp.example/texts?of=2026&in=zh"
    client = suite.registered(**{member: address})
    assert client[member] == address
    anonymous = Browser(suite.town.here)
    given = {"client_id": client["client_id"], "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid profile"}
    given |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    link = f'<a href="{html.escape(address)}" target="_blank" rel="noopener noreferrer nofollow">'
    anonymous.go("/authorize", **given)
    assert anonymous.heading == "Sign in"
    assert f"{link}{said} (rp.example)</a>" in anonymous.answer.text
    policy = anonymous.answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:;" in policy, "no picture of anybody else"
    anonymous.go("/authorize", **given, ui_locales="zh-CN")
    assert f"{link}{in_chinese} (rp.example)</a>" in anonymous.answer.text
    anonymous.go("/authorize", **given)
    anonymous.log_in()
    assert anonymous.heading == "Your consent"
    assert f"{link}{said} (rp.example)</a>" in anonymous.answer.text
    other = suite.registered()
    anonymous.go("/authorize", **given | {"client_id": other["client_id"]})
    assert "_blank" not in anonymous.answer.text


@pytest.mark.parametrize("member", ["policy_uri", "tos_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "http://rp.example/p",
        "http://127.0.0.1/p",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://u@rp.example/",
        'https://rp.example/"',
        7,
    ],
)
def test_attack_a_text_for_people_is_nowhere_but_at_an_https_address(suite: Suite, member: str, address: object) -> None:  # noqa: F811
    answer = suite.register(**{member: address})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
