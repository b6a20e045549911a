"""The same request twice: one effect, one answer, over crash and race."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from service_kit.database import Database
from service_kit.idempotency import Claim, ClaimState, Idempotency, digest_of_request, key_digest, sweep
from service_kit.process_marks import ProcessMark
from service_kit.tables import idempotency as table
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
REQUEST = digest_of_request(b"POST", b"body")


@pytest.fixture
def keys() -> Idempotency:
    return Idempotency()


def claim(keys: Idempotency, **changed: Any) -> Any:
    arguments = {"caller": "a", "route": "POST /x", "key": "k1", "request_digest": REQUEST, "reference": "use-1", "at": AT, **changed}
    return lambda connection: keys.claim(connection, **arguments)


def refused(database: Database, job: Any) -> TrustError:
    with pytest.raises(TrustError) as error:
        database.write(job)
    return error.value


def test_a_repeated_request_finds_the_first_one_done(database: Database, keys: Idempotency) -> None:
    first: Claim = database.write(claim(keys))
    assert (first.state, first.reference) == (ClaimState.NEW, "use-1")
    database.write(lambda c: keys.finish(c, first, status=201))
    again: Claim = database.write(claim(keys, reference="use-2", at=AT + timedelta(hours=23)))
    assert (again.state, again.reference) == (ClaimState.DONE, "use-1")


def test_a_look_finds_what_a_claim_would_and_claims_nothing(database: Database, keys: Idempotency) -> None:
    def look(**changed: Any) -> Claim | None:
        arguments = {"caller": "a", "route": "POST /x", "key": "k1", "request_digest": REQUEST, "at": AT, **changed}
        return database.write(lambda connection: keys.find(connection, **arguments))

    assert look() is None
    first: Claim = database.write(claim(keys))
    for code, changed in (("IDEMPOTENCY_IN_FLIGHT", {}), ("IDEMPOTENCY_KEY_REUSED", {"request_digest": digest_of_request(b"other")})):
        with pytest.raises(TrustError) as raised:
            look(**changed)
        assert raised.value.code == code
    for _ in range(2):  # the look takes nothing over
        resumed = look(at=AT + timedelta(seconds=121))
        assert resumed is not None
        assert (resumed.state, resumed.reference) == (ClaimState.RESUMED, "use-1")
    database.write(lambda c: keys.finish(c, first, status=201))
    done = look(at=AT + timedelta(hours=23))
    assert done is not None
    assert (done.state, done.reference) == (ClaimState.DONE, "use-1")
    assert look(at=AT + timedelta(hours=25)) is None


def test_the_same_key_with_another_request_is_refused(database: Database, keys: Idempotency) -> None:
    first = database.write(claim(keys))
    other = claim(keys, request_digest=digest_of_request(b"POST", b"other"))
    assert (refused(database, other).kind, refused(database, other).code) == (Kind.UNACCEPTABLE, "IDEMPOTENCY_KEY_REUSED")
    database.write(lambda c: keys.finish(c, first, status=200))
    assert refused(database, other).code == "IDEMPOTENCY_KEY_REUSED"


def test_keys_are_scoped_to_caller_and_route(database: Database, keys: Idempotency) -> None:
    database.write(claim(keys))
    for changed in ({"caller": "b"}, {"route": "POST /y"}, {"key": "k2"}):
        assert database.write(claim(keys, **changed)).state is ClaimState.NEW
    assert len({key_digest("ab", "c", "d"), key_digest("a", "bc", "d"), key_digest("a", "b", "cd")}) == 3


def test_a_request_under_way_is_said_to_be(database: Database, keys: Idempotency) -> None:
    database.write(claim(keys))
    error = refused(database, claim(keys, at=AT + timedelta(seconds=10)))
    assert (error.kind, error.code, error.facts) == (Kind.CONFLICT, "IDEMPOTENCY_IN_FLIGHT", {"retry_after_seconds": 2})


def test_a_crashed_request_is_resumed_with_its_reference(database: Database, keys: Idempotency) -> None:
    database.write(claim(keys))
    later = AT + timedelta(seconds=121)
    resumed = database.write(claim(keys, reference="use-2", at=later))
    assert (resumed.state, resumed.reference) == (ClaimState.RESUMED, "use-1")
    assert refused(database, claim(keys, at=later)).code == "IDEMPOTENCY_IN_FLIGHT"  # one resumes, not two
    database.write(lambda c: keys.set_reference(c, resumed, "use-3"))
    assert database.write(claim(keys, at=later + timedelta(seconds=121))).reference == "use-3"


def test_nobody_waits_for_a_process_of_this_machine_that_died(database: Database, tmp_path: Path) -> None:
    here = socket.gethostname()[:32]
    dead, alive, elsewhere, heir = (
        ProcessMark(tmp_path, name) for name in (f"{here}-1-dead", f"{here}-2-alive", "elsewhere-3-x", f"{here}-4-heir")
    )
    for mark in (dead, alive, elsewhere):
        database.write(claim(Idempotency(mark), key=mark.name))
    dead.release()
    keys = Idempotency(heir)
    look: dict[str, Any] = {"caller": "a", "route": "POST /x", "request_digest": REQUEST, "at": AT}
    for mark in (alive, elsewhere):
        assert refused(database, claim(keys, key=mark.name)).code == "IDEMPOTENCY_IN_FLIGHT"
    with database.read() as connection:
        found = keys.find(connection, key=dead.name, **look)
    assert found is not None
    assert (found.state, found.reference) == (ClaimState.RESUMED, "use-1")
    assert database.write(claim(keys, key=dead.name)).state is ClaimState.RESUMED
    for process in (heir, alive):  # taken over: it is the heir's work now, and he lives
        assert refused(database, claim(Idempotency(process), key=dead.name)).code == "IDEMPOTENCY_IN_FLIGHT"
    heir.release()
    assert database.write(claim(Idempotency(alive), key=dead.name)).state is ClaimState.RESUMED
    alive.release()


def test_the_slow_first_one_cannot_answer_twice(database: Database, keys: Idempotency) -> None:
    first = database.write(claim(keys))
    resumed = database.write(claim(keys, at=AT + timedelta(seconds=121)))
    database.write(lambda c: keys.finish(c, resumed, status=200))
    assert refused(database, lambda c: keys.finish(c, first, status=200)).code == "IDEMPOTENCY_CLAIM_LOST"


def test_a_failed_attempt_can_be_forgotten(database: Database, keys: Idempotency) -> None:
    first = database.write(claim(keys))
    database.write(lambda c: keys.release(c, first))
    second = database.write(claim(keys))
    assert second.state is ClaimState.NEW
    database.write(lambda c: keys.finish(c, second, status=200))
    database.write(lambda c: keys.release(c, second))  # an answer stays
    assert database.write(claim(keys)).state is ClaimState.DONE


def test_a_claim_vanishes_with_the_transaction_it_was_made_in(database: Database, keys: Idempotency) -> None:
    def job(connection: Any) -> None:
        claim(keys)(connection)
        raise LookupError

    with pytest.raises(LookupError):
        database.write(job)
    assert database.write(claim(keys)).state is ClaimState.NEW


def test_keys_expire_and_are_swept(database: Database, keys: Idempotency) -> None:
    first = database.write(claim(keys))
    database.write(lambda c: keys.finish(c, first, status=200))
    later = AT + timedelta(hours=24)
    assert database.write(claim(keys, at=later, request_digest=b"other")).state is ClaimState.NEW  # expired, though not swept yet
    assert database.write(lambda c: sweep(c, later)) == 0
    assert database.write(lambda c: sweep(c, later + timedelta(hours=24))) == 1
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "a\n", "\x7f"])
def test_keys_that_are_none(database: Database, keys: Idempotency, key: str) -> None:
    assert refused(database, claim(keys, key=key)).code == "IDEMPOTENCY_KEY_INVALID"


def test_of_sixteen_at_once_one_executes(database: Database, database_url: str, keys: Idempotency) -> None:
    """In four processes, as far as the database can tell: each has a writer of its own."""
    outcomes: list[str] = []
    databases = [database, *(Database(database_url, pool_size=1) for _ in range(3))]

    def attempt(mine: Database) -> None:
        try:
            outcomes.append(mine.write(claim(keys)).state)
        except TrustError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt, args=(databases[i % 4],)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["IDEMPOTENCY_IN_FLIGHT"] * 15 + ["new"]
    for other in databases[1:]:
        other.close()
