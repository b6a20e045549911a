"""Documents that rows name and somebody deleted are told by doctor, audit check and backup; what was rightly not kept, or was erased, is not missed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.register_client import NewClient, register_client
from licence_vault.actions.erase_licence import erase_licence
from seal_service.actions.find_applications import hand_in_paper
from service_kit.callers import Caller
from service_kit.settings import load_settings
from standards.errors import TrustError
from tests.deployments import served_here, yinxin
from tests.yinxin.console_here import open_pages, told
from yinxin.backup import check_backup, make_backup
from yinxin.demo.prepare import prepare_demo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deployments import Here

PLACES = {  # table, and how the blob of one of its rows is found
    "seal_uses": "SELECT id, result_digest FROM seal_uses WHERE is_result_kept ORDER BY id",
    "seal_papers": "SELECT id, digest FROM seal_papers ORDER BY id",
    "licence_files": "SELECT licence_id || '/' || form, blob FROM licence_files ORDER BY licence_id DESC",
}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment in which documents were sealed, papers handed in, and licences issued and revoked."""
    folder = tmp_path_factory.mktemp("documents") / "deployment"
    prepare_demo(folder, is_small=True)
    with served_here(folder) as here:
        hand_in_paper(here.house.context, Caller("cl_a", "client:cl_a", frozenset()), "盖章申请.pdf", b"paper")
    return folder


@pytest.fixture
def folder(worked: Path, tmp_path: Path) -> Path:
    return shutil.copytree(worked, tmp_path / "deployment")


def first(folder: Path, query: str) -> tuple[Any, ...]:
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database:
        row: tuple[Any, ...] = database.execute(query).fetchone()
        return row


def blob_path(folder: Path, name: str) -> Path:
    return folder / "blobs" / name[:2] / name


def audit_check(folder: Path, *options: str) -> tuple[int, Any]:
    done = yinxin("audit", "check", "--dir", str(folder), "--json", *options, check=False)
    return done.returncode, json.loads(done.stdout)


def doctor(folder: Path) -> tuple[int, dict[str, str]]:
    done = yinxin("doctor", "--dir", str(folder), "--json", check=False)
    [found] = [each for each in json.loads(done.stdout)["findings"] if each["name"] == "documents"]
    return done.returncode, found


def test_nothing_is_missed_of_a_sound_deployment(folder: Path) -> None:
    assert first(folder, "SELECT count(*) FROM seal_uses WHERE NOT is_result_kept") > (0,), (
        "licences are sealed and not kept by the seal service"
    )
    status, said = audit_check(folder, "--documents")
    assert (status, said["findings"], said["further"]) == (0, [], 0)
    assert said["documents"] > len(PLACES)
    assert "documents: all hold" in yinxin("audit", "check", "--dir", str(folder)).stdout
    status, found = doctor(folder)
    assert (status, found["status"], found["message"]) == (0, "ok", f"named={said['documents']}")


@pytest.mark.parametrize("table", PLACES)
def test_a_deleted_document_is_told_with_its_row_and_comes_back_from_a_backup(folder: Path, tmp_path: Path, table: str) -> None:
    before, after = tmp_path / "before.tar", tmp_path / "after.tar"
    yinxin("backup", "make", "--dir", str(folder), "--out", str(before))
    row, blob = first(folder, PLACES[table])
    blob_path(folder, blob).unlink()

    status, said = audit_check(folder)
    finding = {"where": "documents", "code": "BLOB_MISSING", "facts": {"table": table, "row": row, "blob": blob}}
    assert (status, said["findings"]) == (1, [finding])
    shown = yinxin("audit", "check", "--dir", str(folder), check=False).stdout
    assert "BLOB_MISSING" in shown
    assert "docs/how-to/backup" in shown
    status, found = doctor(folder)
    assert (status, found["status"]) == (1, "fail")
    for part in ("[BLOB_MISSING]", "missing=1", f"named={said['documents']}", f"table={table}", f"row={row}"):
        assert part in found["message"]

    made = yinxin("backup", "make", "--dir", str(folder), "--out", str(after), "--json")
    assert json.loads(made.stdout)["missing"] == 1
    assert f"name=blobs/{blob[:2]}/{blob}" in made.stderr
    checked = yinxin("backup", "check", str(after), check=False)
    assert (checked.returncode, "BACKUP_INCOMPLETE: missing=1" in checked.stderr) == (1, True)
    restored = yinxin("backup", "restore", str(after), "--dir", str(tmp_path / "restored"))
    assert "BACKUP_INCOMPLETE" in restored.stderr, "it is restored all the same"

    assert yinxin("backup", "check", str(before)).stderr == ""
    subprocess.run(["tar", "--extract", "--skip-old-files", "--file", before, "--directory", folder, "blobs"], check=True)
    assert audit_check(folder, "--documents")[0] == 0
    assert doctor(folder)[1]["status"] == "ok"


