"""CAS: which services a client has, and what a service ticket stands for. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from idp.model.redirects import is_redirect_uri
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

TICKET_SECONDS: Final = 60  # CAS 3.0.3 3.1.1 recommends five minutes at most; a browser needs a second
TICKET_BYTES: Final = 32
TICKET_PREFIX: Final = "ST-"
TICKET_CHARACTERS_MAX: Final = 256
SERVICES_MAX: Final = 32  # of one client
DEPTH_MAX: Final = 32  # folders in the path of a service that are looked up
_EVERYTHING: Final = "*"
_AMBIGUOUS: Final = re.compile("%(?:2e|2f|5c|25|00)", re.IGNORECASE)  # what some servers decode before they look for folders


@dataclass(frozen=True, slots=True)
class CasService:
    """An address to which tickets go: exactly ``service``, or, where it ends in ``/*``, everything below that folder of that host.

    ``claims``: what the service is told of people at all.
    """

    service: str
    client_id: str
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """What a ticket stands for. ``service``: the very address it was issued for. ``is_fresh``: the person had just shown who he is."""

    client_id: str
    service: str
    account_id: str
    acting_for: str | None
    session_id: str
    acr: str
    auth_at: datetime
    is_fresh: bool
    claims: tuple[str, ...]
    expires_at: datetime

    @property
    def user(self) -> str:
        """Whom the service is told of: the organisation where the person acts for one."""
        return self.acting_for or self.account_id


def check_services(services: tuple[str, ...], claims: tuple[str, ...], known: Collection[str]) -> None:
    """Raise CLIENT_FIELD_INVALID naming what breaks its rule."""
    if len(services) > SERVICES_MAX or len(set(services)) != len(services) or not all(_is_entry(each) for each in services):
        raise TrustError(
            Kind.UNACCEPTABLE,
            "CLIENT_FIELD_INVALID",
            field="services",
            expected=f"at most {SERVICES_MAX} https addresses (http on a loopback address alone), whole or ending in /*",
        )
    if len(set(claims)) != len(claims) or not set(claims) <= set(known):
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="claims", expected="some of " + " ".join(sorted(known)))


def _is_entry(text: str) -> bool:
    folder = text.removesuffix(_EVERYTHING)
    if _EVERYTHING in folder or not is_redirect_uri(folder):
        return False
    return folder == text or (folder.endswith("/") and not urlsplit(folder).query)


def entries_for(service: str) -> tuple[str, ...]:
    """The registered entries that would let tickets go to an address; none for an address that cannot be a service at all.

    A folder is compared up to its slash, and addresses with dot segments, back slashes, users or other spellings of a host are no services,
    nor has one with encoded slashes or dots a folder: so nothing outside of the folder, and no other host, can begin with it.
    """
    if not is_redirect_uri(service):
        return ()
    parts = urlsplit(service)
    names = parts.path.split("/")[1:-1]
    if len(names) > DEPTH_MAX or not parts.path or _AMBIGUOUS.search(parts.path):
        return (service,)
    base = f"{parts.scheme}://{parts.netloc}/"
    folders = [base + "".join(f"{name}/" for name in names[:depth]) for depth in range(len(names) + 1)]
    return (service, *(folder + _EVERYTHING for folder in folders))
