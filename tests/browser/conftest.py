"""One served demonstration and one browser for all tests of pages; every page that is visited is held to the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.people import Staff, add_staff
from tests.browser.walker import Walkers
from tests.flows.served import Served, make_deployment
from tests.optional import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The system's browser, driven without a window; closed behind the last of these tests, because its driver has an event loop of its own
    in this thread.
    """
    program = need_program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Staff]]:
    """The demonstration with all that fills its pages and some people more, served by one process."""
    made = make_deployment(tmp_path_factory.mktemp("browser") / "deployment", is_small=False)
    staff = add_staff(made.folder)
    with made.serve() as running:
        yield running, staff


@pytest.fixture(scope="session")
def served(site: tuple[Served, Staff]) -> Served:
    """The server."""
    return site[0]


@pytest.fixture(scope="session")
def staff(site: tuple[Served, Staff]) -> Staff:
    """Its people."""
    return site[1]


@pytest.fixture
def walkers(chromium: Browser, served: Served) -> Iterator[Walkers]:
    """People with browsers of their own. At the end none of their pages may have broken a rule."""
    with Walkers(chromium, served.url, served.deployment.made["accounts"]) as made:
        yield made
