"""Status lists over HTTP (IETF draft-ietf-oauth-status-list-21 8): for everyone, cacheable, and for any time since the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field

from crypto.jose import write_jwk
from licence_vault.actions.find_status_lists import find_edition
from licence_vault.actions.publish_status_lists import STATUS_PATH, TTL_SECONDS
from licence_vault.api.log_routes import NEWEST, ProofView
from licence_vault.key_rings import read_ring
from licence_vault.status.tokens import ES256_KEY, SM2_KEY, public_key
from service_kit.composition import public
from standards.ietf_status_list import CWT_MEDIA_TYPE, JWT_MEDIA_TYPE, TIME_LIMIT

if TYPE_CHECKING:
    from licence_vault.status.editions import Edition
    from service_kit.composition import ServiceContext
    from service_kit.transparency_log import TransparencyLog

_TAGS: Final[list[Any]] = ["licence status"]
_OPEN: Final = "whoever is shown a licence may ask; a list says nothing of a single licence to who does not have it"
_PAST: Final = "public, max-age=31536000, immutable"
_FORMS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A Status List Token; CWT where Accept asks for it.",
        "content": {JWT_MEDIA_TYPE: {"schema": {"type": "string"}}, CWT_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Unchanged since the ETag in If-None-Match."},
}

ListNumber = Annotated[int, Path(ge=1, le=1_000_000, description="Number of the list.", examples=[1])]
AtTime = Annotated[
    int | None, Query(ge=0, le=TIME_LIMIT, description="Seconds since 1970 UTC: the edition that was in force then.", examples=[1764316800])
]
IfNoneMatch = Annotated[str | None, Header(max_length=128)]
Accept = Annotated[str | None, Header(max_length=512)]


class StatusReceiptView(BaseModel):
    """That an edition was published: its leaf in the log and the proof in each tree."""

    number: int = Field(description="Number of the list.")
    published: int = Field(description="Seconds since 1970 UTC: `iat` of the edition's tokens.")
    digest: str = Field(description="SM3 of the list's packed bytes, hexadecimal.")
    entry: str = Field(description="The leaf.")
    proofs: list[ProofView]


class KeysView(BaseModel):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


def add_status_routes(router: APIRouter, context: ServiceContext, log: TransparencyLog) -> None:
    """Add them to the service's router."""

    def answer(found: tuple[Edition, bool], *, gm: bool, accept: str | None, if_none_match: str | None) -> Response:
        edition, is_past = found
        as_cwt = CWT_MEDIA_TYPE in (accept or "").lower()
        tag = f'"{edition.list_number}-{edition.number}-{"gm" if gm else "es"}-{"cwt" if as_cwt else "jwt"}"'
        left = edition.expires_seconds - int(context.clock.now().timestamp())
        fresh = f"public, max-age={max(0, min(TTL_SECONDS, left))}"
        headers = {
            "etag": tag,
            "vary": "accept",
            "cache-control": _PAST if is_past else fresh,
            "access-control-allow-origin": "*",  # draft 8.1: pages of other origins verify too
        }
        if if_none_match == tag:
            return Response(status_code=304, headers=headers)
        tokens = edition.tokens
        if tokens is None:
            raise TypeError(edition.number)  # only signed editions are found
        if as_cwt:
            return Response(tokens.cwt_sm2 if gm else tokens.cwt_es256, media_type=CWT_MEDIA_TYPE, headers=headers)
        return Response(tokens.jwt_sm2 if gm else tokens.jwt_es256, media_type=JWT_MEDIA_TYPE, headers=headers)

    @router.get(
        STATUS_PATH + "/{number}",
        name="read_licence_status_list",
        summary="A status list, signed with ES256",
        response_class=Response,
        responses=_FORMS,
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_list(number: ListNumber, time: AtTime = None, accept: Accept = None, if_none_match: IfNoneMatch = None) -> Response:
        return answer(find_edition(context, number, time), gm=False, accept=accept, if_none_match=if_none_match)

    @router.get(
        STATUS_PATH + "/{number}/gm",
        name="read_licence_status_list_gm",
        summary="The same list, signed with SM2",
        response_class=Response,
        responses=_FORMS,
        tags=_TAGS,
    )
    @public(_OPEN)
    def read_gm_list(number: ListNumber, time: AtTime = None, accept: Accept = None, if_none_match: IfNoneMatch = None) -> Response:
        return answer(find_edition(context, number, time), gm=True, accept=accept, if_none_match=if_none_match)

    @router.get(
        STATUS_PATH + "/{number}/receipt",
        name="read_licence_status_receipt",
        summary="Prove that a status list was published",
        tags=_TAGS,
    )
    @public("so nobody can be shown another list than all others; hashes say nothing of the entries")
    def read_receipt(number: ListNumber, response: Response, time: AtTime = None) -> StatusReceiptView:
        edition, _ = find_edition(context, number, time)
        receipts = [(tree.name, log.receipt(edition.entry_id, tree.name)) for tree in log.trees]
        response.headers["cache-control"] = NEWEST
        return StatusReceiptView(
            number=number,
            published=edition.published_seconds,
            digest=edition.digest.hex(),
            entry=receipts[0][1].entry.decode(),
            proofs=[ProofView(tree=name, proof=receipt.to_text().decode()) for name, receipt in receipts],
        )

    @router.get("/licences/status-keys", name="read_licence_status_keys", summary="The key that signs status lists, ES256", tags=_TAGS)
    @public("a public key")
    def read_keys() -> KeysView:
        return _keys(context, ES256_KEY)

    @router.get("/licences/gm-status-keys", name="read_licence_status_keys_gm", summary="The key that signs status lists, SM2", tags=_TAGS)
    @public("a public key")
    def read_gm_keys() -> KeysView:
        return _keys(context, SM2_KEY)


def _keys(context: ServiceContext, name: str) -> KeysView:
    """Newest first; those that sign no more too: printed codes and lists of former times name them. None that was withdrawn: it shows nothing."""
    with context.database.read() as conn:
        ring = read_ring(conn, name)
    return KeysView(keys=[write_jwk(public_key(context.keystore, each.key_id)) for each in reversed(ring) if each.withdrawn_at is None])
