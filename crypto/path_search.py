"""Finding paths from a certificate up to an anchor: by name, proven by signature, within fixed bounds.

The search goes upwards depth first and tries every certificate a key has (cross-certificates). Hostile collections of certificates cost
at most what :data:`MAX_SIGNATURE_CHECKS` signature checks cost and :data:`MAX_STEPS` steps, whatever they look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from crypto.signatures import SignatureCheck
from standards.rfc5280_names import normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import Anchor, Purpose, TrustList

MAX_PATH_CERTIFICATES: Final = 10  # real paths have 2 to 5 certificates, anchor included
MAX_OFFERED: Final = 2000  # certificates offered beside the trust list that are looked at; a document carries a dozen
MAX_SIGNATURE_CHECKS: Final = 128  # about 60 ms of SM2 on one core, per certificate that is validated; under longer keys fewer
_ORDINARY_KEY_BYTES: Final = 512  # of a SubjectPublicKeyInfo; RSA of 4,096 bits takes a little more
MAX_STEPS: Final = 2000
MAX_CANDIDATES: Final = 64  # certificates of one name that are tried as issuer of one certificate
MAX_BROKEN_LINKS: Final = 8


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path proven by signatures, leaf first, the anchor's certificate last. ``is_weak``: some signature uses a broken digest or short key."""

    chain: tuple[Certificate, ...]
    anchor: Anchor
    is_weak: bool


class PathSearch:
    """One search with its budget. ``obstacles`` collects, as stable words, what stood in the way."""

    def __init__(self, trust: TrustList, offered: Sequence[Certificate], purpose: Purpose, at: datetime) -> None:
        self._trust = trust
        self._purpose = purpose
        self._at = at
        self._offered: dict[object, dict[Certificate, None]] = {}
        for certificate in offered[:MAX_OFFERED]:
            name = normalised(certificate.subject_der)
            self._offered.setdefault((name, certificate.subject_key_id), {})[certificate] = None
            self._offered.setdefault((name,), {})[certificate] = None
        self._checked: dict[tuple[bytes, bytes], SignatureCheck] = {}
        self._steps = 0
        self._spent = 0  # in signature checks of SM2
        self._broken: list[tuple[Certificate, Certificate]] = []
        self.obstacles: dict[str, None] = {}

    def paths(self, leaf: Certificate) -> Iterator[FoundPath]:
        """Every path from ``leaf`` to a usable anchor, the likeliest first."""
        yield from self._extend((leaf,), is_weak=False)

    def broken_link(self) -> tuple[Certificate, Certificate] | None:
        """After a search without result: a certificate and an issuer, itself proven up to an anchor, that did not sign it.

        That is a forged or changed certificate rather than an unknown issuer.
        """
        for certificate, issuer in tuple(self._broken):
            if next(self._extend((issuer,), is_weak=False), None) is not None:
                return certificate, issuer
        return None

    def _extend(self, path: tuple[Certificate, ...], *, is_weak: bool) -> Iterator[FoundPath]:
        last = path[-1]
        for listed in self._trust.anchors_by_certificate.get(last.der, ()):
            if self._is_usable(listed):
                yield FoundPath(path, listed, is_weak)
        if len(path) >= MAX_PATH_CERTIFICATES:
            self.obstacles["path-too-long"] = None
            return
        passed = {(certificate.subject_der, certificate.spki_der) for certificate in path}
        for issuer, anchor in self._candidates(last):
            self._steps += 1
            if self._steps > MAX_STEPS:
                self.obstacles["search-limit"] = None
                return
            if (issuer.subject_der, issuer.spki_der) in passed:
                continue
            check = self._check(last, issuer)
            if check is SignatureCheck.BAD:
                self._note_broken(last, issuer)
            elif check is SignatureCheck.UNSUPPORTED:
                self.obstacles["algorithm-unsupported"] = None
            elif check is not None:
                weak = is_weak or check is SignatureCheck.WEAK
                if anchor is None:
                    yield from self._extend((*path, issuer), is_weak=weak)
                elif self._is_usable(anchor):
                    yield FoundPath((*path, issuer), anchor, weak)

    def _is_usable(self, anchor: Anchor) -> bool:
        if self._purpose not in anchor.purposes:
            self.obstacles["anchor-not-for-this-purpose"] = None
            return False
        if not anchor.is_trusted_at(self._at):
            self.obstacles["anchor-not-trusted-at-this-time"] = None
            return False
        return True

    def _candidates(self, certificate: Certificate) -> list[tuple[Certificate, Anchor | None]]:
        """Who may have issued it, by name, the likeliest first: right key identifier, valid at the time, ordinary key; anchors, trust list."""
        name, wanted = normalised(certificate.issuer_der), certificate.authority_key_id
        anchors: list[tuple[Certificate, Anchor | None]] = [(a.certificate, a) for a in self._trust.anchors_by_subject.get(name, ())]
        known = [(found, None) for found in self._trust.intermediates_by_subject.get(name, ())]
        fitting = self._offered.get((name, wanted), {}) if wanted is not None else {}
        same_name = self._offered.get((name,), {})
        offered: dict[Certificate, None] = dict.fromkeys(islice(chain(fitting, same_name), MAX_CANDIDATES))

        def rank(item: tuple[Certificate, Anchor | None]) -> tuple[int, bool, int]:
            issuer = item[0]
            is_outside = not issuer.not_before <= self._at <= issuer.not_after
            return _key_mismatch(wanted, issuer.subject_key_id), is_outside, _cost_of(issuer.spki_der)

        return sorted((*anchors, *known, *offered.items()), key=rank)[:MAX_CANDIDATES]

    def _check(self, certificate: Certificate, issuer: Certificate) -> SignatureCheck | None:
        key = (certificate.der, issuer.spki_der)
        check = self._checked.get(key)
        if check is None:
            cost = _cost_of(issuer.spki_der)
            if self._spent + cost > MAX_SIGNATURE_CHECKS:
                self.obstacles["search-limit"] = None
                return None
            self._spent += cost
            check = self._checked[key] = certificate.is_issued_by(issuer)
        return check

    def _note_broken(self, certificate: Certificate, issuer: Certificate) -> None:
        if len(self._broken) < MAX_BROKEN_LINKS and _key_mismatch(certificate.authority_key_id, issuer.subject_key_id) < 2:
            self._broken.append((certificate, issuer))


def _key_mismatch(wanted: bytes | None, offered: bytes | None) -> int:
    """0: the key identifiers agree; 1: one is not stated; 2: they differ."""
    if wanted is None or offered is None:
        return 1
    return 0 if wanted == offered else 2


def _cost_of(spki_der: bytes) -> int:
    """What a check under this key costs, in checks of SM2: under RSA of 8,192 bits three, of 16,384 nine, with the worst exponent that is taken."""
    return 1 + (len(spki_der) // _ORDINARY_KEY_BYTES) ** 2 // 2
