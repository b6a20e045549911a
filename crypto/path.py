"""Validating a certification path (RFC 5280, 6) for a purpose at a moment, under a trust list. Pure: all evidence is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from crypto.path_checks import CHAIN, Moment, check_chain, check_national_profile, check_revocations, check_time, check_usage
from crypto.path_search import FoundPath, PathSearch
from crypto.report import Outcome, Step, failed, not_checked
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import Anchor, TrustList

MAX_PATHS: Final = 16  # complete paths that are judged; cross-certified hierarchies have two or three


@dataclass(frozen=True, slots=True)
class PathResult:
    """``trusted``: True when every step passed (warnings allowed), False when one failed, None when it cannot be known.

    ``chain`` begins with the leaf and ends with the anchor's certificate, or holds the leaf alone where no path was found.
    """

    trusted: bool | None
    chain: tuple[Certificate, ...]
    anchor: Anchor | None
    steps: tuple[Step, ...]


def validate_path(
    leaf: Certificate,
    *,
    intermediates: Sequence[Certificate] = (),
    trust: TrustList,
    purpose: Purpose,
    at: datetime,
    evidence: RevocationEvidence = NO_EVIDENCE,
    now: datetime | None = None,
    is_proven: bool = True,
    proven_by: datetime | None = None,
) -> PathResult:
    """Validate ``leaf`` for ``purpose`` at the moment ``at`` (aware UTC: signing time, token time).

    ``intermediates`` and ``evidence`` come from the document and are believed only as far as signatures prove them; those of the trust list
    are used as well. ``now`` makes expiry since then a warning and refuses evidence from the future. ``is_proven`` false says that nobody
    but the holder of the key vouches for ``at``: evidence must then show every certificate good up to ``now``, or up to its own end,
    since a thief chooses an old moment together with old evidence; or only up to ``proven_by``, where a time-stamp of somebody else shows
    that the signature existed then. Of several paths the best one is reported. Never raises on hostile
    certificates; cost is bounded (see ``path_search``).
    """
    search = PathSearch(trust, intermediates, purpose, at)
    offered = evidence + RevocationEvidence(responders=_trusted_responders(trust, at))
    best: PathResult | None = None
    for path in islice(search.paths(leaf), MAX_PATHS):
        judged = _judge(path, purpose, offered, trust, Moment(at, now, is_proven, proven_by))
        if judged.trusted:
            return judged
        if best is None or (best.trusted is False and judged.trusted is None):
            best = judged
    return best or _without_anchor(leaf, search, purpose, at, now)


def _judge(path: FoundPath, purpose: Purpose, evidence: RevocationEvidence, trust: TrustList, moment: Moment) -> PathResult:
    leaf = path.chain[0]
    steps = (
        *check_chain(path),
        check_usage(leaf, purpose),
        *check_time(path.chain[:-1], moment.at, moment.now),
        *check_revocations(path, evidence, trust, moment),
        *check_national_profile(leaf),
    )
    return PathResult(_is_trusted(steps), path.chain, path.anchor, steps)


def _without_anchor(leaf: Certificate, search: PathSearch, purpose: Purpose, at: datetime, now: datetime | None) -> PathResult:
    broken = search.broken_link()
    steps = []
    if broken is not None:
        certificate, issuer = broken
        facts = {"certificate": certificate.subject_text, "issuer": issuer.subject_text}
        steps.append(failed("CERT_CHAIN_BAD", CHAIN, reason="not-signed-by-its-issuer", **facts))
    else:
        reason = ", ".join(search.obstacles) or ("self-signed" if leaf.is_self_issued else "issuer-unknown")
        steps.append(not_checked("CERT_NO_ANCHOR", CHAIN, reason=reason, certificate=leaf.subject_text, issuer=leaf.issuer_text))
    steps += (check_usage(leaf, purpose), *check_time((leaf,), at, now), *check_national_profile(leaf))
    return PathResult(_is_trusted(steps), (leaf,), None, tuple(steps))


def _is_trusted(steps: Sequence[Step]) -> bool | None:
    outcomes = {step.outcome for step in steps}
    if Outcome.FAIL in outcomes:
        return False
    return None if Outcome.NOT_CHECKED in outcomes else True


def _trusted_responders(trust: TrustList, at: datetime) -> tuple[Certificate, ...]:
    """Anchors that are OCSP responders themselves (RFC 6960, 4.2.2.2, local configuration)."""
    return tuple(
        anchor.certificate
        for anchor in trust.anchors
        if Purpose.OCSP in anchor.purposes
        and oids.EKU_OCSP_SIGNING in (anchor.certificate.extended_key_usage or ())
        and anchor.is_trusted_at(at)
    )
