"""The log and a witness that speak over HTTP; and that nobody is called unless the settings say so."""

from __future__ import annotations

import json
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.responses import Response

from crypto.cosignatures import verify_cosignatures
from licence_vault.jobs import jobs_of, readiness_of, witness_desk
from licence_vault.service import means_of
from service_kit.clock import SystemClock
from standards.errors import Kind, TrustError
from tests.deployments import free_port, yinxin
from tests.licence_vault.vault_here import VaultHere, leaf
from yinxin.witness import make_witness, open_witness, watch_log, witness_application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(application: Any) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def test_a_witness_of_a_log_that_nobody_has_is_said(tmp_path: Path) -> None:
    (key, *_) = [cosigner.key for cosigner in make_witness(tmp_path / "w", "witness.example/w").cosigners]
    with VaultHere.made(tmp_path / "d") as vault:
        logs = replace(vault.context.settings.logs, witnesses=(f"licence/sha256 https://witness.example {key.to_text()}",))
        context = replace(vault.context, settings=replace(vault.context.settings, logs=logs))
        with pytest.raises(TrustError, match="SETTING_INVALID"):
            witness_desk(context, vault.log)


def test_the_settings_name_the_witnesses_and_what_may_be_reached(tmp_path: Path) -> None:
    keys = [cosigner.key for cosigner in make_witness(tmp_path / "w", "witness.example/w").cosigners]
    with VaultHere.made(tmp_path / "d") as vault:
        assert witness_desk(vault.context, vault.log) is None
        assert "licence-log-witnesses" not in {job.name for job in jobs_of(vault.context, vault.log, means_of(vault.context, vault.log))}
        for tree in vault.log.trees:
            watch_log(tmp_path / "w", tree.identity.keys, None)
        vault.append(leaf(1))
    with served(witness_application(open_witness(tmp_path / "w").witness)) as url:
        wanted = [f"licences/{tree} {url} {key.to_text()}" for tree, key in zip(("sha256", "sm3"), keys, strict=True)]
        settings = tmp_path / "d" / "settings.toml"
        settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[logs]\nwitnesses = {json.dumps(wanted)}\n", encoding="utf-8")
        with VaultHere.reopened(tmp_path / "d") as vault:  # named, but its address is not allowed: nobody is called
            desk = witness_desk(vault.context, vault.log)
            assert desk is not None
            assert (desk.run(), [*desk.errors.values()]) == (0, ["OUTBOUND_REFUSED"] * 2)
        settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[outbound]\nnetworks = ['127.0.0.0/8']\n", encoding="utf-8")
        with VaultHere.reopened(tmp_path / "d") as vault:
            job = next(
                job for job in jobs_of(vault.context, vault.log, means_of(vault.context, vault.log)) if job.name == "licence-log-witnesses"
            )
            assert (
                job.run() == 0
            )  # the clock of this log stands still, so that the witness speaks from a time to come: nothing of it is kept
            assert all(vault.log.files.cosigned(tree.name) is None for tree in vault.log.trees)
            vault.clock.at = SystemClock().now()
            assert job.run() == 2
            for tree in vault.log.trees:
                note = vault.log.files.cosigned(tree.name)
                assert note is not None
                assert verify_cosignatures(note, keys, SystemClock().now()).witnessed is True


def test_the_doctor_asks_the_witnesses_who_alone_know_that_a_backup_is_old(tmp_path: Path) -> None:
    folder, old = tmp_path / "d", tmp_path / "old"
    [key, _] = [cosigner.key for cosigner in make_witness(tmp_path / "w", "witness.example/w").cosigners]
    with VaultHere.made(folder) as vault:
        watch_log(tmp_path / "w", vault.log.tree_named("sha256").identity.keys, None)
        vault.append(leaf(1))

    def told(place: Path) -> tuple[str, str]:
        said = json.loads(yinxin("doctor", "--dir", str(place), "--json", check=False).stdout)
        [found] = [each for each in said["findings"] if each["name"] == "licence_witnesses"]
        return found["status"], found["message"]

    with served(witness_application(open_witness(tmp_path / "w").witness)) as url:
        settings = folder / "settings.toml"
        named = f"[logs]\nwitnesses = ['licences/sha256 {url} {key.to_text()}']\n[outbound]\nnetworks = ['127.0.0.0/8']\n"
        settings.write_text(f"{settings.read_text(encoding='utf-8')}\n{named}", encoding="utf-8")
        shutil.copytree(folder, old)
        with VaultHere.reopened(folder) as vault:
            vault.clock.at = SystemClock().now()  # by which the lease of whoever led before is over
            vault.append(leaf(2))
            desk = witness_desk(vault.context, vault.log)
            assert desk is not None
            assert desk.run() == 1
        assert told(folder) == ("ok", "asked=1")
        status, message = told(old)
        assert (status, "[WITNESS_AHEAD] witness=witness.example/w, tree=sha256, size=1, told=2" in message) == ("fail", True)
    assert told(old) == ("warn", "asked=1, silent=1, first=witness.example/w OUTBOUND_FAILED")


@pytest.mark.parametrize(
    ("status", "said"), [(503, ("warn", "asked=1, silent=1, first=witness.example/w WITNESS_REFUSED")), (404, ("fail", ""))]
)
def test_what_stands_before_a_witness_does_not_speak_for_it(tmp_path: Path, status: int, said: tuple[str, str]) -> None:
    """A proxy whose witness is away: as with one that does not answer. Where there is no witness the address is wrong, and somebody has to put it right."""
    [key, _] = [cosigner.key for cosigner in make_witness(tmp_path / "w", "witness.example/w").cosigners]
    with VaultHere.made(tmp_path / "d") as vault:
        vault.append(leaf(1))
    with served(Response(status_code=status)) as url:
        settings = tmp_path / "d" / "settings.toml"
        named = f"[logs]\nwitnesses = ['licences/sha256 {url} {key.to_text()}']\n[outbound]\nnetworks = ['127.0.0.0/8']\n"
        settings.write_text(f"{settings.read_text(encoding='utf-8')}\n{named}", encoding="utf-8")
        found = json.loads(yinxin("doctor", "--dir", str(tmp_path / "d"), "--json", check=False).stdout)["findings"]
    [witnesses] = [each for each in found if each["name"] == "licence_witnesses"]
    assert (witnesses["status"], said[1] in witnesses["message"]) == (said[0], True)


def test_readiness_says_what_is_wrong_with_the_log(vault: VaultHere) -> None:
    checks = {check.name: check for check in readiness_of(vault.context, vault.log)}
    assert checks["licence_tables"].run() == {"component": "licence"}
    vault.log.last_error = TrustError(Kind.UNAVAILABLE, "LOG_ROLLED_BACK")
    try:
        checks["licence_log"].run()
    except TrustError as error:
        assert error.code == "LOG_ROLLED_BACK"
    else:
        raise AssertionError
    vault.log.last_error = None
