"""Search the directory by a SCIM filter.

Personal data is sealed and found by keyed hashes of whole values, so only ``eq`` on an identifier or a name goes along an index; ids and
states are columns. Any other filter is answered by looking at every account, and refused (tooMany, RFC 7644 3.12) where there are more
than SCAN_MAX of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from idp.actions.provision_account import lasting_agents, scim_source, source_identifier
from idp.api.scim_shapes import EXTENSION, resource_of
from idp.model.people import ID_NUMBERS, AccountKind, AccountStatus, Identifier, IdentifierKind, normalise_identifier
from idp.store.accounts import find_account
from idp.store.directory import count_in_directory, ids_by_identifier, ids_by_name, ids_in_directory, standing_agents
from standards.errors import MalformedError, TrustError
from standards.rfc7644_filter import AllOf, AnyOf, Element, Path, Term, is_match, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from standards.rfc7644_filter import Filter

SCAN_MAX: Final = 1000
PAGE_SCIM_MAX: Final = 200
_ALWAYS: Final = frozenset({"id", "displayname", "username", "active", "meta"})


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for. ``start``: from 1; ``after``: an id to go on behind, instead (RFC 9865), None: by number."""

    count: int = PAGE_SCIM_MAX
    start: int = 1
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of resources. ``next_id``: to go on behind; None on the last."""

    total: int
    resources: list[dict[str, Any]]
    next_id: str | None


def search(
    connection: Connection, desk: PeopleDesk, kind: AccountKind, wanted: Filter | None, page: Page, client_id: str, base_url: str
) -> Found:
    """The accounts for which the filter holds (None: all), in the order of their ids. SCIM_TOO_MANY."""

    def shown(account_ids: Iterable[str]) -> list[dict[str, Any]]:
        made = []
        for account_id in account_ids:
            account = find_account(connection, desk.vault, account_id)
            if account is not None and account.kind is kind and account.status is not AccountStatus.CLOSED:
                made.append(resource_of(account, lasting_agents(connection, desk, account), client_id, base_url))
        return made

    # 1. Along an index, where the filter leads to one
    narrowed = None if wanted is None else _narrowed(connection, desk, kind, wanted, client_id)
    columns = _columns(wanted, kind)
    if narrowed is None and columns is not None:
        # 2. Columns alone: the database counts and pages
        prefix, is_active = columns
        total = count_in_directory(connection, kind, prefix=prefix, is_active=is_active)
        skipped = 0 if page.after is not None else page.start - 1
        ids = ids_in_directory(
            connection, kind, prefix=prefix, is_active=is_active, after=page.after or "", skipped=skipped, count=page.count + 1
        )
        return Found(total, shown(ids[: page.count]), ids[page.count - 1] if len(ids) > page.count > 0 else None)
    if narrowed is None:
        narrowed = ids_in_directory(connection, kind, count=SCAN_MAX + 1)
    # 3. The rest is decided on the resources themselves
    if len(narrowed) > SCAN_MAX:
        raise MalformedError("SCIM_TOO_MANY", limit=SCAN_MAX)
    matching = [each for each in shown(sorted(set(narrowed))) if wanted is None or is_match(each, wanted)]
    rest = [each for each in matching if each["id"] > page.after] if page.after is not None else matching[page.start - 1 :]
    chosen = rest[: page.count]
    return Found(len(matching), chosen, chosen[-1]["id"] if chosen and len(rest) > len(chosen) else None)


def _narrowed(connection: Connection, desk: PeopleDesk, kind: AccountKind, wanted: Filter, client_id: str) -> list[str] | None:
    """The accounts that a filter can hold for, found along indexes; None where those do not lead to all of them."""
    if isinstance(wanted, Term):
        return _candidates(connection, desk, kind, wanted, client_id)
    if isinstance(wanted, AllOf):
        return next((ids for part in wanted.parts if (ids := _narrowed(connection, desk, kind, part, client_id)) is not None), None)
    if isinstance(wanted, AnyOf):
        found: list[str] = []
        for part in wanted.parts:
            ids = _narrowed(connection, desk, kind, part, client_id)
            if ids is None:
                return None
            found += ids
        return found
    if isinstance(wanted, Element):
        parts = [term for term in terms_of(wanted.inner) if term.path.attribute.lower() == "value" and not term.path.part]
        whole = [Term(Path(wanted.path.schema, wanted.path.attribute, "value"), term.operator, term.value) for term in parts]
        return next((ids for term in whole if (ids := _candidates(connection, desk, kind, term, client_id)) is not None), None)
    return None


def _candidates(connection: Connection, desk: PeopleDesk, kind: AccountKind, term: Term, client_id: str) -> list[str] | None:
    """The accounts a term can hold for, found along an index; None where it has none."""
    value = term.value
    if term.operator != "eq" or not isinstance(value, str):
        return None
    attribute, part = term.path.attribute.lower(), term.path.part.lower()
    most = SCAN_MAX + 1
    if term.path.schema == EXTENSION[kind]:
        if attribute != "idnumber":
            return None
        wanted = [(each, value) for each in ID_NUMBERS[kind]]
    elif attribute == "id":
        return [value]
    elif attribute == "displayname" or (attribute, part) == ("name", "formatted"):
        return ids_by_name(connection, desk.vault, value, most)
    elif attribute == "externalid":
        return ids_by_identifier(connection, desk.vault, source_identifier(scim_source(client_id), value), most)
    elif attribute == "username":
        # one without a login name is called by its id
        return [value, *_by_identifiers(connection, desk, [(IdentifierKind.LOGIN, value)])]
    elif (attribute, part) in {("members", ""), ("members", "value")} and kind is AccountKind.ORGANISATION:
        return [each.organisation_id for each in standing_agents(connection, desk.vault, person_id=value)]
    else:
        single = {"emails": IdentifierKind.MAIL, "phonenumbers": IdentifierKind.MOBILE}.get(attribute)
        if single is None or part not in {"", "value"}:
            return None
        wanted = [(single, value)]
    return _by_identifiers(connection, desk, wanted)


def _by_identifiers(connection: Connection, desk: PeopleDesk, wanted: list[tuple[IdentifierKind, str]]) -> list[str]:
    found: list[str] = []
    for kind, value in wanted:
        try:
            identifier = Identifier(kind, normalise_identifier(kind, value))
        except TrustError:  # what cannot be one is nobody's
            continue
        found += ids_by_identifier(connection, desk.vault, identifier, SCAN_MAX + 1)
    return found


def _columns(wanted: Filter | None, kind: AccountKind) -> tuple[str, bool | None] | None:
    """The beginning of the id and the state that the filter asks for; None where it asks for more than the columns know."""
    parts = () if wanted is None else wanted.parts if isinstance(wanted, AllOf) else (wanted,)
    prefix, is_active = "", None
    for term in parts:
        if not isinstance(term, Term):
            return None
        attribute, of_itself = term.path.attribute.lower(), not term.path.schema and not term.path.part
        is_state = attribute == "active" and (term.path.schema == EXTENSION[kind] if kind is AccountKind.ORGANISATION else of_itself)
        if is_state and term.operator == "eq" and isinstance(term.value, bool) and is_active in {None, term.value}:
            is_active = term.value
        elif (
            of_itself
            and attribute == "id"
            and term.operator == "sw"
            and isinstance(term.value, str)
            and not prefix
            and term.value.isascii()
        ):
            prefix = term.value
        elif not (of_itself and attribute in _ALWAYS and term.operator == "pr" and (attribute != "username" or kind is AccountKind.PERSON)):
            return None
    return prefix, is_active
