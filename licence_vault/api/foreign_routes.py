"""Licences of other regions over HTTP: asked for with a reason, verified here, shown with their age."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Request  # noqa: TC002 - FastAPI reads the annotations at run time
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions.query_foreign_licence import query_foreign_licence
from licence_vault.model import SCOPE_FOREIGN
from licence_vault.ports import ForeignQuery
from licence_vault.report_errors import exchange_missing
from licence_vault.uses import UseMode  # noqa: TC001 - pydantic reads the annotations at run time
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from licence_vault.actions.query_foreign_licence import ExchangeDesk, ForeignLicence

_TAGS: Final[list[Any]] = ["foreign licences"]
_NUMBER: Final = "1.2.156.3005.2.11100000000013338W999.11430000006122244L.TEST0000000000000000.001.C"


class ForeignBody(RequestShape):
    """Which licence of which region, of whom, by what right and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "region": "440300",
                    "identifier": _NUMBER,
                    "holder_name": "张三（示例）",
                    "holder_code": "11010519491231002X",
                    "mode": "consented",
                    "consent": "同意书 2026-0001（示例）",
                    "reason": "办理跨省通办事项",
                }
            ]
        },
    )

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$", description="GB/T 2260.")]
    identifier: Annotated[str, Field(min_length=1, max_length=limits.IDENTIFIER_CHARACTERS, description="GB/T 36904.")]
    holder_name: Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
    holder_code: Annotated[str, Field(min_length=1, max_length=limits.HOLDER_CODE_CHARACTERS)]
    mode: Annotated[UseMode, Field(strict=False, description="Consented by the holder, by duty, or entrusted by him.")]
    consent: Annotated[
        str, Field(max_length=limits.REASON_CHARACTERS, description="Under what it is on record that he consented or entrusted somebody.")
    ] = ""
    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]


class ForeignQuestion(BaseModel):
    """One question of the report: number, content, seal, log, status, holder. `codes`: those of its steps (error catalogue)."""

    name: str
    verdict: str
    codes: list[str]


class ForeignLicenceAnswer(BaseModel):
    """What our own verifier says of it now. `age`: fresh, or stale where that region could not be asked (`problem`): a stale licence is never
    valid. `licence`: what it says, null where the verdict is invalid; to be believed as far as the verdict goes.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "region": "440300",
                    "identifier": _NUMBER,
                    "verdict": "valid",
                    "age": "fresh",
                    "fetched_at": "2026-11-28T08:00:00Z",
                    "problem": None,
                    "questions": [{"name": "number", "verdict": "valid", "codes": ["LICENCE_NUMBER_VALID"]}],
                    "licence": {"identifier": _NUMBER, "name": "示例许可证（样本）"},
                }
            ]
        }
    )

    region: str
    identifier: str
    verdict: str
    age: str
    fetched_at: datetime
    problem: str | None
    questions: list[ForeignQuestion]
    licence: dict[str, Any] | None


def add_foreign_routes(router: APIRouter, desk: ExchangeDesk | None) -> None:
    """Add them to the service's router. ``desk``: None where nobody is asked."""

    @router.post(
        "/v1/foreign-licences/queries",
        name="query_foreign_licence",
        summary="Ask another region for a licence, and verify it",
        description="Asked for by number and holder, with his consent or by duty; each time on record. Without `[exchange] url` nobody is asked.",
        response_model=ForeignLicenceAnswer,
        responses=problem_answers(400, 401, 403, 404, 409, 422, 503),
        tags=_TAGS,
    )
    @needs(SCOPE_FOREIGN)
    def query(request: Request, body: ForeignBody) -> ForeignLicenceAnswer:
        if desk is None:
            raise exchange_missing()
        caller = caller_of(request)
        wanted = ForeignQuery(
            region=body.region,
            identifier=body.identifier,
            holder_name=body.holder_name,
            holder_code=body.holder_code,
            mode=body.mode,
            consent=body.consent,
            reason=body.reason,
            asked_by=caller.actor,
        )
        return write_foreign(wanted, query_foreign_licence(desk, caller, wanted))


def write_foreign(wanted: ForeignQuery, shown: ForeignLicence) -> ForeignLicenceAnswer:
    """As it goes over the wire."""
    return ForeignLicenceAnswer(
        region=wanted.region,
        identifier=wanted.identifier,
        verdict=shown.verdict.value,
        age=shown.age.value,
        fetched_at=shown.fetched_at,
        problem=shown.problem,
        questions=[
            ForeignQuestion(name=each.name, verdict=each.verdict.value, codes=[step.code for step in each.steps])
            for each in shown.report.questions
        ],
        licence=None if shown.licence is None else shown.licence.as_json(),
    )
