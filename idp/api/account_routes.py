"""Management of persons and organisations over HTTP: scope account.read to look, account.manage to change.

``/v1/accounts`` are persons, ``/v1/organisations`` organisations; both have the same operations, made here once. A search is for a whole
name or a whole identifier, by keyed hash: what finds pieces of names without decrypting all rows would betray them to whoever reads the
database (docs/reference/identity.md).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from idp.actions import manage_accounts as manage
from idp.actions.give_account import give_account
from idp.actions.people_desk import READ_SCOPE
from idp.actions.set_credentials import issue_recovery_code, remove_credential
from idp.api.account_shapes import (
    AccountDetail,
    AccountOrder,
    AccountPage,
    AccountPatch,
    AccountView,
    CredentialList,
    EvidenceOrder,
    RecoveryAnswer,
    StatusOrder,
    account_view,
    credential_view,
    evidence_view,
)
from idp.model.people import (
    ID_PREFIX,
    PAGE_MAX,
    AccountKind,
    Evidence,
    Identifier,
    IdentifierKind,
    field_invalid,
    new_id,
    normalise_identifier,
)
from idp.store.accounts import list_accounts, list_evidence, load_account
from idp.store.credentials import list_credentials
from service_kit.callers import PAIRWISE_PREFIX, PERSON_PREFIX, may_be_one
from service_kit.clock import in_utc
from service_kit.composition import caller_of, needs
from service_kit.idempotency import RequestKey
from service_kit.preconditions import IdempotencyKey, IfMatch, read_if_match, write_etag
from service_kit.problems import CREATED, problem_answers
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account

MANAGE: Final = "account.manage"
READ: Final = READ_SCOPE
After = Annotated[str, Query(max_length=32, description="The `next_after` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def actor_of(request: Request) -> str:
    """Who does it, for the audit trail."""
    return caller_of(request).actor


def demand_other(request: Request, account_id: str) -> None:
    """Raise ACCOUNT_OF_ONE_SELF where the natural person behind the call would do it for himself, or for the organisation he acts for: an office
    is exercised over others. An organisation that his client knows by a name of its sector may be any.
    """
    caller = caller_of(request)
    is_any = (
        bool(caller.acting) and caller.holder.startswith(PAIRWISE_PREFIX) and account_id.startswith(ID_PREFIX[AccountKind.ORGANISATION])
    )
    if is_any or may_be_one(caller, PERSON_PREFIX + account_id):
        raise TrustError(Kind.FORBIDDEN, "ACCOUNT_OF_ONE_SELF")


def aware(at: datetime | None, name: str) -> datetime | None:
    """A time with its zone, in UTC; ACCOUNT_FIELD_INVALID for one without, and for one of the calendar's ends that UTC has not."""
    return None if at is None else in_utc(at, partial(field_invalid, name))


