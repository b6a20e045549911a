"""A provider with three upstreams, people at them, and browsers on their way there and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.connectors.settings import read_settings
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.model.requests import ClientProfile
from idp.store.accounts import account_id_by, load_account
from tests.deployments import make_deployment, served_here
from tests.fakes import upstream as fake
from tests.fakes.upstream import Upstream, upstream
from tests.idp.connector_rounds import record, stated
from tests.idp.people import Browser, Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.model.people import Account

RULES = {"id_types": ["resident_id", "passport", "credit_code"], "least_level": 2, "agent_seconds": 3600}


@pytest.fixture(scope="module", name="there")
def there_fixture() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture(scope="module", name="town")
def town_fixture(tmp_path_factory: pytest.TempPathFactory, there: Upstream) -> Iterator[Town]:
    own = ClientProfile("own", "Own portal", is_own=True, post_logout_redirect_uris=("https://rp.example/bye",))
    protocol = Registered({"own": own})
    folder = make_deployment(tmp_path_factory.mktemp("federation") / "deployment")
    with (folder / "settings.toml").open("a", encoding="utf-8") as out:
        out.write('\n[outbound]\nnetworks = ["127.0.0.0/8"]\n')
    patch = pytest.MonkeyPatch()
    patch.setattr(idp.service, "sign_in_protocol", lambda _context: protocol)
    patch.setattr(idp.service, "read_upstreams", lambda _text, base_url: upstreams(there, base_url))
    with served_here(folder) as here:
        yield settle(here, protocol)
    patch.undo()


def upstreams(there: Upstream, base_url: str) -> dict[str, Any]:
    """The same provider under three names: trusted for numbers, trusted for nothing, and one that creates no accounts."""
    made = {}
    for name, rules in (("region", RULES), ("other", {}), ("closed", {**RULES, "creates_accounts": False})):
        callback = f"{base_url}/sign-in/upstream/{name}/callback"
        base = stated("oidc", there.url)
        fields = {**base["fields"], **{each: each for each in ("mobile", "mail", "area", "sex")}}
        made[name] = read_settings(
            {
                **base,
                "fields": fields,
                "agents": {"list": "firms", "subject": "id", "name": "title", "credit_code": "code"},
                "name": name,
                "callback_url": callback,
                "linking": rules,
                "title_en": f"The {name}",
            }
        )
    legacy = stated("code_userinfo", there.url)
    made["legacy"] = read_settings({**legacy, "name": "legacy", "callback_url": f"{base_url}/sign-in/upstream/legacy/callback"})
    central = stated("cas", there.url)
    made["central"] = read_settings(
        {**central, "name": "central", "callback_url": f"{base_url}/sign-in/upstream/central/callback", "title_en": "The central"}
    )
    return made


@pytest.fixture(autouse=True, name="fresh")
def fresh_fixture(there: Upstream, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    there.attack, there.algorithm, there.claims = "", "ES256", {}
    there.asked.clear()
    town.protocol.issued.clear()
    monkeypatch.setattr(fake, "AT", town.desk.clock.now())


numbers = iter(range(1000))


def someone(**changed: object) -> dict[str, Any]:
    """The record of a person whom nobody has met before: the number's check character holds."""
    digits = f"11010119900307{next(numbers):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    number = digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]
    return record("oidc", **{"sub": f"u-{digits}", "idnum": number, **changed})


def away(town: Town, name: str = "region", browser: Browser | None = None, **query: str) -> tuple[Browser, str]:
    """A browser on its way: where it was sent."""
    browser = browser or Browser(town.here)
    browser.authorize("own", **query)
    assert browser.heading == "Sign in"
    assert f"The {name}" in browser.answer.text
    browser.send("GET", button(browser, name))
    assert browser.answer.status_code == 303
    return browser, browser.answer.headers["location"]


def button(browser: Browser, name: str = "region") -> str:
    found = re.search(rf'href="(/sign-in/[^"]+/upstream/{name})"', browser.answer.text)
    assert found
    return found[1]


def back(there: Upstream, browser: Browser, sent_to: str, name: str = "region", **changed: str) -> None:
    answer = {**there.authorize(sent_to), **changed}
    browser.go(f"/sign-in/upstream/{name}/callback?{urlencode({k: v for k, v in answer.items() if v != '-'})}")


def sign_in(
    town: Town, there: Upstream, said: dict[str, Any], name: str = "region", browser: Browser | None = None, **query: str
) -> Browser:
    there.record = said
    browser, sent_to = away(town, name, browser, **query)
    back(there, browser, sent_to, name)
    return browser


def resident(said: dict[str, Any], *, verified: bool = True, level: int = 3, name: str = "测试甲", town: Town, login: str) -> Account:
    at = town.desk.clock.now()
    identifiers = (Identifier(IdentifierKind.RESIDENT_ID, said["idnum"], at if verified else None), Identifier(IdentifierKind.LOGIN, login))
    evidence = (Evidence(new_id("ev_"), "counter", "Demo hall", level, at),) if level else ()
    return create_account(town.desk, NewAccount(AccountKind.PERSON, name, identifiers, evidence=evidence), actor="test")


def conflicts(town: Town) -> list[str]:
    with town.desk.database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT doubt FROM idp_identity_conflicts ORDER BY opened_at, conflict_id")]


def account_by(town: Town, name: str, subject: str) -> Account:
    with town.desk.database.read() as connection:
        found = account_id_by(connection, town.desk.vault, IdentifierKind.UPSTREAM, f"@{name}|{subject}")
        assert found
        return load_account(connection, town.desk.vault, found)
