"""A vault that reports to a simulated region, in this process: no socket, turns taken by hand, time stands still."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from licence_vault.actions.follow_log import follow_log
from licence_vault.actions.report_desk import ReportDesk
from licence_vault.actions.send_reports import send_reports
from licence_vault.reporting.field_map import default_map
from licence_vault.store import reports
from service_kit.bounded_calls import Answer
from service_kit.settings import Collector
from standards.errors import Kind, TrustError
from yinxin.region_simulator import Knobs, RegionSimulator
from yinxin.regional_collector import RegionalCollectorClient
from yinxin.signed_exchange import SignedExchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from licence_vault.reported import Report
    from service_kit.clock import Clock
    from tests.licence_vault.issuing_here import IssuingHere

OUR_KEY = SM2PrivateKey.generate()


@dataclass
class DirectWay:
    """Calls a simulator without a network. ``is_down``: it is away."""

    simulator: RegionSimulator
    is_down: bool = False

    def call(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes, answer_bytes: int) -> Answer:
        assert method == "POST"
        if self.is_down:
            raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="ConnectError")
        status, given, body = self.simulator.answer("/" + url.split("/", 3)[3], dict(headers), content)
        if len(body) > answer_bytes:
            raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="answer-too-large")
        return Answer(status, given, body)


def client_of(way: Any, simulator: RegionSimulator, clock: Clock, **settings: Any) -> RegionalCollectorClient:
    """A collector's client that takes this way."""
    wanted = Collector(url="http://region.example/region", account="150700-01", **settings)
    exchange = SignedExchange(
        url=wanted.url or "",
        platform_spki_der=simulator.key.public_key.spki_der,
        signer=software_signer(OUR_KEY, "webhooks"),
        clock=clock,
        outbound=way,
        clock_skew_seconds=wanted.clock_skew_seconds,
    )
    return RegionalCollectorClient(wanted, exchange, default_map())


@dataclass
class ReportingHere:
    """The vault, the region, and the way between them."""

    here: IssuingHere
    simulator: RegionSimulator = field(init=False)
    way: DirectWay = field(init=False)
    desk: ReportDesk = field(init=False)

    def __post_init__(self) -> None:
        clock = self.here.vault.clock
        self.simulator = RegionSimulator(deployment_spki_der=OUR_KEY.public_key.spki_der, now=lambda: clock.now().timestamp())
        self.way = DirectWay(self.simulator)
        collector = client_of(self.way, self.simulator, clock)
        self.desk = ReportDesk(self.here.vault.context, self.here.means.contents, collector, collector.fields)

    def settle(self) -> None:
        """An honest region that is there, and everything told."""
        self.simulator.knobs, self.way.is_down = Knobs(), False
        self.desk.note_answer()
        self.turn()

    def turn(self) -> dict[str, int]:
        """The log takes in what waits, and one run of the job, in which everything is due."""
        self.here.take_in()
        follow_log(self.desk)
        self.here.vault.clock.advance(1000)
        return send_reports(self.desk)

    def reports_of(self, licence_id: str) -> list[Report]:
        with self.here.vault.context.database.read() as conn:
            return [each for each in reports.list_reports(conn, state=None, after=0, limit=10_000) if each.licence_id == licence_id]

    def kept_of(self, licence_id: str) -> list[dict[str, Any]]:
        """What the region has of a licence, in the order in which it was told."""
        keys = [each.key for each in self.reports_of(licence_id)]
        return [self.simulator.kept[key].record for key in keys if key in self.simulator.kept]

    def asked(self, licence_id: str) -> list[str]:
        """Keys of the requests about a licence, in their order."""
        keys = {each.key for each in self.reports_of(licence_id)}
        return [str(body["key"]) for _, _, body in self.simulator.requests if body.get("key") in keys]


def plain(value: object) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value))
