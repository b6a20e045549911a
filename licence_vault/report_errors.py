"""The refusals of what concerns other regions: reports to ours, and licences of others. One function per refusal, so that code, kind and facts are stated once."""

from __future__ import annotations

from typing import Final

from standards.errors import Kind, MalformedError, TrustError

REFUSED: Final = "LICENCE_REPORT_REFUSED"
UNTRUSTED: Final = "REGION_ANSWER_UNTRUSTED"


def field_map_malformed(place: str, rule: str) -> MalformedError:
    """A field map breaks a rule. ``place``: where in the JSON; ``rule`` names the rule, never the value."""
    return MalformedError("LICENCE_FIELD_MAP_MALFORMED", place=place, rule=rule)


def report_refused(reason: str) -> TrustError:
    """The region read the report and does not take it. ``reason``: its own code."""
    return TrustError(Kind.CONFLICT, REFUSED, reason=reason)


def answer_untrusted(rule: str) -> TrustError:
    """What came back is no answer of the region's to what was asked."""
    return TrustError(Kind.UNAVAILABLE, UNTRUSTED, rule=rule)


def report_not_found(number: int) -> TrustError:
    """There is no such report."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_REPORT_NOT_FOUND", report=number)


def report_state_conflict(number: int, state: str) -> TrustError:
    """Only a report that did not reach the region is sent again by hand."""
    return TrustError(Kind.CONFLICT, "LICENCE_REPORT_STATE_CONFLICT", report=number, state=state)


def collector_missing() -> TrustError:
    """The settings name no collector of the region."""
    return TrustError(Kind.CONFLICT, "LICENCE_COLLECTOR_MISSING")


def exchange_missing() -> TrustError:
    """The settings name no exchange by which other regions could be asked."""
    return TrustError(Kind.CONFLICT, "LICENCE_EXCHANGE_MISSING")


def foreign_region_unknown(region: str) -> TrustError:
    """There is no trust list of that region here: what it says could not be verified."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_REGION_UNKNOWN", region=region)


def foreign_not_found(region: str) -> TrustError:
    """That region has no licence of this number and holder."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_FOREIGN_NOT_FOUND", region=region)


def foreign_refused(reason: str) -> TrustError:
    """That region does not give it out. ``reason``: its own code."""
    return TrustError(Kind.FORBIDDEN, "LICENCE_FOREIGN_REFUSED", reason=reason)
