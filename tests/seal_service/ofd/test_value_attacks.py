"""Attacks on descriptions, values and lists of signatures, by name. None is ever valid, and what gives it away is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from seal_service.ofd import listing
from seal_service.ofd import verify as verify_module
from standards.gbt33190_ofd import container as container_module
from standards.gbt33190_ofd import signatures as signatures_module
from tests.seal_service.ofd import signed_forms
from tests.seal_service.ofd.documents import (
    EVIL,
    LIST,
    PAGE,
    SEAL,
    SIGNATURE,
    VALUE,
    Signing,
    cms_value,
    codes,
    entries,
    list_of,
    pki,
    replaced,
    seal_der,
    sealed,
    ses_value,
    sign,
    steps_of,
    verify,
    with_doctype,
)
from tests.standards.gbt33190_ofd.archives import archive, pack
from tests.standards.gbt33190_ofd.parts import PNG, body, entry, part, plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_ENTRY = Signing(leave_out=("OFD.xml",))


def test_swapped_seal_file() -> None:
    """Readers draw the separate seal; the value holds another one."""
    open_seal = Signing(leave_out=(SEAL,))
    report = verify(replaced(SEAL, lambda _: seal_der("另一单位"), open_seal))
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"SEAL_FILE_MISMATCH"}
    sound = entries(sign(plain_files(), open_seal))
    for each in sound:
        each.checksum = 1 if each.name == SEAL else None
    assert codes(verify(archive(sound)), "fail") == {"SEAL_FILE_MISMATCH"}


def test_moved_signature_description() -> None:
    """The same signature at another place, where its relative locations mean other files."""
    files = sealed()
    for name in (SIGNATURE, VALUE):
        files[name.replace("Sign_0", "Sign_9")] = files.pop(name)
    files[LIST] = list_of([Signing(index=9)])
    report = verify(files)
    assert report.verdict is not Verdict.VALID
    assert "OFD_PROPERTY_DISAGREES" in codes(report, "not-checked")


def test_changed_description() -> None:
    report = verify(replaced(SIGNATURE, lambda data: data.replace(b'Boundary="50 50', b'Boundary="90 90')))
    (only,) = report.signatures
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert (only.cryptographically_valid, only.document_intact) == (False, False)
    assert codes(report, "fail") == {"DATA_HASH_BAD"}


def test_changed_page_with_new_digests() -> None:
    """The forger computes all digests anew; the value shows that another description was sealed."""
    honest = sealed()
    files = plain_files()
    files[PAGE] = EVIL
    forged = sign(files, Signing(value=lambda _, __: honest[VALUE]))
    report = verify(forged)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert codes(report, "fail") == {"DATA_HASH_BAD"}


@pytest.mark.parametrize(
    "value",
    [
        signed_forms.form_a,
        signed_forms.form_c,
        signed_forms.form_attached,
        signed_forms.form_detached,
        lambda original, _: cms_value(original),
        lambda original, _: cms_value(original, content=original),
    ],
    ids=["a", "c", "attached", "detached", "b", "b-inside"],
)
def test_type_sign_over_another_description(value: Callable[[bytes, str], bytes]) -> None:
    report = verify(sealed(kind="Sign", with_seal_file=False, value=lambda original, path: value(original + b" ", path)))
    (only,) = report.signatures
    assert report.verdict is Verdict.INVALID
    assert only.cryptographically_valid is not True or only.document_intact is False
    assert codes(report, "fail") & {"DATA_HASH_BAD", "CMS_DIGEST_MISMATCH", "SIG_VALUE_BAD"}


def test_a_forged_value_proves_nothing_about_the_document() -> None:
    def broken(original: bytes, path: str) -> bytes:
        value = ses_value(original, path)
        return value[:-1] + bytes([value[-1] ^ 1])

    report = verify(sealed(value=broken))
    (only,) = report.signatures
    assert (report.verdict, report.tampered) == (Verdict.INVALID, None)
    assert (only.cryptographically_valid, only.document_intact) == (False, None)


def test_the_value_of_another_document() -> None:
    other = {**plain_files(), "Doc_0/Res/p.png": PNG + b"2"}
    report = verify({**sealed(), VALUE: sign(other, Signing())[VALUE]})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


@pytest.mark.parametrize("value", [b"", b"junk", seal_der(), b"\x30\x03\x02\x01\x01", bytes(65)])
def test_values_that_are_none(value: bytes) -> None:
    report = verify(sealed(value=lambda _, __: value))
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"SIGNED_VALUE_UNREADABLE"}
    assert (report.signatures[0].kind, report.signatures[0].cryptographically_valid) == ("ofd-seal", None)


@pytest.mark.parametrize("cut", [20, 200, 800])
def test_truncated_values(cut: int) -> None:
    for kind, value in (("Seal", ses_value), ("Sign", signed_forms.form_a)):
        report = verify(sealed(kind=kind, value=lambda original, path, make=value: make(original, path)[:cut]))
        assert report.verdict is Verdict.INVALID
        assert codes(report, "fail") <= {"SES_MALFORMED", "CMS_MALFORMED", "SIGNED_VALUE_UNREADABLE"}


def test_a_missing_value() -> None:
    files = sealed()
    del files[VALUE]
    report = verify(files)
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"SIGNED_VALUE_MISSING"}
    nameless = Signing(value_name="other", edit=lambda data: data[: data.index(b"<o:SignedValue>")] + b"</o:Signature>")
    assert codes(verify(sign(plain_files(), nameless)), "fail") == {"SIGNED_VALUE_MISSING"}


def test_a_value_that_cannot_be_unpacked() -> None:
    sound = entries(sealed())
    for each in sound:
        each.checksum = 1 if each.name == VALUE else None
    assert codes(verify(archive(sound)), "fail") == {"SIGNED_VALUE_UNREADABLE"}


def test_a_missing_description() -> None:
    files = sealed()
    del files[SIGNATURE]
    report = verify(files)
    assert (report.verdict, report.signatures[0].name) == (Verdict.INVALID, f"/{SIGNATURE}")
    assert codes(report, "fail") == {"REF_MISSING"}


@pytest.mark.parametrize("location", ["../../../etc/passwd", "", "http://127.0.0.1/s.xml", "Sign_0\\Signature.xml"])
def test_descriptions_outside_the_package(location: str) -> None:
    report = verify({**sealed(), LIST: part("Signatures", f'<o:Signature BaseLoc="{location}"/>')})
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"BAD_PATH"}


@pytest.mark.parametrize("data", [b"<broken", part("Other"), part("Signature", "<o:SignedInfo/><o:SignedInfo/>")])
def test_descriptions_that_cannot_be_read(data: bytes) -> None:
    """The value beside it shows that another description was sealed."""
    report = verify({**sealed(), SIGNATURE: data})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert codes(report, "fail") == {"OFD_SIGNATURE_UNREADABLE", "DATA_HASH_BAD"}
    without_value = {**sealed(value_name="other.dat"), SIGNATURE: data}
    report = verify(without_value)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, None)
    assert codes(report, "fail") == {"OFD_SIGNATURE_UNREADABLE"}


def test_a_description_over_the_limits_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures_module, "MAX_REFERENCES", 3)
    report = verify(sealed())
    assert report.verdict is Verdict.INDETERMINATE
    assert codes(report, "not-checked") == {"OFD_SIGNATURE_UNREADABLE"}


def test_references_that_lead_out_or_nowhere() -> None:
    for location, code in (("../../../../etc/passwd", "BAD_PATH"), ("/Doc_0/none.xml", "REF_MISSING")):
        report = verify(sealed(edit=lambda data, to=location: data.replace(b"/Doc_0/Res/p.png", to.encode())))
        assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
        assert code in codes(report, "fail")


def test_references_without_a_digest() -> None:
    report = verify(sealed(edit=lambda data: data.replace(b"<o:CheckValue>", b"<o:CheckValue>?", 1)))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert [step.facts["reason"] for step in steps_of(report, "fail")] == ["check-value"]


def test_a_signature_that_protects_nothing() -> None:
    report = verify(sealed(leave_out=(*plain_files(), SEAL)))
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert report.signatures[0].document_intact is None
    assert {"REF_NONE", "UNPROTECTED_REACHABLE"} == codes(report, "not-checked")


def test_a_protected_file_whose_checksum_lies() -> None:
    sound = entries(sealed())
    for each in sound:
        each.checksum = 1 if each.name == "Doc_0/Res/p.png" else None
    report = verify(archive(sound))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert [(step.code, step.facts["reason"]) for step in steps_of(report, "fail")] == [("REF_HASH_BAD", "checksum")]


def test_a_protected_file_over_the_limits_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**plain_files(), "Doc_0/Res/p.png": bytes(1 << 16)}
    data = pack(sign(files, Signing(), Signing(index=1)))
    monkeypatch.setattr(container_module, "MAX_ENTRY_BYTES", 1 << 15)
    report = verify(data)
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert codes(report, "not-checked") == {"REF_NOT_CHECKED"}


def test_a_removed_signature() -> None:
    """The second signature shows that the first was there."""
    files = sign(plain_files(), Signing(), Signing(index=1))
    files[LIST] = list_of([Signing(index=1)])
    report = verify(files)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert [(step.code, step.facts["path"]) for step in steps_of(report, "fail")] == [("OFD_SIGNATURE_REMOVED", SIGNATURE)]


def test_a_signature_that_is_not_listed_is_said() -> None:
    files = sign(plain_files(), Signing(), Signing(index=1))
    files[LIST] = list_of([Signing()])
    report = verify(files)
    assert report.verdict is Verdict.VALID
    assert "OFD_SIGNATURE_UNLISTED" in codes(report, "warn")


def test_files_that_nobody_uses_are_said() -> None:
    report = verify({**sealed(), "Doc_0/evil.xml": EVIL})
    assert report.verdict is Verdict.VALID
    assert [(step.outcome.value, step.code, step.facts["path"]) for step in report.steps] == [
        ("warn", "UNPROTECTED_UNREFERENCED", "Doc_0/evil.xml")
    ]


def test_a_signature_listed_twice_is_verified_once() -> None:
    report = verify({**sealed(), LIST: list_of([Signing(), Signing()])})
    assert (report.verdict, len(report.signatures)) == (Verdict.VALID, 1)
    assert "OFD_SIGNATURE_REPEATED" in codes(report, "warn")


def test_more_signatures_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_SIGNATURES", 1)
    report = verify(sign(plain_files(), Signing(), Signing(index=1)))
    assert (report.verdict, len(report.signatures)) == (Verdict.INDETERMINATE, 1)
    assert "OFD_TOO_MANY_SIGNATURES" in codes(report, "not-checked")


@pytest.mark.parametrize("data", [b"<broken", part("Other"), part("Signatures"), None])
def test_lists_that_were_emptied_or_broken(data: bytes | None) -> None:
    """The signatures are still there: they are examined, and the document is never valid; a locked one was changed."""
    for lock in (False, True):
        files = sealed(lock=lock)
        if data is None:
            del files[LIST]
        else:
            files[LIST] = data
        report = verify(files)
        assert [signature.name for signature in report.signatures] == [SIGNATURE]
        assert "OFD_SIGNATURE_UNLISTED" in codes(report, "not-checked")
        assert report.verdict is (Verdict.INVALID if lock else Verdict.INDETERMINATE)
        assert report.tampered is lock


@pytest.mark.parametrize("data", [b"<broken", part("Other"), with_doctype(entry(), "<!DOCTYPE a>"), entry("")])
def test_an_entry_that_was_broken(data: bytes) -> None:
    """Nothing can be shown of the document, and its seal tells that OFD.xml was another."""
    report = verify({**sealed(), "OFD.xml": data})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert "REF_HASH_BAD" in codes(report, "fail")
    report = verify({**sign(plain_files(), OPEN_ENTRY), "OFD.xml": data})
    assert report.verdict is not Verdict.VALID


def test_a_lock_that_was_taken_off_the_list() -> None:
    files = sealed(lock=True)
    files = {**files, **{name: data for name, data in sign(files, Signing(), Signing(index=1)).items() if "Sign_1" in name}}
    files[LIST] = list_of([Signing(index=1)])
    report = verify(files)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert {"REF_HASH_BAD", "OFD_LOCK_BROKEN"} <= codes(report, "fail")


def test_a_list_beside_another_that_cannot_be_read() -> None:
    """What it lists, other readers may show; the signature on the other list is sound and does not say so."""
    files = sign(plain_files(), Signing(leave_out=("OFD.xml",)))
    for broken in (part("Other"), b"<broken"):
        entered = entry(body(signatures=f"/{LIST}") + body(signatures="/Doc_0/Other.xml"))
        report = verify({**files, "OFD.xml": entered, "Doc_0/Other.xml": broken})
        assert (report.verdict, [each.verdict for each in report.signatures]) == (Verdict.INDETERMINATE, [Verdict.VALID])
        assert codes(report, "not-checked") <= {"OFD_SIGNATURES_UNREADABLE", "OFD_PART_UNREADABLE"}


def test_a_signature_in_another_namespace_counts() -> None:
    """A reader that ignores namespaces shows it, so its failure must be seen."""
    evil = f'<o:Signature ID="1" Type="Seal" BaseLoc="/{SIGNATURE}"/><e:Signature xmlns:e="urn:e" ID="2" BaseLoc="/none.xml"/>'
    report = verify({**sealed(), LIST: part("Signatures", evil)})
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"REF_MISSING"}


def test_encrypted_documents_are_undecided() -> None:
    report = verify(sign({**plain_files(), "Encryptions.xml": part("Encryptions")}, Signing()))
    assert report.verdict is Verdict.INDETERMINATE
    assert "OFD_ENCRYPTED" in codes(report, "not-checked")


@pytest.mark.parametrize("data", [b"", b"PK", b"not an archive", b"PK\5\6" + bytes(18), pack({"a": b""}), pack({"OFD.xml": b"<a"})])
def test_what_is_no_document_at_all(data: bytes) -> None:
    report = verify(data)
    assert (report.verdict, report.tampered, report.signatures) == (Verdict.INDETERMINATE, None, ())
    assert codes(report) == {"OFD_UNREADABLE"}


def test_unknown_trouble_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(verify_module, "Container", broken)
    report = verify(b"")
    assert report.verdict is Verdict.INDETERMINATE
    assert report.steps[0].facts == {"reason": "RecursionError"}


def test_a_signer_that_is_not_in_the_seal() -> None:
    """A certificate of the same authority, put in the place of the one the seal was made for."""
    from crypto.sm3 import sm3
    from standards.gbt38540_seal.write import write_seal_signature, write_to_be_signed
    from tests.seal_service.ofd.documents import SIGNED_AT

    def other_signer(original: bytes, path: str) -> bytes:
        to_be_signed = write_to_be_signed(
            version=4, seal_der=seal_der(), time_info_at=SIGNED_AT, data_hash=sm3(original), property_info=path, extensions=()
        )
        return write_seal_signature(to_be_signed, pki().maker.der, pki().maker_signer.sign(to_be_signed), time_stamp_der=None)

    report = verify(sealed(value=other_signer))
    assert report.verdict is Verdict.INVALID
    assert "SIGNER_NOT_IN_SEAL" in codes(report, "fail")
    assert report.signatures[0].cryptographically_valid is False
