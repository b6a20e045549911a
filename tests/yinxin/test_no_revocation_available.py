"""noRevAvail (RFC 9608): when the word of an issuer that it publishes nothing does in place of evidence. In both verifiers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.path import validate_path
from crypto.report import Outcome
from crypto.revocation import RevocationEvidence
from crypto.trust_list import Anchor, Purpose, TrustList, write_trust_list
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.rfc5280_certificate import write_extension
from tests.pki import DemoPki, craft, name_der, signer_for
from tests.yinxin.test_offline_modules import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.certificates import Certificate

AT: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
PKI: Final = DemoPki.create(AT)
ROOT_ONLY: Final = PKI.trust_list(crls=PKI.crls()[:1])
KEY: Final = signer_for("short")
NONE: Final = write_extension(oids.NO_REV_AVAIL, der.null())
SCRIPT: Final = """
  const [{ fromHex }, { Certificate }, { readTrustList }, { validatePath }, { makeEvidence }] =
    await Promise.all(["bytes", "x509", "trust", "chains", "revocation"].map(load));
  const trust = readTrustList(new TextEncoder().encode(given.trust));
  const { leaf, crls, isProven, at, now, provenBy } = given;
  const found = await validatePath(new Certificate(fromHex(leaf)), {
    trust, purpose: "document-seal", at, now, isProven, provenBy, evidence: makeEvidence(crls.map(fromHex), []),
  });
  return [found.trusted, found.steps.filter((step) => step.code.startsWith("CERT_REV")).map(({ code, facts }) => [code, facts])];
