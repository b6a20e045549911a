"""The demonstration's further licences: several types and states, held by the demonstration's citizen and by others, and what was done with them.

As with the seals (``seals``), each step goes through the same actions as over HTTP, in the name of the person or system whose step it is.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.consent_to_use import Consent, consent_to_use
from licence_vault.actions.copy_own_licence import copy_own_licence
from licence_vault.actions.define_type import draft_type, take_type_step
from licence_vault.actions.entrust_use import EntrustmentOrder, entrust_use, list_entrustments
from licence_vault.actions.find_licences import LicenceWish, list_licences, read_licence_file
from licence_vault.actions.find_types import list_types, starter_types
from licence_vault.actions.finish_issue import finish_issue
from licence_vault.actions.grant_by_duty import DutyOrder, grant_by_duty
from licence_vault.actions.issue_batch import open_batch, run_batches, start_batch
from licence_vault.actions.issue_licence import LicenceOrder, begin_issue
from licence_vault.actions.make_copy import CopyOrder
from licence_vault.actions.permit_sharing import SharingOrder, permit_sharing
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.actions.scan_showing import scan_showing, view_showing
from licence_vault.actions.show_licence import agree_to_showing, open_showing
from licence_vault.actions.use_desk import UseDesk
from licence_vault.model import Holder, LicenceState, TypeState, step_named, type_step_named
from licence_vault.ports import HolderCode, SignedInHolder
from licence_vault.row_files import RowForm
from licence_vault.uses import Officer, ShareRight, UseMode
from service_kit.durable_files import PUBLIC_MODE, write_durably
from standards.errors import TrustError
from standards.gbt7408_times import CHINA
from yinxin.demo.licences import term_end
from yinxin.demo.people import CITIZEN_NUMBER, CLERK_NUMBER

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

RESIDENT: Final = "111"  # GB/T 36903 Annex A
CREDIT: Final = "001"
PASTURE: Final = "907"  # of the starter types: the bilingual one
PRACTITIONER: Final = "905"
TRANSPORT: Final = "904"
IN_REVIEW: Final = "909"
DRAFT: Final = "908"
CITIZEN: Final = Holder("演示用户", CITIZEN_NUMBER, RESIDENT)
PURPOSE: Final = "办理变更登记 Registering a change (demonstration)"
OFFICER: Final = Officer("演示经办员", "窗口受理", "演示窗口一")
TRANSPORT_YEARS: Final = 4
NOT_HERE: Final = ("GLYPH_MISSING", "LICENCE_ISSUING_ABANDONED")  # no typeface of this machine has its script, now or in the run before


@dataclass(frozen=True, slots=True)
class Wanted:
    """One licence. ``years``: of its validity, None: no end; ``began_years``: before today. ``step``: taken once it is issued."""

    sequence: str
    holder: Holder
    fields: dict[str, str]
    years: int | None
    began_years: int = 0
    step: str = ""
    reason: str = ""
    number: str = ""


LICENCES: Final = (
    Wanted(
        PASTURE,
        CITIZEN,
        {
            "KZ_pasture": "示例草场",
            "KZ_pasture_mn": "ᠵᠢᠱᠢᠶ᠎ᠡ",
            "KZ_gacha": "示例嘎查（演示）",
            "KZ_area": "1280.5",
            "KZ_household": "演示用户",
        },
        30,
    ),
    Wanted(
        PRACTITIONER,
        CITIZEN,
        {
            "KZ_sex": "女",
            "KZ_birth": "1986-04-15",
            "KZ_category": "临床",
            "KZ_scope": "内科专业",
            "KZ_hospital": "示例医院（演示）",
        },
        None,
        number="演示110990000000001",
    ),
    Wanted(
        TRANSPORT,
        CITIZEN,
        {"KZ_address": "示例街2号（演示）", "KZ_scope": "道路普通货物运输", "KZ_vehicles": "2"},
        TRANSPORT_YEARS,
        TRANSPORT_YEARS,
    ),
    Wanted(
        TRANSPORT,
        Holder("示例运输户（演示）", "12990000YX0000104W", CREDIT),
        {"KZ_address": "示例街3号（演示）", "KZ_scope": "道路货物专用运输", "KZ_vehicles": "7"},
        TRANSPORT_YEARS,
        0,
        "suspend",
        "车辆年检未完成 Inspection of vehicles outstanding (demonstration)",
    ),
)
_COLUMNS: Final = ("holder_name", "holder_code", "holder_code_type", "valid_from", "valid_to", "KZ_address", "KZ_scope", "KZ_vehicles")
_ROWS: Final = (
    ("示例物流一部（演示）", "12990000YX0000112P", "道路普通货物运输", "3"),
    ("示例物流二部（演示）", "12990000YX0000120J", "道路普通货物运输", "5"),
    ("示例物流三部（演示）", "12990000YX0000139X", "道路普通货物运输", "4"),  # its check character is wrong: a line of the report
    ("示例物流四部（演示）", "12990000YX0000147A", "空中货物运输", "1"),  # no choice of the type
)


@dataclass(frozen=True, slots=True)
class DemoDirectory:
    """The demonstration's citizen as the vault sees him while the history is made: he has no token then."""

    account_id: str
    level: int = 3
    codes: tuple[tuple[str, str], ...] = field(default=((RESIDENT, CITIZEN_NUMBER),))

    def find(self, caller: Caller, at: datetime) -> SignedInHolder | None:
        """See ``licence_vault.ports.HolderDirectory``."""
        del at
        if caller.subject != self.account_id:
            return None
        return SignedInHolder(self.account_id, tuple(HolderCode(*code, self.level) for code in self.codes), ())


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes which part: ``clerk`` issues, ``author`` and ``reviewer`` see to types, ``office`` is a system that uses licences."""

    author: Caller
    reviewer: Caller
    clerk: Caller
    citizen: Caller
    office: Caller


def ensure_history(means: IssuingMeans, cast: Cast, issuer_code: str, expired_pdf: Path) -> None:
    """Make what is missing. A machine without the faces for a type's script goes without that licence."""
    # 1. Types: three published, one waiting for its reviewer, one a draft.
    codes = {sequence: _ensure_type(means.context, cast, sequence, TypeState.PUBLISHED) for sequence in (PASTURE, PRACTITIONER, TRANSPORT)}
    _ensure_type(means.context, cast, IN_REVIEW, TypeState.IN_REVIEW)
    _ensure_type(means.context, cast, DRAFT, TypeState.DRAFT)

    # 2. Licences, begun together so that the log's next checkpoint is waited for once, and a batch with a report.
    begun = [(wanted, _begin(means, cast, wanted, codes[wanted.sequence], issuer_code)) for wanted in LICENCES]
    issued: dict[str, LicenceRecord] = {}
    for wanted, draft in begun:
        try:
            record = finish_issue(means, draft)
        except TrustError as error:
            if error.code not in NOT_HERE:
                raise
            continue
        if wanted.step and record.state is LicenceState.ISSUED:
            means.await_proof(record.last_entry_id)
            change_licence_state(
                means.context, cast.clerk, record.id, step_named(wanted.step), reason=wanted.reason, if_revision=record.revision
            )
        if wanted.holder is CITIZEN:
            issued[wanted.sequence] = record
    _ensure_batch(means, cast, codes[TRANSPORT], issuer_code)

    # 3. The file of the one that is over, to try.
    if not expired_pdf.exists():
        content = read_licence_file(means.context, means.contents, cast.clerk, issued[TRANSPORT].id, "pdf")
        write_durably(expired_pdf, content, mode=PUBLIC_MODE)

    # 4. What citizens and systems did with them.
    _ensure_uses(means, cast, codes, issued[PRACTITIONER])


