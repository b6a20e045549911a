"""``yinxin licence check-number``: one word for programs, the reasons beside it for people, and an exit status for each verdict."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.optional import PROJECT
from tests.vectors import vectors
from yinxin.command_line import app

GOOD = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
STATUS = {"valid": 0, "legacy-variant": 2, "invalid": 1}


def test_every_published_number_has_its_verdict_and_exit_status() -> None:
    for entry in vectors("gbt36904_identifier")["entries"]:
        done = CliRunner().invoke(app, ["licence", "check-number", entry["id"]])
        assert (done.stdout.strip(), done.exit_code) == (entry["expected"], STATUS[entry["expected"]]), entry


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        (GOOD[:-1] + "T", "C", "counts letters from 11"),
        (GOOD[:-1] + "T", "zh_CN.UTF-8", "旧程序"),
        (GOOD[:-1] + "0", "C", "check character is wrong"),
        (GOOD.replace(".001.", ".01."), "C", "three digits"),
        (GOOD.replace(".001.", ".01."), "zh_CN.UTF-8", "三位数字"),
        (GOOD.replace("11430000006122244L", "340100"), "C", "area code"),
        (GOOD.replace("244L", "244K").replace("338W", "338X"), "C", "credit code of the issuer"),
    ],
)
def test_a_person_is_told_why(number: str, language: str, said: str) -> None:
    done = CliRunner().invoke(app, ["licence", "check-number", number], env={"LC_ALL": language})
    assert said in done.stderr


def test_a_program_is_told_the_parts() -> None:
    told = json.loads(CliRunner().invoke(app, ["licence", "check-number", GOOD, "--json"]).stdout)
    assert told["verdict"] == "valid"
    assert (told["version"], told["check"], told["issuer_sound"], told["type_authority_sound"]) == ("001", "U", True, True)
    assert json.loads(CliRunner().invoke(app, ["licence", "check-number", "x", "--json"]).stdout) == {
        "verdict": "invalid",
        "malformed": "LICENCE_NUMBER_ROOT",
    }


@pytest.mark.parametrize("number", [GOOD, "1.2.3"])
def test_a_number_is_checked_without_loading_the_services(number: str) -> None:
    """A script asks for thousands of them, and the services take seconds to load."""
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from yinxin.command_line import app\n"
        "told = CliRunner().invoke(app, ['licence', 'check-number', sys.argv[1]])\n"
        "print(told.stdout.split()[0], [name for name in ('yinxin.links', 'fastapi', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, number], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == ("valid []" if number == GOOD else "invalid []")
