"""Collections of certificates made to cost a verifier time and memory: never trusted, always bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crypto.certificates import Certificate
from crypto.path import validate_path
from crypto.path_search import MAX_PATH_CERTIFICATES
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Anchor, Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_algorithms import write_algorithm, write_spki
from standards.rfc5280_certificate import write_signed, write_tbs_certificate
from tests.costs import at_most, at_most_memory
from tests.pki import YEAR, DemoPki, craft, name_der, signer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.path import PathResult
    from crypto.signer import Signer

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
PKI = DemoPki.create(AT)
LEAF_KEY = signer_for("attack-leaf")
CA_KEY = signer_for("attack-ca")
CA = extensions.write_basic_constraints(ca=True)
TRUSTING = TrustList((Anchor(PKI.root.certificate, revocation="not-published"),))


def validate(leaf: Certificate, *intermediates: Certificate, trust: TrustList | None = None) -> PathResult:
    chosen = PKI.trust_list() if trust is None else trust
    return validate_path(leaf, intermediates=intermediates, trust=chosen, purpose=Purpose.DOCUMENT, at=AT)


def unknowns(result: PathResult) -> list[tuple[str, object]]:
    assert result.trusted is None
    return [(step.code, step.facts.get("reason")) for step in result.steps if step.outcome == "not-checked"]


def leaf_of(issuer: Certificate, signer: Signer) -> Certificate:
    return craft(issuer.subject_der, signer, name_der("attack leaf"), LEAF_KEY.public_spki_der, at=AT)


def crossed(count: int, signers: Sequence[Signer]) -> list[Certificate]:
    """Authorities that all certify each other."""
    names = [name_der(f"loop {i}") for i in range(count)]
    return [
        craft(
            names[i],
            signers[i % len(signers)],
            names[j],
            signers[j % len(signers)].public_spki_der,
            at=AT,
            serial=100 * i + j,
            extensions_der=[CA],
        )
        for i in range(count)
        for j in range(count)
        if i != j
    ]


def measured(leaf: Certificate, *offered: Certificate) -> PathResult:
    with at_most(3), at_most_memory(64):  # CPU seconds; about 0.3 without coverage
        return validate(leaf, *offered)


def test_loop_of_a_thousand_certificates() -> None:
    """Each issued by the next, the last by the first."""
    names = [name_der(f"ring {i}") for i in range(1000)]
    ring = [craft(names[(i + 1) % 1000], CA_KEY, names[i], CA_KEY.public_spki_der, at=AT, extensions_der=[CA]) for i in range(1000)]
    result = measured(leaf_of(ring[0], CA_KEY), *ring)
    assert unknowns(result) == [("CERT_NO_ANCHOR", "path-too-long")]


def test_a_thousand_certificates_of_one_name() -> None:
    same = [
        craft(name_der("same"), CA_KEY, name_der("same"), CA_KEY.public_spki_der, at=AT, serial=i, extensions_der=[CA]) for i in range(1000)
    ]
    assert unknowns(measured(leaf_of(same[0], CA_KEY), *same)) == [("CERT_NO_ANCHOR", "search-limit")]


def test_authorities_that_all_certify_each_other() -> None:
    signers = [signer_for(f"clique {i}", SignatureAlgorithm.ECDSA_SHA256) for i in range(12)]
    clique = crossed(12, signers)
    leaf = craft(name_der("loop 0"), signers[0], name_der("x"), LEAF_KEY.public_spki_der, at=AT)
    result = measured(leaf, *clique)
    assert result.trusted is None
    assert "search-limit" in str(result.steps[0].facts["reason"])


def test_more_signatures_than_are_worth_checking() -> None:
    """On each of three levels a crowd of authorities of one name and different keys; only the last of each has really signed."""
    below: Signer = LEAF_KEY
    leaf = craft(name_der("crowd 0"), signer_for("crowd 0.0", SignatureAlgorithm.ED25519), name_der("x"), below.public_spki_der, at=AT)
    offered = []
    for level in range(3):
        signers = [signer_for(f"crowd {level}.{i}", SignatureAlgorithm.ED25519) for i in range(63)]
        above = signer_for(f"crowd {level + 1}.0", SignatureAlgorithm.ED25519)
        offered += [
            craft(
                name_der(f"crowd {level + 1}"),
                above,
                name_der(f"crowd {level}"),
                signer.public_spki_der,
                at=AT,
                serial=i,
                extensions_der=[CA],
            )
            for i, signer in reversed(list(enumerate(signers)))
        ]
    assert unknowns(measured(leaf, *offered)) == [("CERT_NO_ANCHOR", "search-limit")]


def test_the_longest_keys_cost_no_more_than_ordinary_ones() -> None:
    """Sixty authorities of one name with RSA of 16,384 bits and the worst exponent that is taken, each of which may have issued each."""
    by_rsa, key_algorithm = write_algorithm(oids.SHA256_WITH_RSA, der.null()), write_algorithm(oids.RSA, der.null())

    def made(subject: str, number: int) -> Certificate:
        key = der.sequence(der.integer((1 << 16383) | (number << 64) | 1), der.integer((1 << 63) + 12345678910111213))
        tbs_der = write_tbs_certificate(
            serial=number,
            signature_algorithm_der=by_rsa,
            issuer_der=name_der("same"),
            not_before=AT - YEAR,
            not_after=AT + YEAR,
            subject_der=name_der(subject),
            spki_der=write_spki(key_algorithm, key),
            extensions_der=[CA],
        )
        return Certificate.from_der(write_signed(tbs_der, by_rsa, b"\x01" * 2048))

    same = [made("same", number) for number in range(1, 61)]
    leaf = made("x", 99)
    with at_most(0.25):
        assert unknowns(validate(leaf, *same)) == [("CERT_NO_ANCHOR", "search-limit")]
    # nor do they hide the right issuer: whose key is ordinary is tried before
    issuer = craft(PKI.root.certificate.subject_der, PKI.root_signer, name_der("same"), CA_KEY.public_spki_der, at=AT, extensions_der=[CA])
    assert validate(leaf_of(issuer, CA_KEY), *same, issuer, trust=TRUSTING).trusted is True


def test_a_hundred_certificates_of_one_name_offered_a_hundred_times() -> None:
    ring = [
        craft(
            name_der("ring"),
            CA_KEY,
            name_der("ring"),
            CA_KEY.public_spki_der,
            at=AT,
            serial=i,
            extensions_der=[CA, extensions.write_subject_key_identifier(i.to_bytes(4, "big"))],
        )
        for i in range(100)
    ]
    result = measured(leaf_of(ring[0], CA_KEY), *ring * 100)
    assert result.trusted is None


def test_a_crowd_of_strangers_does_not_hide_the_right_issuer() -> None:
    crowd = [
        craft(name_der("nobody"), CA_KEY, PKI.issuing.certificate.subject_der, CA_KEY.public_spki_der, at=AT, serial=i, extensions_der=[CA])
        for i in range(500)
    ]
    trust = PKI.trust_list(with_intermediates=False)
    assert validate(PKI.seal, *crowd, PKI.issuing.certificate, trust=trust).trusted


def test_a_path_of_the_greatest_length_and_one_more() -> None:
    chain: list[Certificate] = []
    issuer, signer = PKI.root.certificate, PKI.root_signer
    for i in range(MAX_PATH_CERTIFICATES):
        below = signer_for(f"long {i}", SignatureAlgorithm.ED25519)
        chain.append(craft(issuer.subject_der, signer, name_der(f"long {i}"), below.public_spki_der, at=AT, extensions_der=[CA]))
        issuer, signer = chain[-1], below
    within = craft(
        chain[-3].subject_der,
        signer_for(f"long {MAX_PATH_CERTIFICATES - 3}", SignatureAlgorithm.ED25519),
        name_der("x"),
        LEAF_KEY.public_spki_der,
        at=AT,
    )
    assert validate(within, *chain, trust=TRUSTING).trusted
    beyond = craft(
        chain[-2].subject_der,
        signer_for(f"long {MAX_PATH_CERTIFICATES - 2}", SignatureAlgorithm.ED25519),
        name_der("x"),
        LEAF_KEY.public_spki_der,
        at=AT,
    )
    assert unknowns(validate(beyond, *chain, trust=TRUSTING)) == [("CERT_NO_ANCHOR", "path-too-long")]
