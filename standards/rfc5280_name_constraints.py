"""RFC 5280, 4.2.1.10: which names an authority may give. Directory names, mail addresses, DNS names, URIs and IP addresses are decided.

Each comparison answers "within", "not within" or "cannot be told", and what cannot be told never passes: a name or a subtree that is not
of its form, a form not named here, a mailbox that differs in letter case alone, a pattern with ``*`` that stands for names on both sides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from standards import x690_der as der
from standards.rfc5280_names import (
    DIRECTORY_NAME,
    DNS_NAME,
    EMAIL_ADDRESS,
    IP_ADDRESS,
    OTHER_NAME,
    RFC822_NAME,
    URI,
    GeneralName,
    is_within,
    may_be_within,
    read_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from standards.rfc5280_extensions import NameConstraints

NOT_UNDERSTOOD: Final = "name-constraint-not-understood"
EXCLUDED: Final = "name-excluded"
NOT_PERMITTED: Final = "name-not-permitted"

MAX_COMPARISONS: Final = 2**16
"""Of names with subtrees: constrained web authorities state a few hundred subtrees, certificates under 100 names."""
MAX_HOST_CHARACTERS: Final = 253  # RFC 1035, 2.3.4
SMTP_UTF8_MAILBOX: Final = "1.3.6.1.5.5.7.8.9"  # RFC 9598: a mail address beyond ASCII, to which constraints on mail apply as well

_EMPTY_NAME: Final = b"\x30\x00"
_LABEL: Final = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ADDRESS: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")  # what readers of URIs take for an IPv4 address
_ATOM: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_AUTHORITY: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?([A-Za-z0-9._-]+)(?::[0-9]*)?(?:[/?#].*)?", re.DOTALL
)
_IPV4_IN_IPV6: Final = bytes(10) + b"\xff\xff"
_IPV4_BYTES: Final = 4
_IPV6_BYTES: Final = 16


def violation(constraints: NameConstraints, subject_der: bytes, alternative: Sequence[GeneralName]) -> str | None:
    """Why a certificate with these names is not one of the constrained authority's: one of the three words above, or ``None``.

    A mail address in the subject counts as a name whether or not there are alternative names.
    """
    subtrees = constraints.permitted + constraints.excluded
    names = tuple(_names(subject_der, alternative))
    if not all(tree.plain for tree in subtrees) or len(names) * len(subtrees) > MAX_COMPARISONS:
        return NOT_UNDERSTOOD
    for name in names:
        excluded = [_is_within(name, tree.base) for tree in constraints.excluded if _applies(tree.base, name)]
        permitted = [_is_within(name, tree.base) for tree in constraints.permitted if _applies(tree.base, name)]
        if True in excluded:
            return EXCLUDED
        if None in excluded or (None in permitted and True not in permitted):
            return NOT_UNDERSTOOD
        if permitted and True not in permitted:
            return NOT_PERMITTED
    return None


def _names(subject_der: bytes, alternative: Sequence[GeneralName]) -> Iterator[GeneralName]:
    if subject_der != _EMPTY_NAME:
        yield GeneralName(DIRECTORY_NAME, None, subject_der, subject_der)
    for attribute in (attribute for rdn in read_name(subject_der) for attribute in rdn):
        if attribute.oid == EMAIL_ADDRESS:
            yield GeneralName(RFC822_NAME, attribute.text, None, attribute.value_der)
    yield from alternative


def _applies(base: GeneralName, name: GeneralName) -> bool:
    return base.kind == name.kind or (base.kind == RFC822_NAME and _is_international_mailbox(name))


def _is_international_mailbox(name: GeneralName) -> bool:
    return name.kind == OTHER_NAME and der.oid(SMTP_UTF8_MAILBOX) in name.raw


def _is_within(name: GeneralName, base: GeneralName) -> bool | None:
    if name.kind == DIRECTORY_NAME and name.name_der is not None and base.name_der is not None:
        return is_within(name.name_der, base.name_der) or (None if may_be_within(name.name_der, base.name_der) else False)
    if name.kind == IP_ADDRESS:
        return _address_within(der.read_der(name.raw).value, der.read_der(base.raw).value)
    compare = _TEXTS.get(name.kind)
    return None if compare is None or name.text is None or base.text is None else compare(name.text, base.text)


def _mailbox_within(name: str, base: str) -> bool | None:
    """A mailbox, all of a host, or (with a dot before it) all hosts below a domain."""
    local, _, host = name.rpartition("@")
    if not _LOCAL_PART.fullmatch(local) or not _is_host(host):
        return None
    if "@" not in base:
        return _host_within(host, base)
    base_local, _, base_host = base.rpartition("@")
    if not _LOCAL_PART.fullmatch(base_local) or not _is_host(base_host):
        return None
    if host.lower() != base_host.lower() or local.lower() != base_local.lower():
        return False
    return True if local == base_local else None


def _uri_within(name: str, base: str) -> bool | None:
    """By the host alone: one without a host that has a name is refused (4.2.1.10)."""
    authority = _AUTHORITY.fullmatch(name)
    if authority is None or not _is_host(authority[1]) or _ADDRESS.fullmatch(authority[1]):
        return None
    return _host_within(authority[1], base)


def _host_within(host: str, base: str) -> bool | None:
    domain = base.removeprefix(".")
    if not _is_host(domain):
        return None
    return host.lower() == base.lower() if domain == base else host.lower().endswith(base.lower())


def _dns_name_within(name: str, base: str) -> bool | None:
    """The domain itself and whatever is below it. A dot before the domain is not foreseen: then the domain itself cannot be told."""
    host, domain = name.removeprefix("*."), base.removeprefix(".")
    if not _is_host(host) or (base and not _is_host(domain)):
        return None
    is_pattern, is_below = host != name, domain != base
    host, domain = host.lower(), domain.lower()
    if not base or host.endswith("." + domain):
        return True
    if host == domain:
        return None if is_below and not is_pattern else True
    return None if is_pattern and domain.endswith("." + host) else False


def _is_host(text: str) -> bool:
    return len(text) <= MAX_HOST_CHARACTERS and _HOST.fullmatch(text) is not None


def _address_within(address: bytes, subtree: bytes) -> bool | None:
    half = len(subtree) // 2
    if len(address) not in {_IPV4_BYTES, _IPV6_BYTES} or len(subtree) not in {2 * _IPV4_BYTES, 2 * _IPV6_BYTES}:
        return None
    mask = int.from_bytes(subtree[half:], "big")
    below = ~mask & ((1 << 8 * half) - 1)
    if below & (below + 1) or (len(address) == _IPV6_BYTES and address.startswith(_IPV4_IN_IPV6)):
        return None
    network = int.from_bytes(subtree[:half], "big")
    return len(address) == half and int.from_bytes(address, "big") & mask == network & mask


_TEXTS: Final[dict[int, Callable[[str, str], bool | None]]] = {RFC822_NAME: _mailbox_within, DNS_NAME: _dns_name_within, URI: _uri_within}
