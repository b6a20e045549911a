"""Keys that later versions brought: a deployment from before gets them when it is started, and one that has lost them is told so by every command."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from service_kit.database import Database
from service_kit.later_keys import ensure_later_keys
from standards.errors import TrustError
from tests.deployments import make_deployment, yinxin
from yinxin.later_keys import LATER_KEYS
from yinxin.server import DIR_VARIABLE, Serving, prepare

if TYPE_CHECKING:
    from pathlib import Path

FIRST = {"audit-mac", "ca-issuing", "ca-root", "idp-client-secret-pepper", "idp-row-mac", "log-checkpoint", "ocsp", "seal-maker", "tsa"}
"""What a deployment has had since there are seal makers, beside the keys of tokens and of seals."""
LATER = {key.name for key in LATER_KEYS}
SHOWN = {  # what is found in the tables of who has worked with the key
    "webhooks": "INSERT INTO kit_webhook_endpoints (endpoint_id, owner, url, types, description, status, secret_sealed, created_at, changed_at, version) "
    "VALUES ('we_1', 'cl_a', 'https://a.example', '*', '', 'active', x'00', 1, 1, 1)",
    "webhook-secrets": "INSERT INTO console_sessions VALUES (x'00', x'00', 1, 1, 1, NULL)",
    "idp-people": "INSERT INTO idp_pushed_requests (uri_digest, client_id, row_sealed, expires_at) VALUES (x'00', 'c', x'00', 1)",
}


def keys(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "keys").iterdir() if path.suffix in {".key", ".secret"} and not path.stem.startswith("token-")}


def sql(folder: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database, database:
        return [row for statement in statements for row in database.execute(statement).fetchall()]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As a version from before left it: without the later keys, and with no word of them."""
    folder = make_deployment(tmp_path / "deployment")
    for path in (folder / "keys").iterdir():
        if path.suffix in {".key", ".secret"} and path.stem not in FIRST and not path.stem.startswith("token-"):
            path.unlink()
    sql(folder, "DROP TRIGGER kit_audit_stay", "DELETE FROM kit_audit WHERE action = 'keys.made'")
    monkeypatch.setenv(DIR_VARIABLE, str(folder))
    return folder


def recorded(folder: Path) -> list[set[str]]:
    rows = sql(folder, "SELECT entry FROM kit_audit WHERE action = 'keys.made' ORDER BY position")
    return [set(json.loads(str(entry, "utf-8"))["facts"]["keys"].split()) for (entry,) in rows if isinstance(entry, bytes)]


def start(folder: Path) -> None:
    prepare(Serving(folder, "127.0.0.1", 0))


@pytest.mark.parametrize("command", ["serve", "doctor", "init"])
def test_an_old_deployment_gets_what_it_has_never_had(old: Path, command: str) -> None:
    assert keys(old) == FIRST
    if command == "serve":
        start(old)
    else:
        yinxin(command, "--dir", str(old))
    assert keys(old) >= FIRST | LATER
    assert recorded(old) == [LATER], "with what was there already: from here on each is lost where it is missing"
    made = keys(old)
    start(old)
    assert (keys(old), len(recorded(old))) == (made, 1), "once"


@pytest.mark.parametrize("lost", sorted(LATER - FIRST))
def test_a_key_on_record_is_lost_where_it_is_missing_used_or_not(tmp_path: Path, lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_deployment(tmp_path / "deployment")
    monkeypatch.setenv(DIR_VARIABLE, str(folder))
    assert recorded(folder) == [LATER], "a new deployment has it on record from its beginning"
    [path] = (folder / "keys").glob(f"{lost}.*")
    path.unlink()
    with pytest.raises(TrustError) as raised:
        start(folder)
    assert (raised.value.code, raised.value.facts["key_id"]) == ("KEY_UNKNOWN", lost)
    for command in ("doctor", "init"):
        said = yinxin(command, "--dir", str(folder), "--json", check=False)
        assert said.returncode == 1
        assert lost in said.stdout
    assert not path.exists()


@pytest.mark.parametrize("step", ["open_house", "migrate_all", "code_older_rows", "record_made"])
def test_a_start_that_is_cut_off_puts_on_record_at_the_next_what_it_made(old: Path, step: str) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"yinxin.server.{step}", Mock(side_effect=KeyboardInterrupt))
        start(old)
    made = keys(old)
    assert made >= LATER
    assert recorded(old) == []
    start(old)
    assert (keys(old), recorded(old)) == (made, [LATER])


@pytest.mark.parametrize("lost", sorted(SHOWN))
def test_a_key_that_rows_have_been_made_with_is_lost_where_it_is_missing(old: Path, lost: str) -> None:
    sql(old, SHOWN[lost])
    with pytest.raises(TrustError) as raised:
        start(old)
    assert (raised.value.code, raised.value.facts["key_id"]) == ("KEY_UNKNOWN", lost)
    assert keys(old) == FIRST, "and nothing is made in its place or beside it"


def test_tables_that_have_not_come_yet_show_nothing(tmp_path: Path) -> None:
    keystore = Keystore(tmp_path / "keys", MasterKey(bytes(16)))
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 1)
    try:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE kit_webhook_endpoints (another TEXT)")
            connection.commit()
        ensure_later_keys(keystore, database, LATER_KEYS)
        made = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
        assert {name.partition(".")[0] for name in made} >= LATER
        ensure_later_keys(keystore, database, LATER_KEYS)
        assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == made, "once"
    finally:
        database.close()


def test_a_lost_key_of_credentials_is_told(old: Path) -> None:
    start(old)
    [path] = (old / "keys").glob("licence-credential-es256-*")
    sql(
        old,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO licence_credentials (id, offer_id, licence_id, configuration, holder_thumbprint, key_id, state, intended_at, expires_at) "
        f"VALUES ('x', 'o', 'l', 'c', 't', '{path.stem}', 'void', 1, 1)",
    )
    path.unlink()
    said = yinxin("doctor", "--dir", str(old), "--json", check=False)
    assert (said.returncode, f"key_id={path.stem}" in said.stdout) == (1, True)
    assert not list((old / "keys").glob("licence-credential-es256-*"))
