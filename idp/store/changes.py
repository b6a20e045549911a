"""Rows of the change feed. A change is noted where its account is written, in the same transaction, so that none can be forgotten."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from idp.directory_tables import change_counts, change_head, change_states, changes
from idp.model.changes import Change, Entry, SubjectKind, SubjectState, account_facts, agent_facts, agent_status, bucket_of, facts_digest
from idp.tables import accounts, agents
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.sealed_values import ValueSealer
    from idp.model.people import Account, Agent

_BEFORE: Final = select(change_states.c.status).where(change_states.c.subject_id == bindparam("wanted"))
_WAITING: Final = select(changes.c.row_id, changes.c.kind, changes.c.status, changes.c.status_before).where(changes.c.number.is_(None))
_NUMBER: Final = update(changes).where(changes.c.row_id == bindparam("which")).values(number=bindparam("given"))


def subject_salt(sealer: ValueSealer, subject_id: str) -> bytes:
    """The salt of a subject's digests, 32 bytes: the same for all its versions, kept nowhere."""
    return sealer.find(subject_id.encode(), "idp.change-salt")


def note_account(connection: Connection, sealer: ValueSealer, account: Account) -> None:
    """Note that an account is now as given."""
    kind, status = SubjectKind(account.kind.value), account.status.value
    _note(connection, sealer, account.account_id, kind, status, account.uversion, account_facts(account), account.changed_at)


def note_agent(connection: Connection, sealer: ValueSealer, agent: Agent) -> None:
    """Note that a grant is now as given."""
    at = agent.revoked_at or agent.granted_at
    _note(connection, sealer, agent.agent_id, SubjectKind.AGENT, agent_status(agent), agent.version, agent_facts(agent), at)


def _note(
    connection: Connection,
    sealer: ValueSealer,
    subject_id: str,
    kind: SubjectKind,
    status: str,
    version: int,
    facts: Mapping[str, Any],
    at: datetime,
) -> None:
    digest = facts_digest(subject_salt(sealer, subject_id), facts)
    state = {"kind": kind.value, "status": status, "version": version, "digest": digest}
    before: str | None = connection.execute(_BEFORE, {"wanted": subject_id}).scalar()
    connection.execute(insert(changes), {**state, "subject_id": subject_id, "status_before": before, "at": write_time(at)})
    if before is None:
        connection.execute(insert(change_states), {**state, "subject_id": subject_id, "bucket": bucket_of(subject_id)})
    else:
        connection.execute(update(change_states).where(change_states.c.subject_id == subject_id).values(state))


def has_waiting(connection: Connection) -> bool:
    """Whether a durable change has no number yet."""
    return connection.execute(_WAITING.limit(1)).first() is not None


def number_changes(connection: Connection, most: int) -> int:
    """Give the next numbers to changes that have none, and count them; returns how many.

    Numbers are given to what is durable already. So writers of changes never wait for each other, there is no gap where one of them
    fails, and a reader who has seen a number has seen, or can see, every one below it.
    """
    rows = connection.execute(_WAITING.order_by(changes.c.row_id).limit(most)).all()
    if not rows:
        return 0
    last: int = connection.execute(
        update(change_head).values(last=change_head.c.last + len(rows)).returning(change_head.c.last)
    ).scalar_one()
    first = last - len(rows) + 1
    connection.execute(_NUMBER, [{"which": row.row_id, "given": number} for number, row in enumerate(rows, first)])
    for (kind, status), difference in _differences(rows).items():
        same = (change_counts.c.kind == kind) & (change_counts.c.status == status)
        if connection.execute(update(change_counts).where(same).values(subjects=change_counts.c.subjects + difference)).rowcount == 0:
            connection.execute(insert(change_counts), {"kind": kind, "status": status, "subjects": difference})
    return len(rows)


def _differences(rows: Iterable[Any]) -> Counter[tuple[str, str]]:
    """By how much the counts of each kind and state change."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.status != row.status_before:
            found[row.kind, row.status] += 1
            if row.status_before is not None:
                found[row.kind, row.status_before] -= 1
    return found


def read_head(connection: Connection) -> tuple[str, int, bool]:
    """The feed's id, the number of the newest change, and whether the accounts of before the feed have been entered."""
    row = connection.execute(select(change_head)).one()
    return row.feed_id, row.last, row.is_filled


def list_changes(connection: Connection, *, after: int, count: int) -> list[Change]:
    """Changes behind ``after`` in the order of their numbers."""
    wanted = select(changes).where(changes.c.number > after).order_by(changes.c.number).limit(count)
    return [
        Change(
            row.number,
            SubjectState(row.subject_id, SubjectKind(row.kind), row.status, row.version, row.digest, read_time(row.at)),
        )
        for row in connection.execute(wanted)
    ]


def find_state(connection: Connection, subject_id: str) -> tuple[SubjectKind, int, bytes] | None:
    """A subject's kind, version and digest; None where it was never told of."""
    row = connection.execute(select(change_states).where(change_states.c.subject_id == subject_id)).first()
    return None if row is None else (SubjectKind(row.kind), row.version, row.digest)


def count_states(connection: Connection) -> list[tuple[str, str, int]]:
    """How many subjects there are of each kind and state, without counting them: what was counted, and what waits for its number."""
    found = Counter({(row.kind, row.status): row.subjects for row in connection.execute(select(change_counts))})
    found.update(_differences(connection.execute(_WAITING)))
    return [(kind, status, count) for (kind, status), count in sorted(found.items()) if count > 0]


def count_areas(connection: Connection) -> list[tuple[str, str, str, int]]:
    """How many accounts of each area (empty: unknown), kind and state there are. Looks at all of them."""
    named = (accounts.c.area, accounts.c.kind, accounts.c.status)
    found = connection.execute(select(*named, func.count()).group_by(*named).order_by(*named))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def each_entry(connection: Connection) -> Iterator[tuple[int, Entry]]:
    """Every subject with its bucket, bucket by bucket in the order of the ids."""
    state = change_states.c
    wanted = select(state.bucket, state.subject_id, state.version, state.digest).order_by(state.bucket, state.subject_id)
    for row in connection.execution_options(yield_per=2000).execute(wanted):
        yield row.bucket, Entry(row.subject_id, row.version, row.digest.hex())


def entries_of(connection: Connection, bucket: int, *, after: str, count: int) -> list[Entry]:
    """The subjects of a bucket behind ``after``, in the order of their ids."""
    state = change_states.c
    wanted = select(state.subject_id, state.version, state.digest).where(state.bucket == bucket, state.subject_id > after)
    found = connection.execute(wanted.order_by(state.subject_id).limit(count))
    return [Entry(row.subject_id, row.version, row.digest.hex()) for row in found]


def missing_subjects(connection: Connection, count: int) -> tuple[list[str], list[str]]:
    """Accounts and grants that the feed does not know yet."""
    known = select(change_states.c.subject_id)
    lost_accounts = select(accounts.c.account_id).where(accounts.c.account_id.not_in(known)).limit(count)
    lost_agents = select(agents.c.agent_id).where(agents.c.agent_id.not_in(known)).limit(count)
    return list(connection.execute(lost_accounts).scalars()), list(connection.execute(lost_agents).scalars())


def mark_filled(connection: Connection) -> None:
    """The accounts of before the feed have been entered."""
    connection.execute(update(change_head).values(is_filled=True))
