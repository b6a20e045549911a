"""Issue one licence: the main job of the vault, from the right to do so to the sealed files.

Here is the first half: what will be issued stands durably, with its number and its leaf in the public log, before anything is drawn or sealed
(transaction 1). ``finish_issue`` does the second, for this request or, after a crash, for the sweeper.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.arrival import find_departed
from licence_vault.actions.check_given import check_given
from licence_vault.actions.enter_draft import enter_draft
from licence_vault.actions.finish_issue import IssuePlan, definition_of_version, finish_issue, template_of_version
from licence_vault.actions.issuing_basis import IssuingBasis, data_of, stand_in
from licence_vault.actions.number_licence import check_chosen_number, step_on, take_next_number
from licence_vault.actions.publish_status_lists import list_uri
from licence_vault.actions.repeated_issue import answer_again, claim_request, licence_of_claim, load_issuer_of, request_of
from licence_vault.errors import (
    content_unacceptable,
    field_unacceptable,
    issuer_without_seal,
    licence_changed,
    licence_not_found,
    licence_state_conflict,
    licence_succeeded,
    type_not_published,
    versions_exhausted,
)
from licence_vault.faces.draw import check_texts
from licence_vault.limits import HOLDERS, ISSUING_LEASE_SECONDS, PRINTED_NUMBER_CHARACTERS
from licence_vault.model import (
    Holder,
    LicenceState,
    LicenceTypeReference,
    SaltedLicence,
    StatusReference,
    new_salt,
    read_salted_licence,
)
from licence_vault.register import LicenceRecord, new_licence_id
from licence_vault.status.register import allot_place
from licence_vault.type_rules.content_checks import check_content
from service_kit import fail_points
from service_kit.idempotency import ClaimState
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from standards.gbt36904_licence_number import ALPHABET, SERIAL_CHARACTERS_MIN, VERSION_MAX, read_licence_number, write_licence_number
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from licence_vault.actions.arrival import Arrival
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.repeated_issue import IssueRequest
    from licence_vault.model import LicenceStep
    from licence_vault.type_rules.definition import TypeDefinition
    from service_kit.callers import Caller

FORMS: Final = ("pdf", "ofd")
_BEHIND: Final = "LICENCE_SERIES_BEHIND"


@dataclass(frozen=True, slots=True)
class LicenceOrder:
    """What is to be issued. ``number``: the printed number where the type leaves it to the authority, or where it is to stay as it was;
    ``name``: as on the face, empty for the type's; ``area_code``: empty for the authority's; ``issued_on``: None for today.
    """

    type_code: str
    issuer_code: str
    holders: tuple[Holder, ...]
    fields: Mapping[str, str]
    valid_from: date
    valid_to: date | None
    issued_on: date | None = None
    name: str = ""
    number: str = ""
    area_code: str = ""
    forms: tuple[str, ...] = ("pdf",)


@dataclass(frozen=True, slots=True)
class Succession:
    """In whose place a licence is issued: the next version of ``licence_id``, on which ``step`` is taken when the new one is released. ``wishes``:
    what was asked for, by which a repeated request is known. ``term_from``: from which day the type's validity ranges count, where that is not the
    first day of the licence.
    """

    licence_id: str
    step: LicenceStep
    reason: str
    if_revision: int | None = None
    wishes: Mapping[str, object] = field(default_factory=dict)
    term_from: date | None = None

    @property
    def route(self) -> str:
        """Under which an idempotency key counts."""
        return f"POST /v1/licences/{self.licence_id}/{self.step.verb}"


def issue_licence(
    means: IssuingMeans,
    caller: Caller,
    order: LicenceOrder,
    *,
    succession: Succession | None = None,
    arrival: Arrival | None = None,
    idempotency_key: str | None = None,
) -> LicenceRecord:
    """Issue it, and return the licence as it is then.

    Raises TrustError LICENCE_ISSUER_NOT_FOUND, LICENCE_ISSUER_WITHOUT_SEAL, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_CONTENT_UNACCEPTABLE,
    FIELD_UNACCEPTABLE, LICENCE_NUMBER_TAKEN, LICENCE_SERIES_BEHIND, LICENCE_NOT_FOUND, LICENCE_CHANGED, LICENCE_STATE_CONFLICT, LICENCE_SUCCEEDED, FACE_*,
    LICENCE_LOG_PENDING, LICENCE_SELF_CHECK_FAILED, IDEMPOTENCY_*, and what the sealer refuses.
    """
    # 1. Checked, numbered, committed to the log: durable (tx 1).
    record = begin_issue(means, caller, order, succession=succession, arrival=arrival, idempotency_key=idempotency_key)
    fail_points.reach("issue-licence.intended")

    # 2. Proof, drawing, sealing, checking, tx 2.
    return finish_issue(means, record)


def begin_issue(
    means: IssuingMeans,
    caller: Caller,
    order: LicenceOrder,
    *,
    succession: Succession | None = None,
    arrival: Arrival | None = None,
    idempotency_key: str | None = None,
    note: Callable[[Connection, str], None] | None = None,
    lease_seconds: int = ISSUING_LEASE_SECONDS,
) -> LicenceRecord:
    """The first half: a draft that ``finish_issue`` releases. ``note`` is called in the transaction with the new licence's id; ``lease_seconds``: for how
    long it is this process's work. Errors as ``issue_licence``.
    """
    # 1. May the caller issue for this authority? Who repeats a request gets the licence of the first one, whatever has changed since.
    request = request_of(order, succession, arrival, idempotency_key)
    earlier = answer_again(means, caller, order.issuer_code, request)  # in no step: to take a draft up again is written
    if earlier is not None:
        return earlier

    # 2. By which version of the type, and is the content as the type demands?
    step = means.context.cohorts.step
    with step("licence.begin", reads=True):
        basis = basis_of_issuing(means, caller, order.type_code, order.issuer_code)
        with step("licence.check"):
            check_order(order, basis.definition, None if succession is None else succession.term_from)
            if succession is None:
                check_given(order, basis, is_number_kept=arrival is not None)
            check_texts(stand_in(order, basis), basis.template)  # before a number is taken and the public log says so

    # 3. tx 1: number, data, salt, key, status place, leaf, history, audit entry and idempotency claim stand together or not at all.
    def intend(conn: Connection) -> LicenceRecord:
        record = _record_intent(means, conn, caller, order, basis, succession, arrival, request, lease_seconds)
        if note is not None:
            note(conn, record.id)
        return record

    try:
        return means.context.database.write(intend)
    except TrustError as error:
        if error.code == _BEHIND:
            means.context.database.write(partial(step_on, behind=error))
        raise


def basis_of_issuing(means: IssuingMeans, caller: Caller, type_code: str, issuer_code: str) -> IssuingBasis:
    """By what the caller may issue for the authority now; changes nothing. Errors as ``issue_licence``."""
    means.need_seals()
    with means.context.database.read() as conn:
        issuer = load_issuer_of(conn, caller, issuer_code)
        version = store.recall_published_type(conn, type_code)
    if not issuer.seal_id:
        raise issuer_without_seal(issuer_code)
    if version is None:
        raise type_not_published(type_code)
    today = means.context.clock.now().astimezone(CHINA).date()
    return IssuingBasis(
        definition_of_version(version), version.version, template_of_version(version), issuer, today, means.context.settings.base_url
    )


def check_order(order: LicenceOrder, definition: TypeDefinition, term_from: date | None = None) -> None:
    """Whether the type allows what is to be issued; ``term_from`` as in ``Succession``. TrustError FIELD_UNACCEPTABLE, LICENCE_CONTENT_UNACCEPTABLE."""
    _check_form(order, definition)
    broken = check_content(
        definition,
        fields=order.fields,
        holders=order.holders,
        valid_from=order.valid_from,
        valid_to=order.valid_to,
        term_from=term_from,
    )
    if broken:
        first, *others = ((each.place, each.rule) for each in broken)
        raise content_unacceptable(*first, others)


def _check_form(order: LicenceOrder, definition: TypeDefinition) -> None:
    if not 1 <= len(order.holders) <= HOLDERS:
        raise field_unacceptable("holders", f"1 to {HOLDERS} holders")
    if not order.forms or set(order.forms) - set(FORMS) or len(set(order.forms)) != len(order.forms):
        raise field_unacceptable("forms", "pdf, ofd, or both")
    if order.area_code and not (len(order.area_code) == 6 and order.area_code.isascii() and order.area_code.isdigit()):
        raise field_unacceptable("area_code", "six digits")
    for name in ("name", "number"):
        value = getattr(order, name)
        if len(value) > PRINTED_NUMBER_CHARACTERS or not is_plain_text(value) or value.strip() != value:
            raise field_unacceptable(name, f"one line of at most {PRINTED_NUMBER_CHARACTERS} characters, without blanks around it")
    if not order.number and not definition.numbering:
        raise field_unacceptable("number", "the type leaves it to the issuing authority")


def _record_intent(
    means: IssuingMeans,
    conn: Connection,
    caller: Caller,
    order: LicenceOrder,
    basis: IssuingBasis,
    succession: Succession | None,
    arrival: Arrival | None,
    request: IssueRequest | None,
    lease_seconds: int,
) -> LicenceRecord:
    context, at = means.context, means.context.clock.now()
    licence_id = new_licence_id(at)

    # 1. The right once more, held until the commit; a printed number of the caller's choice is looked up with the authority locked.
    issuer = load_issuer_of(conn, caller, order.issuer_code, is_locked=bool(order.number))

    # 2. Has this very request been answered in the meantime, or was it begun by a process that died?
    claim = None if request is None else claim_request(means, conn, caller, request, licence_id, at)
    if claim is not None and claim.state is not ClaimState.NEW:
        earlier = licence_of_claim(conn, claim)
        if earlier is not None:
            return earlier
        context.idempotency.set_reference(conn, claim, licence_id)
    if store.find_published_type(conn, order.type_code) != basis.type_version:
        raise type_not_published(order.type_code)

    # 3. The number: random, or the next version of its predecessor's.
    predecessor = None if succession is None else _predecessor(conn, order, succession)
    departed = None if arrival is None else find_departed(conn, means.contents, order, arrival)
    before = predecessor or departed
    root_id, version, serial = _place_in_line(conn, licence_id, predecessor)
    identifier = write_licence_number(order.type_code, order.issuer_code, serial, version)
    issued_on = order.issued_on or at.astimezone(CHINA).date()
    area_code = order.area_code or issuer.area_code
    if order.number:
        number, number_digest = order.number, check_chosen_number(means.contents, conn, issuer, order.type_code, order.number, root_id)
    else:
        number, number_digest = take_next_number(means.contents, conn, basis.definition, issuer, issued_on=issued_on, area_code=area_code)

    # 4. What it says, under a key of its own, and the commitment to it.
    place = allot_place(conn, means.order_key, at)
    data = data_of(
        order,
        issuer,
        LicenceTypeReference(order.type_code, basis.definition.name, basis.type_version),
        issued_on,
        identifier=identifier,
        number=number,
        version=f"{version:03d}",
        status=StatusReference(list_uri(context, place.list_number), place.index),
    )
    salted = SaltedLicence(data, new_salt())
    content = salted.canonical()
    read_salted_licence(content)  # what we write is what we would read: the limits of the format hold for us as well
    key, key_sealed = means.contents.new_key(licence_id)
    plan = IssuePlan(
        forms=order.forms,
        step="issue" if arrival is None else "receive",
        predecessor_step=None if succession is None else succession.step.name,
        reason=next((each.reason for each in (succession, arrival) if each is not None), ""),
    )
    record = LicenceRecord(
        id=licence_id,
        identifier=identifier,
        root_id=root_id,
        predecessor_id=None if before is None else before.id,
        successor_id=None,
        version=version,
        type_code=order.type_code,
        type_version=basis.type_version,
        issuer_code=issuer.code,
        area_code=area_code,
        number_digest=number_digest,
        issued_on=issued_on,
        valid_from=order.valid_from,
        valid_to=order.valid_to,
        status_list=place.list_number,
        status_index=place.index,
        commitment=salted.commitment(),
        data_sealed=key.seal_data(content),
        state=LicenceState.DRAFT,
        state_reason="",
        revision=1,
        made_by=caller.holder,
        actor=caller.actor,
        made_at=at,
        state_at=at,
        last_entry_id="",
        order_json=plan.to_json(),
        lease_until=at + timedelta(seconds=lease_seconds),
        claim_digest=None if claim is None else claim.key_digest,
        transferred_from=None if arrival is None else arrival.identifier,
    )

    # 5. The row, its leaf in the public log, the first line of its history, the audit entry.
    holder_digests = [means.contents.find_holder(each.code_type, each.code) for each in order.holders]
    return enter_draft(context, conn, caller, record, before, key_sealed=key_sealed, holder_digests=holder_digests, reason=plan.reason)


def _place_in_line(conn: Connection, licence_id: str, predecessor: LicenceRecord | None) -> tuple[str, int, str]:
    """The first licence of the line, this one's version in it, and the serial that all of them share. LICENCE_VERSIONS_EXHAUSTED."""
    if predecessor is None:
        return licence_id, 1, _random_serial()
    version = store.next_licence_version(conn, predecessor.root_id)
    if version > VERSION_MAX:
        raise versions_exhausted(predecessor.id)
    return predecessor.root_id, version, read_licence_number(predecessor.identifier).serial


