"""What webhooks tell of seals: received by a real server, signed as receivers check it, heard only by clients that may know, never told for nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sealed_values import ValueSealer
from crypto.sm3 import sm3
from seal_service.actions.change_seal_state import change_seal_state, record_step
from seal_service.actions.give_power import give_power, take_power
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within, revoke_grant
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_news import EVENT_TYPES
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import sign_digest
from seal_service.model import APPLICATION_LIFE, Power, transition_named
from service_kit.callers import person_of
from service_kit.outbound import Outbound, read_networks
from service_kit.outbox import Outbox
from service_kit.roles import Role, appoint
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC, DeliveryDesk
from service_kit.webhooks.subscriptions import SubscriptionDesk, Wanted
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.service_kit.receivers import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.service_kit.receivers import Receiver

APPROVE = transition_named("approve", APPLICATION_LIFE)


class Mailbox:
    """Endpoints of some clients at one server, and what came there."""

    def __init__(self, house: House, listening: Receiver) -> None:
        context = house.context
        sealer = ValueSealer(b"s" * 32)
        outbound = Outbound(read_networks(["127.0.0.0/8"]), timeout_seconds=2)
        deliveries = DeliveryDesk(context.database, context.audit, context.clock, context.outbox, outbound, sealer)
        self.worker = Outbox(context.database, context.clock, {EVENT_TOPIC: deliveries.fan_out, DELIVERY_TOPIC: deliveries.deliver})
        self.desk = SubscriptionDesk(
            context.database, context.audit, context.clock, context.outbox, outbound, sealer, EVENT_TYPES, context.idempotency
        )
        self.listening = listening
        self.secrets: dict[str, str] = {}

    def open(self, client_id: str, *types: str) -> None:
        url = f"{self.listening.url}/{client_id}"
        _, self.secrets[client_id] = self.desk.create(caller(client_id), Wanted(url, types or ("*",)))

    def take(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Who was told what, with every signature checked against the secret of that endpoint (Standard Webhooks 1.0)."""
        while self.worker.run_once():
            pass
        told = []
        for each in self.listening.received:
            client_id = each.path.rpartition("/")[2]
            content = f"{each.headers['webhook-id']}.{each.headers['webhook-timestamp']}.".encode() + each.body
            key = base64.b64decode(self.secrets[client_id].removeprefix("whsec_"))
            wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
            assert hmac.compare_digest(each.headers["webhook-signature"], wanted)
            body = json.loads(each.body)
            assert body["id"] == each.headers["webhook-id"]
            told.append((client_id, body["type"], body["data"]))
        self.listening.received.clear()
        return told


@contextmanager
def mailbox(house: House) -> Iterator[Mailbox]:
    with receiver() as listening:
        yield Mailbox(house, listening)


def test_states_uses_and_grants_arrive_signed_at_whoever_may_know(house: House) -> None:
    context = house.context
    with mailbox(house) as post:
        for client_id in ("cl_a", "cl_user", "cl_stranger"):
            post.open(client_id)
        seal = make_seal(context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=()))
        made = post.take()
        assert {(who, what) for who, what, _ in made} == {("cl_a", "seal.state-changed")}
        assert ("active", seal.id) in [(data["to"], data["seal_id"]) for _, _, data in made]

        grant = grant_seal_within(context, caller(), seal.id, GrantOrder("cl_user"), if_version=None)
        given = post.take()
        assert sorted((who, what, data["act"]) for who, what, data in given) == [
            ("cl_a", "seal.grant-changed", "grant"),
            ("cl_user", "seal.grant-changed", "grant"),
        ]

        sealed = asyncio.run(sign_digest(context, User("cl_user", "client:cl_user"), seal.id, sm3(b"x")))
        used = post.take()
        assert sorted((who, what) for who, what, _ in used) == [("cl_a", "seal.used"), ("cl_user", "seal.used")]
        assert used[0][2]["seal_use"] == sealed.use_id

        revoke_grant(context, caller(), grant.id, reason="left")
        assert {(who, data["act"]) for who, _, data in post.take()} == {("cl_a", "withdraw"), ("cl_user", "withdraw")}
        change_seal_state(context, caller(), seal.id, transition_named("freeze"), reason="theft reported by Anna")
        [(who, what, data)] = post.take()
        assert (who, what, data["from"], data["to"]) == ("cl_a", "seal.state-changed", "active", "frozen")
        assert "Anna" not in str(data)


def test_powers_that_are_given_and_taken_back_are_changes_of_grants_also_for_who_loses_his(house: House) -> None:
    context = house.context
    secure = caller("cl_secure", "seal.secure")
    context.database.write(
        lambda conn: appoint(
            conn,
            context.audit,
            "cl_secure",
            Role.SECURITY,
            is_bound=lambda *_: False,
            actor="operator:test",
            reason="x",
            at=context.clock.now(),
        )
    )
    seal = make_seal(context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=()))
    with mailbox(house) as post:
        for client_id in ("cl_a", "cl_auditor", "cl_stranger"):
            post.open(client_id)
        post.take()
        give_power(context, secure, seal.id, "cl_auditor", Power.AUDIT, reason="x")
        take_power(context, secure, seal.id, "cl_auditor", Power.AUDIT, reason="x")
        told = [(who, what, data["act"], data["holder"], data["power"]) for who, what, data in post.take()]
        assert sorted(told) == [
            (who, "seal.grant-changed", act, "cl_auditor", "audit")
            for who in ("cl_a", "cl_auditor")
            for act in ("give-power", "take-power")
        ]


def test_a_change_that_fails_tells_nothing(house: House) -> None:
    context = house.context
    seal = make_seal(context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    with mailbox(house) as post:
        post.open("cl_a")
        post.take()  # of the making

        def freeze_and_fail(conn: Connection) -> None:
            record_step(context, conn, person_of(caller()), seal, transition_named("freeze"), reason="x", at=context.clock.now())
            raise RuntimeError

        with pytest.raises(RuntimeError):
            context.database.write(freeze_and_fail)
        assert post.take() == []


def test_every_holder_hears_however_many_there_are(house: House) -> None:
    context = house.context
    users = tuple(f"cl_{number:03d}" for number in range(120))
    seal = make_seal(context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=users))
    with mailbox(house) as post:
        post.open("cl_000", "seal.state-changed")
        post.open("cl_119", "seal.state-changed")
        post.take()
        change_seal_state(context, caller(), seal.id, transition_named("freeze"), reason="x")
        assert sorted(who for who, _, _ in post.take()) == ["cl_000", "cl_119"]
