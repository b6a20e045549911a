"""Many people: what signing in, finding and listing take with ten thousand accounts and with a million; passwords against bare Argon2.

The accounts are synthetic and written in bulk past the actions: identifiers, name hashes and a password each. Most are of random bytes, of the
size and distribution that sealed values and keyed hashes have; those that are asked for are row for row as the store writes them, so that
every page opens and checks what it shows. The server runs throughout: few and many are measured in one process.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from sqlalchemy import insert

import idp.service
from benchmarks.bulk_rows import insert_in_bulk
from benchmarks.machine import tree_cpu_seconds
from idp.actions.register_client import NewClient, register_client
from idp.credentials.passwords import POOL_THREADS, hash_password, is_right
from idp.model.people import Account, AccountKind, AccountStatus, Credential, CredentialKind, Identifier, IdentifierKind, new_id
from idp.store.accounts import account_row, identifier_row
from idp.store.credentials import credential_row
from idp.tables import account_identifiers, accounts, credentials
from service_kit.row_values import write_time
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from benchmarks.http_load import Deployment
    from idp.actions.people_desk import PeopleDesk

SMALL: Final = 10_000
LARGE: Final = 1_000_000
PASSWORD: Final = "synthetic people 7"
ROUNDS: Final = 60
STREETS: Final = 8  # runs of accounts whose ids follow one another, somewhere among all
HOUSES: Final = 64
_LETTERS: Final = "234567abcdefghijklmnopqrstuvwxyz"  # of base32, in the order databases compare them
_BATCH: Final = 250_000  # accounts in one transaction


def fill(desk: PeopleDesk, first: int, last: int) -> list[str]:
    """Persons ``first`` to ``last`` - 1; the login names of those who can sign in."""
    # 1. Most are never opened: random bytes of the size that sealed values, hashes and MACs have
    at = write_time(desk.clock.now())
    for begin in range(first, last, _BATCH):
        desk.database.write(partial(_fill_closed, count=min(_BATCH, last - begin), at=at))
    # 2. Some live next to each other, so that whole pages of the list can be opened
    kept = hash_password(PASSWORD)
    logins = []
    for street in range(STREETS):
        place = new_id("pe_")[:-4]
        rows: tuple[list[dict[str, Any]], ...] = ([], [], [], [])
        for house in range(HOUSES):
            login = f"synthetic-{first}-{street}-{house}"
            logins.append(login)
            for found, row in zip(
                rows, _open_rows(desk, f"{place}{_LETTERS[house // 32]}{_LETTERS[house % 32]}zz", login, kept), strict=True
            ):
                found.append(row)
        _insert(desk, *rows)
    return logins


def _insert(desk: PeopleDesk, *rows: list[dict[str, Any]]) -> None:
    def store(connection: Connection) -> None:
        for table, found in zip((accounts, account_identifiers, account_identifiers, credentials), rows, strict=True):
            connection.execute(insert(table), found)

    desk.database.write(store)


def _open_rows(desk: PeopleDesk, account_id: str, login: str, kept: bytes) -> tuple[dict[str, Any], ...]:
    at = desk.clock.now()
    identifiers = (Identifier(IdentifierKind.LOGIN, login), Identifier(IdentifierKind.MOBILE, "19900000000"))
    account = Account(
        account_id, AccountKind.PERSON, AccountStatus.ACTIVE, f"虚构{login}", "150700", 0, "benchmark", at, "benchmark", at,
        identifiers=identifiers,
    )  # fmt: skip
    made = Credential(new_id("cr_"), account_id, CredentialKind.PASSWORD, kept, "password", at)
    return (
        account_row(desk.vault, account),
        *(identifier_row(desk.vault, account, each) for each in identifiers),
        credential_row(desk.vault, made),
    )


def _fill_closed(connection: Connection, *, count: int, at: int) -> None:
    insert_in_bulk(connection, (accounts, account_identifiers, credentials), count, partial(_closed_rows, at))


def _closed_rows(at: int) -> tuple[list[tuple[Any, ...]], ...]:
    """An account, its login name and mobile number, its password, in the order of the columns of their tables."""
    account_id, chance = new_id("pe_"), os.urandom(404)
    login = chance[372:]
    return (
        [(account_id, "person", "active", chance[:38], chance[38:70], chance[70:101], "150700", 0, "benchmark", False, at, "benchmark", at, 1, 1,
          chance[101:133], 0)],
        [(account_id, "login", login, login, chance[133:180], None), (account_id, "mobile", chance[180:212], None, chance[133:180], None)],
        [(new_id("cr_"), account_id, "password", chance[212:340], None, f"{account_id}/password", "password", 0, at, None, None, 1,
          chance[340:372], 0)],
    )  # fmt: skip


class Walk:
    """One browser on its way through the pages: to the form, past it, into its list of sessions."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._place = self._token = self._location = ""

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, None if form is None else urlencode(form), headers)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("location", ""), body

    def open_form(self) -> None:
        """From the page that wants somebody signed in to the form."""
        _, self._place, _ = self._send("GET", "/sessions")
        _, _, page = self._send("GET", self._place)
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        if token is None:
            raise SystemExit(f"no form at {self._place}: {page[:500]}")
        self._token = token[1]

    def show_password(self, login: str) -> int:
        """The one request that carries the password; its status."""
        form = {"csrf": self._token, "login": login, "password": PASSWORD}
        status, self._location, _ = self._send("POST", self._place + "/password", form)
        return status

    def arrive(self, status: int) -> int:
        """On to the page that was wanted; the status of that."""
        while status == 303:
            status, self._location, _ = self._send("GET", self._location)
        self._connection.close()
        return status


