"""The gate in front of every HTTP operation: made from the operation's own declaration, closed where there is none.

A route whose endpoint carries neither ``needs`` nor ``public`` (service_kit/composition.py) keeps the program from starting. So a
forgotten check cannot be deployed.

At our own interfaces it also refuses parameters in the address that the operation does not read: a question that is misplaced or misspelt
(``POST /v1/verifications?holder_name=...``) would else be answered as if nobody had asked it. So it does with one that is there twice and is read once, and
with numbers and truth values that are not written as such.

What is for everyone and only read answers HEAD like GET (RFC 9110 9.3.2). An operation behind a token does not: who may call it learns nothing by HEAD that
GET would not say, and its record would say that what was not given out was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

import anyio.to_thread
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from service_kit.callers import require
from service_kit.composition import CALLER_STATE, Access, Bounded, access_of
from service_kit.dpop import refused
from service_kit.json_bodies import JsonRoute
from service_kit.query_names import check_query_names
from service_kit.request_shapes import check_in_address, kind_in_address
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from fastapi.dependencies.models import Dependant
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service_kit.callers import Caller, CallerVerifier
    from service_kit.dpop import Proof

OWN_INTERFACES: Final = ("/v1/", "/licences/status/", "/licences/log/")
"""Where parameters that are not read are refused. Protocols of others (OAuth, OpenID, CAS, SCIM) have rules of their own for them, pages have links."""


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Who is let in. ``is_active``: whether client and token still count (None: this process cannot know, and a token counts
    until it expires). ``may_block``: it asks over a network and must not hold up the event loop. ``use_once`` takes a proof of possession
    that was found right, True the first time; None: tokens bound to a key are not let in. ``base_url``: what such proofs are made for.
    ``certificate_of``: headers and the address at the other end -> SHA-256 (base64url) of the client certificate shown there; None: none is.
    ``demand_nonce`` raises DPOP_NONCE_NEEDED where the sender's proof must carry a nonce and does not. ``account_of``: which natural person is
    behind a token by the directory's own name, empty where none is (None: the directory is elsewhere).
    """

    callers: CallerVerifier
    is_active: Callable[[Caller], bool] | None = None
    may_block: bool = False
    use_once: Callable[[Proof], Awaitable[bool]] | None = None
    base_url: str = ""
    certificate_of: Callable[[Iterable[tuple[bytes, bytes]], str], str | None] | None = None
    demand_nonce: Callable[[Caller, Proof], None] | None = None
    account_of: Callable[[Caller], str] | None = None

    async def admit(
        self,
        authorization: str | None,
        scope: str,
        proof: str | None = None,
        *,
        method: str = "",
        path: str = "",
        certificate: str | None = None,
    ) -> Caller:
        """The caller, if its token is good, carries the scope, and neither it nor its client has been withdrawn since it was issued.

        ``proof``: the value of the ``DPoP`` header, ``method`` and ``path`` what it must have been made for.
        """
        if authorization is not None and self.use_once is not None and authorization[:5].lower() == "dpop ":
            caller, checked = self.callers.verify_bound(
                authorization, proof, method=method, url=self.base_url + path, certificate=certificate
            )
            require(caller, scope)
            if self.demand_nonce is not None:
                if self.may_block:
                    await anyio.to_thread.run_sync(self.demand_nonce, caller, checked)
                else:
                    self.demand_nonce(caller, checked)
            if not await self.use_once(checked):
                raise refused("used before")
        else:
            caller = self.callers.verify_header(authorization, certificate=certificate)
            require(caller, scope)
        if self.is_active is not None:
            if self.may_block:
                is_active = await anyio.to_thread.run_sync(self.is_active, caller)
            else:
                is_active = self.is_active(caller)
            if not is_active:
                raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED")
        if self.account_of is None or not caller.grant_id:
            return caller
        return replace(
            caller, known_as=await anyio.to_thread.run_sync(self.account_of, caller) if self.may_block else self.account_of(caller)
        )


def admit_token(keeper: Gatekeeper, token: str, scope: str) -> Caller:
    """The caller of a token that stands in the body of a request, by the rules of the gate; may block.

    A token that is bound to a key or a certificate is refused: neither is shown this way. TrustError as ``Gatekeeper.admit``.
    """
    caller = keeper.callers.verify_header(f"Bearer {token}")
    require(caller, scope)
    if keeper.is_active is not None and not keeper.is_active(caller):
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED")
    return caller if keeper.account_of is None or not caller.grant_id else replace(caller, known_as=keeper.account_of(caller))


def path_as_sent(scope: Scope) -> str:
    """The path of a request as its sender wrote it, escapes included: what a proof of possession names."""
    raw = scope.get("raw_path")
    return str(scope["path"]) if raw is None else bytes(raw).partition(b"?")[0].decode("latin-1")


