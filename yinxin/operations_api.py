"""What operators, monitors and readers of the documentation ask any process of a deployment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Response

from service_kit.composition import public
from service_kit.health import livez
from service_kit.metrics import CONTENT_TYPE as METRICS_TYPE
from yinxin.reference_page import CONTENT_SECURITY_POLICY, reference_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from service_kit.health import ReadinessProbe
    from service_kit.metrics import Metrics

_PAGE_HEADERS: Final = {"content-security-policy": CONTENT_SECURITY_POLICY}
_NO_STORE: Final = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Operations:
    """What the operations show. ``document``: makes the OpenAPI document; asked once, at its first reader."""

    probe: ReadinessProbe
    metrics: Metrics
    document: Callable[[], dict[str, Any]]


def make_router(operations: Operations) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(tags=["operations"])
    documents: dict[str, bytes] = {}

    def document() -> dict[str, Any]:
        if "json" not in documents:
            documents["json"] = json.dumps(operations.document(), ensure_ascii=False, separators=(",", ":")).encode()
        read: dict[str, Any] = json.loads(documents["json"])
        return read

    @router.get("/livez", summary="Is the process alive", **_documented("It is.", "application/json", {"alive": True}))
    @public("an orchestrator asks before anything works")
    async def read_liveness() -> Response:
        return Response(livez(), media_type="application/json", headers=_NO_STORE)

    readiness_told = _documented("It can.", "application/json", {"ready": True, "checks": []})
    failed = {"name": "clock", "ready": False, "code": "CLOCK_BEHIND"}
    cannot = _documented("It cannot: the checks say why.", "application/json", {"ready": False, "checks": [failed]})
    readiness_told["responses"][503] = cannot["responses"][200]

    @router.get("/readyz", summary="Can the process do its work", **readiness_told)
    @public("an orchestrator asks before anything works; facts hold no secrets")
    def read_readiness() -> Response:
        readiness = operations.probe.readyz()
        return Response(readiness.body(), readiness.status, media_type="application/json", headers=_NO_STORE)

    @router.get("/metrics", summary="Counts and durations", **_documented("Prometheus text format.", "text/plain", "jobs_total 3"))
    @public("counts and durations only, no names; keep it from the internet at the gateway")
    def read_metrics() -> Response:
        return Response(operations.metrics.text(), headers={"content-type": METRICS_TYPE, **_NO_STORE})

    @router.get("/openapi.json", include_in_schema=False)
    @public("documentation")
    def read_openapi() -> Response:
        document()
        return Response(documents["json"], media_type="application/json")

    @router.get("/docs/plain", include_in_schema=False)
    @public("documentation")
    def read_plain_reference() -> Response:
        if "page" not in documents:
            documents["page"] = reference_page(document()).encode()
        return Response(documents["page"], media_type="text/html", headers=_PAGE_HEADERS)

    return router


def _documented(description: str, media_type: str, example: object) -> dict[str, Any]:
    schema = {"type": "string"} if isinstance(example, str) else {"type": "object"}
    return {
        "response_class": Response,
        "responses": {200: {"description": description, "content": {media_type: {"schema": schema, "example": example}}}},
    }
