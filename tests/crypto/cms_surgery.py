"""Taking a SignedData apart and putting it together again with something changed, to make attacks and oddities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from standards import gbt33560_oids as oids
from standards import x690_der as der

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class SignerParts:
    """The fields of one SignerInfo as encoded elements; ``attributes`` ``None`` where the field is absent."""

    version: bytes
    identifier: bytes
    digest: bytes
    attributes: list[bytes] | None
    algorithm: bytes
    signature: bytes
    unsigned: list[bytes]

    @property
    def to_be_signed(self) -> bytes:
        return der.tlv(der.SET, b"".join(self.attributes or []))

    def value_of(self, attribute_type: str) -> bytes:
        """The first value of a signed attribute."""
        wanted = der.oid(attribute_type)
        [found] = [raw for raw in self.attributes or [] if der.read_der(raw).children()[0].raw == wanted]
        return der.read_der(found).children()[1].children()[0].raw

    def without(self, attribute_type: str) -> list[bytes]:
        wanted = der.oid(attribute_type)
        return [raw for raw in self.attributes or [] if der.read_der(raw).children()[0].raw != wanted]

    def reverse(self) -> None:
        """Put the signed attributes into the wrong order."""
        self.attributes = sorted(self.attributes or [], reverse=True)

    def encoded(self) -> bytes:
        attributes = b"" if self.attributes is None else der.tlv(0xA0, b"".join(self.attributes))
        unsigned = der.tlv(0xA1, b"".join(self.unsigned)) if self.unsigned else b""
        return der.sequence(
            self.version, self.identifier, self.digest, attributes, self.algorithm, der.octet_string(self.signature), unsigned
        )


@dataclass
class Parts:
    """The fields of a SignedData as encoded elements."""

    outer_type: str
    version: bytes
    digests: list[bytes]
    content: bytes
    certificates: list[bytes]
    crls: list[bytes]
    signers: list[SignerParts] = field(default_factory=list)

    @property
    def signer(self) -> SignerParts:
        [one] = self.signers
        return one

    def encoded(self) -> bytes:
        fields = der.sequence(
            self.version,
            der.tlv(der.SET, b"".join(self.digests)),
            self.content,
            der.tlv(0xA0, b"".join(self.certificates)) if self.certificates else b"",
            der.tlv(0xA1, b"".join(self.crls)) if self.crls else b"",
            der.tlv(der.SET, b"".join(signer.encoded() for signer in self.signers)),
        )
        return der.sequence(der.oid(self.outer_type), der.explicit(0, fields))


def take_apart(cms_der: bytes) -> Parts:
    """The parts of a SignedData as we write it."""
    outer, wrapped = der.read_der(cms_der).children()
    fields = wrapped.only_child().children()
    optional = {node.tag: [child.raw for child in node.children()] for node in fields[3:-1]}
    parts = Parts(
        outer.oid(),
        fields[0].raw,
        [node.raw for node in fields[1].children()],
        fields[2].raw,
        optional.get(0xA0, []),
        optional.get(0xA1, []),
    )
    for node in fields[-1].children():
        items = node.children()
        attributes: list[bytes] | None = None
        at = 3
        if items[at].tag == 0xA0:
            attributes = [child.raw for child in items[at].children()]
            at += 1
        unsigned = [child.raw for child in items[at + 2].children()] if len(items) > at + 2 else []
        parts.signers.append(
            SignerParts(items[0].raw, items[1].raw, items[2].raw, attributes, items[at].raw, items[at + 1].octets(), unsigned)
        )
    return parts


def changed(cms_der: bytes, change: Callable[[Parts], None]) -> bytes:
    """The same SignedData after ``change`` has worked on its parts; the signature value stays as it was."""
    parts = take_apart(cms_der)
    change(parts)
    return parts.encoded()


def resigned(cms_der: bytes, change: Callable[[Parts], None], sign: Callable[[bytes], bytes], *, sort: bool = True) -> bytes:
    """The same after ``change``, the changed attributes being signed afresh by somebody who holds the key."""
    parts = take_apart(cms_der)
    change(parts)
    signer = parts.signer
    if sort and signer.attributes is not None:
        signer.attributes.sort()
    signer.signature = sign(signer.to_be_signed)
    return parts.encoded()


def copy_of(signer: SignerParts) -> SignerParts:
    """A second signer like the first."""
    return replace(signer)


def token_in(cms_der: bytes) -> bytes:
    """The token of the signature time-stamp attribute."""
    [attribute] = [raw for raw in take_apart(cms_der).signer.unsigned if der.oid(oids.SIGNATURE_TIME_STAMP) in raw[:30]]
    return der.read_der(attribute).children()[1].only_child().raw


def indefinite(data: bytes) -> bytes:
    """The element with every constructed length made indefinite (BER), strings left as they are."""
    node = der.read_der(data)
    if not node.tag & 0x20:
        return data
    return bytes((node.tag, 0x80)) + b"".join(indefinite(child.raw) for child in node.children()) + b"\x00\x00"
