"""Validation of tickets by SAML 1.1 (CAS 3.0.3 4.2; OASIS SAML 1.1 core and its SOAP binding): the request read, the response written. Octets in, octets out.

The request is read by the reader of XML that knows no document type, no entity and no inclusion, and it says nothing but a ticket and a name of
its own. The response is written by hand as the other answers are. It is not signed: whoever validates asks here over TLS, and by a ticket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from standards.apereo_cas import check_names, escaped
from standards.errors import MalformedError
from standards.gbt33190_ofd.xml_parts import XmlNode, read_xml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from standards.apereo_cas import Value

REQUEST_BYTES_MAX: Final = 8 * 1024  # real: 500
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PROTOCOL: Final = "urn:oasis:names:tc:SAML:1.0:protocol"
ASSERTION: Final = "urn:oasis:names:tc:SAML:1.0:assertion"
ATTRIBUTES: Final = "http://www.ja-sig.org/products/cas/"  # the namespace that clients know attributes of CAS by
ARTIFACT: Final = "urn:oasis:names:tc:SAML:1.0:cm:artifact"
UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.0:am:unspecified"
VALID_SECONDS: Final = 60  # to both sides of the moment: clients compare with clocks of their own
EXAMPLE: Final = (
    f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Body><samlp:Request xmlns:samlp="{PROTOCOL}" MajorVersion="1" MinorVersion="1" '
    f'RequestID="_1" IssueInstant="2026-05-01T02:03:04Z"><samlp:AssertionArtifact>ST-{"x" * 43}</samlp:AssertionArtifact></samlp:Request>'
    "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MINOR_VERSIONS: Final = frozenset({"0", "1"})


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """``request_id``: the client's name for it, which the response repeats; 4.2.3 wants one, and mod_auth_cas sends none: then empty. ``ticket``: as it
    stands there.
    """

    request_id: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of a user. ``issuer``: our address. ``audience``: the service. ``user`` and ``attributes`` are personal data. Times are aware UTC."""

    issuer: str
    audience: str
    user: str
    attributes: Mapping[str, Value]
    authenticated_at: datetime

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Statement({self.audience!r})"


def read_validation_request(data: bytes) -> ValidationRequest | None:
    """The request in a body (4.2.2, 4.2.3), None where it is none: something is missing, there twice, of another namespace or version."""
    if len(data) > REQUEST_BYTES_MAX:
        return None
    try:
        body = _only(_named(read_xml(data), "Envelope", SOAP), "Body", SOAP)
        request = _only(body, "Request", PROTOCOL)
        artifact = _only(request, "AssertionArtifact", PROTOCOL)
        if request is None or artifact is None:
            return None
        request_id, ticket = request.get("RequestID"), artifact.text
    except MalformedError:
        return None
    if request.get("MajorVersion") != "1" or request.get("MinorVersion") not in _MINOR_VERSIONS:
        return None
    if not ticket or (request_id is not None and not _REQUEST_ID.fullmatch(request_id)):
        return None
    return ValidationRequest(request_id or "", ticket)


def _named(node: XmlNode, name: str, namespace: str) -> XmlNode | None:
    return node if (node.name, node.namespace) == (name, namespace) else None


def _only(node: XmlNode | None, name: str, namespace: str) -> XmlNode | None:
    """The one element of a name inside; one of that name in another namespace is none, and makes two of it. MalformedError for several."""
    found = None if node is None else node.child(name)
    return None if found is None else _named(found, name, namespace)


def write_success(response_id: str, request_id: str, told: Statement, at: datetime) -> bytes:
    """A ticket was good (4.2.5). ``response_id``: a random name beginning with a letter or underscore. ValueError for an attribute's name that is none."""
    check_names(told.attributes)
    subject = (
        f"<saml:Subject><saml:NameIdentifier>{escaped(told.user)}</saml:NameIdentifier><saml:SubjectConfirmation>"
        f"<saml:ConfirmationMethod>{ARTIFACT}</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
    )
    attributes = "".join(
        f'<saml:Attribute AttributeName="{name}" AttributeNamespace="{ATTRIBUTES}"><saml:AttributeValue>{escaped(value)}</saml:AttributeValue>'
        "</saml:Attribute>"
        for name, value in told.attributes.items()
    )
    within = timedelta(seconds=VALID_SECONDS)
    statement = f"<saml:AttributeStatement>{subject}{attributes}</saml:AttributeStatement>" if attributes else ""
    inner = (
        '<samlp:Status><samlp:StatusCode Value="samlp:Success"/></samlp:Status>'
        f'<saml:Assertion xmlns:saml="{ASSERTION}" AssertionID="{escaped(response_id)}-a" IssueInstant="{_time(at)}" '
        f'Issuer="{escaped(told.issuer)}" MajorVersion="1" MinorVersion="1">'
        f'<saml:Conditions NotBefore="{_time(at - within)}" NotOnOrAfter="{_time(at + within)}"><saml:AudienceRestrictionCondition>'
        f"<saml:Audience>{escaped(told.audience)}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>"
        f'<saml:AuthenticationStatement AuthenticationInstant="{_time(told.authenticated_at)}" AuthenticationMethod="{UNSPECIFIED}">'
        f"{subject}</saml:AuthenticationStatement>{statement}</saml:Assertion>"
    )
    return _response(response_id, request_id, told.audience, at, inner)


def write_failure(response_id: str, request_id: str, recipient: str, description: str, at: datetime) -> bytes:
    """A ticket was not good, or the request was none. ``request_id``, ``recipient``: empty where they are not known."""
    inner = (
        '<samlp:Status><samlp:StatusCode Value="samlp:Requester"><samlp:StatusCode Value="samlp:RequestDenied"/></samlp:StatusCode>'
        f"<samlp:StatusMessage>{escaped(description)}</samlp:StatusMessage></samlp:Status>"
    )
    return _response(response_id, request_id, recipient, at, inner)


def _response(response_id: str, request_id: str, recipient: str, at: datetime, inner: str) -> bytes:
    answers = f' InResponseTo="{escaped(request_id)}"' if request_id else ""
    to = f' Recipient="{escaped(recipient)}"' if recipient else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Body>'
        f'<samlp:Response xmlns:samlp="{PROTOCOL}" ResponseID="{escaped(response_id)}"{answers}{to} IssueInstant="{_time(at)}" '
        f'MajorVersion="1" MinorVersion="1">{inner}</samlp:Response></SOAP-ENV:Body></SOAP-ENV:Envelope>\n'
    ).encode()


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
