"""Names under constraints: each form, both ways, and everything that cannot be told."""

from __future__ import annotations

from typing import Final

import pytest

from standards import x690_der as der
from standards.rfc5280_extensions import read_name_constraints, write_name_constraints
from standards.rfc5280_name_constraints import EXCLUDED, NOT_PERMITTED, NOT_UNDERSTOOD, violation
from standards.rfc5280_names import read_general_names, write_directory_name, write_name
from tests.standards.constrained_names import CASES, SUBJECT, constraints_value, name_of

UNIT: Final = write_name([("C", "CN"), ("O", "Office")])


def judged(subject_der: bytes, *names: bytes, permitted: tuple[bytes, ...] = (), excluded: tuple[bytes, ...] = ()) -> str | None:
    extension = der.read_der(write_name_constraints(permitted=permitted, excluded=excluded))
    constraints = read_name_constraints(extension.children()[-1].octets())
    return violation(constraints, subject_der, read_general_names([der.read_der(name) for name in names]))


@pytest.mark.clause("RFC 5280 4.2.1.10")
@pytest.mark.parametrize(("kind", "name", "base", "within"), CASES)
def test_a_name_and_a_subtree(kind: str, name: str, base: str, within: bool | None) -> None:
    alternative = read_general_names([der.read_der(name_of(kind, name))])
    expected = {True: (None, EXCLUDED), False: (NOT_PERMITTED, None), None: (NOT_UNDERSTOOD, NOT_UNDERSTOOD)}[within]
    for way, reason in zip(("permitted", "excluded"), expected, strict=True):
        constraints = read_name_constraints(constraints_value(kind, base, way))
        assert violation(constraints, SUBJECT, alternative) == reason, way


def test_one_permitted_subtree_is_enough_and_one_excluded_is_too_much() -> None:
    mail, host, strange = (name_of("mail", text) for text in ("x@a.example", "a.example", "@"))
    assert judged(SUBJECT, mail, permitted=(strange, host)) is None
    assert judged(SUBJECT, mail, permitted=(host,), excluded=(strange,)) == NOT_UNDERSTOOD
    assert judged(SUBJECT, mail, permitted=(host,), excluded=(strange, host)) == EXCLUDED
    assert judged(SUBJECT, mail, name_of("mail", "x@b.example"), permitted=(host,)) == NOT_PERMITTED
    # a subtree binds names of its own form alone
    assert judged(SUBJECT, mail, permitted=(name_of("dns", "b.example"),)) is None


def test_every_mail_address_in_the_subject_is_a_name() -> None:
    host = name_of("mail", "a.example")
    inside, outside = (("emailAddress", text) for text in ("x@a.example", "x@b.example"))
    assert judged(write_name([("CN", "x"), inside]), permitted=(host,)) is None
    for order in ([inside, outside], [outside, inside]):
        assert judged(write_name(order), permitted=(host,)) == NOT_PERMITTED
        assert judged(write_name(order), excluded=(host,)) == EXCLUDED
    assert judged(write_name([outside]), name_of("mail", "x@a.example"), permitted=(host,)) == NOT_PERMITTED
    no_text = der.sequence(der.tlv(der.SET, der.sequence(der.oid("1.2.840.113549.1.9.1"), der.octet_string(b"x@b.example"))))
    assert judged(no_text, excluded=(name_of("mail", "b.example"),)) == NOT_UNDERSTOOD


def test_a_mailbox_beyond_ascii_is_mail() -> None:
    """RFC 9598, 6."""
    mailbox = der.tlv(0xA0, der.oid("1.3.6.1.5.5.7.8.9") + der.explicit(0, der.utf8_string("用户@b.example")))
    for way in ({"permitted": (name_of("mail", "a.example"),)}, {"excluded": (name_of("mail", "b.example"),)}):
        assert judged(SUBJECT, mailbox, **way) == NOT_UNDERSTOOD
    assert judged(SUBJECT, mailbox, permitted=(name_of("dns", "a.example"),)) is None
    another = der.tlv(0xA0, der.oid("1.2.3") + der.explicit(0, der.utf8_string("x")))
    assert judged(SUBJECT, another, permitted=(name_of("mail", "a.example"),)) is None


@pytest.mark.parametrize(
    "name", [der.tlv(0xA0, der.oid("1.2.3") + der.explicit(0, der.null())), der.tlv(0x88, b"\x2a"), der.tlv(0xA5, b"")]
)
def test_forms_that_nobody_here_compares_never_pass(name: bytes) -> None:
    assert judged(SUBJECT, name, permitted=(name,)) == NOT_UNDERSTOOD
    assert judged(SUBJECT, name, excluded=(name,)) == NOT_UNDERSTOOD
    assert judged(SUBJECT, name_of("dns", "a.example"), permitted=(name,)) is None


def test_a_directory_name_escapes_no_exclusion_by_another_string_type_or_an_invisible_letter() -> None:
    def office(value_der: bytes, *more: bytes) -> bytes:
        parts = ((b"2.5.4.6", der.printable_string("CN")), (b"2.5.4.10", value_der))
        return der.sequence(*(der.tlv(der.SET, der.sequence(der.oid(oid.decode()), value)) for oid, value in parts), *more)

    assert judged(UNIT, excluded=(write_directory_name(UNIT),)) == EXCLUDED
    for value in (
        der.tlv(der.TELETEX_STRING, b"Office"),
        der.utf8_string("Off\u200bice"),
        der.tlv(der.UNIVERSAL_STRING, "Office".encode("utf-32-be")),
    ):
        assert judged(office(value), excluded=(write_directory_name(UNIT),)) == NOT_UNDERSTOOD
        assert judged(office(value), permitted=(write_directory_name(UNIT),)) == NOT_UNDERSTOOD
        assert judged(office(value), excluded=(write_directory_name(write_name([("C", "US")])),)) is None
        assert judged(office(value), permitted=(write_directory_name(write_name([("C", "CN")])),)) is None
    assert judged(write_name([("C", "CN")]), excluded=(write_directory_name(UNIT),)) is None
    assert judged(b"\x30\x00", excluded=(write_directory_name(UNIT),)) is None
    assert judged(b"\x30\x00", permitted=(write_directory_name(UNIT),)) is None
    assert judged(b"\x30\x00", excluded=(write_directory_name(b"\x30\x00"),)) is None
    assert judged(write_name([("C", "CN"), ("OU", "Office")]), excluded=(write_directory_name(UNIT),)) is None


def test_more_names_than_anybody_compares_are_refused() -> None:
    names = [name_of("dns", f"n{i}.example") for i in range(900)]
    assert judged(SUBJECT, *names, excluded=tuple(names[:60])) == EXCLUDED
    assert judged(SUBJECT, *names, excluded=tuple(names[:100])) == NOT_UNDERSTOOD
