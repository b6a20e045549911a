"""CAS: which services a client has, who may go on to another in a person's name, and what each ticket stands for. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from idp.model.redirects import is_redirect_uri
from standards.apereo_cas import GRANTING_TICKET, GRANTING_TICKET_IOU
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

TICKET_SECONDS: Final = 60  # CAS 3.0.3 3.1.1 recommends five minutes at most; a browser needs a second
TICKET_BYTES: Final = 32
TICKET_PREFIX: Final = "ST-"
PROXY_TICKET_PREFIX: Final = "PT-"
GRANTING_TICKET_PREFIX: Final = "PGT-"
IOU_PREFIX: Final = "PGTIOU-"
PROXIES_MAX: Final = (
    3  # in a chain between the person and the last service; each of them can act for the person everywhere the next is accepted
)
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
class CasRegistration:
    """What a client has registered. ``proxy_callbacks``: where proxy-granting tickets may go that its services ask for; none: it goes on to nobody.
    ``accepted_proxies``: by whose callbacks others may come to its services in a person's name; none: nobody.
    """

    services: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    proxy_callbacks: tuple[str, ...] = ()
    accepted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that acts for a person at another: the client, and the address of its callback, by which others know it."""

    client_id: str
    callback: str


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """What a ticket stands for. ``service``: the very address it was issued for. ``is_fresh``: the person had just shown who he is. ``proxies``: who
    got it in the person's name, the nearest first; none: the person himself.
    """

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
    proxies: tuple[Proxy, ...] = ()

    @property
    def user(self) -> str:
        """Whom the service is told of: the organisation where the person acts for one."""
        return self.acting_for or self.account_id


@dataclass(frozen=True, slots=True)
class GrantingTicket:
    """What a proxy-granting ticket stands for: that the first of ``proxies`` may act for a person, the others being those through whom it came.
    ``service``: the address whose ticket it was validated with. It ends with the session, however long ``expires_at`` is off.
    """

    client_id: str
    service: str
    account_id: str
    acting_for: str | None
    session_id: str
    acr: str
    auth_at: datetime
    proxies: tuple[Proxy, ...]
    expires_at: datetime

    @property
    def user(self) -> str:
        """As of a ticket."""
        return self.acting_for or self.account_id


def check_services(wanted: CasRegistration, known: Collection[str]) -> None:
    """Raise CLIENT_FIELD_INVALID naming what breaks its rule."""
    claims = wanted.claims
    for field in ("services", "proxy_callbacks", "accepted_proxies"):
        entries: tuple[str, ...] = getattr(wanted, field)
        if len(entries) > SERVICES_MAX or len(set(entries)) != len(entries) or not all(_is_entry(each) for each in entries):
            raise TrustError(
                Kind.UNACCEPTABLE,
                "CLIENT_FIELD_INVALID",
                field=field,
                expected=f"at most {SERVICES_MAX} https addresses (http on a loopback address alone), whole or ending in /*",
            )
        if field != "services" and not all(is_callback(each.removesuffix(_EVERYTHING)) for each in entries):
            raise TrustError(
                Kind.UNACCEPTABLE,
                "CLIENT_FIELD_INVALID",
                field=field,
                expected=f"addresses without {GRANTING_TICKET} and {GRANTING_TICKET_IOU}, which the call adds",
            )
        if entries and not wanted.services:
            raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field=field, expected="nothing where there are no services")
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


def is_within(address: str, entries: Collection[str]) -> bool:
    """Whether one of the entries lets tickets go to an address."""
    return not set(entries).isdisjoint(entries_for(address))


def is_callback(address: str) -> bool:
    """Whether an address can be called back at all: as a service, and without a name in its query that the call itself adds."""
    if not is_redirect_uri(address):
        return False
    names = {name for name, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True)}
    return names.isdisjoint((GRANTING_TICKET, GRANTING_TICKET_IOU))


def callback_with(callback: str, granting_ticket: str, iou: str) -> str:
    """The address to be called (2.5.4): its own parameters stay."""
    told = urlencode({GRANTING_TICKET: granting_ticket, GRANTING_TICKET_IOU: iou})
    return f"{callback}{'&' if '?' in callback else '?'}{told}"