def add_account_routes(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""
    _add(router, desk, AccountKind.PERSON, "/v1/accounts", "person")
    _add(router, desk, AccountKind.ORGANISATION, "/v1/organisations", "organisation")

    @router.post(
        "/v1/accounts/{account_id}/recovery-code",
        name="issue_recovery_code",
        summary="A code with which the person signs in once and sets a new password",
        response_model=RecoveryAnswer,
        tags=["accounts"],
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def create_recovery_code(request: Request, account_id: str, response: Response) -> dict[str, Any]:
        demand_other(request, account_id)
        response.headers["cache-control"] = "no-store"
        return {"recovery_code": issue_recovery_code(desk, account_id, actor=actor_of(request), by=caller_of(request))}

    credentials = "/v1/accounts/{account_id}/credentials"

    @router.get(
        credentials,
        name="list_credentials",
        summary="What a person signs in with",
        response_model=CredentialList,
        tags=["accounts"],
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_credentials(account_id: str, response: Response) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        with desk.database.read() as connection:
            load_account(connection, desk.vault, account_id, AccountKind.PERSON)
            return {"credentials": [credential_view(each) for each in list_credentials(connection, desk.vault, account_id)]}

    @router.delete(
        credentials + "/{credential_id}",
        status_code=204,
        name="remove_credential",
        summary="Take what a person signs in with from him, as where it was stolen",
        tags=["accounts"],
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def delete_credential(request: Request, account_id: str, credential_id: str) -> None:
        demand_other(request, account_id)
        remove_credential(desk, account_id, credential_id, actor=actor_of(request), by=caller_of(request))


def _add(router: APIRouter, desk: PeopleDesk, kind: AccountKind, path: str, word: str) -> None:
    tags: list[Any] = ["accounts"]
    ends = "sessions and tokens end" if kind is AccountKind.PERSON else "tokens for it end"

    def detail(account: Account, response: Response) -> dict[str, Any]:
        response.headers["etag"] = write_etag(account.version)
        response.headers["cache-control"] = "no-store"
        with desk.database.read() as connection:
            found = list_evidence(connection, desk.vault, account.account_id)
        return {**account_view(account), "evidence": [evidence_view(each) for each in found]}

    @router.post(
        path,
        status_code=201,
        name=f"create_{word}",
        summary=f"Create a {word}",
        response_model=AccountView,
        tags=tags,
        responses={201: CREATED, **problem_answers(409)},
    )
    @needs(MANAGE)
    def create(request: Request, body: AccountOrder, response: Response, key: IdempotencyKey = None) -> dict[str, Any]:
        identifiers = tuple(each.read() for each in body.identifiers)
        for each in identifiers:
            aware(each.verified_at, "identifiers.verified_at")
        wanted = manage.NewAccount(kind, body.name, identifiers, body.attributes, body.area, (), body.needs_two_factors)
        caller = caller_of(request)
        if key is None:
            account = manage.create_account(desk, wanted, actor=caller.actor)
        else:
            account = manage.create_account_once(desk, wanted, RequestKey(caller.claimant, f"POST {path}", key), actor=caller.actor)
        response.headers["location"] = f"{path}/{account.account_id}"
        response.headers["etag"] = write_etag(account.version)
        return account_view(account)

    @router.get(path, name=f"list_{word}s", summary=f"List or find {word}s", response_model=AccountPage, tags=tags)
    @needs(READ)
    def read_page(
        after: After = "",
        limit: Limit = PAGE_MAX,
        name: Annotated[str, Query(max_length=200, description="The whole name.")] = "",
        identifier_kind: Annotated[IdentifierKind | None, Query(description="With `identifier`.")] = None,
        identifier: Annotated[str, Query(max_length=200, description="The whole value.")] = "",
    ) -> dict[str, Any]:
        if (identifier_kind is None) != (not identifier):
            raise field_invalid("identifier", "identifier_kind and identifier together")
        wanted = Identifier(identifier_kind, normalise_identifier(identifier_kind, identifier)) if identifier_kind else None
        with desk.database.read() as connection:
            found = list_accounts(connection, desk.vault, kind=kind, after=after, count=limit + 1, name=name, identifier=wanted)
        page = found[:limit]
        return {"accounts": [account_view(each) for each in page], "next_after": page[-1].account_id if len(found) > limit else None}

    @router.get(
        path + "/{account_id}",
        name=f"show_{word}",
        summary=f"Show a {word}",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read(account_id: str, response: Response) -> dict[str, Any]:
        with desk.database.read() as connection:
            account = load_account(connection, desk.vault, account_id, kind)
        return detail(account, response)

    @router.patch(
        path + "/{account_id}",
        name=f"change_{word}",
        summary=f"Change a {word}",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def change(request: Request, account_id: str, body: AccountPatch, response: Response, if_match: IfMatch = None) -> dict[str, Any]:
        demand_other(request, account_id)
        identifiers = None if body.identifiers is None else tuple(each.read() for each in body.identifiers)
        for each in identifiers or ():
            aware(each.verified_at, "identifiers.verified_at")
        wanted = manage.AccountChange(body.name, identifiers, body.attributes, body.area, body.needs_two_factors, read_if_match(if_match))
        return detail(manage.change_account(desk, account_id, kind, wanted, actor=actor_of(request), by=caller_of(request)), response)

    @router.put(
        path + "/{account_id}/status",
        name=f"set_{word}_status",
        summary=f"Disable, enable or close a {word}; {ends} at once",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def set_status(request: Request, account_id: str, body: StatusOrder, response: Response, if_match: IfMatch = None) -> dict[str, Any]:
        demand_other(request, account_id)
        expected = read_if_match(if_match)
        caller = caller_of(request)
        changed = manage.change_account_status(
            desk, account_id, kind, body.status, actor=caller.actor, expected_version=expected, by=caller
        )
        return detail(changed, response)

    def give(request: Request, account_id: str, client_id: str, response: Response, *, is_given: bool) -> dict[str, Any]:
        demand_other(request, account_id)
        caller = caller_of(request)
        return detail(give_account(desk, account_id, kind, client_id, is_given=is_given, actor=caller.actor, by=caller), response)

    keeper = path + "/{account_id}/provisioning-clients/{client_id}"

    @router.put(
        keeper,
        name=f"give_{word}",
        summary=f"Let a provisioning client change a {word} that it did not bring",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def give_to_client(request: Request, account_id: str, client_id: str, response: Response) -> dict[str, Any]:
        return give(request, account_id, client_id, response, is_given=True)

    @router.delete(
        keeper,
        name=f"take_back_{word}",
        summary=f"Take a {word} back from a provisioning client",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def take_back_from_client(request: Request, account_id: str, client_id: str, response: Response) -> dict[str, Any]:
        return give(request, account_id, client_id, response, is_given=False)

    @router.post(
        path + "/{account_id}/evidence",
        status_code=201,
        name=f"add_{word}_evidence",
        summary="Add evidence; the level follows",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def add_evidence(
        request: Request, account_id: str, body: EvidenceOrder, response: Response, key: IdempotencyKey = None
    ) -> dict[str, Any]:
        demand_other(request, account_id)
        verified_at = aware(body.verified_at, "verified_at") or desk.clock.now()
        item = Evidence(new_id("ev_"), body.method, body.source, body.level, verified_at, aware(body.expires_at, "expires_at"))
        caller = caller_of(request)
        once = desk.asked_once(caller, f"POST {path}/{{id}}/evidence", key, account_id.encode(), body.model_dump_json().encode())
        return detail(manage.add_evidence(desk, account_id, kind, item, actor=caller.actor, by=caller, once=once), response)

    @router.delete(
        path + "/{account_id}/evidence/{evidence_id}",
        name=f"remove_{word}_evidence",
        summary="Take evidence back; the level follows",
        response_model=AccountDetail,
        tags=tags,
        responses=problem_answers(404, 409),
    )
    @needs(MANAGE)
    def remove_evidence(request: Request, account_id: str, evidence_id: str, response: Response) -> dict[str, Any]:
        demand_other(request, account_id)
        return detail(manage.remove_evidence(desk, account_id, kind, evidence_id, actor=actor_of(request), by=caller_of(request)), response)
