"""The region's collector of licences over HTTP: reports of licences and licence types. Off unless ``[collector] url`` is set.

The collection interface is not public (GB/T 36906 leaves it out on purpose). Paths and names of members are settings, what a record says is
the field map's; the exchange is that of ``yinxin/signed_exchange.py``. Where a collector speaks another protocol, a gateway translates.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.ports import RangeRoots
from licence_vault.report_errors import report_refused
from licence_vault.reporting.field_map import default_map, read_field_map
from licence_vault.reporting.limits import CODE_CHARACTERS, FIELD_MAP_BYTES
from standards.errors import Kind, TrustError
from yinxin.signed_exchange import SignedExchange, open_outbound, read_names, read_platform_key, region_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crypto.signer import Signer
    from licence_vault.ports import LogRange, OutgoingReport
    from licence_vault.reported import ReportTree
    from licence_vault.reporting.field_map import FieldMap
    from service_kit.clock import Clock
    from service_kit.settings import Collector

NAMES: Final = (
    "account",
    "key",
    "kind",
    "log_index",
    "number",
    "erases",
    "tree",
    "digest",
    "is_replacing",
    "record",
    "outcome",
    "receipt",
    "reason",
    "size",
    "ranges",
    "roots",
)
"""Members of requests and answers as they are called here; ``[collector] names`` calls them otherwise."""
STORED: Final = "stored"
REFUSED: Final = "refused"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass
class RegionalCollectorClient:
    """One collector. See ``licence_vault.ports.RegionalCollector``."""

    settings: Collector
    exchange: SignedExchange
    fields: FieldMap

    def report(self, report: OutgoingReport) -> str:
        """Hand a report over; the receipt. The same key again is the same request."""
        digest = report.digest.hex()
        paths = {"licence": self.settings.record_path, "type": self.settings.type_path, "erasure": self.settings.erasure_path}
        answer = self.exchange.ask(
            paths[report.kind],
            f"report-{report.key}-{digest[:16]}",
            {
                "account": self.settings.account,
                "key": report.key,
                "kind": report.kind,
                "log_index": report.log_index,
                "number": report.number,
                "erases": report.erases or None,
                "digest": digest,
                "is_replacing": report.is_replacing,
                "record": json.loads(report.content),
            },
        )
        self.exchange.check_about(answer, {"key": report.key, "digest": digest})
        outcome, receipt = (answer.get(self.exchange.name(ours)) for ours in ("outcome", "receipt"))
        if outcome == REFUSED:
            raise report_refused(str(answer.get(self.exchange.name("reason"), ""))[:CODE_CHARACTERS])
        if outcome != STORED or not isinstance(receipt, str):
            raise region_untrusted("outcome")
        return receipt

    def compare(self, tree: ReportTree, size: int, ranges: Sequence[LogRange]) -> Sequence[RangeRoots]:
        """The roots over ranges of a tree. Each question has an id of its own: what was right an hour ago is no answer."""
        asked = [[each.level, each.index] for each in ranges]
        told = {"account": self.settings.account, "tree": tree.value, "size": size, "ranges": asked}
        answer = self.exchange.ask(self.settings.range_path, f"ranges-{secrets.token_hex(16)}", told)
        self.exchange.check_about(answer, {"tree": tree.value, "size": size})
        roots = answer.get(self.exchange.name("roots"))
        if answer.get(self.exchange.name("ranges")) != asked or not isinstance(roots, list) or len(roots) != len(asked):
            raise region_untrusted("ranges")
        return [_roots(each) for each in roots]


def _roots(value: object) -> RangeRoots:
    """Three digests: of the range, of its left half, of its right half."""
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in value):
        raise region_untrusted("roots")
    root, left, right = (bytes.fromhex(each) for each in value)
    return RangeRoots(root, left, right)


def open_collector(settings: Collector, folder: Path, signer: Signer, clock: Clock) -> RegionalCollectorClient | None:
    """The collector that the settings name; None where they name none. SETTING_INVALID, LICENCE_FIELD_MAP_MALFORMED."""
    if settings.url is None:
        return None
    exchange = SignedExchange(
        url=settings.url,
        outbound=open_outbound("collector", settings.url, settings.networks, settings.timeout_seconds),
        names=read_names(settings.names, "collector.names", NAMES),
        platform_spki_der=read_platform_key(folder / settings.platform_key, "collector"),
        signer=signer,
        clock=clock,
        clock_skew_seconds=settings.clock_skew_seconds,
    )
    return RegionalCollectorClient(settings, exchange, _field_map(settings, folder))


def _field_map(settings: Collector, folder: Path) -> FieldMap:
    if not settings.field_map:
        return default_map()
    try:
        with (folder / settings.field_map).open("rb") as file:
            return read_field_map(file.read(FIELD_MAP_BYTES + 1))
    except OSError as error:
        raise TrustError(
            Kind.UNACCEPTABLE, "SETTING_INVALID", name="collector.field_map", expected="a file in the folder", found=type(error).__name__
        ) from error
