"""Follow other directories: turn by turn, each source by one process at a time, its cursor moved in the transaction of what it is moved over.

So wherever a process is ended, the next goes on at the subject that was not dealt with, and nothing is lost or done twice. A cursor that the source
does not know (it was restored, or is another) leads to a reconciliation, from whose cursor it goes on. What fails is tried again, later each time.
"""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from idp.actions.apply_followed import apply_told, note_refusal
from idp.actions.import_accounts import OF_THE_ROW
from idp.connectors.followed import Item, facts_wrong
from idp.model.changes import BUCKETS, Entry, bucket_digest
from idp.model.follow import Noted, NotedOutcome, back_off_seconds
from idp.model.imports import RowOutcome
from idp.store.follow import (
    count_noted,
    due_source,
    find_noted,
    let_source_go,
    load_source,
    move_source,
    noted_of_bucket,
    progress,
    take_source,
)
from service_kit.fail_points import reach
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from idp.actions.follow_desk import FollowDesk
    from idp.connectors.followed import FollowedDirectory
    from idp.model.follow import FollowedSource, SourceState, Told

LEASE: Final = timedelta(seconds=60)  # longer than any one call out may take
TURN_SECONDS: Final = 5.0  # then others get the thread, and a process that is to end can
ENDS_MIN: Final = 20  # so many may be gone at once from a source that tells of no ends,
ENDS_SHARE: Final = 0.1  # or this share of what is known of it: more is rather a fault there than that many ends
NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_SPREAD: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of what a source told: ``counts`` by ``RowOutcome`` (``waiting``: not for us). ``is_current``: there is nothing more just now.
    ``report``: where there was a reconciliation.
    """

    counts: Mapping[str, int]
    is_current: bool
    report: Mapping[str, Any] | None = None


@dataclass
class _Turn:
    """One process's hold on a source. ``cursor``: where it stands in the database."""

    desk: FollowDesk
    source: FollowedSource
    lease: str
    cursor: str
    accepts_ends: bool
    counts: Counter[str] = field(default_factory=Counter)
    directory: FollowedDirectory = field(init=False)
    _kept: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.directory = self.desk.open(self.source, self.stay)

    def stay(self) -> None:
        """Hold it on where that has not been said for a while: one survey is many calls."""
        if time.monotonic() - self._kept > LEASE.total_seconds() / 4:
            self.keep()

    def keep(self, after: str | None = None) -> None:
        """Hold it on; move the cursor over what was known already."""
        self.desk.people.database.write(partial(self.move, after=after))
        self.cursor, self._kept = (self.cursor if after is None else after), time.monotonic()

    def move(self, connection: Connection, after: str | None) -> None:
        """The same within a write job."""
        until = self.desk.people.clock.now() + LEASE
        move_source(connection, self.source.code, self.lease, until, before=self.cursor, after=after)

    def deal(self, item: Item, after: str | None) -> None:
        """Bring one subject here, or note why not, and move the cursor with it."""
        people = self.desk.people
        told: Told | None = None
        try:
            told = item.told or self.directory.fetch(item.subject_id)
            _check_told(told, item)
            reach("follow.fetched")
            self.counts[people.database.write(partial(self._apply, told, after)).value] += 1
        except TrustError as error:
            if error.kind not in OF_THE_ROW:
                raise
            refused = Noted(item.subject_id, item.seen, told.digest if told else item.digest, NotedOutcome.REFUSED)
            reach("follow.refused")
            people.database.write(partial(self._refuse, told, refused, error, after))
            self.counts[RowOutcome.REFUSED.value] += 1
        self.cursor, self._kept = (self.cursor if after is None else after), time.monotonic()
        reach("follow.applied")

    def _apply(self, told: Told, after: str | None, connection: Connection) -> RowOutcome:
        outcome = apply_told(connection, self.desk.people, self.source, told)
        self.move(connection, after)
        return outcome

    def _refuse(self, told: Told | None, refused: Noted, error: TrustError, after: str | None, connection: Connection) -> None:
        note_refusal(connection, self.desk.people, self.source, told, refused, error)
        self.move(connection, after)


