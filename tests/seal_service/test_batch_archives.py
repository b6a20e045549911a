"""Many documents in at once, and their results out: all or none, nothing trusted, nothing twice."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Verdict
from seal_service.actions import pack_batch_results
from seal_service.actions.add_batch_archive import add_archive
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.pack_batch_results import REPORT_NAME, file_name, pack_results
from seal_service.actions.record_use import User
from seal_service.actions.seal_batch import add_document, cancel_batch, find_batch, list_items, open_batch, seal_item, start_batch
from seal_service.actions.seal_order import SealOrder
from seal_service.batch import Batch, BatchItem, BatchState, ItemState
from seal_service.model import transition_named
from seal_service.verify import verify_file
from service_kit.outbox import Message
from standards.errors import TrustError
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.ofd.sealing import plain
from tests.seal_service.pdf.documents import reportlab_document

if TYPE_CHECKING:
    from seal_service.model import Seal

USER = User("cl_a", "client:cl_a")
ORDER = SealOrder(b"-", page=1, x_mm=150, y_mm=60)
PDF = reportlab_document()


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.fixture
def batch(house: House, seal: Seal) -> Batch:
    return open_batch(house.context, USER, seal.id, ORDER)


def packed(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def refused(act: Any, *arguments: Any, **options: Any) -> TrustError:
    with pytest.raises(TrustError) as raised:
        act(*arguments, **options)
    return raised.value


def work_through(house: House, batch: Batch, count: int) -> None:
    for number in range(1, count + 1):
        seal_item(house.context, Message("m", "seal.batch-item", {"batch": batch.id, "number": number}, 1))


def results_of(house: House, batch: Batch, **options: Any) -> tuple[dict[str, bytes], int | None]:
    found = pack_results(house.context, USER, batch.seal_id, batch.id, **({"after": 0, "limit": 100} | options))
    with zipfile.ZipFile(io.BytesIO(b"".join(found.chunks))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}, found.next_after


def test_an_archive_in_and_the_results_out(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    added = add_archive(*place, packed(("甲/一.pdf", PDF), ("乙.ofd", plain()), ("broken.pdf", b"%PDF-1.7 nothing")))
    assert [(item.number, item.name) for item in added] == [(1, "甲/一.pdf"), (2, "乙.ofd"), (3, "broken.pdf")]
    assert add_document(*place, "last.pdf", PDF).number == 4
    assert refused(pack_results, *place, after=0, limit=10).code == "BATCH_STATE_CONFLICT"
    start_batch(*place)
    work_through(house, batch, 4)
    files, next_after = results_of(house, batch)
    assert (sorted(files), next_after) == (["00001-甲_一.pdf", "00002-乙.ofd", "00004-last.pdf", REPORT_NAME], None)
    for name in set(files) - {REPORT_NAME}:
        assert verify_file(files[name], house.context.trust(), house.context.clock.now()).verdict is Verdict.VALID
    lines = json.loads(files[REPORT_NAME])["items"]
    assert [line["state"] for line in lines] == ["sealed", "sealed", "failed", "sealed"]
    assert (lines[2]["file"], lines[2]["code"][:4], lines[0]["file"]) == (None, "PDF_", "00001-甲_一.pdf")


def test_results_come_in_parts(house: House, seal: Seal, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_archive(*place, packed(*((f"{number}.pdf", PDF) for number in range(3))))
    start_batch(*place)
    work_through(house, batch, 3)
    files, next_after = results_of(house, batch, limit=2)
    assert (len(files), next_after) == (3, 2)
    assert results_of(house, batch, after=2)[1] is None
    assert list(results_of(house, batch, after=3)[0]) == [REPORT_NAME]
    monkeypatch.setattr(pack_batch_results, "RESULT_ARCHIVE_BYTES", len(PDF))
    files, next_after = results_of(house, batch)
    assert (sorted(files), next_after) == (["00001-0.pdf", REPORT_NAME], 1)


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (b"", "BATCH_ARCHIVE_UNACCEPTABLE"),
        (b"PK no archive", "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(), "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(("../a.pdf", PDF)), "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(("a.pdf", PDF), ("A.PDF", PDF)), "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(("a.pdf", PDF)) + b"behind", "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(("a.pdf", b"%PDF-1.7" + bytes(64 * 1024 * 1024))), "BATCH_ARCHIVE_UNACCEPTABLE"),
        (packed(("a.pdf", PDF), ("b.txt", b"text")), "BATCH_DOCUMENT_UNACCEPTABLE"),
        (packed(("a.pdf", PDF), ("x" * 300 + ".pdf", PDF)), "BATCH_DOCUMENT_UNACCEPTABLE"),
        (packed(("a.pdf", PDF), ("\u202eb.pdf", PDF)), "BATCH_DOCUMENT_UNACCEPTABLE"),
        (packed(*((f"{number}.pdf", b"%PDF-") for number in range(4))), "BATCH_FULL"),
    ],
)
def test_of_a_bad_archive_nothing_is_added(house: House, batch: Batch, archive: bytes, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seal_service.actions.add_batch_archive.BATCH_DOCUMENTS_MAX", 3)
    assert refused(add_archive, house.context, USER, batch.seal_id, batch.id, archive).code == code
    assert find_batch(house.context, USER, batch.seal_id, batch.id)[0].total == 0


def test_changed_bytes_inside_are_found(house: House, batch: Batch) -> None:
    archive = bytearray(packed(("a.pdf", PDF)))
    archive[100] ^= 0xFF
    assert refused(add_archive, house.context, USER, batch.seal_id, batch.id, bytes(archive)).code == "BATCH_ARCHIVE_UNACCEPTABLE"


def test_a_request_that_comes_again_adds_nothing_again(house: House, seal: Seal) -> None:
    opened = [open_batch(house.context, USER, seal.id, ORDER, idempotency_key="k") for _ in range(2)]
    assert opened[0] == opened[1]
    reused = refused(open_batch, house.context, USER, seal.id, replace(ORDER, reason="x"), idempotency_key="k")
    assert reused.code == "IDEMPOTENCY_KEY_REUSED"
    place = (house.context, USER, seal.id, opened[0].id)
    archive = packed(("a.pdf", PDF), ("b.pdf", PDF))
    first = add_archive(*place, archive, idempotency_key="a")
    one = add_document(*place, "c.pdf", PDF, idempotency_key="c")
    start_batch(*place)
    assert add_archive(*place, archive, idempotency_key="a") == first, "answered, though it takes no more documents"
    assert add_document(*place, "c.pdf", PDF, idempotency_key="c") == one
    assert refused(add_document, *place, "d.pdf", PDF, idempotency_key="c").code == "IDEMPOTENCY_KEY_REUSED"
    assert refused(add_document, *place, "d.pdf", PDF, idempotency_key="d").code == "BATCH_STATE_CONFLICT"
    assert find_batch(*place)[0].total == 3


def test_sealed_once_even_where_the_key_is_forgotten(house: House, seal: Seal, batch: Batch) -> None:
    """A server that died between the sealing and the note of it, and was away for longer than keys are kept."""
    place = (house.context, USER, seal.id, batch.id)
    add_document(*place, "a.pdf", PDF)
    start_batch(*place)
    work_through(house, batch, 1)
    house.sql("UPDATE seal_batch_items SET state = 'waiting', use_id = NULL")
    house.sql("UPDATE seal_batches SET state = 'running'")
    house.sql("DELETE FROM kit_idempotency")
    seal_item(house.context, Message("m", "seal.batch-item", {"batch": batch.id, "number": 1}, 2))
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]
    assert [item.state for item in list_items(*place, after=0, limit=5)] == [ItemState.SEALED]


def test_what_was_sealed_while_it_was_cancelled_is_reported(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_archive(*place, packed(("a.pdf", PDF), ("b.pdf", PDF)))
    start_batch(*place)
    stamp = house.context.time_stamp
    assert stamp is not None

    def stamp_late(signature: bytes) -> bytes:
        cancel_batch(*place)
        return stamp(signature)

    object.__setattr__(house.context, "time_stamp", stamp_late)
    work_through(house, batch, 2)
    assert find_batch(*place)[0].state is BatchState.CANCELLED
    assert [item.state for item in list_items(*place, after=0, limit=5)] == [ItemState.SEALED, ItemState.CANCELLED]
    assert sorted(results_of(house, batch)[0]) == ["00001-a.pdf", REPORT_NAME]


def test_refused_uses_of_a_batch_are_counted(house: House, seal: Seal, batch: Batch) -> None:
    place = (house.context, USER, seal.id, batch.id)
    add_document(*place, "a.pdf", PDF)
    start_batch(*place)
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="lost")
    work_through(house, batch, 1)
    assert house.rows("SELECT code, times FROM seal_refusals") == [("SEAL_NOT_ACTIVE", 1)]


@pytest.mark.parametrize(
    ("name", "file"),
    [("a/b\\c:d.pdf", "00007-a_b_c_d.pdf"), ("..", "00007-document"), ("x" * 200 + ".pdf", "00007-" + "x" * 116 + ".pdf")],
)
def test_names_in_the_archive_are_harmless(name: str, file: str) -> None:
    assert file_name(BatchItem("sb_x", 7, name, "0")) == file
