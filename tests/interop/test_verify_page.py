"""The verifying page's own script, run by Node: the same answers as the verifier in Python, for good codes and for every kind of bad one."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import yinxin.verification_page
from crypto.cose import sign_cose
from crypto.jose import write_jwk
from crypto.report import Verdict
from crypto.sm3 import sm3
from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer
from licence_vault.faces.qr import MESSAGE_TYPE, read_message
from licence_vault.verify_code import verify_code
from tests.licence_vault.test_verify import AT, LICENCE, PREFIX, STATUS_KEY, STATUS_SIGNER, status_token
from tests.licence_vault.test_verify_code import CLAIMS, KEY_ID, ROW, code_for, genuine, link
from tests.optional import need_program
from tests.pki import signer_for

PROGRAM = Path(__file__).parent / "node" / "verify_code.mjs"
SCRIPT = Path(str(yinxin.verification_page.__file__)).parent / "static" / "code.js"
WORDS = {Verdict.VALID: "valid", Verdict.INVALID: "invalid", Verdict.INDETERMINATE: "unknown"}
MESSAGES = [bytes(random.Random(size).randbytes(size)) for size in (0, 1, 55, 56, 63, 64, 65, 119, 500)]


def case(text: str, status: bytes | None = None, at: datetime = AT) -> dict[str, Any]:
    keys = {"keys": [write_jwk(STATUS_KEY)]}
    return {"text": text, "status": None if status is None else status.decode(), "at": at.isoformat(), "keys": keys, "prefix": PREFIX}


def flipped(message: bytes, bit: int) -> str:
    changed = bytearray(message)
    changed[bit // 8] ^= 1 << bit % 8
    return link(bytes(changed))


@cache
def cases() -> dict[str, dict[str, Any]]:
    good, token = link(genuine()), status_token()
    other = signer_for("somebody")
    listed = {
        "good": case(good, token),
        "no-status": case(good),
        "revoked": case(good, status_token(1)),
        "suspended": case(good, status_token(2)),
        "stale": case(good, token, AT + timedelta(days=2)),
        "from-tomorrow": case(good, status_token(at=AT + timedelta(days=1))),
        "other-list": case(good, status_token(uri=LICENCE.status.list + "1")),
        "list-of-somebody": case(good, forged_token(token)),
        "no-token": case(good, b"x.y"),
        "expired": case(code_for(replace(CLAIMS, valid_to=date(2020, 1, 1))), token),
        "not-yet": case(code_for(replace(CLAIMS, valid_from=date(2100, 1, 1))), token),
        "no-end": case(code_for(replace(CLAIMS, valid_to=None)), token),
        "last-day": case(code_for(replace(CLAIMS, valid_to=AT.date())), token),
        "number": case(code_for(replace(CLAIMS, identifier=CLAIMS.identifier[:-1] + "?")), token),
        "another-number": case(code_for(replace(CLAIMS, identifier=CLAIMS.identifier[:-5] + "002" + CLAIMS.identifier[-2:])), token),
        "elsewhere": case(code_for(replace(CLAIMS, status_list="https://elsewhere.example/1")), token),
        "somebody": case(code_for(signer=other), token),
        "forged": case(link(sign_cose(b"x", other, key_id=KEY_ID, protected={16: MESSAGE_TYPE})), token),
        "other-type": case(link(sign_cose(b"x", STATUS_SIGNER, key_id=KEY_ID, protected={16: "x"})), token),
        "short-row": case(signed_row(ROW[:-1]), token),
        "bad-day": case(signed_row([*ROW[:6], 20260230, *ROW[7:]]), token),
        "bad-commitment": case(signed_row([*ROW[:12], b"x"]), token),
        "no-link": case("https://licences.example/v", token),
        "no-base45": case("https://licences.example/v#abc", token),
        "percent": case(good.replace("%25", "%41", 1) if "%25" in good else good + "%41", token),
        "trailing": case(link(genuine() + b"\0"), token),
        "cut": case(link(genuine()[:-1]), token),
    }
    length = 8 * len(genuine())
    return listed | {f"flipped-{bit}": case(flipped(genuine(), bit), token) for bit in random.Random(1).sample(range(length), 40)}


def signed_row(row: list[Any]) -> str:
    import cbor2

    return link(sign_cose(cbor2.dumps(row), STATUS_SIGNER, key_id=KEY_ID, protected={16: MESSAGE_TYPE}))


def forged_token(token: bytes) -> bytes:
    """The signature of another key under the same header."""
    signed, _, _ = token.rpartition(b".")
    _, _, signature = status_token(at=AT - timedelta(hours=1)).rpartition(b".")
    return signed + b"." + signature


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    command = [need_program("node"), str(PROGRAM), str(SCRIPT)]
    given = json.dumps({"cases": list(cases().values()), "messages": [each.hex() for each in MESSAGES]})
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {"digests": found["digests"], **dict(zip(cases(), found["answers"], strict=True))}


def test_the_page_computes_sm3(answers: dict[str, Any]) -> None:
    assert answers["digests"] == [sm3(message).hex() for message in MESSAGES]


@pytest.mark.parametrize("name", cases())
def test_the_page_answers_as_the_verifier_does(answers: dict[str, Any], name: str) -> None:
    given, found = cases()[name], answers[name]
    tokens = () if given["status"] is None else (given["status"].encode(),)
    trust = TrustList(anchors=(), status_issuers=(StatusIssuer(PREFIX, (STATUS_SIGNER.public_spki_der,)),), status_tokens=tokens)
    ours = verify_code(given["text"], trust, datetime.fromisoformat(given["at"]))
    assert found["verdict"] == WORDS[ours.report.verdict], (found, ours.report)
    assert (found["claims"] is None) == (ours.claims is None)
    if ours.claims is not None:
        said = found["claims"]
        assert (said["identifier"], said["number"], said["holders"]) == (
            ours.claims.identifier,
            ours.claims.number,
            list(ours.claims.holders),
        )
    if name == "good":
        assert found["questions"] == {"code": "valid", "number": "valid", "days": "valid", "status": "valid"}


def test_the_cases_are_what_they_are_called(answers: dict[str, Any]) -> None:
    assert {name for name in cases() if answers[name]["verdict"] == "valid"} == {"good", "no-end", "last-day"}
    assert len(read_message(link(genuine()))) == len(genuine())
