"""Trust list files and folders: read strictly, written so that they are read the same."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import revocation, trust_list
from crypto.authority import CertificateAuthority
from crypto.checkpoints import CheckpointSigner, LogIdentity
from crypto.cosignatures import Cosigner
from crypto.path import validate_path
from crypto.revocation import RevocationEvidence
from crypto.signatures import SignatureAlgorithm
from crypto.signer import software_signer
from crypto.trust_list import ALL_PURPOSES, Anchor, Purpose, TrustList, read_trust_list, trust_list_from_files, write_trust_list
from crypto.trusted_logs import KeyPeriod, StatusIssuer, TrustedLog, log_object, status_issuer_object
from standards import gbt33560_oids as oids
from standards.errors import MalformedError, TrustError
from standards.rfc6960_ocsp import TRY_LATER, write_ocsp_failure, write_ocsp_request
from standards.rfc7468_pem import write_pem
from tests.pki import DemoPki, cert_id_der, craft, make_key, name_der

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
PKI = DemoPki.create(AT)
ROOT, ISSUING = PKI.root.certificate, PKI.issuing.certificate
CRLS = PKI.crls()
times = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)


@given(
    st.sets(st.sampled_from(list(Purpose)), min_size=1),
    st.tuples(times, times).map(lambda pair: (min(pair), max(pair)) if all(pair) else pair),  # type: ignore[type-var]
    st.sampled_from(["required", "not-published"]),
)
def test_what_is_written_is_read_the_same(purposes: set[Purpose], window: tuple[datetime | None, datetime | None], revocation: Any) -> None:
    trust = TrustList((Anchor(ROOT, frozenset(purposes), *window, revocation), Anchor(PKI.seal)), (ISSUING,), CRLS, (b"ocsp",))
    assert read_trust_list(write_trust_list(trust)) == trust
    assert read_trust_list(write_trust_list(trust, name="名单", issued_at=AT)) == trust


def test_the_smallest_list() -> None:
    assert read_trust_list(b'{"format": "yinxin-trust-list", "version": 1, "anchors": []}') == TrustList.empty() == TrustList()


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(write_trust_list(PKI.trust_list()))
    return made | changes


def refused(content: Any) -> dict[str, Any]:
    with pytest.raises(MalformedError) as raised:
        read_trust_list(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert raised.value.code == "TRUST_LIST_MALFORMED"
    return raised.value.facts


KEY = make_key(SignatureAlgorithm.ED25519)
TRUSTED_LOG = TrustedLog(
    LogIdentity("trust.example/log", oids.SHA256, (CheckpointSigner("trust.example/log", software_signer(KEY, "key")).key,)),
    (Cosigner("witness.example", software_signer(make_key(SignatureAlgorithm.ED25519), "key")).key,),
    quorum=1,
)
ISSUER = StatusIssuer("https://trust.example/status/", (software_signer(KEY, "key").public_spki_der,))
LOG, STATUS = log_object(TRUSTED_LOG), status_issuer_object(ISSUER)


def test_logs_and_signers_of_status_lists() -> None:
    trust = TrustList(logs=(TRUSTED_LOG,), status_issuers=(ISSUER,), status_tokens=(b"token",))
    assert read_trust_list(write_trust_list(trust)) == trust
    assert trust_list_from_files({"a.json": write_trust_list(trust), "b.json": write_trust_list(TrustList())}) == trust
    plain = TrustedLog(TRUSTED_LOG.identity)
    assert read_trust_list(write_trust_list(TrustList(logs=(plain,)))).logs == (plain,)
    (key,) = ISSUER.verification_keys().values()
    assert key.key_id in ISSUER.verification_keys()


def test_keys_have_their_periods() -> None:
    second = make_key(SignatureAlgorithm.ED25519)
    before, behind = KeyPeriod(None, AT), KeyPeriod(AT - timedelta(days=1), None)
    keys = (*TRUSTED_LOG.identity.keys, CheckpointSigner("trust.example/log", software_signer(second, "key")).key)
    log = TrustedLog(LogIdentity("trust.example/log", oids.SHA256, keys), periods=(before, behind))
    issuer = StatusIssuer(ISSUER.prefix, (*ISSUER.keys, software_signer(second, "key").public_spki_der), (before, behind))
    trust = TrustList(logs=(log,), status_issuers=(issuer,))
    assert read_trust_list(write_trust_list(trust)) == trust
    assert len(issuer.verification_keys()) == len(issuer.believed_at(AT)) == 2
    assert issuer.believed_at(AT + timedelta(seconds=1)) == issuer.keys[len(ISSUER.keys) :]
    assert ISSUER.believed_at(AT) == ISSUER.keys


@pytest.mark.parametrize("is_older_first", [False, True], ids=["the newer first", "the older first"])
def test_attack_an_older_list_beside_a_newer_one_brings_no_withdrawn_key_back(is_older_first: bool) -> None:
    other = CheckpointSigner("trust.example/log", software_signer(make_key(SignatureAlgorithm.ED25519), "key")).key
    late, early = KeyPeriod(withdrawn_at=AT), KeyPeriod(withdrawn_at=AT - timedelta(days=1))
    log = replace(TRUSTED_LOG, identity=replace(TRUSTED_LOG.identity, keys=(*TRUSTED_LOG.identity.keys, other)))
    older = TrustList(logs=(TRUSTED_LOG,), status_issuers=(ISSUER,))
    newer = TrustList(logs=(replace(log, periods=(late, KeyPeriod())),), status_issuers=(replace(ISSUER, periods=(late,)),))
    newest = TrustList(status_issuers=(replace(ISSUER, periods=(early,)),))
    lists = [older, newer, newest] if is_older_first else [newest, newer, older]
    trust = trust_list_from_files({f"{number}.json": write_trust_list(each) for number, each in enumerate(lists)})
    assert [list(each.withdrawn().values()) for each in trust.logs] == [[AT]] * 2
    assert [each.believed().keys for each in trust.logs] in ([(), (other,)], [(other,), ()])
    assert all(not each.believed_at(AT) and not each.verification_keys() for each in trust.status_issuers)
    assert {period for each in trust.status_issuers for period in each.periods} == {early}
    assert older.joined_with(older) == replace(older, logs=older.logs * 2, status_issuers=older.status_issuers * 2), (
        "none withdrawn, none changed"
    )


def test_attack_a_key_withdrawn_in_one_place_of_a_list_counts_in_no_other() -> None:
    late, early = (KeyPeriod(withdrawn_at=AT - timedelta(days=days)) for days in (0, 1))
    issuers = (ISSUER, replace(ISSUER, prefix="https://other.example/", periods=(late,)), replace(ISSUER, periods=(early,)))
    logs = (TRUSTED_LOG, replace(TRUSTED_LOG, periods=(late,) * len(TRUSTED_LOG.identity.keys)))
    trust = read_trust_list(write_trust_list(TrustList(logs=logs, status_issuers=issuers)))
    assert all(not each.verification_keys() for each in trust.status_issuers)
    assert {period for each in trust.status_issuers for period in each.periods} == {early}
    assert [each.believed().keys for each in trust.logs] == [(), ()]


def anchor(**changes: Any) -> dict[str, Any]:
    changed = document()["anchors"][0] | changes
    return document(anchors=[{key: value for key, value in changed.items() if value is not ...}])


REFUSED: Final[tuple[tuple[Any, str], ...]] = (
    (b"", ""),
    (b"\xff", ""),
    (b"[" * 100_000, ""),
    (b'{"format": 1, "format": 2}', ""),
    (b'{"version": NaN}', ""),
    ([], ""),
    (document(extra=1), ""),
    ({"format": "yinxin-trust-list", "version": 1}, ""),
    (document(format="other"), "version"),
    (document(version=2), "version"),
    (document(version=True), "version"),
    (document(name=5), "name"),
    (document(issued_at="2026-01-01"), "issued_at"),
    (document(issued_at="2026-01-01T00:00:00+08:00"), "issued_at"),
    (document(anchors={}), "anchors"),
    (document(anchors=[1]), "anchors[0]"),
    (anchor(purposes=[]), "anchors[0].purposes"),
    (anchor(purposes=["everything"]), "anchors[0].purposes"),
    (anchor(purposes=[1]), "anchors[0].purposes"),
    (anchor(purposes=...), "anchors[0]"),
    (anchor(subject=1), "anchors[0].subject"),
    (anchor(revocation="none"), "anchors[0].revocation"),
    (anchor(revocation=[]), "anchors[0].revocation"),
    (anchor(trusted_from="now"), "anchors[0].trusted_from"),
    (anchor(trusted_from="2026-1-2T0:0:0Z"), "anchors[0].trusted_from"),
    (anchor(trusted_from="2026-01-02T00:00:00z"), "anchors[0].trusted_from"),
    (anchor(trusted_from="２026-01-02T00:00:00Z"), "anchors[0].trusted_from"),
    (anchor(trusted_from="2026-01-02T00:00:00Z", trusted_until="2026-01-01T00:00:00Z"), "anchors[0].trusted_until"),
    (anchor(certificate="MII="), "anchors[0].certificate"),
    (anchor(certificate="印"), "anchors[0].certificate"),
    (anchor(certificate="!!!!"), "anchors[0].certificate"),
    (anchor(certificate=None), "anchors[0].certificate"),
    (document(intermediates=["AAAA"]), "intermediates[0]"),
    (document(crls=[5]), "crls[0]"),
    (document(ocsp=["A"]), "ocsp[0]"),
    (document(ocsp=[""] * 10_001), "ocsp"),
    (document(logs=[LOG | {"digest": "md5"}]), "logs[0].digest"),
    (document(logs=[LOG | {"keys": []}]), "logs[0].keys"),
    (document(logs=[LOG | {"keys": ["x"]}]), "logs[0].keys[0]"),
    (document(logs=[LOG | {"quorum": 2}]), "logs[0].quorum"),
    (document(logs=[LOG | {"quorum": True}]), "logs[0].quorum"),
    (document(logs=[LOG | {"witnesses": LOG["keys"]}]), "logs[0].witnesses[0]"),  # a log's key is none of a witness
    (
        document(logs=[LOG | {"witnesses": [*LOG["witnesses"], Cosigner("other.example", software_signer(KEY, "key")).key.to_text()]}]),
        "logs[0].witnesses[1]",
    ),
    (document(status_issuers=[STATUS | {"prefix": "https://trust.example"}]), "status_issuers[0].prefix"),
    (document(status_issuers=[STATUS | {"prefix": "ftp://trust.example/"}]), "status_issuers[0].prefix"),
    (document(status_issuers=[STATUS | {"keys": ["AAAA"]}]), "status_issuers[0].keys"),
    (document(status_issuers=[STATUS | {"periods": []}]), "status_issuers[0].periods"),
    (document(status_issuers=[STATUS | {"periods": [{"from": 1}]}]), "status_issuers[0].periods[0].from"),
    (document(logs=[LOG | {"periods": [{}, {}]}]), "logs[0].periods"),
    (document(logs=[LOG | {"periods": [{"since": "2026-01-31T00:00:00Z"}]}]), "logs[0].periods[0]"),
    (document(status_tokens=[1]), "status_tokens[0]"),
)
"""Lists that no verifier may take, each with the place that it is refused at."""


@pytest.mark.parametrize(("content", "where"), REFUSED)
def test_anything_else_is_refused_with_its_place(content: Any, where: str) -> None:
    assert refused(content)["where"] == where


def test_attack_a_member_written_twice_is_refused_wherever_it_stands() -> None:
    """Readers differ in which of the two counts, so that one list would be two."""
    text = json.dumps(document())
    for name in ("format", "certificate"):
        member = re.search(rf'"{name}": "[^"]*"', text)
        assert member is not None
        assert read_trust_list(text.encode())
        assert refused(text.replace(member[0], f"{member[0]}, {member[0]}", 1).encode())["reason"] == "a key occurs twice in one object"


def test_a_list_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_list, "MAX_TRUST_LIST_BYTES", 10)
    with pytest.raises(TrustError, match="TRUST_LIST_TOO_LARGE"):
        read_trust_list(bytes(11))
    with pytest.raises(TrustError, match="TRUST_LIST_TOO_LARGE"):
        trust_list_from_files({"a.cer": bytes(6), "b.cer": bytes(6)})
    monkeypatch.setattr(trust_list, "MAX_FOLDER_FILES", 2)
    assert trust_list_from_files({"README": b"", "a.txt": b""}) == TrustList()
    with pytest.raises(TrustError, match="TRUST_LIST_TOO_LARGE"):
        trust_list_from_files({"README": b"", "a.txt": b"", "b.txt": b""})


ENDED: Final = AT - timedelta(days=30)
NEWER: Final = (Anchor(ROOT, frozenset({Purpose.DOCUMENT, Purpose.TIMESTAMP}), None, ENDED), Anchor(ROOT, frozenset({Purpose.OCSP})))


def ends(trust: TrustList) -> dict[Purpose, set[datetime | None]]:
    """Until when each purpose of the root is trusted, None: as long as it is valid."""
    found: dict[Purpose, set[datetime | None]] = {}
    for anchor in trust.anchors:
        for purpose in anchor.purposes:
            found.setdefault(purpose, set()).add(anchor.trusted_until)
    return found


@pytest.mark.parametrize("is_older_first", [True, False])
def test_attack_an_older_list_beside_a_newer_one_brings_no_root_back(is_older_first: bool) -> None:
    """The newer one ends the trust in a root whose key is in the wrong hands, for two of its purposes; the older one is left lying about."""
    older, newer = TrustList((Anchor(ROOT),), (ISSUING,), CRLS), TrustList(NEWER)
    joined = older.joined_with(newer) if is_older_first else newer.joined_with(older)
    names = ("a.json", "b.json") if is_older_first else ("b.json", "a.json")
    folder = trust_list_from_files(dict(zip(names, map(write_trust_list, (older, newer)), strict=True)))
    bare = trust_list_from_files({"root.cer": ROOT.der, "ca.cer": ISSUING.der, "newer.json": write_trust_list(replace(newer, crls=CRLS))})
    wanted = {Purpose.DOCUMENT: {ENDED}, Purpose.TIMESTAMP: {ENDED}, Purpose.OCSP: {None}, Purpose.SEAL_MAKER: {None}}
    for trust in (joined, folder, bare, joined.joined_with(joined)):
        assert ends(trust) == wanted
        assert [
            validate_path(PKI.seal, trust=trust, purpose=Purpose.DOCUMENT, at=at, now=AT).trusted
            for at in (ENDED, ENDED + timedelta(seconds=1))
        ] == [True, None]


def test_the_earliest_end_of_several_lists_counts() -> None:
    lists = [TrustList((Anchor(ROOT, trusted_until=ENDED + timedelta(days=days)),)) for days in (0, 5, 10)]
    for first, second, third in permutations(lists):
        assert set().union(*ends(first.joined_with(second).joined_with(third)).values()) == {ENDED}
        folder = {"a.json": first, "b.json": second, "c.json": third, "d.json": TrustList((Anchor(ROOT),))}
        joined = trust_list_from_files({name: write_trust_list(each) for name, each in folder.items()})
        assert set().union(*ends(joined).values()) == {ENDED}
    begins_at_the_end = TrustList((Anchor(ROOT, trusted_from=ENDED),)).joined_with(lists[0])
    assert Anchor(ROOT, trusted_from=ENDED, trusted_until=ENDED) in begins_at_the_end.anchors


def test_an_end_that_a_list_states_makes_no_anchor_last_longer() -> None:
    """Nor does one of a list count against itself, which may trust a root in several periods, nor begin what has ended before."""
    beyond = TrustList((Anchor(ROOT, trusted_until=ROOT.not_after + timedelta(days=1)),))
    bare = TrustList((Anchor(ROOT),))
    assert bare.joined_with(beyond).anchors == (*bare.anchors, *beyond.anchors)
    twice = TrustList((Anchor(ROOT, trusted_until=ENDED), Anchor(ROOT, trusted_from=AT)))
    assert twice.joined_with(TrustList((Anchor(ISSUING),))).anchors == (*twice.anchors, Anchor(ISSUING))
    assert twice.joined_with(TrustList((Anchor(ROOT, trusted_until=ENDED),))).anchors == (Anchor(ROOT, trusted_until=ENDED),)


def test_a_folder() -> None:
    other = DemoPki.create(AT, label="other")
    listed = TrustList(
        (Anchor(other.root.certificate, frozenset({Purpose.DOCUMENT})),), (other.issuing.certificate,), other.crls(), (b"o",)
    )
    bundle = write_pem("CERTIFICATE", ISSUING.der) + write_pem("X509 CRL", CRLS[0]) + write_pem("PUBLIC KEY", PKI.seal.spki_der)
    trust = trust_list_from_files(
        {
            "folder/Root.CER": ROOT.der,
            "bundle.pem": bundle,
            "issuing.crl": CRLS[1],
            "answer.ocsp": b"response",
            "list.json": write_trust_list(listed),
            "again.der": ROOT.der,
            "notes.txt": b"whatever",
            "README": b"whatever",
        }
    )
    assert {item.certificate for item in trust.anchors} == {ROOT, other.root.certificate}
    assert set(trust.intermediates) == {ISSUING, other.issuing.certificate}
    assert set(trust.crls) == {*CRLS, *listed.crls}
    assert set(trust.ocsp) == {b"response", b"o"}
    (own,) = (item for item in trust.anchors if item.certificate == ROOT)
    assert own == Anchor(ROOT, ALL_PURPOSES, None, None, "required")
    assert validate_path(PKI.seal, trust=trust, purpose=Purpose.DOCUMENT, at=AT).trusted


def test_file_names_that_decide() -> None:
    files = {"anchor-seal.cer": PKI.seal.der, "intermediate-root.crt": ROOT.der}
    trust = trust_list_from_files(files)
    assert [item.certificate for item in trust.anchors] == [PKI.seal]
    assert trust.intermediates == (ROOT,)


def test_a_self_issued_certificate_with_a_false_signature_is_no_anchor() -> None:
    forged = craft(name_der("self"), PKI.seal_signer, name_der("self"), PKI.tsa.spki_der, at=AT)
    assert trust_list_from_files({"x.cer": forged.der}) == TrustList(intermediates=(forged,))


def test_an_unreadable_file_names_itself() -> None:
    for name, content in (("bad.cer", b"x"), ("bad.json", b"x"), ("bad.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----")):
        with pytest.raises(MalformedError) as raised:
            trust_list_from_files({name: content})
        assert (raised.value.code, raised.value.facts["where"]) == ("TRUST_LIST_MALFORMED", name)


def test_indexes_by_name_hold_several() -> None:
    twin = CertificateAuthority.create_root(PKI.seal_signer, ROOT.subject_der, not_before=AT, not_after=AT + timedelta(1))
    trust = TrustList((Anchor(ROOT), Anchor(twin.certificate)), (ISSUING,))
    ((_, both),) = trust.anchors_by_subject.items()
    assert {item.certificate for item in both} == {ROOT, twin.certificate}
    assert trust.anchors_by_certificate[ROOT.der] == (Anchor(ROOT),)
    assert list(trust.intermediates_by_subject.values()) == [(ISSUING,)]


def test_evidence_is_found_by_index_and_unreadable_evidence_says_nothing() -> None:
    response = PKI.responder().respond(
        write_ocsp_request([cert_id_der(PKI.seal, ISSUING)]), lambda serial: "good", this_update=AT, next_update=AT + timedelta(1)
    )
    others = DemoPki.create(AT, label="other").crls()
    trust = TrustList(crls=(b"x", *others, *CRLS), ocsp=(b"x", response, write_ocsp_failure(TRY_LATER)))
    assert trust.evidence_for(PKI.seal) == RevocationEvidence(CRLS[1:], (response,))
    assert trust.evidence_for(ISSUING) == RevocationEvidence(CRLS[:1])


def test_a_list_of_many_authorities_serves_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "MAX_EVIDENCE", 4)
    crowd = tuple(crl for i in range(5) for crl in DemoPki.create(AT, label=f"authority {i}").crls())
    assert validate_path(PKI.seal, trust=PKI.trust_list(crls=(*crowd, *CRLS)), purpose=Purpose.DOCUMENT, at=AT).trusted


def test_documented_example_is_read() -> None:
    from tests.optional import PROJECT

    text = (PROJECT / "docs" / "reference" / "trust-list.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0].replace("MIIB...", "@")
    real = {"anchors": ROOT.der, "intermediates": ISSUING.der, "crls": CRLS[0], "ocsp": b"x", "status_lists": b"y"}
    for content in real.values():
        example = example.replace('"@"', f'"{base64.b64encode(content).decode()}"', 1)
    trust = read_trust_list(example.encode())
    assert trust.anchors[0].purposes == {Purpose.DOCUMENT, Purpose.SEAL_MAKER}
    assert trust.intermediates == (ISSUING,)
