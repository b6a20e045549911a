"""Codes: what is written is read back from a rendered page, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import cbor2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.cose import sign_cose
from crypto.jose import verification_key
from crypto.report import Verdict
from crypto.report_text import sentence
from crypto.trusted_logs import StatusIssuer
from licence_vault.faces.draw import draw_pdf
from licence_vault.faces.limits import QR_TEXT_CHARACTERS
from licence_vault.faces.qr import MESSAGE_TYPE, QrClaims, claims_of, code_key_id, read_message, verify_qr, write_qr
from licence_vault.model import Holder
from standards import rfc9285_base45 as base45
from standards.errors import TrustError
from tests.licence_vault.faces.designs import LANDSCAPE, picture_of
from tests.licence_vault.samples import sample_licence
from tests.pki import signer_for

PAGE = "https://licences.example/v"
PREFIX = "https://licences.example/licences/status/"
DAY = date(2027, 1, 1)
CLAIMS = claims_of(sample_licence(), log_index=4711, commitment=bytes(range(32)))


@cache
def issuers() -> tuple[StatusIssuer, ...]:
    return (
        StatusIssuer("https://elsewhere.example/", (signer_for("elsewhere").public_spki_der,)),
        StatusIssuer(PREFIX, (signer_for("qr").public_spki_der,)),
    )


@cache
def key_id(name: str = "qr") -> bytes:
    return code_key_id(verification_key(signer_for(name).public_spki_der)).encode()


@cache
def genuine() -> bytes:
    return read_message(code_for())


def code_for(claims: QrClaims = CLAIMS, *, signer: str = "qr") -> str:
    return write_qr(claims, page=PAGE, signer=signer_for(signer))


def link(message: bytes) -> str:
    return f"{PAGE}#" + base45.encode(message).replace("%", "%25").replace(" ", "%20")


def codes_of(text: str, **options: Any) -> tuple[Verdict, set[str]]:
    report, claims = verify_qr(text, issuers(), DAY, **options)
    assert (claims is None) == (report.questions[0].verdict is not Verdict.VALID)
    for question in report.questions:
        for step in question.steps:
            assert sentence(step, "en") != sentence(step, "zh")
    return report.verdict, {step.code for question in report.questions for step in question.steps}


@pytest.mark.clause("RFC 9052 4.2", "RFC 3986 2.1")
def test_a_printed_code_is_read_and_verified() -> None:
    text = code_for()
    (found,) = zxingcpp.read_barcodes(picture_of(draw_pdf(sample_licence(), LANDSCAPE, {}, qr_text=text), 150))
    assert found.text == text
    report, claims = verify_qr(found.text, issuers(), DAY, status=0)
    assert report.verdict is Verdict.VALID
    assert claims == CLAIMS
    assert claims.status == ("https://licences.example/licences/status/1", 4711)


def test_the_text_is_a_link_whose_fragment_is_packed_tightly() -> None:
    text = code_for(replace(CLAIMS, valid_to=None))
    head, _, tail = text.partition("#")
    assert head == "https://licences.example/v"
    assert set(tail) <= set(base45.ALPHABET) - {" "}
    assert len(read_message(text)) < 430
    _, claims = verify_qr(text, issuers(), DAY)
    assert claims is not None
    assert claims.valid_to is None


@pytest.mark.parametrize(
    ("claims", "status", "verdict", "code"),
    [
        (CLAIMS, None, Verdict.INDETERMINATE, "LICENCE_STATUS_NOT_AT_HAND"),
        (CLAIMS, 0, Verdict.VALID, "LICENCE_QR_STATUS_VALID"),
        (CLAIMS, 1, Verdict.INVALID, "LICENCE_QR_STATUS_ENDED"),
        (CLAIMS, 2, Verdict.INVALID, "LICENCE_QR_STATUS_ENDED"),
        (replace(CLAIMS, valid_from=date(2028, 1, 1)), 0, Verdict.INVALID, "LICENCE_NOT_YET_VALID"),
        (replace(CLAIMS, valid_to=date(2026, 12, 31)), 0, Verdict.INVALID, "LICENCE_EXPIRED"),
        (replace(CLAIMS, valid_to=None), 0, Verdict.VALID, "LICENCE_IN_FORCE"),
        (replace(CLAIMS, identifier=CLAIMS.identifier[:-1] + "?"), 0, Verdict.INVALID, "LICENCE_NUMBER_INVALID"),
        (replace(CLAIMS, identifier=CLAIMS.identifier[:-5] + "002" + CLAIMS.identifier[-2:]), 0, Verdict.INVALID, "LICENCE_NUMBER_INVALID"),
    ],
)
def test_every_question_counts(claims: QrClaims, status: int | None, verdict: Verdict, code: str) -> None:
    found, codes = codes_of(code_for(claims), status=status)
    assert found is verdict
    assert code in codes


def test_codes_of_others_say_nothing() -> None:
    assert codes_of(code_for(signer="somebody"), status=0) == (Verdict.INDETERMINATE, {"LICENCE_QR_KEY_UNKNOWN"})
    assert verify_qr(code_for(), (), DAY, status=0)[0].verdict is Verdict.INDETERMINATE
    forged = sign_cose(b"", signer_for("somebody"), key_id=key_id(), protected={16: MESSAGE_TYPE})
    assert codes_of(link(forged), status=0) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})
    # A known key, for licences whose status another one vouches for
    assert codes_of(code_for(signer="elsewhere"), status=0) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})
    other = sign_cose(b"", signer_for("qr"), key_id=key_id(), protected={16: "another"})
    assert codes_of(link(other), status=0) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_one_bit_changed_is_found(data: st.DataObject) -> None:
    message = bytearray(genuine())
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    message[bit // 8] ^= 1 << bit % 8
    report, claims = verify_qr(link(bytes(message)), issuers(), DAY, status=0)
    assert report.verdict is not Verdict.VALID
    assert claims is None


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(base45.ALPHABET, max_size=200).map(lambda text: f"{PAGE}#{text}"),
        st.binary(max_size=120).map(link),
    )
)
def test_nothing_scanned_ever_raises(text: str) -> None:
    report, claims = verify_qr(text, issuers(), DAY, status=0)
    assert report.verdict is Verdict.INVALID
    assert claims is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://licences.example/v#AAA",
        "https://licences.example#AAA",
        "https://licences.example/v#",
        "https://user@licences.example/v#AAA",
        "https://licences.example/v#A A",
        "https://licences.example/v#A%2",
        "https://licences.example/v#A%41",
        "https://licences.example/v#aaa",
        "https://licences.example/v#" + "A" * QR_TEXT_CHARACTERS,
    ],
)
def test_texts_that_are_no_code(text: str) -> None:
    with pytest.raises(TrustError, match="LICENCE_QR_UNREADABLE"):
        read_message(text)


ROW: list[Any] = [1, "a", "b", "c", ["d"], "e", 20260101, 20260101, None, "https://x", 1, 2, bytes(32)]


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        cbor2.dumps(7),
        cbor2.dumps(ROW[:-1]),
        *(
            cbor2.dumps([*ROW[:at], value, *ROW[at + 1 :]])
            for at, value in [
                (0, 2),
                (0, True),
                (1, 7),
                (1, ""),
                (2, "x\n"),
                (4, []),
                (4, "d"),
                (4, [7]),
                (5, "x" * 201),
                (6, 20261301),
                (6, "20260101"),
                (7, 2**70),
                (8, 0),
                (9, 7),
                (9, "x" * 501),
                (10, -1),
                (11, True),
                (12, bytes(31)),
                (12, "x" * 32),
            ]
        ),
    ],
)
def test_signed_claims_that_break_a_rule(payload: bytes) -> None:
    message = sign_cose(payload, signer_for("qr"), key_id=key_id(), protected={16: MESSAGE_TYPE})
    assert codes_of(link(message), status=0) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})


def test_what_would_not_fit_is_refused() -> None:
    with pytest.raises(TrustError, match="LICENCE_QR_TOO_LARGE"):
        code_for(replace(CLAIMS, name="名" * 200, number="号" * 200, issuer="局" * 200))
    for page in (
        "licences.example/v",
        "https://licences.example",
        "https://licences.example/v?a",
        "https://licences.example/v#",
        "ftp://a/v",
    ):
        with pytest.raises(ValueError, match="page"):
            write_qr(CLAIMS, page=page, signer=signer_for("qr"))
    assert len(read_message(write_qr(CLAIMS, page="http://127.0.0.1:8080/licences/verify", signer=signer_for("qr")))) > 300
    many = claims_of(
        sample_licence(holders=tuple(Holder(f"人{number}", "1", "001") for number in range(9))), log_index=1, commitment=bytes(32)
    )
    _, claims = verify_qr(code_for(many), issuers(), DAY)
    assert claims is not None
    assert claims.holders == ("人0", "人1", "人2")
