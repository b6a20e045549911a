"""What devices and their descriptions refuse. No text or number of a PIN ever enters a fact."""

from __future__ import annotations

from standards.errors import Kind, TrustError

PIN_REFUSED = "DEVICE_PIN_REFUSED"


def device_failed(device: str, call: str, code: int) -> TrustError:
    """A call into the vendor's library did not succeed. ``code`` is the library's own."""
    return TrustError(Kind.UNAVAILABLE, "DEVICE_FAILED", device=device, call=call, device_code=f"0x{code & 0xFFFFFFFF:08X}")


def pin_refused(device: str, code: int) -> TrustError:
    """The device did not take the PIN. It is not tried again: most devices lock after a few."""
    return TrustError(Kind.UNAVAILABLE, PIN_REFUSED, device=device, device_code=f"0x{code & 0xFFFFFFFF:08X}")


def pin_missing(device: str, source: str) -> TrustError:
    """The place the PIN should come from is empty or not there."""
    return TrustError(Kind.UNAVAILABLE, "DEVICE_PIN_MISSING", device=device, source=source)


def library_unusable(device: str, reason: str) -> TrustError:
    """The vendor's library cannot be loaded, or has not the functions of its standard."""
    return TrustError(Kind.UNAVAILABLE, "DEVICE_LIBRARY_UNUSABLE", device=device, reason=reason)


def key_unknown(device: str, key_id: str, reason: str) -> TrustError:
    """The device has no such key, or more than one."""
    return TrustError(Kind.NOT_FOUND, "DEVICE_KEY_UNKNOWN", device=device, key_id=key_id, reason=reason)


def answer_unusable(device: str, what: str) -> TrustError:
    """The device answered something that is no such value."""
    return TrustError(Kind.UNAVAILABLE, "DEVICE_ANSWER_UNUSABLE", device=device, what=what)


def description_bad(where: str, rule: str) -> TrustError:
    """The file that describes devices and keys breaks a rule. ``where`` names the entry, never a value."""
    return TrustError(Kind.UNACCEPTABLE, "DEVICE_DESCRIPTION_BAD", where=where, rule=rule)


class SessionLostError(Exception):
    """The session is gone (the device was restarted, the card drawn, somebody logged out); ``cause`` is raised where it stays so."""

    def __init__(self, cause: TrustError) -> None:
        super().__init__(cause.code)
        self.cause = cause
