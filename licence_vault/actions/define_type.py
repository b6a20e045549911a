"""Licence types: written, handed in, published by a second person, retired. A published version is never changed: the next one follows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from licence_vault import limits, store
from licence_vault.actions.finish_issue import definition_of_version, template_of_version
from licence_vault.actions.issuing_basis import check_longest_code
from licence_vault.errors import (
    field_unacceptable,
    second_person_needed,
    type_changed,
    type_draft_open,
    type_malformed,
    type_not_found,
    type_state_conflict,
)
from licence_vault.faces.bindings import parse
from licence_vault.faces.design import ColumnPart, TextPart
from licence_vault.faces.read_design import face_of
from licence_vault.model import TypeState, TypeStep
from licence_vault.register import TypeVersion
from licence_vault.type_rules.fulfilment import check_fulfilment
from licence_vault.type_rules.read_definition import definition_of, write_definition
from service_kit.callers import may_be_one
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.type_rules.definition import TypeDefinition
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_ON_THE_WAY: Final = frozenset({TypeState.IN_REVIEW, TypeState.PUBLISHED})
_FIELD: Final = "fields."  # how a text of a face names an item


def draft_type(context: ServiceContext, caller: Caller, whole: object) -> TypeVersion:
    """A new version of a type, as a draft; ``whole`` is the JSON value of its file, as it was exported here or elsewhere.

    Raises LICENCE_TYPE_MALFORMED, FACE_*, LICENCE_QR_TOO_LARGE, LICENCE_TYPE_DRAFT_OPEN.
    """
    definition = definition_of(whole)
    check_fulfilment(definition)
    check_face(definition)
    check_longest_code(definition, face_of(definition.face), context.settings.base_url)

    def record(conn: Connection) -> TypeVersion:
        at = context.clock.now()
        opened = store.load_open_type(conn, definition.code)
        if opened is not None:
            raise type_draft_open(definition.code, opened.version)
        version = TypeVersion(
            code=definition.code,
            version=store.next_type_version(conn, definition.code),
            state=TypeState.DRAFT,
            name=definition.name,
            file=write_definition(whole),
            authors=_authors((), caller),
            reviewed_by=None,
            reason="",
            revision=1,
            written_at=at,
            state_at=at,
        )
        store.insert_type(conn, version)
        _record(context, conn, caller, version, "draft", definition)
        return version

    return context.database.write(record)


def rewrite_type(context: ServiceContext, caller: Caller, code: str, number: int, whole: object, *, if_revision: int | None) -> TypeVersion:
    """Change a draft. Whoever does so is one of its authors from then on.

    Raises LICENCE_TYPE_NOT_FOUND, LICENCE_TYPE_MALFORMED, FACE_*, LICENCE_QR_TOO_LARGE, LICENCE_TYPE_STATE_CONFLICT, LICENCE_TYPE_CHANGED,
    FIELD_UNACCEPTABLE.
    """
    definition = definition_of(whole)
    check_fulfilment(definition)
    check_face(definition)
    check_longest_code(definition, face_of(definition.face), context.settings.base_url)
    if definition.code != code:
        raise field_unacceptable("code", "that of the type that is changed")

    def record(conn: Connection) -> TypeVersion:
        found = _locked(conn, code, number, if_revision)
        if found.state is not TypeState.DRAFT:
            raise type_state_conflict(code, number, "change", found.state)
        at = context.clock.now()
        changed = replace(
            found,
            name=definition.name,
            file=write_definition(whole),
            authors=_authors(found.authors, caller),
            revision=found.revision + 1,
            written_at=at,
        )
        store.update_type(conn, changed)
        _record(context, conn, caller, changed, "change", definition)
        return changed

    return context.database.write(record)


def take_type_step(
    context: ServiceContext, caller: Caller, code: str, number: int, step: TypeStep, *, reason: str, if_revision: int | None
) -> TypeVersion:
    """Take a step of ``life.TYPE_LIFE``. Where a version is published, the one before it is retired in the same moment.

    Raises LICENCE_TYPE_NOT_FOUND, LICENCE_TYPE_STATE_CONFLICT, LICENCE_TYPE_CHANGED, SECOND_PERSON_NEEDED, LICENCE_TYPE_MALFORMED,
    LICENCE_QR_TOO_LARGE, FIELD_UNACCEPTABLE.
    """
    reason = check_reason(reason, is_required=step.is_reason_required)

    def record(conn: Connection) -> TypeVersion:
        # 1. The version is locked: nobody changes what is being reviewed.
        found = _locked(conn, code, number, if_revision)
        if found.state not in step.sources:
            raise type_state_conflict(code, number, step.verb, found.state)
        if step.needs_second_person and any(may_be_one(caller, each) for each in found.authors):
            raise second_person_needed(step.verb)
        if (
            step.target in _ON_THE_WAY
        ):  # a draft may be of a time when this was not looked at, or the deployment reached by a shorter address
            check_fulfilment(definition_of_version(found))
            check_longest_code(definition_of_version(found), template_of_version(found), context.settings.base_url)
        at = context.clock.now()

        # 2. Licences are issued by one version at a time.
        if step.target is TypeState.PUBLISHED:
            before = store.load_published_type(conn, code, is_locked=True)
            if before is not None:
                retired = replace(before, state=TypeState.RETIRED, revision=before.revision + 1, state_at=at, reason="")
                store.update_type(conn, retired)
                _record(context, conn, caller, retired, "retire", None, {"succeeded_by": number})
        changed = replace(
            found,
            state=step.target,
            reason=reason,
            revision=found.revision + 1,
            state_at=at,
            authors=_authors(found.authors, caller) if step.verb == "submit" else found.authors,
            reviewed_by=caller.holder if step.needs_second_person else found.reviewed_by,
        )
        store.update_type(conn, changed)
        _record(context, conn, caller, changed, step.verb, None, {"reason": reason})
        return changed

    return context.database.write(record)


def _authors(before: tuple[str, ...], caller: Caller) -> tuple[str, ...]:
    """With whoever writes now: in whose name, and the natural person where that is another."""
    return tuple(dict.fromkeys((*before, caller.holder, caller.human)))


def check_face(definition: TypeDefinition) -> None:
    """Whether licences can be drawn and sealed by it: the face is a template, shows no other items than those of the type, none without a question mark
    that a licence may lack, and has room for the seal's middle. FACE_*, LICENCE_TYPE_MALFORMED.
    """
    is_required = {item.key: item.is_required for item in definition.items}
    face, sealing = face_of(definition.face), definition.sealing
    for at, part in enumerate(face.parts):
        if isinstance(part, TextPart | ColumnPart):
            for piece in parse(part.text):
                if isinstance(piece, str) or not piece.path.startswith(_FIELD):
                    continue
                key = piece.path.removeprefix(_FIELD)
                if key not in is_required:
                    raise type_malformed(f"$.face.parts[{at}].text", "items of the type")
                if not (piece.is_optional or is_required[key]):
                    raise type_malformed(f"$.face.parts[{at}].text", "a question mark behind an item that need not be there")
    if sealing.page != 1:
        raise type_malformed("$.sealing.page", "1: a face has one page")
    for name, place, size in (("x_mm", sealing.x_mm, face.width_mm), ("y_mm", sealing.y_mm, face.height_mm)):
        if not 0 < place < size:
            raise type_malformed(f"$.sealing.{name}", "on the page of the face")


def check_reason(reason: str, *, is_required: bool) -> str:
    """The reason without blanks around it; FIELD_UNACCEPTABLE where a later reader could not use it."""
    reason = reason.strip()
    if is_required and not reason:
        raise field_unacceptable("reason", "must not be empty")
    if len(reason) > limits.REASON_CHARACTERS or not is_plain_text(reason):
        raise field_unacceptable("reason", f"one line of at most {limits.REASON_CHARACTERS} characters")
    return reason


def _locked(conn: Connection, code: str, number: int, if_revision: int | None) -> TypeVersion:
    found = store.load_type(conn, code, number, is_locked=True)
    if found is None:
        raise type_not_found(code, number)
    if if_revision is not None and found.revision != if_revision:
        raise type_changed(code, number, if_revision, found.revision)
    return found


def _record(
    context: ServiceContext,
    conn: Connection,
    caller: Caller,
    version: TypeVersion,
    what: str,
    definition: TypeDefinition | None,
    facts: dict[str, str | int] | None = None,
) -> None:
    written: dict[str, str | int] = {} if definition is None else {"file": sm3(version.file).hex(), "items": len(definition.items)}
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=caller.actor,
        action=f"licence-type.{what}",
        subject=f"licence-type:{version.code}",
        outcome="done",
        facts={"version": version.version, "state": version.state.value, **written, **(facts or {})},
    )
