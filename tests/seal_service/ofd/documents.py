"""Sealed and signed OFD documents of the tests' own, honest or wrong in one chosen thing; the product's writer has no part in them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from crypto import digests
from crypto.cms import Dialect, prepare_signed_data
from crypto.sm3 import sm3
from seal_service.ofd.verify import verify_ofd
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal, sign_with_seal
from standards import gbt33560_oids as oids
from standards.gbt38540_seal.values import SealPicture
from tests.pki import DemoPki
from tests.standards.gbt33190_ofd.archives import Entry, pack
from tests.standards.gbt33190_ofd.parts import PNG, part, plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.report import Report, Step

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SIGNED_AT = AT - timedelta(hours=2)
SIGNS = "Doc_0/Signs"
SIGNATURE = f"{SIGNS}/Sign_0/Signature.xml"
VALUE = f"{SIGNS}/Sign_0/SignedValue.dat"
SEAL = f"{SIGNS}/Sign_0/Seal.esl"
LIST = f"{SIGNS}/Signatures.xml"
PAGE = "Doc_0/Pages/Page_0/Content.xml"
EVIL = part("Page", "<o:Content/>")
METHODS = {"SM3": oids.SM3, "MD5": oids.MD5, "SHA1": oids.SHA1, oids.SM3: oids.SM3, oids.SM3 + ".2": oids.SM3, oids.SHA256: oids.SHA256}


@cache
def pki() -> DemoPki:
    return DemoPki.create(AT, label="ofd")


@cache
def seal_der(name: str = "印信示范单位") -> bytes:
    description = SealDescription(
        es_id="15070000000001",
        vid="tests",
        kind=1,
        name=name,
        created_at=AT - timedelta(days=30),
        valid_from=AT - timedelta(days=30),
        valid_until=AT + timedelta(days=300),
        picture=SealPicture("PNG", PNG, 42, 42),
    )
    return build_seal(description, [pki().seal], SealMaker(pki().maker, pki().maker_signer))


def ses_value(original: bytes, property_info: str) -> bytes:
    return sign_with_seal(
        seal_der(),
        data_hash=sm3(original),
        property_info=property_info,
        signer=pki().seal_signer,
        signer_certificate=pki().seal,
        signed_at=SIGNED_AT,
    )


def cms_value(
    original: bytes, *, content: bytes | None = None, detached_digest: bytes | None = None, dialect: Dialect = Dialect.GBT35275
) -> bytes:
    """SignedData with attributes; content inside, or named by its digest."""
    prepared = prepare_signed_data(
        content_digest=sm3(content) if content is not None else detached_digest or sm3(original),
        digest_oid=oids.SM3,
        signer_certificate=pki().seal,
        chain=(pki().issuing.certificate,),
        dialect=dialect,
        signing_time=SIGNED_AT,
        encapsulated=content,
    )
    return prepared.finish(pki().seal_signer.sign(prepared.to_be_signed), algorithm=pki().seal_signer.algorithm)


@dataclass
class Signing:
    """How one signature is made. The defaults are an honest seal over the whole document that others may follow."""

    index: int = 0
    kind: str | None = "Seal"
    method: str | None = "SM3"
    leave_out: tuple[str, ...] = ()
    lock: bool = False
    stamps: str = (
        '<o:StampAnnot ID="1" PageRef="1" Boundary="50 50 42 42"/><o:StampAnnot ID="2" PageRef="2" Boundary="90 9 42 42" Clip="0 0 10 42"/>'
    )
    value: Callable[[bytes, str], bytes] = ses_value
    value_name: str = "SignedValue.dat"
    value_location: str | None = None
    with_seal_file: bool = True
    stated_time: str = "20261120060000Z"
    signature_method: str = oids.SM2_WITH_SM3
    property_info: str | None = None
    edit: Callable[[bytes], bytes] = field(default=lambda described: described)

    @property
    def folder(self) -> str:
        return f"{SIGNS}/Sign_{self.index}"


def list_of(signings: list[Signing]) -> bytes:
    rows = "".join(
        f'<o:Signature ID="s{signing.index:03}"{f" Type={chr(34)}{signing.kind}{chr(34)}" if signing.kind else ""} '
        f'BaseLoc="/{signing.folder}/Signature.xml"/>'
        for signing in signings
    )
    return part("Signatures", f"<o:MaxSignId>{len(signings)}</o:MaxSignId>{rows}")


def sign(files: dict[str, bytes], *signings: Signing) -> dict[str, bytes]:
    """The files with these signatures added, one after the other."""
    files = dict(files)
    done: list[Signing] = []
    for signing in signings or (Signing(),):
        done.append(signing)
        files[f"{SIGNS}/Signatures.xml"] = list_of(done)
        _add(files, signing)
    return files


def _add(files: dict[str, bytes], signing: Signing) -> None:
    seal_name = f"{signing.folder}/Seal.esl"
    if signing.with_seal_file:
        files[seal_name] = seal_der()
    own = {f"{signing.folder}/Signature.xml", f"{signing.folder}/{signing.value_name}"}
    covered = [name for name in files if name not in own and name not in signing.leave_out]
    if not signing.lock:
        covered.remove(f"{SIGNS}/Signatures.xml")
    references = "".join(
        f'<o:Reference FileRef="/{name}"><o:CheckValue>'
        f"{base64.b64encode(digests.digest(METHODS.get(signing.method or 'MD5', oids.SM3), files[name])).decode()}</o:CheckValue></o:Reference>"
        for name in covered
    )
    method = f' CheckMethod="{signing.method}"' if signing.method is not None else ""
    seal = f"<o:Seal><o:BaseLoc>/{seal_name}</o:BaseLoc></o:Seal>" if signing.with_seal_file else ""
    described = part(
        "Signature",
        f'<o:SignedInfo><o:Provider ProviderName="tests"/><o:SignatureMethod>{signing.signature_method}</o:SignatureMethod>'
        f"<o:SignatureDateTime>{signing.stated_time}</o:SignatureDateTime><o:References{method}>{references}</o:References>"
        f"{signing.stamps}{seal}</o:SignedInfo><o:SignedValue>{signing.value_location or f'/{signing.folder}/{signing.value_name}'}</o:SignedValue>",
    )
    described = signing.edit(described)
    path = f"{signing.folder}/Signature.xml"
    files[path] = described
    files[f"{signing.folder}/{signing.value_name}"] = signing.value(described, signing.property_info or f"/{path}")


def sealed(**options: object) -> dict[str, bytes]:
    """The plain document under one seal."""
    return sign(plain_files(), Signing(**options))  # type: ignore[arg-type]


def verify(files: dict[str, bytes] | bytes, **options: bool) -> Report:
    """The report under a trust list that trusts the tests' own authority."""
    return verify_ofd(files if isinstance(files, bytes) else pack(files), pki().trust_list(), AT, **options)  # type: ignore[arg-type]


def steps_of(report: Report, *outcomes: str) -> list[Step]:
    """The steps of the file and of all signatures with one of these outcomes (all, where none is named)."""
    found = [*report.steps, *(step for signature in report.signatures for step in signature.steps)]
    return [step for step in found if not outcomes or step.outcome.value in outcomes]


def codes(report: Report, *outcomes: str) -> set[str]:
    return {step.code for step in steps_of(report, *outcomes)}


def entries(files: dict[str, bytes]) -> list[Entry]:
    """The files as entries of an archive, to be made to lie."""
    return [Entry(name, data) for name, data in files.items()]


def with_doctype(data: bytes, declaration: str) -> bytes:
    """A part with a declaration in front of its root element."""
    return data.replace(b"?>\n", b"?>\n" + declaration.encode(), 1)


def replaced(name: str, change: Callable[[bytes], bytes], signing: Signing | None = None) -> dict[str, bytes]:
    """A sealed document in which one file was changed afterwards."""
    files = sign(plain_files(), signing or Signing())
    files[name] = change(files[name])
    return files
