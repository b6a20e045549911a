"""The region's platform: seals are filed and states told by signed requests; an answer counts only if it is the platform's, to this request, of now."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service.actions.change_seal_state import STATE_TOPIC
from seal_service.actions.file_seal import file_seal, tell_state
from seal_service.actions.find_seals import find_seal
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.record_making import FILING_TOPIC
from seal_service.model import SealState
from seal_service.ports import REGIONAL_PLATFORM, STATE_LISTENERS, StateChange
from service_kit.outbox import Message
from service_kit.settings import Region
from standards.errors import TrustError
from standards.rfc7468_pem import write_pem
from tests.deployments import make_deployment
from tests.fakes.regional_platform import Knobs, RegionalPlatform, regional_platform
from tests.seal_service.house import House, open_house
from tests.seal_service.test_applications import MAKER, MANAGER, approved
from yinxin.assembly import open_house as open_deployed_house
from yinxin.deployment import open_deployment
from yinxin.regional_platform import RegionalPlatformClient, open_region
from yinxin.signed_exchange import read_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from seal_service.model import Seal

OUR_KEY = SM2PrivateKey.generate()


@dataclass
class Setting:
    """One deployment, one platform; a fresh seal for who wants to file it for real."""

    house: House
    platform: RegionalPlatform
    folder: Path
    seal: Seal
    told: list[StateChange] = field(default_factory=list)

    def client(self, **changes: Any) -> RegionalPlatformClient:
        (self.folder / "region.pem").write_bytes(write_pem("PUBLIC KEY", self.platform.key.public_key.spki_der))
        region = replace(Region(url=self.platform.url, networks=("127.0.0.0/8",), account="demo", timeout_seconds=1.0), **changes)
        opened = open_region(region, self.folder, software_signer(OUR_KEY, "webhooks"), self.house.context.clock, tuple(SealState))
        assert opened is not None
        return opened


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("region")
    with open_house(folder) as house, regional_platform() as platform:
        yield Setting(house, platform, folder, make_approved_seal(house.context, MAKER, approved(house).id))


@pytest.fixture
def setting(opened: Setting) -> Setting:
    opened.platform.knobs = Knobs()
    opened.platform.requests.clear()
    return opened


CHANGE = StateChange("sl_1", "15070000000009", "frozen", 7, datetime(2026, 6, 1, tzinfo=UTC))


def refusal(act: Callable[[], object]) -> tuple[str, object]:
    with pytest.raises(TrustError) as refused:
        act()
    return refused.value.code, refused.value.facts.get("rule", refused.value.facts.get("reason"))


def test_a_seal_is_filed_once_however_often_it_is_asked(setting: Setting) -> None:
    client = setting.client()
    receipts = [client.file_seal(setting.seal) for _ in range(2)]
    assert receipts[0] == receipts[1] == setting.platform.filed[f"file-{setting.seal.id}-{setting.seal.version}"]
    (path, message_id, told), again = setting.platform.requests
    assert (path, again) == ("/region/filings", (path, message_id, told))
    assert base64.b64decode(told["seal"]) == setting.seal.seal_data_der
    assert (told["account"], told["code"]) == ("demo", setting.seal.code)
    content, signature = setting.platform.contents[-1]
    assert OUR_KEY.public_key.verify(signature, content)


@pytest.mark.parametrize(
    ("wrong", "code", "rule"),
    [
        ({"status": 503}, "REGION_UNAVAILABLE", "status 503"),
        ({"status": 302}, "REGION_UNAVAILABLE", "status 302"),
        ({"is_signed_by_another": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_signature_missing": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_body_changed_after_signing": True}, "REGION_ANSWER_UNTRUSTED", "signature"),
        ({"is_swapped": True}, "REGION_ANSWER_UNTRUSTED", "code"),
        ({"skew_seconds": 400}, "REGION_ANSWER_UNTRUSTED", "timestamp"),
        ({"skew_seconds": -400}, "REGION_ANSWER_UNTRUSTED", "timestamp"),
        ({"body": b"[]"}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"[" * 60_000}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"\xff"}, "REGION_ANSWER_UNTRUSTED", "body"),
        ({"body": b"x" * 70_000}, "REGION_UNAVAILABLE", "answer-too-large"),
        ({"has_no_receipt": True}, "REGION_ANSWER_UNTRUSTED", "receipt"),
    ],
)
def test_a_wrong_answer_files_nothing(setting: Setting, wrong: dict[str, Any], code: str, rule: str) -> None:
    setting.platform.knobs = Knobs(**wrong)
    client = setting.client()
    assert refusal(lambda: client.file_seal(setting.seal)) == (code, rule)


def test_a_replayed_answer_is_none(setting: Setting) -> None:
    client = setting.client()
    setting.platform.knobs, setting.platform.first_answer = Knobs(), None  # the first of this test, and a sound one
    client.file_seal(setting.seal)
    setting.platform.knobs = Knobs(is_replayed=True)
    assert refusal(lambda: client.file_seal(replace(setting.seal, version=99))) == ("REGION_ANSWER_UNTRUSTED", "id")
    assert refusal(lambda: client.tell_state(CHANGE)) == ("REGION_ANSWER_UNTRUSTED", "id")


def test_a_small_difference_of_clocks_is_borne(setting: Setting) -> None:
    setting.platform.knobs = Knobs(skew_seconds=200)
    assert setting.client().file_seal(setting.seal).startswith("NM-2026-")


def test_a_slow_platform_is_left_alone_for_a_while(setting: Setting) -> None:
    setting.platform.knobs = Knobs(drip_seconds=0.05)
    client = setting.client(timeout_seconds=0.2)
    assert refusal(lambda: client.file_seal(setting.seal)) == ("REGION_UNAVAILABLE", "too-slow")
    assert refusal(lambda: client.tell_state(CHANGE)) == ("REGION_UNAVAILABLE", "resting")
    assert len(setting.platform.requests) == 1


def test_states_are_told_in_the_words_of_the_platform(setting: Setting) -> None:
    client = setting.client(names=("code=yzbm", "account=zh"), states=("frozen=2", "cancelled=3"), state_path="/zt")
    client.tell_state(CHANGE)
    client.tell_state(replace(CHANGE, state="made"))  # the platform has no word for it
    [(path, message_id, told)] = setting.platform.requests
    assert (path, message_id) == ("/region/zt", "state-sl_1-7")
    assert (told["yzbm"], told["state"], told["version"], told["zh"], "code" in told) == ("15070000000009", "2", 7, "demo", False)


def test_filing_through_the_outbox_takes_each_state_as_it_was_and_no_receipt_twice(setting: Setting) -> None:
    house = setting.house
    client = setting.client()
    context = replace(house.context, links={**house.context.links, REGIONAL_PLATFORM: client, STATE_LISTENERS: (client.tell_state,)})

    def filing(seal: Seal) -> Message:
        return Message("m", FILING_TOPIC, {"seal_id": seal.id, "version": seal.version}, 1)

    setting.platform.knobs = Knobs(same_receipt_for_all=True)
    setting.platform.filed.clear()
    file_seal(context, filing(setting.seal))
    assert find_seal(context, MANAGER, setting.seal.id)[0].filing == "NM-2026-0001"
    second = make_approved_seal(context, MAKER, approved(house).id)
    assert refusal(lambda: file_seal(context, filing(second)))[0] == "SEAL_RECEIPT_UNUSABLE"
    assert find_seal(context, MANAGER, second.id)[0].state is SealState.MADE

    setting.platform.knobs = Knobs()
    setting.platform.filed.clear()
    setting.platform.filed["other"] = "NM-2026-0009"
    file_seal(context, filing(second))
    house.context.outbox.add_handlers({STATE_TOPIC: lambda message: tell_state(context, message), FILING_TOPIC: lambda message: None})
    while house.context.outbox.run_once():
        pass
    states = [(told["state"], told["version"]) for path, _, told in setting.platform.requests if path.endswith("states")]
    assert [each for each in states if each[0] in {"made", "filed"}] == states
    assert {("made", 2), ("filed", 3)} <= set(states)


def test_nothing_is_called_unless_it_is_set_and_allowed(setting: Setting, tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "deployment")
    house = open_deployed_house(open_deployment(folder))
    assert REGIONAL_PLATFORM not in house.context.links
    assert STATE_LISTENERS not in house.context.links
    house.close()

    settings = folder / "settings.toml"
    plain = settings.read_text(encoding="utf-8")
    settings.write_text(f'{plain}\n[region]\nurl = "{setting.platform.url}"\n', encoding="utf-8")
    assert refusal(lambda: open_deployed_house(open_deployment(folder)))[0] == "SETTING_INVALID"
    settings.write_text(f'{plain}\n[region]\nurl = "{setting.platform.url}"\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    assert refusal(lambda: open_deployed_house(open_deployment(folder)))[0] == "SETTING_INVALID"  # without the platform's key
    (folder / "region.pem").write_bytes(write_pem("CERTIFICATE", setting.house.pki.maker.der))
    house = open_deployed_house(open_deployment(folder))
    client = house.context.links[REGIONAL_PLATFORM]
    assert isinstance(client, RegionalPlatformClient)
    assert client.exchange.platform_spki_der == setting.house.pki.maker.spki_der
    house.close()
    (folder / "region.pem").write_bytes(write_pem("X509 CRL", b"0\x00"))
    assert refusal(lambda: open_deployed_house(open_deployment(folder)))[0] == "SETTING_INVALID"


@pytest.mark.parametrize("entries", [("code",), ("code=",), ("code=a", "code=b"), ("strange=a",)])
def test_wrong_names_are_refused(setting: Setting, entries: tuple[str, ...]) -> None:
    assert refusal(lambda: read_pairs(entries, "region.names", ("code",)))[0] == "SETTING_INVALID"
    assert refusal(lambda: setting.client(names=("code=name",)))[0] == "SETTING_INVALID"
