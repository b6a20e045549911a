"""Attacks on what is said of licences, for the verifier in the browser and the server's: spellings of one content, lists and logs of lying or
careless signers, copies, codes and credentials with what readers understand differently. Both must say the same to each.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.cose import sign_cose
from crypto.cosignatures import Cosigner
from crypto.jose import write_base64url
from crypto.signatures import SignatureAlgorithm
from crypto.sm3 import sm3_of_joined
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.faces.qr import MESSAGE_TYPE
from licence_vault.verify import COPY_NAME, DATA_NAME, LEAF_NAME, PROOF_NAMES
from standards import ietf_status_list as lists
from standards.c2sp_signed_note import Note, NoteSignature, read_note, write_note
from standards.c2sp_tlog_proof import read_proof, write_proof
from standards.rfc9901_sd_jwt import Combined, digest_of, read_combined, write_combined, write_disclosure
from tests.browser.offline_cases import code_case, file_case, licence_case
from tests.licence_vault import test_verify as licences
from tests.licence_vault import test_verify_code as printed
from tests.licence_vault import test_verify_copy as copies
from tests.licence_vault.credentials import test_verify_credential as credentials
from tests.licence_vault.credentials.wallets import AT as CREDENTIALS_AT
from tests.licence_vault.credentials.wallets import issue, issuers_of, key_of, payload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.offline_cases import Case

AT: Final = licences.AT
NOW: Final = int(AT.timestamp())
LAST: Final = datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)  # the last second that China has an hour for
HOLDERS: Final[tuple[Any, ...]] = ([], [None], [{"name": "a"}], {})
DISCLOSED: Final[tuple[Any, ...]] = (None, "x", 1, 1.5, True, {"_sd": []}, {"...": "x"})
PLACES: Final[tuple[Any, ...]] = (4711.0, -1, 2**31, "4711")
REFERENCES: Final[tuple[dict[str, Any] | None, ...]] = (
    *(None, {}, *({"idx": each} for each in PLACES)),
    *({"idx": 4711, "uri": each} for each in ("", "https://x.example/1")),
)
HEADERS: Final[tuple[dict[str, Any], ...]] = (
    *({"alg": each} for each in ("none", "__proto__")),
    *({"typ": each} for each in ("statuslist+jwt", "kb+jwt")),
    *({"kid": "x"}, {"x5c": []}, {"jwk": {}}, {"crit": []}),
)
TEXTS: Final = ("\\ud800", "\\udc00x", "\\u0000", "\\u202e", "\\u2028", "\\u200b", "\\ue000", "\\uffff", "\\ud840\\udc00")


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def logged(data: bytes, says: dict[str, Any]) -> licences.Judge:
    """A file with these bytes of licence data, and a log that has what they are taken to say."""
    commitment = sm3_of_joined(bytes.fromhex(says["salt"]), encoded(says["data"]))
    leaf = json.loads(licences.files()[LEAF_NAME])
    told = says["data"]
    leaf |= {"commitment": commitment.hex(), "version": told["version"], "status_index": told["status"]["index"]}
    entry = encoded(leaf)
    proofs = {name: licences.proof_of(entry, which) for which, name in enumerate(PROOF_NAMES)}
    return licences.Judge({DATA_NAME: data, LEAF_NAME: entry, **proofs})


def spellings() -> list[Case]:
    """One content in other spellings, which are none of it, and contents at the edge of what a licence may say."""
    good = licences.files()[DATA_NAME].decode()
    says = json.loads(good)
    index = str(says["data"]["status"]["index"])
    spelled = {
        "as it is": good,
        "a name twice": good.replace('"name":"张三', '"name":"李四","name":"张三'),
        "an end twice": good.replace('"valid_to":', '"valid_to":null,"valid_to":'),
        "one with a point": good.replace('"version":1}', '"version":1.0}'),
        "one as a power": good.replace('"version":1}', '"version":1e0}'),
        "truth for one": good.replace('"v":1', '"v":true'),
        "escaped": good.replace("张三", "\\u5f20\\u4e09"),
        "a blank": good.replace(":", ": ", 1),
        "a mark before": "\ufeff" + good,
        "a line more": good + "\n",
        "a prototype": good.replace('"KZ_address"', '"__proto__":"x","KZ_address"'),
        "a member of every object": good.replace('"KZ_address"', '"constructor"'),
        **{f"index {each[:20]}": good.replace(index, each) for each in ("-0", "NaN", "Infinity", "9" * 5000, "1e400", "2147483648")},
        **{f"name {each}": good.replace("张三", each) for each in TEXTS},
    }
    cases = [licence_case(f"spelled: {name}", logged(text.encode(), says)) for name, text in spelled.items()]
    edges: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
        *(
            (f"{name} {day}", lambda data, name=name, day=day: data.update({name: day}))
            for name in ("valid_from", "valid_to")
            for day in DAYS
        ),
        *((f"version {each}", lambda data, each=each: data.update(version=each)) for each in ("000", "002", "１２３", "0001")),
        *((f"place {each}", lambda data, each=each: data["status"].update(index=each)) for each in (0, 7999, 8000, 2**31 - 1)),
        *(
            (f"list {each}", lambda data, each=each: data["status"].update(list=licences.PREFIX + each))
            for each in ("", "1/", "../status/1")
        ),
        *((f"holders {each}"[:40], lambda data, each=each: data.update(holders=each)) for each in HOLDERS),
        ("code type", lambda data: data["holders"][0].update(code_type=["111"])),
        ("another name of the issuer", lambda data: data["issuer"].update(name="公安部")),
    ]
    for name, change in edges:
        other = json.loads(good)
        change(other["data"])
        cases.append(licence_case(f"says: {name}", logged(encoded(other), other)))
    return cases + [licence_case(f"at {hour}", licences.Judge(), at=LAST.replace(hour=hour)) for hour in (15, 16, 23)]


DAYS: Final = (
    "2026-11-27",
    "2026-11-28",
    "2026-11-29",
    "2026-02-30",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "2026-1-1",
    "２０２６-11-28",
)


def token(claims: dict[str, Any] | bytes, **header: Any) -> bytes:
    said = {"alg": "SGD_SM3_SM2", "typ": lists.JWT_TYPE, "kid": licences.STATUS_KEY.key_id, **header}
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = write_base64url(json.dumps(said).encode()) + "." + write_base64url(body)
    r, s = decode_dss_signature(licences.STATUS_SIGNER.sign(message.encode()))
    return f"{message}.{write_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


def claims(
    status: int = 0, *, bits: Any = 2, size: int = 20_000, pack: Callable[[bytes], bytes] = lists.deflate, **more: Any
) -> dict[str, Any]:
    place = licences.LICENCE.status.index
    packed = lists.pack(size, bits if type(bits) is int and bits in lists.BITS else 2, [(place, status)] if status else [])
    said = {"sub": licences.LICENCE.status.list, "iat": NOW - 60, "exp": NOW + 3600, "ttl": 300, **more}
    return {**said, "status_list": {"bits": bits, "lst": write_base64url(pack(packed))}}


def status_lists() -> list[Case]:
    """Lists whose signer says something else than a list may, or that are not the newest."""
    place = licences.LICENCE.status.index
    told: dict[str, dict[str, Any]] = {f"bits {bits!r}": claims(bits=bits) for bits in (1, 2, 4, 8, 0, 3, 16, "2", True, 2.0, None)}
    told |= {f"{bits} bits, {status}": claims(status, bits=bits) for bits in lists.BITS for status in range(min(2**bits, 5))}
    told |= {f"{bits} bits, {size} places": claims(bits=bits, size=place + size) for bits in lists.BITS for size in (-8, 0, 1)}
    told |= {f"exp {each!r}": claims(exp=each) for each in (NOW - 1, NOW, NOW + 1, None, "1", float(NOW + 9), 2**53 - 1, 2**53, True)}
    told |= {f"iat {each!r}": claims(iat=each) for each in (NOW + 60, NOW + 61, None, 0, -1, True)}
    told |= {f"ttl {each!r}": claims(ttl=each) for each in (0, 1, -1, None, "300", 1.5)}
    told |= {f"sub {each!r}": claims(sub=licences.LICENCE.status.list + each) for each in ("/", "#", " ", "\u200b")}
    packers: dict[str, Callable[[bytes], bytes]] = {
        "more behind": lambda data: zlib.compress(data) + b"x",
        "cut": lambda data: zlib.compress(data)[:-1],
        "other sum": lambda data: zlib.compress(data)[:-4] + bytes(4),
        "bare": lambda data: zlib.compress(data)[2:-4],
        "stored": lambda data: zlib.compress(data, 0),
        "nothing": lambda _: zlib.compress(b""),
        "as large as may be": lambda _: zlib.compress(bytes(lists.LIST_BYTES)),
        "larger": lambda _: zlib.compress(bytes(lists.LIST_BYTES + 1)),
        "a bomb": lambda _: zlib.compress(bytes(64 * lists.LIST_BYTES), 9),
    }
    told |= {f"packed: {name}": claims(pack=pack) for name, pack in packers.items()}
    tokens: dict[str, tuple[bytes, ...]] = {name: (token(each),) for name, each in told.items()}
    headers: tuple[dict[str, Any], ...] = (
        *({"alg": each} for each in ("none", "ES256", "SM2")),
        *({"typ": each} for each in ("JWT", "dc+sd-jwt", "application/statuslist+jwt", "STATUSLIST+JWT", "\u017ftatuslist+jwt")),
        *({name: []} for name in ("x5c", "crit", "jwk")),
        {"kid": "__proto__"},
    )
    tokens |= {f"header {header}": (token(claims(), **header),) for header in headers}
    older = token(claims(iat=NOW - 7200))
    for name, other in {
        "expired": claims(1, iat=NOW - 3600, exp=NOW - 60),
        "short": claims(iat=NOW - 3600, size=8),
        "unreadable": claims(iat=NOW - 3600, pack=lambda _: b"x"),
        "of later": claims(1, iat=NOW + 3600, exp=NOW + 7200),
        "of one second": claims(1, iat=NOW - 7200),
        "newer": claims(2, iat=NOW - 3600),
    }.items():
        tokens |= {f"besides: {name}": (older, token(other)), f"besides, before: {name}": (token(other), older)}
    for named in ({4.0: NOW + 9}, {4: float(NOW + 9)}, {2.0: "x"}, {(1, 2): 1}, {None: 1}, {True: 1}):
        tokens[f"binary {named}"] = (binary(named),)
    return [licence_case(f"list: {name}", licences.Judge(), replace(licences.TRUST, status_tokens=given)) for name, given in tokens.items()]


def binary(named: dict[Any, Any]) -> bytes:
    said = {2: licences.LICENCE.status.list, 6: NOW - 60, 4: NOW + 3600, 65533: {"bits": 2, "lst": lists.deflate(bytes(5000))}}
    whole = {name: value for name, value in said.items() if name not in named or type(next(iter(named))) is int} | dict(named)
    return sign_cose(cbor2.dumps(whole), licences.STATUS_SIGNER, key_id=licences.STATUS_KEY.key_id.encode(), protected={16: lists.CWT_TYPE})


def proofs() -> list[Case]:
    """Proofs with other lines under their checkpoint, and witnesses who are not as many as they seem."""
    files, cases = licences.files(), []
    good = licences.proof_of(files[LEAF_NAME], 0)
    read = read_proof(good)
    note = read_note(read.checkpoint)
    (signature,) = note.signatures
    bad = replace(signature, signature=bytes(64))
    twin = Cosigner("twin.example", licences.signer(SignatureAlgorithm.ED25519, "witness"))
    other = Cosigner("other.example", licences.signer(SignatureAlgorithm.SM2_SM3, "other"))
    log = licences.LOGS[0]

    def case(name: str, proof: bytes, *witnesses: Cosigner, quorum: int = 0) -> None:
        watched = replace(log, witnesses=tuple(each.key for each in witnesses), quorum=quorum)
        judge = licences.Judge({**files, PROOF_NAMES[0]: proof})
        cases.append(licence_case(f"proof: {name}", judge, replace(licences.TRUST, logs=(watched,))))

    def under(*signatures: NoteSignature) -> bytes:
        return write_proof(replace(read, checkpoint=write_note(Note(note.text, signatures))))

    case("twice", under(signature, signature))
    case("once wrong", under(signature, bad))
    case("of nobody", under(replace(signature, key_name="x")))
    for mark in ("\ufeff", "\u180e", "\x1c", "\x85", "\u2028", "+"):
        case(f"a name with {mark!r}", good + f"— a{mark}b YWJjZGVm\n".encode())
    for changed in ((b"index 1", b"index 01"), (b"index 1", b"index 9999999999999999999"), (b"\n4\n", b"\n04\n"), (b"\n", b"\r\n")):
        case(f"with {changed[1]!r}", good.replace(*changed))
    first, second, third = (each.cosign(note.text, AT) for each in (licences.WITNESS, twin, other))
    case("one key under two names", under(signature, first, second), licences.WITNESS, twin, quorum=2)
    case("one witness twice", under(signature, first, first), licences.WITNESS, other, quorum=2)
    case("two witnesses", under(signature, first, third), licences.WITNESS, other, quorum=2)
    case("two and a twin", under(signature, first, second, third), licences.WITNESS, twin, other, quorum=2)
    own = Cosigner(twin.key.name, licences.signer(SignatureAlgorithm.ED25519, "twin's own"))
    third_name = Cosigner("third.example", licences.signer(SignatureAlgorithm.ED25519, "witness"))
    hanging = (licences.WITNESS, twin, third_name, own)
    case("names and keys that hang together", under(signature, *(each.cosign(note.text, AT) for each in hanging)), *hanging, quorum=2)
    later = licences.WITNESS.cosign(note.text, AT + timedelta(seconds=301))
    case("of later", under(signature, later), licences.WITNESS, quorum=1)
    case(
        "the log's own for a witness's",
        under(signature, replace(first, signature=bytes(8) + signature.signature)),
        licences.WITNESS,
        quorum=1,
    )
    return cases


def copied() -> list[Case]:
    """Copies at the edges of their time, and their statements in other spellings."""
    cases = []
    for made_at, until in (
        (LAST - timedelta(days=1), LAST),
        (LAST - timedelta(days=1), LAST + timedelta(seconds=1)),
        (LAST + timedelta(hours=1), LAST + timedelta(hours=2)),
        (AT - timedelta(days=1), AT),
        (AT - timedelta(days=1), AT - timedelta(seconds=1)),
        (AT, AT + timedelta(days=366)),
        (AT, AT + timedelta(days=366, seconds=1)),
        (AT + timedelta(seconds=1), AT + timedelta(days=1)),
    ):
        stated = replace(copies.COPY, made_at=made_at, until=until)
        cases.append(licence_case(f"copy from {made_at} until {until}", licences.Judge(copies.copy_files(stated))))
    files = copies.copy_files()
    good = files[COPY_NAME].decode()
    for old, new in (
        ('"until":', '"until":"2099-01-01T00:00:00Z","until":'),
        ('"v":1', '"v":true'),
        ('"form":"pdf"', '"form":["pdf"]'),
        ("办理", "\\ud800"),
        ("办理", "\\u200b"),
        (":00Z", ":60Z"),
    ):
        cases.append(licence_case(f"copy: {new}", licences.Judge({**files, COPY_NAME: good.replace(old, new, 1).encode()})))
    return cases


def codes() -> list[Case]:
    """Codes that say names which readers take differently, and whose members are named or counted so."""
    header = {1: -65601, 4: printed.KEY_ID, 16: MESSAGE_TYPE}
    payload = cbor2.loads(cbor2.loads(printed.genuine()).value[2])
    names = ("\U00031350某", "ᠪᠠᠲᠤ\u180eᠠ", "\u1820\u202f\u1822", "\ue000", "\ufffe", "a\u202eb", "a\x85b", "a\u2028b", "")
    cases = [code_case(f"name {name!r}", printed.link(coded(header, [*payload[:2], name, *payload[3:]]))) for name in names]
    strange: tuple[Any, ...] = (None, True, 1.0, -1, 2**63, "x", b"x", [], {}, cbor2.undefined, cbor2.CBORTag(99, "x"), 20260230, 99991231)
    for place in range(len(payload)):
        for value in strange:
            row = [*payload[:place], value, *payload[place + 1 :]]
            cases.append(code_case(f"at {place} {value!r}", printed.link(coded(header, row))))
    without = {4: header[4], 16: header[16]}
    headers: tuple[dict[Any, Any], ...] = (
        {**header, 1: -65601.0},
        {**without, 1.0: -65601},
        {**header, 99: 1},
        {**header, 99.5: 1},
        {**without, True: -65601},
    )
    cases += [code_case(f"header {told}", printed.link(coded(told, payload))) for told in headers]
    beside: tuple[Any, ...] = (4.0, (1, 2), None, True, "x", b"x", 2**64 - 1, float("nan"))
    return cases + [code_case(f"beside {named!r}", printed.link(coded(header, payload, {named: 1}))) for named in beside]


def coded(header: dict[Any, Any], payload: Any, beside: dict[Any, Any] | None = None) -> bytes:
    """A message under any header, rightly signed, with anything beside it."""
    protected, said = cbor2.dumps(header), cbor2.dumps(payload)
    r, s = decode_dss_signature(licences.STATUS_SIGNER.sign(cbor2.dumps(["Signature1", protected, b"", said])))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, beside or {}, said, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def shown() -> list[Case]:
    """Credentials that their issuer signed as nobody should, or whose holder shows what belongs nowhere."""
    cases: list[Case] = []
    for lane in LaneName:
        rules, issuer = LANES[lane], key_of(lane, "issuer")
        combined = read_combined(issue(lane))
        payload = payload_of(combined.token)
        now = int(CREDENTIALS_AT.timestamp())

        made: dict[str, str] = {}
        own = combined.disclosures

        def put(
            name: str,
            said: dict[str, Any] | bytes,
            *more: str,
            made: Any = made,
            own: Any = own,
            rules: Any = rules,
            issuer: Any = issuer,
            **header: Any,
        ) -> None:
            told = {"alg": str(rules.algorithm), "typ": "dc+sd-jwt", "kid": issuer.public.key_id, **header}
            made[name] = write_combined(Combined(issuer.sign_raw(told, said), (*own, *more)))

        put("as it is", payload)
        for digests in (payload["_sd"] + payload["_sd"][:1], "x", None, ["A"], [1]):
            put(f"digests {str(digests)[:20]} {len(str(digests))}", {**payload, "_sd": digests})
        for extra in (
            {"_sd": payload["_sd"][:1]},
            [{"_sd": ["A" * 43]}],
            {"...": "A" * 43},
            [{"...": "A" * 43, "a": 1}],
            {"_sd_alg": "sha-256"},
        ):
            put(f"within {str(extra)[:30]} {type(extra)}", {**payload, "x": extra})
        for name in ("iss", "exp", "nbf", "cnf", "status", "vct", "iat", "sub", "__proto__", "constructor", "identifier", ""):
            for value in DISCLOSED:
                disclosure = write_disclosure("c2FsdHNhbHRzYWx0c2E", name, value)
                digests = [*payload["_sd"], digest_of(disclosure.text, rules.digest)]
                put(f"discloses {name} {value!r}", {**payload, "_sd": digests}, disclosure.text)
        for name in ("exp", "nbf", "iat"):
            for value in (now - 31, now - 29, now + 30, now + 31, None, "1", True, float(now), 2**53, -1):
                put(f"{name} {value!r}", {**payload, name: value})
        for reference in REFERENCES:
            listed = None if reference is None else {"uri": payload["status"]["status_list"]["uri"], **reference}
            put(f"status {reference}", {**payload, "status": {"status_list": listed}})
        for header in HEADERS:
            put(f"header {header}", payload, **header)
        body = json.dumps(payload)
        for told in (',"iss":"x"}', ',"x":"\\ud800"}', ',"x":1e400}', ',"x":' + "1" * 21 + "}", ',"x":NaN}', ',"nbf":-0}', ',"nbf":0.0}'):
            put(f"body {told[:20]}", (body[:-1] + told).encode())
        cases += [
            file_case(f"{lane} {name}", text.encode(), credentials.trust(lane), CREDENTIALS_AT, issuers_of(lane))
            for name, text in made.items()
        ]
    return cases


def attack_cases() -> list[Case]:
    """All of them."""
    return [*spellings(), *status_lists(), *proofs(), *copied(), *codes(), *shown()]
