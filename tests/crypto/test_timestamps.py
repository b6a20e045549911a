"""The time-stamp authority, the client, and verifying tokens by themselves; asn1crypto as second opinion."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import algos, tsp
from hypothesis import given
from hypothesis import strategies as st

from crypto import digests
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import TimeStampAuthority, TimeStampClient, build_request, verify_token
from crypto.trust_list import Purpose, TrustList
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc3161_timestamp import Failure, Status, read_response, read_tst_info, write_granted, write_refused
from standards.rfc5280_algorithms import write_algorithm
from tests.crypto.cms_surgery import Parts, changed, resigned, take_apart
from tests.crypto.signing_actors import AT, DAY, POLICY, codes, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from standards.rfc3161_timestamp import TimeStampInfo

DATA = b"signature value"
IMPRINT = digests.digest(oids.SM3, DATA)


def granted_info(response_der: bytes) -> TimeStampInfo:
    response = read_response(response_der)
    assert response.status == Status.GRANTED
    assert response.token_der is not None
    return read_tst_info(rfc5652_cms.read_signed_data(response.token_der).content or b"")


@pytest.mark.clause("RFC 3161 2.4.1", "RFC 3161 2.4.2")
@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
@pytest.mark.parametrize("digest_oid", [oids.SM3, oids.SHA256, oids.SHA512])
def test_authority_answers_what_was_asked(algorithm: SignatureAlgorithm, digest_oid: str) -> None:
    here = world(algorithm)
    imprint = digests.digest(digest_oid, DATA)
    answer = here.tsa().respond(build_request(imprint, digest_oid, nonce=2**63 + 1, policy_oid=POLICY), AT)
    info = granted_info(answer)
    assert (info.imprint, info.digest.oid, info.nonce, info.policy_oid) == (imprint, digest_oid, 2**63 + 1, POLICY)
    assert (info.gen_at, info.accuracy_seconds, info.ordering) == (AT, 1, False)
    token = read_response(answer).token_der or b""
    found = verify_token(token, DATA, here.trust(), AT + DAY)
    assert found.verdict is Verdict.VALID
    assert (found.cryptographically_valid, found.document_intact, found.trusted) == (True, True, True)
    assert (found.signed_at, found.timestamp_at) == (AT, AT)
    assert found.signer == here.pki.tsa.subject_text


@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_no_token_gets_longer_than_the_authority_says(algorithm: SignatureAlgorithm) -> None:
    authority = world(algorithm).tsa()
    late = AT.replace(microsecond=999_999)
    request = build_request(digests.digest(oids.SHA512, DATA), oids.SHA512, nonce=2**64 - 1)
    lengths = {len(read_response(authority.respond(request, late)).token_der or b"") for _ in range(16)}
    assert authority.token_bytes_max - 96 <= max(lengths) <= authority.token_bytes_max


@pytest.mark.clause("RFC 3161 2.4.2")
def test_token_as_asn1crypto_sees_it() -> None:
    here = world()
    answer = tsp.TimeStampResp.load(here.tsa().respond(build_request(IMPRINT, nonce=5), AT), strict=True)
    assert answer["status"]["status"].native == "granted"
    signed = answer["time_stamp_token"]["content"]
    assert signed["version"].native == "v3"
    assert signed["encap_content_info"]["content_type"].dotted == oids.TST_INFO
    info = signed["encap_content_info"]["content"].parsed
    assert info["nonce"].native == 5
    assert info["gen_time"].native == AT
    attributes = {attribute["type"].dotted for attribute in signed["signer_infos"][0]["signed_attrs"]}
    assert attributes >= {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_CERTIFICATE_V2}


@pytest.mark.clause("RFC 3161 2.4.1 certReq")
@pytest.mark.parametrize("want", [True, False])
def test_certificates_only_when_asked_for(want: bool) -> None:
    here = world()
    answer = read_response(here.tsa().respond(build_request(IMPRINT, want_certificate=want), AT))
    carried = rfc5652_cms.read_signed_data(answer.token_der or b"").certificates
    assert set(carried) == ({here.pki.tsa.der, here.pki.issuing.certificate.der} if want else set())


def test_request_by_asn1crypto_is_understood() -> None:
    here = world()
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": tsp.MessageImprint(
                {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": b"h" * 32}
            ),
            "cert_req": True,
        }
    ).dump()
    info = granted_info(here.tsa().respond(request, AT))
    assert (info.imprint, info.nonce, info.digest.oid) == (b"h" * 32, None, oids.SHA256)


def test_serial_numbers_are_random_and_long() -> None:
    tsa = world(SignatureAlgorithm.ED25519).tsa()
    serials = {granted_info(tsa.respond(build_request(IMPRINT), AT)).serial for _ in range(50)}
    assert len(serials) == 50
    assert max(serials).bit_length() > 110
    assert min(serials) >= 0


def test_accuracy_policy_and_certificate_are_the_authoritys() -> None:
    here = world()
    tsa = TimeStampAuthority(here.pki.tsa, here.pki.chain, here.pki.tsa_signer, "1.2.9", 30)
    info = granted_info(tsa.respond(build_request(IMPRINT), AT))
    assert (info.policy_oid, info.accuracy_seconds) == ("1.2.9", 30)
    assert tsa.certificate == here.pki.tsa
    with pytest.raises(TrustError, match="CMS_KEY_MISMATCH"):
        TimeStampAuthority(here.pki.tsa, here.pki.chain, here.pki.seal_signer, POLICY)


def raw_request(*, version: int = 1, digest: bytes | None = None, imprint: bytes = IMPRINT, more: bytes = b"") -> bytes:
    message = der.sequence(write_algorithm(oids.SM3) if digest is None else digest, der.octet_string(imprint))
    return der.sequence(der.integer(version), message, more)


@pytest.mark.clause("RFC 3161 2.4.2 PKIFailureInfo")
@pytest.mark.parametrize(
    ("request_der", "failure"),
    [
        (b"", Failure.BAD_DATA_FORMAT),
        (b"\x30\x80" * 3000, Failure.BAD_DATA_FORMAT),
        (raw_request() + b"\x00", Failure.BAD_DATA_FORMAT),
        (raw_request(version=2), Failure.BAD_REQUEST),
        (raw_request(digest=write_algorithm(oids.SHA1), imprint=bytes(20)), Failure.BAD_ALGORITHM),
        (raw_request(digest=write_algorithm(oids.MD5), imprint=bytes(16)), Failure.BAD_ALGORITHM),
        (raw_request(digest=write_algorithm("1.2.3")), Failure.BAD_ALGORITHM),
        (raw_request(digest=write_algorithm(oids.SM3, der.integer(5))), Failure.BAD_ALGORITHM),
        (raw_request(imprint=IMPRINT[:-1]), Failure.BAD_DATA_FORMAT),
        (raw_request(imprint=b""), Failure.BAD_DATA_FORMAT),
        (raw_request(more=der.oid("1.2.3")), Failure.UNACCEPTED_POLICY),
        (raw_request(more=der.tlv(0xA0, der.sequence())), Failure.UNACCEPTED_EXTENSION),
    ],
)
def test_request_that_cannot_be_served(request_der: bytes, failure: Failure) -> None:
    answer = read_response(world().tsa().respond(request_der, AT))
    assert answer.status == Status.REJECTION
    assert answer.failures == {failure}
    assert answer.token_der is None
    assert answer.texts


@given(st.binary(max_size=300))
def test_hostile_requests_get_an_answer(request_der: bytes) -> None:
    answer = read_response(world().tsa().respond(request_der, AT))
    assert answer.status == Status.REJECTION


def client(send: Callable[[bytes], bytes], trust: TrustList | None = None, **more: object) -> TimeStampClient:
    return TimeStampClient(send, world().trust() if trust is None else trust, now=lambda: AT + timedelta(seconds=10), **more)  # type: ignore[arg-type]


def test_client_takes_a_good_token() -> None:
    here = world()
    seen: list[bytes] = []

    def send(request: bytes) -> bytes:
        seen.append(request)
        return here.tsa().respond(request, AT)

    token = client(send, policy_oid=POLICY).stamp(DATA)
    assert verify_token(token, DATA, here.trust(), AT).verdict is Verdict.VALID
    client(send).stamp(DATA)
    nonces = {tsp.TimeStampReq.load(request)["nonce"].native for request in seen}
    assert len(nonces) == 2
    assert all(tsp.TimeStampReq.load(request)["cert_req"].native for request in seen)


def test_client_default_clock_is_now() -> None:
    here = world()
    late = TimeStampClient(lambda request: here.tsa().respond(request, AT), here.trust())
    with pytest.raises(TrustError, match="TIME"):
        late.stamp(DATA)


def changed_info(request: bytes, **fields: object) -> bytes:
    """A granted response by the right authority whose TSTInfo differs from what was asked."""
    here = world()
    asked = tsp.TimeStampReq.load(request)
    imprint = bytes(fields.get("imprint", asked["message_imprint"]["hashed_message"].native))  # type: ignore[call-overload]
    nonce = fields.get("nonce", asked["nonce"].native)
    digest_oid = str(fields.get("digest_oid", oids.SM3))
    answer = TimeStampAuthority(here.pki.tsa, here.pki.chain, here.pki.tsa_signer, str(fields.get("policy", POLICY))).respond(
        build_request(imprint, digest_oid, nonce=nonce, want_certificate=bool(fields.get("want", True))),  # type: ignore[arg-type]
        fields.get("at", AT),  # type: ignore[arg-type]
    )
    token = read_response(answer).token_der or b""
    if "edit" in fields:
        token = changed(token, fields["edit"])  # type: ignore[arg-type]
    return write_granted(token)


def break_signature(parts: Parts) -> None:
    parts.signer.signature = take_apart(world().stamp()(b"other")).signer.signature


@pytest.mark.clause("RFC 3161 2.2")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"imprint": digests.digest(oids.SM3, b"other")}, "IMPRINT"),
        ({"imprint": digests.digest(oids.SHA256, DATA), "digest_oid": oids.SHA256}, "IMPRINT"),
        ({"nonce": 1}, "NONCE"),
        ({"nonce": None}, "NONCE"),
        ({"policy": "1.2.9"}, "POLICY"),
        ({"at": AT - DAY}, "TIME"),
        ({"at": AT + DAY}, "TIME"),
        ({"want": False}, "SIGNER_CERT_ABSENT"),
        ({"edit": break_signature}, "SIG_VALUE_BAD"),
    ],
)
def test_client_refuses_every_mismatch(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        client(lambda request: changed_info(request, **fields), policy_oid=POLICY).stamp(DATA)
    assert (caught.value.code, caught.value.facts["reason"]) == ("TSA_RESPONSE_BAD", reason)


@pytest.mark.parametrize(
    ("answer", "code", "fact"),
    [
        (b"", "TSA_RESPONSE_BAD", "DER_TRUNCATED"),
        (b"<html>busy</html>", "TSA_RESPONSE_BAD", "DER_TRUNCATED"),
        (bytes(300_000), "TSA_RESPONSE_BAD", "TS_TOO_LARGE"),
        (der.sequence(der.sequence(der.integer(0))), "TSA_RESPONSE_BAD", "TOKEN_MISSING"),
        (write_granted(der.sequence(der.integer(1))), "TSA_RESPONSE_BAD", "TS_BAD"),
        (write_refused(Failure.SYSTEM_FAILURE, "busy"), "TSA_REFUSED", "25"),
        (der.sequence(der.sequence(der.integer(3))), "TSA_REFUSED", ""),
    ],
)
def test_client_refuses_other_answers(answer: bytes, code: str, fact: str) -> None:
    with pytest.raises(TrustError) as caught:
        client(lambda _: answer).stamp(DATA)
    assert caught.value.code == code
    assert fact in {caught.value.facts.get("reason"), caught.value.facts.get("failures")}


def test_client_refuses_a_token_that_is_not_trusted() -> None:
    here = world()
    for trust in (TrustList.empty(), here.pki.trust_list(purposes=frozenset({Purpose.DOCUMENT}))):
        with pytest.raises(TrustError, match="CERT_NO_ANCHOR"):
            client(lambda request: here.tsa().respond(request, AT), trust).stamp(DATA)


def test_transport_errors_pass_through() -> None:
    def send(_: bytes) -> bytes:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        client(send).stamp(DATA)


def test_token_over_something_else() -> None:
    here = world()
    found = verify_token(here.stamp()(DATA), b"other", here.trust(), AT)
    assert found.verdict is Verdict.INVALID
    assert (found.document_intact, found.timestamp_at) == (False, None)
    assert codes(found, "fail") == {"TS_IMPRINT_BAD"}
    by_callable = verify_token(here.stamp()(DATA), lambda oid: digests.digest(oid, DATA), here.trust(), AT)
    assert by_callable.verdict is Verdict.VALID


def edited(change: Callable[[TimeStampInfo], bytes], *, resign: bool = True) -> bytes:
    """A token with another TSTInfo, signed by the authority when ``resign``."""
    here = world()
    token = here.stamp()(DATA)
    info_der = change(read_tst_info(rfc5652_cms.read_signed_data(token).content or b""))

    def replace_content(parts: Parts) -> None:
        parts.content = rfc5652_cms.write_content(oids.TST_INFO, info_der)
        if resign:
            digest = der.octet_string(digests.digest(oids.SM3, info_der))
            parts.signer.attributes = [
                *parts.signer.without(oids.MESSAGE_DIGEST),
                rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, digest),
            ]

    if resign:
        return resigned(token, replace_content, here.pki.tsa_signer.sign)
    return changed(token, replace_content)


def info_with(
    info: TimeStampInfo, *, version: int = 1, digest_oid: str = oids.SM3, imprint: bytes | None = None, extensions: bytes = b""
) -> bytes:
    return der.sequence(
        der.integer(version),
        der.oid(info.policy_oid),
        der.sequence(write_algorithm(digest_oid), der.octet_string(info.imprint if imprint is None else imprint)),
        der.integer(info.serial),
        der.generalized_time(info.gen_at),
        extensions,
    )


@pytest.mark.clause("GB/T 20520 TSTInfo")
def test_version_two_is_accepted() -> None:
    here = world()
    assert verify_token(edited(lambda info: info_with(info, version=2)), DATA, here.trust(), AT).verdict is Verdict.VALID
    assert verify_token(edited(lambda info: info_with(info, version=3)), DATA, here.trust(), AT).verdict is Verdict.INVALID


def test_token_whose_information_was_changed() -> None:
    here = world()
    later = verify_token(edited(lambda info: info_with(replace(info, gen_at=info.gen_at - DAY)), resign=False), DATA, here.trust(), AT)
    assert later.verdict is Verdict.INVALID
    assert later.document_intact is None
    assert "CMS_DIGEST_MISMATCH" in codes(later, "fail")


def test_weak_and_unknown_imprints_are_never_valid() -> None:
    here = world()
    weak = verify_token(
        edited(lambda info: info_with(info, digest_oid=oids.SHA1, imprint=digests.digest(oids.SHA1, DATA))), DATA, here.trust(), AT
    )
    assert weak.verdict is Verdict.INDETERMINATE
    assert codes(weak, "not-checked") == {"SIG_ALGORITHM_WEAK"}
    unknown = verify_token(edited(lambda info: info_with(info, digest_oid="1.2.3")), DATA, here.trust(), AT)
    assert unknown.verdict is Verdict.INDETERMINATE
    assert unknown.document_intact is None


def test_extensions_are_told() -> None:
    here = world()
    found = verify_token(edited(lambda info: info_with(info, extensions=der.tlv(0xA1, b""))), DATA, here.trust(), AT)
    assert found.verdict is Verdict.VALID
    assert codes(found, "warn") == {"TS_EXTENSIONS_IGNORED"}


def test_untrusted_token_and_garbage() -> None:
    here = world()
    stranger = verify_token(here.stamp()(DATA), DATA, TrustList.empty(), AT)
    assert stranger.verdict is Verdict.INDETERMINATE
    assert (stranger.trusted, stranger.timestamp_at, stranger.signed_at) == (None, None, AT)
    garbage = verify_token(b"garbage", DATA, here.trust(), AT)
    assert garbage.verdict is Verdict.INVALID
    assert (garbage.signer, garbage.signed_at, garbage.document_intact) == (None, None, None)