def follow_sources(desk: FollowDesk) -> int:
    """A turn for each source whose time has come, for TURN_SECONDS in all; returns how many subjects were dealt with. Several processes may call it.

    What fails for one source is noted with it and keeps no other from its turn; the last failure is raised at the end.
    """
    ends = time.monotonic() + TURN_SECONDS
    done, failed = 0, None
    while time.monotonic() < ends:
        with desk.people.database.read() as connection:
            code = due_source(connection, desk.people.clock.now())
        if code is None:
            break
        try:
            done += sum(follow_source(desk, code, ends=ends).counts.values())
        except TrustError as error:
            failed = error
    if failed is not None:
        raise failed
    return done


def follow_source(
    desk: FollowDesk, code: str, *, ends: float | None = None, reconcile: bool = False, accepts_ends: bool = False
) -> Followed:
    """One turn with a source, until there is nothing more or ``ends`` (of the monotonic clock). ``reconcile``: compare everything, whatever its time.
    ``accepts_ends``: end what is gone there, however much that is.

    SOURCE_NOT_FOUND, SOURCE_BUSY (another process follows it), SOURCE_UNREACHABLE, SOURCE_ANSWER_INVALID, OUTBOUND_REFUSED.
    """
    people = desk.people
    at, lease = people.clock.now(), secrets.token_hex(16)
    # 1. Nobody else follows it meanwhile
    with people.database.read() as connection:
        load_source(connection, people.vault, code)
    if not people.database.write(partial(take_source, code=code, lease=lease, at=at, until=at + LEASE)):
        raise TrustError(Kind.UNAVAILABLE, "SOURCE_BUSY", source=code)
    with people.database.read() as connection:
        source, state = load_source(connection, people.vault, code)
    # 2. What it tells, and how that went
    failures, code_of_failure, done = state.failures + 1, "INTERNAL_ERROR", None
    try:
        turn = _Turn(desk, source, lease, state.cursor, accepts_ends)
        done = _follow(turn, ends, reconcile=reconcile or (state.reconcile_at is not None and state.reconcile_at <= at))
        failures, code_of_failure = 0, ""
    except TrustError as error:
        code_of_failure = error.code
        raise
    finally:
        _let_go(desk, source, lease, failures, code_of_failure, done, state)
    return done


def _follow(turn: _Turn, ends: float | None, *, reconcile: bool) -> Followed:
    report = _reconcile(turn, retry=True) if reconcile else None
    while True:
        try:
            page = turn.directory.page(turn.cursor)
        except TrustError as error:
            if error.code != "SOURCE_CURSOR_REFUSED" or report is not None:
                raise
            report = _reconcile(turn, retry=False)
            continue
        reach("follow.paged")
        last = {item.subject_id: number for number, item in enumerate(page.items, 1)}
        for number, item in enumerate(page.items, 1):
            after = page.cursor if number == len(page.items) else item.cursor
            if number == last[item.subject_id] and not _is_known(turn, item):  # facts are as of now: earlier mentions say nothing more
                turn.deal(item, after)
            if ends is not None and time.monotonic() >= ends and number < len(page.items):
                return Followed(dict(turn.counts), is_current=False, report=report)
        if turn.cursor != page.cursor:
            turn.keep(page.cursor)
        if not page.has_more:
            return Followed(dict(turn.counts), is_current=True, report=report)
        if ends is not None and time.monotonic() >= ends:
            return Followed(dict(turn.counts), is_current=False, report=report)


def _is_known(turn: _Turn, item: Item) -> bool:
    """Whether what an item tells is known: the same, or, of what the feed merely names, older."""
    with turn.desk.people.database.read() as connection:
        noted = find_noted(connection, turn.desk.people.vault, turn.source.code, item.subject_id)
    if noted is None:
        return False
    is_same = noted.digest == item.digest and (item.told is not None or noted.seen >= item.seen)
    return is_same or (item.told is None and noted.seen > item.seen)


def _check_told(told: Told, item: Item) -> None:
    """Whether the facts are of this change, or of a later one. SOURCE_FACTS_WRONG."""
    if item.told is None and told.document is not None:
        if told.seen < item.seen:
            raise facts_wrong("version")
        if told.seen == item.seen and told.digest != item.digest:
            raise facts_wrong("digest")


