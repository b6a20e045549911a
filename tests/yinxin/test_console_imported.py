"""Licences of older repositories at the console: rows taken over, files attached one by one and from an archive, marks in the words of their reader."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.attach_archive import Outcome
from licence_vault.actions.enter_issuer import give_membership
from licence_vault.imported import Mark
from standards.gbt36904_licence_number import write_licence_number
from tests.audit_trail import find_entries
from tests.fakes.sealer import FakeSealer
from tests.licence_vault.issuing_here import FACE, ISSUER, ISSUER_NAME, OTHER_ISSUER, caller
from tests.licence_vault.served import served_licences
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file
from tests.seal_service.pdf.documents import reportlab_document
from tests.standards.gbt33190_ofd.archives import pack
from tests.yinxin.console_here import HIDDEN, Pages, open_pages, told
from yinxin.console.api_calls import ApiAnswer, ApiCalls, ApiProblem
from yinxin.console.forms import FILE_BYTES_MAX
from yinxin.console.imported_licence_pages import OUTCOMES
from yinxin.console.imported_licence_texts import TEXTS
from yinxin.console.licence_batch_pages import BATCHES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

LIST = "/console/imported-licences"
ROWS, FILES = f"{LIST}/rows", f"{LIST}/files"
GIVEN = {"type": TYPE, "issuer": ISSUER}
IDENTIFIER, FURTHER = (write_licence_number(TYPE, ISSUER, "0" * 19 + serial, 1) for serial in "12")
HEADING = "identifier,number,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address\r\n"
GOOD = f"{IDENTIFIER},旧一,张三（示例）,11010519491231002X,111,2016-11-28,2021-11-27,示例路1号\r\n"
BARE = ",旧二,李四（示例）,91150700MA0N000012,001,2016-11-28,2021-11-27,\r\n"
FOR_FILES = f"{FURTHER},旧三,甲公司（示例）,{AUTHORITY},001,2016-11-28,2021-11-27,示例路3号\r\n,旧四,甲公司（示例）,{AUTHORITY},001,2016-11-28,2021-11-27,\r\n"
NUMBERS = ("旧一", "旧二", "旧三", "旧四")


def sealed_pdf() -> bytes:
    order: Any = None
    return FakeSealer().seal(reportlab_document(), media_type="", seal_id="", order=order, idempotency_key="", actor="").content


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    members = {ISSUER: "cl_officer", OTHER_ISSUER: "cl_stranger"}
    with served_licences(tmp_path_factory.mktemp("older") / "d", [type_file(face=FACE)], members) as (served, _):
        yield served


@pytest.fixture(scope="module")
def officer(here: Here) -> Pages:
    return open_pages(here, "cl_officer", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def stranger(here: Here) -> Pages:
    return open_pages(here, "cl_stranger", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def taken(officer: Pages) -> dict[str, str]:
    """The page of each licence that was taken over, by its printed number; the report of taking them over under an empty one."""
    files = {"file": ("旧.csv", (HEADING + GOOD + BARE + FOR_FILES).encode())}
    report = officer.post(ROWS, GIVEN, status=200, files=files).text
    return {"": report} | {number: only_one(officer, f"number={number}") for number in NUMBERS}


def only_one(officer: Pages, query: str) -> str:
    (page,) = set(re.findall(rf'href="({LIST}/li_[0-9a-f]{{24}})"', officer.get(f"{LIST}?{query}").text))
    return str(page)


def facts(html: str) -> str:
    return told(html.partition('role="status"')[2].partition("</section>")[0])


def test_rows_are_taken_over_and_told(officer: Pages, taken: dict[str, str]) -> None:
    said = (
        "Rows 4 Taken over now 4 of these, identifier or content not verified 2 Skipped 0 of these, the number of a licence issued here 0"
    )
    assert said in facts(taken[""])
    again = officer.post(ROWS, GIVEN, status=200, files={"file": ("旧.csv", (HEADING + GOOD).encode())}).text
    assert "Rows 1 Taken over now 0" in facts(again)
    assert "Skipped 1" in facts(again)
    assert f'href="{LIST}?issuer={ISSUER}"' in again
    template = officer.get(f"{ROWS}/template.csv?type={TYPE}").text
    assert template.startswith("\ufeffidentifier,number,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address,")
    assert officer.get(f"{ROWS}/template.csv").text.endswith("valid_to\r\n")
    assert "/imported-licences/rows" in officer.get(LIST).text


def test_the_list_says_what_could_be_verified_and_no_more(officer: Pages, taken: dict[str, str]) -> None:
    listed = officer.get(LIST).text
    for words in ("These licences were not issued here: they are in no log", IDENTIFIER, "示例许可证", "passed", "no file"):
        assert words in told(listed)
    chinese = told(officer.get(LIST, language="zh").text)
    for words in ("不是在本平台颁发的", "校验通过", "符合类型", "不符合类型", "无标识", "未附文件"):
        assert words in chinese
    (bare,) = [row for row in listed.split("<tr>") if taken["旧二"] in row]
    assert "badge-ok" not in bare, "nothing of it was verified"
    assert only_one(officer, "holder_code=11010519491231002X") == taken["旧一"]
    assert only_one(officer, "holder_code=91150700MA0N000012") == taken["旧二"]
    both = officer.get(f"{LIST}?issuer={ISSUER}").text
    assert taken["旧一"] in both
    assert taken["旧二"] in both
    assert "No older licence is like that" in told(officer.get(f"{LIST}?number=none").text)
    assert officer.get(f"{LIST}?issuer={OTHER_ISSUER}", 404)


def test_the_list_goes_on(officer: Pages, taken: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yinxin.console.imported_licence_pages.SHOWN", 1)
    seen, address = [], f"{LIST}?issuer={ISSUER}"
    for _ in NUMBERS:
        page = officer.get(address).text
        seen += re.findall(rf'href="({LIST}/li_[0-9a-f]{{24}})"', page)
        more = re.search(r'class="button plain" href="(\?[^"]+)"', page)
        address = "" if more is None else LIST + more[1].replace("&amp;", "&")
    assert address == "", "the last page leads to no other"
    assert sorted(seen) == sorted(taken[number] for number in NUMBERS)


def test_one_of_them_with_its_cells_its_marks_and_the_rule_it_breaks(officer: Pages, taken: dict[str, str]) -> None:
    page = officer.get(taken["旧二"])
    for words in (
        "holder_code 91150700MA0N000012",
        "number 旧二",
        ISSUER_NAME,
        "no identifier to check",
        "not issued here",
        "KZ_address required",
    ):
        assert words in told(page.text)
    assert "badge-ok" not in page.text
    assert "Fetch the file" not in page.text
    chinese = told(officer.get(taken["旧二"], language="zh").text)
    for words in ("KZ_address 必填", "没有电子证照标识", "不是在本平台颁发的", "还没有附上文件", "不在日志中"):
        assert words in chinese
    good = told(officer.get(taken["旧一"]).text)
    assert "Whether what they say is true was not verified" in good
    assert f"identifier {IDENTIFIER}" in good


def test_a_file_is_attached_replaced_and_fetched(officer: Pages, taken: dict[str, str]) -> None:
    path = taken["旧三"]
    assert "Choose a file" in told(officer.post(path, status=422, files={"file": ("", b"")}).text)
    wrong = told(officer.post(path, status=422, files={"file": ("a.gif", b"GIF89a")}).text)
    assert "PDF or OFD" in wrong
    assert "旧三" in wrong, "the page is still there"
    assert officer.get(f"{path}/file", 404)
    page = officer.follow(officer.post(path, files={"file": ("旧.pdf", b"%PDF-1.4 no seal")})).text
    for words in ("The file is attached", "There is no seal on the file", "Replace its file", "PDF"):
        assert words in told(page)
    assert "seal valid" not in page
    content = sealed_pdf()
    page = officer.follow(officer.post(path, files={"file": ("旧.pdf", content)})).text
    assert "seal valid Verified when the file was attached" in told(page)
    given = officer.get(f"{path}/file")
    assert given.content == content
    assert (given.headers["content-type"], given.headers["cache-control"]) == ("application/pdf", "no-store")
    assert f'filename="{path.rpartition("/")[2]}.pdf"' in given.headers["content-disposition"]
    with officer.here.house.context.database.read() as conn:
        trail = [each.action for each in find_entries(conn, subject=f"licence-import:{path.rpartition('/')[2]}", limit=5)]
    assert sorted(trail) == ["licence-import.file", "licence-import.file", "licence-import.read-file"]


def test_files_of_an_archive_are_attached_and_told_those_first_that_were_not(officer: Pages, taken: dict[str, str]) -> None:
    data = pack({"a/旧四.pdf": b"%PDF-1.4 no seal", "旧九.pdf": b"%PDF-1.4", f"{taken['旧一'].rpartition('/')[2]}.pdf": b"GIF89a"})

    def send(**how: Any) -> str:
        return officer.post(FILES, GIVEN, status=200, files={"archive": ("旧.zip", data)}, **how).text

    page = send()
    assert "3 files in the archive refused 1 no licence found 1 attached 1" in facts(page)
    rows = [told(each) for each in page.split("<tbody>")[1].split("</tr>")[:3]]
    assert "refused PDF or OFD FIELD_UNACCEPTABLE" in rows[0]
    assert "no licence found the number or identifier of an imported licence" in rows[1]
    assert "a/旧四.pdf Sought by 旧四 attached – no seal" in rows[2]
    assert f'href="{taken["旧四"]}"' in page
    assert "unchanged 1" in facts(send())
    chinese = send(language="zh")
    assert "应为 PDF 或 OFD" in told(chinese)
    assert "该颁发机构和类型下没有此编号或标识的导入证照" in told(chinese)


def test_files_that_were_not_reached_are_told_so(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"path": "a.pdf", "sought_by": None, "imported": None, "outcome": "not_reached", "seal": None, "code": None, "told": None}
    counts = dict.fromkeys(("attached", "replaced", "unchanged", "not_matched", "refused"), 0)

    async def post(*_: Any, **__: Any) -> ApiAnswer:
        return ApiAnswer(200, {"files": 1, "not_reached": 1, "entries": [entry], **counts}, {})

    monkeypatch.setattr(ApiCalls, "post", post)
    page = officer.post(FILES, GIVEN, status=200, files={"archive": ("旧.zip", b"PK")}).text
    assert "Send the same archive again" in facts(page)
    assert "a.pdf not reached" in told(page)


@pytest.mark.parametrize(("path", "name"), [(ROWS, "file"), (FILES, "archive")])
def test_what_is_refused_keeps_what_was_chosen(officer: Pages, path: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = officer.post(path, GIVEN, status=422, files={name: ("", b"")}).text
    assert f'<option value="{ISSUER}" selected>' in missing
    assert "and a type" in told(missing)
    wrong = officer.post(path, GIVEN, status=422, files={name: ("旧.json", b"{")}).text
    assert "_UNACCEPTABLE" in told(wrong)
    real = ApiCalls.post
    for status, code in ((413, "FILE_TOO_LARGE"), (429, "TOO_BUSY"), (503, "REQUEST_TIMEOUT")):
        refusal = ApiProblem(status, code, "so it is told")

        async def post(self: Any, called: str, refusal: ApiProblem = refusal, **what: Any) -> ApiAnswer:
            if called.startswith("/v1/imported-licences"):
                raise refusal
            return await real(self, called, **what)

        monkeypatch.setattr(ApiCalls, "post", post)
        page = officer.post(path, GIVEN, status=status, files={name: ("旧.csv", b"PK")}).text
        assert "so it is told" in told(page)
        assert f'<option value="{ISSUER}" selected>' in page
        assert f'<option value="{TYPE}" selected>' in page


@pytest.mark.parametrize(("path", "name"), [(ROWS, "file"), (FILES, "archive"), (BATCHES, "file")])
def test_a_file_too_large_for_the_console_leads_back_to_what_was_chosen(officer: Pages, path: str, name: str) -> None:
    at = officer.get(path).text
    assert f'<option value="{TYPE}" selected>' not in at
    page = officer.post(path, GIVEN, status=413, files={name: ("旧.zip", b"P" * (FILE_BYTES_MAX + 1))}).text
    assert "FILE_TOO_LARGE" in told(page)
    (back,) = re.findall(r'<a class="button" href="([^"]+)"', page)
    again = officer.get(html.unescape(back)).text
    assert f'<option value="{TYPE}" selected>' in again
    assert (f'<option value="{ISSUER}" selected>' in again) is (path != BATCHES)
    # What no address may carry is left out, and the way back is there all the same
    odd = officer.post(path, {"type": "<b>" * 200, "issuer": ""}, status=413, files={name: ("旧.zip", b"P" * (FILE_BYTES_MAX + 1))}).text
    assert f'<a class="button" href="{path}"' in odd


def test_who_may_not_is_told_so_and_shown_nothing(here: Here, officer: Pages, stranger: Pages, taken: dict[str, str]) -> None:
    page, document = taken["旧一"], {"file": ("a.pdf", b"%PDF-1.4")}
    assert page not in stranger.get(LIST).text
    assert stranger.get(page, 404)
    assert stranger.get(f"{page}/file", 404)
    assert "LICENCE_IMPORT_NOT_FOUND" in stranger.post(page, status=404, at=ROWS, files=document).text
    assert "LICENCE_ISSUER_NOT_FOUND" in stranger.post(ROWS, GIVEN, status=404, files={"file": ("a.csv", HEADING.encode())}).text
    assert "LICENCE_ISSUER_NOT_FOUND" in stranger.post(FILES, GIVEN, status=404, files={"archive": ("a.zip", pack({"a": b"b"}))}).text

    reader = open_pages(here, "cl_reads", "licence.read")
    assert "You do not act for any authority" in told(reader.get(LIST).text)
    for path in (ROWS, FILES):
        assert "licence.issue" in reader.get(path, 403).text
        assert "licence.issue" in reader.post(path, GIVEN, status=403, at=LIST).text
    assert reader.post(page, status=403, at=LIST, files=document)
    assert f'href="{LIST}"' not in reader.get("/console/licences").text, "who acts for no authority has none"
    assert f'href="{LIST}"' in officer.get("/console/licences").text
    nobody = open_pages(here, "cl_seals", "seal.read")
    for path in (LIST, page, f"{page}/file"):
        assert "licence.read" in nobody.get(path, 403).text

    for path in (ROWS, FILES, page):
        token = HIDDEN.search(officer.get(path).text)
        assert token is not None
        forged = officer.post(path, GIVEN | {"csrf": token[1][::-1]}, status=403, files=document)
        assert "FORM_FORGED" in forged.text


def test_who_only_reads_for_an_authority_sees_them_without_forms(here: Here, taken: dict[str, str]) -> None:
    looks = open_pages(here, "cl_looks", "licence.read")
    give_membership(here.house.context, caller("cl_chief"), ISSUER, "cl_looks")
    page = looks.get(taken["旧二"]).text
    assert "What could be verified" in page
    assert 'type="file"' not in page
    assert ROWS not in looks.get(LIST).text


def test_types_that_nobody_issues_any_more_take_files(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ApiCalls.get

    async def get(self: Any, path: str, **params: Any) -> ApiAnswer:
        if path == "/v1/licence-types" and params["state"] == "retired":
            return ApiAnswer(200, {"types": [{"code": "OLD", "version": 1, "name": "旧许可证"}], "next_after": None}, {})
        return await real(self, path, **params)

    monkeypatch.setattr(ApiCalls, "get", get)
    assert '<option value="OLD">旧许可证' in officer.get(FILES).text
    assert '<option value="OLD">' not in officer.get(ROWS).text


def test_every_mark_and_every_outcome_has_its_words_and_its_place() -> None:
    assert set(OUTCOMES) == set(Outcome)
    numbers = {Mark.VALID, Mark.LEGACY_VARIANT, Mark.INVALID, Mark.ABSENT}
    seals = {Mark.VALID, Mark.INVALID, Mark.INDETERMINATE, Mark.ABSENT}
    found = {"number": numbers, "content": {Mark.VALID, Mark.INVALID}, "seal": seals, "log": {Mark.ABSENT}}
    keys = {f"imp_{question}_{mark.value}".replace("-", "_") for question, marks in found.items() for mark in marks}
    assert keys | {f"{key}_help" for key in keys} | {f"imp_outcome_{each}" for each in Outcome} <= TEXTS.keys()
