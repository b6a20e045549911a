"""The command line: what it prints for people and for programs, and its exit statuses."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.certificate_requests import create_request
from crypto.certificates import Certificate
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards.errors import Kind, TrustError
from standards.rfc7468_pem import CERTIFICATE_REQUEST, read_pem, write_pem
from tests.deployments import yinxin, yinxin_process
from yinxin import command_line
from yinxin.assembly import open_house
from yinxin.commands.console import explain, fail, operator
from yinxin.deployment import open_deployment
from yinxin.pki.model import subject_name

if TYPE_CHECKING:
    from click.testing import Result

RUNNER = CliRunner()


def run(*arguments: object, language: str = "C") -> Result:
    return RUNNER.invoke(command_line.app, [str(each) for each in arguments], env={"LC_ALL": language}, catch_exceptions=False)  # type: ignore[return-value]


def run_json(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_clients_from_first_to_last(folder: Path) -> None:
    made = run_json("client", "add", "--dir", folder, "--name", "住建局", "--scope", "seal.use", "--scope", "seal.read", "--id", "housing")
    assert (made["client_id"], made["scopes"], made["status"]) == ("housing", ["seal.use", "seal.read"], "active")
    assert made["client_secret"].startswith("yxs_")
    assert made["created_by"] == operator()
    listed = run_json("client", "list", "--dir", folder)["clients"]
    assert [client["client_id"] for client in listed] == ["housing"]
    assert "client_secret" not in listed[0]
    rotated = run_json("client", "rotate-secret", "housing", "--dir", folder, "--overlap-seconds", "60")
    assert rotated["client_secret"] != made["client_secret"]
    assert run_json("client", "disable", "housing", "--dir", folder)["status"] == "disabled"
    assert run_json("client", "enable", "housing", "--dir", folder)["status"] == "active"
    told = run_json("client", "cas-services", "housing", "--dir", folder, "--service", "https://a.example/*", "--claim", "name")
    nobody: dict[str, list[str]] = {"proxy_callbacks": [], "accepted_proxies": []}
    assert told == {"client_id": "housing", "services": ["https://a.example/*"], "claims": ["name"], **nobody}
    proxies = ("--proxy-callback", "https://a.example/pgt", "--accepted-proxy", "https://b.example/pgt/*")
    told = run_json("client", "cas-services", "housing", "--dir", folder, "--service", "https://a.example/*", *proxies)
    assert (told["proxy_callbacks"], told["accepted_proxies"]) == (["https://a.example/pgt"], ["https://b.example/pgt/*"])
    assert "https://b.example/" in run("client", "cas-services", "housing", "--dir", folder, "--service", "https://b.example/").stdout
    shown = run("client", "add", "--dir", folder, "--name", "x", "--scope", "seal.use", "--audience", "urn:x", "--tokens-per-minute", "5")
    assert "The secret is shown this once" in shown.stdout
    assert "密钥仅显示这一次" in run("client", "rotate-secret", "housing", "--dir", folder, language="zh_CN.UTF-8").stdout
    table = run("client", "list", "--dir", folder).stdout
    assert "housing" in table
    assert made["client_secret"] not in table
    assert "status         disabled" in run("client", "disable", "housing", "--dir", folder).stdout


def test_many_clients_are_listed_in_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.model.clients.PAGE_CLIENTS_MAX", 2)
    for i in range(5):
        run_json("client", "add", "--dir", folder, "--name", "x", "--scope", "seal.use", "--id", f"client-{i}")
    assert len(run_json("client", "list", "--dir", folder)["clients"]) == 5


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("client", "add", "--name", "x", "--scope", "no.such"), 64, "SCOPE_UNKNOWN"),
        (("client", "add", "--name", "x", "--scope", "seal.use", "--id", "-"), 64, "CLIENT_ID_INVALID"),
        (("client", "disable", "nobody"), 1, "CLIENT_NOT_FOUND"),
        (("client", "rotate-secret", "nobody"), 1, "CLIENT_NOT_FOUND"),
        (("client", "cas-services", "nobody"), 1, "CLIENT_NOT_FOUND"),
        (("ca", "revoke", "zz"), 64, "SERIAL_MALFORMED"),
        (("ca", "revoke", "00"), 1, "CERTIFICATE_UNKNOWN"),
        (("ca", "issue", "no-such-file", "--out", "x"), 64, "FILE_UNREADABLE"),
    ],
)
def test_refusals_by_code_in_both_languages(folder: Path, arguments: tuple[str, ...], status: int, code: str) -> None:
    done = run(*arguments, "--dir", folder, "--json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (status, code)
    english, chinese = (run(*arguments, "--dir", folder, language=language).stderr for language in ("C", "zh_CN.UTF-8"))
    assert code in english
    assert code in chinese
    assert english != chinese


ON_A_DEPLOYMENT = [
    ("client", "list"),
    ("client", "add", "--name", "x", "--scope", "seal.use"),
    ("client", "disable", "x"),
    ("client", "rotate-secret", "x"),
    ("client", "rotate-signing-key"),
    ("client", "initial-token"),
    ("keys", "list"),
    ("keys", "rotate", "licence-log-sm3"),
    ("keys", "rotate-master"),
    ("ca", "show"),
    ("ca", "list"),
    ("ca", "crl"),
    ("ca", "renew", "tsa"),
    ("ca", "revoke", "00"),
    ("audit", "check"),
    ("serve",),
]


@pytest.mark.parametrize("arguments", ON_A_DEPLOYMENT)
def test_a_folder_that_is_no_deployment(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, "--dir", tmp_path)
    assert done.exit_code == 64
    assert "DEPLOYMENT_MISSING" in done.stderr
    assert "yinxin init" in done.stderr


def test_usage_errors_are_64(tmp_path: Path) -> None:
    for arguments in (
        (),
        ("no-such-command",),
        ("init",),
        ("client", "add", "--dir", str(tmp_path)),
        ("serve", "--port", "99999", "--dir", "x"),
    ):
        done = yinxin(*arguments, check=False)
        assert done.returncode == 64, arguments
    assert yinxin_process("--version").stdout.strip()
    assert "init" in yinxin("--help").stdout


def test_init_prints_what_comes_next(tmp_path: Path) -> None:
    made = run_json("init", "--dir", tmp_path / "d", "--organisation", "测试", "--base-url", "https://trust.example.org")
    assert made["base_url"] == "https://trust.example.org"
    assert "ca-root" in made["keys"]
    assert f"yinxin serve --dir {tmp_path / 'd'}" in run("init", "--dir", tmp_path / "d").stdout.replace("\n", "")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert run("init", "--dir", tmp_path / "full").exit_code == 64


def test_keys_are_listed_without_their_private_half(folder: Path) -> None:
    rows = run_json("keys", "list", "--dir", folder)["keys"]
    assert {"ca-root", "ca-issuing", "tsa", "ocsp", "seal-maker", "log-checkpoint"} < {row["key_id"] for row in rows}
    assert {"key_id", "algorithm", "created_at", "public_key_sm3"} == set(rows[0])
    assert "ca-root" in run("keys", "list", "--dir", folder).stdout


def test_the_master_key_is_rotated(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (folder / "master.key").read_bytes()
    done = run_json("keys", "rotate-master", "--dir", folder)
    assert done["former"] != done["master"]
    assert (folder / "master.key").read_bytes() != old
    assert not (folder / "master.key.new").exists()
    assert open_deployment(folder).keystore.signer("ca-root")
    # to another place, which the environment names afterwards
    run("keys", "rotate-master", "--dir", folder, "--new-key-file", tmp_path / "elsewhere")
    monkeypatch.setenv("YINXIN_MASTER_KEY_FILE", str(tmp_path / "elsewhere"))
    assert open_deployment(folder).keystore.signer("ca-root")


def test_a_rotation_of_the_master_key_that_was_cut_off_is_finished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if self.name == "master.key.new":
            raise KeyboardInterrupt
        return original(self, target)

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", stopped)
        assert RUNNER.invoke(command_line.app, ["keys", "rotate-master", "--dir", str(folder)]).exit_code != 0
    assert (folder / "master.key.new").exists()
    with pytest.raises(TrustError, match="KEYSTORE_MASTER_WRONG"):
        open_deployment(folder)
    assert run("keys", "rotate-master", "--dir", folder).exit_code == 0
    assert open_deployment(folder).keystore.signer("ca-root")


def test_a_master_key_in_the_environment_has_no_file_to_replace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINXIN_MASTER_KEY", "00112233445566778899aabbccddeeff")
    run("init", "--dir", tmp_path / "d")
    assert run("keys", "rotate-master", "--dir", tmp_path / "d").exit_code == 64
    assert run("keys", "rotate-master", "--dir", tmp_path / "d", "--new-key-file", tmp_path / "k").exit_code == 0
    monkeypatch.delenv("YINXIN_MASTER_KEY")
    monkeypatch.setenv("YINXIN_MASTER_KEY_FILE", str(tmp_path / "k"))
    assert open_deployment(tmp_path / "d").keystore.list()


def test_the_authority(folder: Path, tmp_path: Path) -> None:
    shown = run_json("ca", "show", "--dir", folder)["certificates"]
    assert [each["name"] for each in shown] == ["root", "issuing", "tsa", "ocsp", "seal-maker"]
    key = SM2PrivateKey.generate()
    request = create_request(software_signer(key, "k"), subject_name("申请人", "单位"))
    (tmp_path / "request.pem").write_bytes(write_pem(CERTIFICATE_REQUEST, request))
    made = run_json("ca", "issue", tmp_path / "request.pem", "--dir", folder, "--out", tmp_path / "c.pem", "--purpose", "seal-maker")
    chain = [Certificate.from_der(der) for _, der in read_pem((tmp_path / "c.pem").read_bytes())]
    assert [certificate.is_ca for certificate in chain] == [False, True, True]
    (tmp_path / "request.der").write_bytes(request)
    assert "Issued" in run("ca", "issue", tmp_path / "request.der", "--dir", folder, "--out", tmp_path / "d.pem").stdout
    refused = run("ca", "issue", tmp_path / "request.der", "--dir", folder, "--out", tmp_path / "no" / "such.pem")
    assert "FILE_UNWRITABLE" in refused.stderr
    assert run_json("ca", "revoke", made["serial"], "--dir", folder, "--reason", "superseded")["state"] == "revoked"
    assert run_json("ca", "revoke", made["serial"], "--dir", folder)["state"] == "revoked"  # it stays so, and its list is published
    listed = run_json("ca", "list", "--dir", folder)["certificates"]
    assert {each["state"] for each in listed} == {"issued", "revoked"}
    assert [each["number"] for each in run_json("ca", "crl", "--dir", folder)["lists"]] == [2, 3]
    renewed = run_json("ca", "renew", "ocsp", "--dir", folder)
    assert Certificate.from_der((folder / "ca" / "ocsp.cer").read_bytes()).serial == int(renewed["serial"], 16)
    for arguments in (("ca", "show"), ("ca", "list"), ("ca", "crl"), ("ca", "renew", "tsa")):
        assert run(*arguments, "--dir", folder).exit_code == 0
    other = next(each["serial"] for each in listed if each["profile"] == "seal-signing")
    assert f"Revoked {other}" in run("ca", "revoke", other, "--dir", folder).stdout


def test_the_signing_key(folder: Path) -> None:
    announced = run_json("client", "rotate-signing-key", "--dir", folder)["keys"]
    assert [each["algorithm"] for each in announced] == ["ES256", "RS256", "EdDSA", "PS256", "SGD_SM3_SM2"]
    replaced = run("client", "rotate-signing-key", "--dir", folder, "--algorithm", "ES256", "--at-once")
    assert announced[0]["key_id"] not in replaced.stdout
    assert replaced.stdout.count("signs from") == 1
    assert "CLIENT_FIELD_INVALID" in run("client", "rotate-signing-key", "--dir", folder, "--algorithm", "none").output


def test_an_initial_token(folder: Path) -> None:
    made = run_json("client", "initial-token", "--dir", folder, "--scope", "seal.read", "--uses", "3", "--approval")
    assert made["initial_token"].startswith("yxi_")
    assert made["uses"] == 3
    assert run_json("client", "withdraw-initial-token", made["token_id"], "--dir", folder)["withdrawn"] is True
    assert "INITIAL_TOKEN_UNKNOWN" in run("client", "withdraw-initial-token", made["token_id"], "--dir", folder).output
    assert "yxi_" in run("client", "initial-token", "--dir", folder, "--pkce-optional").stdout
    assert "SCOPE_UNKNOWN" in run("client", "initial-token", "--dir", folder, "--scope", "no.such").output
    assert "CLIENT_FIELD_INVALID" in run("client", "initial-token", "--dir", folder, "--days", "999").output


def test_audit_check_names_the_row_that_was_altered(folder: Path) -> None:
    import sqlite3

    whole = run_json("audit", "check", "--dir", folder)
    assert whole["ok"]
    assert whole["entries"] > 5
    assert "all hold" in run("audit", "check", "--dir", folder).stdout
    database = sqlite3.connect(folder / "yinxin.sqlite3")
    database.executescript("DROP TRIGGER kit_audit_keep; UPDATE kit_audit SET actor = 'nobody' WHERE position = 3;")
    database.close()
    done = run("audit", "check", "--dir", folder, "--json")
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)["findings"]) == 1
    assert run("audit", "check", "--dir", folder).exit_code == 1


def test_doctor_on_a_sound_deployment(folder: Path) -> None:
    house = open_house(open_deployment(folder))  # it was made some minutes ago, and its entries wait for a server since
    house.context.log.start()
    house.context.log.stop()
    house.close()
    found = run_json("doctor", "--dir", folder)
    assert found["ok"]
    assert {each["status"] for each in found["findings"]} == {"ok"}
    assert {"python", "permissions", "database", "audit", "certificates"} <= {each["name"] for each in found["findings"]}
    assert "处理办法" in run("doctor", "--dir", folder, language="zh_CN.UTF-8").stdout
    assert run("doctor").exit_code == 0


def test_doctor_says_what_is_wrong_and_how_to_mend_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def finding(name: str, status: int = 1) -> dict[str, str]:
        done = run("doctor", "--dir", folder, "--json")
        assert done.exit_code == status, done.stdout
        return next(each for each in json.loads(done.stdout)["findings"] if each["name"] == name)

    (folder / "master.key").chmod(0o640)
    assert "master.key" in finding("permissions")["message"]
    assert "chmod" in finding("permissions")["remedy"]
    (folder / "master.key").chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setenv("YINXIN_WOKERS", "2")
        assert finding("environment", 0) == {
            "name": "environment",
            "status": "warn",
            "message": "YINXIN_WOKERS",
            "remedy": "Correct the spelling or remove them: they set nothing.",
        }
    with monkeypatch.context() as patched:
        patched.setenv("YINXIN_MASTER_KEY_FILE", "keys/x")
        assert "MASTER_KEY_INSIDE_STORE" in finding("permissions")["message"]
    with monkeypatch.context() as patched:
        patched.setattr("yinxin.doctor.DAYS_WARNED", {"tsa_days_left": 99_999})
        patched.setattr("yinxin.doctor.LIST_DAYS_WARNED", {"root_days_left": 99_999})
        assert "ca renew" in finding("certificates", 0)["remedy"]
        assert "ca crl" in finding("revocation_lists", 0)["remedy"]
    with monkeypatch.context() as patched:
        patched.setattr("yinxin.doctor.PYTHON_MIN", (9, 9))
        assert finding("python")["status"] == "fail"
    with monkeypatch.context() as patched:
        patched.setattr("yinxin.house_checks.FREE_BYTES_MIN", 2**62)
        assert "DISK_ALMOST_FULL" in finding("disk")["message"]
    with closing(sqlite3.connect(folder / "yinxin.sqlite3", isolation_level=None)) as connection:
        connection.execute("INSERT INTO kit_role_holders VALUES ('person:x', 'security', 'operator:x', 0, 'r', NULL)")
        assert "ROW_ALTERED" in finding("rights")["message"]
        assert run_json("roles", "list", "--dir", folder)["role_holders"][0]["is_altered"]
        assert run_json("roles", "dismiss", "person:x", "--reason", "r", "--dir", folder)["dismissed"]
    assert finding("rights", 0)["status"] == "ok"
    shutil.rmtree(folder / "ca")
    assert "CA_INCOMPLETE" in finding("deployment")["message"]
    with monkeypatch.context() as patched:
        patched.setattr("crypto.sm2.SM2PublicKey.verify", lambda *_, **__: False)
        assert run("doctor").exit_code == 1
    assert "DEPLOYMENT_MISSING" in run("doctor", "--dir", tmp_path).stdout.replace("\n", "")


def test_an_error_without_an_entry_still_shows_its_code() -> None:
    assert explain(TrustError(Kind.CONFLICT, "NEVER_HEARD_OF", a=1)) == "[NEVER_HEARD_OF: a=1]"
    assert fail(TrustError(Kind.UNAVAILABLE, "DISK_ALMOST_FULL")).exit_code == 69


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert operator() == "operator:unknown"


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 130


def test_commands_start_fast() -> None:
    """The command line itself loads no database, no web framework and no PDF code: that comes with the command that needs it."""
    program = "import sys, yinxin.command_line; print(sorted({'sqlalchemy', 'fastapi', 'uvicorn', 'alembic', 'httpx', 'pypdfium2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_lost_database_is_not_replaced_by_an_empty_one(folder: Path) -> None:
    """An empty one would forget every seal, client and audit entry without a word."""
    for each in folder.glob("yinxin.sqlite3*"):
        each.unlink()
    for arguments in (("client", "list"), ("audit", "check"), ("serve", "--port", "0"), ("init",)):
        done = run(*arguments, "--dir", folder)
        assert (done.exit_code, "reason=missing" in done.stderr) == (69, True), arguments
    assert not (folder / "yinxin.sqlite3").exists()


@pytest.mark.parametrize(("services", "code"), [("idp,no_such_service", "SERVICE_UNKNOWN"), ("seal_service", "SERVICE_URL_MISSING")])
def test_serve_says_which_setting_of_services_is_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch, services: str, code: str) -> None:
    monkeypatch.setenv("YINXIN_SERVICES", services)
    done = run("serve", "--dir", folder, "--port", "0")
    assert (done.exit_code, code in done.stderr) == (64, True), done.stderr


def test_errors_of_the_system_are_one_line_and_never_status_1(folder: Path, tmp_path: Path) -> None:
    """Status 1 of ``verify`` says that something is invalid: a full disk must not say so."""
    document = tmp_path / "a.pdf"
    document.write_bytes(b"%PDF-1.4")
    command = [str(Path(sys.executable).with_name("yinxin"))]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([*command, "verify", document], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n"), "space" in ended.stderr) == (69, 1, True)
    no_text = os.fsdecode(b"\xff")  # as Python decodes an argument of such bytes
    for arguments in (
        ("seal", str(document), str(tmp_path / "b.pdf"), "--dir", str(folder), "--seal", "x", "--out", "/proc/nowhere"),
        ("demo", "--dir", "/proc/nowhere", "--no-serve"),
        ("client", "disable", no_text, "--dir", str(folder)),
        ("seal", str(document), "--dir", str(folder), "--seal", no_text, "--out", str(tmp_path / "b.pdf")),
    ):
        done = yinxin(*arguments, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (64, 1), (arguments, done.stderr)
        assert done.stderr.startswith("yinxin: ")
