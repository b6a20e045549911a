"""The code printed on a licence over HTTP: for whoever has scanned one and has no verifier of his own."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import anyio.to_thread
from fastapi import APIRouter, Request  # noqa: TC002 - FastAPI reads the annotations at run time
from pydantic import BaseModel, ConfigDict, Field

from crypto.report_json import write_report, write_said
from licence_vault.actions.verify_printed_code import verify_printed_code
from licence_vault.api.peer_rates import PeerRates
from licence_vault.faces.limits import QR_TEXT_CHARACTERS
from licence_vault.limits import CODES_PER_MINUTE
from licence_vault.verify_code import said_in
from service_kit.composition import public
from service_kit.problems import language_of, problem_answers
from service_kit.request_shapes import Moment, RequestShape

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

_TAGS: Final[list[Any]] = ["licence status"]
_OPEN: Final = "whoever has the paper in his hand may ask; the answer says nothing that the code does not"


class CodeBody(RequestShape):
    """What a scanner read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "https://trust.example/v#6BFOXN*TS0BI"}]})

    text: Annotated[str, Field(min_length=1, max_length=QR_TEXT_CHARACTERS, description="The whole text, with the address it begins with.")]
    at: Annotated[Moment | None, Field(description="Judge as of this time instead of now.")] = None


class CodeStep(BaseModel):
    """One check that was run."""

    code: str
    outcome: Literal["pass", "fail", "warn", "not-checked"]
    clause: str
    detail: str


class CodeQuestion(BaseModel):
    """One question: `code`, `number`, `status`."""

    name: str
    verdict: Literal["valid", "invalid", "indeterminate"]
    steps: list[CodeStep]


class CodeSays(BaseModel):
    """What the code says, to be compared with the face."""

    identifier: str
    name: str
    number: str
    holders: list[str]
    issuer: str
    issued_on: date
    valid_from: date
    valid_to: date | None


class CodeAnswer(BaseModel):
    """The verdict on a code, as of `yinxin licence verify-code`. ``says``: null where nobody who is known has signed it."""

    verdict: Literal["valid", "invalid", "indeterminate"]
    questions: list[CodeQuestion]
    says: CodeSays | None


def add_code_routes(router: APIRouter, context: ServiceContext) -> None:
    """Add them to the service's router."""
    rates = PeerRates(CODES_PER_MINUTE)

    @router.post(
        "/v1/licence-code-verifications",
        name="verify_licence_code",
        summary="Verify the code printed on a licence",
        description="Under what this deployment publishes of its licences, as a stranger would judge it. Nothing is kept.",
        response_model=CodeAnswer,
        responses=problem_answers(422, 429),
        tags=_TAGS,
    )
    @public(_OPEN)
    async def verify(request: Request, body: CodeBody) -> CodeAnswer:
        rates.take(request)
        found = await anyio.to_thread.run_sync(partial(verify_printed_code, context, body.text, body.at))
        written = write_report("", found.report, language_of(request.headers.get("accept-language")))
        says = None if found.claims is None else write_said(said_in(found.claims))
        return CodeAnswer.model_validate({"verdict": written["verdict"], "questions": written["questions"], "says": says})
