"""A console with people at it, in this process."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from crypto.sealed_values import ValueSealer
from crypto.sm3 import hmac_sm3
from tests.browser.people import STAFF, Staff, add_staff
from tests.deployments import make_deployment, served_here
from tests.yinxin.surfing import Surfer
from yinxin.console import sessions
from yinxin.deployment import WEBHOOK_SECRETS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service_kit.composition import ServiceContext
    from tests.deployments import Here

CREDIT_CODE = "12990000YX0000008K"


@dataclass
class Site:
    """Who is there. ``people``: signed in once, for tests that end no sign-in."""

    here: Here
    staff: Staff
    stack: ExitStack
    people: dict[str, Surfer] = field(default_factory=dict)

    @property
    def context(self) -> ServiceContext:
        return self.here.house.context

    def person(self, login: str) -> Surfer:
        if login not in self.people:
            self.people[login] = self.stack.enter_context(Surfer(self.here)).sign_in(login)
        return self.people[login]


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A deployment with its staff, until the block ends."""
    made = make_deployment(folder)
    staff = add_staff(made, {login: STAFF[login] for login in ("shenqing", "shenhe", "zhizhang", "guanli", "yongyin", "shimin")})
    with served_here(made) as here, ExitStack() as stack:
        yield Site(here, staff, stack)


def secret_of(here: Here) -> bytes:
    """The console's own secret."""
    return hmac_sm3(here.house.context.keystore.open_secret(WEBHOOK_SECRETS_KEY), b"yinxin console v1")


def desk_of(here: Here) -> sessions.SessionDesk:
    """Its sessions."""
    context = here.house.context
    return sessions.SessionDesk(context.database, context.clock, ValueSealer(secret_of(here)))


def session_of(here: Here, surfer: Surfer) -> sessions.Session:
    """The session behind a browser's cookie."""
    found = sessions.find_session(desk_of(here), sessions.hash_of(str(surfer.http._client.cookies["yinxin-console"])))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("console") / "deployment") as made:
        yield made


@pytest.fixture(scope="module")
def here(site: Site) -> Here:
    return site.here


@pytest.fixture(scope="module")
def staff(site: Site) -> Staff:
    return site.staff


@pytest.fixture(scope="module")
def context(site: Site) -> ServiceContext:
    return site.context


@pytest.fixture
def surfer(here: Here) -> Iterator[Surfer]:
    with Surfer(here) as made:
        yield made
