"""A client's secrets: how many work at a time, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from idp.actions.authenticate_client import is_let_in
from idp.actions.recall_client import KnownClient
from idp.actions.rotate_secret import rotate_secret
from idp.model.clients import SECRET_DIGEST_BYTES, SECRETS_MAX, Client, with_secret
from idp.store.clients import load_client
from standards.errors import TrustError

if TYPE_CHECKING:
    from tests.idp.conftest import Provider

AT = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_rotated_secret_stops_at_once_or_after_its_overlap(provider: Provider) -> None:
    assert provider.token().status_code == 200
    _, second = rotate_secret(provider.desk, "portal", overlap_seconds=3600, actor="test")
    assert provider.token("portal", second).status_code == 200
    assert provider.token("portal").status_code == 200, "the old one, within its overlap"
    _, twice = rotate_secret(provider.desk, "portal", overlap_seconds=60, actor="test")
    for each in (None, second, twice):
        assert provider.token("portal", *([] if each is None else [each])).status_code == 200, "a form that was sent twice ends none in use"
    _, third = rotate_secret(provider.desk, "portal", overlap_seconds=0, actor="test")
    assert provider.token("portal", third).status_code == 200
    for gone in (second, twice):
        assert provider.token("portal", gone).status_code == 401
    assert provider.token("portal").status_code == 401


def test_of_several_secrets_each_works_as_long_as_was_said_last_and_none_ends_unasked(provider: Provider) -> None:
    with provider.desk.database.read() as connection:
        client = load_client(connection, "portal", provider.desk.mac_key)
    digests = [bytes([number]) * SECRET_DIGEST_BYTES for number in range(1, 6)]

    def works(present: Client, at: datetime) -> list[bool]:
        known = KnownClient(present, b"")
        return [is_let_in(known, each, at) for each in (client.secret_digest, *digests)]

    twice = with_secret(with_secret(client, digests[0], AT, 3600), digests[1], AT + timedelta(seconds=1), 60)
    assert works(twice, AT + timedelta(seconds=60)) == [True, True, True, False, False, False]
    assert works(twice, AT + timedelta(seconds=61)) == [False, False, True, False, False, False]
    # What has ended takes no room; what may be in use is not put out by a further one
    later = with_secret(twice, digests[2], AT + timedelta(seconds=61), 60)
    assert works(later, AT + timedelta(seconds=62)) == [False, False, True, True, False, False]
    full = with_secret(with_secret(twice, digests[2], AT, 60), digests[3], AT, 0)
    assert works(full, AT) == [False, False, False, False, True, False], "without an overlap all others end"
    full = with_secret(twice, digests[2], AT, 60)
    with pytest.raises(TrustError, match=f"CLIENT_SECRETS_MANY.*limit={SECRETS_MAX}"):
        with_secret(full, digests[3], AT, 60)