def _ensure_type(context: ServiceContext, cast: Cast, sequence: str, goal: TypeState) -> str:
    (file,) = (each for each in starter_types() if str(each["code"]).endswith(sequence))
    code = str(file["code"])
    versions = [each for each in list_types(context, cast.author, state=None, after=(code, 0), limit=100) if each.code == code]
    version = versions[-1] if versions else draft_type(context, cast.author, file)
    for state, step, caller in ((TypeState.DRAFT, "submit", cast.author), (TypeState.IN_REVIEW, "publish", cast.reviewer)):
        if version.state is state and version.state is not goal:
            version = take_type_step(context, caller, code, version.version, type_step_named(step), reason="", if_revision=None)
    return code


def _begin(means: IssuingMeans, cast: Cast, wanted: Wanted, type_code: str, issuer_code: str) -> LicenceRecord:
    holder = (wanted.holder.code_type, wanted.holder.code)
    wish = LicenceWish(issuer_code, type_code, None, holder, None)
    for record in list_licences(means.context, means.contents, cast.clerk, wish, after="", limit=1):
        return record
    return begin_issue(means, cast.clerk, _order(wanted, type_code, issuer_code, _today(means)))


def _today(means: IssuingMeans) -> date:
    return means.context.clock.now().astimezone(CHINA).date()