def watching(here: Here) -> dict[str, str]:
    """What a system that may read the audit trail sends to show it."""
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient("watch", ("audit.read",), client_id="watch"), actor="test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("watch", secret))
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_a_deployment_that_serves_tells_them_as_the_command_does(folder: Path) -> None:
    row, blob = first(folder, PLACES["seal_papers"])
    blob_path(folder, blob).unlink()
    with served_here(folder) as here:
        bearer = watching(here)
        answer = here.http.post("/v1/audit/checks", headers=bearer).json()
        recorded = here.http.get("/v1/audit/entries?action=audit.check", headers=bearer).json()["entries"][0]
    finding = {"where": "documents", "code": "BLOB_MISSING", "facts": {"table": "seal_papers", "row": row, "blob": blob}}
    status, said = audit_check(folder)
    assert (status, said["findings"], said["documents"]) == (1, [finding], answer["documents"])
    assert (answer["ok"], answer["findings"]) == (False, [finding])
    assert (recorded["outcome"], recorded["facts"]["documents"], recorded["facts"]["findings"]) == ("failed", answer["documents"], 1)


def test_many_are_counted_beyond_those_that_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_kit.log_check.FINDINGS", 1)
    shutil.rmtree(folder / "blobs")
    status, said = audit_check(folder)
    assert (status, len(said["findings"]), said["further"]) == (1, 1, said["documents"] - 1)
    assert f"And {said['documents'] - 1} further" in yinxin("audit", "check", "--dir", str(folder), check=False).stdout


def test_an_altered_document_is_told_where_documents_are_read(folder: Path) -> None:
    row, blob = first(folder, PLACES["seal_uses"])
    content = blob_path(folder, blob).read_bytes()
    blob_path(folder, blob).write_bytes(content[:-1] + b"!")
    assert audit_check(folder)[0] == 0
    status, said = audit_check(folder, "--documents")
    assert (status, [(each["code"], each["facts"]["row"]) for each in said["findings"]]) == (1, [("BLOB_DAMAGED", row)])


def test_of_an_erased_licence_nothing_is_missed(folder: Path, tmp_path: Path) -> None:
    licence_id, holder = first(
        folder,
        "SELECT licences.id, holder FROM licence_licences AS licences JOIN licence_members USING (issuer_code) WHERE state = 'revoked'",
    )
    with served_here(folder) as here:
        erase_licence(here.house.context, Caller(holder, holder, frozenset()), licence_id, reason="保存期满", if_revision=None)
    named = audit_check(folder)[1]["documents"]
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database:
        blobs = [blob for (blob,) in database.execute("SELECT blob FROM licence_files WHERE licence_id = ?", (licence_id,))]
    assert blobs
    for blob in blobs:
        blob_path(folder, blob).unlink()
    status, said = audit_check(folder)
    assert (status, said["documents"]) == (0, named)
    assert make_backup(load_settings(folder), tmp_path / "b.tar", datetime.now(UTC)).missing == ()


