"""Credentials for wallets: offers made at the counter, and the issuer that wallets talk to (OpenID4VCI 1.0, pre-authorised code)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from licence_vault.actions.issue_credential import issue_credential
from licence_vault.actions.offer_credential import offer_credential
from licence_vault.actions.redeem_offer import TOKEN_SECONDS, redeem_code
from licence_vault.api.peer_rates import PeerRates
from licence_vault.api.wallet_answers import NO_STORE, answer, json_answer, read_body, refusals, refuse
from licence_vault.credential_errors import credential_token_invalid, credential_type_unknown, rate_exceeded
from licence_vault.credentials.issuance_messages import (
    AUTHORIZATION_METADATA_PATH,
    CREDENTIAL_PATH,
    GM_KEYS_PATH,
    GRANT_TYPE,
    ISSUER_METADATA_PATH,
    KEY_METADATA_PATH,
    NONCE_PATH,
    TOKEN_PATH,
    write_authorization_metadata,
    write_gm_keys,
    write_issuer_metadata,
    write_key_metadata,
    write_type_metadata,
)
from licence_vault.credentials.lanes import LaneName  # noqa: TC001 - pydantic reads the annotations at run time
from licence_vault.credentials.nonces import NONCE_SECONDS, new_nonce
from licence_vault.credentials.sd_jwt_vc import VCT_PATH
from service_kit.composition import caller_of, needs, public
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from standards.errors import TrustError

if TYPE_CHECKING:
    from licence_vault.actions.credential_desk import CredentialDesk

SCOPE_OFFER: Final = "licence.credential"
SCOPES: Final = {SCOPE_OFFER: "Make offers by which a holder's wallet fetches credentials of his licence."}
TOKENS_PER_MINUTE: Final = 30  # of one address; a code has 256 bits, so this only bounds work
CREDENTIALS_PER_MINUTE: Final = 60
NONCES_PER_MINUTE: Final = 120
METADATA_HEADERS: Final = {"cache-control": "public, max-age=300"}
_TAGS: Final[list[Any]] = ["credentials"]
_JSON: Final[dict[str, Any]] = {"type": "object"}


class OfferOrder(RequestShape):
    """What an offer is for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"identifier": "1.2.156.3005.2.11100000000013338W999.11430000006122244L.TEST0000000000000000.001.C", "lanes": ["es256"]}
            ]
        },
    )

    identifier: Annotated[str, Field(min_length=1, max_length=128, description="Of the licence (GB/T 36904), with the root.")]
    lanes: Annotated[
        list[Annotated[LaneName, Field(strict=False)]],
        Field(min_length=1, max_length=2, description="es256 for wallets everywhere, sm2 for those with SM2."),
    ]
    tx_code: Annotated[bool, Field(description="Whether the wallet asks for six digits that the holder is told another way.")] = True


class OfferAnswer(BaseModel):
    """An offer. It is shown once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "co_0123456789abcdef01234567",
                    "credential_offer": {"credential_issuer": "https://trust.example/licences/credentials"},
                    "credential_offer_uri": "openid-credential-offer://?credential_offer=%7B%7D",
                    "tx_code": "493536",
                    "expires_at": "2026-11-28T09:10:00Z",
                }
            ]
        }
    )

    id: str
    credential_offer: Annotated[dict[str, Any], Field(description="OpenID4VCI 1.0, 4.1.1.")]
    credential_offer_uri: Annotated[str, Field(description="The same as a link, for a printed code.")]
    tx_code: Annotated[str | None, Field(description="For the holder, by another way than the offer.")]
    expires_at: datetime


def add_credential_routes(router: APIRouter, desk: CredentialDesk) -> None:
    """Add them to the service's router."""
    _add_offer_route(router, desk)
    _add_metadata_routes(router, desk)
    _add_wallet_routes(router, desk)


def _add_offer_route(router: APIRouter, desk: CredentialDesk) -> None:
    @router.post(
        "/v1/licence-credential-offers",
        status_code=201,
        name="offer_licence_credential",
        summary="Make an offer by which a holder's wallet fetches credentials of a licence",
        description="The code in it counts ten minutes and once, for one credential per lane. Who has both the code and the digits is taken for the "
        "holder: hand them over separately, to him.",
        response_model=OfferAnswer,
        responses=problem_answers(404),
        tags=_TAGS,
    )
    @needs(SCOPE_OFFER)
    def create_offer(request: Request, order: OfferOrder, response: Response) -> OfferAnswer:
        caller = caller_of(request)
        lanes = list(dict.fromkeys(order.lanes))
        made = offer_credential(
            desk,
            identifier=order.identifier,
            lanes=lanes,
            has_tx_code=order.tx_code,
            holder=caller.holder,
            actor=caller.actor,
            grant_id=caller.grant_id,
        )
        response.headers["cache-control"] = "no-store"
        return OfferAnswer(
            id=made.offer_id,
            credential_offer=made.offer,
            credential_offer_uri=made.offer_uri,
            tx_code=made.tx_code,
            expires_at=made.expires_at,
        )