def _order(wanted: Wanted, type_code: str, issuer_code: str, today: date) -> LicenceOrder:
    first = today if not wanted.began_years else date(today.year - wanted.began_years, today.month, min(today.day, 28))
    return LicenceOrder(
        type_code=type_code,
        issuer_code=issuer_code,
        holders=(wanted.holder,),
        fields=wanted.fields,
        valid_from=first,
        valid_to=None if wanted.years is None else term_end(first, wanted.years),
        issued_on=first,
        number=wanted.number,
    )


def _ensure_batch(means: IssuingMeans, cast: Cast, type_code: str, issuer_code: str) -> None:
    """A file of four rows, of which two are issued and two are reported for what is wrong with them."""
    wish = LicenceWish(issuer_code, type_code, None, None, None)
    present = list_licences(means.context, means.contents, cast.clerk, wish, after="", limit=100)
    if len(present) > sum(each.sequence == TRANSPORT for each in LICENCES):
        return
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    today = _today(means)
    until = term_end(today, TRANSPORT_YEARS)
    for name, code, scope, vehicles in _ROWS:
        rows.writerow((name, code, CREDIT, today.isoformat(), until.isoformat(), "示例街4号（演示）", scope, vehicles))
    file = BatchFile(type_code, issuer_code, ("pdf",), RowForm.CSV, text.getvalue().encode())
    batch = open_batch(means, cast.clerk, file)
    start_batch(means, cast.clerk, batch.id)
    while run_batches(means):
        pass
    run_batches(means)  # the turn that finds nothing more to do ends the batch


def _ensure_uses(means: IssuingMeans, cast: Cast, codes: dict[str, str], licence: LicenceRecord) -> None:
    context = means.context
    desk = UseDesk(context, means.contents, DemoDirectory(cast.citizen.subject))
    given = list_entrustments(desk, cast.citizen, before=None, limit=1)
    if given.standing or given.past:  # the last that is made
        return
    # 1. The department's system may use two types, with the holder's consent and by duty.
    modes, rights = frozenset({UseMode.CONSENTED, UseMode.BY_DUTY}), frozenset(ShareRight)
    for sequence in (PASTURE, PRACTITIONER):
        order = SharingOrder(cast.office.client_id, codes[sequence], modes, rights, "数据共享协议（演示） Agreement (demonstration)")
        permit_sharing(context, cast.author, order, if_revision=None)

    # 2. Used with consent, used by duty, shown on the screen and seen, copied, entrusted.
    granted = consent_to_use(desk, cast.citizen, Consent(licence.id, cast.office.client_id, PURPOSE))
    redeem_use_code(desk, cast.office, granted.code, purpose=PURPOSE)
    duty = DutyOrder(codes[PRACTITIONER], (RESIDENT, CITIZEN_NUMBER), "执业资格核查 Checking a practitioner (demonstration)", OFFICER)
    for code in grant_by_duty(desk, cast.office, duty):
        redeem_use_code(desk, cast.office, code.granted.code, purpose=duty.purpose)
    showing = open_showing(desk, cast.citizen, licence.id)
    if showing.code is not None:
        seen = scan_showing(desk, cast.office, showing.code, reason="入职核验 Joining (demonstration)", officer=OFFICER)
        agree_to_showing(desk, cast.citizen, seen.showing.id, if_revision=seen.showing.revision)
        view_showing(desk, cast.office, seen.showing.id)
    copy = CopyOrder(licence.id, "pdf", "演示用户", "申请执业变更 For a change of practice (demonstration)")
    copy_own_licence(means, desk, cast.citizen, copy, idempotency_key="demo-copy")
    until = context.clock.now() + timedelta(days=30)
    entrust_use(desk, cast.citizen, EntrustmentOrder((RESIDENT, CLERK_NUMBER), codes[PRACTITIONER], until, "委托代办（演示） By proxy"))
