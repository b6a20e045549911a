"""Certifications and locks: DocMDP levels, FieldMDP and field locks, second and late certifications, attacks on certified files."""

from __future__ import annotations

import pytest
from pyhanko.sign import fields
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec

from crypto.report import Verdict
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.permissions import FieldLock, Permissions, read_permissions
from seal_service.pdf.syntax import Ref
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.pyhanko_signing import add_timestamp, judge, original, prepare, sign
from tests.seal_service.pdf.tampering import append, changed, failures, form_document, top, undecided, warnings

pytestmark = pytest.mark.filterwarnings("ignore")  # pyHanko's own deprecations
BOX = (100, 10, 190, 60)


def certified(level: MDPPerm, data: bytes | None = None) -> bytes:
    return sign(original() if data is None else data, "Cert", certify=True, docmdp_permissions=level)


@pytest.mark.clause("ISO 32000-1 12.8.2.2")
@pytest.mark.parametrize("level", list(MDPPerm))
def test_a_certified_file_is_valid_and_takes_a_timestamp(level: MDPPerm) -> None:
    data = certified(level)
    assert judge(data).verdict is Verdict.VALID
    report = judge(add_timestamp(data))
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)


@pytest.mark.parametrize("box", [None, BOX])
def test_nothing_is_signed_behind_a_final_certification(box: tuple[int, int, int, int] | None) -> None:
    report = judge(sign(certified(MDPPerm.NO_CHANGES), "B", by="bob", box=box, force=True))
    assert failures(report, "Cert") == {"PDF_DOCMDP_VIOLATED"}
    assert report.tampered is True


def test_what_one_signer_forbids_binds_whoever_signs_after_him() -> None:
    """Who signs a certified document signs its restrictions with it: his signature falls with the other."""
    data = certified(MDPPerm.FILL_FORMS, prepare(original(), SigFieldSpec("B", box=BOX)))
    report = judge(sign(sign(data, "B", by="bob"), "C", box=(300, 10, 390, 60), force=True))
    assert {name: failures(report, name) for name in ("Cert", "B", "C")} == {
        "Cert": {"PDF_DOCMDP_VIOLATED"},
        "B": {"PDF_DOCMDP_VIOLATED"},
        "C": set(),
    }


def test_a_prepared_field_is_not_signed_behind_a_final_certification() -> None:
    data = certified(MDPPerm.NO_CHANGES, prepare(original(), SigFieldSpec("B", box=BOX)))
    report = judge(sign(data, "B", by="bob", force=True))
    assert failures(report, "Cert") == {"PDF_DOCMDP_VIOLATED"}


def test_a_prepared_field_is_signed_behind_a_certification_that_allows_it() -> None:
    data = certified(MDPPerm.FILL_FORMS, prepare(original(), SigFieldSpec("B", box=BOX)))
    report = judge(sign(data, "B", by="bob"))
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)


@pytest.mark.parametrize(
    ("level", "box", "allowed"),
    [(MDPPerm.FILL_FORMS, BOX, False), (MDPPerm.FILL_FORMS, None, True), (MDPPerm.ANNOTATE, BOX, True), (MDPPerm.ANNOTATE, None, True)],
)
def test_new_fields_behind_a_certification(level: MDPPerm, box: tuple[int, int, int, int] | None, allowed: bool) -> None:
    report = judge(sign(certified(level), "B", by="bob", box=box, force=True))
    assert (failures(report, "Cert") == set()) is allowed
    assert (report.verdict is Verdict.VALID) is allowed


@pytest.mark.parametrize("level", list(MDPPerm))
def test_annotations_over_a_certified_page_are_never_allowed(level: MDPPerm) -> None:
    """Evil annotation attack: even where P is 3 the page no longer looks as it was certified."""
    data = certified(level, form_document())
    number = top(data)
    note = b"<</Type/Annot/Subtype/FreeText/Rect[50 690 200 720]/Contents(Pay 900)/P 3 0 R>>"
    report = judge(append(data, {**changed(data, 3, (b"/Annots [", b"/Annots [%d 0 R " % number)), number: note}))
    assert "PDF_ANNOTATION_CHANGED" in failures(report)
    assert report.tampered is True


