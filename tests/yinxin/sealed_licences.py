"""Whole licence files, drawn, logged and sealed by the issuer's own seal, and a stranger whose seal is as good but for whose it is."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.timestamps import TimeStampAuthority, TimeStampClient
from crypto.trust_list import TrustList, write_trust_list
from licence_vault.faces.draw import draw_ofd, draw_pdf
from seal_service.ofd.seal import seal_ofd
from seal_service.pdf.seal import seal_pdf
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from standards.gbt20518_certificate import write_seal_subject
from standards.gbt38540_seal.values import SealPicture
from tests.licence_vault import test_verify as licences
from tests.licence_vault.faces.designs import PORTRAIT, QR_TEXT, SILENT
from tests.optional import need_program
from tests.pki import CREDIT_CODE, YEAR, DemoPki, signer_for
from tests.standards.gbt33190_ofd.parts import PNG
from tests.yinxin.test_offline_modules import MODULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.certificates import Certificate
    from crypto.signer import Signer

AT: Final = licences.AT
SIGNED_AT: Final = AT - timedelta(minutes=30)
OFFICE, STRANGER = "licence-office", "licence-stranger"


@cache
def pki() -> DemoPki:
    return DemoPki.create(AT, label="licences")


@cache
def certificate(who: str) -> Certificate:
    issuer = licences.LICENCE.issuer
    code, name = (issuer.code, issuer.name) if who == OFFICE else (CREDIT_CODE, "某公司")
    request = SubjectRequest(write_seal_subject(code, name, "15070012345678"), signer_for(who).public_spki_der)
    return pki().issuing.issue(request, Profile.SEAL_SIGNING, not_before=AT - YEAR, not_after=AT + YEAR)


@cache
def trust(status: int = 0) -> TrustList:
    """Everything that a verifier needs; ``status``: of the licence, in the newest list."""
    tokens = (licences.status_token(status, at=AT - timedelta(hours=1)),)
    return (
        pki()
        .trust_list()
        .joined_with(TrustList(logs=licences.TRUST.logs, status_issuers=licences.TRUST.status_issuers, status_tokens=tokens))
    )


@cache
def stamp() -> Callable[[bytes], bytes]:
    authority = TimeStampAuthority(pki().tsa, pki().chain, pki().tsa_signer, "1.2.156.10197.9999.1")
    client = TimeStampClient(lambda request: authority.respond(request, SIGNED_AT), pki().trust_list(), now=lambda: SIGNED_AT)
    return client.stamp


def _keys(who: str) -> tuple[Signer, Certificate]:
    return signer_for(who), certificate(who)


@cache
def drawn_pdf() -> bytes:
    return draw_pdf(licences.LICENCE, PORTRAIT, licences.files(), qr_text=QR_TEXT, marks=SILENT)


def seal_as_pdf(document: bytes, who: str, **options: Any) -> bytes:
    """Sealed invisibly, unless said otherwise."""
    signer, of_seal = _keys(who)
    given: dict[str, Any] = {"placement": None, "picture": None, "signed_at": SIGNED_AT, "chain": pki().chain, "timestamp": stamp()}
    return seal_pdf(document, signer=signer, certificate=of_seal, **(given | options))


@cache
def drawn_ofd() -> bytes:
    return draw_ofd(licences.LICENCE, PORTRAIT, licences.files(), qr_text=None)


@cache
def seal_data(who: str) -> bytes:
    begins = AT - timedelta(days=30)
    description = SealDescription(
        "15070012345678",
        "tests",
        1,
        licences.LICENCE.issuer.name,
        begins,
        begins,
        AT + timedelta(days=300),
        SealPicture("PNG", PNG, 42, 42),
    )
    return build_seal(description, [certificate(who)], SealMaker(pki().maker, pki().maker_signer))


def seal_as_ofd(document: bytes, who: str, **options: Any) -> bytes:
    signer, of_seal = _keys(who)
    given: dict[str, Any] = {"signed_at": SIGNED_AT, "timestamp": stamp()}
    return seal_ofd(document, seal_der=seal_data(who), signer=signer, certificate=of_seal, **(given | options))


_SCRIPT: Final = """
import { readFileSync } from "node:fs";
const [{ readTrustList }, { examinePdf, isPdf }, { examineOfd }, { finishVerdict }] = await Promise.all(
  ["trust", "pdf_verify", "ofd", "judge"].map((name) => import(`MODULES/${name}.js`)));
const { at, trust, data } = JSON.parse(readFileSync(0, "utf8"));
const known = readTrustList(new TextEncoder().encode(trust));
const answers = [];
for (const each of data) {
  const bytes = new Uint8Array(Buffer.from(each, "base64"));
  const { verdict, steps, questions = [] } = await finishVerdict(bytes, await (isPdf(bytes) ? examinePdf : examineOfd)(bytes, known, at), known, at);
  answers.push([verdict, [...steps, ...questions.flatMap((one) => one.steps)].filter((step) => step.outcome !== "pass").map((step) => step.code)]);
}
process.stdout.write(JSON.stringify(answers));
"""


def offline_verdicts(documents: list[bytes], known: TrustList) -> list[tuple[str, list[str]]]:
    """What the verifier in JavaScript says of each: its verdict, and the steps of the whole and of the questions that did not pass."""
    given = {
        "at": int(AT.timestamp() * 1000),
        "trust": write_trust_list(known).decode(),
        "data": [b64encode(each).decode() for each in documents],
    }
    command = [need_program("node"), "--input-type=module", "--eval", _SCRIPT.replace("MODULES", MODULES.as_uri())]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=120)
    return [(verdict, codes) for verdict, codes in json.loads(done.stdout)]
