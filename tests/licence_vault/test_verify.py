"""Verifying licences: each question for itself, and nothing that is not known is ever valid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.checkpoints import CheckpointSigner, LogIdentity, Receipt, sign_checkpoint
from crypto.cosignatures import Cosigner
from crypto.jose import TokenSigner, verification_key
from crypto.merkle import GrowingTree, TiledTree, TreeHash
from crypto.report import Question, Report, Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.signer import software_signer
from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer, TrustedLog
from licence_vault.log.leaf import LicenceLeaf, write_leaf
from licence_vault.model import AskedHolder, SaltedLicence
from licence_vault.ports import JudgedDocument
from licence_vault.verify import DATA_NAME, LEAF_NAME, PROOF_NAMES, VerifiedLicence, is_licence, verify_licence
from standards import gbt33560_oids as oids
from standards import ietf_status_list as lists
from standards.c2sp_signed_note import Note, read_note, write_note
from standards.c2sp_tlog_checkpoint import Checkpoint
from tests.licence_vault.samples import sample_licence
from tests.pki import make_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypto.signer import Signer

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
SALT = bytes(range(32))
LICENCE = sample_licence()
OTHER_ENTRIES = [b"before", b"after", b"and after"]
ORIGINS = ("trust.example/licences/sm3", "trust.example/licences/sha256")
DIGESTS = (oids.SM3, oids.SHA256)


@cache
def signer(algorithm: SignatureAlgorithm, name: str) -> Signer:
    return software_signer(make_key(algorithm), name)


LOG_SIGNERS = (
    CheckpointSigner(ORIGINS[0], signer(SignatureAlgorithm.SM2_SM3, "sm3")),
    CheckpointSigner(ORIGINS[1], signer(SignatureAlgorithm.ED25519, "sha256")),
)
WITNESS = Cosigner("witness.example", signer(SignatureAlgorithm.ED25519, "witness"))
LOGS = tuple(TrustedLog(LogIdentity(origin, digest, (log.key,))) for origin, digest, log in zip(ORIGINS, DIGESTS, LOG_SIGNERS, strict=True))
STATUS_SIGNER = signer(SignatureAlgorithm.SM2_SM3, "status")
STATUS_KEY = verification_key(STATUS_SIGNER.public_spki_der)
PREFIX = "https://licences.example/licences/status/"


def leaf_of(salted: SaltedLicence, **changes: Any) -> bytes:
    licence = salted.data
    made = LicenceLeaf(
        event="made",
        type_code=licence.type.code,
        issuer_code=licence.issuer.code,
        version=licence.version,
        at=AT - timedelta(hours=1),
        previous=None,
        status_index=licence.status.index,
        file_digest=None,
        commitment=salted.commitment(),
    )
    return write_leaf(replace(made, **changes))


def proof_of(entry: bytes, which: int, *, witnessed: bool = False) -> bytes:
    """A log of four entries, of which the second is this one."""
    tree_hash = TreeHash(DIGESTS[which])
    leaves = [tree_hash.leaf(each) for each in (OTHER_ENTRIES[0], entry, *OTHER_ENTRIES[1:])]
    growing = GrowingTree(tree_hash)
    assert not list(growing.append(leaves))
    tree = TiledTree(tree_hash, 4, lambda _level, _index, width: b"".join(leaves[:width]))
    note = sign_checkpoint(Checkpoint(ORIGINS[which], 4, growing.root()), [LOG_SIGNERS[which]])
    if witnessed:
        read = read_note(note)
        note = write_note(Note(read.text, (*read.signatures, WITNESS.cosign(read.text, AT))))
    return Receipt(entry, 1, tree.inclusion_proof(1), note).to_text()


def status_token(
    status: int = lists.VALID,
    *,
    at: datetime = AT,
    uri: str = LICENCE.status.list,
    lasts: timedelta = timedelta(days=1),
    size: int = 2000,
) -> bytes:
    packed = bytearray(size)
    index = LICENCE.status.index
    if status:
        packed[index // 4] |= status << 2 * (index % 4)
    claims = lists.StatusListClaims(
        subject=uri,
        issued_at=int(at.timestamp()),
        expires_at=int((at + lasts).timestamp()),
        ttl_seconds=300,
        bits=2,
        compressed=lists.deflate(bytes(packed)),
    )
    token = TokenSigner(STATUS_SIGNER, key_id=STATUS_KEY.key_id, token_type=lists.JWT_TYPE).sign(lists.write_jwt_claims(claims))
    return token.encode()


@cache
def files() -> dict[str, bytes]:
    salted = SaltedLicence(LICENCE, SALT)
    entry = leaf_of(salted)
    return {
        DATA_NAME: salted.canonical(),
        LEAF_NAME: entry,
        PROOF_NAMES[0]: proof_of(entry, 0),
        PROOF_NAMES[1]: proof_of(entry, 1),
    }


@dataclass
class Judge:
    """Says what it is told, as the verifier of sealed documents would."""

    files: Mapping[str, bytes] | None = field(default_factory=files)
    verdict: Verdict = Verdict.VALID
    tampered: bool | None = False
    name: str | None = LICENCE.issuer.name
    code: str | None = LICENCE.issuer.code

    def judge(self, document: bytes, trust_list: TrustList, at: datetime) -> JudgedDocument:
        assert (document, at) == (b"document", AT) or at != AT
        assert isinstance(trust_list, TrustList)
        return JudgedDocument(Report(self.verdict, self.tampered, ()), self.files, self.name, self.code)


TRUST = TrustList(
    logs=LOGS,
    status_issuers=(StatusIssuer(PREFIX, (STATUS_SIGNER.public_spki_der,)),),
    status_tokens=(status_token(at=AT - timedelta(hours=2)),),
)


def verify(judge: Judge | None = None, trust: TrustList = TRUST, **arguments: Any) -> VerifiedLicence:
    return verify_licence(b"document", trust, arguments.pop("at", AT), judge=judge or Judge(), **arguments)


def question(found: VerifiedLicence, name: str) -> Question:
    return next(each for each in found.report.questions if each.name == name)


def outcome(found: VerifiedLicence, name: str) -> tuple[Verdict, list[str]]:
    asked = question(found, name)
    return asked.verdict, [step.code for step in asked.steps if step.outcome.value != "pass"]


def with_files(**changes: bytes | None) -> Judge:
    made: dict[str, bytes | None] = {**files(), **{name.replace("__", "."): data for name, data in changes.items()}}
    return Judge({name: data for name, data in made.items() if data is not None})


def changed(licence: Any = LICENCE, **leaf_changes: Any) -> Judge:
    """A licence that says something else, rightly logged and sealed."""
    salted = SaltedLicence(licence, SALT)
    entry = leaf_of(salted, **leaf_changes)
    return Judge(
        {DATA_NAME: salted.canonical(), LEAF_NAME: entry, PROOF_NAMES[0]: proof_of(entry, 0), PROOF_NAMES[1]: proof_of(entry, 1)},
        name=licence.issuer.name,
        code=licence.issuer.code,
    )


def test_a_good_licence_is_valid_in_every_question() -> None:
    found = verify(holder=AskedHolder(LICENCE.holders[0].name, LICENCE.holders[0].code))
    assert found.report.verdict is Verdict.VALID
    assert [(each.name, each.verdict) for each in found.report.questions] == [
        (name, Verdict.VALID) for name in ("number", "content", "seal", "log", "status", "holder")
    ]
    assert (found.licence, found.log_index) == (LICENCE, 1)


def test_whoever_trusts_nothing_learns_nothing_but_the_form() -> None:
    found = verify(trust=TrustList.empty())
    assert found.report.verdict is Verdict.INDETERMINATE
    assert [each.verdict for each in found.report.questions] == [
        Verdict.VALID,
        Verdict.VALID,
        Verdict.VALID,
        Verdict.INDETERMINATE,
        Verdict.INDETERMINATE,
    ]


@pytest.mark.parametrize(
    ("judge", "verdict", "codes"),
    [
        (Judge(verdict=Verdict.INVALID, tampered=True), Verdict.INVALID, ["LICENCE_SEALS_FAIL"]),
        (Judge(verdict=Verdict.INDETERMINATE), Verdict.INDETERMINATE, ["LICENCE_SEALS_UNKNOWN"]),
        (Judge(code="11430000006122240X"), Verdict.INVALID, ["LICENCE_SEALED_BY_OTHER"]),
        (Judge(code=None, name="别的机构"), Verdict.INVALID, ["LICENCE_SEALED_BY_OTHER"]),
        (Judge(code=None), Verdict.VALID, []),
        (Judge(code=None, name=None), Verdict.INDETERMINATE, ["LICENCE_SEALER_UNKNOWN"]),
    ],
    ids=["broken", "unknown", "other-code", "other-name", "by-name", "nobody"],
)
def test_the_seal_is_the_issuers(judge: Judge, verdict: Verdict, codes: list[str]) -> None:
    found = verify(judge)
    assert outcome(found, "seal") == (verdict, codes)
    assert found.report.verdict is verdict


@pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff", b"[" * 100_000, files()[DATA_NAME] + b" "])
def test_what_is_no_licence_data_is_never_valid(data: bytes | None) -> None:
    judge = with_files(licence__json=data)
    found = verify(judge)
    assert found.licence is None
    assert found.report.verdict is (Verdict.INDETERMINATE if data is None else Verdict.INVALID)
    assert is_licence(judge.judge(b"document", TRUST, AT)) is (data is not None)


def test_files_outside_the_seal_do_not_count() -> None:
    found = verify(Judge(None))
    assert (found.report.verdict, found.licence) == (Verdict.INDETERMINATE, None)


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"event": "issued", "file_digest": bytes(32)}, "event"),
        ({"type_code": "11100000000013338W998"}, "type"),
        ({"issuer_code": "12990000YX0000008K"}, "issuer"),
        ({"version": "002"}, "version"),
        ({"status_index": 1}, "status_index"),
        ({"commitment": bytes(32)}, "commitment"),
    ],
)
def test_the_entry_of_another_licence_does_not_count(changes: dict[str, Any], member: str) -> None:
    found = verify(changed(**changes))
    assert outcome(found, "log")[0] is Verdict.INVALID
    (step,) = (each for each in question(found, "log").steps if each.code == "LICENCE_LEAF_OTHER")
    assert step.facts["member"] == member
    assert found.report.verdict is Verdict.INVALID


def test_log_entries_that_cannot_be_read_or_are_missing() -> None:
    assert outcome(verify(with_files(licence__leaf=b"{}")), "log")[0] is Verdict.INVALID
    verdict, codes = outcome(verify(with_files(licence__leaf=None)), "log")
    assert (verdict, "LICENCE_LEAF_MISSING" in codes) == (Verdict.INDETERMINATE, True)
    found = verify(Judge({DATA_NAME: files()[DATA_NAME]}))
    assert outcome(found, "log")[0] is Verdict.INDETERMINATE
    assert "LICENCE_STATUS_PLACE_UNPROVEN" in outcome(found, "status")[1]


def test_one_tree_is_enough_and_one_that_fails_too_much() -> None:
    only = verify(trust=replace(TRUST, logs=LOGS[1:]))
    assert outcome(only, "log") == (Verdict.VALID, ["LICENCE_LOG_UNKNOWN"])
    assert only.report.verdict is Verdict.VALID
    without = verify(Judge({name: data for name, data in files().items() if name != PROOF_NAMES[0]}))
    assert outcome(without, "log") == (Verdict.VALID, ["LICENCE_PROOF_MISSING"])
    broken = verify(Judge(dict(files()) | {PROOF_NAMES[1]: proof_of(b"another entry", 1)}))
    assert outcome(broken, "log") == (Verdict.INVALID, ["LOG_ENTRY_NOT_INCLUDED"])
    noise = verify(Judge(dict(files()) | {PROOF_NAMES[1]: b"noise"}))
    assert outcome(noise, "log") == (Verdict.INVALID, ["LICENCE_PROOF_UNREADABLE"])


def test_a_log_that_only_calls_itself_so_does_not_count() -> None:
    stranger = CheckpointSigner(ORIGINS[0], software_signer(make_key(SignatureAlgorithm.SM2_SM3), "other"))
    trust = replace(TRUST, logs=(TrustedLog(LogIdentity(ORIGINS[0], DIGESTS[0], (stranger.key,))),))
    found = verify(trust=trust)
    assert outcome(found, "log")[0] is Verdict.INDETERMINATE
    assert found.log_index is None
    assert outcome(found, "status") == (Verdict.VALID, ["LICENCE_STATUS_PLACE_UNPROVEN"]), "the entry is shown to be on record nowhere"
    assert outcome(verify(), "status") == (Verdict.VALID, [])


def test_witnesses_that_are_asked_for_must_have_cosigned() -> None:
    trust = replace(TRUST, logs=(replace(LOGS[0], witnesses=(WITNESS.key,), quorum=1),))
    assert outcome(verify(trust=trust), "log")[0] is Verdict.INDETERMINATE
    entry = files()[LEAF_NAME]
    seen = Judge(dict(files()) | {PROOF_NAMES[0]: proof_of(entry, 0, witnessed=True)})
    assert outcome(verify(seen, trust), "log")[0] is Verdict.VALID


@pytest.mark.parametrize(
    ("tokens", "verdict", "code"),
    [
        ((), Verdict.INDETERMINATE, "LICENCE_STATUS_NOT_AT_HAND"),
        ((status_token(lists.INVALID),), Verdict.INVALID, "STATUS_INVALID"),
        ((status_token(lists.SUSPENDED),), Verdict.INVALID, "STATUS_SUSPENDED"),
        ((status_token(uri=PREFIX + "2"),), Verdict.INDETERMINATE, "LICENCE_STATUS_NOT_AT_HAND"),
        ((status_token(at=AT - timedelta(days=2)),), Verdict.INDETERMINATE, "STATUS_LIST_EXPIRED"),
        ((status_token(at=AT + timedelta(hours=1)),), Verdict.INDETERMINATE, "STATUS_LIST_NOT_YET"),
        ((b"noise",), Verdict.INDETERMINATE, "STATUS_TOKEN_REFUSED"),
        (
            (status_token(at=AT - timedelta(hours=3)), status_token(lists.INVALID, at=AT - timedelta(hours=2))),
            Verdict.INVALID,
            "STATUS_INVALID",
        ),
        ((status_token(at=AT - timedelta(hours=2)), b"noise"), Verdict.VALID, None),
        (
            (status_token(at=AT - timedelta(hours=3)), status_token(lists.INVALID, at=AT - timedelta(hours=2), lasts=timedelta(hours=1))),
            Verdict.INDETERMINATE,
            "STATUS_LIST_EXPIRED",
        ),
        ((status_token(at=AT - timedelta(hours=3)), status_token(size=8)), Verdict.INDETERMINATE, "STATUS_TOKEN_REFUSED"),
        ((status_token(at=AT - timedelta(hours=3)), status_token(lists.INVALID, at=AT + timedelta(hours=1))), Verdict.VALID, None),
        ((status_token(), status_token(lists.INVALID)), Verdict.INVALID, "STATUS_INVALID"),
        ((status_token(lists.SUSPENDED), status_token()), Verdict.INVALID, "STATUS_SUSPENDED"),
    ],
    ids=[
        *("none", "revoked", "suspended", "other-list", "stale", "future", "noise", "newest-counts", "noise-besides"),
        *("newest-has-expired", "newest-is-too-short", "newest-is-of-later", "two-of-one-second", "two-of-one-second-turned"),
    ],
)
def test_the_status_list(tokens: tuple[bytes, ...], verdict: Verdict, code: str | None) -> None:
    found = verify(trust=replace(TRUST, status_tokens=tokens))
    assert outcome(found, "status")[0] is verdict
    assert code is None or code in outcome(found, "status")[1]


def test_lists_count_only_from_who_signs_for_that_address() -> None:
    elsewhere = replace(TRUST, status_issuers=(replace(TRUST.status_issuers[0], prefix="https://licences.example/licences/status/1/"),))
    assert outcome(verify(trust=elsewhere), "status") == (Verdict.INDETERMINATE, ["LICENCE_STATUS_SIGNER_UNKNOWN"])
    other = make_key(SignatureAlgorithm.ECDSA_SHA256)
    unknown = replace(TRUST, status_issuers=(StatusIssuer(PREFIX, (software_signer(other, "x").public_spki_der,)),))
    assert outcome(verify(trust=unknown), "status")[0] is Verdict.INDETERMINATE


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (datetime(2026, 11, 27, 15, 59, tzinfo=UTC), "LICENCE_NOT_YET_VALID"),
        (datetime(2026, 11, 27, 16, 0, tzinfo=UTC), None),  # 28 November in China
        (datetime(2031, 11, 27, 15, 59, tzinfo=UTC), None),
        (datetime(2031, 11, 27, 16, 0, tzinfo=UTC), "LICENCE_EXPIRED"),
    ],
)
def test_days_are_days_in_china(day: datetime, code: str | None) -> None:
    codes = outcome(verify(at=day, trust=replace(TRUST, status_tokens=(status_token(at=day),))), "status")[1]
    assert codes == ([] if code is None else [code])


def test_a_licence_without_end_does_not_expire() -> None:
    late = datetime(2199, 1, 1, tzinfo=UTC)
    judge = changed(sample_licence(valid_to=None))
    assert outcome(verify(judge, replace(TRUST, status_tokens=(status_token(at=late),)), at=late), "status") == (Verdict.VALID, [])


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        (
            {"identifier": LICENCE.identifier[:-1] + ("0" if LICENCE.identifier[-1] != "0" else "1")},
            Verdict.INVALID,
            "LICENCE_NUMBER_INVALID",
        ),
        ({"identifier": "nonsense"}, Verdict.INVALID, "LICENCE_NUMBER_INVALID"),
        ({"version": "002"}, Verdict.INVALID, "LICENCE_NUMBER_OTHER"),
        ({"type": replace(LICENCE.type, code=LICENCE.type.code[:-1] + "8")}, Verdict.INVALID, "LICENCE_NUMBER_OTHER"),
        ({"issuer": replace(LICENCE.issuer, code="91350100M000100Y43")}, Verdict.INVALID, "LICENCE_NUMBER_OTHER"),
    ],
)
def test_the_number_is_that_of_the_licence(changes: dict[str, Any], verdict: Verdict, code: str) -> None:
    found = verify(changed(sample_licence(**changes)))
    assert outcome(found, "number")[0] is verdict
    assert code in outcome(found, "number")[1]


def test_a_wrong_guess_at_the_holder_learns_nothing() -> None:
    holder = LICENCE.holders[0]
    for asked in (AskedHolder(holder.name, "110105194912310021"), AskedHolder("李四", holder.code)):
        found = verify(holder=asked)
        assert outcome(found, "holder") == (Verdict.INVALID, ["LICENCE_HOLDER_OTHER"])
        assert not question(found, "holder").steps[0].facts
        assert found.report.verdict is Verdict.INVALID


@given(st.dictionaries(st.sampled_from([DATA_NAME, LEAF_NAME, *PROOF_NAMES]), st.binary(max_size=200)), st.sampled_from(list(Verdict)))
def test_noise_inside_never_raises_and_is_never_valid(noise: dict[str, bytes], verdict: Verdict) -> None:
    good = files()
    judge = Judge({**good, **noise}, verdict)
    found = verify(judge)
    if any(good[name] != data for name, data in noise.items()) or verdict is not Verdict.VALID:
        assert found.report.verdict is not Verdict.VALID


def test_every_flipped_byte_of_the_attached_files_shows() -> None:
    for name, data in files().items():
        trust = replace(TRUST, logs=LOGS[1:] if name == PROOF_NAMES[1] else LOGS[:1])  # one tree is enough: it must be this proof's
        for position in range(0, len(data), max(1, len(data) // 40)):
            flipped = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            assert verify(Judge({**files(), name: flipped}), trust).report.verdict is not Verdict.VALID, (name, position)
