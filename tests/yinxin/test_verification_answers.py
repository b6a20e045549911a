"""What a report becomes on the page: never better than the report, and the same in the browser as on the server."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import yinxin.verification_page
from crypto.report import Said
from crypto.report_json import write_said
from crypto.report_text import SENTENCES
from tests.optional import need_program
from yinxin.verification_page import verdict_rules
from yinxin.verification_page.answers import name_of, view_of
from yinxin.verification_page.checks import claims_shown
from yinxin.verification_page.china_time import china_time
from yinxin.verification_page.strangers_text import plain
from yinxin.verification_page.texts import TEXTS

PROGRAM = Path(__file__).parent / "verification_answers.mjs"
SCRIPT = Path(str(yinxin.verification_page.__file__)).parent / "static" / "answers.js"
DISGUISED = [
    "CN=a\\,O=12990000YX0000008KCourt,O=Nobody,C=CN",
    "CN=a\\+O=Court,O=Nobody,C=CN",
    "CN=a\\,O=12990000YX0000008KCourt,C=CN",
    "O=INTERNATIONALTRADINGHOUSE,C=CN",
]
SIGNER = "CN=99000000000001,O=12990000YX0000008K呼伦贝尔市政务服务演示中心（样例）,C=CN"
GENUINE = (
    "CMS_DIGEST_OK",
    "SIG_VALUE_OK",
    "TS_OK",
    "CERT_CHAIN_OK",
    "CERT_TIME_OK",
    "CERT_REVOCATION_OK",
    "SEAL_SIG_OK",
    "SEAL_TIME_OK",
    "SEAL_STATUS_OK",
)
LICENCE: dict[str, Any] = {
    "number": ("LICENCE_NUMBER_VALID",),
    "seal": ("LICENCE_SEALS_HOLD",),
    "status": ("LICENCE_IN_FORCE", "STATUS_VALID"),
}


NAMES = {
    "住建局 Office": "住建局 Office",
    "ᠰᠠᠷ\u180eᠠ": "ᠰᠠᠷ\u180eᠠ",
    "ᠬᠣᠲᠠ\u202fᠶᠢᠨ\u180b": "ᠬᠣᠲᠠ\u202fᠶᠢᠨ\u180b",
    "\u180eᠠ\u180e": "\ufffdᠠ\ufffd",
    "a\u180eb\u202eᠰ\u180e\u180eᠠ\x1b\u2028": "a\ufffdb\ufffdᠰ\ufffd\ufffdᠠ\ufffd\ufffd",
}
"""Names, and how the page shows them: what parts a last vowel from its Mongolian word stays where it does that."""


def steps(*codes: str) -> list[dict[str, str]]:
    """From ``CODE`` or ``CODE/outcome``."""
    pairs = [code.partition("/") for code in codes]
    return [{"code": code, "outcome": outcome or "pass", "clause": "a clause", "detail": f"{code} says"} for code, _, outcome in pairs]


def verdict(found: list[dict[str, str]]) -> str:
    outcomes = {each["outcome"] for each in found}
    return "invalid" if "fail" in outcomes else "indeterminate" if "not-checked" in outcomes or not outcomes else "valid"


def signature(*codes: str, kind: str = "pdf-cms+ses", **changes: Any) -> dict[str, Any]:
    found = steps(*(codes or GENUINE))
    whole = {
        "name": "Seal",
        "kind": kind,
        "verdict": verdict(found),
        "cryptographically_valid": True,
        "document_intact": True,
        "trusted": True,
    }
    return {**whole, "signer": SIGNER, "signed_at": "2026-11-28T17:41:03Z", "steps": found, **changes}


def report(*signatures: dict[str, Any], tampered: bool | None = False, further: Any = None, **questions: Any) -> dict[str, Any]:
    asked = [{"name": name, "verdict": verdict(steps(*codes)), "steps": steps(*codes)} for name, codes in questions.items()]
    verdicts = {each["verdict"] for each in (*signatures, *asked)}
    whole = next((each for each in ("invalid", "indeterminate", "valid") if each in verdicts), "indeterminate")
    made = {"file": "a.pdf", "verdict": "invalid" if tampered else whole, "tampered": tampered, "signatures": list(signatures)}
    made |= {"steps": further} if further else {}
    return {**made, "questions": asked} if asked else made


def with_step(code: str) -> dict[str, Any]:
    return report(signature(*GENUINE, code))


CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "genuine": (report(signature()), "valid", ("ok", "ok", "ok", "ok")),
    "licence": (report(signature(), **LICENCE), "valid", ("ok", "ok", "ok", "ok")),
    "licence with another name of its issuer": (
        report(signature(), **{**LICENCE, "seal": ("LICENCE_SEALS_HOLD", "LICENCE_SEALED_BY_ISSUER", "LICENCE_ISSUER_NAME_OTHER/warn")}),
        "valid_issuer_name",
        ("ok", "ok", "ok", "ok"),
    ),
    "revoked licence": (report(signature(), **{**LICENCE, "status": ("STATUS_INVALID/fail",)}), "licence_ended", ("ok", "ok", "ok", "bad")),
    "expired licence": (
        report(signature(), **{**LICENCE, "status": ("LICENCE_EXPIRED/fail",)}),
        "licence_expired",
        ("ok", "ok", "ok", "bad"),
    ),
    "status unknown": (
        report(signature(), **{**LICENCE, "status": ("LICENCE_STATUS_NOT_AT_HAND/not-checked",)}),
        "unknown",
        ("ok", "ok", "ok", "unknown"),
    ),
    "sealed by another": (
        report(signature(), **{**LICENCE, "seal": ("LICENCE_SEALED_BY_OTHER/fail",)}),
        "invalid",
        ("ok", "bad", "ok", "unknown"),  # in force is the licence that it names, not what somebody else sealed
    ),
    "in no log that is known": (
        report(signature(), **LICENCE, log=("LICENCE_NOT_SHOWN_LOGGED/not-checked",)),
        "unknown",
        ("ok", "ok", "ok", "unknown"),
    ),
    "two seals, of one of which nothing is published": (
        report(signature(), signature(*GENUINE[:-1], "SEAL_STATUS_UNKNOWN/not-checked")),
        "unknown",
        ("ok", "ok", "unknown", "unknown"),
    ),
    "held by who is there": (report(signature(), **LICENCE, holder=("LICENCE_HOLDER_MATCHES",)), "valid", ("ok", "ok", "ok", "ok", "ok")),
    "held by somebody else": (
        report(signature(), **LICENCE, holder=("LICENCE_HOLDER_OTHER/fail",)),
        "holder_other",
        ("ok", "ok", "ok", "ok", "bad"),
    ),
    "held by somebody else, and of unknown status": (
        report(signature(), **{**LICENCE, "status": ("LICENCE_STATUS_NOT_AT_HAND/not-checked",)}, holder=("LICENCE_HOLDER_OTHER/fail",)),
        "holder_other",
        ("ok", "ok", "ok", "unknown", "bad"),
    ),
    "held by somebody else, and revoked": (
        report(signature(), **{**LICENCE, "status": ("STATUS_INVALID/fail",)}, holder=("LICENCE_HOLDER_OTHER/fail",)),
        "licence_ended",
        ("ok", "ok", "ok", "bad", "bad"),
    ),
    "held by somebody else, and sealed by another": (
        report(signature(), **{**LICENCE, "seal": ("LICENCE_SEALED_BY_OTHER/fail",)}, holder=("LICENCE_HOLDER_OTHER/fail",)),
        "invalid",
        ("ok", "bad", "ok", "unknown", "bad"),
    ),
    "held, as an unknown office says": (
        report(signature(*GENUINE, "CERT_NO_ANCHOR/not-checked", trusted=None), **LICENCE, holder=("LICENCE_HOLDER_MATCHES",)),
        "issuer_unknown",
        ("ok", "unknown", "unknown", "ok", "unknown"),
    ),
    "held, as a changed file says": (
        report(signature(document_intact=False), tampered=True, holder=("LICENCE_HOLDER_MATCHES",)),
        "changed",
        ("bad", "ok", "ok", "ok", "unknown"),
    ),
    "held by whom it does not say": (
        report(signature(), holder=("LICENCE_HOLDER_NOT_SAID/not-checked",)),
        "unknown",
        ("ok", "ok", "ok", "ok", "unknown"),
    ),
    "tampered": (report(signature(document_intact=False), tampered=True), "changed", ("bad", "ok", "ok", "ok")),
    "forged": (
        report(signature(*GENUINE, "SIG_VALUE_BAD/fail", cryptographically_valid=False)),
        "forged",
        ("ok", "bad", "unknown", "unknown"),  # in use is the seal that was copied, not what was made of it
    ),
    "frozen later": (report(signature(*GENUINE[:-1], "SEAL_REVOKED_AFTER/warn")), "valid_seal_ended", ("ok", "ok", "ok", "warn")),
    "frozen before": (report(signature(*GENUINE[:-1], "SEAL_REVOKED/fail")), "seal_ended", ("ok", "ok", "bad", "bad")),
    "frozen, time unproven": (
        report(signature(*GENUINE[:-1], "SEAL_REVOKED_AFTER/not-checked", "SIG_TIME_UNPROVEN/warn")),
        "seal_ended_unproven",
        ("ok", "ok", "unknown", "unknown"),
    ),
    "expired since": (report(signature(*GENUINE[:-1], "SEAL_EXPIRED_NOW/warn")), "valid_expired_since", ("ok", "ok", "ok", "warn")),
    "status not asked": (report(signature(*GENUINE[:-1], "SEAL_STATUS_NOT_ASKED/warn")), "valid", ("ok", "ok", "unknown", "unknown")),
    "time claimed": (report(signature(*GENUINE, "SIG_TIME_UNPROVEN/warn")), "valid", ("ok", "ok", "unknown", "ok")),
    "nobody we know": (
        report(signature(*GENUINE, "CERT_NO_ANCHOR/not-checked", trusted=None)),
        "issuer_unknown",
        ("ok", "unknown", "unknown", "unknown"),
    ),
    "no seal": (report(), "unsealed", ("unknown", "unknown", "unknown", "unknown")),
    "no seal, and why": (report(further=steps("PDF_NOT_SIGNED/not-checked")), "unsealed", ("unknown", "unknown", "unknown", "unknown")),
    "only a time-stamp": (report(signature("TS_OK", kind="pdf-timestamp")), "valid", ("unknown", "unknown", "unknown", "unknown")),
    "code": (
        report(tampered=None, code=("LICENCE_QR_GENUINE",), number=("LICENCE_NUMBER_VALID",), status=("STATUS_VALID",)),
        "valid",
        ("ok", "ok", "ok", "ok"),
    ),
    "false code": (report(tampered=None, code=("LICENCE_QR_NOT_GENUINE/fail",)), "code_false", ("bad", "bad", "unknown", "unknown")),
    "code of a stranger": (
        report(tampered=None, code=("LICENCE_QR_KEY_UNKNOWN/not-checked",)),
        "issuer_unknown",
        ("unknown", "unknown", "unknown", "unknown"),
    ),
    "credential that names no status list": (
        report(
            signature("CREDENTIAL_SIGNATURE", "CREDENTIAL_TIMES", kind="dc+sd-jwt"),
            tampered=None,
            seal=("CREDENTIAL_SIGNATURE",),
            status=("CREDENTIAL_STATUS_ABSENT/warn",),
        ),
        "valid",
        ("ok", "ok", "ok", "unknown"),
    ),
    "credential": (
        report(signature("CREDENTIAL_SIGNATURE", "CREDENTIAL_TIMES", kind="dc+sd-jwt"), tampered=None, seal=("CREDENTIAL_SIGNATURE",)),
        "valid",
        ("ok", "ok", "ok", "unknown"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str) -> None:
    given, headline, tones = CASES[name]
    view = view_of(given)
    assert (view.headline, tuple(each.tone for each in view.answers)) == (headline, tones)


def random_report(draw: random.Random) -> dict[str, Any]:
    codes = [*SENTENCES, *(condition.partition("/")[0] for _, condition, _, _ in verdict_rules.HEADLINES if "/" in condition)]
    outcomes = ["pass"] * 6 + ["warn", "fail", "not-checked"]

    def some(most: int) -> tuple[str, ...]:
        return tuple(f"{draw.choice(codes)}/{draw.choice(outcomes)}" for _ in range(draw.randint(0, most)))

    def maybe() -> bool | None:
        return draw.choice([True, True, True, False, None])

    signatures = [
        signature(
            *(GENUINE if draw.random() < 0.7 else ("TS_OK",)),
            *some(3),
            kind=draw.choice(["pdf-cms+ses", "ofd-ses", "pdf-cms", "pdf-timestamp", "dc+sd-jwt"]),
            cryptographically_valid=maybe(),
            document_intact=maybe(),
            trusted=maybe(),
            signer=draw.choice([SIGNER, "CN=Some\\, one", "O=\u202egnihtemos\u2028,C=CN", None, "O=Office", *DISGUISED]),
            signed_at=draw.choice(["2026-11-28T17:41:03Z", None]),
        )
        for _ in range(draw.randint(0, 2))
    ]
    names: list[str] = draw.sample(["code", "number", "content", "seal", "log", "status", "holder"], draw.randint(0, 4))
    questions: dict[str, Any] = {name: some(3) for name in names}
    return report(*signatures, tampered=draw.choice([False, False, None, True]), **questions)


REPORTS = [each for each, _, _ in CASES.values()] + [random_report(random.Random(seed)) for seed in range(600)]


def test_nothing_is_said_better_than_the_report() -> None:
    for given in REPORTS:
        view = view_of(given)
        allowed = {"valid": {"ok", "warn"}, "invalid": {"bad"}, "indeterminate": {"unknown"}}[given["verdict"]]
        assert view.tone in allowed
        changed, who, then, now, *held = view.answers
        seals = [each for each in given["signatures"] if each["kind"] not in verdict_rules.NO_SEAL_KINDS]
        asked = {each["name"]: each["verdict"] for each in given.get("questions", [])}
        if "code" in asked:
            assert (changed.tone == "ok") == (who.tone == "ok") == (asked["code"] == "valid")
        else:
            if changed.tone == "ok":
                assert seals
                assert given["tampered"] is not True
                assert all(each["document_intact"] is True for each in seals)
            if who.tone == "ok":
                assert seals
                assert all(each["trusted"] is True and each["cryptographically_valid"] is True for each in seals)
                assert asked.get("seal", "valid") == "valid"
            if then.tone == "ok":
                assert all(step["code"] not in verdict_rules.THEN_UNPROVEN for each in seals for step in each["steps"])
        assert len(held) == ("holder" in asked)
        for each in held:
            assert (each.tone == "ok") == (asked["holder"] == given["verdict"] == "valid")
        if now.tone == "ok" and "status" in asked:
            assert {asked.get(name, "valid") for name in ("status", *verdict_rules.GENUINE)} == {"valid"}
            told = next(each["steps"] for each in given["questions"] if each["name"] == "status")
            assert verdict_rules.NOT_ASKED not in {f"{step['code']}/{step['outcome']}" for step in told}
        elif now.tone == "ok":
            shown = [each for each in seals if any(step["code"] == "SEAL_STATUS_OK" for step in each["steps"])]
            assert all(each["trusted"] is True and each["cryptographically_valid"] is True for each in shown)
            assert not {"SEAL_STATUS_UNKNOWN/not-checked", "SEAL_STATUS_NOT_ASKED/warn"} & {
                f"{step['code']}/{step['outcome']}" for each in seals for step in each["steps"]
            }
        said = {view.headline, *(each.key for each in view.answers)}
        assert {f"h_{view.headline}", f"m_{view.headline}", *(each.key for each in view.answers)} <= set(TEXTS), said
        assert {each.question for each in view.answers} | {each.time_source for each in view.sealers} <= set(TEXTS)


def test_the_browser_says_the_same() -> None:
    times = ["2026-11-28T17:41:03Z", "2026-11-28T17:41:03.5+00:00", "no time"]
    handed = json.dumps({"reports": REPORTS, "rules": verdict_rules.rules(), "times": times, "names": list(NAMES)})
    done = subprocess.run(
        [need_program("node"), str(PROGRAM), str(SCRIPT)], input=handed, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["times"] == [china_time(each) for each in times]
    assert said["names"] == [plain(each) for each in NAMES] == list(NAMES.values())
    for given, theirs in zip(REPORTS, said["views"], strict=True):
        ours = asdict(view_of(given))
        for each in ours["sealers"]:
            each["timeSource"] = each.pop("time_source")
        assert theirs == json.loads(json.dumps(ours)), given


def test_a_time_that_the_clock_of_china_has_not_stays_as_it_is() -> None:
    assert china_time("9999-12-31T15:59:59+00:00") == "9999-12-31 23:59:59"
    assert china_time("9999-12-31T23:00:00+00:00") == "9999-12-31T23:00:00+00:00"


def test_names_out_of_certificates() -> None:
    assert name_of(SIGNER) == ("呼伦贝尔市政务服务演示中心（样例）", "12990000YX0000008K")
    assert name_of("CN=Some\\, one,C=CN") == ("Some, one", "")
    assert name_of("O=Office,C=CN") == ("Office", "")
    assert name_of("") == ("", "")
    assert name_of("O=\u202egnihtemos,C=CN") == ("\ufffdgnihtemos", "")
    assert name_of("CN=one+O=Office,C=CN") == ("Office", "")
    assert name_of("O=12990000YX0000008K,CN=Office") == ("Office", "12990000YX0000008K")


def test_a_name_that_holds_what_looks_like_another_is_not_taken_for_it() -> None:
    """Whoever may choose his common name would otherwise seal in anybody's name, and a name in capitals would lose its beginning."""
    assert [name_of(signer) for signer in DISGUISED] == [
        ("Nobody", ""),
        ("Nobody", ""),
        ("a,O=12990000YX0000008KCourt", ""),
        ("INTERNATIONALTRADINGHOUSE", ""),
    ]