"""


def leaf_for(lifetime: timedelta, *more: bytes) -> Certificate:
    own = (extensions.write_basic_constraints(ca=False), NONE, *more)
    begin = AT - DAY
    return craft(
        PKI.issuing.certificate.subject_der,
        PKI.issuing_signer,
        name_der("leaf"),
        KEY.public_spki_der,
        at=AT,
        not_before=begin,
        not_after=begin + lifetime,
        serial=77,
        extensions_der=own,
    )


def judged(
    leaf: Certificate, *, trust: TrustList = ROOT_ONLY, crls: Sequence[bytes] = (), **moment: Any
) -> tuple[bool | None, dict[str, Any]]:
    """Whether it is trusted, and what is said about the revocation of the leaf; the offline verifier says the same."""
    result = validate_path(leaf, trust=trust, purpose=Purpose.DOCUMENT, at=AT, evidence=RevocationEvidence(crls=tuple(crls)), **moment)
    steps = [(step.code, step.facts) for step in result.steps if step.code.startswith("CERT_REV")]

    def milliseconds(moment: datetime | None) -> int | None:
        return None if moment is None else int(moment.timestamp() * 1000)

    given = {
        "trust": write_trust_list(trust).decode(),
        "leaf": leaf.der.hex(),
        "crls": [crl.hex() for crl in crls],
        "at": milliseconds(AT),
        "now": milliseconds(moment.get("now")),
        "isProven": moment.get("is_proven", True),
        "provenBy": milliseconds(moment.get("proven_by")),
    }
    assert run(SCRIPT, given) == json.loads(json.dumps([result.trusted, steps]))
    code, facts = steps[0]
    return result.trusted, {"code": code} | facts


@pytest.mark.clause("RFC 9608 3")
def test_the_authority_issues_certificates_that_need_no_evidence() -> None:
    request = SubjectRequest(name_der("short-lived"), KEY.public_spki_der)
    leaf = PKI.issuing.issue(request, Profile.SEAL_SIGNING, not_before=AT - DAY, not_after=AT + 6 * DAY, has_revocation=False)
    trusted, said = judged(leaf)
    assert trusted
    assert said == {"code": "CERT_REVOCATION_NOT_AVAILABLE", "certificate": leaf.subject_text, "days": 7}
    result = validate_path(leaf, trust=ROOT_ONLY, purpose=Purpose.DOCUMENT, at=AT)
    assert [step.code for step in result.steps if step.outcome is Outcome.WARN] == ["CERT_REVOCATION_NOT_AVAILABLE"]
    assert validate_path(PKI.seal, trust=ROOT_ONLY, purpose=Purpose.DOCUMENT, at=AT).trusted is None


def test_for_a_longer_time_the_trust_list_has_to_say_that_nothing_is_published() -> None:
    leaf = leaf_for(7 * DAY + timedelta(seconds=1))
    trusted, said = judged(leaf)
    assert (trusted, said["code"], said["reason"]) == (None, "CERT_REVOCATION_UNKNOWN", "no-revocation-available-for-long")
    believed = TrustList((Anchor(PKI.root.certificate, revocation="not-published"),), ROOT_ONLY.intermediates)
    trusted, said = judged(leaf, trust=believed)
    assert (trusted, said["code"]) == (True, "CERT_REVOCATION_NOT_PUBLISHED")


@pytest.mark.parametrize(
    "more",
    [
        extensions.write_crl_distribution_points(["http://a.example/x.crl"]),
        extensions.write_authority_information_access(ocsp_urls=["http://a.example/"]),
        write_extension(oids.FRESHEST_CRL, der.sequence()),
    ],
    ids=["crl", "ocsp", "delta"],
)
def test_a_certificate_that_names_a_source_contradicts_itself(more: bytes) -> None:
    trusted, said = judged(leaf_for(2 * DAY, more))
    assert (trusted, said["reason"]) == (None, "no-revocation-available-contradicted")
    assert judged(leaf_for(2 * DAY, extensions.write_authority_information_access(ca_issuers_urls=["http://a.example/"])))[0]


def test_evidence_that_is_there_counts() -> None:
    """Stale or not to be judged: then it is known that something is published."""
    leaf = leaf_for(2 * DAY)
    stale = PKI.issuing.issue_crl([], this_update=AT - 9 * DAY, next_update=AT - 8 * DAY, number=1)
    assert judged(leaf, crls=[stale])[1]["status"] == "stale"
    revoked = PKI.issuing.issue_crl([RevokedCertificate(77, AT - DAY)], this_update=AT, next_update=AT + DAY, number=2)
    assert judged(leaf, crls=[revoked])[1]["code"] == "CERT_REVOKED_BEFORE"
    forged = DemoPki.create(AT, label="forger").crls()
    assert judged(leaf, crls=forged)[0]


def test_a_moment_that_the_signer_alone_states_is_none_once_the_certificate_has_ended() -> None:
    """Nobody can say any more that the key was stolen: a thief would state a moment of its life."""
    leaf = leaf_for(2 * DAY)
    root_lists = PKI.root.issue_crl([], this_update=AT + 20 * DAY, next_update=AT + 40 * DAY, number=3)
    trust = PKI.trust_list(crls=(root_lists,))
    late: dict[str, Any] = {"trust": trust, "now": AT + 30 * DAY, "is_proven": False}
    trusted, said = judged(leaf, **late)
    assert (trusted, said["reason"]) == (None, "no-revocation-available-and-no-proven-time")
    assert judged(leaf, **late, proven_by=AT + DAY)[0]
    assert judged(leaf, **late, proven_by=AT + DAY + timedelta(seconds=1))[0] is None
    assert judged(leaf, **(late | {"is_proven": True}))[0]
    assert judged(leaf, **(late | {"now": AT + DAY, "trust": ROOT_ONLY}))[0]


def test_an_authority_does_not_exempt_itself() -> None:
    exempt = craft(
        PKI.root.certificate.subject_der,
        PKI.root_signer,
        PKI.issuing.certificate.subject_der,
        PKI.issuing_signer.public_spki_der,
        at=AT,
        not_before=AT - DAY,
        not_after=AT + DAY,
        extensions_der=[extensions.write_basic_constraints(ca=True), NONE],
    )
    trust = TrustList((Anchor(PKI.root.certificate),), (exempt,), PKI.crls()[1:])
    result = validate_path(PKI.seal, trust=trust, purpose=Purpose.DOCUMENT, at=AT)
    unknown = [step.facts["reason"] for step in result.steps if step.code == "CERT_REVOCATION_UNKNOWN"]
    assert (result.trusted, unknown) == (None, ["no-revocation-available-contradicted"])
