"""How a deployment does, for who operates it: the doctor's findings, periodic jobs, what waits to be delivered, certificates."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from service_kit.composition import days_left, needs
from service_kit.outbox import count_waiting
from service_kit.problems import language_of
from yinxin.doctor import Status, examine_running
from yinxin.version import program_version

if TYPE_CHECKING:
    from service_kit.health import ReadinessProbe
    from yinxin.assembly import House
    from yinxin.job_runner import JobRunner

SYSTEM_READ: Final = "system.read"
SCOPES: Final = {SYSTEM_READ: "See how the deployment does: findings, periodic jobs, what waits, certificates."}
TAG: Final = {"name": "system", "description": "How the deployment does, for who operates it."}
_TAGS: Final[list[Any]] = ["system"]
_NO_STORE: Final = {"cache-control": "no-store"}


class FindingAnswer(BaseModel):
    """One line of the doctor's table. ``remedy`` is empty where nothing is to be done."""

    name: str
    status: Status
    message: str
    remedy: str


class FindingsAnswer(BaseModel):
    """What is well and what is not, as ``yinxin doctor`` says it, in the caller's language."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "0.1.0",
                    "at": "2026-11-28T09:00:00Z",
                    "status": "warn",
                    "findings": [
                        {
                            "name": "certificates",
                            "status": "warn",
                            "message": "root_days_left=300.0",
                            "remedy": "yinxin ca renew --dir {DIR} (ca/)",
                        }
                    ],
                }
            ]
        }
    )

    version: str
    at: datetime
    status: Annotated[Status, Field(description="The worst of them.")]
    findings: list[FindingAnswer]


class JobAnswer(BaseModel):
    """A periodic job and its last turn in the process that answers."""

    name: str
    every_seconds: float
    began_at: datetime | None
    outcome: Annotated[str | None, Field(description="done; failed, a known trouble: it comes again; broken, a fault of the program.")]
    milliseconds: int | None


class QueueAnswer(BaseModel):
    """What waits under one topic of the outbox. ``alarmed``: tried so often that somebody should look; ``last_error`` is a code."""

    topic: str
    waiting: int
    alarmed: int
    oldest_at: datetime | None
    last_error: str | None


class JobsAnswer(BaseModel):
    """Periodic jobs, and what waits to be delivered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "jobs": [
                        {
                            "name": "house-sweep",
                            "every_seconds": 3600,
                            "began_at": "2026-11-28T09:00:00Z",
                            "outcome": "done",
                            "milliseconds": 3,
                        }
                    ],
                    "queues": [{"topic": "seal.file", "waiting": 1, "alarmed": 0, "oldest_at": "2026-11-28T09:00:00Z", "last_error": None}],
                }
            ]
        }
    )

    jobs: list[JobAnswer]
    queues: list[QueueAnswer]


class CertificateAnswer(BaseModel):
    """A certificate of the deployment's own authority."""

    name: str
    subject: str
    serial: str
    not_before: datetime
    not_after: datetime
    days_left: float


class CertificatesAnswer(BaseModel):
    """Those of the deployment itself; of seals that end soon speaks /v1/supervision/expiring."""

    certificates: list[CertificateAnswer]


_WORST: Final = (Status.OK, Status.WARN, Status.FAIL)


def make_router(house: House, probe: ReadinessProbe, runner: JobRunner) -> APIRouter:
    """The routes, for the composition to mount."""
    router = APIRouter(tags=_TAGS)
    context = house.context

    @router.get(
        "/v1/system/findings",
        name="list_system_findings",
        summary="What is well and what is not",
        response_model=FindingsAnswer,
        tags=_TAGS,
    )
    @needs(SYSTEM_READ)
    def read_findings(response: Response, accept_language: Annotated[str | None, Header()] = None) -> FindingsAnswer:
        found = examine_running(house.deployment.dir, probe.readyz(), language_of(accept_language))
        response.headers.update(_NO_STORE)
        return FindingsAnswer(
            version=program_version(),
            at=context.clock.now(),
            status=max((each.status for each in found), key=_WORST.index),
            findings=[FindingAnswer(name=each.name, status=each.status, message=each.message, remedy=each.remedy) for each in found],
        )

    @router.get("/v1/system/jobs", name="list_system_jobs", summary="Periodic jobs, and what waits", response_model=JobsAnswer, tags=_TAGS)
    @needs(SYSTEM_READ)
    def read_jobs(response: Response) -> JobsAnswer:
        with context.database.read() as connection:
            queues = count_waiting(connection)
        response.headers.update(_NO_STORE)
        return JobsAnswer(
            jobs=[
                JobAnswer(
                    name=turn.name,
                    every_seconds=turn.every_seconds,
                    began_at=turn.began_at,
                    outcome=turn.outcome,
                    milliseconds=turn.milliseconds,
                )
                for turn in runner.turns()
            ],
            queues=[
                QueueAnswer(
                    topic=each.topic, waiting=each.waiting, alarmed=each.alarmed, oldest_at=each.oldest_at, last_error=each.last_error
                )
                for each in queues
            ],
        )

    @router.get(
        "/v1/system/certificates",
        name="list_system_certificates",
        summary="The deployment's own certificates",
        response_model=CertificatesAnswer,
        tags=_TAGS,
    )
    @needs(SYSTEM_READ)
    def read_certificates() -> CertificatesAnswer:
        left = partial(days_left, now=context.clock.now())
        return CertificatesAnswer(
            certificates=[
                CertificateAnswer(
                    name=name,
                    subject=each.common_name or each.organisation or "",
                    serial=f"{each.serial:x}",
                    not_before=each.not_before,
                    not_after=each.not_after,
                    days_left=round(left(each.not_after), 1),
                )
                for name, each in house.authorities.certificates.items()
            ]
        )

    return router
