"""The one error type of the house.

An error says what happened with a stable code and machine-readable facts; what that means for HTTP, for an exit status or for a
reader's language is decided once, at the edge, by kind and code.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What sort of failure it is. The edge maps each kind to one HTTP status."""

    MALFORMED = "malformed"  # the input cannot be read at all
    UNAUTHENTICATED = "unauthenticated"  # nobody, or not proven who
    FORBIDDEN = "forbidden"  # known, but not allowed
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # does not fit the present state
    CHANGED = "changed"  # not the version any more that the caller goes by
    UNCONDITIONAL = "unconditional"  # the caller must say which version it goes by
    TOO_LARGE = "too_large"  # over a named limit
    UNACCEPTABLE = "unacceptable"  # readable, but against a rule
    TOO_MANY = "too_many"  # over a rate or queue limit, try later
    UNAVAILABLE = "unavailable"  # something that is needed is not there now, try later


class TrustError(Exception):
    """A failure the caller can act on.

    ``code`` is stable, upper case with underscores, and has an entry in the error catalogue. ``facts`` are small JSON-compatible
    values that name what was found and what was expected; never secrets, never private keys, never document contents.
    ``violations``: of input that breaks several rules, place and rule of each; empty where the facts name the only one.
    """

    violations: tuple[tuple[str, str], ...] = ()

    def __init__(self, kind: Kind, code: str, **facts: str | int | float | bool | None) -> None:
        self.kind = kind
        self.code = code
        self.facts = facts
        super().__init__(code + (": " + ", ".join(f"{k}={v!r}" for k, v in facts.items()) if facts else ""))


class MalformedError(TrustError):
    """The bytes do not follow their standard. Raised by every reader of ``standards``."""

    def __init__(self, code: str, **facts: str | int | float | bool | None) -> None:
        super().__init__(Kind.MALFORMED, code, **facts)