SAID = Said("1.2.156", "名", "字1", ("甲", "乙"), "局", date(2026, 1, 1), date(2026, 1, 2), None)
_SHOW_CLAIMS = """
const stub = new Proxy(function () {}, { get: (_, name) => (name === "textContent" ? "{}" : stub), apply: () => stub });
globalThis.document = stub;
const { saidClaims } = await import(process.argv[1]);
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((says) => saidClaims({ says }))));
"""


def test_what_a_licence_says_stands_in_both_pages_alike_and_nothing_that_was_kept_back() -> None:
    """An end that is not told is no line, one that does not come is empty: the page writes "no end" there."""
    said: list[Said] = [
        SAID,
        replace(SAID, valid_to=date(2030, 1, 1), holders=None),
        replace(SAID, untold=frozenset({"valid_to"})),
        Said(None, "名", None, None, None, None, None, None, frozenset(write_said(SAID)) - {"name"}),
    ]
    shown = [claims_shown(each) for each in said]
    assert [each.get("validTo") for each in shown] == ["", "2030-01-01", None, None]
    assert ["holders" in each for each in shown] == [True, False, True, False]
    assert shown[3] == {"name": "名"}
    view = (SCRIPT.parent / "result_view.js").as_uri()
    command = [need_program("node"), "--input-type=module", "-e", _SHOW_CLAIMS, view, json.dumps([write_said(each) for each in said])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == shown
