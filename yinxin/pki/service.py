"""The built-in authority, put together: addresses, periodic work, readiness, and the port that services issue certificates through."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from crypto.certificate_requests import SubjectRequest
from crypto.trust_list import TrustList
from service_kit.composition import Job, ReadinessCheck, ServiceParts, days_left
from service_kit.migrations import migrate as run_migrations
from standards.errors import Kind, TrustError
from yinxin.pki import store
from yinxin.pki.actions.issue_certificate import issue_certificate
from yinxin.pki.actions.publish_list import renew_list
from yinxin.pki.actions.revoke_certificate import give_up_unfinished, revoke_certificate
from yinxin.pki.api import make_router
from yinxin.pki.authorities import ISSUING, ROOT
from yinxin.pki.model import subject_name
from yinxin.pki.tables import PREFIX
from yinxin.pki.trust_file import file_state, read_trust_file

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.authority import Profile
    from crypto.certificates import Certificate
    from service_kit.composition import Facts
    from service_kit.database import Database
    from yinxin.pki.actions.issue_certificate import RegisterDesk
    from yinxin.pki.authorities import Authorities

_log = logging.getLogger(__name__)

NAME: Final = "pki"
ACTOR: Final = "service:pki"
LIST_EVERY_SECONDS: Final = 600.0
SWEEP_EVERY_SECONDS: Final = 120.0


def migrate(database: Database) -> None:
    """Bring the register's tables to the version of this program."""
    run_migrations(database, PREFIX, "yinxin.pki.migrations")


@dataclass(frozen=True, slots=True)
class Issuer:
    """The port through which services issue certificates (service_kit.composition.CertificateIssuer)."""

    desk: RegisterDesk
    authorities: Authorities

    def issue(self, *, common_name: str, organisation: str, spki_der: bytes, profile: Profile, actor: str) -> Certificate:
        """Issue under the issuing authority. Its own transactions."""
        request = SubjectRequest(subject_name(common_name, organisation), spki_der)
        return issue_certificate(self.desk, self.authorities.issuing, request, profile, actor=actor)

    def chain(self) -> tuple[Certificate, ...]:
        """The issuing certificate and the root."""
        return self.authorities.chain()

    def revoke(self, serial: int, *, reason: str, actor: str) -> None:
        """Revoke and publish; again where it was done before. Its own transactions."""
        revoke_certificate(self.desk, self.authorities, serial, reason=reason, actor=actor)


@dataclass(slots=True)
class OwnTrust:
    """This deployment's trust list with its newest revocation lists, and what ``further_path`` (a trust list file) adds to it: remembered,
    and made anew when another process published a list or the file was replaced.
    """

    database: Database
    authorities: Authorities
    further_path: Path | None = None
    _kept: tuple[tuple[object, ...], TrustList] | None = (
        None  # one value: who reads it while another sets it gets a list with its own state
    )

    def __call__(self) -> TrustList:
        """The trust list as of now. One look by key. TRUST_FILE_UNUSABLE where the file is missing or not wholly understood."""
        numbers = store.look_at_newest_numbers(self.database, ROOT, ISSUING)
        state = (*numbers, None if self.further_path is None else file_state(self.further_path))
        kept = self._kept
        if kept is not None and kept[0] == state:
            return kept[1]
        with self.database.read() as connection:
            newest = [store.load_newest_list(connection, issuer) for issuer in (ROOT, ISSUING)]
        further = TrustList.empty() if self.further_path is None else read_trust_file(self.further_path)
        own = self.authorities.trust(tuple(each.crl_der for each in newest if each is not None))
        joined = own.joined_with(further)
        self._kept = state, joined  # lists newer than the numbers looked at are read once more by the next
        return joined


def build(desk: RegisterDesk, authorities: Authorities) -> ServiceParts:
    """The parts for the composition."""

    def renew_lists() -> None:
        for issuer in (ROOT, ISSUING):
            renew_list(desk, authorities.by_name(issuer), issuer, actor=ACTOR)

    def start() -> None:
        try:
            renew_lists()
        except (TrustError, OSError, SQLAlchemyError) as error:  # verifying goes on; the job comes again
            _log.error("revocation lists not renewed at the start", exc_info=error)

    def sweep() -> None:
        give_up_unfinished(desk, authorities, actor=ACTOR)

    def check_certificates() -> Facts:
        now = desk.clock.now()
        left = {name: round(days_left(certificate.not_after, now), 1) for name, certificate in authorities.certificates.items()}
        if min(left.values()) <= 0:
            raise TrustError(Kind.UNAVAILABLE, "CERTIFICATE_EXPIRED", **left)
        return {f"{name}_days_left": days for name, days in left.items()}

    def check_lists() -> Facts:
        now = desk.clock.now()
        facts: Facts = {}
        with desk.database.read() as connection:
            for issuer in (ROOT, ISSUING):
                newest = store.load_newest_list(connection, issuer)
                if newest is None or newest.next_update_at <= now:
                    raise TrustError(Kind.UNAVAILABLE, "REVOCATION_LIST_STALE", issuer=issuer)
                facts[f"{issuer}_days_left"] = round(days_left(newest.next_update_at, now), 1)
        return facts

    return ServiceParts(
        name=NAME,
        router=make_router(desk, authorities),
        openapi_tags=({"name": "certificates", "description": "The built-in authority: certificates, revocation, time-stamps."},),
        jobs=(Job("pki-lists", LIST_EVERY_SECONDS, renew_lists), Job("pki-sweep", SWEEP_EVERY_SECONDS, sweep)),
        readiness=(ReadinessCheck("certificates", check_certificates), ReadinessCheck("revocation_lists", check_lists)),
        on_start=(start,),
    )
