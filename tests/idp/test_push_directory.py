"""A directory that follows ours: what it gets, from where it goes on, and that nothing leaves that must not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from keycloak.exceptions import KeycloakGetError

from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import change_account_status
from idp.actions.push_directory import Pushed, push_directory
from idp.connectors import keycloak_directory
from idp.connectors.keycloak_directory import KeycloakDirectory
from idp.model.people import AccountKind, AccountStatus
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here, yinxin
from tests.idp.people import Registered, Town, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Realm:
    """As much of Keycloak's administration as is used, in memory. ``fails``: the call that is refused."""

    fails = ""
    asked: tuple[Any, ...] = ()

    def __init__(self, **given: Any) -> None:
        Realm.last = self
        self.given = given
        self.attributes: dict[str, str] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.logins: dict[str, list[dict[str, str]]] = {}
        self.out: list[str] = []
        self.connection = self
        self.keycloak_openid = self
        self._s = self

    last: Realm

    def close(self) -> None:
        """Nothing is open."""

    def _check(self, name: str) -> None:
        if Realm.fails == name:
            raise KeycloakGetError("refused", response_code=403)

    def get_realm(self, name: str) -> dict[str, Any]:
        self._check("get_realm")
        assert name == "city"
        return {"attributes": dict(self.attributes)}

    def update_realm(self, name: str, payload: dict[str, Any]) -> None:
        assert name == "city"
        self.attributes = payload["attributes"]

    def get_user_id(self, name: str) -> str | None:
        return f"user:{name}" if name in self.users else None

    def create_user(self, payload: dict[str, Any]) -> str:
        self._check("create_user")
        self.users[payload["username"]] = payload
        return f"user:{payload['username']}"

    def update_user(self, user_id: str, payload: dict[str, Any]) -> None:
        self.users[user_id.removeprefix("user:")] = payload

    def user_logout(self, user_id: str) -> None:
        self.out.append(user_id.removeprefix("user:"))

    def get_user_social_logins(self, user_id: str) -> list[dict[str, str]]:
        return self.logins.get(user_id, [])

    def add_user_social_login(self, user_id: str, provider: str, subject: str, name: str) -> None:
        self.logins.setdefault(user_id, []).append({"identityProvider": provider, "userId": subject, "userName": name})

    def get_group_by_path(self, path: str) -> dict[str, Any]:
        self._check("get_group_by_path")
        if path[1:] not in self.groups:
            raise KeycloakGetError("none", response_code=404)
        return {"id": path[1:]}

    def create_group(self, payload: dict[str, Any]) -> str:
        self.groups[payload["name"]] = {**payload, "members": set()}
        return str(payload["name"])

    def update_group(self, group_id: str, payload: dict[str, Any]) -> None:
        self.groups[group_id].update(payload)

    def get_group_members(self, group_id: str) -> list[dict[str, str]]:
        return [{"username": each, "id": f"user:{each}"} for each in self.groups[group_id]["members"]]

    def group_user_add(self, user_id: str, group_id: str) -> None:
        self.groups[group_id]["members"].add(user_id.removeprefix("user:"))

    def group_user_remove(self, user_id: str, group_id: str) -> None:
        self.groups[group_id]["members"].discard(user_id.removeprefix("user:"))


@pytest.fixture(scope="module", name="town")
def town_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with served_here(make_deployment(tmp_path_factory.mktemp("push") / "deployment", services=["idp"])) as here:
        yield settle(here, Registered())


@pytest.fixture(name="directory")
def directory_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeycloakDirectory]:
    monkeypatch.setattr(keycloak_directory, "KeycloakAdmin", Realm)
    Realm.fails = ""
    with KeycloakDirectory("http://kc", "city", "sync", "secret", "yinxin") as made:
        yield made


def push(town: Town, directory: KeycloakDirectory) -> Pushed:
    return push_directory(town.desk, directory, "keycloak:city", actor="operator:test")