def _add_metadata_routes(router: APIRouter, desk: CredentialDesk) -> None:
    @router.get(
        ISSUER_METADATA_PATH,
        name="read_credential_issuer_metadata",
        summary="What credentials there are (OpenID4VCI 1.0, 12.2)",
        response_class=Response,
        responses=json_answer("The metadata.", {"credential_issuer": "https://trust.example/licences/credentials"}),
        tags=_TAGS,
    )
    @public("wallets read it before they know anything")
    def read_issuer_metadata() -> Response:
        return answer(write_issuer_metadata(desk.base_url, desk.types()), headers=METADATA_HEADERS)

    @router.get(
        AUTHORIZATION_METADATA_PATH,
        name="read_credential_authorization_metadata",
        summary="Where codes of offers are redeemed (RFC 8414)",
        response_class=Response,
        responses=json_answer("The metadata.", write_authorization_metadata("https://trust.example")),
        tags=_TAGS,
    )
    @public("wallets read it before they know anything")
    def read_authorization_metadata() -> Response:
        return answer(write_authorization_metadata(desk.base_url), headers=METADATA_HEADERS)

    @router.get(
        KEY_METADATA_PATH,
        name="read_credential_keys",
        summary="The ES256 keys that sign credentials",
        response_class=Response,
        responses=json_answer("The keys.", write_key_metadata("https://trust.example", ())),
        tags=_TAGS,
    )
    @public("verifiers fetch it without signing in")
    def read_keys() -> Response:
        return answer(write_key_metadata(desk.base_url, desk.keys.by_id().values()), headers=METADATA_HEADERS)

    @router.get(
        GM_KEYS_PATH,
        name="read_credential_gm_keys",
        summary="The SM2 keys that sign credentials",
        response_class=Response,
        responses=json_answer("A JWK Set.", {"keys": []}),
        tags=_TAGS,
    )
    @public("verifiers fetch it without signing in")
    def read_gm_keys() -> Response:
        return answer(write_gm_keys(desk.keys.by_id().values()), headers=METADATA_HEADERS)

    @router.get(
        VCT_PATH + "{code}",
        name="read_credential_type",
        summary="What a credential type stands for",
        response_class=Response,
        responses={**json_answer("Type metadata.", {"vct": "https://trust.example/licences/credential-types/X"}), **refusals(404)},
        tags=_TAGS,
    )
    @public("whoever is shown a credential may ask what its type means")
    def read_type(code: Annotated[str, Path(max_length=64)]) -> Response:
        found = next((each for each in desk.types() if each.code == code), None)
        if found is None:
            return refuse(credential_type_unknown())
        return answer(write_type_metadata(desk.base_url, found), headers=METADATA_HEADERS)


def _add_wallet_routes(router: APIRouter, desk: CredentialDesk) -> None:
    tokens, credentials, nonces = (
        PeerRates(each, rate_exceeded) for each in (TOKENS_PER_MINUTE, CREDENTIALS_PER_MINUTE, NONCES_PER_MINUTE)
    )

    @router.post(
        TOKEN_PATH,
        name="redeem_credential_offer",
        summary="Exchange the code of an offer for an access token",
        description="OpenID4VCI 1.0, 6. A code counts once; five wrong digits end the offer.",
        response_class=Response,
        responses={
            **json_answer(
                "A token for the credential endpoint.", {"access_token": "…", "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
            ),
            **refusals(400, 413, 429, 503),
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "required": ["grant_type", "pre-authorized_code"],
                            "properties": {name: {"type": "string"} for name in ("grant_type", "pre-authorized_code", "tx_code")},
                        },
                        "example": {"grant_type": GRANT_TYPE, "pre-authorized_code": "…", "tx_code": "493536"},
                    }
                },
            }
        },
        tags=_TAGS,
    )
    @public("wallets have nothing but the code of their offer")
    async def redeem(request: Request) -> Response:
        try:
            tokens.take(request)
            body, content_type = await read_body(request), request.headers.get("content-type", "")
            token = await anyio.to_thread.run_sync(partial(redeem_code, desk, content_type, body))
        except TrustError as error:
            return refuse(error)
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    @router.post(
        NONCE_PATH,
        name="make_credential_nonce",
        summary="A fresh nonce for a proof",
        response_class=Response,
        responses={**json_answer(f"It counts {NONCE_SECONDS} seconds and once.", {"c_nonce": "…"}), **refusals(429)},
        tags=_TAGS,
    )
    @public("wallets fetch it before they prove anything")
    async def make_nonce(request: Request) -> Response:
        try:
            nonces.take(request)
            nonce = new_nonce(desk.nonce_key, desk.clock.now())
        except TrustError as error:
            return refuse(error)
        return answer({"c_nonce": nonce})

    @router.post(
        CREDENTIAL_PATH,
        name="issue_licence_credential",
        summary="Fetch a credential",
        description="OpenID4VCI 1.0, 8: one configuration, one proof of the kind jwt. Once per token and configuration.",
        response_class=Response,
        responses={
            **json_answer("The credential.", {"credentials": [{"credential": "eyJ….eyJ….c2ln~WyJ…~"}]}),
            **refusals(400, 401, 413, 429, 503),
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": _JSON,
                        "example": {"credential_configuration_id": "11100000000013338W999.es256", "proofs": {"jwt": ["eyJ…"]}},
                    }
                },
            }
        },
        tags=_TAGS,
    )
    @public("wallets come with the token of their offer, which is checked here")
    async def issue(request: Request) -> Response:
        try:
            credentials.take(request)
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token or len(request.headers.getlist("authorization")) != 1:
                raise credential_token_invalid()
            body = await read_body(request)
            text = await anyio.to_thread.run_sync(partial(issue_credential, desk, token, body))
        except TrustError as error:
            return refuse(error, malformed="invalid_credential_request")
        return answer({"credentials": [{"credential": text}]}, headers=NO_STORE)