def record_loss(folder: Path, *blobs: str, reason: str = "磁盘损坏，各备份均无") -> tuple[int, Any]:
    done = yinxin("audit", "record-loss", *blobs, "--reason", reason, "--dir", str(folder), "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_what_is_lost_for_good_is_on_record_and_the_next_loss_is_told(folder: Path, tmp_path: Path) -> None:
    row, lost = first(folder, PLACES["seal_papers"])
    content = blob_path(folder, lost).read_bytes()
    blob_path(folder, lost).unlink()
    assert record_loss(folder, lost, lost) == (0, {"recorded": 1})
    assert record_loss(folder, lost) == (0, {"recorded": 0}), "once is enough"

    status, said = audit_check(folder, "--documents")
    assert (status, said["ok"], said["findings"], said["documents_lost"]) == (0, True, [], 1)
    assert "all hold, but for 1 documents on record as lost." in yinxin("audit", "check", "--dir", str(folder)).stdout
    assert doctor(folder) == (
        0,
        {"name": "documents", "status": "ok", "message": f"named={said['documents']}, lost_on_record=1", "remedy": ""},
    )
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database:
        [entry] = [json.loads(data) for (data,) in database.execute("SELECT entry FROM kit_audit WHERE action = 'document.lost'")]
    assert (entry["subject"], entry["facts"]) == (
        "documents",
        {"blob": lost, "table": "seal_papers", "row": row, "rows": 1, "reason": "磁盘损坏，各备份均无"},
    )
    backup = tmp_path / "lost.tar"
    made = yinxin("backup", "make", "--dir", str(folder), "--out", str(backup), "--json")
    assert (made.stderr, json.loads(made.stdout)["missing"], json.loads(made.stdout)["lost"]) == ("", 1, 1)
    assert "1 documents are not in it that are on record as lost." in yinxin("backup", "check", str(backup)).stdout

    other = first(folder, PLACES["seal_uses"])[1]
    held = blob_path(folder, other).read_bytes()
    blob_path(folder, other).unlink()
    status, said = audit_check(folder)
    assert (status, [each["facts"]["blob"] for each in said["findings"]], said["documents_lost"]) == (1, [other], 1)
    assert all(part in doctor(folder)[1]["message"] for part in ("BLOB_MISSING", "missing=1", "lost_on_record=1"))
    assert check_backup(backup).missed == ()
    assert make_backup(load_settings(folder), tmp_path / "two.tar", datetime.now(UTC)).missed == (f"blobs/{other[:2]}/{other}",)
    blob_path(folder, other).write_bytes(held)

    # It is found after all: that is recorded, and losing it once more is a finding
    blob_path(folder, lost).write_bytes(content)
    status, said = audit_check(folder, "--documents")
    assert (status, said["documents_lost"]) == (0, 0)
    assert doctor(folder)[1]["message"] == f"named={said['documents']}"
    blob_path(folder, lost).unlink()
    status, said = audit_check(folder)
    assert (status, [each["facts"]["blob"] for each in said["findings"]]) == (1, [lost])
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM kit_audit WHERE action = 'document.back'").fetchone() == (1,)
    assert record_loss(folder, lost) == (0, {"recorded": 1})
    assert audit_check(folder)[0] == 0


def test_a_deployment_that_serves_counts_what_is_on_record_as_lost_and_records_what_is_back(folder: Path) -> None:
    _, blob = first(folder, PLACES["seal_papers"])
    content = blob_path(folder, blob).read_bytes()
    blob_path(folder, blob).unlink()
    record_loss(folder, blob)
    with served_here(folder) as here:
        bearer = watching(here)
        answer = here.http.post("/v1/audit/checks", headers=bearer).json()
        assert (answer["ok"], answer["findings"], answer["documents_lost"]) == (True, [], 1)
        recorded = here.http.get("/v1/audit/entries?action=audit.check", headers=bearer).json()["entries"][0]
        assert (recorded["outcome"], recorded["facts"]["documents_lost"]) == ("done", 1)
        page = told(open_pages(here, "cl_auditor", "audit.read").post("/console/audit/check", status=200).text)
        assert "All of it is whole" in page
        assert f"{answer['documents']} documents. 1 of them are gone, and on record as lost." in page
        blob_path(folder, blob).write_bytes(content)
        assert here.http.post("/v1/audit/checks", headers=bearer).json()["documents_lost"] == 0
        [back] = here.http.get("/v1/audit/entries?action=document.back", headers=bearer).json()["entries"]
        assert (back["actor"], back["facts"]) == ("client:watch", {"blob": blob})


def test_only_what_is_named_and_gone_is_put_on_record_with_a_reason(folder: Path) -> None:
    _, blob = first(folder, PLACES["seal_papers"])
    other = first(folder, PLACES["seal_uses"])[1]
    blob_path(folder, blob).unlink()
    for asked, reason, status, code in (
        ((blob, "0" * 64), "x", 1, "BLOB_UNNAMED"),
        ((blob, other), "x", 1, "BLOB_PRESENT"),
        ((blob,), " ", 64, "FIELD_UNACCEPTABLE"),
        ((blob,), "x" * 257, 64, "FIELD_UNACCEPTABLE"),
    ):
        answered, said = record_loss(folder, *asked, reason=reason)
        assert (answered, said["error"]["code"]) == (status, code)
    assert audit_check(folder)[0] == 1, "all of them or none"


def test_what_was_written_past_the_program_takes_no_document_out_of_the_findings(folder: Path, tmp_path: Path) -> None:
    _, blob = first(folder, PLACES["seal_papers"])
    blob_path(folder, blob).unlink()
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database, database:
        for number, entry in enumerate((b"nothing", b"{}", b'{"facts": 1}')):
            database.execute(
                "INSERT INTO kit_audit (entry_id, entry, writer_id, number, actor, action, subject, mac) VALUES (?, ?, 'w', ?, 'a', 'document.lost', 'documents', x'00')",
                (f"forged-{number}", entry, number),
            )
    assert "BLOB_MISSING" in {each["code"] for each in audit_check(folder)[1]["findings"]}
    assert make_backup(load_settings(folder), tmp_path / "b.tar", datetime.now(UTC)).missed == (f"blobs/{blob[:2]}/{blob}",)


def test_a_folder_that_cannot_be_listed_is_no_folder_without_documents(folder: Path) -> None:
    shutil.rmtree(folder / "blobs")
    (folder / "blobs").touch()
    done = yinxin("audit", "check", "--dir", str(folder), check=False)
    assert (done.returncode, "BLOB_STORE_UNAVAILABLE" in done.stderr) == (69, True)
    assert "BLOB_STORE_UNAVAILABLE" in doctor(folder)[1]["message"]


def test_a_database_of_an_older_version_is_backed_up_and_asked_what_it_knows(folder: Path, tmp_path: Path) -> None:
    blob_path(folder, first(folder, PLACES["seal_uses"])[1]).unlink()
    paper = blob_path(folder, first(folder, PLACES["seal_papers"])[1])
    paper.unlink()
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database:
        database.execute("ALTER TABLE seal_uses DROP COLUMN is_result_kept")
        database.execute("DROP TABLE licence_copies")
    make_backup(load_settings(folder), tmp_path / "b.tar", datetime.now(UTC))
    assert check_backup(tmp_path / "b.tar").missing == (paper.relative_to(folder).as_posix(),)


def test_a_name_that_is_no_digest_is_missing_and_opens_nothing(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "yinxin.sqlite3")) as database, database:
        database.execute("UPDATE seal_papers SET digest = '../settings.toml'")
    with served_here(folder) as here, pytest.raises(TrustError) as raised:
        here.house.context.blobs.get("../settings.toml")
    assert raised.value.code == "BLOB_UNKNOWN"
    assert [each["facts"]["blob"] for each in audit_check(folder)[1]["findings"]] == ["../settings.toml"]
