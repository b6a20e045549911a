"""Files of older licences in one archive: each finds its licence or is told why not, and the same archive again changes nothing."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import hmac_sm3, sm3
from licence_vault import limits, store
from licence_vault.actions.attach_archive import ArchiveOrder, ArchiveReport, Outcome, attach_archive
from licence_vault.actions.import_licences import attach_file, find_import, import_licences, list_imports, read_file
from licence_vault.imported import Mark
from service_kit import fail_points
from service_kit.rule_texts import rule_in
from standards.errors import Kind, TrustError
from tests.audit_trail import find_entries
from tests.fakes.sealer import KEY, MARK
from tests.licence_vault.issuing_here import ISSUER, OTHER_ISSUER, IssuingHere, code_of
from tests.licence_vault.test_import_licences import GOOD, numbered, one, rows
from tests.licence_vault.test_row_files import csv_of
from tests.licence_vault.type_files import AUTHORITY, TYPE
from tests.postgres import postgres_url
from tests.standards.gbt33190_ofd.archives import Entry, archive, pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("archives") / "d") as made:
        yield made


@pytest.fixture(autouse=True)
def _no_attachments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.sealer.attachments_in", lambda _: {})


def sealed(text: str, start: bytes = b"%PDF-1.4 ") -> bytes:
    content = start + text.encode()
    return content + MARK + hmac_sm3(KEY, content).hex().encode()


def plain(text: str) -> bytes:
    return b"%PDF-1.4 " + text.encode()


def taken_over(here: IssuingHere, *numbers: str, identifier: str = "") -> None:
    import_licences(here.means, here.clerk, rows(*(GOOD.format(identifier=identifier, number=number) for number in numbers)))


def send(here: IssuingHere, content: bytes, *, means: Any = None, seconds: float = 600.0) -> ArchiveReport:
    return attach_archive(means or here.means, here.clerk, ArchiveOrder(ISSUER, TYPE, content), ends_at=time.monotonic() + seconds)


def told(report: ArchiveReport) -> dict[str, str]:
    """Outcome by path; what is told to people is told in Chinese as well."""
    for each in report.entries:
        assert (each.rule is None) is (each.outcome not in {Outcome.NOT_MATCHED, Outcome.REFUSED})
        assert (each.code is None) is (each.outcome is not Outcome.REFUSED)
        assert each.rule is None or rule_in("zh", each.rule) != each.rule
    assert sum(report.counts.values()) == len(report.entries)
    return {each.path: each.outcome.value for each in report.entries}


def rule_of(report: ArchiveReport, path: str) -> tuple[str | None, str | None]:
    [found] = [each for each in report.entries if each.path == path]
    return found.code, found.rule


def trail_of(here: IssuingHere, import_id: str) -> list[str]:
    with here.vault.context.database.read() as conn:
        return [each.action for each in find_entries(conn, subject=f"licence-import:{import_id}", limit=9)]


def blobs_of(here: IssuingHere) -> int:
    return sum(1 for _ in (here.vault.context.blobs._folder).glob("??/*"))


def test_rows_then_an_archive_then_the_same_again(here: IssuingHere) -> None:
    taken_over(here, "包一", "包二", "包三/甲")
    index = csv_of(
        ["证照编号", "文件"], ["包一", "./一.pdf"], ["包二", ".\\乙\\二.ofd"], ["包三/甲", "三.pdf"], ["包四", "四.pdf"], ["包五", "无.pdf"]
    )
    two = sealed("二", b"PK\x03\x04 ")
    data = pack(
        {"files.csv": index, "一.pdf": sealed("一"), "乙/二.ofd": two, "三.pdf": plain("三"), "四.pdf": plain("四"), "五.pdf": b"%PDF"}
    )
    report = send(here, data)
    assert told(report) == {
        "一.pdf": "attached",
        "乙/二.ofd": "attached",
        "三.pdf": "attached",
        "四.pdf": "not_matched",
        "五.pdf": "not_matched",
        "无.pdf": "not_matched",
    }
    assert (report.files, dict(report.counts)) == (5, {"attached": 3, "not_matched": 3})
    assert [each.seal for each in report.entries] == [Mark.VALID, Mark.VALID, Mark.ABSENT, None, None, None]
    assert [each.name for each in report.entries] == ["包一", "包二", "包三/甲", "包四", None, "包五"]
    assert rule_of(report, "四.pdf") == (None, "the number or identifier of an imported licence of this issuer and type")
    assert rule_of(report, "五.pdf") == (None, "named in the index")
    assert rule_of(report, "无.pdf") == (None, "in the archive, where the index says")

    # as by PUT: the mark, the file under the licence's key, one line in the audit trail
    found = one(here, "包二")
    assert report.entries[1].import_id == found.id
    assert (found.marks.seal, found.file_form, found.file_digest) == (Mark.VALID, "ofd", sm3(two))
    assert read_file(here.means, here.clerk, found.id) == ("ofd", two)
    assert "二".encode() not in here.vault.context.blobs.get(str(found.file_blob))
    assert trail_of(here, found.id) == ["licence-import.read-file", "licence-import.file"]

    before = blobs_of(here)
    again = send(here, data)
    assert dict(again.counts) == {"unchanged": 3, "not_matched": 3}
    assert [each.seal for each in again.entries] == [each.seal for each in report.entries]
    assert (one(here, "包二"), blobs_of(here), trail_of(here, one(here, "包一").id)) == (found, before, ["licence-import.file"])
    by_put = attach_file(here.means, here.clerk, found.id, two)
    assert replace(by_put, file_blob=None) == replace(found, file_blob=None), "nothing tells the two apart, for exports neither"


def test_without_an_index_a_file_goes_by_its_name(here: IssuingHere) -> None:
    taken_over(here, "名一", "名二")
    taken_over(here, "名三", identifier=numbered("valid"))
    data = pack(
        {f"旧/{one(here, '名一').id}.pdf": plain("1"), "新/名二.OFD": sealed("2", b"PK\x03\x04"), f"{numbered('valid')}.pdf": plain("3")}
    )
    assert set(told(send(here, data)).values()) == {"attached"}
    assert [one(here, number).file_form for number in ("名一", "名二", "名三")] == ["pdf", "ofd", "pdf"]

    odd = pack({"名一.jpg": plain("x"), "名一": plain("x"), ".pdf": plain("x"), "无此号.pdf": plain("x"), f"li_{'0' * 24}.pdf": plain("x")})
    report = send(here, odd)
    assert list(told(report).values()) == ["refused", "refused", "not_matched", "not_matched", "not_matched"]
    named = "LICENCE_IMPORT_FILE_UNACCEPTABLE", "a name that ends with .pdf or .ofd, where there is no index"
    assert rule_of(report, "名一.jpg") == rule_of(report, "名一") == named


def test_a_name_that_windows_writes_in_gbk_finds_its_licence(here: IssuingHere) -> None:
    taken_over(here, "示字〔2019〕第000001号")
    data = archive([Entry("证照/示字〔2019〕第000001号.pdf".encode("gbk"), sealed("gbk"))])
    assert told(send(here, data)) == {"证照/示字〔2019〕第000001号.pdf": "attached"}
    assert one(here, "示字〔2019〕第000001号").marks.seal is Mark.VALID


def test_what_is_doubtful_is_attached_to_nothing(here: IssuingHere) -> None:
    taken_over(here, "疑一", "疑二")
    taken_over(here, "疑三", "疑四", identifier="1.2.156.疑")
    taken_over(here, "疑五", identifier="疑二")
    names = {"a/疑一.pdf": plain("a"), "疑一.ofd": sealed("b", b"PK\x03\x04"), "疑二.pdf": plain("c"), "1.2.156.疑.pdf": plain("d")}
    report = send(here, pack(names))
    assert list(told(report).values()) == ["refused", "refused", "not_matched", "not_matched"]
    assert rule_of(report, "a/疑一.pdf") == ("LICENCE_IMPORT_FILE_UNACCEPTABLE", "one file for each licence")
    assert rule_of(report, "疑二.pdf") == rule_of(report, "1.2.156.疑.pdf") == (None, "what one imported licence alone goes by")

    index = csv_of(
        ["number", "file"], ["疑一", "a.pdf"], ["疑三", "a.pdf"], ["疑二", "b.pdf"], ["疑二", "c.pdf"], ["疑五", "d.pdf"], ["疑五", "d.pdf"]
    )
    report = send(here, pack({"files.csv": index} | {f"{name}.pdf": plain(name) for name in "abcd"}))
    assert told(report) == {"a.pdf": "refused", "b.pdf": "refused", "c.pdf": "refused", "d.pdf": "attached"}
    assert rule_of(report, "a.pdf")[1] == "in one row of the index"
    assert one(here, "疑一").file_digest is one(here, "疑二").file_digest is None
    report = send(here, pack({"files.csv": index, "b.pdf": plain("b")}))
    assert rule_of(report, "b.pdf")[1] == "one file for each licence", "the other may come in the next archive, and would replace it"

    by_identifier = csv_of(["number", "file"], [one(here, "疑一").id, "a.pdf"], ["1.2.156.疑", "b.pdf"])
    report = send(here, pack({"files.csv": by_identifier, "a.pdf": plain("a"), "b.pdf": plain("b")}))
    assert set(told(report).values()) == {"not_matched"}, "an index names printed numbers and nothing else"


def test_one_bad_file_holds_up_no_other(here: IssuingHere) -> None:
    taken_over(here, "坏一", "坏二", "坏三", "坏四", "坏五", "坏六", "好一")
    bad = (
        Entry("坏一.pdf", b"GIF89a"),
        Entry("坏二.ofd", pack({"a.pdf": plain("packed")})),
        Entry("坏三.pdf", plain("x"), checksum=1),
        Entry("坏四.pdf", plain("x"), flags=1),
        Entry("../坏五.pdf", plain("x")),
        Entry("坏六.pdf", bytes(limits.IMPORT_FILE_BYTES + 1), method=0),
    )
    report = send(here, archive([*bad, Entry("好一.pdf", plain("x"))]))
    assert told(report) == dict.fromkeys(("坏一.pdf", "坏二.ofd", "坏三.pdf", "坏四.pdf", "坏六.pdf", "../坏五.pdf"), "refused") | {
        "好一.pdf": "attached"
    }
    assert rule_of(report, "坏一.pdf") == rule_of(report, "坏二.ofd") == ("FIELD_UNACCEPTABLE", "PDF or OFD")
    assert rule_of(report, "坏三.pdf") == ("LICENCE_IMPORT_FILE_UNACCEPTABLE", "undamaged")
    assert all(one(here, f"坏{number}").file_digest is None for number in "一二三四五六")


def test_another_file_takes_the_place_of_the_one_before(here: IssuingHere) -> None:
    taken_over(here, "换一")
    first, second = plain("first"), sealed("second")
    attach_file(here.means, here.clerk, one(here, "换一").id, first)
    assert told(send(here, pack({"换一.pdf": first}))) == {"换一.pdf": "unchanged"}
    old = str(one(here, "换一").file_blob)
    assert told(send(here, pack({"换一.pdf": second}))) == {"换一.pdf": "replaced"}
    found = one(here, "换一")
    assert (found.marks.seal, found.file_digest) == (Mark.VALID, sm3(second))
    assert here.vault.context.blobs.has(old), "as by PUT, the sealed file before stays on the disk and is given to nobody"
    assert trail_of(here, found.id) == ["licence-import.file"] * 2
    attach_file(here.means, here.clerk, found.id, second)
    assert trail_of(here, found.id) == ["licence-import.file"] * 3, "a single file is judged anew, as ever"


def test_no_archive_reaches_what_is_not_the_callers(here: IssuingHere) -> None:
    """By id, number or identifier: licences of another authority or another type are as if they were not there."""
    taken_over(here, "他一")
    ids = [one(here, "他一").id]
    import_licences(here.means, here.stranger, rows(GOOD.format(identifier=numbered("valid"), number="他二"), issuer_code=OTHER_ISSUER))
    other_type = f"{AUTHORITY}991"
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number="他三"), type_code=other_type))
    ids += [each.id for each in list_imports(here.means, here.stranger, holder=None, number="他二", after="", limit=9)]
    ids += [one(here, "他三").id]
    names = {f"{name}.pdf": plain(name) for name in (*ids[1:], "他二", "他三")}
    assert set(told(send(here, pack(names))).values()) == {"not_matched"}
    own = [
        find_import(here.means, who, import_id)[0].file_digest
        for who, import_id in zip((here.clerk, here.stranger, here.clerk), ids, strict=True)
    ]
    assert own == [None] * 3

    order = ArchiveOrder(ISSUER, TYPE, b"no archive at all")
    for caller, changed, expected in (
        (here.stranger, order, "LICENCE_ISSUER_NOT_FOUND"),
        (here.clerk, replace(order, issuer_code="11000000000013338W"), "LICENCE_ISSUER_NOT_FOUND"),
        (here.clerk, replace(order, type_code=f"{AUTHORITY}123"), "LICENCE_TYPE_NOT_FOUND"),
        (here.clerk, order, "LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE"),
    ):
        with pytest.raises(TrustError) as raised:
            attach_archive(here.means, caller, changed, ends_at=time.monotonic() + 60)
        assert code_of(raised) == expected


def test_who_may_act_no_more_attaches_nothing_more(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_over(here, "权一", "权二")
    is_member, asked = store.is_member, []

    def taken_back(*parts: Any) -> bool:
        asked.append(parts)
        return is_member(*parts) and len(asked) < 4  # the order, the first file twice

    with monkeypatch.context() as changing:
        changing.setattr(store, "is_member", taken_back)
        with pytest.raises(TrustError) as raised:
            send(here, pack({"权一.pdf": plain("1"), "权二.pdf": plain("2")}))
    assert code_of(raised) == "LICENCE_IMPORT_NOT_FOUND"
    assert (one(here, "权一").file_form, one(here, "权二").file_form) == ("pdf", None)


def test_what_is_not_there_now_ends_the_whole_and_it_is_sent_again(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_over(here, "满一", "满二")
    data = pack({"满一.pdf": plain("1"), "满二.pdf": plain("2")})
    put, kept = here.vault.context.blobs.put, []

    def full(content: bytes) -> str:
        kept.append(content)
        if len(kept) == 2:
            raise TrustError(Kind.UNAVAILABLE, "BLOB_STORE_UNAVAILABLE", reason="No space left on device")
        return put(content)

    with monkeypatch.context() as filling:
        filling.setattr(type(here.vault.context.blobs), "put", lambda _, content: full(content))
        with pytest.raises(TrustError) as raised:
            send(here, data)
    assert code_of(raised) == "BLOB_STORE_UNAVAILABLE"
    assert list(told(send(here, data)).values()) == ["unchanged", "attached"]


def test_killed_again_and_again_nothing_is_lost_or_doubled(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    numbers = [f"杀{number}" for number in range(6)]
    taken_over(here, *numbers)
    data = pack({f"{number}.pdf": sealed(number) for number in numbers})
    chance, report = random.Random(20261128), None
    deaths: list[str] = []

    def reach(place: str) -> None:
        if place.startswith("attach-") and len(deaths) < 30 and chance.random() < 0.3:
            deaths.append(place)
            raise Death

    monkeypatch.setattr(fail_points, "reach", reach)
    while report is None:
        try:
            report = send(here, data)
        except Death:
            continue
    assert set(deaths) == {"attach-file.stored", "attach-archive.file"}
    assert set(told(report).values()) <= {"attached", "unchanged"}
    for number in numbers:
        found = one(here, number)
        assert (found.marks.seal, trail_of(here, found.id)) == (Mark.VALID, ["licence-import.file"])
        assert read_file(here.means, here.clerk, found.id)[1] == sealed(number)


def test_the_same_archive_twice_at_once_is_attached_once(here: IssuingHere) -> None:
    numbers = [f"双{number}" for number in range(5)]
    taken_over(here, *numbers)
    data = pack({f"{number}.pdf": sealed(number) for number in numbers})
    judge, both = here.means.need_seals().judge, threading.Barrier(2, timeout=30)

    class Together:
        def judge(self, *parts: Any) -> Any:
            both.wait()  # each of the two has looked, and found no file
            return judge.judge(*parts)

    means = replace(here.means, seals=replace(here.means.need_seals(), judge=Together()))
    reports: list[ArchiveReport] = []
    threads = [threading.Thread(target=lambda: reports.append(send(here, data, means=means))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(each.counts[Outcome.ATTACHED] for each in reports) == len(numbers)
    assert sum(each.counts[Outcome.UNCHANGED] for each in reports) == len(numbers)
    for number in numbers:
        found = one(here, number)
        assert trail_of(here, found.id) == ["licence-import.file"]
        assert read_file(here.means, here.clerk, found.id)[1] == sealed(number)


def test_when_the_time_is_over_no_further_file_is_begun(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [f"时{number}" for number in range(3)]
    taken_over(here, *numbers)
    data = pack({f"{number}.pdf": plain(number) for number in numbers})
    assert list(told(send(here, data, seconds=-1.0)).values()) == ["not_reached"] * 3, "nobody awaits the answer any more"
    with monkeypatch.context() as hurrying:
        hurrying.setattr(limits, "IMPORT_ARCHIVE_TIME_SHARE", 0.0)
        for done in range(2):
            report = send(here, data)  # each time one gets on, however late it is
            assert list(told(report).values()) == ["unchanged"] * done + ["attached"] + ["not_reached"] * (2 - done)
            assert all(each.import_id == one(here, str(each.name)).id for each in report.entries)
    assert list(told(send(here, data)).values()) == ["unchanged", "unchanged", "attached"]


def test_attack_a_name_that_no_database_takes_holds_up_no_other_file(tmp_path: Path) -> None:
    with IssuingHere.made(tmp_path / "d", database_url=postgres_url()) as there:
        taken_over(there, "零一")
        data = archive([Entry(b"x\0.pdf", plain("x")), Entry("零一.pdf".encode(), plain("y"))])
        assert told(send(there, data)) == {"零一.pdf": "attached", "x\0.pdf": "refused"}


def test_without_anybody_who_judges_nothing_is_begun(here: IssuingHere) -> None:
    with pytest.raises(TrustError) as raised:
        send(here, pack({"a.pdf": plain("a")}), means=replace(here.means, seals=None))
    assert code_of(raised) == "LICENCE_SEALER_MISSING"


def test_as_many_files_as_may_are_looked_for_at_once(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    look, asked = store.list_import_names, []

    def counted(*parts: Any, **sought: Any) -> Any:
        asked.append(sought)
        return look(*parts, **sought)

    monkeypatch.setattr(store, "list_import_names", counted)
    report = send(here, pack({f"{number}.pdf": plain("x") for number in range(limits.IMPORT_ARCHIVE_FILES)}))
    assert (len(asked), dict(report.counts)) == (1, {"not_matched": limits.IMPORT_ARCHIVE_FILES})