def test_filling_in_is_undecided_where_the_certification_allows_it() -> None:
    for level, permitted in ((MDPPerm.NO_CHANGES, False), (MDPPerm.FILL_FORMS, True), (MDPPerm.ANNOTATE, True)):
        data = certified(level, form_document())
        report = judge(append(data, changed(data, 10, (b"(100)", b"(900)"))))
        assert ("PDF_FORM_FILLED" in undecided(report)) is permitted
        assert ("PDF_FORM_FILLED" in failures(report)) is not permitted
        assert report.verdict is (Verdict.INDETERMINATE if permitted else Verdict.INVALID)
        assert report.tampered is (None if permitted else True)


def test_another_page_behind_a_certification_is_refused() -> None:
    data = certified(MDPPerm.ANNOTATE, form_document())
    assert failures(judge(append(data, {2: b"<</Type/Pages/Kids[]/Count 0>>"}))) >= {"PDF_PAGE_COUNT_CHANGED"}


def test_a_second_certification_is_refused() -> None:
    data = sign(certified(MDPPerm.ANNOTATE), "Again", by="bob", certify=True, docmdp_permissions=MDPPerm.ANNOTATE, force=True)
    report = judge(data)
    assert "PDF_CERTIFICATION_SECOND" in failures(report, "Again")
    assert "PDF_CATALOG_CHANGED" in failures(report, "Cert")


def test_a_certification_comes_first() -> None:
    data = sign(sign(original(), "A"), "Late", by="bob", certify=True, docmdp_permissions=MDPPerm.FILL_FORMS, force=True)
    report = judge(data)
    assert failures(report) == {"PDF_CERTIFICATION_NOT_FIRST"}
    assert report.tampered is False


def test_a_certification_that_the_catalog_does_not_name_is_said_so() -> None:
    data = certified(MDPPerm.FILL_FORMS)
    report = judge(append(data, changed(data, PdfDocument.open(data).trailer["Root"].number, (b"/Perms", b"/Qerms"))))  # type: ignore[attr-defined]
    assert "PDF_CERTIFICATION_UNREFERENCED" in warnings(report)
    assert report.tampered is True


def _locking(spec: FieldMDPSpec, more: SigFieldSpec | None = None) -> bytes:
    first = SigFieldSpec("A", box=(10, 10, 90, 60), field_mdp_spec=spec)
    return sign(prepare(form_document(), first, *([more] if more else [])), "A")


@pytest.mark.clause("ISO 32000-1 12.8.2.4")
@pytest.mark.parametrize(
    ("action", "names", "locked"),
    [
        (FieldMDPAction.ALL, None, True),
        (FieldMDPAction.INCLUDE, ["B"], True),
        (FieldMDPAction.INCLUDE, ["C"], False),
        (FieldMDPAction.EXCLUDE, ["B"], False),
        (FieldMDPAction.EXCLUDE, ["C"], True),
    ],
)
def test_field_locks_are_honoured(action: FieldMDPAction, names: list[str] | None, locked: bool) -> None:
    spec = FieldMDPSpec(action, names)
    for data in (_locking(spec), _locking(spec, SigFieldSpec("B", box=BOX))):
        assert judge(data).verdict is Verdict.VALID
        report = judge(sign(data, "B", by="bob", box=BOX if b"(B)" not in data else None, force=True))
        assert ("PDF_FIELD_LOCKED" in failures(report, "A")) is locked
        assert report.tampered is locked


def test_a_locked_form_field_is_named_as_locked() -> None:
    data = _locking(FieldMDPSpec(FieldMDPAction.INCLUDE, ["amount"]))
    assert failures(judge(append(data, changed(data, 10, (b"(100)", b"(900)"))))) == {"PDF_FIELD_LOCKED"}


