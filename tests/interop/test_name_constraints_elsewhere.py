"""Names under constraints, judged by OpenSSL (pyOpenSSL) and BouncyCastle too: what passes here passes there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from OpenSSL import crypto as openssl

from crypto.authority import CertificateAuthority
from crypto.path import validate_path
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Anchor, Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.rfc5280_certificate import write_extension
from standards.rfc5280_extensions import write_basic_constraints, write_key_usage
from tests.pki import YEAR, craft, name_der, signer_for
from tests.standards.constrained_names import CASES, constraints_value, name_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

AT: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
WAYS: Final = ("permitted", "excluded")
# No empty DNS subtree; the host of a URI begins after its last "@" and ends at a ":" or "/"
BOUNCY_CASTLE_DIFFERS: Final = {
    ("a.example", ""),
    ("http://a.example?x", "a.example"),
    ("http://user:word@a.example/", "a.example"),
    ("http://b.example/@a.example", "a.example"),
}
ROOT_KEY, CA_KEY, LEAF_KEY = (signer_for(f"constrained-{role}", SignatureAlgorithm.ECDSA_SHA256) for role in ("root", "ca", "leaf"))
ROOT: Final = CertificateAuthority.create_root(ROOT_KEY, name_der("root"), not_before=AT - YEAR, not_after=AT + YEAR).certificate
TRUST: Final = TrustList((Anchor(ROOT, revocation="not-published"),))


def verdicts(kind: str, name: str, base: str, way: str) -> tuple[bool, str | None, str | None]:
    """Whether we trust the path, for what we refuse it, and what OpenSSL says against it."""
    constraints = write_extension(oids.NAME_CONSTRAINTS, constraints_value(kind, base, way), critical=True)
    usage = (write_basic_constraints(ca=True), write_key_usage([5, 6]), constraints)
    ca = craft(ROOT.subject_der, ROOT_KEY, name_der("ca"), CA_KEY.public_spki_der, at=AT, extensions_der=usage)
    names = write_extension(oids.SUBJECT_ALT_NAME, der.sequence(name_of(kind, name)))
    leaf = craft(ca.subject_der, CA_KEY, name_der("leaf"), LEAF_KEY.public_spki_der, at=AT, serial=2, extensions_der=[names])
    result = validate_path(leaf, intermediates=[ca], trust=TRUST, purpose=Purpose.DOCUMENT, at=AT)
    store = openssl.X509Store()
    store.add_cert(openssl.load_certificate(openssl.FILETYPE_ASN1, ROOT.der))
    store.set_time(AT.replace(tzinfo=None))
    loaded, between = (openssl.load_certificate(openssl.FILETYPE_ASN1, each.der) for each in (leaf, ca))
    said = None
    try:
        openssl.X509StoreContext(store, loaded, chain=[between]).verify_certificate()
    except openssl.X509StoreContextError as error:
        said = str(error)
    reason = next((str(step.facts["reason"]) for step in result.steps if step.code == "CERT_CHAIN_BAD"), None)
    return result.trusted is True, reason, said


@pytest.mark.clause("RFC 5280 4.2.1.10")
def test_openssl_agrees_on_what_is_decided() -> None:
    passed, refused_here_alone = 0, 0
    for kind, name, base, within in CASES:
        for way in WAYS:
            ours, reason, theirs = verdicts(kind, name, base, way)
            passed += ours
            case = (kind, name, base, way, theirs)
            if within is None:
                assert (ours, reason) == (False, "name-constraint-not-understood"), case
                refused_here_alone += theirs is None
            else:
                assert ours == (theirs is None), case
                assert ours or (("excluded" if way == "excluded" else "permitted") in str(theirs)), case
    assert passed > 40
    assert refused_here_alone


@pytest.mark.clause("RFC 5280 4.2.1.10")
def test_bouncy_castle_agrees_on_what_is_decided(java_programs: JavaPrograms, tmp_path: Path) -> None:
    asked = [(kind, name, base, way, within) for kind, name, base, within in CASES for way in WAYS]
    given = tmp_path / "given"
    given.write_text(
        "".join(f"{constraints_value(kind, base, way).hex()} {name_of(kind, name).hex()}\n" for kind, name, base, way, _ in asked)
    )
    said = java_programs.run("CheckNames", given)
    differing = set()
    for number, (_kind, name, base, way, within) in enumerate(asked):
        if within is not None and (said[str(number)] == "ok") != (within == (way == "permitted")):
            differing.add((name, base))
    assert differing == BOUNCY_CASTLE_DIFFERS
