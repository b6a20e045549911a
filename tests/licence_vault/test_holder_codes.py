"""A holder is found however the number of his document is typed: a passport as people type it, the X of an identity number small, digits wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.export_subject import export_subject
from licence_vault.actions.find_licences import LicenceWish, list_licences
from licence_vault.actions.find_own_licences import list_own_licences
from licence_vault.actions.import_licences import import_licences, list_imports
from licence_vault.content_vault import ContentVault
from licence_vault.model import Holder
from licence_vault.row_files import RowForm
from standards.errors import TrustError
from tests.licence_vault.issuing_here import ISSUER, caller
from tests.licence_vault.type_files import TYPE
from tests.licence_vault.using_here import UsingHere

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = caller("cl_admin")
VAULT = ContentVault(bytes(32))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("codes") / "d") as using:
        yield using


@pytest.mark.parametrize(
    ("code_type", "typed", "printed", "is_same"),
    [
        ("414", "e12345678", "E12345678", True),
        ("516", "ｈ１２３４５６７８", "H12345678", True),
        ("111", "11010519491231002x", "11010519491231002X", True),
        ("001", "91150700ma0n000012", "91150700MA0N000012", True),
        ("114", "军字第ab１号", "军字第AB1号", True),
        ("999", "ab1", "AB1", False),  # whose small letters may be others
        ("414", "ı12345678", "I12345678", False),  # what Unicode makes capitals of would let two numbers be one
        ("414", "E12345678", "E12345679", False),
    ],
)
def test_a_code_is_one_in_every_spelling_of_it(code_type: str, typed: str, printed: str, is_same: bool) -> None:
    assert (VAULT.find_holder(code_type, typed) == VAULT.find_holder(code_type, printed)) is is_same
    assert VAULT.find_holder(code_type, printed) in VAULT.find_holder_as_typed(code_type, printed)
    assert (VAULT.find_holder(code_type, printed) in VAULT.find_holder_as_typed(code_type, typed)) is is_same


@pytest.mark.parametrize("code", ["e40000001", "Ｅ40000001", "E４0000001"])
def test_a_licence_has_the_number_as_the_document_has_it(here: UsingHere, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        here.issue(Holder("示例", code, "414"))
    assert refused.value.facts["place"] == "holders[0].code"
    assert refused.value.facts["rule"] == "in capital letters and plain digits, as the document has it"
    with pytest.raises(TrustError, match="each holder once"):
        here.issuing.issue(holders=(Holder("示例", "E40000001", "414"), Holder("示例", "E40000001", "414")))


def test_he_finds_what_he_holds_and_so_does_who_types_it_otherwise(here: UsingHere) -> None:
    me = here.directory.sign_in("pe_41", ("414", "E41000001"))
    record = here.issue(Holder("示例", "E41000001", "414"))
    assert [each.record.id for each in list_own_licences(here.desk, me, before=None, limit=9)] == [record.id]
    for typed in ("e41000001", "E41000001", "Ｅ41000001"):
        parts = list(export_subject(here.desk, ADMIN, ("414", typed), reason="本人申请"))
        assert parts[0]["id"] == record.id
        wish = LicenceWish(holder=("414", typed))
        found = list_licences(here.desk.context, here.desk.contents, here.issuing.clerk, wish, after="", limit=9)
        assert [each.id for each in found] == [record.id]


def test_rows_of_older_repositories_are_found_by_the_right_number(here: UsingHere) -> None:
    head = "证照编号,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
    row = "旧小写,示例,11010519491231002x,111,2020-01-01,2024-12-31,示例路1号"
    import_licences(here.issuing.means, here.issuing.clerk, BatchFile(TYPE, ISSUER, ("pdf",), RowForm.CSV, f"{head}\n{row}".encode()))
    for typed in ("11010519491231002X", "11010519491231002x"):
        holder = ("111", typed)
        found = list_imports(here.issuing.means, here.issuing.clerk, holder=holder, number=None, after="", limit=9)
        assert len(found) == 1
        parts = list(export_subject(here.desk, ADMIN, holder, reason="本人申请"))
        assert [each["id"] for each in parts if each["kind"] == "imported"] == [found[0].id]


def test_rows_from_before_there_was_one_spelling_are_found_as_they_were(here: UsingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(ContentVault, "find_holder", lambda self, code_type, code: self._find_code(code_type, code))
        head = "证照编号,holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
        row = "旧如故,示例,e42000001,414,2020-01-01,2024-12-31,示例路1号"
        file = BatchFile(TYPE, ISSUER, ("pdf",), RowForm.CSV, f"{head}\n{row}".encode())
        import_licences(here.issuing.means, here.issuing.clerk, file)
    parts = list(export_subject(here.desk, ADMIN, ("414", "e42000001"), reason="本人申请"))
    assert [each["kind"] for each in parts if each["kind"] != "use"] == ["imported", "end"]


def test_nothing_is_exported_of_a_kind_of_code_that_there_is_not(here: UsingHere) -> None:
    """An empty export would say that nothing is held on him."""
    with pytest.raises(TrustError, match="code type of GB/T 36903"):
        export_subject(here.desk, ADMIN, ("112", "E1"), reason="本人申请")
