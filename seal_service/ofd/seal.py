"""Sealing an OFD document: a further signature over everything that is in the package (GB/T 33190-2016 18, GM/T 0099-2020 7.2).

Two halves, so that the key may be anywhere: :func:`prepare_seal` writes everything but the signature value and gives what it is over;
:meth:`PreparedOfdSeal.finish` puts the value in. Files that were in the package keep their packed bytes; only the list of signatures, and
``OFD.xml`` where it does not lead to one yet, are written anew, and only where no earlier signature protects them.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from crypto.cms import Dialect, PreparedCms, prepare_signed_data
from crypto.sm3 import sm3
from seal_service.ofd.refusals import refused
from seal_service.ofd.sealing_rules import check_sealable
from seal_service.ofd.stamp_places import OfdPages, place_stamps
from seal_service.seal_data.make import sign_with_seal
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError
from standards.gbt33190_ofd.archive_copy import ArchiveCopy, copy_archive
from standards.gbt33190_ofd.limits import MAX_FILE_BYTES, MAX_SIGNED_VALUE_BYTES, MAX_STAMPS, MAX_XML_BYTES
from standards.gbt33190_ofd.signatures import SEAL, SIGN
from standards.gbt33190_ofd.signing_parts import write_list, write_signature, write_way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crypto.certificates import Certificate
    from crypto.signer import Signer
    from seal_service.ofd.package import OfdPackage
    from seal_service.ofd.sealing_rules import SealableOfd
    from seal_service.places import Place, Seam

PROGRAM_VERSION: Final = "1"  # of what this writer writes; it stands in every signature
_STATE_MAGIC: Final = b"YINXIN-PREPARED-OFD-1\n"
_STATE_NUMBERS: Final = struct.Struct(">QQIIQQ")
_DIGEST_BYTES: Final = 32
_SEQUENCE: Final = 0x30


class PreparedOfdSeal:
    """A package that lacks only a signature value.

    ``description``: the bytes that the value is over (``Signature.xml``, or the list of files); ``digest``: their SM3, which is dataHash;
    ``name``: the file with those bytes, ``property_info``: its absolute path, which is what GB/T 38540 wants stated beside the digest.
    """

    __slots__ = ("_archive", "_at_seconds", "_value_name", "description", "digest", "name")

    def __init__(self, archive: ArchiveCopy, name: str, value_name: str, description: bytes, at_seconds: int) -> None:
        self._archive = archive
        self._value_name = value_name
        self._at_seconds = at_seconds
        self.name = name
        self.description = description
        self.digest = sm3(description)

    def __repr__(self) -> str:
        return f"PreparedOfdSeal(name={self.name!r}, digest={self.digest.hex()})"

    @property
    def property_info(self) -> str:
        """The absolute path of what is sealed."""
        return f"/{self.name}"

    def finish(self, value_der: bytes) -> bytes:
        """The sealed document. ``value_der``: SES_Signature, or SignedData of GB/T 35275 for a signature without a seal.

        :raises TrustError: ``OFD_VALUE_UNACCEPTABLE`` (not one DER SEQUENCE of acceptable length).
        """
        if not 2 < len(value_der) <= MAX_SIGNED_VALUE_BYTES or value_der[0] != _SEQUENCE:
            raise refused(Kind.MALFORMED, "OFD_VALUE_UNACCEPTABLE", length=len(value_der), most=MAX_SIGNED_VALUE_BYTES)
        archive = ArchiveCopy(bytes(self._archive.records), bytes(self._archive.directory), self._archive.count)
        # Of numbers that look like chance, certificates, and a picture that is packed already: never the same twice, and hardly shorter packed
        archive.add(self._value_name, value_der, datetime.fromtimestamp(self._at_seconds, UTC), is_dense=True)
        return archive.close()

    def to_bytes(self) -> bytes:
        """Everything that is needed to finish elsewhere or later; the document is part of it."""
        name, value_name = self.name.encode(), self._value_name.encode()
        archive = self._archive
        parts = (name, value_name, self.description, bytes(archive.directory), bytes(archive.records))
        numbers = _STATE_NUMBERS.pack(
            self._at_seconds, archive.count, len(name), len(value_name), len(self.description), len(archive.directory)
        )
        body = b"".join((numbers, *parts))
        return _STATE_MAGIC + sm3(body) + body

    @classmethod
    def from_bytes(cls, state: bytes) -> PreparedOfdSeal:
        """What :meth:`to_bytes` wrote, as its digest shows (``PREPARED_SEAL_DAMAGED``). Whoever keeps a state keeps it from others."""
        damaged = MalformedError("PREPARED_SEAL_DAMAGED")
        start = len(_STATE_MAGIC) + _DIGEST_BYTES
        if not state.startswith(_STATE_MAGIC) or not start + _STATE_NUMBERS.size <= len(state) <= 2 * MAX_FILE_BYTES:
            raise damaged
        if sm3(state[start:]) != state[len(_STATE_MAGIC) : start]:
            raise damaged
        at_seconds, count, *lengths = _STATE_NUMBERS.unpack_from(state, start)
        at = start + _STATE_NUMBERS.size
        parts = []
        for length in lengths:
            parts.append(state[at : at + length])
            at += length
        name, value_name, description, directory = parts
        return cls(ArchiveCopy(state[at:], directory, count), name.decode(), value_name.decode(), description, at_seconds)


def prepare_seal(
    document: SealableOfd,
    *,
    seal_der: bytes | None,
    picture_mm: tuple[float, float] = (42.0, 42.0),
    places: Sequence[Place] = (),
    seam: Seam | None = None,
    signed_at: datetime,
    is_locking: bool = False,
) -> PreparedOfdSeal:
    """Write a further signature, without its value, of a document that :func:`~seal_service.ofd.sealing_rules.check_sealable` has opened.

    ``seal_der``: the SESeal that the value will carry (``Type="Seal"``), None for a signature without a seal (``Type="Sign"``), which is
    shown nowhere. ``picture_mm``: the seal's own width and height. Without ``places`` and ``seam`` the seal is shown nowhere. ``signed_at``
    (aware) is stated in whole seconds UTC. ``is_locking`` protects the list of signatures as well: whoever signs later breaks this one.

    :raises TrustError: what :mod:`stamp_places` refuses, ``OFD_SIGNATURE_TOO_LARGE``, ``OFD_SIGN_NOT_SHOWN``, ``OFD_UNACCEPTABLE``.
    """
    if signed_at.tzinfo is None:
        raise ValueError("signed_at must be aware")
    if seal_der is None and (places or seam is not None):
        raise refused(Kind.UNACCEPTABLE, "OFD_SIGN_NOT_SHOWN")

    # 1. Where the seal is shown.
    package, files = document.package, document.files
    if (places or seam is not None) and document.body.unclear_pages:
        raise refused(Kind.UNACCEPTABLE, "OFD_UNACCEPTABLE", found="PAGE_IDENTIFIERS", reason="repeated-or-missing")
    stamps = place_stamps(OfdPages(document.body), places, seam, picture_mm)
    if len(stamps) > MAX_STAMPS:
        raise refused(Kind.UNACCEPTABLE, "OFD_SIGNATURE_TOO_LARGE", found=len(stamps), limit=MAX_STAMPS)

    # 2. What has to be written anew: the list with the new entry, and the way to it where there is none.
    kind = SIGN if seal_der is None else SEAL
    rewritten = {document.list_path: write_list(document.list_part, files, kind)}
    if document.is_way_missing:
        entry = package.container.read(package.graph.entry_name, MAX_XML_BYTES)
        rewritten[package.graph.entry_name] = write_way(entry, document.body.index, document.list_path)

    # 3. What is protected: every file of the package; the list only where this is the last signature.
    digests = _digests(document, rewritten, is_locking=is_locking)
    if seal_der is not None:
        digests[files.seal] = sm3(seal_der)
    description = write_signature(files, digests, kind=kind, signed_at=signed_at, stamps=stamps, version=PROGRAM_VERSION)
    if len(description) > MAX_XML_BYTES:
        raise refused(Kind.UNACCEPTABLE, "OFD_SIGNATURE_TOO_LARGE", found=len(description), limit=MAX_XML_BYTES)

    # 4. The package with everything but the value.
    archive = copy_archive(package.container, leave_out=_raw_names(package, rewritten))
    for name, data in rewritten.items():
        archive.add(name, data, signed_at)
    if seal_der is not None:
        archive.add(files.seal, seal_der, signed_at)
    archive.add(files.description, description, signed_at)
    return PreparedOfdSeal(archive, files.description, files.value, description, int(signed_at.timestamp()))


def seal_ofd(
    original: bytes,
    *,
    seal_der: bytes,
    signer: Signer,
    certificate: Certificate,
    signed_at: datetime,
    timestamp: Callable[[bytes], bytes] | None = None,
    picture_mm: tuple[float, float] = (42.0, 42.0),
    places: Sequence[Place] = (),
    seam: Seam | None = None,
    is_locking: bool = False,
) -> bytes:
    """Seal a document (``Type="Seal"``, GB/T 38540 or GM/T 0031 by the version of the seal).

    ``timestamp``: signature value in, RFC 3161 token out. Errors of ``check_sealable``, :func:`prepare_seal` and
    :func:`~seal_service.seal_data.make.sign_with_seal`.
    """
    prepared = prepare_seal(
        check_sealable(original),
        seal_der=seal_der,
        picture_mm=picture_mm,
        places=places,
        seam=seam,
        signed_at=signed_at,
        is_locking=is_locking,
    )
    value = sign_with_seal(
        seal_der,
        data_hash=prepared.digest,
        property_info=prepared.property_info,
        signer=signer,
        signer_certificate=certificate,
        signed_at=signed_at,
        timestamp=timestamp,
    )
    return prepared.finish(value)


def prepare_signed(
    prepared: PreparedOfdSeal,
    *,
    certificate: Certificate,
    chain: Sequence[Certificate] = (),
    signed_at: datetime,
    extra_signed_attributes: Sequence[tuple[str, bytes]] = (),
) -> PreparedCms:
    """The value of a signature without a seal (``Type="Sign"``), and of a list of files: SignedData of GB/T 35275 over ``Signature.xml``.

    That file stands outside, and its SM3 is the message digest (GM/T 0099-2020 7.2): of the forms in use the one that other readers verify.
    """
    return prepare_signed_data(
        content_digest=prepared.digest,
        digest_oid=oids.SM3,
        signer_certificate=certificate,
        chain=chain,
        dialect=Dialect.GBT35275,
        signing_time=signed_at,
        extra_signed_attributes=extra_signed_attributes,
    )


def _digests(document: SealableOfd, rewritten: dict[str, bytes], *, is_locking: bool) -> dict[str, bytes]:
    package = document.package
    digests: dict[str, bytes] = {}
    for name in [*package.container.members, *(name for name in rewritten if name not in package.container)]:
        if name == document.list_path and not is_locking:
            continue
        if name in rewritten:
            digests[name] = sm3(rewritten[name])
            continue
        try:
            digests[name] = package.digest(name, oids.SM3)
        except MalformedError as error:
            raise refused(
                Kind.UNACCEPTABLE, "OFD_UNACCEPTABLE", found="OFD_ENTRY_UNREADABLE", path=name, reason=str(error.facts.get("reason"))
            ) from None
    return digests


def _raw_names(package: OfdPackage, names: dict[str, bytes]) -> set[bytes]:
    return {package.container.members[name].record.name for name in names if name in package.container}
