"""``yinxin account`` as operators use it, and that its people sign in."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.deployments import make_deployment, yinxin
from tests.yinxin.test_commands import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_deployment(tmp_path / "deployment")


def with_input(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")):
        return yinxin(*arguments, check=False)


def test_add_list_change_and_disable(folder: Path) -> None:
    at = ("--dir", str(folder), "--json")
    made = json.loads(yinxin("account", "add", "--login", "Jia", "--name", "测试甲", "--two-factors", *at).stdout)
    assert made["account_id"].startswith("pe_")
    assert len(made["recovery_code"]) == 23
    twice = yinxin("account", "add", "--login", "jia", "--name", "测试乙", *at, check=False)
    assert twice.returncode == 1
    assert json.loads(twice.stdout)["error"]["code"] == "IDENTIFIER_TAKEN"
    assert [each["name"] for each in json.loads(yinxin("account", "list", *at).stdout)["accounts"]] == ["测试甲"]
    assert with_input("correct horse 7\n", "account", "set-password", "jia", "--stdin", *at).returncode == 0
    weak = with_input("short\n", "account", "set-password", "jia", "--stdin", *at)
    assert weak.returncode == 64
    assert "short" not in weak.stdout + weak.stderr
    address = json.loads(yinxin("account", "totp", "jia", *at).stdout)["otpauth"]
    assert parse_qs(urlsplit(address).query)["secret"]
    assert yinxin("account", "totp", made["account_id"], "--dir", str(folder)).stdout.startswith("otpauth://totp/")
    assert json.loads(yinxin("account", "recovery-code", "jia", *at).stdout)["recovery_code"] != made["recovery_code"]
    assert json.loads(yinxin("account", "disable", "jia", *at).stdout)["status"] == "disabled"
    assert yinxin("account", "disable", "jia", *at, check=False).returncode == 1
    assert json.loads(yinxin("account", "enable", "jia", *at).stdout)["status"] == "active"


def test_plain_output_and_refusals(folder: Path) -> None:
    at = ("--dir", str(folder))
    shown = yinxin("account", "add", "--login", "bing", "--name", "测试丙", *at).stdout
    assert "recovery_code  " in shown
    assert "测试丙" in yinxin("account", "list", *at).stdout
    assert "disabled" in yinxin("account", "disable", "bing", *at).stdout
    assert "active" in yinxin("account", "enable", "bing", *at).stdout
    assert "recovery_code" in yinxin("account", "recovery-code", "bing", *at).stdout
    for command in ("disable", "enable", "totp", "recovery-code", "set-password"):
        missing = yinxin("account", command, "nobody", *at, check=False)
        assert missing.returncode == 1
        assert "ACCOUNT_NOT_FOUND" in missing.stderr
    assert yinxin("account", "list", "--dir", str(folder / "no"), check=False).returncode == 64


def test_accounts_of_a_source_are_given_to_a_directory_and_taken_back(folder: Path, tmp_path: Path) -> None:
    at = ("--dir", str(folder), "--json")
    yinxin("client", "add", "--name", "Staff", "--id", "staff", "--scope", "directory.manage", *at)
    (tmp_path / "people.csv").write_text("source_id,name,kind\n1,测试甲,person\n2,测试公司,organisation\n", encoding="utf-8")
    run("account", "import", tmp_path / "people.csv", "--dir", folder, "--source", "hr")
    yinxin("account", "add", "--login", "jia", "--name", "测试甲", *at)
    for further in ((), ("--take-back",)):
        told = json.loads(yinxin("account", "give", "staff", "--origin", "import:hr", *further, *at).stdout)
        assert [each[:3] for each in told["accounts"]] == ["pe_", "or_"]
        assert told["is_given"] is (further == ())
        assert yinxin("account", "give", "staff", "--account", "jia", *further, *at[:2]).stdout == "staff  1\n"
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as connection:
        given = connection.execute("SELECT action FROM kit_audit WHERE subject = 'import-source:hr' ORDER BY position").fetchall()
    assert given == [("source.give",), ("source.take-back",)], "with its accounts goes the name under which they are imported"
    refused = yinxin("account", "give", "nobody", "--account", "jia", *at, check=False)
    assert json.loads(refused.stdout)["error"]["code"] == "CLIENT_NOT_FOUND"
    for wrong in ((), ("--account", "jia", "--origin", "import:hr")):
        assert yinxin("account", "give", "staff", *wrong, *at, check=False).returncode == 64


def test_import_with_trial_run_and_report(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("source_id,name,login\n1,测试甲,jia\n2,,yi\n", encoding="gb18030")
    at = ("--dir", folder, "--source", "hr", "--encoding", "GB18030")
    trial = run("account", "import", file, *at, "--dry-run", "--json")
    told = json.loads(trial.stdout)
    assert (trial.exit_code, told["dry_run"], told["counts"]["created"]) == (1, True, 1)
    assert told["refused"] == [{"number": 2, "code": "ACCOUNT_FIELD_INVALID", "field": "name"}]
    assert json.loads(run("account", "list", "--dir", folder, "--json").stdout)["accounts"] == []
    done = run("account", "import", file, *at)
    assert done.exit_code == 1
    assert "created 1" in done.stdout
    assert "ACCOUNT_FIELD_INVALID" in done.stdout
    lines = tmp_path / "people.jsonl"
    lines.write_text('{"source_id":"1","name":"测试甲"}\n', encoding="utf-8")
    again = run("account", "import", lines, "--dir", folder, "--source", "hr")
    assert (again.exit_code, "unchanged 1" in again.stdout) == (0, True)
    assert run("account", "import", tmp_path / "none.csv", *at).exit_code == 64
    assert run("account", "import", file, "--dir", folder, "--source", "HR").exit_code == 64
