"""The gate and tokens bound to a key: in with a fresh proof for this very request, out with a copied token or a copied proof."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from crypto.jose import TokenSigner, read_base64url
from idp.actions.register_client import NewClient, register_client
from idp.model.clients import signing_key_at
from idp.model.registrations import Registration
from idp.store.clients import load_client, load_signing_keys, update_client
from idp.store.registrations import put_registration
from service_kit.dpop import access_token_digest, check_proof
from tests.deployments import make_deployment, served_here
from tests.service_kit.dpop_proofs import Prover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

PATH = "/v1/clients"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder: Path = tmp_path_factory.mktemp("bound") / "deployment"
    with served_here(make_deployment(folder)) as here:
        yield here


def now() -> float:
    return datetime.now(UTC).timestamp()


def bound_token(here: Here, jkt: str | None) -> str:
    """A token of the deployment's own key, as the token endpoint would sign it for a client that exists."""
    context = here.house.context
    desk = idp.service.client_desk(context)
    client, _ = register_client(desk, NewClient("Bound", ("client.manage",)), actor="test")
    keys = idp.service.key_ring(context)
    keys.read()
    with context.database.read() as connection:
        found, _ = load_signing_keys(connection, desk.mac_key)
    key = signing_key_at(found, context.clock.now())
    assert key is not None
    url, at = context.settings.base_url, int(now())
    claims: dict[str, Any] = {"iss": url, "aud": url, "sub": client.client_id, "client_id": client.client_id, "scope": "client.manage"}
    claims |= {"iat": at, "exp": at + 600, "jti": client.client_id} | ({"cnf": {"jkt": jkt}} if jkt else {})
    return TokenSigner(context.keystore.signer(key.key_id), key_id=key.key_id, token_type="at+jwt").sign(claims)


@pytest.mark.clause("RFC 9449 7.1", "RFC 9449 7.2", "RFC 9449 11.1")
def test_attack_a_bound_token_needs_a_new_proof_for_each_request(served: Here) -> None:
    base = served.house.context.settings.base_url
    prover = Prover()
    jkt = check_proof(prover.proof("GET", base, now()), method="GET", url=base, at=datetime.now(UTC)).jkt
    token = bound_token(served, jkt)
    ath = access_token_digest(token)

    def call(proof: str | None, scheme: str = "DPoP", **request: Any) -> tuple[int, str, str]:
        headers = [("authorization", f"{scheme} {token}"), *([("dpop", proof)] if proof is not None else [])]
        answer = served.http.get(PATH, headers=headers, **request)
        return answer.status_code, answer.json().get("code", ""), answer.headers.get("www-authenticate", "")

    proof = prover.proof("GET", base + PATH, now(), ath=ath)
    assert call(proof, params={"limit": "1"})[0] == 200  # the query does not count
    status, code, challenge = call(proof)  # replayed
    assert (status, code) == (401, "DPOP_PROOF_INVALID")
    assert challenge.startswith('DPoP error="invalid_dpop_proof", algs="ES256')
    assert call(None)[1] == "DPOP_PROOF_INVALID"
    assert call(prover.proof("POST", base + PATH, now(), ath=ath))[1] == "DPOP_PROOF_INVALID"
    assert call(prover.proof("GET", base + "/v1/other", now(), ath=ath))[1] == "DPOP_PROOF_INVALID"
    assert call(Prover().proof("GET", base + PATH, now(), ath=ath))[1] == "DPOP_PROOF_INVALID"
    assert call(prover.proof("GET", base + PATH, now(), ath=ath), "Bearer")[1] == "TOKEN_INVALID"
    assert call(prover.proof("GET", base + PATH, now(), ath=ath))[0] == 200
    # two proofs in one request
    fresh = [prover.proof("GET", base + PATH, now(), ath=ath) for _ in range(2)]
    headers = [("authorization", f"DPoP {token}"), *(("dpop", each) for each in fresh)]
    assert served.http.get(PATH, headers=headers).json()["code"] == "DPOP_PROOF_INVALID"
    # an unbound token gains nothing from a proof
    free = bound_token(served, None)
    answer = served.http.get(
        PATH, headers={"authorization": f"DPoP {free}", "dpop": prover.proof("GET", base + PATH, now(), ath=access_token_digest(free))}
    )
    assert answer.json()["code"] == "TOKEN_INVALID"
    assert served.http.get(PATH, headers={"authorization": f"Bearer {free}"}).status_code == 200


@pytest.mark.clause("RFC 9449 9")
def test_a_client_of_the_strict_profile_must_use_the_nonce_of_now(served: Here) -> None:
    context = served.house.context
    base, desk, prover = context.settings.base_url, idp.service.client_desk(context), Prover()
    jkt = check_proof(prover.proof("GET", base, now()), method="GET", url=base, at=datetime.now(UTC)).jkt
    token = bound_token(served, jkt)
    ath, client_id = access_token_digest(token), json.loads(read_base64url(token.split(".")[1]))["client_id"]

    def call(**claims: Any) -> Any:
        headers = {"authorization": f"DPoP {token}", "dpop": prover.proof("GET", base + PATH, now(), ath=ath, **claims)}
        return served.http.get(PATH, headers=headers)

    assert call().status_code == 200
    strict = Registration(client_id, profile="fapi2")
    context.database.write(lambda connection: put_registration(connection, strict, context.clock.now(), desk.mac_key))
    with context.database.read() as connection:
        client = load_client(connection, client_id, desk.mac_key)
    context.database.write(lambda connection: update_client(connection, replace(client, version=client.version + 1), desk.mac_key))
    refused = call()
    assert (refused.status_code, refused.json()["code"]) == (401, "DPOP_NONCE_NEEDED")
    assert call(nonce=refused.headers["dpop-nonce"]).status_code == 200
    assert call(nonce="another").json()["code"] == "DPOP_NONCE_NEEDED"
