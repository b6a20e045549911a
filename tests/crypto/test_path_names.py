"""Constraints on names other than directory names bind the certificates of a path."""

from __future__ import annotations

import pytest

from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_certificate import write_extension
from standards.rfc5280_names import write_name
from tests.crypto.test_path_attacks import CA, CA_KEY, authority_of, failures, leaf_of, trusting, validate
from tests.standards.constrained_names import constraints_value, name_of


@pytest.mark.parametrize("way", ["permitted", "excluded"])
@pytest.mark.parametrize(
    ("kind", "base", "inside", "outside"),
    [
        ("mail", "a.example", "x@a.example", "x@b.example"),
        ("uri", ".example", "http://a.example/x", "http://a.invalid/.example"),
        ("dns", "a.example", "b.a.example", "ba.example"),
        ("ip", "192.0.2.0/24", "192.0.2.9", "192.0.3.9"),
    ],
)
def test_name_constraints_of_every_form(kind: str, base: str, inside: str, outside: str, way: str) -> None:
    ca = authority_of(CA, write_extension(oids.NAME_CONSTRAINTS, constraints_value(kind, base, way), critical=True))
    good, bad, reason = (inside, outside, "name-not-permitted") if way == "permitted" else (outside, inside, "name-excluded")
    leaves = [leaf_of(ca, CA_KEY, write_extension(oids.SUBJECT_ALT_NAME, der.sequence(name_of(kind, name)))) for name in (good, bad)]
    assert validate(leaves[0], ca, trust=trusting()).trusted
    assert failures(validate(leaves[1], ca, trust=trusting())) == [("CERT_CHAIN_BAD", reason)]
    assert validate(leaf_of(ca, CA_KEY), ca, trust=trusting()).trusted


def test_a_form_of_name_constraint_that_is_not_understood_fails_where_it_applies() -> None:
    registered = der.tlv(0x88, b"\x2a")
    ca = authority_of(CA, extensions.write_name_constraints(permitted=[registered]))
    leaf = leaf_of(ca, CA_KEY, write_extension(oids.SUBJECT_ALT_NAME, der.sequence(registered)))
    assert failures(validate(leaf, ca, trust=trusting())) == [("CERT_CHAIN_BAD", "name-constraint-not-understood")]
    assert validate(leaf_of(ca, CA_KEY), ca, trust=trusting()).trusted


def test_mail_address_in_the_subject_counts_as_a_name() -> None:
    ca = authority_of(CA, extensions.write_name_constraints(permitted=[b"\x81\x09a.example"]))
    leaf = leaf_of(ca, CA_KEY, subject=write_name([("CN", "x"), ("emailAddress", "x@b.example")]))
    assert failures(validate(leaf, ca, trust=trusting())) == [("CERT_CHAIN_BAD", "name-not-permitted")]
