"""The region's collector: an answer counts only if it is the collector's, to this report, of now; nothing is called unless it is set."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm3 import sm3
from licence_vault.model import write_canonical
from licence_vault.ports import COLLECTOR, FIELD_MAP, FOREIGN, LogRange, OutgoingReport
from licence_vault.reported import ReportTree
from licence_vault.reporting.field_map import default_map
from licence_vault.store import reports
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from standards.rfc7468_pem import write_pem
from tests.clocks import FixedClock
from tests.deployments import make_deployment, yinxin
from tests.licence_vault.reporting_here import OUR_KEY, DirectWay, client_of
from tests.yinxin.sealed_licences import OFFICE as LICENCE_OFFICE
from tests.yinxin.sealed_licences import drawn_pdf, seal_as_pdf
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.region_simulator import Kept, Knobs, RegionSimulator, number_of, open_simulator, served_simulator
from yinxin.regional_collector import RegionalCollectorClient
from yinxin.regional_exchange import RegionalExchangeClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
CONTENT = write_canonical({"certificate_identifier": "1.2", "status": "02"})


def report(content: bytes = CONTENT, **changes: Any) -> OutgoingReport:
    return replace(OutgoingReport("1.2:001:suspended:3", "licence", content, sm3(content), 7, is_replacing=False), **changes)


@dataclass
class Region:
    """A simulator and a client of it."""

    simulator: RegionSimulator
    client: RegionalCollectorClient


@pytest.fixture
def region() -> Region:
    simulator = RegionSimulator(deployment_spki_der=OUR_KEY.public_key.spki_der, now=AT.timestamp)
    return Region(simulator, client_of(DirectWay(simulator), simulator, FixedClock(AT)))


def refusal(act: Callable[[], object]) -> tuple[str, object]:
    with pytest.raises(TrustError) as refused:
        act()
    return refused.value.code, refused.value.facts.get("rule", refused.value.facts.get("reason"))


def test_the_same_report_has_the_same_receipt_however_often_it_is_told(region: Region) -> None:
    receipts = {region.client.report(report()) for _ in range(3)}
    assert receipts == {"SIM-000001"}
    assert len(region.simulator.kept) == 1
    path, message_id, told = region.simulator.requests[0]
    assert path == "/region/records"
    assert message_id == f"report-1.2:001:suspended:3-{sm3(CONTENT).hex()[:16]}"
    assert (told["account"], told["log_index"], told["record"]) == ("150700-01", 7, json.loads(CONTENT))
    region.client.report(report(kind="type", key="T:1:published", log_index=None))
    path, _, told = region.simulator.requests[-1]
    assert (path, "log_index" in told) == ("/region/types", False)


@pytest.mark.parametrize("wrong", ["is_dropping", "is_altering", "is_forgetting_to_answer"])
def test_one_report_among_many_is_done_wrong_to(region: Region, wrong: str) -> None:
    region.simulator.knobs = Knobs(only=2)
    setattr(region.simulator.knobs, wrong, True)
    for number in range(3):
        tell = partial(region.client.report, report(key=f"K{number}", log_index=number))
        if number == 1 and wrong == "is_forgetting_to_answer":
            assert refusal(tell)[0] == "REGION_UNAVAILABLE"
        else:
            assert tell().startswith("SIM-")
    kept = {key: each.digest == sm3(CONTENT).hex() for key, each in region.simulator.kept.items()}
    second = {"is_dropping": {}, "is_altering": {"K1": False}, "is_forgetting_to_answer": {"K1": True}}[wrong]
    assert kept == {"K0": True, **second, "K2": True}


def test_another_content_under_the_same_key_must_say_that_it_replaces(region: Region) -> None:
    other = write_canonical({"certificate_identifier": "1.2", "status": "01"})
    region.client.report(report())
    assert refusal(lambda: region.client.report(report(other))) == ("LICENCE_REPORT_REFUSED", "conflict")
    assert region.client.report(report(other, is_replacing=True)) == "SIM-000001"
    assert region.simulator.kept["1.2:001:suspended:3"].record["status"] == "01"


@pytest.mark.parametrize(
    ("wrong", "code", "rule"),
    [
        ({"status": 503}, "REGION_UNAVAILABLE", "status 503"),
        ({"status": 302}, "REGION_UNAVAILABLE", "status 302"),
        ({"is_forgetting_to_answer": True}, "REGION_UNAVAILABLE", "status 500"),
        ({"body": b"x" * 70_000}, "REGION_UNAVAILABLE", "answer-too-large"),
        ({"is_signed_by_another": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_signature_missing": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_body_changed_after_signing": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_about_another": True}, "REGION_ANSWER_UNTRUSTED", "key"),
        ({"skew_seconds": 301}, "REGION_ANSWER_UNTRUSTED", "timestamp"),
        ({"body": b"[" * 60_000}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"\xff"}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"[]"}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"{}"}, "REGION_ANSWER_UNTRUSTED", "key"),
        ({"refuses_with": "E-17"}, "LICENCE_REPORT_REFUSED", "E-17"),
    ],
)
def test_a_wrong_answer_is_no_receipt(region: Region, wrong: dict[str, Any], code: str, rule: str) -> None:
    region.simulator.knobs = Knobs(**wrong)
    assert refusal(lambda: region.client.report(report())) == (code, rule)


@pytest.mark.parametrize("answer", [{"outcome": "perhaps", "receipt": "1"}, {"outcome": "stored"}, {"outcome": "stored", "receipt": 1}])
def test_an_outcome_that_nobody_knows_is_none(region: Region, answer: dict[str, Any]) -> None:
    about = {"key": report().key, "digest": report().digest.hex()}
    region.simulator.knobs = Knobs(body=json.dumps(about | answer).encode())
    assert refusal(lambda: region.client.report(report())) == ("REGION_ANSWER_UNTRUSTED", "outcome")


def test_the_simulator_takes_nothing_of_strangers_and_nothing_that_is_no_report(region: Region) -> None:
    region.simulator.deployment_spki_der = region.simulator.key.public_key.spki_der
    assert refusal(lambda: region.client.report(report())) == ("REGION_UNAVAILABLE", "status 401")
    assert region.simulator.answer("/records", {"yinxin-signature": "no base64!"}, b"{}")[0] == 401
    region.simulator.deployment_spki_der = None
    assert region.simulator.answer("/records", {}, b"{")[0] == 400
    wrong = OutgoingReport("k", "licence", CONTENT, bytes(32), None, is_replacing=False)
    assert refusal(lambda: region.client.report(wrong)) == ("LICENCE_REPORT_REFUSED", "digest")


def test_over_http_and_only_within_the_networks_that_are_allowed(region: Region, tmp_path: Path) -> None:
    with served_simulator(region.simulator) as simulator:
        client = client_of(Outbound(read_networks(("127.0.0.0/8",))), simulator, FixedClock(AT))
        client.exchange.url = simulator.url
        assert client.report(report()) == "SIM-000001"
        simulator.knobs = Knobs(drip_seconds=0.02)
        client.exchange.outbound = Outbound(read_networks(("127.0.0.0/8",)), timeout_seconds=0.05)
        assert refusal(lambda: client.report(report())) == ("REGION_UNAVAILABLE", "too-slow")
        client.exchange.outbound = Outbound(())
        assert refusal(lambda: client.report(report())) == ("REGION_UNAVAILABLE", "address-not-allowed")

    folder = make_deployment(tmp_path / "deployment")
    settings = folder / "settings.toml"
    plain = settings.read_text(encoding="utf-8")

    def opened(lines: str) -> object:
        settings.write_text(f"{plain}\n[collector]\n{lines}\n", encoding="utf-8")
        house = open_house(open_deployment(folder))
        try:
            return house.context.links.get(COLLECTOR), house.context.links.get(FIELD_MAP)
        finally:
            house.close()

    assert opened("") == (None, None)
    url = f'url = "{simulator.url}"\n'
    networks = 'networks = ["127.0.0.0/8"]\n'
    assert refusal(lambda: opened(url))[0] == "SETTING_INVALID"
    assert refusal(lambda: opened(url + networks))[0] == "SETTING_INVALID"  # without the collector's key
    (folder / "collector.pem").write_bytes(write_pem("PUBLIC KEY", simulator.key.public_key.spki_der))
    assert refusal(lambda: opened(url + networks + 'field_map = "map.json"'))[0] == "SETTING_INVALID"
    (folder / "map.json").write_text("{}", encoding="utf-8")
    assert refusal(lambda: opened(url + networks + 'field_map = "map.json"'))[0] == "LICENCE_FIELD_MAP_MALFORMED"
    assert refusal(lambda: opened(url + networks + 'names = ["key=digest"]'))[0] == "SETTING_INVALID"
    found = opened(url + networks)
    assert isinstance(found, tuple)
    assert isinstance(found[0], RegionalCollectorClient)
    assert found[1] == default_map()

    settings.write_text(f"{plain}\n[exchange]\n{url}{networks}", encoding="utf-8")
    assert refusal(lambda: open_house(open_deployment(folder)))[0] == "SETTING_INVALID"  # without the exchange's key
    (folder / "exchange.pem").write_bytes(write_pem("PUBLIC KEY", simulator.key.public_key.spki_der))
    house = open_house(open_deployment(folder))
    exchange = house.context.links[FOREIGN]
    house.close()
    assert COLLECTOR not in house.context.links
    assert isinstance(exchange, RegionalExchangeClient)
    assert exchange.trust_of("440300") is None


def test_roots_over_ranges_are_the_regions_and_to_this_question(region: Region) -> None:
    region.client.report(report())
    [found] = region.client.compare(ReportTree.LOG, 8, [LogRange(3, 0)])
    place = sm3(b"\x00" + report().key.encode() + b"\x00" + report().digest)
    empty = sm3(b"\x00")
    pair = sm3(b"\x01" + empty + empty)
    right = sm3(b"\x01" + pair + sm3(b"\x01" + empty + place))
    assert (found.left, found.right) == (sm3(b"\x01" + pair + pair), right)
    assert found.root == sm3(b"\x01" + found.left + found.right)
    assert region.client.compare(ReportTree.LOG, 7, [LogRange(3, 0)])[0].right == found.left  # what came later is left out
    ids = [message_id for path, message_id, _ in region.simulator.requests if path == "/region/ranges"]
    assert len(set(ids)) == len(ids) == 2


@pytest.mark.parametrize("lie", ["size", "ranges", "roots"])
def test_roots_that_answer_something_else_are_none(region: Region, lie: str) -> None:
    region.simulator.knobs = Knobs(lies_about=lie)
    assert refusal(lambda: region.client.compare(ReportTree.LOG, 8, [LogRange(3, 0)])) == ("REGION_ANSWER_UNTRUSTED", lie)


def test_the_region_of_a_demonstration_at_the_terminal(tmp_path: Path) -> None:
    """Reported, lost by the region, found by the operator, told again."""
    folder = make_deployment(tmp_path / "deployment", demo=True)
    assert (
        json.loads(yinxin("licence", "reconcile", "--dir", str(folder), "--json", check=False).stdout)["error"]["code"]
        == "LICENCE_COLLECTOR_MISSING"
    )
    assert refusal(lambda: open_simulator(folder, ["strange"]))[0] == "FIELD_UNACCEPTABLE"
    with served_simulator(open_simulator(folder)) as simulator:
        settings = folder / "settings.toml"
        lines = f'\n[collector]\nurl = "{simulator.url}"\nnetworks = ["127.0.0.0/8"]\n'
        settings.write_text(settings.read_text(encoding="utf-8") + lines, encoding="utf-8")
        house = open_house(open_deployment(folder))
        try:
            at = house.context.clock.now()
            place = {"first": 0, "end": 2}

            def enter(conn: Connection) -> None:
                for index in range(place["end"]):
                    reports.insert_type_report(conn, f"T{index}", 1, "published", at)
                    values = f"kind = 'licence', log_index = {index}, state = 'sent', digest = x'{'ab' * 32}'"
                    conn.exec_driver_sql(f"UPDATE licence_reports SET {values} WHERE subject = 'T{index}'")
                reports.write_followed(conn, place["end"])

            house.context.database.write(enter)
        finally:
            house.close()
        simulator.kept["T0:1:published"] = Kept("licence", 0, "ab" * 32, {}, "x")
        told = yinxin("licence", "reconcile", "--dir", str(folder), check=False)
        assert (told.returncode, "missing" in told.stdout, "sent" in told.stdout) == (1, True, True)
        repaired = json.loads(yinxin("licence", "reconcile", "--dir", str(folder), "--repair", "--json", check=False).stdout)
        assert [(each["log_index"], each["kind"]) for each in repaired["findings"]] == [(1, "missing")]
        assert (repaired["repaired"], repaired["requests"]) == (1, 2)
        told = yinxin("licence", "reconcile", "--dir", str(folder))  # on its way: nothing there, and nothing acknowledged
        assert "2" in told.stdout
        assert "Not told yet: 1 reports wait, 0 were given up." in told.stdout
    (folder / "collector.pem").write_bytes(write_pem("PUBLIC KEY", OUR_KEY.public_key.spki_der))
    assert refusal(lambda: open_simulator(folder))[0] == "FIELD_UNACCEPTABLE"


def test_the_simulator_is_for_demonstrations_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_deployment(tmp_path / "deployment")
    refused = yinxin("licence", "simulate-region", "--dir", str(folder), check=False)
    assert (refused.returncode, "a demonstration" in refused.stderr) == (64, True)
    assert not (folder / "collector.pem").exists()

    def stopped() -> None:
        raise KeyboardInterrupt

    demo = make_deployment(tmp_path / "demo", demo=True)
    monkeypatch.setattr("yinxin.commands.reconcile_command.wait_until_stopped", stopped)
    shown = yinxin("licence", "simulate-region", "--dir", str(demo), "--port", "0", "--wrong", "drop", "--only", "3")
    assert "[collector]" in shown.stdout
    assert "[exchange]" not in shown.stdout
    assert not (demo / "exchange.pem").exists()


def test_the_simulator_shares_what_lies_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is at each question: a list that is put there later counts."""
    demo, shares = make_deployment(tmp_path / "demo", demo=True), tmp_path / "shared"

    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("yinxin.commands.reconcile_command.wait_until_stopped", stopped)
    started = partial(yinxin, "licence", "simulate-region", "--dir", str(demo), "--port", "0", "--shares", str(shares), check=False)
    assert "a folder with licences" in started().stderr
    shares.mkdir()
    (shares / "other.pdf").write_bytes(b"%PDF-1.7")
    assert started().returncode == 64
    sealed = seal_as_pdf(drawn_pdf(), LICENCE_OFFICE)
    (shares / "licence.pdf").write_bytes(sealed)
    shown = started()
    assert (shown.returncode, "[exchange]" in shown.stdout, (demo / "exchange.pem").exists()) == (0, True, True)

    simulator = open_simulator(demo, shares=shares)
    simulator.deployment_spki_der = None
    number = number_of(sealed)
    assert number is not None
    assert number_of(b"%PDF-1.7") is None

    def ask(identifier: str) -> dict[str, Any]:
        body = json.dumps({"region": "440300", "identifier": identifier}).encode()
        return dict(json.loads(simulator.answer("/region/queries", {}, body)[2]))

    found = ask(number)
    assert (found["outcome"], base64.b64decode(found["file"]), found["status"]) == ("found", sealed, [])
    (shares / "status.jwt").write_bytes(b"a.b.c")
    assert ask(number)["status"] == [base64.b64encode(b"a.b.c").decode()]
    assert ask("1.2.156.3005.2.none")["outcome"] == "none"

    # What is done wrong with reports alone, as its help says
    body = json.dumps({"region": "440300", "identifier": number}).encode()
    for wrong, status in (("drop", 200), ("alter", 200), ("forget", 500)):
        simulator.knobs = open_simulator(demo, [wrong], shares=shares).knobs
        answered = simulator.answer("/region/queries", {}, body)
        assert (answered[0], sealed == base64.b64decode(json.loads(answered[2] or b"{}").get("file", ""))) == (status, status == 200)
