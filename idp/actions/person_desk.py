"""What issuing tokens about people needs, and the steps that each way to them shares: signing, the client's rate, the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crypto.sm2_form import SM2_FORM
from idp.actions.claims_of import agreed_claims, claims_of
from idp.actions.cut_scopes import still_represents
from idp.actions.two_factors import lacks_two
from idp.model.clients import ACCESS_TOKEN_ALGORITHM, SIGNING_ALGORITHMS
from idp.model.people import AccountStatus
from idp.model.registrations import profile_of, sm2_form_of
from idp.store.accounts import account_standing
from idp.store.sign_ins import find_session
from idp.tokens.person_tokens import ACCESS_TYPE, ID_TYPE, Issuance, access_claims, id_claims, token_seconds
from idp.tokens.signed_jwt import sign_jwt
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.signer import Signer
    from crypto.sm2_form import Sm2Form
    from idp.actions.issue_token import TokenDesk
    from idp.actions.people_desk import PeopleDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.clients import Client, SigningKey
    from idp.model.grants import PersonGrant
    from idp.model.registrations import Registration
    from idp.ports import ScopeLimit
    from idp.store.accounts import Vault
    from idp.tokens.request import TokenRequest


@dataclass(frozen=True, slots=True)
class PersonDesk:
    """``tokens``: the desk of client credentials, whose doorkeeper, key ring and limits serve here too. ``pairwise_key``: 32 bytes.
    ``scope_limits``: see ``ports.SCOPE_LIMITS``.
    """

    tokens: TokenDesk
    people: PeopleDesk
    mac_key: bytes
    pairwise_key: bytes
    scope_limits: Mapping[str, ScopeLimit] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Without the keys."""
        return "PersonDesk()"


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that signs a kind of tokens; a grant becomes durable only if its row is unchanged."""

    key: SigningKey
    signer: Signer
    sm2: Sm2Form = SM2_FORM

    def sign(self, token_type: str, claims: dict[str, Any]) -> str:
        """A token, compact."""
        return sign_jwt(self.key, self.signer, token_type, claims, self.sm2)


@dataclass(frozen=True, slots=True)
class Signings:
    """The keys of an answer: resource servers read access tokens of one algorithm, each client chose that of its ID tokens."""

    access: Signing
    identity: Signing


async def choose_signings(desk: PersonDesk, registration: Registration, at: datetime) -> Signings:
    """The keys for a client's tokens now. JWS_ALGORITHM_UNSUPPORTED, SIGNING_KEY_MISSING."""
    access = await choose_signing(desk, ACCESS_TOKEN_ALGORITHM, at)
    return Signings(access, await choose_signing(desk, registration.id_token_signed_response_alg, at, sm2_form_of(registration)))


async def choose_signing(desk: PersonDesk, algorithm: str, at: datetime, sm2: Sm2Form = SM2_FORM) -> Signing:
    """The key that signs with an algorithm now. ``sm2``: as the client reads SM2. JWS_ALGORITHM_UNSUPPORTED where no key of ours has it."""
    if algorithm not in SIGNING_ALGORITHMS:
        raise TrustError(Kind.UNACCEPTABLE, "JWS_ALGORITHM_UNSUPPORTED", algorithm=algorithm)
    return Signing(*await desk.tokens.ring.signing(at, algorithm), sm2)


def demand_standing(connection: Connection, desk: PersonDesk, grant: PersonGrant, at: datetime) -> None:
    """Raise GRANT_ENDED unless the grant stands now (``has_standing``)."""
    if not has_standing(connection, desk.people.vault, grant, at):
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_ENDED")


def has_standing(connection: Connection, vault: Vault, grant: PersonGrant, at: datetime) -> bool:
    """Whether the grant, its account and (where it does not outlive it) its session stand now.

    Who acts for an organisation must still be its agent, for all that the grant carries: with that his tokens end, not only his next sign-in. So do
    those of a sign-in by one factor once the account needs two.
    """
    session = None if grant.is_offline else find_session(connection, vault, grant.session_id)
    standing = account_standing(connection, vault, grant.account_id)
    epoch = None if standing is None else standing.credential_epoch
    is_signed_in = grant.is_offline or (
        session is not None and session.ended_at is None and at < session.expires_at and session.credential_epoch == epoch
    )
    if standing is None or standing.status is not AccountStatus.ACTIVE or lacks_two(connection, standing, grant):
        return False
    return grant.ended_at is None and is_signed_in and still_represents(connection, vault, grant, at)


def demand_resource(request: TokenRequest, audience: str) -> None:
    """Raise RESOURCE_NOT_GRANTED where a token is asked for another resource server than the person was asked for (RFC 8707 2.2): the one it would
    get instead opens more, in the hands of the one it is sent to.
    """
    if request.resource not in {None, audience}:
        raise TrustError(Kind.UNACCEPTABLE, "RESOURCE_NOT_GRANTED")


def demand_unchanged(connection: Connection, desk: PersonDesk, known: KnownClient, signings: Signings) -> None:
    """Within the write job: durable only if client and keys are still what this was decided on."""
    desk.tokens.door.memory.demand_unchanged(connection, known)
    for key in {signings.access.key, signings.identity.key}:
        desk.tokens.ring.demand_unchanged(connection, key)


def claims_in_id_token(
    connection: Connection, desk: PersonDesk, grant: PersonGrant, client: Client, registration: Registration
) -> dict[str, Any]:
    """What the claims parameter asked to have in the ID token itself."""
    if not isinstance(grant.claims.get("id_token"), dict):
        return {}
    profile = profile_of(client, registration)
    return claims_of(
        connection,
        desk.people.vault,
        grant.account_id,
        grant.acting_for,
        grant.scopes,
        grant.claims,
        profile,
        at=desk.people.clock.now(),
        place="id_token",
        agreed=agreed_claims(connection, desk.people.vault, grant.account_id, grant.acting_for, profile),
    )


def write_answer(
    desk: PersonDesk,
    registration: Registration,
    grant: PersonGrant,
    signings: Signings,
    *,
    token_id: str,
    at: datetime,
    wanted: dict[str, Any],
    refresh_token: str | None,
    is_refreshed: bool = False,
    scopes: tuple[str, ...] | None = None,
    issued_token_type: str | None = None,
) -> bytes:
    """The body of a successful answer (RFC 6749 5.1, OIDC Core 3.1.3.3). ``scopes``: narrower than the grant's, where asked for."""
    narrowed = grant if scopes is None else replace(grant, scopes=scopes)
    setting: Issuance = {"issuer": desk.tokens.issuer, "issued_at_seconds": int(at.timestamp()), "pairwise_key": desk.pairwise_key}
    access_token = signings.access.sign(ACCESS_TYPE, access_claims(narrowed, registration, token_id=token_id, **setting))
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if grant.dpop_jkt else "Bearer",
        "expires_in": token_seconds(narrowed, setting["issued_at_seconds"]),
        "scope": " ".join(narrowed.scopes),
    }
    if "openid" in grant.scopes:
        claims = id_claims(grant, registration, access_token=access_token, wanted=wanted, with_nonce=not is_refreshed, **setting)
        answer["id_token"] = signings.identity.sign(ID_TYPE, claims)
    if issued_token_type is not None:  # RFC 8693 2.2.1
        answer["issued_token_type"] = issued_token_type
    if refresh_token is not None:
        answer["refresh_token"] = refresh_token
    return json.dumps(answer, separators=(",", ":")).encode()