def sign_in(url: str, login: str) -> int:
    """One browser through the pages into its list of sessions; the status of the last answer."""
    walk = Walk(url)
    walk.open_form()
    return walk.arrive(walk.show_password(login))


def measure(url: str, server_pid: int, deployment: Deployment, *, large: int = LARGE) -> dict[str, Any]:
    """Medians in milliseconds with SMALL and with ``large`` accounts, and how they compare; passwords against the bare bound."""
    house = open_house(open_deployment(Path(deployment.folder)))
    desk = idp.service.people_desk(house.context)
    _, secret = register_client(
        idp.service.client_desk(house.context), NewClient("Scale", ("account.read",), client_id="scale"), actor="benchmark"
    )
    results: dict[str, Any] = {}
    filled, logins = 0, [""]
    for name, count in (("small", SMALL), ("large", large)):
        begin = time.perf_counter()
        logins = fill(desk, filled, count)
        filled = count
        results[name] = {"accounts": count, "fill_seconds": round(time.perf_counter() - begin, 1), **_pages(url, secret, logins)}
        print(f"  {name}: {results[name]}", flush=True)
    results["growth"] = {key: round(results["large"][key] / results["small"][key], 2) for key in ("sign_in_ms", "search_ms", "listing_ms")}
    results["passwords"] = _passwords(url, server_pid, logins)
    print(f"  passwords: {results['passwords']}", flush=True)
    desk.pool.close()
    return results


def _pages(url: str, secret: str, logins: list[str]) -> dict[str, float]:
    chance = random.Random(len(logins))
    answer = httpx.post(f"{url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=("scale", secret), timeout=10)
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    with httpx.Client(base_url=url, headers=bearer, timeout=30) as client:

        def ask(query: str) -> list[dict[str, Any]]:
            found = client.get(f"/v1/accounts?{query}")
            if found.status_code != 200:
                raise SystemExit(f"{query}: {found.status_code} {found.text}")
            return list(found.json()["accounts"])

        def search() -> None:
            if len(ask(f"identifier_kind=login&identifier={chance.choice(logins)}")) != 1:
                raise SystemExit("a synthetic person was not found")

        def listing() -> None:
            if len(ask(f"limit=50&after={chance.choice(streets)}")) != 50:
                raise SystemExit("a page of the list is short")

        def enter() -> None:
            if sign_in(url, chance.choice(logins)) != 200:
                raise SystemExit("a synthetic person could not sign in")

        streets = [ask(f"identifier_kind=login&identifier={login}")[0]["id"] for login in logins if login.endswith("-0")]
        return {"sign_in_ms": _median(enter), "search_ms": _median(search), "listing_ms": _median(listing)}


def _median(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 2)


def _passwords(url: str, server_pid: int, logins: list[str]) -> dict[str, float]:
    """Sign-ins per second with as many browsers as there are threads for passwords, against bare Argon2 in as many; see the tests for
    what happens when more come than the queue takes. ``cpu_share``: processor time of a bare Argon2 by that of the server for a whole
    sign-in, pages, session and record included, which holds where others use the machine too; ``checking_cpu_share``: by that for the one
    request that carries the password.
    """
    kept, chance = hash_password(PASSWORD), random.Random(7)
    with ThreadPoolExecutor(POOL_THREADS) as pool:
        begin, cpu = time.perf_counter(), time.process_time()
        list(pool.map(lambda _: is_right(kept, PASSWORD), range(ROUNDS)))
        bare, bare_cpu = ROUNDS / (time.perf_counter() - begin), (time.process_time() - cpu) / ROUNDS
    with ThreadPoolExecutor(POOL_THREADS * 2) as pool:
        begin, cpu = time.perf_counter(), tree_cpu_seconds(server_pid)
        statuses = list(pool.map(lambda login: sign_in(url, login), chance.sample(logins, ROUNDS)))
        rate, sign_in_cpu = ROUNDS / (time.perf_counter() - begin), (tree_cpu_seconds(server_pid) - cpu) / ROUNDS
    if set(statuses) != {200}:
        raise SystemExit(f"sign-ins failed: {statuses}")
    checking_cpu = _checking_cpu_seconds(url, server_pid, chance.sample(logins, ROUNDS))
    return {
        "bare_per_second": round(bare, 1),
        "sign_ins_per_second": round(rate, 1),
        "share_of_bare": round(rate / bare, 2),
        "bare_cpu_ms": round(bare_cpu * 1000, 2),
        "sign_in_cpu_ms": round(sign_in_cpu * 1000, 2),
        "cpu_share": round(bare_cpu / sign_in_cpu, 2),
        "checking_cpu_ms": round(checking_cpu * 1000, 2),
        "checking_cpu_share": round(bare_cpu / checking_cpu, 2),
    }


def _checking_cpu_seconds(url: str, server_pid: int, logins: list[str]) -> float:
    """Processor time of the server for one request that carries a password: the form, the hash, the decision and its record. All forms were opened
    before, and nobody goes on before the last one is answered.
    """
    walks = [Walk(url) for _ in logins]
    with ThreadPoolExecutor(POOL_THREADS * 2) as pool:
        list(pool.map(Walk.open_form, walks))
        cpu = tree_cpu_seconds(server_pid)
        statuses = list(pool.map(Walk.show_password, walks, logins))
        spent = (tree_cpu_seconds(server_pid) - cpu) / len(logins)
        arrived = list(pool.map(Walk.arrive, walks, statuses))
    if set(arrived) != {200}:
        raise SystemExit(f"sign-ins failed: {arrived}")
    return spent
