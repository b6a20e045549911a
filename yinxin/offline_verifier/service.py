"""What the deployment serves of the offline verifier: the trust bundle at ``/trust-bundle``, for pages and for those who carry it elsewhere."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service_kit.composition import ServiceParts, public

if TYPE_CHECKING:
    from yinxin.offline_verifier.trust_bundle import TrustBundles

NAME: Final = "trust-bundle"
PATH: Final = "/trust-bundle"
_EXAMPLE: Final = {"format": "yinxin-trust-bundle", "version": 1, "payload": "eyJuYW1lIjoi...", "signatures": []}


def build(bundles: TrustBundles) -> ServiceParts:
    """The parts for the composition."""
    router = APIRouter()

    @router.get(
        PATH,
        name="read_trust_bundle",
        summary="What verifiers without a network must know, as one signed file",
        description="The trust list with its revocation lists, the status of seals and licences, keys of logs and issuers, and how long it counts. "
        "Made anew when anything in it changes. Send the ETag back in If-None-Match: 304 while nothing has.",
        response_class=Response,
        responses={
            200: {"description": "The bundle.", "content": {"application/json": {"example": _EXAMPLE}}},
            304: {"description": "Unchanged since the ETag in If-None-Match."},
        },
        tags=["verification"],
    )
    @public("everything in it is published: whoever verifies must know it")
    def read_trust_bundle(request: Request) -> Response:
        bundle = bundles.current()
        tag = f'"{sha256(bundle).hexdigest()[:32]}"'
        headers = {"etag": tag, "cache-control": "public, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(bundle, media_type="application/json", headers=headers)

    return ServiceParts(name=NAME, router=router)
