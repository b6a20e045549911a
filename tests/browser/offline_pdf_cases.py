"""What the offline verifier is asked of PDF, and what ``yinxin verify`` says to the same: good, altered, expired, revoked and unknown files.

Everything is made by the tests' own authorities; what is altered is altered at the same places in every run.
"""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crypto.authority import RevokedCertificate
from crypto.report_json import write_report, write_step
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import TrustList
from licence_vault.model import AskedHolder
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.sealing_value import Profile
from tests.optional import corpus
from tests.pki import DemoPki
from tests.seal_service.pdf import long_term_setting as years
from tests.seal_service.pdf import pyhanko_signing, rebuilt_updates
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.later_pictures import COVERING, HARMLESS, LOOSE, TOLD
from tests.seal_service.pdf.sealing import AT, picture, pki, stamp
from tests.seal_service.pdf.seals_inside import sealed_with
from tests.seal_service.pdf.tampering import append, sealed_form
from tests.seal_service.pdf.test_permissions import filled_around_a_lock
from tests.seal_service.pdf.test_verify_attacks import CHANGES
from tests.seal_service.pdf.test_verify_disguises import no_longer_drawn_form
from tests.seal_service.pdf.test_verify_legitimate import ALLOWED
from tests.yinxin.test_file_verdicts import doubled_pdf
from yinxin.file_verdicts import verify_any_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

DAY = timedelta(days=1)
ALGORITHMS = (
    SignatureAlgorithm.RSA_SHA256,
    SignatureAlgorithm.ECDSA_SHA256,
    SignatureAlgorithm.ECDSA_SHA384,
    SignatureAlgorithm.ED25519,
)


@dataclass(frozen=True)
class Question:
    """One file under one trust list at one time. ``document`` is that of the file ``base``, with one octet changed where ``flip`` says so."""

    name: str
    base: bytes
    trust: TrustList
    at: datetime
    flip: tuple[int, int] | None = None
    holder: AskedHolder | None = None

    @property
    def document(self) -> bytes:
        """The file that is verified."""
        if self.flip is None:
            return self.base
        offset, bits = self.flip
        return b"".join((self.base[:offset], bytes((self.base[offset] ^ bits,)), self.base[offset + 1 :]))

    def wanted(self) -> dict[str, Any]:
        """What the command says, with each step as code, outcome and clause."""
        report = verify_any_file(self.document, self.trust, self.at, holder=self.holder)
        steps = [write_step(step, "en") for step in report.steps]
        return told({**write_report(self.name, report, "en"), "steps": steps})


def told(report: dict[str, Any]) -> dict[str, Any]:
    """A report for comparison: without the sentences, which may list what has no order in any order."""

    def short(steps: list[dict[str, Any]]) -> list[list[str]]:
        return [[step["code"], step["outcome"], step["clause"]] for step in steps]

    return {
        "verdict": report["verdict"],
        "tampered": report["tampered"],
        "steps": short(report.get("steps", [])),
        "signatures": [{**each, "steps": short(each["steps"])} for each in report["signatures"]],
        "questions": [{**each, "steps": short(each["steps"])} for each in report.get("questions", [])],
    }


def corpus_questions() -> Iterator[Question]:
    """Every document, seal and sealing value of the shared corpus, trusting nobody."""
    folder = corpus()
    for entry in json.loads((folder / "MANIFEST.json").read_bytes())["entries"]:
        if not entry["path"].startswith("certs/"):
            yield Question(entry["path"], (folder / entry["path"]).read_bytes(), TrustList.empty(), AT)


def generated_questions() -> Iterator[Question]:
    """Our own outputs: as they are, altered, at other times, under other trust, after revocations, and with every kind of later revision."""
    trust = pki().trust_list()
    originals = {
        "both": sealed_with(timestamp=stamp()),
        "seal": sealed_with(Profile.SES, timestamp=stamp()),
        "signature": sealed_with(Profile.PADES),
        "unsealed": reportlab_document(),
    }
    for name, base in originals.items():
        yield Question(name, base, trust, AT + timedelta(hours=1))
        yield from _altered(name, base, trust)
        yield from _at_other_times(name, base, trust)
        yield from _under_other_trust(name, base, trust)
    for name in ("both", "seal"):
        yield from _revoked(name, originals[name])
    yield from _other_algorithms()
    yield from _years_later()
    yield from _of_holders(originals)
    for name, (objects, _) in CHANGES.items():
        yield Question(f"attack: {name}", append(sealed_form(), objects), trust, AT)
    with ThreadPoolExecutor(1) as apart:  # pyHanko wants an event loop of its own, and the browser's runs here
        filled = {changed: apart.submit(filled_around_a_lock, is_locked_one_changed=changed).result() for changed in (True, False)}
        pictures = {name: apart.submit(make).result() for name, make in (COVERING | LOOSE | TOLD | HARMLESS).items()}
    for name, document in pictures.items():
        yield Question(f"a later signature: {name}", document, pyhanko_signing.trust(), pyhanko_signing.AT + timedelta(hours=1))
    for changed, document in filled.items():
        yield Question(f"many fields filled in, the locked one too: {changed}", document, pyhanko_signing.trust(), AT)
    for made in (
        rebuilt_updates.odd_updates,
        rebuilt_updates.passed_over_updates,
        rebuilt_updates.stray_updates,
        rebuilt_updates.plain_updates,
    ):
        for name, document in made().items():
            yield Question(f"{made.__name__}: {name}", document, trust, AT)
    yield Question("a field that is not drawn any more", no_longer_drawn_form(), trust, AT)
    for name, objects in ALLOWED.items():
        yield Question(f"allowed: {name}", append(sealed_form(), objects, kind="stream"), trust, AT)


