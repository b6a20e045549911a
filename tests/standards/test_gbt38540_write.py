"""What is written is read again without a single deviation, and asn1crypto sees the structure the standard prints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from standards.errors import TrustError
from standards.gbt38540_seal import values
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import CertificateDigest, SealExtension, SealPicture, SealProperty
from standards.gbt38540_seal.write import write_seal, write_seal_info, write_seal_signature, write_to_be_signed
from tests.standards import gbt38540_forms as forms

PROPERTY = SealProperty(1, "示范章", 1, (forms.CERTIFICATE,), (), forms.MADE, forms.START, forms.END)
PICTURE = SealPicture("PNG", b"picture", 42, 30)

ascii_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)
moments = st.datetimes(datetime(1951, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
extensions = st.lists(
    st.builds(
        SealExtension,
        st.sampled_from([values.MONGOLIAN_NAME, values.CREDIT_CODE_AND_NAME, values.ROMANISED_NAME]),
        st.booleans(),
        st.binary(max_size=50),
    ),
    max_size=4,
).map(tuple)
digests = st.lists(
    st.builds(CertificateDigest, st.sampled_from(["SM3", "1.2.156.10197.1.401"]), st.binary(max_size=64)), min_size=1, max_size=4
).map(tuple)


class Extension(core.Sequence):  # type: ignore[misc]
    _fields = [("id", core.ObjectIdentifier), ("critical", core.Boolean, {"default": False}), ("value", core.OctetString)]  # noqa: RUF012


class Extensions(core.SequenceOf):  # type: ignore[misc]
    _child_spec = Extension


class Header(core.Sequence):  # type: ignore[misc]
    _fields = [("id", core.IA5String), ("version", core.Integer), ("vid", core.IA5String)]  # noqa: RUF012


class CertificateList(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.OctetString


class Property(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("type", core.Integer),
        ("name", core.UTF8String),
        ("list_type", core.Integer),
        ("list", CertificateList),
        ("created", core.GeneralizedTime),
        ("start", core.GeneralizedTime),
        ("end", core.GeneralizedTime),
    ]


class Picture(core.Sequence):  # type: ignore[misc]
    _fields = [("type", core.IA5String), ("data", core.OctetString), ("width", core.Integer), ("height", core.Integer)]  # noqa: RUF012


class Info(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("header", Header),
        ("id", core.IA5String),
        ("property", Property),
        ("picture", Picture),
        ("extensions", Extensions, {"optional": True}),
    ]


class Seal(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("info", Info),
        ("cert", core.OctetString),
        ("algorithm", core.ObjectIdentifier),
        ("value", core.OctetBitString),
        ("stamp", core.OctetBitString, {"explicit": 0, "optional": True}),
    ]


class ToBeSigned(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("seal", Seal),
        ("time", core.GeneralizedTime),
        ("hash", core.OctetBitString),
        ("property_info", core.IA5String),
        ("extensions", Extensions, {"explicit": 0, "optional": True}),
    ]


class Signature(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("signed", ToBeSigned),
        ("cert", core.OctetString),
        ("algorithm", core.ObjectIdentifier),
        ("value", core.OctetBitString),
        ("stamp", core.OctetBitString, {"explicit": 0, "optional": True}),
    ]


def info(**changes: Any) -> bytes:
    chosen: dict[str, Any] = {"vid": "vendor", "es_id": "15070000000001", "seal_property": PROPERTY, "picture": PICTURE}
    return write_seal_info(**(chosen | changes))


@pytest.mark.clause("GB/T 38540-2020 format", "GM/T 0031-2025 format")
@given(
    version=st.sampled_from([4, 5]),
    vid=ascii_texts,
    es_id=ascii_texts,
    kind=st.integers(0, 1 << 40),
    name=st.text(max_size=60),
    listed=st.one_of(st.just(None), digests),
    created=moments,
    start=moments,
    days=st.integers(0, 9000),
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    data=st.binary(min_size=1, max_size=300),
    of_seal=extensions,
    of_signature=extensions,
    signed_at=moments,
    data_hash=st.binary(min_size=1, max_size=64),
    stamp=st.one_of(st.none(), st.binary(min_size=1, max_size=80)),
)
def test_round_trip(
    version: int,
    vid: str,
    es_id: str,
    kind: int,
    name: str,
    listed: tuple[CertificateDigest, ...] | None,
    created: datetime,
    start: datetime,
    days: int,
    size: tuple[int, int],
    data: bytes,
    of_seal: tuple[SealExtension, ...],
    of_signature: tuple[SealExtension, ...],
    signed_at: datetime,
    data_hash: bytes,
    stamp: bytes | None,
) -> None:
    certificates, certificate_digests = ((forms.CERTIFICATE,), ()) if listed is None else ((), listed)
    prop = SealProperty(
        kind, name, 1 if listed is None else 2, certificates, certificate_digests, created, start, start + timedelta(days=days)
    )
    picture = SealPicture("PNG", data, *size)
    info_der = write_seal_info(vid=vid, es_id=es_id, seal_property=prop, picture=picture, extensions=of_seal, version=version)
    seal_der = write_seal(info_der, forms.CERTIFICATE, forms.VALUE, version=version, time_stamp_der=stamp if version == 5 else None)
    seal = read_seal(seal_der)
    assert (seal.version, seal.header_version, seal.vid, seal.es_id) == (version, version, vid, es_id)
    assert (seal.property, seal.picture, seal.extensions, seal.quirks) == (prop, picture, of_seal, ())
    assert (seal.signed_bytes, seal.raw, seal.time_stamp_der) == (info_der, seal_der, stamp if version == 5 else None)

    tbs = write_to_be_signed(
        version=version, seal_der=seal_der, time_info_at=signed_at, data_hash=data_hash, property_info=es_id, extensions=of_signature
    )
    found = read_seal_signature(write_seal_signature(tbs, forms.CERTIFICATE, forms.VALUE, time_stamp_der=stamp))
    assert (found.version, found.stated_version, found.seal, found.to_be_signed) == (version, version, seal, tbs)
    assert (found.time_info_at, found.data_hash, found.property_info) == (signed_at, data_hash, es_id)
    assert (found.extensions, found.time_stamp_der, found.quirks) == (of_signature, stamp, ())


@pytest.mark.clause("GB/T 38540-2020 format", "GM/T 0031-2025 format")
def test_asn1crypto_reads_it_by_the_printed_structure() -> None:
    extension = SealExtension(values.MONGOLIAN_NAME, True, b"value")
    seal_der = write_seal(info(version=5, extensions=[extension]), forms.CERTIFICATE, forms.VALUE, version=5, time_stamp_der=b"token")
    tbs = write_to_be_signed(
        version=5, seal_der=seal_der, time_info_at=forms.SIGNED, data_hash=bytes(32), property_info="all", extensions=[extension]
    )
    raw = write_seal_signature(tbs, forms.CERTIFICATE, forms.VALUE, time_stamp_der=b"other")
    native = Signature.load(raw, strict=True).native
    assert (native["algorithm"], native["value"], native["stamp"]) == ("1.2.156.10197.1.501", forms.VALUE, b"other")
    signed = native["signed"]
    assert (signed["version"], signed["time"], signed["hash"], signed["property_info"]) == (5, forms.SIGNED, bytes(32), "all")
    assert [dict(entry) for entry in signed["extensions"]] == [{"id": values.MONGOLIAN_NAME, "critical": True, "value": b"value"}]
    seal = signed["seal"]
    assert (seal["stamp"], seal["info"]["property"]["name"], seal["info"]["picture"]["width"]) == (b"token", "示范章", 42)
    assert seal["info"]["property"]["end"] == forms.END
    assert Signature.load(raw).dump(force=True) == raw


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 1},
        {"es_id": ""},
        {"vid": "厂商"},
        {"vid": "x" * 5000},
        {"seal_property": replace(PROPERTY, name="章" * 2000)},
        {"seal_property": replace(PROPERTY, cert_list_type=3)},
        {"seal_property": replace(PROPERTY, certificates=())},
        {"seal_property": replace(PROPERTY, certificates=(b"",) * 65)},
        {"seal_property": replace(PROPERTY, valid_until=forms.START - timedelta(days=1))},
        {"seal_property": replace(PROPERTY, cert_list_type=2, certificate_digests=(CertificateDigest("SM3", bytes(65)),))},
        {"seal_property": replace(PROPERTY, cert_list_type=2, certificate_digests=(CertificateDigest("杂凑", b""),))},
        {"picture": replace(PICTURE, width_mm=0)},
        {"picture": replace(PICTURE, height_mm=10_001)},
        {"picture": replace(PICTURE, kind="")},
        {"picture": replace(PICTURE, data=b"")},
        {"picture": replace(PICTURE, data=bytes(values.MAX_PICTURE_BYTES + 1))},
        {"extensions": [SealExtension("1.2.3", False, bytes(values.MAX_EXTENSION_BYTES + 1))]},
        {"extensions": [SealExtension("1.2.3", False, b"")] * (values.MAX_EXTENSIONS + 1)},
    ],
)
def test_what_could_not_be_read_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(TrustError) as refused:
        info(**changes)
    assert refused.value.code == "SES_VALUE_UNACCEPTABLE"


def test_version_1_and_misplaced_time_stamps_are_not_written() -> None:
    for version, stamp in ((1, None), (4, b"token"), (5, bytes(values.MAX_TOKEN_BYTES + 1))):
        with pytest.raises(TrustError):
            write_seal(info(), forms.CERTIFICATE, forms.VALUE, version=version, time_stamp_der=stamp)
    for version, data_hash, property_info in ((1, b"x", ""), (4, b"", ""), (4, bytes(65), ""), (4, b"x", "原文")):
        with pytest.raises(TrustError):
            write_to_be_signed(
                version=version, seal_der=forms.seal(), time_info_at=forms.SIGNED, data_hash=data_hash, property_info=property_info
            )
