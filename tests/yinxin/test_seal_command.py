"""``yinxin seal``: through the same action as over HTTP, beside a running server, never over the document itself."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Verdict
from crypto.trust_list import read_trust_list
from seal_service.verify import verify_file
from tests.deployments import yinxin
from tests.flows.served import Deployment, make_deployment
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import plain_files
from yinxin import command_line
from yinxin.commands import seal_command
from yinxin.commands.seal_command import UnusablePathError, plan_outputs
from yinxin.commands.seal_files import Outcome
from yinxin.demo.document import SEAL_KEYWORD

if TYPE_CHECKING:
    from _pytest.capture import CaptureFixture


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return make_deployment(tmp_path_factory.mktemp("seal-command") / "deployment")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def document(deployment: Deployment, tmp_path: Path) -> Path:
    return Path(shutil.copy(deployment.made["original_pdf"], tmp_path / "notice.pdf"))


def run(monkeypatch: pytest.MonkeyPatch, deployment: Deployment, *arguments: object) -> int:
    """The exit status of ``yinxin seal`` in this process."""
    options = ["--dir", str(deployment.folder), "--seal", deployment.made["seal_id"]]
    monkeypatch.setattr(sys, "argv", ["yinxin", "seal", *options, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def verdict(deployment: Deployment, path: Path) -> Verdict:
    trust = read_trust_list(Path(deployment.made["trust"]).read_bytes())
    return verify_file(path.read_bytes(), trust, datetime.now(UTC)).verdict


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("--page", 1, "--x-mm", 150, "--y-mm", 60),
        ("--keyword", SEAL_KEYWORD),
        ("--page", -1, "--x-mm", 60, "--y-mm", 60, "--width-mm", 30),
    ],
)
def test_one_file(
    deployment: Deployment,
    document: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: CaptureFixture[str],
    place: tuple[Any, ...],
) -> None:
    out = tmp_path / "sealed.pdf"
    assert run(monkeypatch, deployment, document, "--out", out, "--reason", "test", "--location", "here", *place) == 0
    assert out.read_bytes().startswith(document.read_bytes())
    assert verdict(deployment, out) is Verdict.VALID
    use_id = capsys.readouterr().out.split()[-1]
    [(client_id, state)] = deployment.rows(f"SELECT client_id, state FROM seal_uses WHERE id = '{use_id}'")
    assert state == "done"
    entries = [json.loads(row[0]) for row in deployment.rows("SELECT entry FROM kit_audit WHERE action = 'seal.use'")]
    assert {entry["actor"] for entry in entries if entry["facts"].get("seal_use") == use_id} == {f"operator:{client_id}"}


@pytest.mark.parametrize(
    "place",
    [
        ("--place", "1,50,60", "--place", "-1,40,40,20", "--lock"),
        ("--seam", "left", "--seam-pages", "1-2"),
        ("--pages", "all", "--x-mm", 50, "--y-mm", 50),
        ("--profile", "sign"),
    ],
)
def test_an_ofd_document(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, ...]) -> None:
    document, out = tmp_path / "notice.ofd", tmp_path / "sealed.ofd"
    document.write_bytes(pack(plain_files(signatures=None)))
    assert run(monkeypatch, deployment, document, "--out", out, "--reason", "test", *place) == 0
    assert verdict(deployment, out) is Verdict.VALID
    again = tmp_path / "again.ofd"
    assert run(monkeypatch, deployment, out, "--out", again) == (1 if "--lock" in place else 0)


@pytest.mark.parametrize("place", ["1", "1,2", "one,2,3", "1,2,3,4,5", ""])
def test_a_place_that_is_none_is_refused(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str], place: str
) -> None:
    assert run(monkeypatch, deployment, document, "--out", tmp_path / "x.pdf", "--place", place) == 64
    assert "PAGE,X,Y" in capsys.readouterr().err


def test_several_files_go_into_a_folder(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    other = Path(shutil.copy(document, tmp_path / "other.pdf"))
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 no more")
    out = tmp_path / "out"
    assert run(monkeypatch, deployment, document, other, broken, "--out", out, "--json") == 1
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(one["file"]).name for one in files] == ["notice.pdf", "other.pdf", "broken.pdf"]
    assert files[2]["error"]["code"].startswith("PDF_")
    assert sorted(path.name for path in out.iterdir()) == ["notice.pdf", "other.pdf"]
    assert {verdict(deployment, out / name) for name in ("notice.pdf", "other.pdf")} == {Verdict.VALID}


def test_into_an_existing_folder_and_over_an_older_result(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert run(monkeypatch, deployment, document, "--out", out) == 0
    first = (out / "notice.pdf").read_bytes()
    assert run(monkeypatch, deployment, document, "--out", out) == 0
    assert (out / "notice.pdf").read_bytes() != first


def test_refusals_and_their_exit_status(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    out = tmp_path / "sealed.pdf"
    before = deployment.rows("SELECT count(*) FROM seal_uses")
    assert run(monkeypatch, deployment, tmp_path / "absent.pdf", "--out", out) == 64
    assert run(monkeypatch, deployment, document, "--out", tmp_path / "no" / "folder" / "x.pdf") == 64
    assert run(monkeypatch, deployment, document, "--out", document) == 64
    assert run(monkeypatch, deployment, document, "--out", out, "--page", 9, "--x-mm", 1, "--y-mm", 1) == 1
    assert run(monkeypatch, deployment, document, "--out", out, "--x-mm", 1) == 1
    assert run(monkeypatch, deployment, document, "--out", out, "--seal", "sl_unknown") == 64
    assert run(monkeypatch, deployment, document, "--out", out, "--dir", tmp_path) == 64
    assert run(monkeypatch, deployment, document) == 64
    assert not out.exists()
    assert deployment.rows("SELECT count(*) FROM seal_uses") == before
    assert "SEAL_NOT_FOUND" in capsys.readouterr().err
    monkeypatch.setattr("seal_service.limits.DOCUMENT_BYTES", 100)
    assert run(monkeypatch, deployment, document, "--out", out) == 1
    assert run(monkeypatch, deployment, tmp_path / "absent.pdf", "--out", out, "--json") == 64
    assert "PATH_UNUSABLE" in capsys.readouterr().out


def test_results_never_meet_and_documents_are_never_overwritten(tmp_path: Path) -> None:
    a, b = tmp_path / "a" / "x.pdf", tmp_path / "b" / "x.pdf"
    for path in (a, b):
        path.parent.mkdir()
        path.touch()
    with pytest.raises(UnusablePathError, match="same name"):
        plan_outputs([a, b], tmp_path / "out")
    with pytest.raises(UnusablePathError, match="overwrite the document"):
        plan_outputs([a], a.parent)
    with pytest.raises(UnusablePathError, match="need a folder"):
        plan_outputs([a, b], a)
    assert plan_outputs([a], tmp_path / "y.pdf") == [(a, tmp_path / "y.pdf")]


def test_a_person_sees_progress_on_a_batch(capsys: CaptureFixture[str]) -> None:
    outcomes = [Outcome(str(number)) for number in range(3)]
    assert list(seal_command._with_progress(iter(outcomes), 3, is_shown=True)) == outcomes
    assert "yinxin seal" in capsys.readouterr().err
    assert list(seal_command._with_progress(iter(outcomes), 3, is_shown=False)) == outcomes


def test_a_batch_goes_on_after_a_bad_file_and_where_it_stopped(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same batch again: what was sealed comes from the record, byte for byte, without a further use of the seal."""
    content = document.read_bytes()
    files = [tmp_path / f"{number}.pdf" for number in range(8)]
    for file in files:
        file.write_bytes(content)
    files[3].write_bytes(b"%PDF-1.7 and no more")
    report = tmp_path / "report.json"
    arguments = [*files, "--out", tmp_path / "out", "--batch", "spring", "--seam", "right", "--level", "B-B", "--report", report]
    assert run(monkeypatch, deployment, *arguments) == 1
    first = {Path(row["file"]).name: row for row in json.loads(report.read_bytes())["files"]}
    assert len(first) == 8
    assert [name for name, row in first.items() if row["code"] is not None] == ["3.pdf"]
    assert {row["verdict"] for name, row in first.items() if name != "3.pdf"} == {"valid"}
    assert all(row["warnings"] == ["SEAM_SKIPPED"] for name, row in first.items() if name != "3.pdf")
    before = (tmp_path / "out" / "5.pdf").read_bytes()
    (tmp_path / "out" / "5.pdf").unlink()
    files[3].write_bytes(content)
    assert run(monkeypatch, deployment, *arguments) == 0
    second = {Path(row["file"]).name: row for row in json.loads(report.read_bytes())["files"]}
    assert {name for name, row in second.items() if not row["is_repeated"]} == {"3.pdf"}
    assert second["5.pdf"]["seal_use"] == first["5.pdf"]["seal_use"]
    assert (tmp_path / "out" / "5.pdf").read_bytes() == before
    assert verdict(deployment, tmp_path / "out" / "3.pdf") is Verdict.VALID


