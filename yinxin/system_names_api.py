"""What the systems are called that used somebody's licences: an identifier tells a citizen nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

import idp.service
from idp.actions.find_clients import client_names
from licence_vault.uses import SCOPE_OWN
from service_kit.composition import needs
from service_kit.problems import problem_answers

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

SYSTEMS_MAX: Final = 200  # of one call: a page of the access log names no more
_ID_CHARACTERS: Final = 128


class SystemName(BaseModel):
    """A system as it was registered."""

    client: str
    name: str


class SystemNames(BaseModel):
    """Those that are registered here; of others nothing is known but their identifier."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"systems": [{"client": "cl_registry", "name": "不动产登记系统（示例）"}]}]})

    systems: list[SystemName]


def make_router(context: ServiceContext) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["my licences"])
    desk = idp.service.client_desk(context)

    @router.get(
        "/v1/my/systems",
        name="name_systems",
        summary="What the systems are called that one's access log names",
        response_model=SystemNames,
        responses=problem_answers(401, 403, 422),
    )
    @needs(SCOPE_OWN)
    def read_names(
        client: Annotated[
            list[Annotated[str, Query(min_length=1, max_length=_ID_CHARACTERS)]],
            Query(min_length=1, max_length=SYSTEMS_MAX, description="An identifier as the log has it; may stand several times."),
        ],
    ) -> SystemNames:
        names = client_names(desk, client)
        return SystemNames(systems=[SystemName(client=each, name=name) for each, name in names.items()])

    return router
