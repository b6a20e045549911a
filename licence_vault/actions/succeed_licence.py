"""Change, extend or replace a licence: its next version is issued, with the same number but for the version, and takes its place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault.actions.check_given import check_days_given
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.find_licences import load_own_licence
from licence_vault.actions.finish_issue import finish_issue
from licence_vault.actions.issue_licence import LicenceOrder, Succession, check_step, issue_licence
from licence_vault.actions.repeated_issue import answer_again, request_of_succession
from licence_vault.errors import field_unacceptable, licence_erased
from licence_vault.model import read_salted_licence
from licence_vault.store import list_files, load_key
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.model import Holder, LicenceData, LicenceStep
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class NewContent:
    """What is to be different; None: as it was. ``is_open_ended``: no end any more, in place of a ``valid_to``."""

    holders: tuple[Holder, ...] | None = None
    fields: Mapping[str, str] | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    is_open_ended: bool = False


def succeed_licence(
    means: IssuingMeans,
    caller: Caller,
    licence_id: str,
    step: LicenceStep,
    content: NewContent,
    *,
    reason: str,
    if_revision: int | None,
    idempotency_key: str | None = None,
) -> LicenceRecord:
    """Issue the next version and return it; the one before is replaced in the moment the new one is released.

    An extension that keeps the first day is another term: what the type allows counts from the day after the last one. A validity that is only kept or
    cut short was allowed before, and stays so.

    Raises TrustError as ``issue_licence``; FIELD_UNACCEPTABLE where nothing, or what the step does not change, is to be different, and where the
    holder would be left without a licence until the new one begins.
    """
    # 1. A reason, and a change that the step is for.
    reason = check_reason(reason, is_required=step.is_reason_required)
    is_other_content = content.holders is not None or content.fields is not None
    is_other_validity = content.valid_from is not None or content.valid_to is not None or content.is_open_ended
    if step.name == "replace" and (is_other_content or is_other_validity):
        raise field_unacceptable("body", "the same content once more: change or extend otherwise")
    if step.name == "extend" and (is_other_content or not (content.valid_to is not None or content.is_open_ended)):
        raise field_unacceptable("valid_to", "a new end, and nothing else but a new beginning")
    if step.name == "change" and not (is_other_content or is_other_validity):
        raise field_unacceptable("body", "something that is to be different")

    # 2. For those who act for its authority; who repeats a request gets the licence of the first one.
    succession = Succession(licence_id, step, reason, if_revision, asdict(content))
    with means.context.database.read() as conn:
        record = load_own_licence(conn, caller, licence_id)
    request = None if idempotency_key is None else request_of_succession(succession, idempotency_key)
    earlier = answer_again(means, caller, record.issuer_code, request)
    if earlier is not None:
        return finish_issue(means, earlier)

    # 3. What it says now; of one that nothing can follow any more that is said before what is wrong with the next.
    with means.context.database.read() as conn:
        key_sealed = load_key(conn, licence_id)
        forms = tuple(file.form for file in list_files(conn, licence_id))
    if key_sealed is None or record.data_sealed is None:
        raise licence_erased(licence_id)
    check_step(record, succession)
    data = read_salted_licence(means.contents.open_key(licence_id, key_sealed).open_data(record.data_sealed)).data

    # 4. The one before ends in the moment the next is released: of one that counts today the next must count today.
    today = means.context.clock.now().astimezone(CHINA).date()
    end = None if content.is_open_ended else content.valid_to or data.valid_to
    check_days_given(None, content.valid_from, end, today)
    if step.name == "extend" and content.valid_to is not None and (data.valid_to is None or content.valid_to < data.valid_to):
        raise field_unacceptable("valid_to", "not before the end it has: an extension cuts nothing short")
    is_same = content.valid_from in {None, data.valid_from} and end == data.valid_to  # both ends None: open-ended, and was so
    if step.name == "extend" and is_same:
        raise field_unacceptable("valid_to", "later than the end it has, where it begins as before")
    counts_today = data.valid_from <= today and (data.valid_to is None or today <= data.valid_to)
    if content.valid_from is not None and content.valid_from > today and counts_today:
        raise field_unacceptable("valid_from", "not later than today: the version before ends at once")

    # 5. The next version, by the type as it is published now.
    order = LicenceOrder(
        type_code=record.type_code,
        issuer_code=record.issuer_code,
        holders=data.holders if content.holders is None else content.holders,
        fields=data.fields if content.fields is None else content.fields,
        valid_from=content.valid_from or data.valid_from,
        valid_to=end,
        name="" if data.name == data.type.name else data.name,  # the type may be called otherwise by now, and its face with it
        number=data.number,
        area_code=data.area_code,
        forms=tuple(reversed(forms)),  # those it was released in, PDF before OFD
    )
    succession = replace(succession, term_from=_term_from(step, content, data, order))
    return issue_licence(means, caller, order, succession=succession, idempotency_key=idempotency_key)


def _term_from(step: LicenceStep, content: NewContent, before: LicenceData, order: LicenceOrder) -> date | None:
    """The day from which the validity ranges of the type count for the next version; None for its first day."""
    if before.valid_to is None or order.valid_to is None:
        return None
    if order.valid_from >= before.valid_from and order.valid_to <= before.valid_to:
        return order.valid_to
    if step.name == "extend" and content.valid_from is None:
        return before.valid_to + timedelta(days=1)
    return None
