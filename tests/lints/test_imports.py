"""The import contracts hold, and they notice when they are broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.lints.test_house_rules import FLOORS
from tests.optional import PROJECT

LINT = Path(sys.executable).parent / "lint-imports"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": ""}
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for floor in FLOORS:
        shutil.copytree(PROJECT / floor, folder / floor, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("where", "violation"),
    [
        ("standards/gb32100_credit_code.py", "import crypto.report"),
        ("crypto/report.py", "import service_kit"),
        ("service_kit/problems.py", "import seal_service.model"),
        ("seal_service/model.py", "import idp.model"),
        ("seal_service/tables.py", "import seal_service.service"),
        ("seal_service/service.py", "import crypto.providers.libcrypto"),
        ("crypto/cms.py", "import cffi"),
        ("crypto/cms.py", "import sqlalchemy"),
        ("crypto/sm2.py", "import gmssl"),
        ("seal_service/pdf/verify.py", "import pyhanko"),
        ("seal_service/utils.py", "HELPERS = 1"),
        ("yinxin/links.py", "import idp.store.clients"),
        ("yinxin/links.py", "import licence_vault.use_tables"),
    ],
)
def test_a_planted_violation_is_caught(copy: Path, where: str, violation: str) -> None:
    path = copy / where
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text((before or "") + f"\n{violation}\n", encoding="utf-8")
    try:
        result = lint(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout


def test_whatever_a_service_keeps_in_tables_is_closed_to_the_composition() -> None:
    (contract,) = [each for each in _contracts() if each["source_modules"] == ["yinxin"]]
    kept = {
        f"{service}.{path.stem}"
        for service in ("idp", "seal_service", "licence_vault")
        for path in (PROJECT / service).iterdir()
        if path.stem in {"store", "migrations"} or path.stem.endswith("tables")
    }
    assert set(contract["forbidden_modules"]) == kept


def _contracts() -> list[dict[str, Any]]:
    read = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = read["tool"]["importlinter"]["contracts"]
    return [{"source_modules": [], **each} for each in found]
