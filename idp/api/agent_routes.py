"""Agents of organisations, and sessions of persons, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response  # noqa: TC002 - the framework reads the annotations

from idp.actions.end_session import end_all_sessions, end_session
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.api.account_routes import MANAGE, READ, After, Limit, actor_of, aware, demand_other
from idp.api.account_shapes import AgentOrder, AgentPage, AgentView, SessionPage, SessionView, agent_view, session_view
from idp.model.people import PAGE_MAX, AccountKind
from idp.store.accounts import list_agents, load_account, load_agent
from idp.store.sign_ins import list_sessions
from service_kit.composition import caller_of, needs
from service_kit.preconditions import IdempotencyKey  # noqa: TC001 - FastAPI reads the annotations at run time
from service_kit.problems import CREATED, problem_answers

if TYPE_CHECKING:
    from idp.actions.people_desk import PeopleDesk

_AGENTS: Final[list[Any]] = ["agents"]
_SESSIONS: Final[list[Any]] = ["sessions"]


def add_agent_routes(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/organisations/{organisation_id}/agents",
        status_code=201,
        name="grant_agent",
        summary="Let a person act for an organisation",
        response_model=AgentView,
        tags=_AGENTS,
        responses={201: CREATED, **problem_answers(404, 409)},
    )
    @needs(MANAGE)
    def create_agent(
        request: Request, organisation_id: str, body: AgentOrder, response: Response, key: IdempotencyKey = None
    ) -> dict[str, Any]:
        demand_other(request, body.person_id)
        caller = caller_of(request)
        agent = grant_agent(
            desk,
            organisation_id,
            body.person_id,
            role=body.role,
            scopes=tuple(body.scopes),
            valid_from=aware(body.valid_from, "valid_from"),
            valid_until=aware(body.valid_until, "valid_until"),
            actor=caller.actor,
            once=desk.asked_once(
                caller, "POST /v1/organisations/{organisation_id}/agents", key, organisation_id.encode(), body.model_dump_json().encode()
            ),
            by=caller,
        )
        response.headers["location"] = f"/v1/agents/{agent.agent_id}"
        return agent_view(agent)

    @router.get(
        "/v1/organisations/{organisation_id}/agents",
        name="list_agents_of_organisation",
        summary="Who acts or acted for an organisation",
        response_model=AgentPage,
        tags=_AGENTS,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_agents(organisation_id: str, after: After = "", limit: Limit = PAGE_MAX) -> dict[str, Any]:
        return _agents(organisation_id, "", after, limit)

    @router.get(
        "/v1/accounts/{person_id}/agents",
        name="list_agents_of_person",
        summary="For whom a person acts or acted",
        response_model=AgentPage,
        tags=_AGENTS,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_grants(person_id: str, after: After = "", limit: Limit = PAGE_MAX) -> dict[str, Any]:
        return _agents("", person_id, after, limit)

    def _agents(organisation_id: str, person_id: str, after: str, limit: int) -> dict[str, Any]:
        with desk.database.read() as connection:
            load_account(
                connection, desk.vault, organisation_id or person_id, AccountKind.ORGANISATION if organisation_id else AccountKind.PERSON
            )
            found = list_agents(connection, desk.vault, organisation_id=organisation_id, person_id=person_id, after=after, count=limit + 1)
        page = found[:limit]
        return {"agents": [agent_view(each) for each in page], "next_after": page[-1].agent_id if len(found) > limit else None}

    @router.get(
        "/v1/agents/{agent_id}",
        name="show_agent",
        summary="Show a grant",
        response_model=AgentView,
        tags=_AGENTS,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_agent(agent_id: str) -> dict[str, Any]:
        with desk.database.read() as connection:
            return agent_view(load_agent(connection, desk.vault, agent_id))

    @router.post(
        "/v1/agents/{agent_id}/revoke",
        name="revoke_agent",
        summary="End a grant at once",
        response_model=AgentView,
        tags=_AGENTS,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def end_agent(request: Request, agent_id: str) -> dict[str, Any]:
        return agent_view(revoke_agent(desk, agent_id, actor=actor_of(request), by=caller_of(request)))

    @router.get(
        "/v1/accounts/{account_id}/sessions",
        name="list_sessions",
        summary="Where a person is signed in",
        response_model=SessionPage,
        tags=_SESSIONS,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_sessions(account_id: str, after: After = "", limit: Limit = PAGE_MAX) -> dict[str, Any]:
        at = desk.clock.now()
        with desk.database.read() as connection:
            load_account(connection, desk.vault, account_id, AccountKind.PERSON)
            found = list_sessions(connection, desk.vault, account_id, after=after, count=limit + 1)
        page = found[:limit]
        return {"sessions": [session_view(each, at) for each in page], "next_after": page[-1].session_id if len(found) > limit else None}

    @router.delete(
        "/v1/accounts/{account_id}/sessions",
        status_code=204,
        name="end_all_sessions",
        summary="Sign a person out everywhere",
        tags=_SESSIONS,
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def end_all(request: Request, account_id: str) -> None:
        with desk.database.read() as connection:
            load_account(connection, desk.vault, account_id, AccountKind.PERSON)
        end_all_sessions(desk, account_id, actor=actor_of(request))

    @router.post(
        "/v1/sessions/{session_id}/end",
        name="end_session",
        summary="End a session",
        response_model=SessionView,
        tags=_SESSIONS,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def end_one(request: Request, session_id: str) -> dict[str, Any]:
        return session_view(end_session(desk, session_id, actor=actor_of(request)), desk.clock.now())