def _reconcile(turn: _Turn, *, retry: bool) -> dict[str, Any]:
    """Compare everything, bring here what differs, and go on from the survey's cursor. ``retry``: what was refused is tried again.

    Whoever is ended within it begins again: what was brought by then is equal by then.
    """
    people, source, directory = turn.desk.people, turn.source, turn.directory
    survey = directory.survey()
    reach("follow.surveyed")
    before = Counter(turn.counts)
    gone: list[Noted] = []
    differing = known = 0
    for bucket in range(BUCKETS):
        with people.database.read() as connection:
            ours = {each.subject_id: each for each in noted_of_bucket(connection, people.vault, source.code, bucket) if each.digest}
        known += len(ours)
        again = {name for name, each in ours.items() if retry and each.outcome is NotedOutcome.REFUSED}
        entries = [Entry(each.subject_id, each.seen, each.digest.hex()) for each in ours.values()]
        if survey.digests is not None and not again and bucket_digest(entries) == survey.digests[bucket]:
            continue
        theirs = {each.subject_id: each for each in directory.entries(bucket)}
        for subject_id, entry in theirs.items():
            noted = ours.get(subject_id)
            is_equal = noted is not None and noted.digest.hex() == entry.digest and (survey.digests is None or noted.seen == entry.version)
            differing += not is_equal
            if not is_equal or subject_id in again:
                turn.deal(_item(turn, entry), None)
        gone += [each for name, each in sorted(ours.items()) if name not in theirs]
        turn.keep()
    ended = _end_gone(turn, gone, known) if directory.is_absence_end else 0
    turn.keep(survey.cursor)
    report = {
        "at": f"{people.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        "there": dict(survey.counts),
        "differing": differing,
        **{name: count - before[name] for name, count in sorted(turn.counts.items())},
        "missing_there": len(gone) - ended,
        "ended": ended,
    }
    with people.database.read() as connection:
        report["known"] = count_noted(connection, source.code)
    _record(turn, report)
    reach("follow.reconciled")
    return report


def _item(turn: _Turn, entry: Entry) -> Item:
    return Item(entry.subject_id, entry.version, bytes.fromhex(entry.digest), turn.cursor)


def _end_gone(turn: _Turn, gone: list[Noted], known: int) -> int:
    """End what the source has no longer, each after it has been asked for by name; nothing where that many are gone that it is rather a fault."""
    if len(gone) > max(ENDS_MIN, int(known * ENDS_SHARE)) and not turn.accepts_ends:
        return 0
    ended = 0
    for each in gone:
        told = turn.directory.fetch(each.subject_id)
        ended += told.document is None
        turn.deal(_item(turn, Entry(each.subject_id, 0, each.digest.hex())), None)
    return ended


def _record(turn: _Turn, report: Mapping[str, Any]) -> None:
    people, source = turn.desk.people, turn.source
    at = people.clock.now()
    facts: dict[str, str | int | bool | None] = {name: value for name, value in report.items() if isinstance(value, int)}
    people.database.write(
        lambda connection: people.audit.record(
            connection, at=at, actor=source.actor, action="source.reconcile", subject=source.actor, outcome="done", facts=facts
        )
    )


def _let_go(
    desk: FollowDesk,
    source: FollowedSource,
    lease: str,
    failures: int,
    code: str,
    done: Followed | None,
    state: SourceState,
) -> None:
    """Hold it no longer; its next turn comes after its interval, at once where there is more, later where it failed."""
    at = desk.people.clock.now()
    wait = back_off_seconds(source.interval_seconds, failures, _SPREAD.random()) if failures else float(source.interval_seconds)
    is_more = done is not None and not done.is_current
    noted = progress(
        next_at=at if is_more else at + timedelta(seconds=wait),
        failures=failures,
        last_error=code,
        current_at=at if done is not None and done.is_current else None,
        reconcile_at=_next_reconciliation(source, done, state, at),
        report=None if done is None else done.report,
    )
    desk.people.database.write(partial(let_source_go, code=source.code, lease=lease, noted=noted))


def _next_reconciliation(source: FollowedSource, done: Followed | None, state: SourceState, at: datetime) -> datetime | None:
    if done is None:
        return None
    is_due = done.report is not None or state.reconcile_at is None
    return (at + timedelta(hours=source.reconcile_hours) if source.reconcile_hours else NEVER) if is_due else None
