"""Every code has its sentence in both languages, and a sentence can always be made."""

from __future__ import annotations

import ast
import string
from functools import cache

import pytest

from crypto.report import Outcome, Step, failed, passed
from crypto.report_text import BLOCKS, SENTENCES, sentence
from tests.optional import PROJECT
from tests.untraced import untraced

MAKERS = {"passed", "failed", "warned", "not_checked"}
PACKAGES = ("crypto", "service_kit", "idp", "seal_service", "licence_vault", "yinxin")

OUTCOME_TABLE = """
OK SES_MALFORMED SES_VERSION_UNKNOWN SES_VERSION_MISMATCH SES_ENCODING_NONDER SES_RAW_RS SES_OID_ALIAS SES_TAG_VARIANT
SES_CRITICAL_EXT_UNKNOWN SEAL_SIG_BAD SIG_VALUE_BAD SEAL_MAKE_TIME_BAD SEAL_NOT_YET_VALID SEAL_EXPIRED_AT_SIGNING SEAL_EXPIRED_NOW
SEAL_REVOKED SEAL_STATUS_UNKNOWN CERT_CHAIN_BAD CERT_USAGE_BAD CERT_NOT_VALID_AT_TIME CERT_REVOKED_BEFORE CERT_REVOKED_AFTER
CERT_EXPIRED_AFTER CERT_NO_ANCHOR CERT_REVOCATION_UNKNOWN SIGNER_NOT_IN_SEAL CERT_DIGEST_ALG_UNKNOWN SIG_TIME_UNPROVEN TS_BAD
TS_IMPRINT_BAD TS_BEFORE_CREATE TS_TSA_CERT_BAD DATA_HASH_BAD DATA_HASH_ZA_VARIANT DATA_MISSING REF_HASH_BAD REF_MISSING
SIGNED_VALUE_MISSING SEAL_FILE_MISMATCH OFD_ENTRY_UNPROTECTED UNPROTECTED_REACHABLE UNPROTECTED_UNREFERENCED DUPLICATE_ENTRY BAD_PATH
SIGNER_CERT_ABSENT CERT_WEAK_ALGORITHM
"""


def codes_in(source: str) -> set[str]:
    """The codes given as text to the makers of steps, also inside a conditional expression."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in MAKERS or (called == "Step" and len(node.args) > 1):
                found |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return {code for code in found if code.isupper()}


@cache
@untraced()
def codes_by_path() -> dict[str, set[str]]:
    paths = sorted(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    return {str(path.relative_to(PROJECT)): codes_in(path.read_text()) for path in paths}


def test_every_code_in_the_source_has_a_sentence() -> None:
    missing = {f"{code} ({path})" for path, codes in codes_by_path().items() for code in codes if code not in SENTENCES}
    assert not missing


def test_the_walk_finds_codes() -> None:
    assert codes_in('steps.append(failed("A_B", "x"))\nreport.passed("C" if x else "D", "y")\nStep("E", o, c)\nother("F")') == {
        "A_B",
        "C",
        "D",
        "E",
    }
    assert {"SIG_VALUE_BAD", "TS_IMPRINT_BAD"} <= set().union(*codes_by_path().values())


def test_codes_of_the_outcome_table_are_all_there() -> None:
    assert not set(OUTCOME_TABLE.split()) - set(SENTENCES)


def test_no_code_stands_in_two_blocks() -> None:
    assert sum(len(block) for block in BLOCKS) == len(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_sentences_are_whole_and_alike(code: str) -> None:
    english, chinese = SENTENCES[code]
    assert english.endswith(".")
    assert english.isascii()
    assert chinese.endswith("。")
    places = [{name for _, name, _, _ in string.Formatter().parse(text) if name is not None} for text in (english, chinese)]
    assert places[1] <= places[0]
    assert all(name.isidentifier() for name in places[0])
    for language in ("en", "zh-CN"):
        bare = sentence(Step(code, Outcome.FAIL, "clause"), language)
        assert "{" not in bare
        assert ("–" in bare) == bool(places[0] if language == "en" else places[1])


def test_facts_are_filled_in_and_never_interpreted() -> None:
    step = failed("CMS_SIGNER_COUNT", "RFC 5652 5.1", found=2)
    assert sentence(step) == "The signature holds 2 signers; exactly one is allowed."
    assert sentence(step, "zh") == "签名数据含 2 个签名者，只允许有一个。"
    assert sentence(failed("CMS_MALFORMED", "", reason="{found} {0.__class__}")) == (
        "The signature data cannot be read ({found} {0.__class__})."
    )
    assert sentence(failed("SIG_TIME_UNPROVEN", "", claimed_at=None)) == (
        "Only the signer states the time of signing (–); no time-stamp proves it."
    )


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert sentence(passed("NOT_IN_THE_TABLE", "")) == "NOT_IN_THE_TABLE"