def test_a_use_whose_result_could_not_be_written_is_named(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    """The seal was used: who ordered it learns so, and under which name it is on record."""
    out, report = tmp_path / "out", tmp_path / "report.json"
    (out / document.name).mkdir(parents=True)
    arguments = (document, "--out", out, "--batch", "in-the-way", "--report", report)
    assert run(monkeypatch, deployment, *arguments) == 64
    [row] = json.loads(report.read_bytes())["files"]
    assert (row["code"], row["sealed"], row["facts"]["seal_use"]) == ("PATH_UNUSABLE", None, row["seal_use"])
    assert row["seal_use"] in capsys.readouterr().err
    assert deployment.rows(f"SELECT state, result_audit_id FROM seal_uses WHERE id = '{row['seal_use']}'") == [("done", row["audit_entry"])]
    (out / document.name).rmdir()
    assert run(monkeypatch, deployment, *arguments) == 0
    [again] = json.loads(report.read_bytes())["files"]
    assert (again["seal_use"], again["is_repeated"]) == (row["seal_use"], True)
    assert verdict(deployment, out / document.name) is Verdict.VALID


def test_a_report_as_a_table_holds_no_formula(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "=1+1.pdf"
    odd.write_bytes(document.read_bytes())
    report = tmp_path / "report.csv"
    monkeypatch.chdir(tmp_path)
    status = run(monkeypatch, deployment, odd.name, "missing.pdf", "--out", tmp_path / "out", "--report", report)
    assert status == 64
    rows = list(csv.DictReader(report.read_text(encoding="utf-8-sig").splitlines()))
    assert {row["file"] for row in rows} == {"'=1+1.pdf", "missing.pdf"}
    assert {row["code"] for row in rows} == {"", "PATH_UNUSABLE"}


def test_sealed_for_the_long_term_and_carried_on(
    deployment: Deployment, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    sealed, extended = tmp_path / "sealed.pdf", tmp_path / "extended.pdf"
    assert run(monkeypatch, deployment, document, "--out", sealed, "--level", "B-LTA", "--certify", "1") == 0
    assert sealed.read_bytes().count(b"/DocTimeStamp") == 1

    def extend(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["yinxin", "extend", *map(str, arguments)])
        try:
            command_line.main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    assert extend(sealed, "--dir", deployment.folder, "--out", extended) == 0
    assert extended.read_bytes().startswith(sealed.read_bytes())
    assert verdict(deployment, extended) is Verdict.VALID
    assert extend(sealed, "--dir", deployment.folder, "--out", sealed) == 64
    capsys.readouterr()
    assert extend(document, "--dir", deployment.folder, "--out", extended, "--json") == 64
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "DOCUMENT_NOT_EXTENDABLE"
    assert extend(extended, "--dir", deployment.folder, "--out", tmp_path / "again.pdf", "--json") == 0
    assert json.loads(capsys.readouterr().out)["audit_entry"]
    assert run(monkeypatch, deployment, document, "--out", sealed, "--level", "B-X") == 64


def test_beside_a_running_server_and_while_frozen(deployment: Deployment, document: Path, tmp_path: Path) -> None:
    seal_id = deployment.made["seal_id"]
    arguments = ("seal", str(document), "--dir", str(deployment.folder), "--seal", seal_id, "--out", str(tmp_path / "sealed.pdf"))
    with deployment.serve() as served, served.client() as client:
        assert yinxin(*arguments, check=False).returncode == 0
        assert verdict(deployment, tmp_path / "sealed.pdf") is Verdict.VALID
        assert client.post(f"/v1/seals/{seal_id}/freeze", json={"reason": "x"}).status_code == 200
        refused = yinxin(*arguments, check=False)
        assert refused.returncode == 1
        assert "SEAL_NOT_ACTIVE" in refused.stderr
        assert client.post(f"/v1/seals/{seal_id}/unfreeze", json={"reason": "x"}).status_code == 200
