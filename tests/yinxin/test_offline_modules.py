"""Single modules of the offline verifier against what they stand for, in node: rules that no whole file reaches easily."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import yinxin.offline_verifier
from crypto.cose import TYPE, sign_cose
from crypto.jose import TokenSigner, verification_key
from crypto.report import Report, SignatureReport, Verdict, passed
from crypto.revocation import RevocationEvidence, check_revocation
from crypto.signatures import SignatureAlgorithm, SignatureCheck, verify_signature
from crypto.trust_list import TrustList, read_trust_list, write_trust_list
from crypto.trusted_logs import KeyPeriod
from licence_vault.ports import JudgedDocument
from licence_vault.verify import verify_judged
from licence_vault.verify_code import verify_code
from seal_service.seal_data.status_checks import check_status
from seal_service.seal_data.status_list import SealStatus, SealStatusList, open_status_lists
from standards import gbt33560_oids as oids
from standards import ietf_status_list as lists
from standards import x690_der as der
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.errors import MalformedError
from standards.gbt38540_seal.read import read_seal
from standards.rfc5280_algorithms import algorithm
from standards.rfc5280_names import is_same_name
from tests.crypto import test_revocation
from tests.crypto.test_ocsp import AT as OCSP_AT
from tests.crypto.test_ocsp import PKI, contradicting_responses, open_cases
from tests.licence_vault.test_verify import AT, LICENCE, TRUST, files
from tests.licence_vault.test_verify_code import code_for
from tests.optional import need_program
from tests.pki import signer_for
from tests.seal_service.seal_data.actors import DAY, MADE, NOW, SIGNED, cached_seal, cached_trust
from tests.seal_service.seal_data.test_status_list import history, published

if TYPE_CHECKING:
    from datetime import datetime

    from tests.pki import DemoPki

Evidence = list[tuple[list[bytes], list[bytes]]]  # revocation lists and OCSP responses
MODULES: Final = Path(next(iter(yinxin.offline_verifier.__path__))) / "modules"


def run(script: str, given: Any) -> Any:
    """What ``script`` (JavaScript; ``given`` is at hand, ``load(name)`` gives a module) returns."""
    whole = (
        'import { readFileSync } from "node:fs";\n'
        f"const load = (name) => import({json.dumps(MODULES.as_uri() + '/')} + name + '.js');\n"
        'const given = JSON.parse(readFileSync(0, "utf8"));\n'
        f"const answer = await (async () => {{ {script} }})();\n"
        "process.stdout.write(JSON.stringify(answer));\n"
    )
    command = [need_program("node"), "--input-type=module", "--eval", whole]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def name_of(text: str) -> bytes:
    return der.sequence(der.set_of([der.sequence(der.oid(oids.COMMON_NAME), der.utf8_string(text))]))


def test_names_are_the_same_as_for_the_server() -> None:
    """A subtree that is excluded by name is excluded however the name is written."""
    pairs = [
        ("Straẞe", "STRASSE"),
        ("straße", "Strasse"),
        ("ᲀ", "в"),
        ("Σας", "σασ"),
        ("ι", "\u0345"),
        ("ı", "I"),
        ("a\u3000 b", "A b"),
        ("a", "b"),
    ]
    given = [[name_of(one).hex(), name_of(other).hex()] for one, other in pairs]
    script = """
      const [{ fromHex }, { isSameName }] = await Promise.all(["bytes", "names"].map(load));
      return given.map(([one, other]) => isSameName(fromHex(one), fromHex(other)));
    """
    assert run(script, given) == [is_same_name(name_of(one), name_of(other)) for one, other in pairs]


def test_a_trust_list_is_refused_for_what_the_server_refuses() -> None:
    """Null is no list left out, and a quorum of null would ask for no witness."""
    log = {"origin": "log.example", "digest": "sm3", "keys": ["x"]}
    start = {"format": "yinxin-trust-list", "version": 1, "anchors": []}
    lists = [
        start,
        *({**start, name: None} for name in ("name", "crls", "logs", "status_tokens")),
        {**start, "logs": [{**log, "quorum": None}]},
    ]
    texts = [json.dumps(each) for each in lists]
    script = """
      const { readTrustList } = await load("trust");
      const isRead = (text) => {
        try {
          return readTrustList(new TextEncoder().encode(text)).anchors.length === 0;
        } catch (error) {
          return error.code;
        }
      };
      return given.map(isRead);
    """
    assert run(script, texts) == [True] + ["TRUST_LIST_MALFORMED"] * 5
    for text in texts[1:]:
        with pytest.raises(MalformedError, match="TRUST_LIST_MALFORMED"):
            read_trust_list(text.encode())


def test_a_key_that_the_server_does_not_take_verifies_nothing() -> None:
    """With the exponent 1 everybody signs: the padded digest is its own signature."""
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of SHA-256
    padded = b"\0\1" + b"\xff" * (256 - 3 - 51) + b"\0" + prefix + sha256(b"message").digest()
    null, own = der.sequence(der.oid(oids.RSA), der.null()), ed25519.Ed25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    negative = der.tlv(der.INTEGER, modulus.to_bytes(256, "big"))
    keys = {
        "everybody": (null, der.sequence(der.integer(modulus), der.integer(1))),
        "nobody": (null, der.sequence(der.integer(modulus), der.integer(2))),
        "costly": (null, der.sequence(der.integer(modulus), der.integer(2**64 + 1))),
        "negative": (null, der.sequence(negative, der.integer(65537))),
        "more": (null, der.sequence(der.integer(modulus), der.integer(65537), der.integer(1))),
        "parameters": (der.sequence(der.oid(oids.RSA), der.integer(5)), der.sequence(der.integer(modulus), der.integer(65537))),
    }
    asked = [(der.sequence(alg, der.bit_string(key)), algorithm(oids.SHA256_WITH_RSA, der.null()), padded) for alg, key in keys.values()]
    edward = der.sequence(der.oid(oids.ED25519), der.null())
    asked.append((der.sequence(edward, der.bit_string(public)), algorithm(oids.ED25519), own.sign(b"message")))
    curved = ec.generate_private_key(ec.SECP256R1())
    point = curved.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    hybrid = bytes((6 + point[-1] % 2,)) + point[1:]
    named = der.sequence(der.oid(oids.EC_PUBLIC_KEY), der.oid(oids.SECP256R1))
    signed = curved.sign(b"message", ec.ECDSA(SHA256()))
    asked.append((der.sequence(named, der.bit_string(hybrid)), algorithm(oids.ECDSA_WITH_SHA256), signed))
    script = """
      const [{ fromHex, utf8 }, { readDer }, { readAlgorithm, verifySignature }] = await Promise.all(["bytes", "der", "signatures"].map(load));
      const check = ([key, stated, value]) => verifySignature(fromHex(key), readAlgorithm(readDer(fromHex(stated))), utf8("message"), fromHex(value));
      return Promise.all(given.map(check));
    """
    for key, stated, value in asked:
        assert verify_signature(key, stated, b"message", value) is SignatureCheck.UNSUPPORTED
    assert run(script, [[key.hex(), stated.raw.hex(), value.hex()] for key, stated, value in asked]) == ["unsupported"] * len(asked)


WITHDRAWN_AT: Final = AT - timedelta(hours=1)
SEALED: Final = {  # what was found of the seals: codes with the time of the token
    "no-seal": (),
    "stamped-before": (("TS_OK", WITHDRAWN_AT - timedelta(minutes=1)),),
    "stamped-then": (("TS_OK", WITHDRAWN_AT),),
    "stamped-seal-alone": (("TS_OK", WITHDRAWN_AT - timedelta(days=9)), ("SIG_TIME_UNPROVEN", None)),
    "stamped-seal-and-later": (("TS_OK", WITHDRAWN_AT - timedelta(days=9)), ("TS_OK", AT)),
    "not-stamped": (("SIG_TIME_UNPROVEN", None),),
}


def withdrawn_trust(*, logs: tuple[bool, bool] = (False, False), is_signer: bool = False) -> TrustList:
    gone = KeyPeriod(None, None, WITHDRAWN_AT)
    return replace(
        TRUST,
        logs=tuple(replace(log, periods=(gone,) if is_gone else ()) for log, is_gone in zip(TRUST.logs, logs, strict=True)),
        status_issuers=tuple(replace(each, periods=(gone,) if is_signer else ()) for each in TRUST.status_issuers),
    )


def sealed_report(name: str) -> Report:
    steps = tuple(passed(code, "x", gen_at=None if at is None else at.isoformat()) for code, at in SEALED[name])
    signature = SignatureReport("s", "k", Verdict.VALID, True, True, True, "s", AT, steps)
    return Report(Verdict.VALID, tampered=False, signatures=(signature,) if steps else ())


def test_what_withdrawn_keys_have_signed_means_the_same_as_for_the_server() -> None:
    """Under a key that was withdrawn a proof counts only in a file that a time-stamp shows to be older; lists and codes not at all."""
    trusts = {
        "none": withdrawn_trust(),
        "one-log": withdrawn_trust(logs=(True, False)),
        "logs": withdrawn_trust(logs=(True, True)),
        "signer": withdrawn_trust(is_signer=True),
    }
    cases = [(trust, sealed) for trust in trusts for sealed in SEALED]
    found = {}
    for name, sealed in cases:
        judged = JudgedDocument(sealed_report(sealed), files(), LICENCE.issuer.name, LICENCE.issuer.code)
        report = verify_judged(judged, trusts[name], AT).report
        found[f"{name} {sealed}"] = [[each.name, each.verdict.value, [step.code for step in each.steps]] for each in report.questions]
    codes = {
        name: [[step.code for step in each.steps] for each in verify_code(code_for(), trust, AT).report.questions]
        for name, trust in trusts.items()
    }

    # 1. As the server says it
    logs = {case: next(verdict for question, verdict, _ in told if question == "log") for case, told in found.items()}
    assert {case for case, verdict in logs.items() if verdict != "valid"} == {
        f"logs {sealed}" for sealed in SEALED if sealed != "stamped-before"
    }
    assert set(logs.values()) == {"valid", "indeterminate"}
    assert all("LOG_KEY_WITHDRAWN_LATER" in codes for question, _, codes in found["logs stamped-before"] if question == "log")
    assert codes["signer"] == [["LICENCE_QR_KEY_WITHDRAWN"]]
    assert found["signer stamped-before"][-1][1:] == ["indeterminate", ["LICENCE_IN_FORCE", "LICENCE_STATUS_KEY_WITHDRAWN"]]

    # 2. As the browser says it
    script = """
      const [{ readTrustList }, { verifyLicence }, { verifyLicenceCode }, { fromHex, utf8 }] =
        await Promise.all(["trust", "licence", "licence_code", "bytes"].map(load));
      const codesOf = (questions) => questions.map(({ name, verdict, steps }) => [name, verdict, steps.map((step) => step.code)]);
      const files = new Map(Object.entries(given.files).map(([name, hex]) => [name, fromHex(hex)]));
      const found = {}, codes = {};
      for (const [name, text] of Object.entries(given.trusts)) {
        const trust = readTrustList(utf8(text));
        for (const [sealed, steps] of Object.entries(given.sealed)) {
          const signatures = steps.length ? [{ verdict: "valid", steps: steps.map(([code, gen_at]) => ({ code, facts: { gen_at } })) }] : [];
          const judged = { report: { verdict: "valid", signatures }, files, sealerName: given.issuer[0], sealerCode: given.issuer[1] };
          found[`${name} ${sealed}`] = codesOf((await verifyLicence(judged, trust, given.at)).questions);
        }
        codes[name] = (await verifyLicenceCode(given.code, trust, given.at)).report.questions.map(({ steps }) => steps.map((step) => step.code));
      }
      return { found, codes };
    """
    given = {
        "files": {name: content.hex() for name, content in files().items()},
        "trusts": {name: write_trust_list(trust).decode() for name, trust in trusts.items()},
        "sealed": {name: [[code, at and at.isoformat()] for code, at in steps] for name, steps in SEALED.items()},
        "issuer": [LICENCE.issuer.name, LICENCE.issuer.code],
        "code": code_for(),
        "at": int(AT.timestamp() * 1000),
    }
    assert run(script, given) == {"found": found, "codes": codes}


def test_of_several_lists_of_seals_those_speak_that_speak_for_the_server() -> None:
    seal = read_seal(cached_seal(4))
    valid, cancelled = history((SealStatus.VALID, MADE)), history((SealStatus.VALID, MADE), (SealStatus.CANCELLED, SIGNED - DAY))
    older, ended, newest = (
        published(SealStatusList(7, NOW - days * DAY, NOW - days * DAY + lasts * DAY, (listed,)))
        for days, lasts, listed in ((4, 7, valid), (3, 1, cancelled), (1, 7, valid))
    )
    trusts = [replace(cached_trust(), status_lists=several) for several in ((older,), (older, ended), (ended,), (older, ended, newest))]
    there = [
        [[step.code, step.outcome.value] for step in check_status(seal, opened, SIGNED, is_proven=True, is_alone=False, strict=False)]
        for opened in (open_status_lists(trust.status_lists, trust, NOW) for trust in trusts)
    ]
    assert [steps[-1][0] for steps in there] == ["SEAL_STATUS_OK", "SEAL_STATUS_UNKNOWN", "SEAL_STATUS_UNKNOWN", "SEAL_STATUS_OK"]
    script = """
      const [{ readTrustList }, { checkSealStatus, openSealLists }, { fromHex, utf8 }] = await Promise.all(["trust", "seal_status", "bytes"].map(load));
      const found = [];
      for (const text of given.trusts) {
        const lists = await openSealLists(readTrustList(utf8(text)), given.at);
        const steps = checkSealStatus({ infoRaw: fromHex(given.info), esId: given.id }, lists, given.signed, true, false);
        found.push(steps.map(({ code, outcome }) => [code, outcome]));
      }
      return found;
    """
    at, signed = (int(each.timestamp() * 1000) for each in (NOW, SIGNED))
    texts = [write_trust_list(trust).decode() for trust in trusts]
    assert run(script, {"trusts": texts, "info": seal.info_raw.hex(), "id": seal.es_id, "at": at, "signed": signed}) == there


def revocation_here(pki: DemoPki, evidence: Evidence, at: datetime) -> list[tuple[str, str | None]]:
    """Status and reason that the offline verifier gives the seal's certificate by each (revocation lists, OCSP responses)."""
    given = {
        "certificates": [each.der.hex() for each in (pki.seal, pki.issuing.certificate)],
        "evidence": [[[each.hex() for each in kind] for kind in kinds] for kinds in evidence],
        "at": int(at.timestamp() * 1000),
    }
    script = """
      const [{ fromHex }, { certificateFromDer }, { checkRevocation, makeEvidence }] = await Promise.all(["bytes", "x509", "revocation"].map(load));
      const [certificate, issuer] = given.certificates.map((each) => certificateFromDer(fromHex(each)));
      const found = [];
      for (const [crls, ocsp] of given.evidence) {
        const said = await checkRevocation(certificate, issuer, makeEvidence(crls.map(fromHex), ocsp.map(fromHex)), given.at, null);
        found.push([said.status, said.reason ?? null]);
      }
      return found;
    """
    return [(status, reason) for status, reason in run(script, given)]


