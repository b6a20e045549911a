"""Identities of other providers that are in doubt, for an administrator; and what other providers tell us when a session there ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from idp.actions.decide_conflict import decide_conflict
from idp.actions.hear_upstream_logout import hear_cas_logout, hear_upstream_logout
from idp.api.account_routes import demand_other
from idp.model.federation import ConflictState, Doubt
from idp.store.changes import count_states, has_waiting, read_head
from idp.store.federation import count_open_conflicts, count_upstream_sessions, list_conflicts, load_conflict
from idp.tokens.request import read_form
from service_kit.composition import caller_of, needs, public
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.written_times import WrittenUtc, write_utc
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from idp.actions.federation_desk import FederationDesk
    from idp.model.federation import Conflict

DECIDE: Final = "identity.decide"
BODY_BYTES_MAX: Final = 32 * 1024
PAGE_MAX: Final = 100
_SHOWN_CHARACTERS: Final = 4
_STATES: Final = {"link": ConflictState.LINKED, "separate": ConflictState.SEPARATED, "reject": ConflictState.REJECTED}


class ConflictView(BaseModel):
    """An identity of another provider that is kept out until somebody decides whose it is."""

    conflict_id: str
    upstream: str = Field(description="Name of the other provider.")
    doubt: Doubt = Field(description="Why it was not joined.")
    account_id: str = Field(description="The account it looks like; after a decision the account it has been joined with.")
    kind: Literal["person", "organisation"]
    name: str = Field(description="As the other provider says.")
    id_type: str
    id_number: str = Field(description="The last four characters; empty: none was given.")
    level: int = Field(description="What the other provider vouches for, 0 to 4.")
    state: ConflictState
    opened_at: WrittenUtc = Field(description="UTC, RFC 3339")
    last_at: WrittenUtc = Field(description="When it was tried last, UTC, RFC 3339")
    tries: int
    decided_at: WrittenUtc | None
    decided_by: str | None
    reason: str


class ConflictPage(BaseModel):
    """Identities in doubt in the order of their ids. ``next_after``: the value of ``after`` for the following page, null on the last."""

    conflicts: list[ConflictView]
    next_after: str | None


class Decision(RequestShape):
    """``link``: it is that account. ``separate``: somebody else, who gets an account of his own. ``reject``: it stays out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "link", "reason": "Compared with the paper file at the counter."}]}
    )

    decision: Literal["link", "separate", "reject"]
    account_id: str = Field(default="", max_length=32, description="Only for link: another account than the one it looks like.")
    reason: str = Field(min_length=1, max_length=500)


class UpstreamView(BaseModel):
    """Another identity provider whose word is taken, as the settings have it, and what rests on it now."""

    name: str
    title_zh: str
    title_en: str
    protocol: str
    id_types: list[str] = Field(description="Kinds of number for which its word joins identities; empty: none.")
    least_level: int
    creates_accounts: bool
    agent_seconds: int = Field(description="How long its word counts that somebody acts for an organisation; 0: it does not.")
    open_conflicts: int
    sessions: int = Field(description="Sessions here that rest on a sign-in there.")


class FeedCount(BaseModel):
    """How many subjects of a kind are in a state."""

    kind: str
    status: str
    count: int


