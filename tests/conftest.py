"""What holds for every test: no traffic beyond this machine, and aware time."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
import sys
import threading
from collections import Counter
from contextlib import nullcontext
from functools import wraps
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import NodeManager

from tests import clause_results, untraced_files
from tests.few_rsa_keys import draw_from_few
from tests.remembered_adapters import remember_adapters
from tests.remembered_commands import remember_commands
from tests.remembered_roots import remember_roots
from tests.untraced import NOTHING, Tracing, untraced

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# No deadline for one example: a loaded machine is no defect. Bounds on time stand in tests of their own, generously.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

draw_from_few()
remember_adapters()
remember_commands()
remember_roots()

# A worker that ends writes what it covered; on a loaded machine that takes longer than the ten seconds xdist allows before it kills.
NodeManager.EXIT_TIMEOUT = 300

# Files whose tests wait for servers and other programs begin first, so that none of them is left over while the other cores are idle.
SLOW_FIRST = ("tests/interop/test_keycloak", "tests/browser/", "tests/interop/", "tests/flows/", "tests/yinxin/")


def pytest_configure(config: pytest.Config) -> None:
    """What became of the tests of clauses is written down, where that is wanted."""
    clause_results.register(config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-randomly has shuffled: the slow files first, each kind in the shuffled order."""
    items.sort(key=lambda item: next((i for i, start in enumerate(SLOW_FIRST) if item.nodeid.startswith(start)), len(SLOW_FIRST)))


# Files that share something dear to set up (a served demonstration, a browser) are the work of one process.
TOGETHER = ("tests/browser/", "tests/flows/")


class ByPlace(LoadFileScheduling):  # type: ignore[misc]  # xdist tells no types
    """File by file, but for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in TOGETHER if nodeid.startswith(each)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlace:
    """Who gets which tests."""
    return ByPlace(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """The process that hands out tests and hears of them runs none: nothing of it is traced."""
    sys.settrace(None)
    threading.settrace(None)


# Every worker imports the same modules; what runs while they are imported is traced in the first one (and where there are no workers).
COLLECT_TRACED = ("gw0", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that collecting makes is garbage before the end: to look through all of it again and again costs a fifth of the time. Later too
    garbage is looked for seldom: deployments put together in a test are tens of thousands of objects that live as long as its file."""
    gc.disable()
    try:
        with untraced() if os.environ.get("PYTEST_XDIST_WORKER") not in COLLECT_TRACED else nullcontext():
            return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


# So many examples of a property are traced for coverage; the rest are tried and judged alike, at a fifth of the cost. What must be covered
# to the last branch (standards/) is traced whole.
TRACED_EXAMPLES = 10
TRACED_WHOLE = "tests/standards/"
UNTRACED = ("tests/lints/", "tests/browser/", "tests/examples/", "tests/flows/", "tests/interop/")
"""These run little of the program in their own process: they read its source, or drive servers, browsers and programs of others. A mark
``untraced`` says the same of one test that goes through all of something (every route, every page) which others cover piece by piece."""

TRACED_CASES = 2
"""So many cases of one test function, in the order in which they are written, are traced; further ones run and are judged alike. Not so where every
branch counts."""
TRACED_IN_ALL_CASES = ("tests/standards/", "tests/crypto/")
_cases: Counter[str] = Counter()
_further: set[str] = set()
_TRACING = pytest.StashKey[Tracing]()
"""How the test that runs now is to be traced."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Before anything is shuffled, so that the same cases are traced each time."""
    function, _, case = item.nodeid.partition("[")
    _cases[function] += 1
    if case and _cases[function] > TRACED_CASES and not item.nodeid.startswith(TRACED_IN_ALL_CASES):
        _further.add(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test sets up is traced no more than the test. Nor is what pytest does around them, which costs as much as many a small test."""
    is_elsewhere = item.nodeid.startswith(UNTRACED) or item.nodeid.partition("::")[0] in untraced_files.FILES
    is_traced = not (is_elsewhere or item.get_closest_marker("untraced"))
    item.session.stash[_TRACING] = Tracing.now() if is_traced else NOTHING
    with untraced():
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """What comes before a test."""
    with request.session.stash[_TRACING].on():
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """And what comes after it."""
    with item.session.stash[_TRACING].on():
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Trace the first examples of a property, and the first cases of a test, only."""
    tracing = pyfuncitem.session.stash[_TRACING]
    property_test = getattr(pyfuncitem.obj, "hypothesis", None)
    if tracing.here is None or pyfuncitem.nodeid in _further:
        return (yield)
    if property_test is None or pyfuncitem.nodeid.startswith(TRACED_WHOLE):
        with tracing.on():
            return (yield)
    judged, numbers = property_test.inner_test, count()

    @wraps(judged)
    def sometimes_traced(*arguments: Any, **named: Any) -> Any:
        if next(numbers) >= TRACED_EXAMPLES:
            return judged(*arguments, **named)
        sys.settrace(tracing.here)
        try:
            return judged(*arguments, **named)
        finally:
            sys.settrace(None)

    property_test.inner_test = sometimes_traced
    try:
        return (yield)
    finally:
        property_test.inner_test = judged


_connect = socket.socket.connect


class OutsideTrafficError(AssertionError):
    """A test tried to reach beyond loopback."""


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family in {socket.AF_INET, socket.AF_INET6}:
        host = str(address[0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise OutsideTrafficError(f"a test may only talk to this machine, not to {host}")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)


@pytest.fixture(autouse=True)
def _settings_stay_inside_a_test() -> Iterator[None]:
    """Commands hand settings to their worker processes by the environment; run in a test, they must not reach the next one."""
    before = {name: value for name, value in os.environ.items() if name.startswith("YINXIN_")}
    yield
    for name in [name for name in os.environ if name.startswith("YINXIN_") and name not in before]:
        del os.environ[name]
    os.environ.update(before)