def revocation_there(pki: DemoPki, evidence: Evidence, at: datetime) -> list[tuple[str, str | None]]:
    """The same by the server."""
    found = [
        check_revocation(pki.seal, pki.issuing.certificate, RevocationEvidence(tuple(crls), tuple(ocsp)), at) for crls, ocsp in evidence
    ]
    return [(each.status.value, each.reason) for each in found]


def test_evidence_that_cannot_be_checked_leaves_the_same_questions_open_as_for_the_server() -> None:
    cases = open_cases()
    wanted = [("good", None) if reason is None else ("undecidable", reason) for _, _, reason in cases]
    assert revocation_here(PKI, [(list(evidence.crls), list(evidence.ocsp)) for _, evidence, _ in cases], OCSP_AT) == wanted


def test_who_is_revoked_here_is_revoked_for_the_server() -> None:
    """By a list that shows nobody good, and by an answer that contradicts itself."""
    beside, alone = [test_revocation.crl()], [each for _, each, _ in test_revocation.naming_cases()]
    listed: Evidence = [([*others, each], []) for each in alone for others in (beside, [])]
    answered: Evidence = [([], [each]) for each in contradicting_responses()]
    for pki, evidence in ((test_revocation.PKI, listed), (PKI, answered)):
        assert revocation_here(pki, evidence, OCSP_AT) == revocation_there(pki, evidence, OCSP_AT)


