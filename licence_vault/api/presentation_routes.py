"""Asking wallets for licences (OpenID4VP 1.0, direct_post): the question, the wallet's answer, and the verdict for who asked."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import anyio.to_thread
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from licence_vault.actions.ask_presentation import PURPOSE_CHARACTERS, ask_presentation, find_answer
from licence_vault.actions.take_presentation import take_presentation
from licence_vault.api.peer_rates import PeerRates
from licence_vault.api.wallet_answers import answer, json_answer, read_body, refusals, refuse
from licence_vault.credential_errors import rate_exceeded
from licence_vault.credentials.lanes import LaneName
from licence_vault.credentials.presentation_messages import PATH, PATH_DEPTH_MAX, PATHS_MAX, TYPES_MAX, read_question
from service_kit.composition import caller_of, needs, public
from service_kit.problems import CREATED, language_of, problem_answers
from service_kit.request_shapes import RequestShape
from standards.errors import TrustError
from standards.rfc9901_sd_jwt import COMBINED_CHARACTERS

if TYPE_CHECKING:
    from licence_vault.actions.presentation_desk import PresentationDesk

SCOPE_ASK: Final = "licence.presentation"
SCOPES: Final = {SCOPE_ASK: "Ask holders' wallets to show licences, and see what they showed."}
ANSWERS_PER_MINUTE: Final = 60
ANSWER_BYTES: Final = 2 * COMBINED_CHARACTERS  # with room for escapes
_TAGS: Final[list[Any]] = ["presentations"]

RequestId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{32}$", description="Of the question.")]


class PresentationOrder(RequestShape):
    """What is to be shown."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "types": ["11100000000013338W999"],
                    "claims": [["licence_name"], ["valid_to"], ["holders", None, "name"], ["fields", "KZ_scope"]],
                    "lanes": ["es256"],
                    "purpose": "办理变更登记时核验许可证",
                }
            ]
        },
    )

    types: Annotated[
        list[str], Field(min_length=1, max_length=TYPES_MAX, description="Codes of licence types; one of them is to be shown.")
    ]
    claims: Annotated[
        list[Annotated[list[str | int | None], Field(min_length=1, max_length=PATH_DEPTH_MAX)]],
        Field(
            min_length=1,
            max_length=PATHS_MAX,
            description="Paths of DCQL: a name for a member, null for every element. Ask for no more than needed.",
        ),
    ]
    lanes: Annotated[list[Annotated[LaneName, Field(strict=False)]], Field(min_length=1, max_length=2)] = Field(default=[LaneName.ES256])
    purpose: Annotated[str, Field(min_length=1, max_length=PURPOSE_CHARACTERS, description="What for; it goes into the audit trail.")]


class PresentationRequestAnswer(BaseModel):
    """A question that waits for its answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "q7V0m0hJ6o5u0cKXyqv2Qm7Y1yYy3r0B",
                    "request": {"response_type": "vp_token", "response_mode": "direct_post"},
                    "request_uri": "openid4vp://?response_type=vp_token&response_mode=direct_post",
                    "expires_at": "2026-11-28T09:05:00Z",
                }
            ]
        }
    )

    id: str
    request: Annotated[dict[str, Any], Field(description="OpenID4VP 1.0, 5.")]
    request_uri: Annotated[str, Field(description="The same as a link, for a printed code.")]
    expires_at: datetime


class PresentationResult(BaseModel):
    """What became of a question. Only `verdict` `valid` means that the licence was shown by its holder, now, and is in force."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "state": "answered",
                    "verdict": "valid",
                    "expires_at": "2026-11-28T09:05:00Z",
                    "answered_at": "2026-11-28T09:01:12Z",
                    "report": {"verdict": "valid"},
                    "claims": {"licence_name": "示例许可证"},
                    "holder": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                }
            ]
        }
    )

    state: Literal["waiting", "answered", "declined", "expired"]
    verdict: Literal["valid", "invalid", "indeterminate"] | None
    expires_at: datetime
    answered_at: datetime | None
    report: Annotated[dict[str, Any] | None, Field(description="The steps, as of every verifier here.")]
    claims: Annotated[
        dict[str, Any] | None, Field(description="What was shown, under the issuer's signature. See `verdict` before it is used.")
    ]
    holder: Annotated[str | None, Field(description="Thumbprint of the holder's key (RFC 7638).")]


def add_presentation_routes(router: APIRouter, desk: PresentationDesk) -> None:
    """Add them to the service's router."""
    rates = PeerRates(ANSWERS_PER_MINUTE, rate_exceeded)

    @router.post(
        "/v1/licence-presentations",
        status_code=201,
        name="ask_licence_presentation",
        summary="Ask a wallet to show a licence",
        description="The question counts five minutes and is answered once. What was shown can be fetched for an hour, by who asked.",
        response_model=PresentationRequestAnswer,
        responses={201: CREATED},
        tags=_TAGS,
    )
    @needs(SCOPE_ASK)
    def ask(request: Request, order: PresentationOrder, response: Response) -> PresentationRequestAnswer:
        caller = caller_of(request)
        question = read_question(order.types, order.claims, order.lanes)
        made = ask_presentation(desk, question, purpose=order.purpose, holder=caller.holder, actor=caller.actor)
        response.headers["cache-control"] = "no-store"
        response.headers["location"] = f"/v1/licence-presentations/{made.request_id}"
        return PresentationRequestAnswer(id=made.request_id, request=made.request, request_uri=made.request_uri, expires_at=made.expires_at)

    @router.get(
        "/v1/licence-presentations/{request_id}",
        name="read_licence_presentation",
        summary="What a wallet answered, and what that is worth",
        response_model=PresentationResult,
        responses=problem_answers(404),
        tags=_TAGS,
    )
    @needs(SCOPE_ASK)
    def read(request: Request, request_id: RequestId, response: Response) -> PresentationResult:
        found = find_answer(desk, request_id, holder=caller_of(request).holder)
        response.headers["cache-control"] = "no-store"
        result = found.result or {}
        shown = {name: result.get(name) for name in ("claims", "holder")}
        report = result.get("report", {}).get(language_of(request.headers.get("accept-language")))
        times = {"expires_at": found.expires_at, "answered_at": found.answered_at}
        return PresentationResult.model_validate({"state": found.state, "verdict": found.verdict, "report": report, **times, **shown})

    @router.post(
        PATH + "{request_id}/answer",
        name="take_licence_presentation",
        summary="A wallet's answer",
        description="OpenID4VP 1.0, 8.2 (direct_post). The answer says nothing about the verdict.",
        response_class=Response,
        responses={**json_answer("It arrived.", {}), **refusals(400, 404, 413, 429, 503)},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "required": ["state"],
                            "properties": {name: {"type": "string"} for name in ("vp_token", "state", "error", "error_description")},
                        },
                        "example": {"vp_token": '{"licence":["eyJ…~…~eyJ…"]}', "state": "…"},
                    }
                },
            }
        },
        tags=_TAGS,
    )
    @public("wallets have nothing but the question; its state shows that they know it")
    async def take(request: Request, request_id: RequestId) -> Response:
        try:
            rates.take(request)
            body, content_type = await read_body(request, ANSWER_BYTES), request.headers.get("content-type", "")
            await anyio.to_thread.run_sync(partial(take_presentation, desk, request_id, content_type, body))
        except TrustError as error:
            return refuse(error)
        return answer({})
