"""Codes: what is written is read back from a rendered page, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.cose import sign_cose
from crypto.report import Verdict
from crypto.report_text import sentence
from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer
from licence_vault.faces.design import QrPart
from licence_vault.faces.draw import draw_pdf
from licence_vault.faces.limits import QR_TEXT_CHARACTERS
from licence_vault.faces.qr import (
    _AROUND_BYTES,
    MESSAGE_TYPE,
    QrClaims,
    _payload,
    check_code,
    claims_of,
    code_key_id,
    read_message,
    read_qr,
    write_qr,
)
from licence_vault.faces.qr_picture import draw_qr
from licence_vault.model import Holder, Issuer, StatusReference
from licence_vault.verify_code import verify_code
from standards import rfc9285_base45 as base45
from standards.errors import TrustError
from tests.licence_vault.faces.designs import LANDSCAPE, picture_of
from tests.licence_vault.samples import sample_licence
from tests.licence_vault.test_verify import AT, LICENCE, PREFIX, STATUS_KEY, STATUS_SIGNER, status_token
from tests.pki import signer_for

if TYPE_CHECKING:
    from crypto.signer import Signer

PAGE = "https://licences.example/v"
CLAIMS = claims_of(LICENCE, log_index=4711, commitment=bytes(range(32)))
ELSEWHERE = signer_for("elsewhere")
ISSUERS = (StatusIssuer("https://elsewhere.example/", (ELSEWHERE.public_spki_der,)), StatusIssuer(PREFIX, (STATUS_SIGNER.public_spki_der,)))
KEY_ID = code_key_id(STATUS_KEY).encode()


def trust(*tokens: bytes) -> TrustList:
    return TrustList(anchors=(), status_issuers=ISSUERS, status_tokens=tokens)


@cache
def good() -> TrustList:
    return trust(status_token())


def code_for(claims: QrClaims = CLAIMS, signer: Signer = STATUS_SIGNER) -> str:
    return write_qr(claims, page=PAGE, signer=signer)


@cache
def genuine() -> bytes:
    return read_message(code_for())


def link(message: bytes) -> str:
    return f"{PAGE}#" + base45.encode(message).replace("%", "%25").replace(" ", "%20")


def codes_of(text: str, trusted: TrustList | None = None, at: datetime = AT) -> tuple[Verdict, set[str]]:
    found = verify_code(text, good() if trusted is None else trusted, at)
    assert (found.claims is None) == (found.report.questions[0].verdict is not Verdict.VALID)
    for question in found.report.questions:
        for step in question.steps:
            assert sentence(step, "en") != sentence(step, "zh")
    return found.report.verdict, {step.code for question in found.report.questions for step in question.steps}


@pytest.mark.clause("RFC 9052 4.2", "RFC 3986 2.1")
def test_a_printed_code_is_read_and_verified() -> None:
    text = code_for()
    (found,) = zxingcpp.read_barcodes(picture_of(draw_pdf(sample_licence(), LANDSCAPE, {}, qr_text=text), 150))
    assert found.text == text
    judged = verify_code(found.text, good(), AT)
    assert judged.report.verdict is Verdict.VALID
    assert [question.name for question in judged.report.questions] == ["code", "number", "status"]
    assert judged.claims == CLAIMS


def test_the_text_is_a_link_whose_fragment_is_packed_tightly() -> None:
    text = code_for(replace(CLAIMS, valid_to=None))
    head, _, tail = text.partition("#")
    assert head == "https://licences.example/v"
    assert set(tail) <= set(base45.ALPHABET) - {" "}
    assert len(read_message(text)) < 430
    assert read_qr(text, ISSUERS).valid_to is None


@pytest.mark.parametrize(
    ("claims", "tokens", "verdict", "code"),
    [
        (CLAIMS, (), Verdict.INDETERMINATE, "LICENCE_STATUS_NOT_AT_HAND"),
        (CLAIMS, (1,), Verdict.INVALID, "STATUS_NOT_VALID"),
        (CLAIMS, (2,), Verdict.INVALID, "STATUS_NOT_VALID"),
        (replace(CLAIMS, valid_from=date(2100, 1, 1)), (0,), Verdict.INVALID, "LICENCE_NOT_YET_VALID"),
        (replace(CLAIMS, issued_on=date(2099, 1, 1)), (0,), Verdict.VALID, "LICENCE_ISSUED_IN_FUTURE"),
        (replace(CLAIMS, valid_to=date(2020, 12, 31)), (0,), Verdict.INVALID, "LICENCE_EXPIRED"),
        (replace(CLAIMS, valid_to=None), (0,), Verdict.VALID, "LICENCE_IN_FORCE"),
        (replace(CLAIMS, identifier=CLAIMS.identifier[:-1] + "?"), (0,), Verdict.INVALID, "LICENCE_NUMBER_INVALID"),
        (
            replace(CLAIMS, identifier=CLAIMS.identifier[:-5] + "002" + CLAIMS.identifier[-2:]),
            (0,),
            Verdict.INVALID,
            "LICENCE_NUMBER_INVALID",
        ),
    ],
)
def test_every_question_counts(claims: QrClaims, tokens: tuple[int, ...], verdict: Verdict, code: str) -> None:
    found, codes = codes_of(code_for(claims), trust(*map(status_token, tokens)))
    assert found is verdict
    assert code in codes or (code == "STATUS_NOT_VALID" and found is Verdict.INVALID)


def test_attack_a_further_name_on_the_face_is_not_in_the_code() -> None:
    """A code has the first three holders: of one more beneath them on the paper, a true one or one that somebody wrote there, it says nothing."""
    for count, is_told in ((1, False), (2, False), (3, True), (4, True)):
        held = replace(LICENCE, holders=tuple(Holder(f"甲{number}", "001", "x") for number in range(count)))
        verdict, codes = codes_of(code_for(claims_of(held, log_index=1, commitment=bytes(32))))
        assert (verdict, "LICENCE_QR_HOLDERS_FIRST" in codes) == (Verdict.VALID, is_told)


def test_a_list_of_yesterday_says_nothing_of_today() -> None:
    verdict, codes = codes_of(code_for(), at=AT + timedelta(days=2))
    assert verdict is Verdict.INDETERMINATE
    assert "STATUS_LIST_EXPIRED" in codes


def test_codes_of_others_say_nothing() -> None:
    somebody = signer_for("somebody")
    assert codes_of(code_for(signer=somebody)) == (Verdict.INDETERMINATE, {"LICENCE_QR_KEY_UNKNOWN"})
    assert codes_of(code_for(), TrustList.empty()) == (Verdict.INDETERMINATE, {"LICENCE_QR_KEY_UNKNOWN"})
    forged = sign_cose(b"", somebody, key_id=KEY_ID, protected={16: MESSAGE_TYPE})
    assert codes_of(link(forged)) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})
    # A known key, for licences whose status another one vouches for
    assert codes_of(code_for(signer=ELSEWHERE)) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})
    other = sign_cose(b"", STATUS_SIGNER, key_id=KEY_ID, protected={16: "another"})
    assert codes_of(link(other)) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_one_bit_changed_is_found(data: st.DataObject) -> None:
    message = bytearray(genuine())
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    message[bit // 8] ^= 1 << bit % 8
    found = verify_code(link(bytes(message)), good(), AT)
    assert found.report.verdict is not Verdict.VALID
    assert found.claims is None


@pytest.mark.parametrize("other", [0x80, 0xE0, 0x20, 0x40, 0x60, 0xF6])
def test_the_part_that_nobody_signs_is_a_map_all_the_same(other: int) -> None:
    message = genuine()
    at = message.index(b"yinxin-licence-qr") + len(b"yinxin-licence-qr")
    assert message[at] == 0xA0
    found = verify_code(link(message[:at] + bytes([other]) + message[at + 1 :]), good(), AT)
    assert (found.report.verdict, found.claims) == (Verdict.INVALID, None)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(base45.ALPHABET, max_size=200).map(lambda text: f"{PAGE}#{text}"),
        st.binary(max_size=120).map(link),
    )
)
def test_nothing_scanned_ever_raises(text: str) -> None:
    found = verify_code(text, good(), AT)
    assert found.report.verdict is Verdict.INVALID
    assert found.claims is None


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
    message = sign_cose(payload, STATUS_SIGNER, key_id=KEY_ID, protected={16: MESSAGE_TYPE})
    assert codes_of(link(message)) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})


@pytest.mark.parametrize("name", ["\U00031350某（示例）", "ᠪᠠᠲᠤ᠎ᠠ", "\u1820\u202f\u1822", "\ue000某"])
def test_a_code_says_every_name_that_a_licence_may_have(name: str) -> None:
    """Rare characters, whether or not this version of Python knows them, and what stands between Mongolian letters."""
    claims = claims_of(sample_licence(holders=(Holder(name, "11010519491231002X", "111"),)), log_index=4711, commitment=bytes(32))
    found = verify_code(code_for(claims), good(), AT)
    assert found.report.verdict is Verdict.VALID
    assert found.claims == claims


@pytest.mark.parametrize("name", ["x\u202ey", "x\ny", "x\u2028y", "x\x85y"])
def test_a_code_says_no_name_that_a_licence_cannot_have(name: str) -> None:
    assert codes_of(code_for(replace(CLAIMS, holders=(name,)))) == (Verdict.INVALID, {"LICENCE_QR_NOT_GENUINE"})


NAMES = st.text(st.sampled_from("aＷ名号人示例\U00020000𠮷·\u1820 "), min_size=1, max_size=60)


@settings(max_examples=200)
@given(
    NAMES,
    NAMES,
    NAMES,
    st.lists(NAMES, min_size=1, max_size=4),
    st.sampled_from("LMQH"),
    st.integers(0, 90),
    st.integers(0, 2**40),
    st.binary(min_size=32, max_size=32),
)
def test_what_is_found_to_fit_is_drawn(
    name: str, number: str, issuer: str, holders: list[str], level: str, longer: int, log_index: int, commitment: bytes
) -> None:
    """Whatever becomes known only later: the place in the log, the commitment, the signature."""
    data = sample_licence(name=name, number=number, issuer=Issuer(issuer, ""), holders=tuple(Holder(each, "1", "001") for each in holders))
    page = f"https://{'a' * longer}licences.example/v"
    try:
        check_code(data, [level], page=page)
    except TrustError as error:
        assert (error.code, error.facts["place"]) == ("LICENCE_QR_TOO_LARGE", "qr")
        assert level in "QH" or len(_payload(claims_of(data, log_index=2**63 - 1, commitment=bytes(32)))) > 1400
        return
    text = write_qr(claims_of(data, log_index=log_index, commitment=commitment), page=page, signer=STATUS_SIGNER)
    assert draw_qr(QrPart(0, 0, 60, level), text).content


def test_usual_licences_fit_every_code_and_a_page_that_no_code_can_name_is_said() -> None:
    check_code(sample_licence(), "LMQH", page=PAGE)
    check_code(sample_licence(name="名" * 200), (), page=PAGE)
    with pytest.raises(TrustError, match="SETTING_INVALID"):
        check_code(sample_licence(), (), page="https://证照.example/v")
    with pytest.raises(TrustError, match="LICENCE_QR_TOO_LARGE"):  # without a code on the face too: it is written in any case
        check_code(sample_licence(status=StatusReference("https://licences.example/" + "s" * 1300, 1)), (), page=PAGE)


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
            write_qr(CLAIMS, page=page, signer=STATUS_SIGNER)
    assert len(read_message(write_qr(CLAIMS, page="http://127.0.0.1:8080/licences/verify", signer=STATUS_SIGNER))) > 300
    assert len(read_message(genuine_text := code_for())) - len(_payload(CLAIMS)) == _AROUND_BYTES, genuine_text
    holders = tuple(Holder(f"人{number}", "1", "001") for number in range(9))
    many = claims_of(sample_licence(name="名" * 60, holders=holders), log_index=1, commitment=bytes(32))
    assert read_qr(code_for(many), ISSUERS).name == "名" * 47 + "…"
    assert read_qr(code_for(many), ISSUERS).holders == ("人0", "人1", "人2")