def test_no_checkpoint_is_larger_than_for_the_server() -> None:
    sizes = ["0", "1", str(2**63 - 1), str(2**63), "9999999999999999999", "01"]
    texts = [f"log.example\n{size}\n{base64.b64encode(bytes(32)).decode()}\n" for size in sizes]
    script = """
      const { readCheckpoint } = await load("logs");
      const sizeOf = (text) => { try { return readCheckpoint(text).size.toString(); } catch (error) { return error.code; } };
      return given.map(sizeOf);
    """

    def size_there(text: str) -> str:
        try:
            return str(read_checkpoint(text).size)
        except MalformedError as error:
            return error.code

    there = [size_there(text) for text in texts]
    assert run(script, texts) == there == [*sizes[:3], *["CHECKPOINT_FORM"] * 3]


def test_a_number_without_end_is_refused_as_by_the_server() -> None:
    """Whoever says what he found would have to write it out; moduli of RSA, which are long, are read all the same."""
    lengths = [1, 1024, 1025, 5000]
    given = [der.tlv(der.INTEGER, b"\x7f" * length).hex() for length in lengths]
    script = """
      const [{ fromHex }, { readDer }] = await Promise.all(["bytes", "der"].map(load));
      const codeOf = (text) => { try { readDer(fromHex(text)).integer(); return null; } catch (error) { return error.code; } };
      return given.map(codeOf);
    """

    def code_there(text: str) -> str | None:
        try:
            der.read_der(bytes.fromhex(text)).integer()
        except MalformedError as error:
            return error.code
        return None

    assert run(script, given) == [code_there(text) for text in given] == [None, None, "DER_INTEGER_TOO_LONG", "DER_INTEGER_TOO_LONG"]


