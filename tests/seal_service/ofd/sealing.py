"""Sealing with the tests' own authority, in short."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from crypto.sm3 import sm3
from crypto.timestamps import TimeStampAuthority
from seal_service.ofd.list_entries import prepare_entries
from seal_service.ofd.seal import PreparedOfdSeal, prepare_seal, prepare_signed, seal_ofd
from seal_service.ofd.sealing_rules import check_sealable
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from standards.gbt33190_ofd.container import Container
from standards.gbt38540_seal.values import SealPicture
from tests.seal_service.ofd.documents import AT, SIGNED_AT, pki, seal_der
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import PNG, plain_files

if TYPE_CHECKING:
    from datetime import datetime


def stamp(value: bytes, at: datetime = SIGNED_AT) -> bytes:
    return TimeStampAuthority(pki().tsa, pki().chain, pki().tsa_signer, "1.2.3.4.5", 1).stamp(value, at)


@cache
def seal_v5_der() -> bytes:
    """A seal of GM/T 0031-2025, time-stamped when it was made."""
    made_at = SIGNED_AT - timedelta(hours=1)
    description = SealDescription(
        "15070000000005", "tests", 1, "印信示范单位", made_at, made_at, AT.replace(year=AT.year + 1), SealPicture("PNG", PNG, 42, 42)
    )
    maker = SealMaker(pki().maker, pki().maker_signer, pki().trust_list(), lambda value: stamp(value, made_at))
    return build_seal(description, [pki().seal], maker, version=5)


@cache
def plain() -> bytes:
    return pack(plain_files(signatures=None))


def seal(original: bytes | None = None, **options: Any) -> bytes:
    """``original`` (the plain document) sealed."""
    settings: dict[str, Any] = {
        "seal_der": seal_der(),
        "signer": pki().seal_signer,
        "certificate": pki().seal,
        "signed_at": SIGNED_AT,
        "timestamp": stamp,
    } | options
    return seal_ofd(plain() if original is None else original, **settings)


def with_value(prepared: PreparedOfdSeal) -> bytes:
    """Finished with a time-stamped value of GB/T 35275."""
    cms = prepare_signed(prepared, certificate=pki().seal, chain=(pki().issuing.certificate,), signed_at=SIGNED_AT)
    signature = pki().seal_signer.sign(cms.to_be_signed)
    return prepared.finish(cms.finish(signature, algorithm=pki().seal_signer.algorithm, timestamp_token=stamp(signature)))


def sign_without_seal(original: bytes | None = None, *, is_locking: bool = False) -> bytes:
    """A signature of ``Type="Sign"``."""
    document = check_sealable(plain() if original is None else original)
    return with_value(prepare_seal(document, seal_der=None, signed_at=SIGNED_AT, is_locking=is_locking))


def list_entries(original: bytes) -> bytes:
    """The list of files of GM/T 0099 added."""
    return with_value(prepare_entries(original, signed_at=SIGNED_AT))


def files_of(document: bytes) -> dict[str, bytes]:
    """All files by name, as our reader has them."""
    container = Container(document)
    return {name: container.read(name, 1 << 24) for name in container.members}


def digest_of(document: bytes, name: str) -> bytes:
    return sm3(files_of(document)[name])