def _random_serial() -> str:
    """A serial, each as likely as any other; drawn as one number, since every call of the generator is one of the system."""
    drawn, serial = secrets.randbelow(len(ALPHABET) ** SERIAL_CHARACTERS_MIN), ""
    for _ in range(SERIAL_CHARACTERS_MIN):
        drawn, character = divmod(drawn, len(ALPHABET))
        serial += ALPHABET[character]
    return serial


def _predecessor(conn: Connection, order: LicenceOrder, succession: Succession) -> LicenceRecord:
    found = store.load_licence(conn, succession.licence_id, is_locked=True)
    if found is None or found.issuer_code != order.issuer_code or found.type_code != order.type_code:
        raise licence_not_found(succession.licence_id)
    check_step(found, succession)
    return found


def check_step(found: LicenceRecord, succession: Succession) -> None:
    """Whether a licence is one in whose place the next can be issued now. LICENCE_SUCCEEDED, LICENCE_CHANGED, LICENCE_STATE_CONFLICT."""
    if found.successor_id is not None:
        raise licence_succeeded(found.id)
    if succession.if_revision is not None and found.revision != succession.if_revision:
        raise licence_changed(found.id, succession.if_revision, found.revision)
    if found.state not in succession.step.sources:
        raise licence_state_conflict(found.id, succession.step.name, found.state)
