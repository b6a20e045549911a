"""Calls to other machines: none unless the operator allows their address, and always to the very address that was checked.

An address that comes from outside (a webhook, a client's key set, a logout notice) is a way into the network behind us (SSRF). So a
host name is looked up once, each of its addresses is compared with the allow-list, and the connection goes to one of those addresses,
not to what a second look-up may say. Redirects are never followed; time and size are bounded (:mod:`service_kit.bounded_calls`), the time
of the look-up within the same (:mod:`service_kit.name_lookups`).

Allow-list entries: a network (``10.20.0.0/16``, ``::1/128``), or ``public`` for every address that is globally reachable.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from service_kit.bounded_calls import FAILED, TOO_MANY, TOO_SLOW, Answer, call_once
from service_kit.name_lookups import OF_PROCESS, NoPlaceError, TooSlowError, ask_system
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PUBLIC: Final = "public"
URL_CHARACTERS_MAX: Final = 2048
ADDRESSES_MAX: Final = 16  # of one host name; more is no ordinary service
ANSWER_BYTES: Final = 64 * 1024
TIMEOUT_SECONDS: Final = 5.0
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # RFC 4291 2.4, IANA's registry of IPv6 address space
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


def read_networks(entries: Sequence[str]) -> tuple[str | Network, ...]:
    """The allow-list of the settings; ``SETTING_INVALID`` names an entry that is none."""
    read: list[str | Network] = []
    for entry in entries:
        if entry == PUBLIC:
            read.append(PUBLIC)
            continue
        try:
            read.append(ipaddress.ip_network(entry))
        except ValueError:
            raise TrustError(
                Kind.UNACCEPTABLE, "SETTING_INVALID", name="outbound.networks", expected="networks such as 10.0.0.0/8, or public"
            ) from None
    return tuple(read)


class Outbound:
    """The one way out for addresses that others gave us. ``networks``: what :func:`read_networks` gave; empty: nothing is reached."""

    def __init__(
        self,
        networks: Sequence[str | Network],
        *,
        look_up: Callable[[str, int], list[str]] = ask_system,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._networks = tuple(networks)
        self._look_up = look_up
        self._timeout_seconds = timeout_seconds

    def check_url(self, url: str) -> None:
        """Whether such an address may be stored: form and scheme, and a literal IP address must be allowed. ``OUTBOUND_REFUSED``.

        A host name is looked up only when it is called, each time anew.
        """
        host, _ = self._split(url)
        literal = _literal(host)
        if literal is not None and not self._is_allowed(literal):
            raise _refused("address-not-allowed")

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        answer_bytes: int = ANSWER_BYTES,
    ) -> Answer:
        """One request, one answer, no redirect followed. ``OUTBOUND_REFUSED`` (not allowed), ``OUTBOUND_FAILED`` (tried, no answer)."""
        host, port = self._split(url)
        until = time.monotonic() + self._timeout_seconds
        address = self._resolve(host, port, until)
        return call_once(
            method,
            url,
            timeout_seconds=max(0.0, until - time.monotonic()),
            answer_bytes=answer_bytes,
            headers=headers,
            content=content,
            address=str(address),
        )

    @staticmethod
    def _split(url: str) -> tuple[str, int]:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _refused("not-a-url") from None
        if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise _refused("not-a-url")
        if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or parts.fragment:
            raise _refused("not-a-url")
        return parts.hostname, port or _PORTS[parts.scheme]

    def _resolve(self, host: str, port: int, until: float) -> Address:
        """An address of the host, all of whose addresses are allowed: one forbidden among them is reason enough not to call."""
        literal = _literal(host)
        if literal is not None:
            addresses = [literal]
        else:
            try:
                found = OF_PROCESS.find(self._look_up, host, port, until=until)
                addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
            except TooSlowError:
                raise _failed(TOO_SLOW) from None
            except NoPlaceError:
                raise _failed(TOO_MANY) from None
            except (OSError, ValueError, UnicodeError):
                raise _failed("name-not-found") from None
        if not addresses or len(addresses) > ADDRESSES_MAX:
            raise _failed("name-not-found")
        if not all(self._is_allowed(address) for address in addresses):
            raise _refused("address-not-allowed")
        return addresses[0]

    def _is_allowed(self, address: Address) -> bool:
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        for network in self._networks:
            if isinstance(network, str):
                if _is_public(address):
                    return True
            elif address.version == network.version and address in network:
                return True
        return False


def _is_public(address: Address) -> bool:
    """Whether an address is somewhere in the public network. Of IPv6 only what is given out as global unicast is, and an address that carries one of
    IPv4 (6to4, or the prefix of a translator, RFC 6052) leads where that one does: to a network behind us as well.
    """
    if isinstance(address, ipaddress.IPv6Address):
        carried = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _TRANSLATED else address.sixtofour
        if carried is not None:
            return _is_public(carried)
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast


def _literal(host: str) -> Address | None:
    """The address that a host literally is. Also the short, octal and hexadecimal spellings that resolvers accept count as literal."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except OSError:
        return None


def _refused(reason: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "OUTBOUND_REFUSED", reason=reason)


def _failed(reason: str) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, FAILED, reason=reason)