class Gate:
    """An ASGI application behind its access rule. ``bounded``: where all its places are taken, nobody need be recognised to be told so.
    ``parameters``: those that it reads in the address, ``lists`` those of them that may be there several times; None: whatever stands there is no matter. ``kinds``: those that are numbers or truth values, and
    those of the path. ``answers_head``: whether HEAD is answered as GET is.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        keeper: Gatekeeper,
        bounded: Bounded | None = None,
        parameters: frozenset[str] | None = None,
        lists: frozenset[str] = frozenset(),
        kinds: Mapping[str, type] | None = None,
        *,
        answers_head: bool = False,
    ) -> None:
        self._app = app
        self._bounded = bounded
        self._scope_needed = access.scope
        self._keeper = keeper
        self._parameters, self._lists = parameters, lists
        self._kinds = kinds or {}
        self._answers_head = answers_head

    def _certificate(self, scope: Scope) -> str | None:
        if self._keeper.certificate_of is None:
            return None
        peer = scope.get("client")
        return self._keeper.certificate_of(scope["headers"], peer[0] if peer else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in or raise what it lacks; nothing of its body has been read by then."""
        if self._bounded is not None:
            self._bounded.demand_place(scope["method"])
        if self._scope_needed is not None:
            found = [value for name, value in scope["headers"] if name == b"authorization"]
            if len(found) > 1:
                raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="more than one Authorization header")
            proofs = [value for name, value in scope["headers"] if name == b"dpop"]
            if len(proofs) > 1:
                raise refused("more than one proof")
            caller = await self._keeper.admit(
                found[0].decode("latin-1") if found else None,
                self._scope_needed,
                proofs[0].decode("latin-1") if proofs else None,
                method=scope["method"],
                path=path_as_sent(scope),
                certificate=self._certificate(scope) if found else None,
            )
            scope.setdefault("state", {})[CALLER_STATE] = caller
        if self._parameters is not None:
            asked = check_query_names(scope["query_string"], self._parameters, self._lists) if scope["query_string"] else []
            if self._kinds:
                written = [("query", *each) for each in asked] + [("path", *each) for each in scope["path_params"].items()]
                check_in_address([each for each in written if each[1] in self._kinds], self._kinds)
        if self._answers_head and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the same headers, whoever makes them; the server leaves the body out
        await self._app(scope, receive, send)


def access_of_route(route: BaseRoute) -> Access:
    """What a route's endpoint declares; TypeError, which stops the start, where it declares nothing."""
    access = access_of(route.endpoint) if isinstance(route, Route) else None
    if access is None:
        raise TypeError(f"{getattr(route, 'path', route)!r} declares neither needs(...) nor public(...)")
    return access


def parameters_of(route: Route) -> frozenset[str] | None:
    """The parameters that a route of our own interfaces reads in the address; None for any other route."""
    if not route.path.startswith(OWN_INTERFACES):
        return None
    return frozenset(name for name, _ in _asked_of(route.dependant)) if isinstance(route, APIRoute) else frozenset()


def lists_of(route: Route) -> frozenset[str]:
    """Those of the parameters in the address that a route reads as a list: one for each time they are there."""
    asked = _asked_of(route.dependant) if isinstance(route, APIRoute) else ()
    return frozenset(name for name, annotation in asked if _is_list(annotation))


def kinds_of(route: Route) -> dict[str, type]:
    """Those of the parameters in query and path that a route reads as whole numbers or truth values."""
    if not isinstance(route, APIRoute):
        return {}
    read = [*_asked_of(route.dependant), *((each.alias, each.field_info.annotation) for each in route.dependant.path_params)]
    return {name: kind for name, annotation in read if (kind := kind_in_address(annotation)) is not None}


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(each) is list for each in get_args(annotation))


def _asked_of(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    yield from ((each.alias, each.field_info.annotation) for each in dependant.query_params)
    for further in dependant.dependencies:
        yield from _asked_of(further)


def put_gates(routes: Iterable[BaseRoute], keeper: Gatekeeper) -> list[BaseRoute]:
    """Every route behind its gate. The routes themselves are changed: build them for one application.

    TypeError, which stops the start, also where a body is not read by the one rule for JSON (``JsonRoute``).
    """
    gated = []
    for route in routes:
        access = access_of_route(route)
        if isinstance(route, APIRoute) and route.body_field is not None and not isinstance(route, JsonRoute):
            raise TypeError(f"{route.path!r} reads a body and is no JsonRoute")
        if isinstance(route, Route):
            _put_head(route, access)
            bounded = route.endpoint if isinstance(route.endpoint, Bounded) else None
            answers_head = "HEAD" in (route.methods or ())
            route.app = Gate(
                route.app, access, keeper, bounded, parameters_of(route), lists_of(route), kinds_of(route), answers_head=answers_head
            )
        gated.append(route)
    return gated


def _put_head(route: Route, access: Access) -> None:
    """Let a route answer HEAD, or not; of itself one of Starlette does wherever it takes GET, and one of FastAPI never."""
    if route.methods and "GET" in route.methods:
        if access.scope is None and not access.is_step:
            route.methods.add("HEAD")
        else:
            route.methods.discard("HEAD")
