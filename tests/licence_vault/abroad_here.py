"""Another region whose licences are real ones of a vault of the tests, and an office elsewhere that asks for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from crypto.signer import software_signer
from crypto.trust_list import TrustList, write_trust_list
from licence_vault.actions.find_licences import read_licence_file
from licence_vault.actions.own_trust import own_trust
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.actions.query_foreign_licence import ExchangeDesk, ForeignLicence, query_foreign_licence, sweep_foreign
from licence_vault.ports import ForeignQuery
from licence_vault.reporting import limits
from licence_vault.uses import UseMode
from service_kit.settings import Exchange
from standards.errors import TrustError
from tests.licence_vault.issuing_here import PERSON, IssuingHere, caller
from tests.licence_vault.reporting_here import OUR_KEY, DirectWay
from yinxin.region_simulator import Knobs, RegionSimulator
from yinxin.regional_exchange import ANSWER_BYTES, RegionalExchangeClient
from yinxin.signed_exchange import SignedExchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from licence_vault.register import LicenceRecord

REGION = "440300"
OFFICE, OTHER_OFFICE = caller("cl_office"), caller("cl_other")


@dataclass
class Abroad:
    """Another region whose licences are real ones of this vault; the desk is that of an office elsewhere."""

    here: IssuingHere
    simulator: RegionSimulator
    way: DirectWay
    desk: ExchangeDesk
    folder: Path
    record: LicenceRecord

    def share(self, record: LicenceRecord, document: bytes | None = None) -> None:
        """Let that region give it out, with its newest status lists."""
        context = self.here.vault.context
        publish_status_lists(context)
        self.here.take_in()
        if document is None:
            document = read_licence_file(context, self.here.means.contents, self.here.clerk, record.id, "pdf")
        self.simulator.shared[record.identifier] = (document, own_trust(context).status_tokens)

    def ask(self, who: Any = OFFICE, **changes: Any) -> ForeignLicence:
        wanted = ForeignQuery(REGION, self.record.identifier, PERSON.name, PERSON.code, UseMode.BY_DUTY, "", "跨省通办", "cl_office")
        return query_foreign_licence(self.desk, who, replace(wanted, **changes))

    def asked(self) -> int:
        return len(self.simulator.requests)

    def later(self, seconds: float) -> None:
        self.here.vault.clock.advance(seconds)


@contextmanager
def abroad_in(folder: Path, **settings: str) -> Iterator[Abroad]:
    """Both of them, in a new folder."""
    with IssuingHere.made(folder / "d", **settings) as here:
        clock = here.vault.clock
        simulator = RegionSimulator(deployment_spki_der=OUR_KEY.public_key.spki_der, now=lambda: clock.now().timestamp())
        way = DirectWay(simulator)
        wanted = Exchange(url="http://exchange.example/region", account="150700-01")
        exchange = SignedExchange(
            url="http://exchange.example/region",
            platform_spki_der=simulator.key.public_key.spki_der,
            signer=software_signer(OUR_KEY, "webhooks"),
            clock=clock,
            outbound=way,  # type: ignore[arg-type]
            clock_skew_seconds=300,
            answer_bytes=ANSWER_BYTES,
        )
        trust_folder = folder / "regions"
        trust_folder.mkdir()
        client = RegionalExchangeClient(wanted, exchange, trust_folder)
        assert here.means.seals is not None
        desk = ExchangeDesk(here.vault.context, here.means.contents, client, here.means.seals.judge)
        record = here.issue()
        abroad = Abroad(here, simulator, way, desk, trust_folder, record)
        trust = replace(own_trust(here.vault.context), status_tokens=())
        (trust_folder / f"{REGION}.json").write_bytes(write_trust_list(trust))
        (trust_folder / "440400.json").write_bytes(write_trust_list(TrustList.empty()))
        yield abroad


def as_new(shared: Abroad) -> Abroad:
    """Nothing is kept, that region is there and honest, has nothing of other tests, and its newest list is at hand."""
    shared.simulator.knobs, shared.way.is_down = Knobs(), False
    shared.later(2 * limits.FOREIGN_KEPT_SECONDS)
    sweep_foreign(shared.desk)
    shared.record = shared.here.issue()
    shared.simulator.shared.clear()
    shared.share(shared.record)
    shared.simulator.requests.clear()
    return shared


def refusal(act: Callable[[], object]) -> tuple[str, object]:
    with pytest.raises(TrustError) as refused:
        act()
    facts = refused.value.facts
    return refused.value.code, facts.get("rule", facts.get("reason", facts.get("field")))
