"""Registration of the services of a client that speak CAS. Scope client.manage."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request  # noqa: TC002 - the framework reads the annotations
from pydantic import ConfigDict, Field

from idp.actions.register_cas_services import cas_registration, register_cas_services
from idp.api.client_routes import MANAGE
from idp.model.cas import SERVICES_MAX, CasRegistration
from idp.store.clients import load_client
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape

if TYPE_CHECKING:
    from idp.actions.register_client import ClientDesk

_EXAMPLE: Final[dict[str, Any]] = {
    "services": ["https://office.example.org/app/*"],
    "claims": ["name", "level"],
    "proxy_callbacks": ["https://office.example.org/app/pgt"],
    "accepted_proxies": [],
}


class CasServices(RequestShape):
    """Where tickets may go, what is told of people there beside the id of the account, and who goes on to whom in their name."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    services: list[str] = Field(max_length=SERVICES_MAX, description="Whole addresses, or folders ending in /*; none: no tickets.")
    claims: list[str] = Field(default=[], max_length=64, description="Names of claims, such as name, phone_number or level.")
    proxy_callbacks: list[str] = Field(
        default=[],
        max_length=SERVICES_MAX,
        description="Where proxy-granting tickets may go that its services ask for (pgtUrl), as services are said; none: it goes on to nobody.",
    )
    accepted_proxies: list[str] = Field(
        default=[],
        max_length=SERVICES_MAX,
        description="By whose callbacks others may come to its services in a person's name, as services are said; none: nobody.",
    )


def _view(found: CasRegistration) -> dict[str, Any]:
    return {name: list(entries) for name, entries in asdict(found).items()}


def add_cas_client_routes(router: APIRouter, desk: ClientDesk) -> None:
    """Add them to the service's router."""
    path, tags = "/v1/clients/{client_id}/cas-services", ["cas"]

    @router.get(
        path, summary="Show where a client gets CAS tickets", response_model=CasServices, tags=list(tags), responses=problem_answers(404)
    )
    @needs(MANAGE)
    def read_cas_services(client_id: str) -> dict[str, Any]:
        with desk.database.read() as connection:
            load_client(connection, client_id, desk.mac_key)
            return _view(cas_registration(connection, client_id, desk.mac_key))

    @router.put(
        path,
        summary="Say where a client gets CAS tickets",
        response_model=CasServices,
        tags=list(tags),
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def replace_cas_services(request: Request, client_id: str, body: CasServices) -> dict[str, Any]:
        caller = caller_of(request)
        given = {name: tuple(entries) for name, entries in body.model_dump().items()}
        return _view(register_cas_services(desk, client_id, CasRegistration(**given), actor=caller.actor, grantable=caller.scopes))