class FederationView(BaseModel):
    """Other providers, and how far the feed is that other directories follow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "upstreams": [
                        {
                            "name": "province",
                            "title_zh": "省统一身份认证",
                            "title_en": "Province",
                            "protocol": "oidc",
                            "id_types": ["resident_id"],
                            "least_level": 3,
                            "creates_accounts": True,
                            "agent_seconds": 0,
                            "open_conflicts": 1,
                            "sessions": 12,
                        }
                    ],
                    "newest_change": 1204,
                    "is_filled": True,
                    "is_waiting": False,
                    "subjects": [{"kind": "person", "status": "active", "count": 1200}],
                }
            ]
        }
    )

    upstreams: list[UpstreamView]
    newest_change: int = Field(description="Number of the newest change in the feed.")
    is_filled: bool = Field(description="Whether accounts from before there was a feed have been entered.")
    is_waiting: bool = Field(description="Whether changes wait for their numbers.")
    subjects: list[FeedCount]


def _view(conflict: Conflict) -> dict[str, Any]:
    return {
        "conflict_id": conflict.conflict_id,
        "upstream": conflict.upstream,
        "doubt": conflict.doubt,
        "account_id": conflict.account_id,
        "kind": conflict.kind,
        "name": conflict.name,
        "id_type": conflict.id_type,
        "id_number": f"…{conflict.id_number[-_SHOWN_CHARACTERS:]}" if conflict.id_number else "",
        "level": conflict.level,
        "state": conflict.state,
        "opened_at": write_utc(conflict.opened_at),
        "last_at": write_utc(conflict.last_at),
        "tries": conflict.tries,
        "decided_at": write_utc(conflict.decided_at),
        "decided_by": conflict.decided_by,
        "reason": conflict.reason,
    }


def add_federation_routes(router: APIRouter, desk: FederationDesk) -> None:
    """Add them to the service's router."""
    tags: list[Any] = ["federation"]
    people = desk.people

    @router.get("/v1/identity-conflicts", summary="Identities of other providers in doubt", response_model=ConflictPage, tags=tags)
    @needs(DECIDE)
    def read_conflicts(
        response: Response,
        state: ConflictState = ConflictState.OPEN,
        after: Annotated[str, Query(max_length=32)] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    ) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        with people.database.read() as connection:
            found = list_conflicts(connection, people.vault, state=state, after=after, count=limit + 1)
        page = found[:limit]
        return {"conflicts": [_view(each) for each in page], "next_after": page[-1].conflict_id if len(found) > limit else None}

    @router.get(
        "/v1/identity-federation",
        name="show_identity_federation",
        summary="Other providers, and how far the feed of changes is",
        response_model=FederationView,
        tags=tags,
    )
    @needs(DECIDE)
    def read_federation() -> FederationView:
        with people.database.read() as connection:
            conflicts, sessions = count_open_conflicts(connection), count_upstream_sessions(connection)
            _, newest, is_filled = read_head(connection)
            counted = [FeedCount(kind=kind, status=status, count=count) for kind, status, count in count_states(connection)]
            is_waiting = has_waiting(connection)
        upstreams = [
            UpstreamView(
                name=name,
                title_zh=each.title_zh,
                title_en=each.title_en,
                protocol=each.protocol.value,
                id_types=list(each.linking.id_types),
                least_level=each.linking.least_level,
                creates_accounts=each.linking.creates_accounts,
                agent_seconds=each.linking.agent_seconds,
                open_conflicts=conflicts.get(name, 0),
                sessions=sessions.get(name, 0),
            )
            for name, each in desk.upstreams.items()
        ]
        return FederationView(upstreams=upstreams, newest_change=newest, is_filled=is_filled, is_waiting=is_waiting, subjects=counted)

    @router.get(
        "/v1/identity-conflicts/{conflict_id}",
        summary="One identity in doubt",
        response_model=ConflictView,
        tags=tags,
        responses=problem_answers(404),
    )
    @needs(DECIDE)
    def read_conflict(conflict_id: Annotated[str, Path(max_length=32)], response: Response) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        with people.database.read() as connection:
            return _view(load_conflict(connection, people.vault, conflict_id))

    @router.post(
        "/v1/identity-conflicts/{conflict_id}/decision",
        summary="Decide whose an identity is",
        response_model=ConflictView,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(DECIDE)
    def decide(conflict_id: Annotated[str, Path(max_length=32)], body: Decision, request: Request) -> dict[str, Any]:
        if body.decision == "link":
            with people.database.read() as connection:
                demand_other(request, body.account_id or load_conflict(connection, people.vault, conflict_id).account_id)
        caller, wanted = caller_of(request), _STATES[body.decision]
        done = decide_conflict(people, conflict_id, wanted, account_id=body.account_id, reason=body.reason, actor=caller.actor, by=caller)
        return _view(done)

    async def form_of(request: Request) -> dict[str, str]:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                raise TrustError(Kind.TOO_LARGE, "FORM_UNREADABLE", limit_bytes=BODY_BYTES_MAX)
        return read_form(body, lines=frozenset({"logoutRequest"}))

    @router.post("/sign-in/upstream/{name}/backchannel-logout", include_in_schema=False)
    @public("another provider says that a session there has ended; the notice carries its signature")
    async def hear_logout(request: Request, name: str) -> Response:
        token = (await form_of(request)).get("logout_token", "")
        await anyio.to_thread.run_sync(hear_upstream_logout, desk, name, token)
        return Response(status_code=200, headers={"cache-control": "no-store"})

    @router.post("/sign-in/upstream/{name}/callback", include_in_schema=False)
    @public("a CAS upstream says that a session there has ended; the notice names the ticket, which only it and we were told")
    async def hear_logout_by_ticket(request: Request, name: str) -> Response:
        text = (await form_of(request)).get("logoutRequest", "")
        await anyio.to_thread.run_sync(hear_cas_logout, desk, name, text)
        return Response(status_code=200, headers={"cache-control": "no-store"})
