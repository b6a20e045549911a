"""What other directories follow: the feed of changes, the facts of one subject, and reconciliation.

The feed tells that something changed and under which digest, never personal data; who needs the facts asks for them, subject by subject
or through SCIM. Two directories that believe to be equal compare 256 digests, then the entries of the few buckets that differ.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from idp.actions.number_changes import number_durable_changes
from idp.api.scim_routes import READ
from idp.errors import account_not_found
from idp.model.changes import (
    BUCKETS,
    ENTRIES_COMPARED_MAX,
    PAGE_CHANGES_MAX,
    PAGE_ENTRIES_MAX,
    Entry,
    SubjectKind,
    account_facts,
    agent_facts,
    bucket_digest,
    compare_entries,
    facts_digest,
    read_cursor,
    write_cursor,
)
from idp.store.accounts import load_account, load_agent
from idp.store.changes import count_areas, count_states, each_entry, entries_of, find_state, list_changes, read_head, subject_salt
from service_kit.composition import needs
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from service_kit.written_times import WrittenUtc, write_utc
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.changes import Change

_ALL: Final = 2**31
_DIGEST: Final = "3f2a" + "0" * 60
_ENTRY: Final[dict[str, Any]] = {"subject_id": "pe_abcdefghijklmnopqrstuvwx", "version": 3, "digest": _DIGEST}

Bucket = Annotated[int, Path(ge=0, le=BUCKETS - 1, description="0 to 255.")]


class ChangeView(BaseModel):
    """A change. ``position``: 1, 2, 3, ... without a gap."""

    position: int
    subject_id: str = Field(description="pe_ person, or_ organisation, ag_ grant of an agent.")
    kind: SubjectKind
    status: str = Field(description="Of accounts: active, disabled, closed; of grants: active, revoked.")
    version: int = Field(description="Counts the changes of this subject.")
    digest: str = Field(description="SM3, hexadecimal, over the subject's salt and facts as they were then.")
    at: WrittenUtc = Field(description="UTC, RFC 3339")


class ChangePage(BaseModel):
    """Changes in their order. ``next``: the cursor to go on from, now or later; ``has_more``: further ones are there already."""

    changes: list[ChangeView]
    next: str
    has_more: bool


class FactsView(BaseModel):
    """A subject as it is told of. ``digest`` = SM3(salt ‖ facts as canonical JSON, RFC 8785)."""

    version: int
    digest: str
    salt: str = Field(description="Hexadecimal.")
    facts: dict[str, Any]


class CountView(BaseModel):
    """How many subjects of a kind are in a state."""

    kind: SubjectKind
    status: str
    count: int


class AreaCount(BaseModel):
    """How many persons or organisations of an area are in a state. ``area``: GB/T 2260, empty: unknown."""

    area: str
    kind: SubjectKind
    status: str
    count: int


class BucketView(BaseModel):
    """A bucket: the subjects whose id has an SM3 that begins with this octet. ``digest``: SM3 over ``id version digest`` lines, sorted."""

    bucket: int
    count: int
    digest: str


class ReconciliationView(BaseModel):
    """The whole directory at one moment. ``cursor``: from where the feed tells all that came later; buckets without subjects are left out."""

    cursor: str
    counts: list[CountView]
    areas: list[AreaCount]
    buckets: list[BucketView]


class EntryShape(RequestShape):
    """A subject in a comparison."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    subject_id: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=0, le=2**53)
    digest: str = Field(pattern="^[0-9a-f]{64}$")


class EntryPage(BaseModel):
    """Subjects in the order of their ids. ``next_after``: the value of ``after`` for the following page, null on the last."""

    entries: list[EntryShape]
    next_after: str | None


