"""What clients register for signing people in: rules, and rows that come back as they went in."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from idp.model.registrations import FAPI2, GRANT_TYPES, Registration, check_registration
from idp.store.registrations import find_registration, put_registration
from idp.store.rows import row_mac
from idp.tables import registrations
from standards.errors import TrustError

if TYPE_CHECKING:
    from tests.idp.conftest import Provider

AT = datetime(2026, 11, 1, tzinfo=UTC)
JWK = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "1"}
GOOD = Registration("portal", redirect_uris=("https://rp.example/cb",), grant_types=("authorization_code", "refresh_token"))
FAPI = replace(
    GOOD,
    profile=FAPI2,
    token_endpoint_auth_method="private_key_jwt",
    jwks=(JWK,),
    require_pushed_authorization_requests=True,
    dpop_bound_access_tokens=True,
)


@pytest.mark.parametrize(
    "registration",
    [
        GOOD,
        FAPI,
        replace(GOOD, token_endpoint_auth_method="none"),
        replace(GOOD, redirect_uris=("http://127.0.0.1:9401/cb", "http://[::1]/cb")),
        replace(GOOD, subject_type="pairwise"),
        replace(GOOD, token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=a"),
        Registration("device", grant_types=(GRANT_TYPES[3],)),
        replace(GOOD, grant_types=("implicit",), response_types=("id_token",)),
        replace(GOOD, grant_types=("implicit", "authorization_code"), response_types=("code", "id_token", "id_token token")),
        replace(GOOD, grant_types=("implicit",), response_types=("id_token",), dpop_bound_access_tokens=True),
        replace(GOOD, request_uris=("https://rp.example/object", "https://rp.example/object#" + "A" * 43)),
    ],
)
def test_what_may_be_registered(registration: Registration) -> None:
    check_registration(registration)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": ()}, "redirect_uris"),
        ({"redirect_uris": ("https://rp.example/cb",) * 2}, "redirect_uris"),
        ({"redirect_uris": ("http://rp.example/cb",)}, "redirect_uris"),
        ({"redirect_uris": tuple(f"https://rp.example/{n}" for n in range(33))}, "redirect_uris"),
        ({"post_logout_redirect_uris": ("https://rp.example/#a",)}, "post_logout_redirect_uris"),
        ({"backchannel_logout_uri": "ftp://rp.example"}, "backchannel_logout_uri"),
        ({"initiate_login_uri": "https://user@rp.example"}, "initiate_login_uri"),
        ({"policy_uri": "http://127.0.0.1/policy"}, "policy_uri"),
        ({"tos_uri": "ftp://rp.example/terms"}, "tos_uri"),
        ({"jwks_uri": "http://rp.example/keys"}, "jwks_uri"),
        ({"grant_types": ("implicit",)}, "grant_types"),
        ({"grant_types": ()}, "grant_types"),
        ({"response_types": ()}, "response_types"),
        ({"response_types": ("id_token",)}, "grant_types"),
        ({"response_types": ("code", "id_token")}, "grant_types"),
        ({"response_types": ("code", "code")}, "response_types"),
        ({"response_types": ("token",)}, "response_types"),
        ({"response_types": ("code id_token",), "grant_types": ("authorization_code", "implicit")}, "response_types"),
        ({"response_types": ("id_token",), "grant_types": ("authorization_code", "implicit")}, "response_types"),
        ({"response_types": ("code", "id_token"), "grant_types": ("implicit",)}, "response_types"),
        ({"response_types": ("id_token",), "grant_types": ("implicit",), "redirect_uris": ()}, "redirect_uris"),
        ({"response_types": ("id_token",), "grant_types": ("implicit",), "redirect_uris": ("http://127.0.0.1/cb",)}, "redirect_uris"),
        ({"response_types": ("id_token",), "grant_types": ("implicit", "refresh_token")}, "grant_types"),
        *(
            ({"response_types": ("id_token token",), "grant_types": ("implicit",), bound: True}, "response_types")
            for bound in ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens")
        ),
        ({"grant_types": ("refresh_token",)}, "grant_types"),
        ({"grant_types": ("authorization_code", "client_credentials"), "token_endpoint_auth_method": "none"}, "grant_types"),
        ({"token_endpoint_auth_method": "password"}, "token_endpoint_auth_method"),
        ({"scopes": ("openid", "seal.use")}, "scopes"),
        ({"scopes": ("openid", "openid")}, "scopes"),
        ({"person_scopes": ("seal.use", "seal.use")}, "person_scopes"),
        ({"person_scopes": ("Seal Use",)}, "person_scopes"),
        ({"person_scopes": ("openid",)}, "person_scopes"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"userinfo_signed_response_alg": "NONE"}, "userinfo_signed_response_alg"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"userinfo_signed_response_alg": "ES384"}, "userinfo_signed_response_alg"),
        ({"introspection_signed_response_alg": "Ed25519"}, "introspection_signed_response_alg"),
        ({"request_object_signing_alg": "a b"}, "request_object_signing_alg"),
        ({"jwks": (JWK,) * 17}, "jwks"),
        ({"jwks": (JWK,), "jwks_uri": "https://rp.example/keys"}, "jwks"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "tls_client_auth_subject_dn"),
        ({"tls_client_auth_subject_dn": "CN=a"}, "tls_client_auth_subject_dn"),
        ({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=" + "a" * 200}, "tls_client_auth_subject_dn"),
        ({"allowed_claims": ("Name",)}, "allowed_claims"),
        ({"purpose": "a\nb"}, "purpose"),
        ({"purpose": "a" * 201}, "purpose"),
        ({"token_endpoint_auth_method": "none", "is_pkce_required": False}, "is_pkce_required"),
        ({"subject_type": "pairwise", "redirect_uris": ("https://a.example/", "https://b.example/")}, "sector_identifier_uri"),
    ],
)
def test_what_may_not(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(TrustError) as refused:
        check_registration(replace(GOOD, **changes))
    assert (refused.value.code, refused.value.facts["field"]) == ("CLIENT_FIELD_INVALID", field)


def test_a_purpose_may_be_written_in_the_traditional_script() -> None:
    """What parts a last vowel and joins a suffix there is no invisible character; where it does neither it is one."""
    check_registration(replace(GOOD, purpose="ᠬᠣᠲᠠ\u202fᠶᠢᠨ ᠰᠠᠷ\u180eᠠ"))
    with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
        check_registration(replace(GOOD, purpose="a\u180eb"))


@pytest.mark.clause("OIDC FAPI2 5.3.2")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"require_pushed_authorization_requests": False}, "require_pushed_authorization_requests"),
        ({"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
        ({"is_pkce_required": False}, "is_pkce_required"),
        ({"request_uris": ("https://rp.example/object",)}, "response_types"),
        ({"response_types": ("id_token",), "grant_types": ("implicit",)}, "response_types"),
    ],
)
def test_fapi_leaves_no_choice(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(TrustError) as refused:
        check_registration(replace(FAPI, **changes))
    assert refused.value.facts["field"] == field


def test_a_registration_comes_back_as_it_went_in_and_an_edited_one_is_refused(provider: Provider) -> None:
    database, key = provider.here.house.context.database, provider.desk.mac_key
    database.write(lambda connection: put_registration(connection, GOOD, AT, key))
    database.write(lambda connection: put_registration(connection, FAPI, AT, key))
    with database.read() as connection:
        assert find_registration(connection, "portal", key) == FAPI
        assert find_registration(connection, "other", key) is None
    older = {name: value for name, value in asdict(FAPI).items() if name != "person_scopes"}  # written before there were any
    row = {"client_id": "older", "metadata_json": json.dumps(older), "changed_at": 1}
    row["row_mac"] = row_mac(key, registrations.name, row)
    database.write(lambda connection: connection.execute(insert(registrations), row))
    with database.read() as connection:
        assert find_registration(connection, "older", key) == FAPI
    database.write(
        lambda c: c.exec_driver_sql("UPDATE idp_registrations SET metadata_json = replace(metadata_json, 'rp.example', 'evil.example')")
    )
    with database.read() as connection, pytest.raises(TrustError) as refused:
        find_registration(connection, "portal", key)
    assert refused.value.code == "ROW_ALTERED"
