"""``init``: whole, or begun again; nothing in it that would be the same elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from crypto.trust_list import trust_list_from_files
from service_kit.settings import FILE_NAME
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here, unmeasured, yinxin
from tests.forked import ForkedProcess
from tests.optional import PROJECT
from yinxin.deployment import MARKER, is_complete, load_master_key, master_key_path, open_deployment
from yinxin.initialise import LOCK_FILE, check_usable, initialise, settings_text

if TYPE_CHECKING:
    from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name}


def test_again_it_changes_nothing(folder: Path) -> None:
    before = contents(folder)
    initialise(folder)
    after = contents(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"run/clock-floor"}


def test_nobody_else_may_read_the_secrets(folder: Path) -> None:
    for path in [folder, folder / "keys", folder / "master.key", *(folder / "keys").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_client_exists_and_no_two_deployments_share_anything(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    initialise(other)
    with served_here(folder) as here, here.house.context.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_clients").scalar() == 0
    mine, theirs = contents(folder), contents(other)
    assert {name for name in mine if name in theirs and mine[name] == theirs[name] and name.startswith(("keys/", "ca/", "master"))} <= {
        "keys/.lock"
    }


def test_the_folder_ca_is_a_trust_list(folder: Path) -> None:
    trust = trust_list_from_files({path.name: path.read_bytes() for path in (folder / "ca").iterdir()})
    assert len(trust.anchors) == 1
    assert len(trust.intermediates) == 4
    assert len(trust.crls) == 2


@pytest.mark.parametrize("missing", [[MARKER], ["keys"], ["ca/tsa.cer"], ["ca"], ["yinxin.sqlite3"], ["ca/issuing.crl", "run"]])
def test_what_is_missing_is_made(folder: Path, missing: list[str]) -> None:
    for name in [*missing, MARKER]:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if missing == ["keys"]:  # without its keys the authority's certificates are of no use either
        shutil.rmtree(folder / "ca")
        (folder / "yinxin.sqlite3").unlink()
        shutil.rmtree(folder / "log")
    if missing == ["yinxin.sqlite3"]:
        shutil.rmtree(folder / "log")
    assert not is_complete(folder)
    initialise(folder)
    assert is_complete(folder)
    with served_here(folder) as here:
        assert here.http.get("/readyz").status_code == 200


@pytest.mark.untraced
def test_killed_at_any_moment_it_can_be_begun_again(tmp_path: Path) -> None:
    """SIGKILL after growing delays; each time `init` again makes a whole deployment of what is left."""
    whole = 0
    for step in range(12):
        folder = tmp_path / f"d{step}"
        process = ForkedProcess("init", "--dir", str(folder), environment=unmeasured(), output=tmp_path / "output")
        time.sleep(0.05 * step)
        process.kill()
        process.wait()
        whole += is_complete(folder)
        initialise(folder)
        with served_here(folder) as here:
            assert here.http.get("/readyz").status_code == 200, step
    assert whole < 12, "the kills came too late to show anything"


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(TrustError, match="FOLDER_NOT_EMPTY"):
        initialise(tmp_path)
    with pytest.raises(TrustError, match="FOLDER_NOT_EMPTY"):
        check_usable(tmp_path / "precious")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_two_at_once(tmp_path: Path) -> None:
    import fcntl

    folder = tmp_path / "d"
    folder.mkdir()
    with (folder / ".init.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrustError, match="INIT_IN_PROGRESS"):
            initialise(folder)


@pytest.mark.parametrize("organisation", ["", " x", "a\nb", "x" * 200])
def test_an_unusable_organisation_is_refused_before_anything_is_made(tmp_path: Path, organisation: str) -> None:
    with pytest.raises(TrustError, match="CERTIFICATE_NAME_INVALID"):
        initialise(tmp_path / "d", organisation=organisation)
    assert not (tmp_path / "d").exists()


def test_settings_are_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    made = initialise(folder, settings={"base_url": "https://trust.example.org", "listen": {"port": 9443}})
    assert (made.settings.base_url, made.settings.listen.port) == ("https://trust.example.org", 9443)
    again = initialise(folder, settings={"base_url": "https://other.example.org"})
    assert again.settings.base_url == "https://trust.example.org"
    assert settings_text({}).startswith("# ")


def test_the_address_that_was_asked_for_is_the_one_it_has_or_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes into certificates. Settings that an operator put there before, as for his database, silently went before the option."""
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / FILE_NAME).write_text('services = ["idp"]\n')

    def told(*options: str) -> tuple[int, str]:
        done = yinxin("init", "--dir", str(folder), *options, check=False)
        return done.returncode, done.stderr

    status, words = told("--base-url", "https://trust.example.org")
    assert (status, "INIT_ADDRESS_DIFFERS" in words) == (64, True)
    assert {each.name for each in folder.iterdir()} == {FILE_NAME, LOCK_FILE}
    (folder / FILE_NAME).write_text('base_url = "https://trust.example.org"\n')
    assert told("--base-url", "https://trust.example.org/")[0] == 0
    assert told("--base-url", "https://other.example.org")[0] == 64
    assert told()[0] == 0
    monkeypatch.setenv("YINXIN_BASE_URL", "https://elsewhere.example.org")
    assert told("--base-url", "https://trust.example.org")[0] == 64


