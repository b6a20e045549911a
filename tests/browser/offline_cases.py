"""What the verifier in the browser is asked, and what the verifier of the server says to the same: OFD, seals, licences, codes, credentials.

Everything is made by the tests' own authorities; what is altered is altered at the same places in every run.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import cbor2

from crypto.cose import sign_cose
from crypto.jose import write_jwk
from crypto.report import Verdict
from crypto.report_json import write_report
from crypto.sm3 import sm3
from crypto.trust_list import TrustList
from licence_vault.credentials.lanes import LaneName
from licence_vault.faces.qr import MESSAGE_TYPE
from licence_vault.ports import JudgedDocument
from licence_vault.verify import COPY_NAME, LEAF_NAME, PROOF_NAMES, verify_judged
from licence_vault.verify_code import verify_code
from standards import ietf_status_list as lists
from standards.gbt7408_times import CHINA
from standards.gbt38540_seal.read import read_seal
from tests.licence_vault import test_verify as licences
from tests.licence_vault import test_verify_code as printed
from tests.licence_vault import test_verify_copy as copies
from tests.licence_vault.credentials import test_verify_credential as credentials
from tests.licence_vault.credentials.test_check_credential import forged
from tests.licence_vault.credentials.wallets import AT as CREDENTIALS_AT
from tests.licence_vault.credentials.wallets import issue, issuers_of, present
from tests.pki import signer_for
from tests.seal_service.ofd import documents, sealing, signed_forms
from tests.seal_service.ofd.test_coverage_attacks import with_another_document
from tests.seal_service.ofd.test_reader_differences import every_difference
from tests.seal_service.ofd.test_reader_habits import every_habit
from tests.seal_service.ofd.test_sealed_attacks import KINDS, sealed
from tests.seal_service.seal_data import actors
from tests.standards.gbt33190_ofd.archives import pack
from yinxin.file_verdicts import verify_any_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.report import Report, Step
    from licence_vault.model import AskedHolder

    Issuers = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One question. ``kind``: ``file``, ``licence`` (judged seals and the files inside) or ``code``; ``wanted``: the server's answer."""

    name: str
    kind: str
    trust: TrustList
    at: datetime
    wanted: Report
    asked: dict[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """As the page takes it; the trust list goes by its place among all of them."""
        return {"name": self.name, "kind": self.kind, "at": int(self.at.timestamp() * 1000), **self.asked}


def said(report: Report) -> dict[str, Any]:
    """All of a report but its sentences."""

    def steps(found: Iterable[Step]) -> list[list[str]]:
        return [[step.code, step.outcome.value, step.clause] for step in found]

    written = write_report("", report, "en")
    for signature, found in zip(written["signatures"], report.signatures, strict=True):
        signature["steps"] = steps(found.steps)
    questions = [[each.name, each.verdict.value, steps(each.steps)] for each in report.questions]
    return {**written, "steps": steps(report.steps), "questions": questions}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def told_holder(holder: AskedHolder | None) -> dict[str, str] | None:
    """As the page tells the verifier."""
    return None if holder is None else {"name": holder.name, "code": holder.code}


def file_case(
    name: str, data: bytes, trust: TrustList, at: datetime, issuers: Issuers | None = None, *, holder: AskedHolder | None = None
) -> Case:
    sets = [[issuer, {"keys": [write_jwk(key) for key in keys.values()]}] for issuer, keys in (issuers or {}).items()]
    wanted = verify_any_file(data, trust, at, issuers=issuers, holder=holder)
    return Case(name, "file", trust, at, wanted, {"data": base64_of(data), "issuers": sets, "holder": told_holder(holder)})


def altered(data: bytes, seed: int, *, last: int | None = None) -> bytes:
    """The bytes with one bit turned, a piece left out or doubled; ``last``: among so many bytes at the end."""
    draw = random.Random(seed)
    at = draw.randrange(len(data)) if last is None else len(data) - 1 - draw.randrange(min(last, len(data)))
    kind = draw.randrange(4)
    if kind == 0:
        return data[:at] + data[at + draw.randrange(1, 30) :]
    if kind == 1:
        return data[:at] + data[at : at + draw.randrange(1, 30)] + data[at:]
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def ofd_cases() -> list[Case]:
    """Documents that our own writer and other writers have sealed, and what becomes of them when they are changed."""
    trust, at = documents.pki().trust_list(), documents.AT
    made: dict[str, bytes] = {kind: sealed(kind) for kind in KINDS}
    made |= {f"form {form.__name__}": pack(documents.sealed(kind="Sign", with_seal_file=False, value=form)) for form in FORMS}
    made |= {
        "unsigned": sealing.plain(),
        "seal of version 5": sealing.seal(seal_der=sealing.seal_v5_der()),
        "MD5": pack(documents.sealed(method="MD5")),
        "MD5 changed": pack({**documents.sealed(method="MD5"), documents.PAGE: documents.EVIL}),
        "SHA-256": pack(documents.sealed(method="SHA-256")),
        "unknown digest": pack(documents.sealed(method="WHIRLPOOL")),
        "not covered": pack(documents.sealed(leave_out=(documents.PAGE,))),
        "no archive": b"PK\x03\x04 ofd.xml",
        "prefix": b"x" + sealed("single"),
        "padding behind": sealed("single") + b"\r\n\0",
        "content behind": sealed("single") + b"%PDF-1.7",
        "comment": sealed("single")[:-2] + b"\x05\0words",
        "missing pictures before another document": pack(with_another_document("..\\Doc_1/Document.xml")),
        "missing pictures before a missing document": pack(with_another_document("Doc_1/Other.xml")),
        **every_difference(),
        **every_habit(),
    }
    for kind in ("single", "listed"):
        files = sealing.files_of(made[kind])
        for number, name in enumerate(sorted(files)):
            if kind == "single":
                made[f"{kind}: {name} altered"] = pack({**files, name: altered(files[name] or b" ", number)})
            else:
                made[f"{kind}: {name} missing"] = pack({path: data for path, data in files.items() if path != name})
        made[f"{kind}: smuggled"] = pack({**files, "Doc_0/stray.xml": b"<x/>", "signature.xml": b"<x/>"})
        made[f"{kind}: doctype"] = pack({**files, "OFD.xml": documents.with_doctype(files["OFD.xml"], "<!DOCTYPE a>")})
    for seed in range(20):
        made[f"bytes altered {seed}"] = altered(made["single"], seed, last=400 if seed % 2 else None)
    cases = [file_case(name, data, trust, at) for name, data in made.items()]
    cases += [file_case(f"nobody trusted: {name}", made[name], TrustList.empty(), at) for name in ("single", "signed", "listed")]
    moments = {"before": at - timedelta(days=900), "long after": at + timedelta(days=9000)}
    return cases + [
        file_case(f"{when}: {name}", made[name], trust, then) for when, then in moments.items() for name in ("single", "signed")
    ]


FORMS = (
    signed_forms.form_a,
    signed_forms.form_a_older,
    signed_forms.form_c,
    signed_forms.form_attached,
    signed_forms.form_detached,
    signed_forms.form_detached_digest,
    lambda original, _: sm3(original) * 2,
)


def seal_cases() -> list[Case]:
    """Seals and sealing values by themselves."""
    trust, at = actors.cached_trust(), actors.NOW
    made = {f"seal {version}": actors.cached_seal(version) for version in (4, 5)}
    made |= {f"value {version}": actors.cached_signature(version) for version in (4, 5)}
    info = read_seal(made["seal 4"]).info_raw
    for tag, text in ((0x1E, "示范章".encode("utf-16-be")), (0x1E, b"\xd8\x00maker"[:6]), (0x1C, b"maker!"), (0x14, b"maker!")):
        made[f"other text {tag} {text!r}"] = actors.world().forge_seal(info.replace(b"\x16\x06yinxin", bytes([tag, 6]) + text, 1))
    cases = [file_case(name, data, trust, at) for name, data in made.items()]
    cases += [file_case(f"nobody trusted: {name}", data, TrustList.empty(), at) for name, data in made.items()]
    cases += [file_case(f"long after: {name}", data, trust, at + timedelta(days=9000)) for name, data in made.items()]
    return cases + [
        file_case(f"{name} altered {seed}", altered(data, seed), trust, at) for name, data in made.items() for seed in range(14)
    ]


def licence_case(
    name: str,
    judge: licences.Judge,
    trust: TrustList = licences.TRUST,
    *,
    original: bool = False,
    holder: AskedHolder | None = None,
    **when: Any,
) -> Case:
    at = when.get("at", licences.AT)
    document = JudgedDocument(judge.judge(b"document", trust, licences.AT).report, judge.files or {}, judge.name, judge.code)
    wanted = verify_judged(document, trust, at, is_original_asked=original, holder=holder).report
    inside = {path: base64_of(data) for path, data in (judge.files or {}).items()}
    judged = {"verdict": judge.verdict.value, "tampered": judge.tampered, "sealer": [judge.name, judge.code]}
    return Case(name, "licence", trust, at, wanted, {"files": inside, "original": original, "holder": told_holder(holder), **judged})


ISSUE_DAYS = (*(licences.AT.astimezone(CHINA).date() + timedelta(days=days) for days in (0, 1)), date.max)


def licence_cases() -> list[Case]:
    """Licences, copies and their logs, under seals that are said to hold."""
    licence, files, trust = licences.LICENCE, licences.files(), licences.TRUST
    cases = [licence_case("good", licences.Judge()), licence_case("nobody trusted", licences.Judge(), TrustList.empty())]
    cases += [licence_case(f"seals {verdict}", licences.Judge(verdict=verdict)) for verdict in Verdict]
    cases += [
        licence_case(f"sealer {pair}", licences.Judge(name=pair[0], code=pair[1])) for pair in ((None, None), ("x", None), (None, "x"))
    ]
    cases += [
        licence_case(f"without {name}", licences.Judge({path: data for path, data in files.items() if path != name})) for name in files
    ]
    for seed, name in enumerate([*files] * 4):
        cases.append(licence_case(f"{name} altered {seed}", licences.Judge({**files, name: altered(files[name], seed)})))
    numbers = (licence.identifier[:-1] + "0", licence.identifier + ".1", "1.2.3")
    cases += [licence_case(f"number {number}", licences.changed(replace(licence, identifier=number))) for number in numbers]
    cases += [licence_case(f"leaf {changes}", licences.changed(**changes)) for changes in ({"event": "issued"}, {"version": "002"})]
    days = licence.valid_to or licence.valid_from
    cases.append(licence_case("before", licences.Judge(), at=licences.AT - timedelta(days=9999)))
    cases.append(
        licence_case(
            "after", licences.changed(replace(licence, valid_from=licence.valid_from, valid_to=days)), at=licences.AT + timedelta(days=9999)
        )
    )
    for day in ISSUE_DAYS:
        cases.append(licence_case(f"issued on {day}", licences.changed(replace(licence, issued_on=day))))
    for status in range(4):
        cases.append(licence_case(f"status {status}", licences.Judge(), replace(trust, status_tokens=(licences.status_token(status),))))
    older = licences.status_token(lists.INVALID, at=licences.AT - timedelta(days=3))
    tokens = {
        "none": (),
        "old": (older,),
        "newest": (older, licences.status_token()),
        "other": (licences.status_token(uri="https://x.example/1"),),
    }
    tokens |= {"broken": (altered(licences.status_token(), 3),), "binary": (binary_list(),), "binary broken": (altered(binary_list(), 2),)}
    cases += [licence_case(f"lists {name}", licences.Judge(), replace(trust, status_tokens=given)) for name, given in tokens.items()]
    cases.append(licence_case("one log", licences.Judge(), replace(trust, logs=licences.LOGS[1:])))
    watched = tuple(replace(log, witnesses=(licences.WITNESS.key,), quorum=1) for log in licences.LOGS)
    entry = files[LEAF_NAME]
    proofs = {name: licences.proof_of(entry, which, witnessed=True) for which, name in enumerate(PROOF_NAMES)}
    cases.append(licence_case("not witnessed", licences.Judge(), replace(trust, logs=watched)))
    cases.append(licence_case("witnessed", licences.Judge({**files, **proofs}), replace(trust, logs=watched)))
    cases.append(
        licence_case(
            "witnessed in the future",
            licences.Judge({**files, **proofs}),
            replace(trust, logs=watched),
            at=licences.AT - timedelta(hours=1),
        )
    )
    return cases + copy_cases()


def copy_cases() -> list[Case]:
    copy = copies.copy_files()
    cases = [licence_case("copy", licences.Judge(copy)), licence_case("copy, original asked", licences.Judge(copy), original=True)]
    cases.append(licence_case("copy and licence", licences.Judge({**licences.files(), **copy})))
    cases += [
        licence_case(f"copy without {name}", licences.Judge({path: data for path, data in copy.items() if path != name})) for name in copy
    ]
    cases.append(licence_case("copy of another", licences.Judge(copies.copy_files(original=copies.OTHER))))
    cases += [licence_case(f"copy after {days}", licences.Judge(copy), at=licences.AT + timedelta(days=days)) for days in (-1, 31)]
    return cases + [
        licence_case(f"copy altered {seed}", licences.Judge({**copy, COPY_NAME: altered(copy[COPY_NAME], seed)})) for seed in range(4)
    ]


def binary_list() -> bytes:
    """The status list as a CWT."""
    claims = lists.StatusListClaims(
        licences.LICENCE.status.list, int(licences.AT.timestamp()), int(licences.AT.timestamp()) + 60, 60, 2, lists.deflate(bytes(2000))
    )
    payload = cbor2.dumps(lists.write_cwt_claims(claims))
    return sign_cose(payload, licences.STATUS_SIGNER, key_id=licences.STATUS_KEY.key_id.encode(), protected={16: lists.CWT_TYPE})


def code_case(name: str, text: str, trust: TrustList | None = None, at: datetime = licences.AT) -> Case:
    known = printed.good() if trust is None else trust
    return Case(name, "code", known, at, verify_code(text, known, at).report, {"text": text})


def code_cases() -> list[Case]:
    """Printed codes, genuine and others."""
    text, message = printed.code_for(), printed.genuine()
    cases = [code_case("genuine", text), code_case("nobody trusted", text, TrustList.empty()), code_case("no list", text, printed.trust())]
    cases += [code_case(f"status {status}", text, printed.trust(licences.status_token(status))) for status in range(1, 4)]
    cases += [code_case(f"altered {seed}", printed.link(altered(message, seed))) for seed in range(24)]
    cases += [
        code_case(repr(each), each) for each in ("", "https://x.example/v#", text + "%", text + "%41", text.lower(), "x" + text, "中文")
    ]
    cases += [code_case(name, *asked) for name, asked in told_codes().items()]
    strange: list[Any] = [
        7,
        printed.ROW[:-1],
        [*printed.ROW[:12], b"x"],
        [*printed.ROW[:6], 20261301, *printed.ROW[7:]],
        [*printed.ROW[:2], "x\n", *printed.ROW[3:]],
        {1: 2},
        1.5,
    ]
    for row in strange:
        signed = sign_cose(cbor2.dumps(row), licences.STATUS_SIGNER, key_id=printed.KEY_ID, protected={16: MESSAGE_TYPE})
        cases.append(code_case(f"signed {row!r}"[:60], printed.link(signed)))
    return cases


def told_codes() -> dict[str, tuple[str, TrustList, datetime]]:
    """Codes of other claims, keys and days, and lists that are not this licence's, or not of now."""
    text, at, token = printed.code_for(), licences.AT, licences.status_token
    good, listed = printed.good(), printed.trust
    _, _, signature_of_another = token(at=at - timedelta(hours=1)).rpartition(b".")
    somebody = signer_for("somebody")

    def says(**changes: Any) -> tuple[str, TrustList, datetime]:
        return printed.code_for(replace(printed.CLAIMS, **changes)), good, at

    def signed(signer: Any, message_type: str) -> tuple[str, TrustList, datetime]:
        return printed.link(sign_cose(b"x", signer, key_id=printed.KEY_ID, protected={16: message_type})), good, at

    identifier = printed.CLAIMS.identifier
    return {
        "stale list": (text, good, at + timedelta(days=2)),
        "list from tomorrow": (text, listed(token(at=at + timedelta(days=1))), at),
        "another list": (text, listed(token(uri=licences.LICENCE.status.list + "1")), at),
        "list of somebody": (text, listed(token().rpartition(b".")[0] + b"." + signature_of_another), at),
        "no token": (text, listed(b"x.y"), at),
        "expired": says(valid_to=date(2020, 1, 1)),
        "not yet": says(valid_from=date(2100, 1, 1)),
        "no end": says(valid_to=None),
        "last day": says(valid_to=at.date()),
        **{f"issued on {day}": says(issued_on=day) for day in ISSUE_DAYS},
        **{f"{count} holders": says(holders=("甲",) * count) for count in (2, 3)},
        "wrong number": says(identifier=identifier[:-1] + "?"),
        "another number": says(identifier=identifier[:-5] + "002" + identifier[-2:]),
        "a list elsewhere": says(status_list="https://elsewhere.example/1"),
        "key of somebody": (printed.code_for(signer=somebody), good, at),
        "forged": signed(somebody, MESSAGE_TYPE),
        "another type": signed(licences.STATUS_SIGNER, "x"),
        "no code in it": ("https://licences.example/v", good, at),
        "no Base45": ("https://licences.example/v#abc", good, at),
        "more behind it": (printed.link(printed.genuine() + b"\0"), good, at),
        "cut": (printed.link(printed.genuine()[:-1]), good, at),
    }


def credential_cases() -> list[Case]:
    """Credentials of both lanes as files."""
    cases: list[Case] = []
    for lane in LaneName:
        text, known, trust = issue(lane), issuers_of(lane), credentials.trust(lane)
        made = {
            "issued": text,
            "presented": present(text, lane),
            "little shown": present(text, lane, show=lambda name: name == "identifier"),
            "nothing that names it": present(text, lane, show=lambda name: name in {"valid_from", "valid_to", "holders"}),
            "holders without names": present(text, lane, show=lambda name: name in {"licence_name", "holders", None, "code"}),
            "its end kept back": present(text, lane, show=lambda name: name != "valid_to"),
            "a name too long": issue(lane, data=replace(licences.LICENCE, name="名" * 201)),
            "a name of the longest": issue(lane, data=replace(licences.LICENCE, name="名" * 200)),
        }
        made |= {f"altered {seed}": altered(text.encode(), seed).decode("latin-1") for seed in range(12)}
        made |= {f"without {claim}": forged(methodcaller("pop", claim), lane) for claim in ("exp", "vct", "status", "cnf")}
        for days in ({"valid_to": date(2020, 1, 1)}, {"valid_from": date(2100, 1, 1)}, {"valid_to": None, "valid_from": date.min}):
            made[f"licence {days}"] = issue(lane, data=replace(licences.LICENCE, **days))
        for day in ISSUE_DAYS:
            made[f"issued on {day}"] = issue(lane, data=replace(licences.LICENCE, issued_on=day))
        made["a wide blank behind"], made["a blank behind"] = text + "\u3000", f" {text}\n"
        made["twice"] = text + text.split("~")[1] + "~"
        made["other digest"] = forged(lambda payload: payload.update({"_sd_alg": "sha-512"}), lane)
        made["no algorithm"] = forged(lambda _: None, lane, header={"alg": "none"})
        cases += [file_case(f"{lane} {name}", each.encode(), trust, CREDENTIALS_AT, known) for name, each in made.items()]
        cases += [
            file_case(f"{lane} status {status}", text.encode(), credentials.trust(lane, status), CREDENTIALS_AT, known)
            for status in range(1, 4)
        ]
        cases.append(file_case(f"{lane} of nobody known", text.encode(), trust, CREDENTIALS_AT))
        cases.append(file_case(f"{lane} too late", text.encode(), trust, CREDENTIALS_AT + timedelta(days=99), known))
    return cases
