"""The shape of a report that scripts rely on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from crypto.report import Report, SignatureReport, Verdict, not_checked
from crypto.report_json import write_report, write_time


def test_members_and_their_values() -> None:
    step = not_checked("CERT_NO_ANCHOR", "RFC 5280 6.1", reason="issuer-unknown")
    signed_at = datetime(2026, 6, 1, 20, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    signature = SignatureReport("Seal1", "pdf", Verdict.INDETERMINATE, True, True, None, "CN=x", signed_at, (step,))
    written = write_report("a.pdf", Report(Verdict.INDETERMINATE, False, (signature,)), "en")
    [one] = written.pop("signatures")
    assert written == {"file": "a.pdf", "verdict": "indeterminate", "tampered": False}
    [told] = one.pop("steps")
    assert one == {
        "name": "Seal1",
        "kind": "pdf",
        "verdict": "indeterminate",
        "cryptographically_valid": True,
        "document_intact": True,
        "trusted": None,
        "signer": "CN=x",
        "signed_at": "2026-06-01T12:30:00Z",
    }
    assert told.pop("detail")
    assert told == {"code": "CERT_NO_ANCHOR", "outcome": "not-checked", "clause": "RFC 5280 6.1"}


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    assert write_time(None) is None
    assert write_time(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
    assert write_time(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8)))) == "2025-12-31T16:00:00Z"
