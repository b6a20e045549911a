"""The pure parts: forms, claims, migrations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.connectors.protocol import read_object
from idp.model.clients import ClientStatus, check_client_id, is_resource, with_secret, with_status
from idp.tables import metadata
from idp.tokens.access_token import Grant, base64url, signing_input, token_answer
from idp.tokens.request import TokenRequest, read_basic, read_form
from service_kit.migrations import differences
from standards.errors import TrustError

if TYPE_CHECKING:
    from tests.idp.conftest import Provider

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@given(st.dictionaries(PRINTABLE, PRINTABLE, max_size=10))
@pytest.mark.clause("RFC 6749 B")
def test_forms_round_trip(form: dict[str, str]) -> None:
    assert read_form(urlencode(form).encode()) == form


@given(st.binary(max_size=300))
def test_reading_a_form_never_fails_otherwise_than_said(body: bytes) -> None:
    try:
        read_form(body)
    except TrustError as error:
        assert error.code in {"TOKEN_REQUEST_MALFORMED", "TOKEN_PARAMETER_REPEATED"}


@given(st.binary(max_size=300))
def test_reading_a_basic_header_never_fails_otherwise_than_said(header: bytes) -> None:
    with pytest.raises(TrustError, match="CLIENT_AUTH_FAILED"):
        read_basic(b"Basic !" + header)


def test_basic_credentials_are_form_decoded() -> None:
    import base64

    assert read_basic(b"basic " + base64.b64encode(b"a%3Ab:p%2Bq+r")) == ("a:b", "p+q r")


def test_claims_survive_any_issuer_and_client() -> None:
    grant = Grant('https://x/"\\', 'a"b', "urn:中", "s.t", 1, "id")
    claims = signing_input(grant, "k").split(b".")[1]
    import base64

    read = json.loads(base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4)))
    assert (read["iss"], read["client_id"], read["aud"], read["exp"]) == ('https://x/"\\', 'a"b', "urn:中", 601)


def test_what_another_provider_says_is_text() -> None:
    assert read_object(b'{"sub":"\\ud83d\\ude00"}') == {"sub": "\U0001f600"}
    with pytest.raises(TrustError, match="UPSTREAM_ANSWER_REFUSED"):
        read_object(b'{"sub":"\\ud800"}')


def test_the_answer_is_json() -> None:
    assert json.loads(token_answer(base64url(b"x"), "seal.use"))["scope"] == "seal.use"


def test_requests_and_desks_do_not_show_secrets(provider: Provider) -> None:
    from idp.actions.authenticate_client import new_doorkeeper

    request = TokenRequest("client_credentials", "portal", "yxs_secret", None, None, by_header=True)
    context = provider.here.house.context
    door = new_doorkeeper(context.database, context.audit, context.clock, None, b"pepper" * 6)  # type: ignore[arg-type]
    desks = (request, provider.desk, door)
    shown = "".join(map(repr, desks))
    for secret in ("yxs_secret", "pepperpepper", repr(provider.desk.pepper), repr(provider.desk.mac_key)):
        assert secret not in shown


def test_client_records_do_not_show_digests(provider: Provider) -> None:
    from idp.store.clients import load_client

    with provider.here.house.context.database.read() as connection:
        client = load_client(connection, "portal", provider.desk.mac_key)
    assert client.secret_digest.hex() not in repr(client)
    assert repr(client.secret_digest) not in repr(client)
    with pytest.raises(TrustError, match="CLIENT_STATUS_CONFLICT"):
        with_status(client, ClientStatus.ACTIVE, client.created_at)
    with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
        with_secret(client, b"", client.created_at, 10**9)


@pytest.mark.parametrize("text", ["https://a.example", "urn:x:y", "http://127.0.0.1:8600/path?query"])
def test_resources(text: str) -> None:
    assert is_resource(text)


@pytest.mark.parametrize(
    "text", ["", "relative", "https://a b", 'https://a"b', "https://a#f", "HTTPS:", "https://中", "https://" + "a" * 600]
)
def test_no_resources(text: str) -> None:
    assert not is_resource(text)


@pytest.mark.clause("RFC 9700 4.15")
@pytest.mark.parametrize("text", ["", "ab", "a" * 65, "-ab", "a b", "a/b", "中文名", "pe_0123456789abcdef", "OR_1", "pw_" + "0" * 61])
def test_no_client_ids(text: str) -> None:
    with pytest.raises(TrustError, match="CLIENT_ID_INVALID"):
        check_client_id(text)


def test_migrations_make_the_tables_that_the_code_uses(provider: Provider) -> None:
    assert differences(provider.here.house.context.database, "idp", metadata) == []


def test_two_changes_of_one_client_at_once_do_not_overwrite_each_other(provider: Provider) -> None:
    from idp.store.clients import load_client, update_client

    database, mac_key = provider.here.house.context.database, provider.desk.mac_key
    with database.read() as connection:
        seen = load_client(connection, "portal", mac_key)
    changed = with_status(seen, ClientStatus.DISABLED, seen.created_at)
    database.write(lambda connection: update_client(connection, changed, mac_key))
    with pytest.raises(TrustError, match="CLIENT_STATUS_CONFLICT"):
        database.write(lambda connection: update_client(connection, changed, mac_key))
