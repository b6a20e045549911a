"""The certificate of an edition that was replaced: revoked wherever its key is left with somebody who could sign on with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.certificate_requests import create_request
from crypto.certificates import Certificate
from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.sm3 import sm3
from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority
from seal_service.actions.apply_for_seal import ApplicationOrder
from seal_service.actions.digest_values import PLAIN, begin_value, find_faults
from seal_service.actions.find_seals import list_editions
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import ApplicationKind, SealState
from standards.errors import TrustError
from standards.rfc5280_names import write_name
from tests.seal_service.test_applications import MAKER, MANAGER, USER, approved, deliver, take

if TYPE_CHECKING:
    from crypto.signer import Signer
    from seal_service.model import Edition, Seal
    from tests.seal_service.house import House

DIGEST = sm3(b"a document")


@pytest.fixture
def owner() -> Signer:
    return software_signer(SM2PrivateKey.generate(), "owner")


def made_with(house: House, owner: Signer | None) -> Seal:
    """A seal in use with the key of its owner's device; None: with a key of ours."""
    request_der = b"" if owner is None else create_request(owner, write_name((("CN", "a device of the tests"),)))
    seal = make_approved_seal(house.context, MAKER, approved(house).id, key_request_der=request_der)
    deliver(house)
    take(house, MAKER, seal, "issue", "")
    return take(house, USER, seal, "activate", "")


def renew(house: House, seal: Seal) -> None:
    order = ApplicationOrder(ApplicationKind.RENEW, "UKey 遗失", seal_id=seal.id)
    assert make_approved_seal(house.context, MAKER, approved(house, order, MANAGER).id).state is SealState.MADE


def old_edition(house: House, seal: Seal) -> Edition:
    return list_editions(house.context, MANAGER, seal.id)[0]


def serial_of(seal: Seal) -> int:
    return Certificate.from_der(seal.certificate_der or b"").serial


def value_of(house: House, seal: Seal, owner: Signer, at: datetime, *, is_stamped: bool) -> bytes:
    """A value that whoever has the device makes by himself, past the service."""
    wanted = begin_value(seal, DIGEST, PLAIN, algorithm=owner.algorithm, at=at)
    signature = owner.sign(wanted.to_be_signed)
    authority = TimeStampAuthority(house.pki.tsa, house.pki.chain, house.pki.tsa_signer, DEMONSTRATION_POLICY)
    return wanted.finish(signature, authority.stamp(signature, at) if is_stamped else None)


def test_of_a_renewed_seal_whose_key_is_left_with_its_owner_the_old_certificate_is_revoked(house: House, owner: Signer) -> None:
    seal = made_with(house, owner)
    renew(house, seal)
    sweep_intents(house.context)
    assert house.issuer.revoked == [serial_of(seal)]
    assert [each.reason for each in house.pki.revoked] == ["superseded"]
    edition = old_edition(house, seal)
    assert (edition.key_left_with, edition.is_certificate_revoked, edition.is_key_destroyed) == ("owner", True, False)
    assert sweep_intents(house.context)["certificates_revoked"] == 0


def test_what_a_lost_device_signs_after_the_renewal_is_not_valid(house: House, owner: Signer) -> None:
    """What it signed before stays valid where a time-stamp shows when that was; without one nobody can tell."""
    seal = made_with(house, owner)
    renewed_at = datetime.now(UTC).replace(microsecond=0)
    before, after = renewed_at - timedelta(minutes=1), renewed_at + timedelta(minutes=1)
    values = {(at, stamped): value_of(house, seal, owner, at, is_stamped=stamped) for at in (before, after) for stamped in (True, False)}

    def faults() -> list[str | None]:
        trust, now = house.pki.trust_list(), after + timedelta(minutes=1)
        return [find_faults(value, DIGEST, PLAIN, trust, signed_at=at, at=now) for (at, _), value in values.items()]

    assert faults() == [None] * 4
    renew(house, seal)
    sweep_intents(house.context)
    [revoked] = house.pki.revoked
    house.pki.revoked[:] = [replace(revoked, revoked_at=renewed_at)]
    assert faults() == [None, "SIG_TIME_UNPROVEN", "CERT_REVOKED_BEFORE", "CERT_REVOKED_BEFORE"]


def test_what_was_replaced_before_is_revoked_by_the_sweeper_and_told_once(house: House, owner: Signer) -> None:
    seal = made_with(house, owner)
    renew(house, seal)
    sweep_intents(house.context)
    house.sql("UPDATE seal_editions SET is_certificate_revoked = 0")  # as deployments have it whose keys were left before
    house.issuer.revoked.clear()
    assert [sweep_intents(house.context)["certificates_revoked"] for _ in range(2)] == [1, 0]
    assert house.issuer.revoked == [serial_of(seal)]
    assert [action for action, _, _ in house.entries()].count("seal.key-left") == 1


def test_a_certificate_whose_key_was_destroyed_stays_and_what_was_sealed_by_it_stays_good(house: House) -> None:
    seal = made_with(house, None)
    renew(house, seal)
    sweep_intents(house.context)
    edition = old_edition(house, seal)
    assert (edition.key_left_with, edition.is_certificate_revoked, edition.is_key_destroyed) == (None, False, True)
    assert house.issuer.revoked == []


def test_a_key_that_another_process_destroyed_leaves_the_memory_of_this_one(house: House) -> None:
    seal = made_with(house, None)
    key_id = old_edition(house, seal).key_id
    assert house.context.keystore.signer(key_id).sign(DIGEST)
    renew(house, seal)
    elsewhere = Keystore(house.folder / "keys", MasterKey(b"m" * 16))
    sweep_intents(replace(house.context, keystore=elsewhere))
    assert house.context.keystore.signer(key_id), "opened before, it was remembered here"
    sweep_intents(house.context)
    with pytest.raises(TrustError, match="KEY_UNKNOWN"):
        house.context.keystore.signer(key_id)


def test_the_certificate_of_another_authority_is_left_to_it(house: House, owner: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = made_with(house, owner)
    renew(house, seal)
    strange = type(house.pki).create(datetime.now(UTC), label="strange")
    monkeypatch.setattr(house.issuer, "chain", lambda: strange.chain)
    for _ in range(2):
        sweep_intents(house.context)
    assert house.issuer.revoked == []
    assert old_edition(house, seal).key_left_with == "owner"
