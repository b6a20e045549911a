"""Licence types for whoever may read them: drafts are shown to those who write and review, published and retired ones to everybody."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from licence_vault import store
from licence_vault.errors import type_not_found
from licence_vault.model import SCOPE_DEFINE, SCOPE_REVIEW, TypeState

if TYPE_CHECKING:
    from licence_vault.register import TypeVersion
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_OPEN = frozenset({TypeState.DRAFT, TypeState.IN_REVIEW})


def may_see_drafts(caller: Caller) -> bool:
    """Whether drafts are this caller's business."""
    return bool(caller.scopes & {SCOPE_DEFINE, SCOPE_REVIEW})


def find_type(context: ServiceContext, caller: Caller, code: str, number: int) -> TypeVersion:
    """One version. LICENCE_TYPE_NOT_FOUND, also for a draft that is not the caller's business."""
    with context.database.read() as conn:
        found = store.load_type(conn, code, number)
    if found is None or (found.state in _OPEN and not may_see_drafts(caller)):
        raise type_not_found(code, number)
    return found


def list_types(
    context: ServiceContext, caller: Caller, *, state: TypeState | None, after: tuple[str, int], limit: int
) -> list[TypeVersion]:
    """Versions by code and number, behind ``after``; for a caller who sees no drafts only published ones, unless he asks for retired."""
    if not may_see_drafts(caller) and state is not TypeState.RETIRED:
        state = TypeState.PUBLISHED
    with context.database.read() as conn:
        return store.list_types(conn, state=state, after=after, limit=limit)


def starter_types() -> list[dict[str, Any]]:
    """The starter set: files of types from different sectors, invented, to begin with. Each is drafted and published as any other."""
    folder = files("licence_vault") / "starter_types"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".json")), key=lambda each: each.name)
    return [json.loads(each.read_text(encoding="utf-8")) for each in found]
