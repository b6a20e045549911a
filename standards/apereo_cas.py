"""The CAS protocol, version 3.0.3 (Apereo): what a server answers to validations and proxies, and its logout message, also read. Texts in, octets out.

XML is written by hand, so that nothing but what is here gets into it: names of attributes are checked, values are escaped, and characters
that XML 1.0 cannot hold are replaced.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

NAMESPACE: Final = "http://www.yale.edu/tp/cas"
SAML_PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML_ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
INVALID_REQUEST: Final = "INVALID_REQUEST"
INVALID_TICKET: Final = "INVALID_TICKET"
INVALID_TICKET_SPEC: Final = "INVALID_TICKET_SPEC"
INVALID_SERVICE: Final = "INVALID_SERVICE"
INVALID_PROXY_CALLBACK: Final = "INVALID_PROXY_CALLBACK"
UNAUTHORIZED_SERVICE_PROXY: Final = "UNAUTHORIZED_SERVICE_PROXY"
UNAUTHORIZED_SERVICE: Final = "UNAUTHORIZED_SERVICE"
GRANTING_TICKET: Final = "pgtId"  # what a callback is told (2.5.4), as names in its query
GRANTING_TICKET_IOU: Final = "pgtIou"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_SESSION_INDEX: Final = re.compile(
    r"<(?:[A-Za-z_][\w.-]*:)?SessionIndex(?:\s[^<>]*)?>\s*([!-%'-;=?-~]+)\s*</(?:[A-Za-z_][\w.-]*:)?SessionIndex\s*>", re.ASCII
)
_LOGOUT_REQUEST: Final = re.compile(r"\s*(?:<\?xml[^<>]*\?>\s*)?<(?:[A-Za-z_][\w.-]*:)?LogoutRequest[\s>]", re.ASCII)
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Value = str | bool | int


def _text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def escaped(value: Value) -> str:
    """A value as XML can hold it, in an element or an attribute."""
    return escape(_NOT_XML.sub("\ufffd", _text(value)), {'"': "&quot;", "'": "&apos;", "\r": "&#13;"})


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not name.lower().startswith("xml")


def check_names(attributes: Mapping[str, Value]) -> None:
    """ValueError for a name that is no name of an element."""
    if not all(_is_name(name) for name in attributes):
        raise ValueError("an attribute's name is an XML name")


def write_success(user: str, attributes: Mapping[str, Value] | None, *, iou: str = "", proxies: Sequence[str] = ()) -> bytes:
    """A ticket was good (2.5.2, 2.6.2, appendix A). ``attributes`` None: the form of CAS 2.0, which has none. ``iou``: of a proxy-granting ticket, empty:
    none was asked for. ``proxies``: the addresses of those in between, the nearest first. ValueError for a name that is none.
    """
    lines = [f"<cas:user>{escaped(user)}</cas:user>"]
    if attributes is not None:
        check_names(attributes)
        inner = "".join(f"<cas:{name}>{escaped(value)}</cas:{name}>" for name, value in attributes.items())
        lines.append(f"<cas:attributes>{inner}</cas:attributes>")
    if iou:
        lines.append(f"<cas:proxyGrantingTicket>{escaped(iou)}</cas:proxyGrantingTicket>")
    if proxies:
        inner = "".join(f"<cas:proxy>{escaped(each)}</cas:proxy>" for each in proxies)
        lines.append(f"<cas:proxies>{inner}</cas:proxies>")
    return _response(f"<cas:authenticationSuccess>{''.join(lines)}</cas:authenticationSuccess>")


def write_failure(code: str, description: str) -> bytes:
    """A ticket was not good, or the request was none (2.5.3)."""
    return _response(f'<cas:authenticationFailure code="{escaped(code)}">{escaped(description)}</cas:authenticationFailure>')


def _response(inner: str) -> bytes:
    return f'<cas:serviceResponse xmlns:cas="{NAMESPACE}">{inner}</cas:serviceResponse>\n'.encode()


def write_success_json(user: str, attributes: Mapping[str, Value] | None, *, iou: str = "", proxies: Sequence[str] = ()) -> bytes:
    """As ``write_success``, as JSON (2.5.1, ``format=JSON``). Attributes are lists, as clients of the reference server read them."""
    success: dict[str, object] = {"user": user}
    if attributes is not None:
        success["attributes"] = {name: [each] for name, each in attributes.items()}
    if iou:
        success["proxyGrantingTicket"] = iou
    if proxies:
        success["proxies"] = list(proxies)
    return _json({"authenticationSuccess": success})


def write_failure_json(code: str, description: str) -> bytes:
    """As ``write_failure``, as JSON."""
    return _json({"authenticationFailure": {"code": code, "description": description}})


def write_proxy_success(ticket: str) -> bytes:
    """A proxy ticket (2.7.2)."""
    return _response(f"<cas:proxySuccess><cas:proxyTicket>{escaped(ticket)}</cas:proxyTicket></cas:proxySuccess>")


def write_proxy_failure(code: str, description: str) -> bytes:
    """No proxy ticket (2.7.2)."""
    return _response(f'<cas:proxyFailure code="{escaped(code)}">{escaped(description)}</cas:proxyFailure>')


def write_proxy_success_json(ticket: str) -> bytes:
    """As ``write_proxy_success``, as JSON."""
    return _json({"proxySuccess": {"proxyTicket": ticket}})


def write_proxy_failure_json(code: str, description: str) -> bytes:
    """As ``write_proxy_failure``, as JSON."""
    return _json({"proxyFailure": {"code": code, "description": description}})


def _json(response: Mapping[str, object]) -> bytes:
    return json.dumps({"serviceResponse": response}, ensure_ascii=True, separators=(",", ":")).encode()


def write_validation(user: str | None) -> bytes:
    """The answer of CAS 1.0 (2.4.2): two lines."""
    return b"no\n\n" if user is None else f"yes\n{' '.join(user.split())}\n".encode()


def write_logout_request(request_id: str, user: str, ticket: str, at: datetime) -> str:
    """What a service is told when the session ends in which it got ``ticket`` (2.3.3): a SAML 2.0 LogoutRequest. ``at``: aware UTC."""
    return (
        f'<samlp:LogoutRequest xmlns:samlp="{SAML_PROTOCOL}" xmlns:saml="{SAML_ASSERTION}" ID="{escaped(request_id)}" Version="2.0" '
        f'IssueInstant="{at:%Y-%m-%dT%H:%M:%SZ}"><saml:NameID>{escaped(user)}</saml:NameID>'
        f"<samlp:SessionIndex>{escaped(ticket)}</samlp:SessionIndex></samlp:LogoutRequest>"
    )


def read_logout_request(text: str) -> str | None:
    """The ticket of a logout message (2.3.3), None where it is none.

    No XML parser is asked: one element counts, it must be there once, and a document type, comment or character data section is refused.
    """
    if _LOGOUT_REQUEST.match(text) is None or "<!" in text:
        return None
    found = _SESSION_INDEX.findall(text)
    return found[0] if len(found) == 1 else None
