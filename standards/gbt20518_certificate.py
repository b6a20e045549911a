"""GB/T 20518 (GM/T 0015): the profile of certificates on SM2 keys. Deviations are named, not refused: real seals have many of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards.rfc5280_extensions import (
    DATA_ENCIPHERMENT,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    KEY_ENCIPHERMENT,
    NON_REPUDIATION,
    read_basic_constraints,
    read_key_usage,
)
from standards.rfc5280_names import write_name

if TYPE_CHECKING:
    from standards.rfc5280_certificate import CertificateFields

MAX_SERIAL_BITS: Final = 159  # 20 octets, positive
_SIGNING: Final = frozenset({DIGITAL_SIGNATURE, NON_REPUDIATION})
_ENCRYPTING: Final = frozenset({KEY_ENCIPHERMENT, DATA_ENCIPHERMENT, KEY_AGREEMENT})


@dataclass(frozen=True, slots=True)
class Deviation:
    """One point in which a certificate leaves the profile: a stable ``name`` and the clause."""

    name: str
    clause: str


def is_sm2_certificate(fields: CertificateFields) -> bool:
    """Whether the subject's key lies on the SM2 curve: the profile speaks of these."""
    return fields.spki.algorithm.parameters_der is not None and fields.spki.algorithm.parameters_der == _SM2_CURVE_DER


_SM2_CURVE_DER: Final = bytes.fromhex("06082a811ccf5501822d")


def check_profile(fields: CertificateFields) -> tuple[Deviation, ...]:
    """The deviations of a certificate with an SM2 key from the profile, in a fixed order. Raises only on malformed extension values."""
    found = []

    def expect(kept: object, name: str, clause: str) -> None:
        if not kept:
            found.append(Deviation(name, f"GB/T 20518-2018 {clause}"))

    usage = fields.extension(oids.KEY_USAGE)
    bits = frozenset[int]() if usage is None else read_key_usage(usage.value_der)
    constraints = fields.extension(oids.BASIC_CONSTRAINTS)
    is_ca = constraints is not None and read_basic_constraints(constraints.value_der).ca
    expect(fields.version == 3, "version-not-3", "5.2.3.1")
    expect(0 < fields.serial < 1 << MAX_SERIAL_BITS, "serial-number-range", "5.2.3.2")
    expect(fields.signature_algorithm.oid == oids.SM2_WITH_SM3, "signature-algorithm-alias", "5.2.3.3")
    expect(fields.subject_der != b"\x30\x00", "subject-empty", "5.2.3.6")
    expect(usage is not None, "key-usage-missing", "5.2.4.2.4")
    expect(usage is None or usage.critical, "key-usage-not-critical", "5.2.4.2.4")
    expect(not (bits & _SIGNING and bits & _ENCRYPTING), "signing-and-encryption-mixed", "5.2.4.2.4")
    expect(not is_ca or (constraints is not None and constraints.critical), "basic-constraints-not-critical", "5.2.4.2.10")
    expect(fields.extension(oids.SUBJECT_KEY_IDENTIFIER), "subject-key-identifier-missing", "5.2.4.2.3")
    self_issued = fields.subject_der == fields.issuer_der
    expect(self_issued or fields.extension(oids.AUTHORITY_KEY_IDENTIFIER), "authority-key-identifier-missing", "5.2.4.2.2")
    return tuple(found)


def write_seal_subject(credit_code: str, unit_name: str, seal_code: str) -> bytes:
    """The subject of a seal's certificate as the national seal authorities write it: ``C=CN, O=<credit code><unit name>, CN=<seal code>``."""
    return write_name((("C", "CN"), ("O", credit_code + unit_name), ("CN", seal_code)))