class Comparison(RequestShape):
    """The other directory's entries of a bucket: all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entries": [_ENTRY]}]})

    entries: list[EntryShape] = Field(max_length=ENTRIES_COMPARED_MAX)


class DifferenceView(BaseModel):
    """Both know the subject, not the same of it; who has the lower version is behind."""

    subject_id: str
    version_here: int
    version_there: int


class ComparisonAnswer(BaseModel):
    """Where the directories differ in this bucket."""

    cursor: str
    missing_here: list[str]
    missing_there: list[str]
    differing: list[DifferenceView]


def _cursor(connection: Connection) -> str:
    feed_id, last, _ = read_head(connection)
    return write_cursor(feed_id, last)


def _position(connection: Connection, cursor: str) -> tuple[str, int, int]:
    """The feed's id, the cursor's number and the newest; CHANGE_CURSOR_UNKNOWN."""
    feed_id, last, _ = read_head(connection)
    if not cursor:
        return feed_id, 0, last
    found = read_cursor(cursor)
    if found is None or found[0] != feed_id or found[1] > last:
        raise TrustError(Kind.CONFLICT, "CHANGE_CURSOR_UNKNOWN")
    return feed_id, found[1], last


def _change(change: Change) -> dict[str, Any]:
    state = change.state
    return {
        "position": change.position,
        "subject_id": state.subject_id,
        "kind": state.kind,
        "status": state.status,
        "version": state.version,
        "digest": state.digest.hex(),
        "at": write_utc(state.at),
    }


def add_change_routes(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""
    tags: list[Any] = ["directory"]

    @router.get(
        "/v1/account-changes",
        summary="Follow what changes, without a gap",
        response_model=ChangePage,
        tags=tags,
        responses=problem_answers(409),
    )
    @needs(READ)
    def read_changes(
        after: Annotated[str, Query(max_length=40, description="The `next` of the page before; empty: from the beginning.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_CHANGES_MAX)] = PAGE_CHANGES_MAX,
    ) -> dict[str, Any]:
        number_durable_changes(desk.database)
        with desk.database.read() as connection:
            feed_id, position, last = _position(connection, after)
            page = list_changes(connection, after=position, count=limit)
        reached = page[-1].position if page else position
        return {"changes": [_change(each) for each in page], "next": write_cursor(feed_id, reached), "has_more": reached < last}

    @router.get(
        "/v1/account-facts/{subject_id}",
        summary="What is told of a subject, with its digest",
        response_model=FactsView,
        tags=tags,
        responses=problem_answers(404),
    )
    @needs(READ)
    def read_facts(subject_id: Annotated[str, Path(max_length=32)], response: Response) -> dict[str, Any]:
        response.headers["cache-control"] = "no-store"
        with desk.database.read() as connection:
            state = find_state(connection, subject_id)
            if state is None:
                raise account_not_found()
            kind, version, _ = state
            if kind is SubjectKind.AGENT:
                facts = agent_facts(load_agent(connection, desk.vault, subject_id))
            else:
                facts = account_facts(load_account(connection, desk.vault, subject_id))
        salt = subject_salt(desk.vault.sealer, subject_id)
        digest = facts_digest(salt, facts).hex()
        return {"version": version, "digest": digest, "salt": salt.hex(), "facts": facts}

    @router.get(
        "/v1/account-reconciliation", summary="Counts and digests of the whole directory", response_model=ReconciliationView, tags=tags
    )
    @needs(READ)
    def reconcile() -> dict[str, Any]:
        buckets = []
        number_durable_changes(desk.database)
        with desk.database.read() as connection:
            cursor, counts, areas = _cursor(connection), count_states(connection), count_areas(connection)
            for bucket, group in groupby(each_entry(connection), key=itemgetter(0)):
                entries = [entry for _, entry in group]
                buckets.append({"bucket": bucket, "count": len(entries), "digest": bucket_digest(entries)})
        counted = [{"kind": kind, "status": status, "count": count} for kind, status, count in counts]
        by_area = [{"area": area, "kind": kind, "status": status, "count": count} for area, kind, status, count in areas]
        return {"cursor": cursor, "counts": counted, "areas": by_area, "buckets": buckets}

    @router.get("/v1/account-reconciliation/{bucket}", summary="The subjects of a bucket", response_model=EntryPage, tags=tags)
    @needs(READ)
    def read_bucket(
        bucket: Bucket,
        after: Annotated[str, Query(max_length=64, description="The `next_after` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_ENTRIES_MAX)] = PAGE_ENTRIES_MAX,
    ) -> dict[str, Any]:
        with desk.database.read() as connection:
            found = entries_of(connection, bucket, after=after, count=limit + 1)
        page = found[:limit]
        shown = [{"subject_id": each.subject_id, "version": each.version, "digest": each.digest} for each in page]
        return {"entries": shown, "next_after": page[-1].subject_id if len(found) > limit else None}

    @router.post(
        "/v1/account-reconciliation/{bucket}",
        summary="Compare a bucket with another directory's",
        response_model=ComparisonAnswer,
        tags=tags,
    )
    @needs(READ)
    def compare_bucket(bucket: Bucket, body: Comparison) -> dict[str, Any]:
        with desk.database.read() as connection:
            cursor = _cursor(connection)
            here = entries_of(connection, bucket, after="", count=_ALL)
        found = compare_entries(here, [Entry(each.subject_id, each.version, each.digest) for each in body.entries])
        differing = [{"subject_id": each, "version_here": ours, "version_there": theirs} for each, ours, theirs in found.differing]
        return {
            "cursor": cursor,
            "missing_here": list(found.missing_here),
            "missing_there": list(found.missing_there),
            "differing": differing,
        }