@pytest.mark.parametrize("is_binary", [False, True], ids=["JWT", "CWT"])
def test_a_newer_status_list_that_cannot_be_checked_here_leaves_the_status_open(is_binary: bool) -> None:
    """Without the browser's own cryptography ES256 cannot be checked: an older list by SM2 does not answer for a newer one."""
    address, place = "https://v.example/licence-statuses/1", 3
    signers = {
        "SM2": signer_for("status-sm2"),
        "ES256": signer_for("status-es256", SignatureAlgorithm.ECDSA_SHA256),
    }

    def token(name: str, issued_at: int) -> str:
        signer, claims = signers[name], lists.StatusListClaims(address, issued_at, 4_000_000_000, 600, 2, lists.deflate(bytes(16)))
        key_id = verification_key(signer.public_spki_der).key_id
        if is_binary:
            payload = cbor2.dumps(lists.write_cwt_claims(claims), canonical=True)
            return sign_cose(payload, signer, key_id=key_id.encode(), protected={TYPE: lists.CWT_TYPE}).hex()
        return TokenSigner(signer, key_id=key_id, token_type=lists.JWT_TYPE).sign(lists.write_jwt_claims(claims)).encode().hex()

    asked = {
        "the older by SM2": ([("SM2", 1000), ("ES256", 2000)], "STATUS_TOKEN_REFUSED"),
        "the newer by SM2": ([("SM2", 2000), ("ES256", 1000)], "STATUS_VALID"),
        "both of one time": ([("SM2", 1000), ("ES256", 1000)], "STATUS_VALID"),
        "ES256 alone": ([("ES256", 1000)], "STATUS_TOKEN_REFUSED"),
    }
    given: dict[str, Any] = {"keys": [each.public_spki_der.hex() for each in signers.values()], "address": address, "place": place}
    given["tokens"] = [[token(*each) for each in tokens] for tokens, _ in asked.values()]
    script = """
      if (!given.isWhole) Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
      const [{ fromHex }, { askStatusLists, statusAtHand }] = await Promise.all(["bytes", "token_status"].map(load));
      const statusIssuers = [{ prefix: "https://v.example/", keys: given.keys.map(fromHex), periods: [] }];
      const found = [];
      for (const tokens of given.tokens) {
        const trust = { statusIssuers, statusTokens: tokens.map(fromHex) };
        const steps = await askStatusLists(given.address, given.place, trust, 3000000);
        const [status, told] = await statusAtHand(given.address, given.place, trust, 3000000);
        found.push([steps.at(-1).code, status, told.map(({ code }) => code)]);
      }
      return found;
    """
    good = ["STATUS_VALID", 0, ["STATUS_LIST_FRESH"]]
    assert run(script, given) == [good if code == "STATUS_VALID" else [code, None, []] for _, code in asked.values()]
    assert run(script, {**given, "isWhole": True}) == [good] * len(asked)