def filled_around_a_lock(*, is_locked_one_changed: bool) -> bytes:
    """A form certified for filling in, with one field locked: more fields filled in than a report lists, and behind them the locked one."""
    numbers = range(20, 62)
    fields_then = {f"_{number}": b"<</FT/Tx/T(f%d)/V(100)>>" % number for number in numbers}
    listed = b" ".join(b"%d 0 R" % number for number in (10, 11, *numbers))
    form = form_document(_5=b"<</Fields[" + listed + b"]/SigFlags 1/DR<</Font<</Helv 15 0 R>>>>/DA(/Helv 0 Tf 0 g)>>", **fields_then)
    lock = SigFieldSpec("A", box=(10, 10, 90, 60), field_mdp_spec=FieldMDPSpec(FieldMDPAction.INCLUDE, ["f61"]))
    data = sign(prepare(form, lock), "A", certify=True, docmdp_permissions=MDPPerm.FILL_FORMS)
    return append(data, {number: b"<</FT/Tx/T(f%d)/V(900)>>" % number for number in numbers if number < 61 or is_locked_one_changed})


def test_attack_fields_filled_in_without_number_hide_no_locked_one() -> None:
    report = judge(filled_around_a_lock(is_locked_one_changed=True))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert failures(report) == {"PDF_FIELD_LOCKED"}
    allowed = judge(filled_around_a_lock(is_locked_one_changed=False))
    assert (allowed.verdict, allowed.tampered) == (Verdict.INDETERMINATE, None)


def test_locks_cover_names_and_what_is_below_them() -> None:
    lock = FieldLock("Include", frozenset({"a", "b.c"}))
    assert [lock.covers(name) for name in ("a", "a.x", "b", "b.c", "b.c.d", "ab")] == [True, True, False, True, True, False]
    assert FieldLock("Exclude", frozenset({"a"})).covers("b")
    assert FieldLock("All", frozenset()).covers("")
    assert Permissions(2).together(Permissions(1, is_certification=True)).level == 1


def test_what_is_not_known_counts_as_the_strictest() -> None:
    objects = page_objects() | {
        5: b"<</Reference[<</TransformMethod/DocMDP/TransformParams<</P 9>>>><</TransformMethod/FieldMDP/TransformParams<</Action/Odd>>>>"
        b"<</TransformMethod/UR3>>7]>>",
        6: b"<</Lock<</Type/SigFieldLock/Action/Include/Fields[(x)3]/P 2>>>>",
    }
    document = PdfDocument.open(build(objects))
    found = read_permissions(document, document.get(Ref(5)), document.get(Ref(6)))  # type: ignore[arg-type]
    assert found.level == 1
    assert found.is_certification
    assert {lock.action for lock in found.locks} == {"All", "Include"}
    assert fields is not None


def test_what_is_too_long_to_be_read_counts_as_the_strictest() -> None:
    """A lock, or a certification, that stands behind what is read at most must not be passed over."""
    names = b"(x)" * 10_001
    objects = page_objects() | {
        5: b"<</Reference[" + b"<<>>" * 16 + b"<</TransformMethod/DocMDP/TransformParams<</P 1>>>>]>>",
        6: b"<</Lock<</Type/SigFieldLock/Action/Include/Fields[" + names + b"(amount)]>>>>",
        7: b"<</Lock<</Type/SigFieldLock/Action/Include>>>>",
        8: b"<</Lock<</Type/SigFieldLock/Action/Include/Fields[(x)]>>>>",
    }
    document = PdfDocument.open(build(objects))
    value, long, nameless, short = (document.get(Ref(number)) for number in (5, 6, 7, 8))
    many = read_permissions(document, value, {})  # type: ignore[arg-type]
    assert (many.level, many.is_locked("amount")) == (1, True)
    for lock, expected in ((long, True), (nameless, True), (short, False)):
        assert read_permissions(document, {}, lock).is_locked("amount") is expected  # type: ignore[arg-type]
