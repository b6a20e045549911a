"""``yinxin verify`` on a machine whose clock is behind what it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import read_trust_list, write_trust_list
from tests.pki import signer_for
from tests.yinxin.test_verify_command import Files
from yinxin.command_line import app
from yinxin.offline_verifier.trust_bundle import Knowledge, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("verify"))


def written(files: Files, folder: Path, form: str, issued_at: datetime) -> Path:
    """What is trusted, dated, in one of the forms in which it may be named."""
    trust = read_trust_list(files.trust.read_bytes())
    signers = [signer_for("bundle", SignatureAlgorithm.SM2_SM3)]
    content = (
        write_bundle(Knowledge(trust), [], signers, name="tests", issued_at=issued_at)
        if form == "bundle"
        else write_trust_list(trust, issued_at=issued_at)
    )
    (folder / "known.json").write_bytes(content)
    return folder if form == "folder" else folder / "known.json"


@pytest.mark.parametrize("form", ["bundle", "list", "folder"])
@pytest.mark.parametrize(("ahead", "status"), [(timedelta(0), 0), (timedelta(hours=1), 2)])
def test_by_what_is_of_a_later_day_nothing_is_valid(files: Files, tmp_path: Path, form: str, ahead: timedelta, status: int) -> None:
    now = datetime.now(UTC)  # behind the making of the files: tests are collected long before they run
    known = written(files, tmp_path, form, now.replace(microsecond=0) + ahead)

    def told(file: Path, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["verify", str(file), "--trust", str(known), *arguments], env={"LC_ALL": "C.UTF-8"})

    found = told(files.sealed)
    assert (found.exit_code, "TRUST_BUNDLE_FROM_FUTURE" in found.stdout) == (status, status == 2)
    assert told(files.sealed, "--at", now.isoformat()).exit_code == 0, "no clock is asked"
    assert told(files.forged).exit_code == 1, "what is wrong stays wrong"
