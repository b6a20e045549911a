"""Ask another region for a licence: by number and holder, with his consent or by duty, and a reason.

What comes is verified here, under that region's own trust list, each time it is shown. It is kept sealed for a while for whoever asked: fresh, it is
not asked for again; stale, it is shown only where that region is away, and never as valid. Whose licence it is sees that it was shown, as with
licences of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from crypto.report import Question, Verdict, failed
from licence_vault.actions.define_type import check_reason
from licence_vault.actions.kept_foreign import holders_of, kept_since, open_kept, seal_kept
from licence_vault.actions.record_use import record_use
from licence_vault.errors import field_unacceptable
from licence_vault.model import AskedHolder
from licence_vault.report_errors import UNTRUSTED, answer_untrusted, foreign_not_found, foreign_region_unknown
from licence_vault.reporting.limits import (
    FOREIGN_FILE_BYTES,
    FOREIGN_FRESH_SECONDS,
    FOREIGN_TOKEN_BYTES,
    FOREIGN_TOKENS,
)
from licence_vault.store.foreign import delete_kept, load_kept, replace_kept, sweep_kept
from licence_vault.uses import DONE, UseAction, UseMode
from licence_vault.verify import NUMBER_CLAUSE, verify_licence
from standards.errors import TrustError
from standards.gbt36904_licence_number import examine_licence_number

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from licence_vault.content_vault import ContentVault
    from licence_vault.foreign import KeptLicence
    from licence_vault.model import LicenceData
    from licence_vault.ports import DocumentJudge, ForeignAnswer, ForeignLicences, ForeignQuery
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_AWAY: Final = frozenset({"REGION_UNAVAILABLE", UNTRUSTED})


class Age(StrEnum):
    """Of what is shown. STALE: older than FOREIGN_FRESH_SECONDS, because that region could not be asked."""

    FRESH = "fresh"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ExchangeDesk:
    """What asking other regions needs."""

    context: ServiceContext
    contents: ContentVault
    regions: ForeignLicences
    judge: DocumentJudge


@dataclass(frozen=True, slots=True)
class ForeignLicence:
    """What is shown. ``verdict``: of the report, but a stale licence is never valid; ``licence``: None where the verdict is invalid.

    ``problem``: why that region could not be asked just now, a code.
    """

    verdict: Verdict
    age: Age
    fetched_at: datetime
    report: Report
    licence: LicenceData | None
    problem: str | None


def query_foreign_licence(desk: ExchangeDesk, caller: Caller, wanted: ForeignQuery) -> ForeignLicence:
    """Ask, verify, show. Raises TrustError FIELD_UNACCEPTABLE, LICENCE_REGION_UNKNOWN, LICENCE_FOREIGN_NOT_FOUND, LICENCE_FOREIGN_REFUSED;
    REGION_UNAVAILABLE and REGION_ANSWER_UNTRUSTED where nothing is kept.
    """
    # 1. What is asked, why, and whom to trust in that region: what could not be verified is not asked for.
    wanted = _checked(wanted)
    trust = desk.regions.trust_of(wanted.region)
    if trust is None:
        raise foreign_region_unknown(wanted.region)

    # 2. tx 1: that it is asked for is on record, before anything leaves or is shown.
    _record(desk, caller, wanted, "intended", mode=wanted.mode.value, consent=wanted.consent, reason=wanted.reason)

    # 3. What is kept, if it is fresh and says enough; else that region, with no transaction open. A status list that was missing may be there now.
    problem, answer, fetched_at, is_new = None, None, desk.context.clock.now(), False
    with desk.context.database.read() as conn:
        kept = load_kept(conn, wanted.region, wanted.identifier, caller.holder, since=kept_since(fetched_at))
    if kept is not None and _is_enough(desk, wanted, kept, trust, fetched_at):
        answer, fetched_at = open_kept(desk.contents, kept).answer, kept.fetched_at
    else:
        try:
            answer, is_new = _fetch(desk, wanted), True
        except TrustError as error:
            if kept is None or error.code not in _AWAY:
                _forget(desk, caller, wanted, "failed", code=error.code)  # what that region gives out no more is shown no more
                raise
            problem, answer, fetched_at = error.code, open_kept(desk.contents, kept).answer, kept.fetched_at
    if answer is None:
        _forget(desk, caller, wanted, "done", found=False)
        raise foreign_not_found(wanted.region)

    # 4. Our own verdict, as of now, on exactly the licence that was asked for.
    shown = _verify(desk, wanted, answer, trust, fetched_at, problem)

    # 5. tx 2: kept, unless it is invalid; and what was shown is on record, for those whom it is about too.
    def record(conn: Connection) -> None:
        if shown.licence is not None:
            holders = holders_of(desk.contents, shown.licence)
            _record_use(desk, conn, caller, wanted, shown.licence, holders)
            if is_new:
                kept = seal_kept(desk.contents, wanted, answer, shown.licence, asked_by=caller.holder, fetched_at=fetched_at)
                replace_kept(conn, kept, holders)
        elif is_new:
            delete_kept(conn, wanted.region, wanted.identifier, caller.holder)
        facts = {"verdict": shown.verdict.value, "age": shown.age.value, "problem": problem}
        _audit(desk, conn, caller, wanted, "done", found=True, **facts)

    desk.context.database.write(record)
    return shown


def sweep_foreign(desk: ExchangeDesk) -> int:
    """Remove what was kept long enough; how many."""
    before = kept_since(desk.context.clock.now())
    return desk.context.database.write(lambda conn: sweep_kept(conn, before))


def _checked(wanted: ForeignQuery) -> ForeignQuery:
    if examine_licence_number(wanted.identifier).number is None:
        raise field_unacceptable("identifier", "GB/T 36904")
    if wanted.mode is UseMode.OWN:  # a holder is not shown his own looks at first, and who asks here is none
        raise field_unacceptable("mode", "consented, duty or entrusted")
    consent = check_reason(wanted.consent, is_required=False)
    if bool(consent) is (wanted.mode is UseMode.BY_DUTY):
        raise field_unacceptable("consent", "where the holder consented or entrusted somebody, and only there")
    return replace(wanted, consent=consent, reason=check_reason(wanted.reason, is_required=True))


def _forget(desk: ExchangeDesk, caller: Caller, wanted: ForeignQuery, outcome: str, **facts: str | bool) -> None:
    def forget(conn: Connection) -> None:
        delete_kept(conn, wanted.region, wanted.identifier, caller.holder)
        _audit(desk, conn, caller, wanted, outcome, **facts)

    desk.context.database.write(forget)


def _is_enough(desk: ExchangeDesk, wanted: ForeignQuery, kept: KeptLicence, trust: TrustList, now: datetime) -> bool:
    if now - kept.fetched_at > timedelta(seconds=FOREIGN_FRESH_SECONDS):
        return False
    return _verify(desk, wanted, open_kept(desk.contents, kept).answer, trust, kept.fetched_at, None).verdict is not Verdict.INDETERMINATE


def _fetch(desk: ExchangeDesk, wanted: ForeignQuery) -> ForeignAnswer | None:
    answer = desk.regions.query(wanted)
    if answer is not None:
        is_small = all(len(each) <= FOREIGN_TOKEN_BYTES for each in answer.status_tokens)
        if len(answer.document) > FOREIGN_FILE_BYTES or len(answer.status_tokens) > FOREIGN_TOKENS or not is_small:
            raise answer_untrusted("size")
    return answer


def _verify(
    desk: ExchangeDesk, wanted: ForeignQuery, answer: ForeignAnswer, trust: TrustList, fetched_at: datetime, problem: str | None
) -> ForeignLicence:
    known = replace(trust, status_tokens=(*trust.status_tokens, *answer.status_tokens))
    now = desk.context.clock.now()
    holder = AskedHolder(wanted.holder_name, wanted.holder_code)
    found = verify_licence(answer.document, known, now, judge=desk.judge, holder=holder)
    report, licence = found.report, found.licence
    if licence is None or licence.identifier != wanted.identifier:  # a sound licence of somebody else is none of this one
        report = _not_asked_for(report)
    verdict = report.verdict
    age = Age.FRESH if now - fetched_at <= timedelta(seconds=FOREIGN_FRESH_SECONDS) else Age.STALE
    if age is Age.STALE and verdict is Verdict.VALID:
        verdict = Verdict.INDETERMINATE
    return ForeignLicence(verdict, age, fetched_at, report, None if verdict is Verdict.INVALID else licence, problem)


def _not_asked_for(report: Report) -> Report:
    """The report with that answer to the question of the number: whoever asked is told the questions."""
    number = next((each for each in report.questions if each.name == "number"), Question("number", Verdict.INVALID, ()))
    answered = replace(number, verdict=Verdict.INVALID, steps=(*number.steps, failed("LICENCE_NOT_ASKED_FOR", NUMBER_CLAUSE)))
    return replace(report, verdict=Verdict.INVALID, questions=(answered, *(each for each in report.questions if each is not number)))


def _record_use(
    desk: ExchangeDesk, conn: Connection, caller: Caller, wanted: ForeignQuery, licence: LicenceData, holders: frozenset[bytes]
) -> None:
    record_use(
        desk.context,
        desk.contents,
        conn,
        licence=None,
        action=UseAction.ASKED_ELSEWHERE,
        mode=wanted.mode,
        client=caller.client_id,
        actor=caller.actor,
        officer=None,
        reason="；".join(each for each in (wanted.reason, wanted.consent) if each),  # under what he consented is for him to see
        outcome=DONE,
        at=desk.context.clock.now(),
        type_code=licence.type.code,
        subjects=holders,
    )


def _record(desk: ExchangeDesk, caller: Caller, wanted: ForeignQuery, outcome: str, **facts: str | bool | None) -> None:
    desk.context.database.write(lambda conn: _audit(desk, conn, caller, wanted, outcome, **facts))


def _audit(desk: ExchangeDesk, conn: Connection, caller: Caller, wanted: ForeignQuery, outcome: str, **facts: str | bool | None) -> None:
    desk.context.audit.record(
        conn,
        at=desk.context.clock.now(),
        actor=caller.actor,
        action="licence-foreign.query",
        subject=f"licence-region:{wanted.region}",
        outcome=outcome,
        facts={"identifier": wanted.identifier, **facts},
    )
