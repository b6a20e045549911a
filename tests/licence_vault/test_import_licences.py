"""Licences of older repositories: taken over once, with marks that never call valid what was not verified."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import hmac_sm3
from licence_vault import limits, store
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.find_licences import find_licence, read_licence_file
from licence_vault.actions.import_licences import attach_file, find_import, import_licences, list_imports
from licence_vault.imported import Mark
from licence_vault.row_files import RowForm
from licence_vault.verify import ORIGINAL_NAME
from standards.errors import TrustError
from standards.gbt36904_licence_number import compute_legacy_check_character, write_licence_number
from tests.audit_trail import find_entries
from tests.fakes.sealer import KEY, MARK, FakeJudge
from tests.licence_vault.issuing_here import ISSUER, OTHER_ISSUER, IssuingHere
from tests.licence_vault.type_files import AUTHORITY, TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.imported import ImportedLicence

HEAD = "电子证照标识,证照编号,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
GOOD = "{identifier},{number},张三（示例）,11010519491231002X,111,2020-01-01,2024-12-31,示例路1号"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("imports") / "d") as made:
        yield made


def rows(*lines: str, issuer_code: str = ISSUER, type_code: str = TYPE) -> BatchFile:
    return BatchFile(type_code, issuer_code, ("pdf",), RowForm.CSV, "\n".join((HEAD, *lines)).encode())


def one(here: IssuingHere, number: str) -> ImportedLicence:
    [found] = list_imports(here.means, here.clerk, holder=None, number=number, after="", limit=9)
    return found


def code(raised: pytest.ExceptionInfo[TrustError]) -> str:
    return raised.value.code


def numbered(kind: str) -> str:
    for serial in range(36):  # for some the two check characters are the same
        strict = write_licence_number(TYPE, ISSUER, f"OLD{serial:017d}", 1)
        legacy = strict[:-1] + compute_legacy_check_character("".join(strict.split(".")[5:9]))
        if legacy != strict:
            break
    other = write_licence_number(f"{AUTHORITY}001", ISSUER, "OLD00000000000000001", 1)
    return {"valid": strict, "legacy-variant": legacy, "invalid": strict[:-1] + ".", "absent": "", "of-another-type": other}[kind]


@pytest.mark.parametrize("kind", ["valid", "legacy-variant", "invalid", "absent", "of-another-type"])
def test_a_number_is_marked_as_it_is_found(here: IssuingHere, kind: str) -> None:
    report = import_licences(here.means, here.clerk, rows(GOOD.format(identifier=numbered(kind), number=f"旧{kind}")))
    assert (report.rows, report.taken_over, report.skipped, report.marked) == (1, 1, 0, int(kind != "valid"))
    marks = one(here, f"旧{kind}").marks
    assert marks.number == (kind if kind != "of-another-type" else "invalid")
    assert (marks.content, marks.seal) == (Mark.VALID, Mark.ABSENT)


def test_what_is_against_the_type_is_taken_over_and_marked(here: IssuingHere) -> None:
    wrong = GOOD.format(identifier="", number="旧错").replace("11010519491231002X", "110105194912310021")
    unknown = "{},{},,,,,,x".format("", "旧空")
    assert import_licences(here.means, here.clerk, rows(wrong, unknown)).marked == 2
    marks = one(here, "旧错").marks
    assert (marks.content, marks.content_place, marks.content_rule) == (Mark.INVALID, "holders[0].code", "a resident identity number")
    assert one(here, "旧空").marks.content_place == "valid_from"
    found = list_imports(here.means, here.clerk, holder=("111", "110105194912310021"), number=None, after="", limit=9)
    assert [each.id for each in found] == [one(here, "旧错").id]


@pytest.mark.parametrize("second", ["holder_name_2,holder_code_2,holder_code_type_2", "持证主体_2,持证主体代码_2,持证主体代码类型_2"])
@pytest.mark.parametrize("is_wrong", [False, True])
def test_each_holder_of_a_row_finds_it_whatever_else_is_wrong(here: IssuingHere, is_wrong: bool, second: str) -> None:
    """Columns of older files are Chinese, and much in them is against the types of today."""
    head = f"证照编号,持证主体,持证主体代码,持证主体代码类型,{second},有效期起始日期,有效期截止日期,KZ_address"
    number = f"旧共{is_wrong}{second[:1]}"
    mine, theirs = ("414", f"E123456{second[:1] == 'h':d}{is_wrong:d}"), ("001", "91150700MA0N000012")
    line = (
        f"{number},张三,{mine[1]},普通护照号码,示例餐饮有限公司,{theirs[1]},001,{'2020' if is_wrong else '2020-01-01'},2024-12-31,示例路1号"
    )
    file = replace(rows(), content=f"{head}\n{line}\n".encode())
    import_licences(here.means, here.clerk, file)
    made = one(here, number)
    assert (made.marks.content is Mark.VALID) is not is_wrong
    for holder in (mine, theirs):
        assert made.id in [each.id for each in list_imports(here.means, here.clerk, holder=holder, number=None, after="", limit=9)]
        with here.vault.context.database.read() as conn:
            found = store.list_imports_of_holders(conn, {here.means.contents.find_holder(*holder)}, limit=9)
        assert [each.id for each in found].count(made.id) == 1


def test_the_same_file_again_takes_over_nothing_twice(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS_PER_WRITE", 2)
    lines = [GOOD.format(identifier="", number=f"再{number}") for number in range(3)]
    first = import_licences(here.means, here.clerk, rows(*lines, lines[0]))
    assert (first.rows, first.taken_over, first.skipped) == (4, 3, 1)
    again = import_licences(here.means, here.clerk, rows(*lines))
    assert (again.taken_over, again.skipped, again.marked) == (0, 3, 0)


def test_what_was_issued_here_is_not_taken_over_beside_it(here: IssuingHere) -> None:
    issued = here.issue()
    data = find_licence(here.vault.context, here.means.contents, here.clerk, issued.id).data
    assert data is not None
    number = data.number
    lines = [GOOD.format(identifier="", number=each) for each in (number, "旧新")]
    report = import_licences(here.means, here.clerk, rows(*lines))
    assert (report.rows, report.taken_over, report.skipped, report.issued_here) == (2, 1, 1, 1)
    assert list_imports(here.means, here.clerk, holder=None, number=number, after="", limit=9) == []
    assert one(here, "旧新").marks.content is Mark.VALID

    again = import_licences(here.means, here.clerk, rows(*lines))
    assert (again.taken_over, again.skipped, again.issued_here) == (0, 2, 1)
    under_another = import_licences(here.means, here.clerk, rows(GOOD.format(identifier=data.identifier, number="旧号")))
    assert (under_another.taken_over, under_another.skipped, under_another.issued_here) == (0, 1, 1)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (rows("x,,,,,,,"), "FIELD_UNACCEPTABLE"),
        (rows(GOOD.format(identifier="x" * 200, number="旧长")), "FIELD_UNACCEPTABLE"),
        (rows(), "LICENCE_ROW_FILE_UNACCEPTABLE"),
        (rows("x", issuer_code=OTHER_ISSUER), "LICENCE_ISSUER_NOT_FOUND"),
        (rows("x", type_code=f"{AUTHORITY}123"), "LICENCE_TYPE_NOT_PUBLISHED"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(here: IssuingHere, file: BatchFile, expected: str) -> None:
    with pytest.raises(TrustError) as raised:
        import_licences(here.means, here.clerk, file)
    assert code(raised) == expected


def test_the_verdict_on_a_file_is_its_mark(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number="旧件")))
    content = b"PK\x03\x04 sealed elsewhere"
    content += MARK + hmac_sm3(KEY, content).hex().encode()
    monkeypatch.setattr("tests.fakes.sealer.attachments_in", lambda _: {})
    attached = attach_file(here.means, here.clerk, one(here, "旧件").id, content)
    assert (attached.marks.seal, attached.file_form) == (Mark.VALID, "ofd")
    assert find_import(here.means, here.clerk, attached.id)[0] == attached
    with here.vault.context.database.read() as conn:
        assert find_entries(conn, subject=f"licence-import:{attached.id}", limit=1)[0].facts["seal"] == "valid"
    assert b"sealed elsewhere" not in here.vault.context.blobs.get(str(attached.file_blob))


@pytest.mark.parametrize(("sealer", "mark"), [("另一机构", Mark.INVALID), (None, Mark.INDETERMINATE)], ids=["another's", "unknown"])
def test_attack_a_good_seal_of_somebody_else_is_no_good_mark(
    here: IssuingHere, monkeypatch: pytest.MonkeyPatch, sealer: str | None, mark: Mark
) -> None:
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number=f"旧件{mark}")))
    content = b"PK\x03\x04 sealed elsewhere"
    content += MARK + hmac_sm3(KEY, content).hex().encode()
    monkeypatch.setattr("tests.fakes.sealer.attachments_in", lambda _: {})
    means = replace(here.means, seals=replace(here.means.need_seals(), judge=FakeJudge(sealer)))
    assert attach_file(means, here.clerk, one(here, f"旧件{mark}").id, content).marks.seal is mark


def test_attack_a_good_seal_over_another_licence_is_no_good_mark(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    record = here.issue(forms=("ofd",))
    view = find_licence(here.vault.context, here.means.contents, here.clerk, record.id)
    assert view.data is not None
    content = read_licence_file(here.vault.context, here.means.contents, here.clerk, record.id, "ofd")
    lines = {
        "own": GOOD.format(identifier=record.identifier, number="旧本件"),
        "of another identifier": GOOD.format(identifier=numbered("valid"), number="旧他件"),
        "of its number": GOOD.format(identifier="", number=view.data.number),
        "of another number": GOOD.format(identifier="", number="旧另件"),
    }
    with monkeypatch.context() as elsewhere:  # the file is of another house's licence, whose number nobody has here
        elsewhere.setattr(store, "is_printed_number_taken", lambda *_, **__: False)
        elsewhere.setattr(store, "load_licence_of_identifier", lambda *_: None)
        import_licences(here.means, here.clerk, rows(*lines.values()))
    means = replace(here.means, seals=replace(here.means.need_seals(), judge=FakeJudge(view.data.issuer.name)))
    marks = {name: attach_file(means, here.clerk, one(here, line.split(",")[1]).id, content).marks.seal for name, line in lines.items()}
    good, bad = Mark.VALID, Mark.INVALID
    assert marks == {"own": good, "of another identifier": bad, "of its number": good, "of another number": bad}


def test_attack_a_file_with_licence_data_that_nobody_can_read_is_no_good_mark(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number="旧乱件")))
    content = b"PK\x03\x04 sealed elsewhere"
    content += MARK + hmac_sm3(KEY, content).hex().encode()
    monkeypatch.setattr("tests.fakes.sealer.attachments_in", lambda _: {ORIGINAL_NAME: b"{}"})
    assert attach_file(here.means, here.clerk, one(here, "旧乱件").id, content).marks.seal is Mark.INVALID


def test_a_file_without_a_seal_has_nothing_to_verify(here: IssuingHere) -> None:
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number="旧无章")))
    assert attach_file(here.means, here.clerk, one(here, "旧无章").id, b"%PDF-1.4 plain").marks.seal is Mark.ABSENT
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("旧无章.pdf", b"%PDF-1.4 plain")
    for other in (b"GIF89a", archive.getvalue()):
        with pytest.raises(TrustError) as raised:
            attach_file(here.means, here.clerk, one(here, "旧无章").id, other)
        assert code(raised) == "FIELD_UNACCEPTABLE"


def test_imported_licences_of_others_do_not_exist(here: IssuingHere) -> None:
    import_licences(here.means, here.clerk, rows(GOOD.format(identifier="", number="旧他")))
    imported, cells = find_import(here.means, here.clerk, one(here, "旧他").id)
    assert cells["holder_name"] == "张三（示例）"
    asked: list[Any] = [
        lambda: find_import(here.means, here.stranger, imported.id),
        lambda: attach_file(here.means, here.stranger, imported.id, b"%PDF"),
        lambda: find_import(here.means, here.clerk, "li_000000000000000000000000"),
    ]
    for ask in asked:
        with pytest.raises(TrustError) as raised:
            ask()
        assert code(raised) == "LICENCE_IMPORT_NOT_FOUND"
    assert list_imports(here.means, here.stranger, holder=None, number="旧他", after="", limit=9) == []
