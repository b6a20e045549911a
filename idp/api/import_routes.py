"""Bulk imports of accounts over HTTP: a file in, then progress and the outcome of each row. Scope directory.manage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from idp.actions.import_accounts import receive_import
from idp.actions.import_sources import is_shown, owned_sources
from idp.actions.people_desk import READ_SCOPE
from idp.api.scim_routes import MANAGE
from idp.model.imports import COLUMNS, FILE_BYTES_MAX, PAGE_ROWS_MAX, ROWS_MAX, ImportForm, ImportState, RowOutcome
from idp.store.imports import count_outcomes, list_imports, list_rows, load_import
from service_kit.composition import caller_of, needs
from service_kit.problems import problem_answers
from service_kit.written_times import WrittenUtc, write_utc
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.imports import Import

IMPORTS_SHOWN_MAX: Final = 100
_FORMS: Final = {
    "text/csv": ImportForm.CSV,
    "application/x-ndjson": ImportForm.JSON_LINES,
    "application/jsonl": ImportForm.JSON_LINES,
}
_CSV: Final = "source_id,name,login,mobile,password_hash\r\n4711,测试甲,jia,13800000000,\r\n"
_JSON: Final = '{"source_id":"4711","name":"测试甲","login":"jia"}\n'


class ImportView(BaseModel):
    """An import. ``counts``: rows by outcome."""

    import_id: str
    source: str
    state: ImportState
    dry_run: bool
    rows: int
    counts: dict[RowOutcome, int]
    file_digest: str = Field(description="SM3, hexadecimal.")
    created_at: WrittenUtc = Field(description="UTC, RFC 3339")
    created_by: str
    finished_at: WrittenUtc | None


class ImportList(BaseModel):
    """The newest imports first."""

    imports: list[ImportView]


class RowView(BaseModel):
    """What became of a row, without anything personal."""

    number: int = Field(description="From 1, the header not counted.")
    outcome: RowOutcome
    code: str = Field(description="Why it was refused; empty otherwise.")
    field: str
    account_id: str | None


class RowPage(BaseModel):
    """Rows in their order. ``next_after``: the value of ``after`` for the following page, null on the last."""

    rows: list[RowView]
    next_after: int | None


def import_view(made: Import, counts: Mapping[str, int]) -> dict[str, Any]:
    """An import as JSON-compatible values. ``counts``: its rows by their outcome."""
    return {
        "import_id": made.import_id,
        "source": made.source,
        "state": made.state.value,
        "dry_run": made.is_dry_run,
        "rows": made.rows,
        "counts": dict(counts),
        "file_digest": made.file_digest.hex(),
        "created_at": write_utc(made.created_at),
        "created_by": made.created_by,
        "finished_at": write_utc(made.finished_at),
    }


def _whose(request: Request) -> str | None:
    """Whose imports alone a caller sees, by its client; None: all, as who reads every account."""
    caller = caller_of(request)
    return None if READ_SCOPE in caller.scopes else caller.client_id


async def _read_file(request: Request) -> tuple[bytes, ImportForm, str]:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    form = _FORMS.get(kind.strip().lower())
    if form is None:
        raise TrustError(Kind.UNACCEPTABLE, "IMPORT_UNREADABLE", found="content-type", expected=", ".join(_FORMS))
    name, _, value = parameters.partition("=")
    encoding = value.strip().strip('"').lower() if name.strip().lower() == "charset" else "utf-8"
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FILE_BYTES_MAX:
            raise TrustError(Kind.TOO_LARGE, "IMPORT_TOO_LARGE", limit_bytes=FILE_BYTES_MAX)
    return bytes(body), form, encoding


def add_import_routes(router: APIRouter, desk: PeopleDesk) -> None:
    """Add them to the service's router."""
    path, tags = "/v1/account-imports", ["directory"]
    content = {
        "text/csv": {"schema": {"type": "string"}, "example": _CSV},
        "application/x-ndjson": {"schema": {"type": "string"}, "example": _JSON},
    }

    def view(connection: Connection, made: Import) -> dict[str, Any]:
        return import_view(made, count_outcomes(connection, made.import_id))

    @router.post(
        path,
        status_code=202,
        summary="Import accounts from another directory",
        description=f"At most {FILE_BYTES_MAX} octets and {ROWS_MAX} rows. Columns: {', '.join(COLUMNS)}.",
        response_model=ImportView,
        tags=list(tags),
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )
    @needs(MANAGE)
    async def create_import(
        request: Request,
        response: Response,
        source: Annotated[
            str, Query(max_length=32, description="Whose accounts they are, such as hr. Of the client that imported under this name first.")
        ],
        dry_run: Annotated[bool, Query(description="Try everything, change nothing.")] = False,  # noqa: FBT002 - a query parameter
    ) -> dict[str, Any]:
        data, form, encoding = await _read_file(request)
        caller = caller_of(request)
        receive = partial(
            receive_import, desk, source, data, form, encoding=encoding, is_dry_run=dry_run, actor=caller.actor, client_id=caller.client_id
        )
        made = await anyio.to_thread.run_sync(receive)
        response.headers["location"] = f"{path}/{made.import_id}"
        with desk.database.read() as connection:
            return view(connection, made)

    def load_shown(connection: Connection, request: Request, import_id: str) -> Import:
        """An import that the caller sees; IMPORT_NOT_FOUND for another client's as for none."""
        made, client_id = load_import(connection, desk.vault, import_id), _whose(request)
        if client_id is not None and not is_shown(connection, desk, made, client_id):
            raise TrustError(Kind.NOT_FOUND, "IMPORT_NOT_FOUND")
        return made

    @router.get(
        path,
        summary="List imports",
        description="Those that came by the caller's client or are of its sources; with the scope account.read all of them.",
        response_model=ImportList,
        tags=list(tags),
    )
    @needs(MANAGE)
    def read_imports(request: Request) -> dict[str, Any]:
        client_id = _whose(request)
        with desk.database.read() as connection:
            sources = () if client_id is None else owned_sources(connection, desk, client_id)
            found = list_imports(connection, desk.vault, IMPORTS_SHOWN_MAX, client_id=client_id, sources=sources)
            return {"imports": [view(connection, each) for each in found]}

    @router.get(
        path + "/{import_id}",
        summary="Show how far an import is",
        response_model=ImportView,
        tags=list(tags),
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def read_import(request: Request, import_id: str) -> dict[str, Any]:
        with desk.database.read() as connection:
            return view(connection, load_shown(connection, request, import_id))

    @router.get(
        path + "/{import_id}/rows",
        summary="List the rows of an import with their outcome",
        response_model=RowPage,
        tags=list(tags),
        responses=problem_answers(404),
    )
    @needs(MANAGE)
    def read_import_rows(
        request: Request,
        import_id: str,
        outcome: RowOutcome | None = None,
        after: Annotated[int, Query(ge=0, le=ROWS_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_MAX,
    ) -> dict[str, Any]:
        with desk.database.read() as connection:
            load_shown(connection, request, import_id)
            found = list_rows(connection, import_id, outcome=outcome, after=after, count=limit + 1)
        page = found[:limit]
        shown = [
            {"number": each.number, "outcome": each.outcome, "code": each.code, "field": each.field, "account_id": each.account_id}
            for each in page
        ]
        return {"rows": shown, "next_after": page[-1].number if len(found) > limit else None}
