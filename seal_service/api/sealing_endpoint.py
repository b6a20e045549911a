"""``POST /v1/seals/{id}/signatures`` as plain ASGI: the framework's routing and parameters would cost a tenth of what a sealing may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response

from seal_service import limits
from seal_service.actions.note_refusal import refusals_noted
from seal_service.actions.seal_document import SealedDocument, seal_document
from seal_service.api.document_routes import BINARY, SEALED_HEADERS, SEALING_BODY, read_sealing, sealed_answer
from seal_service.api.parameters import user_of
from seal_service.batch import is_item_key
from seal_service.errors import field_unacceptable, seal_not_found
from seal_service.model import SCOPE_USE
from seal_service.verify import OFD, PDF
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.idempotency import KEY_CHARACTERS
from service_kit.problems import problem_answers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from service_kit.composition import ServiceContext

PATH: Final = "/v1/seals/{seal_id}/signatures"
_SEAL_ID: Final = re.compile(r"sl_[0-9a-f]{24}")


@needs(SCOPE_USE)
class SealingEndpoint:
    """The endpoint as an ASGI application. The body is read within limits, the work done in threads, and how much may be under way bounded."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._admission = Admission(
            places=limits.HEAVY_JOBS_WAITING, bytes_max=limits.HEAVY_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS
        )
        self._document_bytes = min(limits.DOCUMENT_BYTES, context.settings.limits.body_bytes)
        self._threads = CapacityLimiter(min(limits.HEAVY_THREADS, context.settings.threads))

    def demand_place(self, method: str) -> None:
        """See ``Bounded``. TOO_BUSY."""
        if method == "POST":
            self._admission.demand_place()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await Response(status_code=405, headers={"allow": "POST"})(scope, receive, send)
            return
        request = Request(scope, receive)
        user = user_of(caller_of(request))
        seal_id = scope["path_params"]["seal_id"]
        if _SEAL_ID.fullmatch(seal_id) is None:
            raise seal_not_found(seal_id[:40])
        key = _read_key(request)
        with self._admission.take(user.name) as held:
            order = await read_sealing(request, key, self._document_bytes, held, may_let_go=True)

            def seal() -> SealedDocument:
                with refusals_noted(self._context, user, seal_id):
                    return seal_document(self._context, user, seal_id, order)

            sealed = await anyio.to_thread.run_sync(seal, limiter=self._threads)
        await sealed_answer(sealed)(scope, receive, send)


def _read_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise field_unacceptable("Idempotency-Key", "at most one")
    if keys and is_item_key(keys[0]):
        raise field_unacceptable("Idempotency-Key", "not that of a document of a batch")
    return keys[0] if keys else None


def openapi_paths() -> dict[str, Any]:
    """This operation for the API documentation, by hand because the route is."""
    answers = problem_answers(400, 401, 403, 404, 409, 413, 422, 429, 503)
    return {
        PATH: {
            "post": {
                "operationId": "seal_document",
                "summary": "Seal a document",
                "description": "Answers the sealed document. A sealed PDF begins with the document that was sent, byte for byte; in a sealed OFD all "
                "files that were sent keep their bytes, but for the list of signatures.",
                "tags": ["sealing"],
                "security": [{"oauth2": [SCOPE_USE]}],
                "parameters": [
                    {
                        "name": "seal_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "pattern": f"^{_SEAL_ID.pattern}$"},
                        "description": "Identifier of the seal.",
                    },
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "required": False,
                        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS},
                        "description": "Same key, same result, once: repeat a request safely. The same key with another request is refused "
                        "(422).",
                    },
                ],
                **SEALING_BODY,
                "responses": {
                    "200": {
                        "description": "The sealed document.",
                        "content": {PDF: {"schema": BINARY}, OFD: {"schema": BINARY}},
                        "headers": SEALED_HEADERS,
                    },
                    **{str(status): answer for status, answer in answers.items()},
                },
            }
        }
    }
