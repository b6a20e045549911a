"""Names under constraints in the offline verifier, held against the server's judgement."""

from __future__ import annotations

from typing import Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.rfc5280_extensions import read_name_constraints
from standards.rfc5280_name_constraints import violation
from standards.rfc5280_names import read_general_names, write_directory_name, write_name
from tests.standards.constrained_names import CASES, constraints_value, name_of
from tests.yinxin.test_offline_modules import run

WAYS: Final = ("permitted", "excluded")


def test_names_under_constraints_are_judged_as_by_the_server() -> None:
    names = [*CASES, ("mail", "x@a.example", "x@b.example@a.example", None)]
    given = [[constraints_value(kind, base, way).hex(), name_of(kind, name).hex()] for kind, name, base, _ in names for way in WAYS]
    value = der.tlv(der.TELETEX_STRING, b"Office")
    teletex = der.sequence(der.tlv(der.SET, der.sequence(der.oid(oids.ORGANISATION), value)))
    office = write_directory_name(write_name([("O", "Office")]))
    subjects = [
        teletex,
        write_name([("O", "OFFICE")]),
        write_name([("O", "Officer")]),
        write_name([("emailAddress", "x@a.example")]),
        b"\x30\x00",
    ]
    bases = [office, write_directory_name(teletex), name_of("mail", "a.example"), der.tlv(0x88, b"\x2a")]
    constraints = [der.sequence(der.tlv(tag, der.sequence(base))) for tag in (0xA0, 0xA1) for base in bases]
    alternative = [b"", bases[-1], der.tlv(0xA0, der.oid("1.3.6.1.5.5.7.8.9") + der.explicit(0, der.utf8_string("x@a.example")))]
    others = [[value.hex(), name.hex(), subject.hex()] for value in constraints for name in alternative for subject in subjects]
    script = """
      const [{ fromHex }, { readDer }, { readGeneralName }, { nameViolation }, { readNameConstraints }] =
        await Promise.all(["bytes", "der", "names", "name_constraints", "x509"].map(load));
      return given.map(([value, name, subject]) => {
        const alternative = name ? [readGeneralName(readDer(fromHex(name)))] : [];
        return nameViolation(readNameConstraints(fromHex(value)), fromHex(subject ?? "3000"), alternative);
      });
    """

    def ours(value: str, name: str, subject: str = "3000") -> str | None:
        alternative = [der.read_der(bytes.fromhex(name))] if name else []
        return violation(read_name_constraints(bytes.fromhex(value)), bytes.fromhex(subject), read_general_names(alternative))

    expected = [ours(*case) for case in (*given, *others)]
    assert run(script, [*given, *others]) == expected
    assert set(expected) == {None, "name-excluded", "name-not-permitted", "name-constraint-not-understood"}
