"""Time-stamp structures against asn1crypto; every malformed shape refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import tsp
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc3161_timestamp import (
    MAX_NONCE_BITS,
    MAX_REQUEST_BYTES,
    MAX_RESPONSE_BYTES,
    Failure,
    Status,
    read_request,
    read_response,
    read_tst_info,
    write_granted,
    write_refused,
    write_request,
    write_tst_info,
)
from standards.rfc5280_algorithms import write_algorithm

AT = datetime(2026, 11, 5, 8, 30, 1, tzinfo=UTC)
POLICY = "1.2.3.4"
IMPRINT = der.sequence(write_algorithm(oids.SM3), der.octet_string(b"i" * 32))


@pytest.mark.clause("RFC 3161 2.4.1")
@pytest.mark.parametrize("policy", [None, POLICY])
@pytest.mark.parametrize("nonce", [None, 0, 2**63 + 5])
@pytest.mark.parametrize("want", [True, False])
def test_request_both_ways(policy: str | None, nonce: int | None, want: bool) -> None:
    data = write_request(oids.SM3, b"i" * 32, policy_oid=policy, nonce=nonce, want_certificate=want)
    found = read_request(data)
    assert (found.version, found.digest.oid, found.imprint) == (1, oids.SM3, b"i" * 32)
    assert (found.policy_oid, found.nonce, found.want_certificate, found.has_extensions) == (policy, nonce, want, False)
    theirs = tsp.TimeStampReq.load(data, strict=True)
    assert theirs["nonce"].native == nonce
    assert theirs["cert_req"].native == want
    assert theirs["req_policy"].native == policy
    assert theirs["message_imprint"]["hashed_message"].native == b"i" * 32


def test_request_extensions_are_noticed() -> None:
    assert read_request(der.sequence(der.integer(1), IMPRINT, der.boolean(False), der.tlv(0xA0, b""))).has_extensions


@pytest.mark.parametrize(
    "data",
    [
        b"",
        der.sequence(der.integer(1)),
        der.sequence(der.integer(1), der.sequence(write_algorithm(oids.SM3))),
        der.sequence(der.integer(1), IMPRINT, der.integer(5), der.oid(POLICY)),
        der.sequence(der.integer(1), IMPRINT, der.integer(5), der.integer(5)),
        der.sequence(der.integer(1), IMPRINT, der.null()),
        der.sequence(der.integer(1), IMPRINT, der.integer(1 << MAX_NONCE_BITS)),
        der.sequence(der.integer(1), der.sequence(write_algorithm(oids.SM3), der.octet_string(bytes(MAX_REQUEST_BYTES)))),
    ],
)
def test_malformed_requests(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_request(data)


@pytest.mark.clause("RFC 3161 2.4.2")
def test_granted_response() -> None:
    token = der.sequence(der.oid(oids.CMS_SIGNED_DATA))
    found = read_response(write_granted(token))
    assert (found.status, found.texts, found.failures, found.token_der) == (Status.GRANTED, (), frozenset(), token)
    assert tsp.TimeStampResp.load(write_granted(token))["status"]["status"].native == "granted"


@pytest.mark.clause("RFC 3161 2.4.2")
@pytest.mark.parametrize("failure", list(Failure))
def test_refusing_response(failure: Failure) -> None:
    data = write_refused(failure, "不受理")
    found = read_response(data)
    assert (found.status, found.texts, found.failures, found.token_der) == (Status.REJECTION, ("不受理",), frozenset({failure}), None)
    # asn1crypto knows no response without a token, so it reads the status alone
    theirs = tsp.PKIStatusInfo.load(der.read_der(data).only_child().raw, strict=True)
    assert theirs["status"].native == "rejection"
    assert (
        theirs["fail_info"].native
        == {
            Failure.BAD_ALGORITHM: {"bad_alg"},
            Failure.BAD_REQUEST: {"bad_request"},
            Failure.BAD_DATA_FORMAT: {"bad_data_format"},
            Failure.TIME_NOT_AVAILABLE: {"time_not_available"},
            Failure.UNACCEPTED_POLICY: {"unaccepted_policy"},
            Failure.UNACCEPTED_EXTENSION: {"unaccepted_extensions"},
            Failure.ADDITIONAL_INFO_NOT_AVAILABLE: {"add_info_not_available"},
            Failure.SYSTEM_FAILURE: {"system_failure"},
        }[failure]
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        der.sequence(),
        der.sequence(der.sequence()),
        der.sequence(der.sequence(der.integer(0)), der.null()),
        der.sequence(der.sequence(der.integer(0)), der.sequence(), der.sequence()),
        der.sequence(der.sequence(der.integer(2), der.integer(2))),
        der.octet_string(bytes(MAX_RESPONSE_BYTES)),
    ],
)
def test_malformed_responses(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_response(data)


@pytest.mark.clause("RFC 3161 2.4.2")
@pytest.mark.parametrize("accuracy", [None, 1])
@pytest.mark.parametrize("ordering", [True, False])
@pytest.mark.parametrize("nonce", [None, 7])
@pytest.mark.parametrize("named", [True, False])
def test_tst_info_both_ways(accuracy: int | None, ordering: bool, nonce: int | None, named: bool) -> None:
    name = der.sequence(der.tlv(der.SET, der.sequence(der.oid(oids.COMMON_NAME), der.utf8_string("时间戳"))))
    data = write_tst_info(
        policy_oid=POLICY,
        digest_oid=oids.SM3,
        imprint=b"i" * 32,
        serial=2**100 + 1,
        gen_at=AT,
        accuracy_seconds=accuracy,
        ordering=ordering,
        nonce=nonce,
        tsa_name_der=name if named else None,
    )
    found = read_tst_info(data)
    assert (found.version, found.policy_oid, found.digest.oid, found.imprint) == (1, POLICY, oids.SM3, b"i" * 32)
    assert (found.serial, found.gen_at, found.accuracy_seconds) == (2**100 + 1, AT, accuracy)
    assert (found.ordering, found.nonce, found.has_extensions) == (ordering, nonce, False)
    theirs = tsp.TSTInfo.load(data, strict=True)
    assert theirs["serial_number"].native == 2**100 + 1
    assert theirs["gen_time"].native == AT
    assert theirs["ordering"].native == ordering
    assert theirs["nonce"].native == nonce
    assert (theirs["tsa"].native is not None) == named


def tst_info(*optional: bytes, version: int = 1, at: bytes = b"20261105083001.25Z", imprint: bytes = IMPRINT) -> bytes:
    return der.sequence(der.integer(version), der.oid(POLICY), imprint, der.integer(1), der.tlv(der.GENERALIZED_TIME, at), *optional)


@pytest.mark.clause("GB/T 20520 TSTInfo")
@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_and_everything_optional(version: int) -> None:
    accuracy = der.sequence(der.integer(2), der.integer(500, 0x80), der.integer(250, 0x81))
    found = read_tst_info(
        tst_info(accuracy, der.boolean(True), der.integer(9), der.tlv(0xA0, der.tlv(0xA4, b"")), der.tlv(0xA1, b""), version=version)
    )
    assert found.version == version
    assert found.accuracy_seconds == pytest.approx(2.50025)
    assert found.gen_at == AT.replace(microsecond=250_000)
    assert found.has_extensions
    assert read_tst_info(tst_info(der.sequence())).accuracy_seconds == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        der.sequence(der.integer(1), der.oid(POLICY)),
        tst_info(version=3),
        tst_info(at=b"20261105083001"),
        tst_info(at=b"20261305083001Z"),
        tst_info(der.null()),
        tst_info(der.integer(9), der.boolean(True)),
        tst_info(der.sequence(der.integer(1, 0x81), der.integer(1, 0x80))),
        tst_info(der.sequence(der.integer(-1))),
        tst_info(der.sequence(der.null())),
        tst_info(imprint=der.sequence(der.null())),
    ],
)
def test_malformed_tst_info(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_tst_info(data)


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed_at_most(data: bytes) -> None:
    for read in (read_request, read_response, read_tst_info):
        with pytest.raises(MalformedError):
            read(data)