def test_a_realm_follows(town: Town, directory: KeycloakDirectory) -> None:
    push(town, directory)  # whoever came in another test
    before = len(town.audited("directory.push"))
    person, temporary, firm = town.person("jia"), town.person("yier", name="测试乙"), town.organisation()
    grant = grant_agent(town.desk, firm.account_id, person.account_id, actor="test")
    at = town.desk.clock.now()
    grant_agent(town.desk, firm.account_id, temporary.account_id, valid_until=at + timedelta(days=1), actor="test")
    done = push(town, directory)
    realm = Realm.last
    assert (done.persons, done.organisations) == (2, 1)
    assert realm.users[person.account_id]["enabled"]
    assert realm.users[person.account_id]["firstName"] == "测试甲"
    assert realm.users[person.account_id]["attributes"] == {"yinxin_level": ["3"], "yinxin_area": ["150700"]}
    assert realm.groups[firm.account_id]["members"] == {person.account_id}  # a grant with an end is not told
    assert realm.logins[f"user:{person.account_id}"] == [
        {"identityProvider": "yinxin", "userId": person.account_id, "userName": person.account_id}
    ]
    told = json.dumps([realm.users, {name: {**each, "members": []} for name, each in realm.groups.items()}], ensure_ascii=False)
    for kept in ("13800000000", "12990000YX0000008K", "argon2", "jia"):
        assert kept not in told
    # Nothing new: nothing is sent. Then only what has changed
    assert push(town, directory) == Pushed(0, 0, 0)
    revoke_agent(town.desk, grant.agent_id, actor="test")
    change_account_status(town.desk, temporary.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert push(town, directory).organisations == 1
    assert realm.groups[firm.account_id]["members"] == set()
    assert not realm.users[temporary.account_id]["enabled"]
    assert realm.out == [temporary.account_id]
    assert len(realm.logins[f"user:{person.account_id}"]) == 1
    change_account_status(town.desk, firm.account_id, AccountKind.ORGANISATION, AccountStatus.DISABLED, actor="test")
    push(town, directory)
    outcomes = [json.loads(each)["outcome"] for each in town.audited("directory.push")[before:]]
    assert outcomes == ["intended", "done"] * 3


def test_what_fails_is_sent_again_and_a_foreign_cursor_is_refused(town: Town, directory: KeycloakDirectory) -> None:
    person = town.person("again")
    for call in ("get_realm", "create_user"):
        Realm.fails = call
        with pytest.raises(TrustError, match="DIRECTORY_PUSH_FAILED"):
            push(town, directory)
    assert Realm.last.attributes == {}
    Realm.fails = ""
    done = push(town, directory)
    assert done.persons >= 1
    Realm.fails = "get_group_by_path"
    with pytest.raises(TrustError, match="DIRECTORY_PUSH_FAILED"):
        directory.put_organisation(person, frozenset())
    Realm.fails = ""
    for cursor in ("0000000000000000-1", "x", Realm.last.attributes["yinxinCursor"].partition("-")[0] + "-99999999"):
        Realm.last.attributes["yinxinCursor"] = cursor
        with pytest.raises(TrustError, match="CHANGE_CURSOR_UNKNOWN"):
            push(town, directory)
    assert "secret" not in repr(directory)


def test_the_command_reaches_nothing_that_is_not_allowed(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "deployment")
    (tmp_path / "secret").write_text("s")
    arguments = ["keycloak", "push", "--dir", str(folder), "--url", "http://127.0.0.1:9", "--realm", "city", "--client", "sync"]
    refused = yinxin(*arguments, "--secret-file", str(tmp_path / "secret"), check=False)
    assert refused.returncode != 0
    assert "OUTBOUND_REFUSED" in refused.stdout + refused.stderr
    missing = yinxin(*arguments, "--secret-file", str(tmp_path / "none"), check=False)
    assert "FILE_UNREADABLE" in missing.stdout + missing.stderr
