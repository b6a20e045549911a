"""Where the browser is sent on with a refusal, or after signing out: to an address that its client has registered, also by the time it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.model.redirects import with_query
from idp.store.cas import find_service
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.responses import Response

    from idp.model.requests import AuthorizationRequest
    from idp.model.sign_in import SignIn
    from idp.pages.sign_in_pages import Pages
    from idp.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class WayOut:
    """``address``: registered by the client, as it stands; empty: nowhere. ``state``: what the client wants to hear again, empty: nothing."""

    client_id: str = ""
    address: str = ""
    state: str = ""

    @property
    def target(self) -> str:
        """The address with its state; empty: nowhere."""
        if not self.address or not self.state:
            return self.address
        return with_query(self.address, {"state": self.state})


NOWHERE = WayOut()


def if_registered(pages: Pages, way: WayOut) -> WayOut:
    """The way, if its client is active and the address registered at this moment: for signing out, or as a service of CAS. Else NOWHERE."""
    protocols = (pages.protocol, pages.cas)
    oidc, cas = (None if each is None or not way.client_id else each.profile(way.client_id) for each in protocols)
    if oidc is not None and way.address in oidc.post_logout_redirect_uris:
        return way
    return way if cas is not None and not way.state and way == service_way(pages, way.address) else NOWHERE


def service_way(pages: Pages, address: str) -> WayOut:
    """The way back to a service that speaks CAS (2.3.1). NOWHERE where none is registered."""
    with pages.desk.database.read() as connection:
        service = find_service(connection, address, pages.desk.vault.mac_key)
    return NOWHERE if service is None else WayOut(service.client_id, address)


def refuse_client(pages: Pages, visit: Visit, row: SignIn, request: AuthorizationRequest, error: str) -> Response:
    """Take the browser back with an error, if the address is the client's still (RFC 6749 4.1.2.1, RFC 9700 4.11); else the person is told here."""
    protocol = pages.protocol_of(row)
    with pages.desk.database.read() as connection:
        leads = protocol is not None and protocol.leads_to(connection, request)
    if not leads:
        return visit.error(TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="invalid_request"))
    return visit.answer_client(request, pages.desk.issuer, error=error)
