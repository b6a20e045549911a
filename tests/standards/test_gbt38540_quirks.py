"""Each habit of real files is read, and none silently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt7408_times import CHINA
from standards.gbt38540_seal.quirks import MAX_QUIRKS, Quirks, read_tolerant, time_in_text
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from tests.standards import gbt38540_forms as forms

if TYPE_CHECKING:
    from standards.gbt38540_seal.values import SealData, SealSignature

TOKEN = der.sequence(der.oid("1.2.840.113549.1.7.2"))
FORMAT = "GB/T 38540-2020 format"


def quirks_of(found: SealData | SealSignature) -> set[tuple[str, str]]:
    return {(quirk.code, quirk.where) for quirk in found.quirks}


def in_extension(critical: bytes, oid: bytes = der.oid("1.2.3")) -> SealData:
    return read_seal(forms.seal(forms.info(extensions=der.sequence(forms.extension(oid, critical)))))


@pytest.mark.clause(FORMAT)
def test_critical_written_out() -> None:
    """Pitfall 1: FALSE is written out, and the bytes that were signed stay as they are."""
    seal = in_extension(b"\x01\x01\x00")
    assert quirks_of(seal) == {("SES_ENCODING_NONDER", "SES_SealInfo.extDatas.critical")}
    assert (seal.extensions[0].critical, b"\x01\x01\x00" in seal.signed_bytes) == (False, True)
    odd = in_extension(b"\x01\x01\x01", der.oid("1.2.156.112600.7.2"))
    assert quirks_of(odd) == {("SES_ENCODING_NONDER", "SES_SealInfo.extDatas.critical")}
    assert odd.extensions[0].critical


@pytest.mark.clause(FORMAT)
def test_raw_numbers_as_signature_value() -> None:
    """Pitfall 2."""
    assert quirks_of(read_seal(forms.seal(value=der.bit_string(bytes(64))))) == {("SES_RAW_RS", "SESeal.signedValue")}
    assert quirks_of(read_seal_signature(forms.signature(value=der.bit_string(bytes(64))))) == {("SES_RAW_RS", "SES_Signature.signature")}


@pytest.mark.clause(FORMAT)
@pytest.mark.parametrize("alias", ["1.2.156.10197.501", "1.2.156.10197.1.301.1"])
def test_older_identifiers_of_the_algorithm(alias: str) -> None:
    """Pitfall 3."""
    seal = read_seal(forms.seal(algorithm=der.oid(alias)))
    assert (seal.signature_algorithm_oid, quirks_of(seal)) == (alias, {("SES_OID_ALIAS", "SESeal.signAlgID")})
    assert read_seal(forms.seal(algorithm=der.oid("1.2.3"))).quirks == ()  # not an alias: the verifier judges it


@pytest.mark.clause(FORMAT)
def test_identifiers_made_of_text() -> None:
    """Pitfall 4: the extension stays opaque."""
    text = in_extension(b"", der.tlv(der.OBJECT_IDENTIFIER, b"KINSEC"))
    assert text.extensions[0].oid == "1.35.73.78.83.69.67"
    assert quirks_of(text) == {("SES_ENCODING_NONDER", "SES_SealInfo.extDatas.extnID")}
    cut = in_extension(b"", der.tlv(der.OBJECT_IDENTIFIER, b"\x2a\x86"))
    assert cut.extensions[0].oid == "hex:2a86"
    assert quirks_of(cut) == {("SES_ENCODING_NONDER", "SES_SealInfo.extDatas.extnID")}


@pytest.mark.clause(FORMAT)
def test_unknown_critical_extensions() -> None:
    """Pitfall 5: of the seal and of what is signed."""
    seal = in_extension(der.boolean(True), der.oid("1.2.156.10197.6.7.2.2.1"))
    assert [(quirk.code, quirk.found) for quirk in seal.quirks] == [("SES_CRITICAL_EXT_UNKNOWN", "1.2.156.10197.6.7.2.2.1")]
    extensions = der.explicit(0, der.sequence(forms.extension(der.oid("1.3.6.1.5.5.7.1.4"), der.boolean(True))))
    found = read_seal_signature(forms.signature(forms.to_be_signed(extensions=extensions)))
    assert quirks_of(found) == {("SES_CRITICAL_EXT_UNKNOWN", "TBS_Sign.extDatas")}


TIMES = {
    "text": (der.bit_string(b"2026-06-01 20:00:00"), forms.SIGNED),
    "ISO text": (der.bit_string(b"2026-06-01T12:00:00.377Z"), forms.SIGNED),
    "ISO text with a zone": (der.bit_string(b"2026-06-01T20:00:00+08:00"), forms.SIGNED),
    "west of Greenwich": (der.bit_string(b"2026-06-01T07:00:00-0500"), forms.SIGNED),
    "slashes and padding": (der.bit_string(b"2026/06/01 20:00:00\x00"), forms.SIGNED),
    "UTCTime": (der.bit_string(der.utc_time(forms.SIGNED)), forms.SIGNED),
    "GeneralizedTime": (der.bit_string(der.generalized_time(forms.SIGNED)), forms.SIGNED),
    "text of UTCTime": (der.bit_string(b"260601120000Z"), forms.SIGNED),
    "text of UTCTime, last century": (der.bit_string(b"990601120000Z"), datetime(1999, 6, 1, 12, tzinfo=UTC)),
}


@pytest.mark.clause("GM/T 0031-2014 format")
@pytest.mark.parametrize("name", TIMES)
def test_times_of_version_1(name: str) -> None:
    """Pitfall 7."""
    node, expected = TIMES[name]
    found = read_seal_signature(forms.signature_v1(time=node))
    assert (found.time_info_at, found.time_info_token, found.quirks) == (expected, None, ())


@pytest.mark.clause("GM/T 0031-2014 format")
def test_a_token_or_nothing_readable_as_time_of_version_1() -> None:
    """Pitfall 7."""
    found = read_seal_signature(forms.signature_v1(time=der.bit_string(TOKEN)))
    assert (found.time_info_at, found.time_info_token, found.quirks) == (None, TOKEN, ())
    for content in (b"last Tuesday", b"", der.utf8_string("x"), b"2026-13-01 00:00:00", b"2026-06-01 20:00:00+99:99"):
        unread = read_seal_signature(forms.signature_v1(time=der.bit_string(content)))
        assert (unread.time_info_at, unread.time_info_token) == (None, None)
        assert quirks_of(unread) == {("SES_TIME_UNREADABLE", "TBS_Sign.timeInfo")}


@pytest.mark.clause("GM/T 0031-2014 format")
@pytest.mark.parametrize(
    ("bare", "time", "token"),
    [
        (der.utc_time(forms.SIGNED), forms.SIGNED, None),
        (TOKEN, None, TOKEN),
        (der.integer(5), None, None),
        (der.utf8_string("last Tuesday"), None, None),
    ],
    ids=["a time", "a token", "a number", "words"],
)
def test_times_of_version_1_without_their_bit_string(bare: bytes, time: datetime | None, token: bytes | None) -> None:
    found = read_seal_signature(forms.signature_v1(time=bare))
    assert (found.time_info_at, found.time_info_token) == (time, token)
    said = {code for code, where in quirks_of(found) if where == "TBS_Sign.timeInfo"}
    assert said == {"SES_TAG_VARIANT"} | ({"SES_TIME_UNREADABLE"} if time is None and token is None else set())


STAMPS = {
    "implicit bits": der.tlv(0x80, b"\x00" + TOKEN),
    "implicit octets": der.tlv(0x80, TOKEN),
    "explicit around octets": der.explicit(0, der.octet_string(TOKEN)),
    "explicit around the token": der.explicit(0, TOKEN),
    "bare bits": der.bit_string(TOKEN),
    "bare octets": der.octet_string(TOKEN),
    "bare token": TOKEN,
}


@pytest.mark.clause(FORMAT)
@pytest.mark.parametrize("name", STAMPS)
def test_variants_of_the_time_stamp(name: str) -> None:
    """Pitfall 9."""
    found = read_seal_signature(forms.signature(stamp=STAMPS[name]))
    assert found.time_stamp_der == TOKEN
    assert ("SES_TAG_VARIANT", "SES_Signature.timeStamp") in quirks_of(found)
    assert read_seal(forms.seal_v5(stamp=STAMPS[name])).time_stamp_der == TOKEN


@pytest.mark.clause(FORMAT)
@pytest.mark.parametrize("name", STAMPS)
def test_a_time_stamp_that_is_too_long_in_any_form(name: str) -> None:
    stretched = STAMPS[name].replace(TOKEN, b"")
    node = der.read_node(STAMPS[name])
    assert stretched != STAMPS[name]
    long_token = der.sequence(der.octet_string(bytes(70_000)))
    rebuilt = {
        0x80: der.tlv(0x80, long_token),
        0xA0: der.explicit(0, der.octet_string(long_token) if "octets" in name else long_token),
        0x03: der.bit_string(long_token),
        0x04: der.octet_string(long_token),
        0x30: long_token,
    }[node.tag]
    with pytest.raises(MalformedError):
        read_seal_signature(forms.signature(stamp=rebuilt))


@pytest.mark.clause(FORMAT)
def test_variants_of_the_extensions() -> None:
    """Pitfall 9: implicit, untagged, and in the seal tagged where nothing should stand."""
    one, two = forms.extension(), forms.extension(der.oid("1.2.4"))
    for encoded, count in (
        (der.explicit(0, one), 1),
        (der.explicit(0, one + two), 2),
        (der.sequence(one, two), 2),
        (der.explicit(0, b""), 0),
    ):
        found = read_seal_signature(forms.signature(forms.to_be_signed(extensions=encoded)))
        assert len(found.extensions) == count
        assert quirks_of(found) == {("SES_TAG_VARIANT", "TBS_Sign.extDatas")}
    for encoded, count in ((der.explicit(0, der.sequence(one, two)), 2), (der.explicit(0, der.sequence()), 0)):
        found = read_seal_signature(forms.signature(forms.to_be_signed(extensions=encoded)))
        assert (len(found.extensions), found.quirks) == (count, ())
    tagged = read_seal(forms.seal(forms.info(extensions=der.explicit(0, der.sequence(one)))))
    assert (len(tagged.extensions), quirks_of(tagged)) == (1, {("SES_TAG_VARIANT", "SES_SealInfo.extDatas")})
    implicit = read_seal(forms.seal(forms.info(extensions=der.explicit(0, one))))
    assert (len(implicit.extensions), quirks_of(implicit)) == (1, {("SES_TAG_VARIANT", "SES_SealInfo.extDatas")})
    assert read_seal(forms.seal_v1(extensions=der.explicit(0, der.sequence(one)))).quirks == ()
    assert read_seal(forms.seal_v1(extensions=der.sequence(one))).quirks == ()


@pytest.mark.clause(FORMAT)
def test_an_opaque_picture() -> None:
    """Pitfall 10: a picture may be a nested OFD with bytes before it."""
    seal = read_seal(forms.seal(forms.info(pict=forms.picture(kind=der.ia5_string("ofd"), data=der.octet_string(b"\x00\x00PK\x03\x04")))))
    assert (seal.picture.kind, seal.picture.data, seal.quirks) == ("ofd", b"\x00\x00PK\x03\x04", ())


@pytest.mark.clause(FORMAT)
def test_entries_of_the_list_that_are_no_certificates() -> None:
    """Pitfall 12."""
    entries = forms.listed(der.ia5_string("1"), der.octet_string(forms.CERTIFICATE), forms.CERTIFICATE, der.bit_string(forms.CERTIFICATE))
    seal = read_seal(forms.seal(forms.info(prop=forms.properties(entries=entries))))
    assert seal.property.certificates == (forms.CERTIFICATE,) * 3
    assert quirks_of(seal) == {
        ("SES_CERT_LIST_ENTRY_BAD", "SES_ESPropertyInfo.certList[0]"),
        ("SES_TAG_VARIANT", "SES_ESPropertyInfo.certList[2]"),
        ("SES_TAG_VARIANT", "SES_ESPropertyInfo.certList[3]"),
    }


@pytest.mark.clause(FORMAT)
def test_bits_and_octets_exchanged() -> None:
    """Pitfall 13."""
    tbs = forms.to_be_signed(time=der.octet_string(b"20260601120000Z"), data_hash=der.octet_string(bytes(32)))
    found = read_seal_signature(forms.signature(tbs, cert=forms.CERTIFICATE, value=der.octet_string(forms.VALUE)))
    assert quirks_of(found) == {
        ("SES_TAG_VARIANT", where) for where in ("TBS_Sign.timeInfo", "TBS_Sign.dataHash", "SES_Signature.cert", "SES_Signature.signature")
    }
    assert (found.time_info_at, found.data_hash, found.signature) == (forms.SIGNED, bytes(32), forms.VALUE)
    direct = read_seal_signature(forms.signature_v1(time=der.utc_time(forms.SIGNED)))
    assert (direct.time_info_at, quirks_of(direct)) == (forms.SIGNED, {("SES_TAG_VARIANT", "TBS_Sign.timeInfo")})


@pytest.mark.clause(FORMAT)
def test_kinds_of_time_are_free() -> None:
    """Pitfall 14: both kinds are accepted without a word; what neither is has to be told."""
    mixed = forms.properties(created=der.utc_time(forms.MADE), start=der.utc_time(forms.START))
    assert read_seal(forms.seal(forms.info(prop=mixed))).quirks == ()
    local = (forms.MADE + timedelta(hours=8)).strftime("%Y%m%d%H%M%S").encode()
    for node in (der.tlv(der.GENERALIZED_TIME, local), der.tlv(der.GENERALIZED_TIME, local + b"+0800")):
        seal = read_seal(forms.seal(forms.info(prop=forms.properties(created=node))))
        assert seal.property.created_at == forms.MADE
        assert quirks_of(seal) == {("SES_ENCODING_NONDER", "SES_ESPropertyInfo.createDate")}
    texts = read_seal(forms.seal(forms.info(prop=forms.properties(created=der.utf8_string("2026-01-02 11:04:05")))))
    assert texts.property.created_at == forms.MADE
    assert quirks_of(texts) == {("SES_TAG_VARIANT", "SES_ESPropertyInfo.createDate")}


@pytest.mark.clause(FORMAT)
def test_other_strings_and_character_sets() -> None:
    vid = forms.header(vid=der.utf8_string("厂商"))
    assert quirks_of(read_seal(forms.seal(forms.info(head=vid)))) == {("SES_TAG_VARIANT", "SES_Header.Vid")}
    for content, text in (("原文".encode(), "原文"), ("原文".encode("gb18030"), "原文"), (b"\xff\xff", "ÿÿ")):
        found = read_seal_signature(forms.signature(forms.to_be_signed(property_info=der.tlv(der.IA5_STRING, content))))
        assert (found.property_info, quirks_of(found)) == (text, {("SES_ENCODING_NONDER", "TBS_Sign.propertyInfo")})


@pytest.mark.clause(FORMAT)
@pytest.mark.parametrize(("tag", "codec"), [(der.BMP_STRING, "utf-16-be"), (der.UNIVERSAL_STRING, "utf-32-be")])
def test_strings_of_two_and_four_bytes_a_character(tag: int, codec: str) -> None:
    """What programs write that hand text over as their system has it in memory."""
    found = read_seal(forms.seal(forms.info(head=forms.header(vid=der.tlv(tag, "厂商".encode(codec))))))
    assert (found.vid, quirks_of(found)) == ("厂商", {("SES_TAG_VARIANT", "SES_Header.Vid")})
    cut = read_seal(forms.seal(forms.info(head=forms.header(vid=der.tlv(tag, b"abc")))))
    assert (cut.vid, quirks_of(cut)) == ("abc", {("SES_TAG_VARIANT", "SES_Header.Vid"), ("SES_ENCODING_NONDER", "SES_Header.Vid")})


@pytest.mark.clause(FORMAT)
def test_lengths_and_numbers_longer_than_needed() -> None:
    head = forms.header(version=b"\x02\x02\x00\x04")
    assert quirks_of(read_seal(forms.seal(forms.info(head=head)))) == {("SES_ENCODING_NONDER", "SES_Header.version")}
    stretched = forms.stretched(forms.info())
    seal = read_seal(forms.stretched(forms.seal(stretched)))
    assert (seal.signed_bytes, quirks_of(seal)) == (stretched, {("SES_ENCODING_NONDER", "length")})


def test_deviations_are_counted() -> None:
    found = Quirks()
    for number in range(MAX_QUIRKS):
        found.add("SES_TAG_VARIANT", f"field {number}")
        found.add("SES_TAG_VARIANT", f"field {number}")
    assert len(found.listed()) == MAX_QUIRKS
    with pytest.raises(MalformedError):
        found.add("SES_TAG_VARIANT", "one more")


def test_elements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(der, "MAX_CHILDREN", 3)
    with pytest.raises(MalformedError) as refused:
        read_tolerant(der.sequence(*[der.null()] * 4), Quirks()).children()
    assert refused.value.code == "DER_TOO_MANY_ELEMENTS"


@given(st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)))
def test_times_in_text_and_back(moment: datetime) -> None:
    at = moment.replace(microsecond=0, tzinfo=UTC)
    assert time_in_text(at.isoformat()) == at
    assert time_in_text(at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")) == at
    assert time_in_text(at.strftime("%Y%m%d%H%M%SZ")) == at
    assert time_in_text(at.strftime("%y%m%d%H%M%SZ")) == at
