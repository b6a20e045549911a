"""Webhooks: who hears what, signed as receivers check it, tried again, given up, sent again, never to a stranger's address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.sealed_values import ValueSealer
from service_kit.audit import Audit, new_writer_id
from service_kit.callers import Caller
from service_kit.idempotency import Idempotency
from service_kit.outbound import Outbound, read_networks
from service_kit.outbox import Outbox
from service_kit.webhooks import store
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, EVENT_TOPIC, DeliveryDesk, publish
from service_kit.webhooks.model import DeliveryStatus, EndpointStatus, write_event
from service_kit.webhooks.signing import is_signed, sign_message
from service_kit.webhooks.subscriptions import SubscriptionDesk, Wanted
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.service_kit.receivers import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.database import Database
    from tests.service_kit.receivers import Receiver

TYPES = {"thing.made": "A thing was made.", "thing.gone": "A thing is gone."}
ANNA, BERT = Caller("cl_anna", "cl_anna", frozenset()), Caller("cl_bert", "cl_bert", frozenset())


@dataclass
class SetClock:
    at: datetime = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass
class Post:
    """Both desks and the two workers over one database."""

    database: Database
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        sealer = ValueSealer(b"s" * 32)
        outbound = Outbound(read_networks(["127.0.0.0/8"]), timeout_seconds=2)
        self.outbox = Outbox(self.database, self.clock)
        audit = Audit(self.database, b"k" * 32, new_writer_id())
        deliveries = DeliveryDesk(self.database, audit, self.clock, self.outbox, outbound, sealer, lambda content: b"sm2:" + content[:4])
        self.outbox.add_handlers({EVENT_TOPIC: deliveries.fan_out, DELIVERY_TOPIC: deliveries.deliver})
        self.deliveries = deliveries
        self.desk = SubscriptionDesk(
            self.database,
            audit,
            self.clock,
            self.outbox,
            outbound,
            sealer,
            TYPES,
            Idempotency(),
            "client.manage",
            lambda _, name: name in {"cl_anna", "cl_bert"},
        )

    def publish(self, event_type: str = "thing.made", audience: tuple[str, ...] = ("cl_anna",)) -> str:
        return self.database.write(
            lambda conn: publish(self.outbox, conn, event_type=event_type, data={"thing": "t1"}, audience=audience, at=self.clock.now())
        )

    def work(self) -> None:
        while self.outbox.run_once():
            pass

    def later(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def test_a_message_arrives_signed_as_standard_webhooks_says(post: Post, listening: Receiver) -> None:
    endpoint, secret = post.desk.create(ANNA, Wanted(listening.url, ("thing.made",)))
    event_id = post.publish()
    post.publish("thing.gone")
    post.publish(audience=("cl_bert",))
    post.work()
    assert len(listening.received) == 1
    got = listening.received[0]
    # Checked by the published recipe, not by our own function
    content = b".".join((got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body))
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert base64.b64decode(got.headers["webhook-signature-sm2"]) == b"sm2:" + content[:4]
    assert json.loads(got.body) == {"id": event_id, "type": "thing.made", "timestamp": "2026-06-01T08:00:00.000Z", "data": {"thing": "t1"}}
    assert got.headers["webhook-id"] == event_id
    [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10)
    assert (delivery.status, delivery.attempts, delivery.last_status) == (DeliveryStatus.DELIVERED, 1, 204)


def test_a_failing_receiver_is_tried_again_and_every_attempt_is_on_record(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    listening.status = 500
    post.work()
    post.later(2)
    post.work()
    listening.status = 200
    post.later(5)
    post.work()
    [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=DeliveryStatus.DELIVERED, limit=10)
    _, attempts = post.desk.delivery(ANNA, delivery.delivery_id)
    assert [(each.number, each.status, each.error) for each in attempts] == [
        (1, 500, "WEBHOOK_NOT_ACCEPTED"),
        (2, 500, "WEBHOOK_NOT_ACCEPTED"),
        (3, 200, None),
    ]
    assert {each.headers["webhook-id"] for each in listening.received} == {delivery.event_id}


def test_a_dead_receiver_is_given_up_after_three_days_and_a_resend_begins_anew(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    listening.status = 503
    post.work()
    [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=DeliveryStatus.PENDING, limit=10)
    with pytest.raises(TrustError, match="WEBHOOK_PENDING"):
        post.desk.resend(ANNA, delivery.delivery_id)
    post.later(3 * 24 * 3600)
    post.work()
    found, attempts = post.desk.delivery(ANNA, delivery.delivery_id)
    assert (found.status, len(attempts)) == (DeliveryStatus.GIVEN_UP, 2)
    post.later(3600)
    post.work()
    assert len(listening.received) == 2
    listening.status = 204
    post.desk.resend(ANNA, delivery.delivery_id)
    post.work()
    found, attempts = post.desk.delivery(ANNA, delivery.delivery_id)
    assert (found.status, len(attempts)) == (DeliveryStatus.DELIVERED, 3)


def test_an_endpoint_that_is_gone_hears_nothing_more(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    listening.status = 410
    post.publish()
    post.work()
    post.publish()
    post.work()
    assert len(listening.received) == 1
    found = post.desk.find(ANNA, endpoint.endpoint_id)
    assert (found.status, found.status_reason) == (EndpointStatus.DISABLED, "answered 410 Gone")


def test_a_disabled_endpoint_ends_what_was_on_its_way(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    listening.status = 500
    post.publish()
    post.work()
    post.desk.change(ANNA, endpoint.endpoint_id, Wanted(listening.url, ("*",), is_active=False), expected_version=1)
    post.later(5)
    post.work()
    [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10)
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.GIVEN_UP, "WEBHOOK_DISABLED")
    assert len(listening.received) == 1


def test_a_repeated_event_makes_no_second_delivery(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    post.work()
    post.database.write(lambda conn: conn.exec_driver_sql("UPDATE kit_outbox SET done_at = NULL, due_at = 0"))
    post.work()
    assert len(post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10)) == 1
    assert len(listening.received) == 1


def test_a_replaced_secret_signs_beside_the_new_one_for_a_day(post: Post, listening: Receiver) -> None:
    endpoint, old = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    _, new = post.desk.rotate_secret(ANNA, endpoint.endpoint_id)
    post.publish()
    post.work()
    post.later(24 * 3600 + 1)
    post.publish()
    post.work()

    def accepted(index: int, secret: str) -> bool:
        got = listening.received[index]
        at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
        return is_signed(
            secret, got.headers["webhook-id"], got.headers["webhook-timestamp"], got.headers["webhook-signature"], got.body, at
        )

    assert [accepted(0, old), accepted(0, new), accepted(1, old), accepted(1, new)] == [True, True, False, True]


def test_secrets_are_sealed_at_rest(post: Post, listening: Receiver) -> None:
    _, secret = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    with post.database.read() as conn:
        rows = [bytes(value) for row in conn.exec_driver_sql("SELECT secret_sealed FROM kit_webhook_endpoints") for value in row]
    assert all(secret.encode() not in row for row in rows)


def test_nobody_sees_or_touches_the_endpoints_of_others(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    post.work()
    [delivery] = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10)
    wanted = Wanted(listening.url, ("*",))
    for attempt in (
        lambda: post.desk.find(BERT, endpoint.endpoint_id),
        lambda: post.desk.change(BERT, endpoint.endpoint_id, wanted, expected_version=None),
        lambda: post.desk.rotate_secret(BERT, endpoint.endpoint_id),
        lambda: post.desk.remove(BERT, endpoint.endpoint_id),
        lambda: post.desk.deliveries(BERT, endpoint.endpoint_id, before=None, status=None, limit=1),
    ):
        with pytest.raises(TrustError, match="WEBHOOK_NOT_FOUND"):
            attempt()
    for reach in (lambda: post.desk.delivery(BERT, delivery.delivery_id), lambda: post.desk.resend(BERT, delivery.delivery_id)):
        with pytest.raises(TrustError, match="WEBHOOK_DELIVERY_NOT_FOUND"):
            reach()
    assert post.desk.list_endpoints(BERT) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted("http://10.1.2.3/", ("*",)), "OUTBOUND_REFUSED"),
        (Wanted("http://127.0.0.1/", ()), "WEBHOOK_TYPES_UNACCEPTABLE"),
        (Wanted("http://127.0.0.1/", ("*", "thing.made")), "WEBHOOK_TYPES_UNACCEPTABLE"),
        (Wanted("http://127.0.0.1/", ("thing.made", "thing.made")), "WEBHOOK_TYPES_UNACCEPTABLE"),
        (Wanted("http://127.0.0.1/", ("thing.unknown",)), "WEBHOOK_TYPES_UNACCEPTABLE"),
        (Wanted("http://127.0.0.1/", ("*",), "x" * 201), "FIELD_TOO_LONG"),
        (Wanted("http://127.0.0.1/", ("*",), "a\nb"), "FIELD_TOO_LONG"),
    ],
)
def test_what_is_against_the_rules_is_refused(post: Post, wanted: Wanted, code: str) -> None:
    with pytest.raises(TrustError, match=code):
        post.desk.create(ANNA, wanted)
    assert post.desk.list_endpoints(ANNA) == []


def test_an_owner_has_a_bounded_number_of_endpoints(post: Post) -> None:
    for _ in range(32):
        post.desk.create(ANNA, Wanted("http://127.0.0.1/", ("*",)))
    with pytest.raises(TrustError, match="WEBHOOK_TOO_MANY"):
        post.desk.create(ANNA, Wanted("http://127.0.0.1/", ("*",)))
    post.desk.create(BERT, Wanted("http://127.0.0.1/", ("*",)))


def test_changes_meet_only_the_version_they_were_made_for_and_are_audited(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    changed = post.desk.change(ANNA, endpoint.endpoint_id, Wanted(listening.url, ("thing.gone",), "new"), expected_version=1)
    assert (changed.version, changed.types, changed.description) == (2, ("thing.gone",), "new")
    with pytest.raises(TrustError, match="WEBHOOK_CHANGED"):
        post.desk.change(ANNA, endpoint.endpoint_id, Wanted(listening.url, ("*",)), expected_version=1)
    post.desk.remove(ANNA, endpoint.endpoint_id)
    with post.database.read() as conn:
        entries = find_entries(conn, subject=f"webhook:{endpoint.endpoint_id}", limit=10)
    assert [entry.action for entry in reversed(entries)] == ["webhook.create", "webhook.change", "webhook.remove"]
    assert all("whsec_" not in json.dumps(dict(entry.facts)) for entry in entries)


def test_an_endpoint_removed_takes_its_deliveries_with_it(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    listening.status = 500
    post.publish()
    post.work()
    post.desk.remove(ANNA, endpoint.endpoint_id)
    post.later(5)
    post.work()
    with post.database.read() as conn:
        left = [
            conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in ("kit_webhook_deliveries", "kit_webhook_attempts")
        ]
    assert (left, len(listening.received)) == ([0, 0], 1)


def test_old_deliveries_are_forgotten(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    post.work()
    assert post.deliveries.sweep() == 0
    post.later(31 * 24 * 3600)
    assert post.deliveries.sweep() == 1
    assert post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=10) == []


def test_deliveries_come_in_pages(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    for _ in range(5):
        post.publish()
        post.later(1)
    post.work()
    first = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=None, status=None, limit=3)
    second = post.desk.deliveries(ANNA, endpoint.endpoint_id, before=first[-1].delivery_id, status=None, limit=3)
    ids = [each.delivery_id for each in [*first, *second]]
    assert (len(ids), ids) == (5, sorted(ids, reverse=True))


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e9", "9" * 13, "１２３"])
def test_a_receiver_refuses_odd_timestamps(timestamp: str) -> None:
    assert not is_signed("whsec_AAAA", "id", timestamp, "v1,AAAA", b"{}", datetime(2026, 6, 1, tzinfo=UTC))


def test_a_receiver_refuses_old_and_altered_messages() -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    headers = sign_message("id", at, b"{}", [secret])
    signed = headers["webhook-timestamp"], headers["webhook-signature"]
    assert "webhook-signature-sm2" not in headers
    assert is_signed(secret, "id", *signed, b"{}", at)
    assert not is_signed(secret, "id", *signed, b"{ }", at)
    assert not is_signed(secret, "other", *signed, b"{}", at)
    assert not is_signed(secret, "id", *signed, b"{}", at + timedelta(seconds=301))


def test_an_event_carries_no_documents() -> None:
    with pytest.raises(ValueError, match="references"):
        write_event("id", "thing.made", datetime(2026, 6, 1, tzinfo=UTC), {"x": "y" * 70_000})


def test_an_endpoint_deleted_while_a_message_is_on_its_way_is_no_failure(post: Post, listening: Receiver) -> None:
    endpoint, _ = post.desk.create(ANNA, Wanted(listening.url, ("*",)))
    post.publish()
    post.outbox.run_once()
    post.database.write(lambda conn: store.delete_endpoint(conn, endpoint.endpoint_id))
    post.work()
    assert listening.received == []


def test_who_may_manage_clients_looks_after_their_endpoints_and_nobody_else_does(post: Post) -> None:
    chief = Caller("cl_pages", "pe_chief", frozenset({"client.manage"}))
    person, program = Caller("cl_pages", "pe_1", frozenset()), Caller("cl_pages", "cl_pages", frozenset())
    wanted = Wanted("http://127.0.0.1:9/", ("*",))
    # 1. Made for a client that is there and named, by whom that is allowed; the trail names both
    endpoint, _ = post.desk.create(chief, wanted, owner="cl_anna")
    assert endpoint.owner == "cl_anna"
    with post.database.read() as conn:
        [entry] = find_entries(conn, subject=f"webhook:{endpoint.endpoint_id}")
    assert (entry.actor, entry.facts["client"]) == ("client:cl_pages for pe_chief", "cl_anna")
    for owner in ("", "cl_none"):
        with pytest.raises(TrustError, match="WEBHOOK_OWNER_UNKNOWN"):
            post.desk.create(chief, wanted, owner=owner)
    # 2. Nobody else does: not for others, and no person for the client that he shares with everybody
    for caller, owner in ((program, "cl_anna"), (person, "cl_anna"), (person, "cl_pages"), (person, ""), (BERT, "cl_anna")):
        for forbidden in (
            lambda caller=caller, owner=owner: post.desk.create(caller, wanted, owner=owner),
            lambda caller=caller, owner=owner: post.desk.list_endpoints(caller, owner=owner),
            lambda caller=caller: post.desk.list_all(caller, after=("", ""), limit=5),
        ):
            with pytest.raises(TrustError, match="SCOPE_MISSING"):
                forbidden()
    shared, _ = post.desk.create(program, wanted)
    for caller in (person, BERT):
        for each in (endpoint, shared):
            with pytest.raises(TrustError, match="WEBHOOK_NOT_FOUND"):
                post.desk.find(caller, each.endpoint_id)
    # 3. What is listed: of one, of all, page by page
    assert post.desk.list_endpoints(chief, owner="cl_anna") == post.desk.list_endpoints(ANNA) == [endpoint]
    assert post.desk.list_all(chief, after=("", ""), limit=1) == [endpoint]
    assert post.desk.list_all(chief, after=("cl_anna", endpoint.endpoint_id), limit=5) == [shared]
    post.desk.remove(chief, shared.endpoint_id)
    # 4. Where nobody may look after others', a scope of any name changes nothing
    closed = replace(post.desk, scope_for_others="")
    with pytest.raises(TrustError, match="SCOPE_MISSING"):
        closed.list_endpoints(chief, owner="cl_anna")
