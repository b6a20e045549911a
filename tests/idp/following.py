"""Deployments that follow each other within one process: a wire in place of the network, with somebody on it who may change what is said."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import idp.service
from idp.actions.follow_desk import FollowDesk, add_source
from idp.actions.follow_directory import Followed, follow_source
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.model.follow import read_source
from idp.model.people import AccountKind, Identifier, IdentifierKind
from idp.store.accounts import account_id_by, load_account
from idp.store.follow import count_noted, load_source
from service_kit.bounded_calls import Answer
from service_kit.outbound import Outbound, read_networks
from service_kit.settings import FILE_NAME, load_settings
from tests.deployments import make_deployment, served_here
from tests.idp.people import Registered, Town, settle
from tests.postgres import postgres_url
from yinxin.initialise import initialise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from idp.model.follow import SourceState
    from idp.model.people import Account


class Wire(Outbound):
    """Calls of ``https://NAME.example`` go to the town of that name. ``tamper``: what becomes of an answer, by its path and query."""

    def __init__(self, towns: Mapping[str, Town]) -> None:
        super().__init__(read_networks(["public"]))
        self.towns = towns
        self.tamper: Callable[[str, Answer], Answer] = lambda _, answer: answer
        self.paths: list[str] = []

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", answer_bytes: int = 65536
    ) -> Answer:
        parts = urlsplit(url)
        path = parts.path + ("?" + parts.query if parts.query else "")
        town = self.towns[str(parts.hostname).partition(".")[0]]
        answer = town.here.http.request(method, path, headers=dict(headers or {}), content=content)
        self.paths.append(path)
        made = self.tamper(path, Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content))
        assert len(made.body) <= answer_bytes
        return made


@dataclass
class Towns:
    """Towns by name, and who follows whom."""

    towns: dict[str, Town]
    wire: Wire
    secrets: dict[tuple[str, str], str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Town:
        return self.towns[name]

    def desk(self, name: str) -> FollowDesk:
        return FollowDesk(self[name].desk, self.wire, self[name].here.house.context.keystore)

    def follow(self, here: str, there: str, code: str = "", /, **further: Any) -> str:
        """``here`` follows ``there`` from now on."""
        code = code or there
        client = f"{here}-{code}"
        _, secret = register_client(
            idp.service.client_desk(self[there].here.house.context),
            NewClient(client, ("directory.read",), client_id=client),
            actor="test",
        )
        declared = {
            "code": code,
            "protocol": "feed",
            "base_url": f"https://{there}.example",
            "client_id": client,
            "client_secret": secret,
            **further,
        }
        add_source(self.desk(here), read_source(declared), actor="test")
        return code

    def pull(self, here: str, code: str, **further: Any) -> dict[str, int]:
        return {name: count for name, count in self.turn(here, code, **further).counts.items() if count}

    def turn(self, here: str, code: str, **further: Any) -> Followed:
        return follow_source(self.desk(here), code, **further)

    def state(self, here: str, code: str) -> SourceState:
        with self[here].desk.database.read() as connection:
            return load_source(connection, self[here].desk.vault, code)[1]

    def noted(self, here: str, code: str) -> dict[str, int]:
        with self[here].desk.database.read() as connection:
            return count_noted(connection, code)

    def found(self, here: str, code: str, subject_id: str) -> Account | None:
        """The account that a subject is here."""
        desk = self[here].desk
        with desk.database.read() as connection:
            account_id = account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, f"follow:{code}|{subject_id}")
            return None if account_id is None else load_account(connection, desk.vault, account_id)

    def accounts(self, here: str) -> int:
        with self[here].desk.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM idp_accounts").scalar_one())


def person(town: Town, name: str, login: str = "", *, number: str = "", area: str = "150700", **attributes: str) -> Account:
    """A person without evidence."""
    identifiers = [Identifier(IdentifierKind.LOGIN, login)] if login else []
    identifiers += [Identifier(IdentifierKind.RESIDENT_ID, number)] if number else []
    return create_account(town.desk, NewAccount(AccountKind.PERSON, name, tuple(identifiers), attributes, area), actor="test")


@cache
def _on_postgresql() -> Path:
    """One initialised deployment per test process, from which others are copied: its folder and its database, which nobody has open."""
    folder = Path(mkdtemp(prefix="yinxin-tests-")) / "deployment"
    return initialise(folder, organisation="测试机构", settings={"services": ["idp"], "database_url": postgres_url()}).dir


def _deployment(folder: Path, database: str) -> Path:
    if database == "sqlite":
        return make_deployment(folder, services=["idp"])
    template = _on_postgresql()
    url = load_settings(template).database_url
    shutil.copytree(template, folder)
    settings = folder / FILE_NAME
    settings.write_text(settings.read_text(encoding="utf-8").replace(url, postgres_url(copy_of=url)), encoding="utf-8")
    return folder


@contextmanager
def served_towns(folder: Path, *names: str, database: str = "sqlite") -> Iterator[Towns]:
    """Towns of these names. Their own jobs follow nobody: the tests do. ``database``: ``sqlite``, or ``postgresql`` for each a new one."""
    with pytest.MonkeyPatch.context() as patched, ExitStack() as held:
        patched.setattr("idp.service.FOLLOW_EVERY_SECONDS", 1e7)
        towns = {}
        for name in names:
            here = held.enter_context(served_here(_deployment(folder / name, database)))
            towns[name] = settle(here, Registered())
            held.callback(towns[name].desk.pool.close)
        yield Towns(towns, Wire(towns))
