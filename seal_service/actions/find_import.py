"""Read what was handed in with an application to keep a seal from elsewhere, and what was found out about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crypto.report import Outcome, Step
from seal_service import store
from seal_service.actions.find_applications import find_application
from seal_service.errors import application_not_found

if TYPE_CHECKING:
    from seal_service.model import Application, Paper, SealImport
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def find_import(context: ServiceContext, caller: Caller, application_id: str) -> tuple[Application, list[Paper], SealImport]:
    """The application, its papers and what was handed in: for the applicant, makers and reviewers. Raises APPLICATION_NOT_FOUND."""
    application, papers = find_application(context, caller, application_id)
    with context.database.read() as conn:
        taken_in = store.load_import(conn, application_id)
    if taken_in is None:
        raise application_not_found(application_id)
    return application, papers, taken_in


def read_steps(steps_json: str) -> tuple[Step, ...]:
    """The steps of the verification as they were kept."""
    return tuple(Step(code, Outcome(outcome), clause, facts) for code, outcome, clause, facts in json.loads(steps_json))