def _altered(name: str, base: bytes, trust: TrustList) -> Iterator[Question]:
    chosen = random.Random(name)
    for _ in range(8):
        flip = (chosen.randrange(len(base)), 1 << chosen.randrange(8))
        yield Question(f"{name} with another octet at {flip[0]}", base, trust, AT, flip)
    yield Question(f"{name} cut", base[: -chosen.randrange(10, 2000)], trust, AT)
    yield Question(f"{name} with more behind it", base + b"\n9 0 obj\n<<>>\nendobj\n", trust, AT)


def _at_other_times(name: str, base: bytes, trust: TrustList) -> Iterator[Question]:
    for days in (-400, -2, 20, 200, 4000):
        yield Question(f"{name} after {days} days", base, trust, AT + days * DAY)


def _under_other_trust(name: str, base: bytes, trust: TrustList) -> Iterator[Question]:
    (anchor,) = trust.anchors
    others = {
        "nobody": TrustList.empty(),
        "another": DemoPki.create(AT, label="stranger").trust_list(),
        "without lists": replace(trust, crls=()),
        "lists not published": replace(trust, crls=(), anchors=(replace(anchor, revocation="not-published"),)),
        "withdrawn": replace(trust, anchors=(replace(anchor, trusted_until=AT - DAY),)),
        "for seals alone": replace(
            trust, anchors=(replace(anchor, purposes=frozenset({p for p in anchor.purposes if p != "time-stamp"})),)
        ),
        "old lists": pki().trust_list(crls=pki().crls(this_update=AT - 60 * DAY)),
    }
    for kind, other in others.items():
        yield Question(f"{name} under {kind}", base, other, AT)


def _revoked(name: str, base: bytes) -> Iterator[Question]:
    demo = pki()
    for reason in ("keyCompromise", "superseded", "certificateHold"):
        for certificate, days in ((demo.seal, -1), (demo.seal, 1), (demo.tsa, 1)):
            gone = replace(demo, revoked=[RevokedCertificate(certificate.serial, AT + days * DAY, reason)])
            trust = gone.trust_list(crls=gone.crls(this_update=AT + 2 * DAY))
            yield Question(f"{name}, {certificate.common_name} revoked ({reason}, {days})", base, trust, AT + 3 * DAY)


def _other_algorithms() -> Iterator[Question]:
    for algorithm in ALGORITHMS:
        demo = DemoPki.create(AT, algorithm, label=algorithm.value)
        document = seal_pdf(
            reportlab_document(),
            signer=demo.seal_signer,
            certificate=demo.seal,
            chain=demo.chain,
            placement=Placement(1, 60, 40),
            picture=picture(),
            signed_at=AT,
        )
        yield Question(algorithm.value, document, demo.trust_list(), AT)
        yield Question(f"{algorithm.value} altered", document, demo.trust_list(), AT, (len(document) // 3, 1))


def _of_holders(originals: dict[str, bytes]) -> Iterator[Question]:
    """Whether it is held by somebody, asked of files that do not say so, or say it nowhere that counts."""
    trust, holder = pki().trust_list(), AskedHolder("张三（示例）", "11010519491231002X")
    ended = replace(trust, ends_at=AT)
    asked = {**originals, "nothing": b"no sealed file", "empty": b"", "no credential": b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA~"}
    asked |= {"refused files": doubled_pdf(b"licence.json"), "no licence data": doubled_pdf(b"notes.txt")}
    for name, base in asked.items():
        yield Question(f"{name}, held by somebody", base, trust, AT + timedelta(hours=1), holder=holder)
        yield Question(f"{name}, held by somebody, the list at its end", base, ended, AT, holder=holder)
        yield Question(f"{name}, held by somebody, asked too late", base, ended, AT + timedelta(hours=1), holder=holder)


def _years_later() -> Iterator[Question]:
    renewed = years.extended(years.sealed("B-LTA"), years.RENEWED, second=True)
    for level in ("B-B", "B-T", "B-LT", "B-LTA"):
        for at in (AT, years.EXPIRED, years.FAR):
            yield Question(f"{level} at {at:%Y}", years.sealed(level), years.trust(at), at)
    yield Question("renewed", renewed, years.trust(years.FAR), years.FAR)