@pytest.mark.parametrize("wrong", ["https://trust.example.org/path", "trust.example.org", ""])
def test_an_address_that_cannot_be_one_does_not_stand_in_the_way_of_the_next(tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "d"
    with pytest.raises(TrustError, match=r"SETTING_INVALID.*base_url|INIT_ADDRESS_DIFFERS"):
        initialise(folder, base_url=wrong)
    assert not (folder / FILE_NAME).exists()
    assert initialise(folder, base_url="https://trust.example.org").settings.base_url == "https://trust.example.org"


def test_master_key_from_environment_and_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINXIN_MASTER_KEY", "00112233445566778899aabbccddeeff")
    initialise(tmp_path / "a")
    assert not (tmp_path / "a" / "master.key").exists()
    assert open_deployment(tmp_path / "a").keystore.list()
    monkeypatch.delenv("YINXIN_MASTER_KEY")
    with pytest.raises(TrustError, match="MASTER_KEY_MISSING"):
        open_deployment(tmp_path / "a")
    monkeypatch.setenv("YINXIN_MASTER_KEY_PASSPHRASE", "一个很长的口令 with spaces")
    initialise(tmp_path / "b")
    assert not (tmp_path / "b" / "master.key").exists()
    assert open_deployment(tmp_path / "b").keystore.list()
    monkeypatch.setenv("YINXIN_MASTER_KEY_PASSPHRASE", "a different passphrase")
    with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG"):
        open_deployment(tmp_path / "b")


def test_the_master_key_file_may_lie_elsewhere_but_not_inside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINXIN_MASTER_KEY_FILE", str(tmp_path / "safe" / "k"))
    (tmp_path / "safe").mkdir()
    initialise(tmp_path / "d")
    assert (tmp_path / "safe" / "k").exists()
    assert not (tmp_path / "d" / "master.key").exists()
    with pytest.raises(TrustError, match="MASTER_KEY_INSIDE_STORE"):
        master_key_path(tmp_path / "d", {"YINXIN_MASTER_KEY_FILE": "keys/../keys/master"})
    (tmp_path / "safe" / "k").chmod(0o644)
    with pytest.raises(TrustError, match="MASTER_KEY_EXPOSED"):
        load_master_key(tmp_path / "d")


def test_who_has_the_master_key_leaves_no_core_file(tmp_path: Path) -> None:
    """Nor do the processes it starts: the limit is lowered for good."""
    make = (
        "import resource, subprocess, sys; from pathlib import Path; from yinxin.deployment import load_master_key\n"
        "from crypto.master_key import MasterKey\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        "folder = Path(sys.argv[1]); MasterKey.generate().write_file(folder / 'master.key'); load_master_key(folder)\n"
        "ask = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)); sys.stdout.flush(); subprocess.run([sys.executable, '-c', ask], check=True)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINXIN_")}
    done = subprocess.run(
        [sys.executable, "-c", make, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60, env=environment, cwd=PROJECT
    )
    assert done.stdout.split("\n") == ["(0, 0)", "(0, 0)", ""]


@pytest.mark.parametrize("marker", [b"", b"{", b"[]", b'{"format": 99}', b'"x"'])
def test_what_is_no_marker_is_no_deployment(folder: Path, marker: bytes) -> None:
    (folder / MARKER).write_bytes(marker)
    assert not is_complete(folder)
    with pytest.raises(TrustError, match="DEPLOYMENT_MISSING"):
        open_deployment(folder)


def test_a_copy_of_the_folder_is_the_deployment(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "a")
    shutil.move(folder, tmp_path / "b")
    with served_here(tmp_path / "b") as here:
        assert here.http.get("/readyz").status_code == 200
        assert json.loads((here.folder / MARKER).read_text())["organisation"] == "测试机构"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
