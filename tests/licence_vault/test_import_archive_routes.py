"""Files of older licences in an archive over HTTP: the department's job from its rows to the marks, and what is refused in which words."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licence_vault import limits
from licence_vault.actions.attach_archive import attach_archive
from tests.licence_vault.issuing_here import FACE, ISSUER, OTHER_ISSUER
from tests.licence_vault.served import Office, office, served_licences
from tests.licence_vault.test_import_archives import HONEST, PDF
from tests.licence_vault.test_licence_routes import ORDER
from tests.licence_vault.test_row_files import csv_of
from tests.licence_vault.type_files import TYPE, type_file
from tests.standards.gbt33190_ofd.archives import pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.deployments import Here

PATH = "/v1/imported-licences/files"
ARCHIVE_BYTES = 64 * 1024
COUNTS = ("files", "attached", "replaced", "unchanged", "not_matched", "refused", "not_reached")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    members = {ISSUER: "cl_clerk", OTHER_ISSUER: "cl_stranger"}
    folder = tmp_path_factory.mktemp("archives") / "d"
    with (
        patch.object(limits, "IMPORT_ARCHIVE_BYTES", ARCHIVE_BYTES),
        patch.object(limits, "IMPORT_ARCHIVES_AT_ONCE", 1),
        served_licences(folder, [type_file(face=FACE)], members) as (served, _),
    ):
        yield served


@pytest.fixture(scope="module")
def clerk(here: Here) -> Office:
    return office(here, "cl_clerk", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def stranger(here: Here) -> Office:
    return office(here, "cl_stranger", "licence.issue", "licence.read")


def send(who: Office, content: bytes | None, *, language: str = "zh", **changes: str) -> httpx.Response:
    files = {} if content is None else {"archive": ("旧证.zip", content)}
    fields = {"issuer": ISSUER, "type": TYPE} | changes
    return who.here.http.post(PATH, headers=who.headers | {"accept-language": language}, data=fields, files=files or {"x": b""})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def take_over(clerk: Office, *numbers: str) -> None:
    row = {name: value for name, value in ORDER.items() if name not in {"type", "issuer"}}
    data = json.dumps([row | {"number": number} for number in numbers]).encode()
    fields = {"type": TYPE, "issuer": ISSUER, "format": "json"}
    answer = clerk.here.http.post("/v1/imported-licences", headers=clerk.headers, data=fields, files={"file": ("rows", data)})
    assert answer.json()["taken_over"] == len(numbers), answer.text


def test_rows_then_their_files_then_the_marks(clerk: Office) -> None:
    take_over(clerk, "旧/一", "旧二")
    index = csv_of(["证照编号", "文件"], ["旧/一", "一.pdf"], ["旧二", "二.pdf"], ["旧三", "三.pdf"])
    data = pack({"files.csv": index, "一.pdf": PDF, "二.pdf": b"GIF89a"})
    sent = send(clerk, data)
    assert sent.status_code == 200, sent.text
    report = sent.json()
    assert [report[name] for name in COUNTS] == [2, 1, 0, 0, 1, 1, 0]
    first, second, third = report["entries"]
    assert first == {
        "path": "一.pdf",
        "sought_by": "旧/一",
        "imported": first["imported"],
        "outcome": "attached",
        "seal": "absent",
        "code": None,
        "rule": None,
        "told": None,
    }
    assert (second["outcome"], second["code"], second["told"]) == ("refused", "FIELD_UNACCEPTABLE", "应为 PDF 或 OFD")
    assert (third["outcome"], third["code"], third["told"]) == ("not_matched", None, "压缩包中没有索引所列的该文件")
    shown = clerk.call("GET", f"/v1/imported-licences/{first['imported']}", status=200).json()
    assert (shown["marks"]["seal"], shown["file_form"], shown["cells"]["number"]) == ("absent", "pdf", "旧/一")
    assert clerk.call("GET", f"/v1/imported-licences/{first['imported']}/file", status=200).content == PDF

    again = send(clerk, data, language="en").json()
    assert [again[name] for name in COUNTS] == [2, 0, 0, 1, 1, 1, 0]
    assert [each["told"] for each in again["entries"]] == [None, "PDF or OFD", "in the archive, where the index says"]


def test_what_is_refused_and_to_whom(here: Here, clerk: Office, stranger: Office) -> None:
    data = pack({"a.pdf": PDF})
    assert code(send(stranger, data)) == code(send(clerk, data, issuer="91150700MA0N000012")) == (404, "LICENCE_ISSUER_NOT_FOUND")
    assert code(send(office(here, "cl_reader", "licence.read"), data)) == (403, "SCOPE_MISSING")
    assert here.http.post(PATH).status_code == 401
    assert code(send(clerk, data, type="x")) == (404, "LICENCE_TYPE_NOT_FOUND")
    assert code(send(clerk, None)) == (422, "FIELD_UNKNOWN")
    assert code(send(clerk, data, forms="pdf")) == (422, "FIELD_UNKNOWN")
    fields = {"headers": clerk.headers, "files": {"type": (None, TYPE)}}
    assert code(here.http.post(PATH, **fields)) == (422, "FIELD_UNACCEPTABLE")
    assert code(send(clerk, bytes(ARCHIVE_BYTES + 1))) == (413, "FILE_TOO_LARGE")
    refused = send(clerk, b"no archive")
    assert code(refused) == (422, "LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE")
    assert refused.json()["violations"][0]["told"] == "应为完整的 ZIP 压缩包"
    index = send(clerk, pack({"a.pdf": PDF, "files.csv": b"a,b\n1,2\n"}))
    assert code(index) == (422, "LICENCE_ROW_FILE_UNACCEPTABLE")
    assert index.json()["violations"][0]["told"] == "索引每行须填写证照编号和文件"


def test_as_many_archives_as_may_at_once(clerk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(*parts: Any, **named: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return attach_archive(*parts, **named)

    monkeypatch.setattr("licence_vault.api.import_archive_routes.attach_archive", slow)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(send(clerk, pack({"a.pdf": PDF}))))
    first.start()
    try:
        assert begun.wait(60)
        busy = send(clerk, pack({"a.pdf": PDF}))
        assert (code(busy), "retry-after" in busy.headers) == ((429, "TOO_BUSY"), True)
    finally:
        go_on.set()
        first.join()
    assert [answer.status_code for answer in answers] == [200]


@given(st.lists(st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), max_size=6), st.binary(max_size=9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_archive_is_answered(clerk: Office, changes: list[tuple[int, int]], behind: bytes) -> None:
    data = bytearray(HONEST + behind)
    for place, value in changes:
        data[place] = value
    answer = send(clerk, bytes(data))
    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 200:
        report = answer.json()
        assert sum(report[name] for name in COUNTS[1:]) == len(report["entries"]) >= report["files"]
