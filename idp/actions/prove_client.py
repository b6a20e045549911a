"""Who asks at the token endpoint and its neighbours, by the method it registered: a client that registered one is not let in by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio.to_thread

from idp.actions.authenticate_client import authenticate_client, is_let_in, note_proven, refuse_client, secret_digest
from idp.actions.prove_key import demand_nonce
from idp.model.registrations import BY_CERTIFICATE, BY_HMAC, BY_KEY, BY_SUBJECT, FAPI_ALGORITHMS
from idp.tokens.client_assertion import check_assertion_claims, check_by_keys, check_by_secret, read_assertion
from idp.tokens.client_certificate import is_of_keys, is_subject
from idp.tokens.client_jwt import CLIENT_ALGORITHMS
from service_kit.one_use import use_once
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypto.jose import VerificationKey
    from idp.actions.authenticate_client import Doorkeeper
    from idp.actions.client_keys import ProofDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.registrations import Registration
    from idp.tokens.client_assertion import ReadAssertion
    from idp.tokens.request import TokenRequest
    from service_kit.dpop_nonces import Nonces

BY_SECRET: Final = {"client_secret_basic": True, "client_secret_post": False}
"""Method -> whether the secret comes in the header."""
ASSERTION_PLACE: Final = "idp-client-assertion"


async def prove_client(
    door: Doorkeeper, request: TokenRequest, peer: str, nonces: Nonces | None = None, *, is_recorded: bool = False
) -> KnownClient:
    """The client, proven, as of now. TrustError CLIENT_AUTH_FAILED, RATE_EXCEEDED.

    ``nonces``: where a proof of possession may stand beside it: DPOP_NONCE_NEEDED for one without the nonce, which then spends no assertion.
    ``is_recorded``: the caller holds the row that was remembered against the database itself, where it records what comes of it
    (``ClientMemory.demand_unchanged``) or in its own look; everywhere else a secret that was replaced, or a client disabled, in another process is found out here.
    """
    # 1. By a JWT that it signed
    if request.assertion:
        return await _by_assertion(door, request, peer, nonces)
    # 2. A client without credentials names itself, one with a certificate shows it; whoever sends a secret is neither
    if not request.client_secret and not request.by_header:
        known = await anyio.to_thread.run_sync(door.memory.present, request.client_id)
        registration = None if known is None else known.registration
        if known is not None and registration is not None:
            if registration.is_public:
                return known
            if registration.token_endpoint_auth_method in {BY_SUBJECT, BY_CERTIFICATE}:
                return await _by_certificate(door, request, peer, known, registration)
    # 3. By its secret, sent the way it registered; the same refusal for a wrong way as for a wrong secret
    if not is_recorded and door.memory.recall(request.client_id) is not None:
        door.memory.present(request.client_id)
    known = await authenticate_client(door, request.client_id, request.client_secret, peer)
    if known.registration is not None and BY_SECRET.get(known.registration.token_endpoint_auth_method) is not request.by_header:
        raise await refuse_client(door, request.client_id, "method", peer)
    note_proven(door, request.client_id, peer)
    return known


async def _by_assertion(door: Doorkeeper, request: TokenRequest, peer: str, nonces: Nonces | None) -> KnownClient:
    known = await anyio.to_thread.run_sync(door.memory.present, request.client_id)
    registration = None if known is None else known.registration
    method = "" if registration is None else registration.token_endpoint_auth_method
    if door.proofs is None or known is None or registration is None or method not in {BY_KEY, BY_HMAC}:
        raise await refuse_client(door, request.client_id, "unknown" if known is None else "method", peer)
    try:
        # 1. Made with what the client registered, for us, now
        assertion = read_assertion(request.assertion)
        if method == BY_KEY:
            await _check_by_keys(door.proofs, registration, assertion)
        else:
            secrets = await anyio.to_thread.run_sync(door.proofs.secrets_of, request.client_id)
            at = door.clock.now()
            check_by_secret(assertion, [each for each in secrets if is_let_in(known, secret_digest(door.pepper, each), at)])
        addresses = door.proofs.addresses[:1] if registration.is_fapi else door.proofs.addresses
        use = check_assertion_claims(assertion, request.client_id, addresses, door.clock.now())
    except TrustError as error:
        raise await refuse_client(door, request.client_id, f"assertion: {error.facts.get('reason', error.code)}", peer) from None
    # 2. A proof beside it that must be made again is asked for first: clients send the same assertion beside the new one
    if nonces is not None:
        demand_nonce(request.proof, registration, at=door.clock.now(), nonces=nonces)
    # 3. Once, whoever sends it and wherever to; this request may come by here again where the client changed meanwhile
    once = f"{request.client_id} {use.assertion_id}"
    if once not in request.taken:
        if not await door.database.awrite(lambda connection: use_once(connection, ASSERTION_PLACE, once, use.until_at)):
            raise await refuse_client(door, request.client_id, "assertion: used before", peer)
        request.taken.add(once)
    note_proven(door, request.client_id, peer)
    return known


async def _check_by_keys(proofs: ProofDesk, registration: Registration, assertion: ReadAssertion) -> None:
    algorithms = FAPI_ALGORITHMS if registration.is_fapi else CLIENT_ALGORITHMS
    keys = await _keys_of(proofs, registration)
    try:
        check_by_keys(assertion, keys, algorithms=algorithms)
    except TrustError:
        # Perhaps the client has a new key since its set was fetched
        fresh = await _keys_of(proofs, registration, missing=True)
        if fresh == keys:
            raise
        check_by_keys(assertion, fresh, algorithms=algorithms)


async def _keys_of(proofs: ProofDesk, registration: Registration, *, missing: bool = False) -> Mapping[str, VerificationKey]:
    if not registration.jwks_uri:
        return proofs.keys.of(registration)
    return await anyio.to_thread.run_sync(lambda: proofs.keys.of(registration, missing=missing))


async def _by_certificate(
    door: Doorkeeper, request: TokenRequest, peer: str, known: KnownClient, registration: Registration
) -> KnownClient:
    shown = request.certificate
    is_it = False
    if shown is not None and registration.token_endpoint_auth_method == BY_SUBJECT:
        is_it = is_subject(shown, registration.tls_client_auth_subject_dn)
    elif shown is not None and door.proofs is not None:
        try:
            is_it = is_of_keys(shown, await _keys_of(door.proofs, registration))
        except TrustError as error:
            raise await refuse_client(door, request.client_id, f"certificate: {error.facts.get('reason', error.code)}", peer) from None
    if not is_it:
        raise await refuse_client(door, request.client_id, "certificate", peer)
    note_proven(door, request.client_id, peer)
    return known
