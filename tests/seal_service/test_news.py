"""Events for webhooks: told to those whom they concern, in the transaction of what they tell, and of uses only while somebody listens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.grant_seal import grant_seal, withdraw_grant
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_news import EVENT_TYPES, USED
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import sign_digest
from seal_service.model import ApplicationKind, Seal, transition_named
from service_kit.webhooks.deliveries import EVENT_TOPIC
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def told(house: House) -> list[tuple[str, dict[str, Any], Sequence[str]]]:
    """(type, data, audience) of every event so far."""
    rows = house.rows(f"SELECT payload FROM kit_outbox WHERE topic = '{EVENT_TOPIC}' ORDER BY position")
    found = [json.loads(row[0]) for row in rows]
    return [(each["type"], json.loads(each["body"])["data"], each["audience"]) for each in found]


def test_the_life_of_a_seal_is_told_to_those_with_a_power_over_it(house: House, seal: Seal) -> None:
    change_seal_state(house.context, caller(), seal.id, transition_named("freeze"), reason="reported lost by a person")
    kinds = [(kind, data["act"], data["to"], audience) for kind, data, audience in told(house)]
    assert kinds == [("seal.state-changed", "make", "active", ["cl_a"]), ("seal.state-changed", "freeze", "frozen", ["cl_a"])]
    assert told(house)[-1][1]["seal_id"] == seal.id
    assert "reported lost" not in json.dumps([data for _, data, _ in told(house)]), "reasons may name people"


def test_grants_are_told_to_who_gets_and_who_loses_them(house: House, seal: Seal) -> None:
    grant_seal(house.context, caller(), seal.id, "cl_b")
    withdraw_grant(house.context, caller(), seal.id, "cl_b")
    found = [(data["act"], data["holder"], audience) for kind, data, audience in told(house) if kind == "seal.grant-changed"]
    assert found == [("grant", "cl_b", ["cl_a", "cl_b"]), ("withdraw", "cl_b", ["cl_a", "cl_b"])]


def test_applications_are_told_to_the_applicant_and_people_are_not_called(house: House) -> None:
    order = ApplicationOrder(
        ApplicationKind.NEW,
        "new office",
        organisation=ORGANISATION,
        credit_code=CREDIT_CODE,
        managers=("cl_m", "person:pe_1"),
        users=("cl_u",),
        auditors=("cl_x",),
    )
    apply_for_seal(house.context, caller("cl_z", "seal.apply"), order)
    [(kind, data, audience)] = told(house)
    assert (kind, data["to"], audience) == ("seal.application-changed", "applied", ["cl_m", "cl_z"])


def test_uses_are_told_only_while_somebody_listens(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_kit.webhooks.deliveries.LISTENING_SECONDS", -1.0)

    def use() -> None:
        asyncio.run(sign_digest(house.context, User("cl_a", "client:cl_a"), seal.id, bytes(32)))

    use()
    assert USED not in {kind for kind, _, _ in told(house)}
    house.sql(
        "INSERT INTO kit_webhook_endpoints (endpoint_id, owner, url, types, description, status, secret_sealed, created_at, changed_at, version)"
        f" VALUES ('we_1', 'cl_a', 'https://x', 'seal.state-changed {USED}', '', 'active', x'00', 0, 0, 1)"
    )
    use()
    [(data, audience)] = [(data, audience) for kind, data, audience in told(house) if kind == USED]
    assert (data["seal_id"], audience) == (seal.id, ["cl_a"])
    house.sql("UPDATE kit_webhook_endpoints SET status = 'disabled'")
    use()
    assert [kind for kind, _, _ in told(house)].count(USED) == 1


def test_every_event_that_is_told_can_be_listened_to(house: House, seal: Seal) -> None:
    assert {kind for kind, _, _ in told(house)} <= set(EVENT_TYPES)
    assert seal.id
