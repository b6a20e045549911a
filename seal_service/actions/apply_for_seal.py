"""Apply for a seal, for a change of one, for its renewal or for its end. Nothing is made here: somebody else reviews it first."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from seal_service import limits, store
from seal_service.actions.check_power import check_manages, check_wanted
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.grant_seal import check_client_id
from seal_service.actions.keep_powers_apart import powers_in
from seal_service.actions.record_act import check_reason, load_papers, record_act
from seal_service.errors import (
    application_not_found,
    application_open,
    field_unacceptable,
    power_held,
    seal_not_found,
    seal_state_conflict,
    text_unacceptable,
)
from seal_service.model import (
    REMAKEABLE,
    SEAL_LIFE,
    Application,
    ApplicationKind,
    ApplicationState,
    Power,
    Seal,
    SealState,
    new_application_id,
    transition_named,
)
from seal_service.pictures.design import read_design, write_design
from seal_service.pictures.own_picture import is_own_picture, write_own_picture
from seal_service.pictures.upload import read_uploaded_picture
from service_kit.callers import person_of
from service_kit.idempotency import ClaimState, digest_of_request
from standards.gb32100_credit_code import read_credit_code
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

ROUTE: Final = "POST /v1/seal-applications"
ACT: Final = "apply"
_CANCELLABLE: Final = transition_named("cancel", SEAL_LIFE).sources


@dataclass(frozen=True, slots=True)
class ApplicationOrder:
    """What is applied for. ``seal_id``: of a change, renewal or end. ``design_json``: a seal design (``pictures.design``), empty for the
    usual one. ``picture``: the id of a picture of one's own that was handed in, in place of a design. Of a change, empty members stay as they are. ``managers``, ``users``, ``auditors``: who is to hold which power over a new seal.
    """

    kind: ApplicationKind
    reason: str
    seal_id: str | None = None
    organisation: str = ""
    credit_code: str = ""
    name: str = ""
    name_mongolian: str = ""
    name_romanised: str = ""
    purpose: str = ""
    type_code: str = "1"
    division: str = ""
    design_json: str = ""
    picture_width_mm: float = 42.0
    managers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    auditors: tuple[str, ...] = ()
    is_certificate_outside: bool = False
    papers: tuple[str, ...] = ()
    picture: str = ""


def apply_for_seal(context: ServiceContext, caller: Caller, order: ApplicationOrder, *, idempotency_key: str | None = None) -> Application:
    """Record the application. Raises FIELD_UNACCEPTABLE, CREDIT_CODE_*, SEAL_DESIGN_*, SEAL_GLYPH_MISSING, SEAL_POWER_HELD, ROLE_HOLDER_UNKNOWN,
    ROLE_FORBIDS, PAPER_UNKNOWN, SEAL_NOT_FOUND, SEAL_STATE_CONFLICT, APPLICATION_OPEN, IDEMPOTENCY_*.
    """
    # 1. What can be checked without anything else, the picture included.
    order = replace(order, reason=check_reason(order.reason, is_required=True))
    for field in ("organisation", "name", "name_mongolian", "name_romanised", "purpose"):
        if not is_plain_text(getattr(order, field)):
            raise text_unacceptable(field)
    if is_own_picture(order.design_json):  # only what was handed in and checked
        raise field_unacceptable("design", "a design")
    if order.picture:
        order = _with_own_picture(context, caller, order)
    if order.kind is ApplicationKind.NEW:
        order = _check_new(context, order)
    elif order.seal_id is None:
        raise field_unacceptable("seal_id", "needed for a change, a renewal or an end")
    application = _application_of(order, caller.holder, context.clock.now())
    request_digest = digest_of_request(json.dumps(asdict(order), sort_keys=True).encode())

    # 2. The application, its papers and its first line of history stand together.
    def record(conn: Connection) -> Application:
        at = context.clock.now()
        claim = None
        if idempotency_key is not None:
            claim = context.idempotency.claim(
                conn,
                caller=caller.claimant,
                route=ROUTE,
                key=idempotency_key,
                request_digest=request_digest,
                reference=application.id,
                at=at,
            )
            if claim.state is ClaimState.DONE:
                given = store.load_application(conn, str(claim.reference))
                if given is None:
                    raise application_not_found(str(claim.reference))
                return given
        if order.kind is not ApplicationKind.NEW:
            _check_about(context, conn, caller, order)
        check_wanted(context, conn, order, at)
        papers = load_papers(conn, order.papers, caller.holder)
        made = replace(application, applied_at=at, state_at=at)
        store.insert_application(conn, made)
        record_act(
            context,
            conn,
            person_of(caller),
            act=ACT,
            from_state="",
            to_state=made.state.value,
            at=at,
            application_id=made.id,
            reason=order.reason,
            papers=papers,
            facts={"kind": order.kind.value, "credit_code": order.credit_code, "seal": order.seal_id or ""},
        )
        if claim is not None:
            context.idempotency.finish(conn, claim, status=201)
        return made

    return context.database.write(record)


def _with_own_picture(context: ServiceContext, caller: Caller, order: ApplicationOrder) -> ApplicationOrder:
    """The order with the picture that was handed in: checked again, in the size that is applied for, and shown to the reviewer as a paper."""
    if order.design_json or order.kind not in {ApplicationKind.NEW, ApplicationKind.CHANGE}:
        raise field_unacceptable("picture", "in place of a design, for a new seal or a change")
    with context.database.read() as conn:
        [(_, digest)] = load_papers(conn, (order.picture,), caller.holder)
    picture = read_uploaded_picture(context.blobs.get(digest), width_mm=order.picture_width_mm)
    papers = order.papers if order.picture in order.papers else (*order.papers, order.picture)
    return replace(order, design_json=write_own_picture(picture), papers=papers)


def _check_new(context: ServiceContext, order: ApplicationOrder) -> ApplicationOrder:
    if order.seal_id is not None:
        raise field_unacceptable("seal_id", "not for a new seal")
    credit_code = read_credit_code(order.credit_code)
    held: dict[str, Power] = {}
    for power, holders in powers_in(order):
        if not 1 <= len(holders) <= limits.HOLDERS_PER_POWER and power is not Power.AUDIT:
            raise field_unacceptable(f"{power.value} power", f"1 to {limits.HOLDERS_PER_POWER} holders of the power")
        for holder in holders:
            check_client_id(holder)
            if held.setdefault(holder, power) is not power:
                raise power_held("", holder, held[holder], power)
    order = replace(order, credit_code=credit_code.text, division=order.division or credit_code.division)
    draw_as_applied(order, context.clock.now())
    return replace(order, design_json=_written_design(order.design_json))


def _check_about(context: ServiceContext, conn: Connection, caller: Caller, order: ApplicationOrder) -> None:
    """The seal it is about: managed by the applicant, in a state in which that can be done, and nothing else open about it."""
    seal = store.load_seal(conn, str(order.seal_id), is_locked=True)
    if seal is None or Power.MANAGE not in store.powers_of(conn, seal.id, caller.holder):
        raise seal_not_found(str(order.seal_id))
    check_manages(context, conn, caller, seal)
    if seal.state not in (_CANCELLABLE if order.kind is ApplicationKind.CANCEL else REMAKEABLE):
        raise seal_state_conflict(seal.id, order.kind.value, seal.state)
    is_renamed = bool(order.organisation or order.purpose)
    if order.kind is ApplicationKind.CHANGE and is_renamed and is_own_picture(seal.design_json) and not order.design_json:
        raise field_unacceptable("picture", "what was drawn elsewhere does not change with the name: a new picture or a design")
    if store.has_open_application(conn, seal.id):
        raise application_open(seal.id)
    if order.kind is ApplicationKind.CHANGE:
        draw_picture(changed_seal(seal, _application_of(order, caller.holder, context.clock.now())))


def changed_seal(seal: Seal, application: Application) -> Seal:
    """The seal as a change makes it: what the application gives, and as it is for the rest. A renewal gives nothing."""
    if application.kind is not ApplicationKind.CHANGE:
        return seal
    organisation = application.organisation or seal.organisation
    purpose = application.purpose or seal.purpose
    is_renamed = bool(application.organisation or application.purpose)
    return replace(
        seal,
        organisation=organisation,
        purpose=purpose,
        name=application.name or (organisation + purpose if is_renamed else seal.name),
        name_mongolian=application.name_mongolian or seal.name_mongolian,
        name_romanised=application.name_romanised or seal.name_romanised,
        design_json=application.design_json or seal.design_json,
        picture_width_mm=application.picture_width_mm or seal.picture_width_mm,
    )


def draw_as_applied(order: ApplicationOrder, at: datetime) -> None:
    """Draw the picture that is applied for, with a code to stand for its own: what cannot be drawn is refused before anybody reviews it."""
    seal = seal_of_application(
        _application_of(order, "", at), seal_id="", code=order.division + "0" * limits.SERIAL_DIGITS, made_by="", at=at
    )
    draw_picture(seal)


def seal_of_application(application: Application, *, seal_id: str, code: str, made_by: str, at: datetime) -> Seal:
    """A seal in the making as an application for a new one wants it."""
    return Seal(
        id=seal_id,
        code=code,
        name=application.name or application.organisation + application.purpose,
        organisation=application.organisation,
        purpose=application.purpose,
        credit_code=application.credit_code,
        type_code=application.type_code,
        state=SealState.MAKING,
        state_reason=None,
        version=1,
        made_by=made_by,
        claim_digest=None,
        key_id=f"seal-{seal_id[3:]}",
        certificate_der=None,
        chain_der=(),
        seal_data_der=None,
        is_certificate_revoked=False,
        picture_width_mm=application.picture_width_mm,
        made_at=at,
        state_at=at,
        name_mongolian=application.name_mongolian,
        name_romanised=application.name_romanised,
        design_json=application.design_json,
        edition=0,
        application_id=application.id,
        are_powers_separated=True,
        is_certificate_outside=application.is_certificate_outside,
    )


def _written_design(design_json: str) -> str:
    if not design_json or is_own_picture(design_json):
        return design_json
    return json.dumps(write_design(read_design(json.loads(design_json))), ensure_ascii=False)


def _application_of(order: ApplicationOrder, holder: str, at: datetime) -> Application:
    return Application(
        id=new_application_id(),
        kind=order.kind,
        state=ApplicationState.APPLIED,
        seal_id=order.seal_id,
        applied_by=holder,
        applied_at=at,
        reason=order.reason,
        organisation=order.organisation,
        credit_code=order.credit_code,
        name=order.name,
        name_mongolian=order.name_mongolian,
        name_romanised=order.name_romanised,
        purpose=order.purpose,
        type_code=order.type_code,
        division=order.division,
        design_json=order.design_json,
        picture_width_mm=order.picture_width_mm,
        managers=order.managers,
        users=order.users,
        auditors=order.auditors,
        is_certificate_outside=order.is_certificate_outside,
        papers=order.papers,
        state_at=at,
    )
