"""The demonstration's licences: one in force as PDF and as OFD, and one that was revoked; of invented holders, without legal effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.define_type import draft_type, take_type_step
from licence_vault.actions.enter_issuer import IssuerOrder, enter_issuer, give_membership
from licence_vault.actions.find_licences import LicenceWish, list_licences, read_licence_file
from licence_vault.actions.find_types import list_types, starter_types
from licence_vault.actions.issue_licence import LicenceOrder, issue_licence
from licence_vault.actions.own_trust import own_trust
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.log.instance import open_licence_log
from licence_vault.model import Holder, LicenceState, TypeState, step_named, type_step_named
from licence_vault.service import means_of
from seal_service.actions.grant_seal import grant_seal
from service_kit.callers import Caller
from service_kit.durable_files import PUBLIC_MODE, write_durably
from standards.gbt7408_times import CHINA
from standards.gbt36902_catalogue import ValidityRange
from yinxin.licence_links import VAULT

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.trust_list import TrustList
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord
    from seal_service.model import Seal
    from service_kit.composition import ServiceContext

AREA: Final = "150700"
REVIEWER: Final = "operator:demo-reviewer"
REGISTRAR: Final = Caller("operator:demo-registrar", "operator:demo-registrar", frozenset())  # nobody lets himself act for an authority
SEQUENCE: Final = "902"  # of the starter types: the one for food business
YEARS: Final = 5
REVOKED_REASON: Final = "演示吊销 Demonstration of revocation"
_FORMS: Final = ("pdf", "ofd")


@dataclass(frozen=True, slots=True)
class DemoLicences:
    """The files made, by path, and the identifier of the licence in force."""

    licence_pdf: Path
    licence_ofd: Path
    revoked_licence_pdf: Path
    licence_number: str


def ensure_licences(
    context: ServiceContext, caller: Caller, seal: Seal, folder: Path, *, organisation: str, credit_code: str
) -> tuple[DemoLicences, TrustList]:
    """Make what is missing; returns the files, and what verifiers must know of these licences."""
    log = open_licence_log(context)
    log.start()
    try:
        means = means_of(context, log)
        # 1. An issuing authority with its seal, which the vault may use, and a published type.
        grant_seal(context, caller, seal.id, VAULT)
        enter_issuer(context, caller, IssuerOrder(credit_code, organisation, AREA, seal.id), if_revision=None)
        give_membership(context, REGISTRAR, credit_code, caller.holder)
        type_code = _ensure_type(context, caller)
        # 2. One licence in force, one revoked.
        valid = _ensure_licence(means, caller, type_code, credit_code, Holder(organisation, credit_code, "001"), LicenceState.ISSUED)
        revoked = _ensure_licence(
            means, caller, type_code, credit_code, Holder("示例小吃店（演示）", credit_code, "001"), LicenceState.REVOKED
        )
        # 3. Their files, and the status lists of now.
        made = DemoLicences(folder / "licence.pdf", folder / "licence.ofd", folder / "revoked-licence.pdf", valid.identifier)
        for record, form, path in (
            (valid, "pdf", made.licence_pdf),
            (valid, "ofd", made.licence_ofd),
            (revoked, "pdf", made.revoked_licence_pdf),
        ):
            if not path.exists():
                write_durably(path, read_licence_file(context, means.contents, caller, record.id, form), mode=PUBLIC_MODE)
        publish_status_lists(context)
        return made, own_trust(context)
    finally:
        log.stop()


def _ensure_type(context: ServiceContext, caller: Caller) -> str:
    (file,) = (each for each in starter_types() if str(each["code"]).endswith(SEQUENCE))
    code = str(file["code"])
    versions = [each for each in list_types(context, caller, state=None, after=(code, 0), limit=100) if each.code == code]
    if any(each.state is TypeState.PUBLISHED for each in versions):
        return code
    version = versions[-1] if versions else draft_type(context, caller, file)
    reviewer = Caller(REVIEWER, REVIEWER, caller.scopes)
    if version.state is TypeState.DRAFT:
        version = take_type_step(context, caller, code, version.version, type_step_named("submit"), reason="", if_revision=None)
    take_type_step(context, reviewer, code, version.version, type_step_named("publish"), reason="", if_revision=None)
    return code


def term_end(first: date, years: int) -> date:
    """The last day of a validity of so many years that begins on ``first``."""
    last = ValidityRange(years, "年").last_day(first)
    return first if last is None else last - timedelta(days=1)


def _ensure_licence(
    means: IssuingMeans, caller: Caller, type_code: str, issuer_code: str, holder: Holder, state: LicenceState
) -> LicenceRecord:
    wish = LicenceWish(issuer_code, type_code, state, None, None)
    for record in list_licences(means.context, means.contents, caller, wish, after="", limit=1):
        return record
    today = means.context.clock.now().astimezone(CHINA).date()
    order = LicenceOrder(
        type_code=type_code,
        issuer_code=issuer_code,
        holders=(holder,),
        fields={
            "KZ_place": "内蒙古自治区呼伦贝尔市示例街1号（演示）",
            "KZ_format": "餐饮服务经营者",
            "KZ_items": "热食类食品制售",
            "KZ_person": "演示用户",
        },
        valid_from=today,
        valid_to=term_end(today, YEARS),
        forms=_FORMS,
    )
    record = issue_licence(means, caller, order, idempotency_key=f"demo-{state}")  # a run that was cut off here goes on with the same one
    if state is LicenceState.REVOKED:
        means.await_proof(record.last_entry_id)  # each event names the place of the one before it in the log
        record = change_licence_state(
            means.context, caller, record.id, step_named("revoke"), reason=REVOKED_REASON, if_revision=record.revision
        )
    return record
