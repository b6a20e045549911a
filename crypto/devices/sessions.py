"""Sessions with one device: a few at once, each in its own thread, so that a call which never returns holds up nobody for ever.

A session that is lost is opened and logged in again, once per call. A refused PIN is never sent a second time: devices lock after a few.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

from crypto.devices.refusals import PIN_REFUSED, SessionLostError
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.devices.description import DeviceKey


class DeviceSession(Protocol):
    """One logged-in session. Used by one thread at a time."""

    def public_key(self, key: DeviceKey) -> bytes:
        """SubjectPublicKeyInfo of a key."""
        ...

    def sign(self, key: DeviceKey, data: bytes) -> bytes:
        """The signature over what :attr:`takes_message` says, as X.509 carries it."""
        ...

    def close(self) -> None:
        """Give the session back to the device."""
        ...


class _Worker:
    """A thread with at most one session. It ends when it is told to, or when its caller has given up on it."""

    def __init__(self, name: str, open_session: Callable[[], DeviceSession]) -> None:
        self._open = open_session
        self._session: DeviceSession | None = None
        self._jobs: SimpleQueue[tuple[Callable[[DeviceSession], bytes], SimpleQueue[bytes | BaseException]] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, job: Callable[[DeviceSession], bytes]) -> SimpleQueue[bytes | BaseException]:
        reply: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._jobs.put((job, reply))
        return reply

    def end(self) -> None:
        self._jobs.put(None)

    def _work(self) -> None:
        while True:
            item = self._jobs.get()
            if item is None:
                self._close()
                return
            job, reply = item
            try:
                answer: bytes | BaseException = self._run(job)
            except BaseException as error:  # noqa: BLE001 - the edge of a thread: whatever it was, the caller raises it
                answer = error
            reply.put(answer)

    def _run(self, job: Callable[[DeviceSession], bytes]) -> bytes:
        try:
            return job(self._opened())
        except SessionLostError:
            self._close()
        try:
            return job(self._opened())
        except SessionLostError as lost:
            self._close()
            raise lost.cause from None

    def _opened(self) -> DeviceSession:
        if self._session is None:
            self._session = self._open()
        return self._session

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(TrustError, SessionLostError):
                session.close()


class SessionPool:
    """At most ``sessions`` calls under way at once on the device ``name``, each for at most ``timeout_seconds``, waiting included."""

    def __init__(self, name: str, open_session: Callable[[], DeviceSession], *, sessions: int, timeout_seconds: float) -> None:
        self._name: Final = name
        self._open: Final = open_session
        self._timeout_seconds: Final = timeout_seconds
        self._places: Final = threading.BoundedSemaphore(sessions)
        self._guard: Final = threading.Lock()
        self._idle: Final[list[_Worker]] = []
        self._refusal: TrustError | None = None
        self._is_closed = False

    def run(self, job: Callable[[DeviceSession], bytes]) -> bytes:
        """What ``job`` gives on a session. Raises what it raises, DEVICE_BUSY, DEVICE_TIMEOUT, or again DEVICE_PIN_REFUSED."""
        if self._refusal is not None:
            raise self._refusal
        ends = time.monotonic() + self._timeout_seconds
        if self._is_closed or not self._places.acquire(timeout=self._timeout_seconds):
            raise TrustError(Kind.UNAVAILABLE, "DEVICE_BUSY", device=self._name)
        with self._guard:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = _Worker(f"device-{self._name}", self._open)
        reply = worker.submit(job)
        try:
            answer = reply.get(timeout=max(ends - time.monotonic(), 0.001))
        except Empty:
            # The call cannot be stopped. Its place stays taken until it comes back; then its thread ends and nobody uses its session.
            worker.end()
            threading.Thread(target=self._wait_for, args=(reply,), name=f"device-{self._name}-late", daemon=True).start()
            raise TrustError(Kind.UNAVAILABLE, "DEVICE_TIMEOUT", device=self._name, timeout_seconds=self._timeout_seconds) from None
        with self._guard:
            is_kept = not self._is_closed
            if is_kept:
                self._idle.append(worker)
        if not is_kept:
            worker.end()
        self._places.release()
        if isinstance(answer, TrustError) and answer.code == PIN_REFUSED:
            self._refusal = answer
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _wait_for(self, reply: SimpleQueue[bytes | BaseException]) -> None:
        reply.get()
        self._places.release()

    def close(self) -> None:
        """End the sessions that are not in use; those in use end with their call."""
        with self._guard:
            self._is_closed = True
            idle, self._idle[:] = list(self._idle), []
        for worker in idle:
            worker.end()
