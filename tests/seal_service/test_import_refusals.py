"""Hostile and unfit seals from elsewhere: each is refused by a stable code, and nothing of it is left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from crypto.keys import spki_of, write_private_key
from crypto.password_encryption import encrypt_private_key
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service.actions.apply_for_import import apply_for_import
from seal_service.actions.owners_key import check_holds_key
from seal_service.model import KeyCustody
from seal_service.seal_data.import_checks import examine_import
from standards import x690_der as der
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal
from standards.rfc7292_pkcs12 import SHROUDED_KEY_BAG
from standards.rfc7468_pem import CERTIFICATE, write_pem
from tests.crypto.test_keys import p12_file
from tests.seal_service.house import House, open_house
from tests.seal_service.seal_data.actors import NOW, cached_seal, cached_trust, world
from tests.seal_service.seal_data.old_seals import old_seal
from tests.seal_service.test_applications import code_of
from tests.seal_service.test_imports import BY_HIM, KEY, certify, keys, made_elsewhere, order_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto.signer import Signer


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A deployment for what leaves nothing behind."""
    with open_house(tmp_path_factory.mktemp("import-refusals")) as opened:
        yield opened


def flipped(seal_der: bytes) -> bytes:
    return seal_der[:-3] + bytes([seal_der[-3] ^ 1]) + seal_der[-2:]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no seal": ({"seal_der": b"hello"}, "SES_MALFORMED"),
    "empty": ({"seal_der": b""}, "SES_MALFORMED"),
    "deep": ({"seal_der": b"\x30\x80" * 2000}, "SES_MALFORMED"),
    "too large": ({"seal_der": b"0" * (1024 * 1024 + 1)}, "FILE_TOO_LARGE"),
    "large certificates": ({"certificates": b"0" * (64 * 1024 + 1)}, "FILE_TOO_LARGE"),
    "large key": ({"key_file": b"0" * (64 * 1024 + 1)}, "FILE_TOO_LARGE"),
    "certificates of nothing": ({"certificates": b"-----BEGIN X-----\nAAAA\n-----END X-----\n"}, "SEAL_IMPORT_UNACCEPTABLE"),
    "certificates of noise": ({"certificates": b"\x30\x03abc"}, "SEAL_IMPORT_UNACCEPTABLE"),
    "another key": ({"key_file": write_private_key(SM2PrivateKey.generate())}, "SEAL_IMPORT_KEY_REFUSED"),
    "key of noise": ({"key_file": b"\x30\x03abc"}, "SEAL_IMPORT_KEY_REFUSED"),
    "key in text": ({"key_file": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, "SEAL_IMPORT_KEY_REFUSED"),
    "no key": ({"key_file": b""}, "SEAL_IMPORT_KEY_REFUSED"),
    "a key too many": ({"custody": KeyCustody.ABSENT}, "SEAL_IMPORT_KEY_REFUSED"),
    "a device too many": ({"device_key": "x"}, "SEAL_IMPORT_KEY_REFUSED"),
    "another owner": ({"credit_code": "12990000YX0000008K"}, "SEAL_IMPORT_UNACCEPTABLE"),
    "no reason": ({"reason": " "}, "FIELD_UNACCEPTABLE"),
    "no manager": ({"managers": ()}, "FIELD_UNACCEPTABLE"),
    "no user": ({"users": ()}, "FIELD_UNACCEPTABLE"),
    "two powers": ({"users": ("person:manager",)}, "SEAL_POWER_HELD"),
    "unknown paper": ({"papers": ("sp_000000000000000000000000",)}, "PAPER_UNKNOWN"),
}


@pytest.mark.parametrize("name", BAD)
def test_hostile_input_is_refused_by_a_stable_code_and_leaves_nothing(shared: House, name: str) -> None:
    changes, code = BAD[name]
    before = shared.rows("SELECT count(*) FROM seal_imports"), keys(shared)
    assert code_of(apply_for_import, shared.context, BY_HIM, replace(order_of(shared), **changes)) == code
    assert (shared.rows("SELECT count(*) FROM seal_imports"), keys(shared)) == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"es_id": "x" * 129}, "SEAL_IMPORT_UNACCEPTABLE"),
        ({"kind": 100}, "SEAL_IMPORT_UNACCEPTABLE"),
        ({"name": "a\u202eb"}, "SEAL_IMPORT_UNACCEPTABLE"),
        ({"name": "章" * 129}, "SEAL_IMPORT_UNACCEPTABLE"),
        ({"valid_from": datetime(2099, 1, 1, tzinfo=UTC), "valid_until": datetime(2100, 1, 1, tzinfo=UTC)}, "SEAL_IMPORT_REFUSED"),
    ],
)
def test_a_seal_that_no_record_can_hold_is_refused(shared: House, changes: dict[str, Any], code: str) -> None:
    order = order_of(shared, key=None, seal_der=made_elsewhere(shared.pki, certify(shared.pki), **changes))
    assert code_of(apply_for_import, shared.context, BY_HIM, order) == code


def test_a_seal_whose_signature_is_bad_or_that_is_another_certificates_is_refused(shared: House) -> None:
    good = order_of(shared, key=None)
    assert code_of(apply_for_import, shared.context, BY_HIM, replace(good, seal_der=flipped(good.seal_der))) == "SEAL_IMPORT_REFUSED"
    plain = certify(shared.pki, organisation="no credit code")
    order = order_of(shared, key=None, seal_der=made_elsewhere(shared.pki, plain))
    assert code_of(apply_for_import, shared.context, BY_HIM, order) == "CREDIT_CODE_LENGTH"
    many = b"".join(write_pem(CERTIFICATE, certify(shared.pki, SM2PrivateKey.generate()).der) for _ in range(10))
    assert code_of(apply_for_import, shared.context, BY_HIM, replace(good, certificates=many)) == "SEAL_IMPORT_UNACCEPTABLE"
    assert code_of(apply_for_import, shared.context, BY_HIM, replace(good, certificates=many + many)) == "SEAL_IMPORT_UNACCEPTABLE"


class Liar:
    """A signer that says it has a key, and signs with another one."""

    def __init__(self) -> None:
        self._other = software_signer(SM2PrivateKey.generate(), "other")
        self.public_spki_der = software_signer(KEY, "claimed").public_spki_der
        self.algorithm = self._other.algorithm

    def sign(self, message: bytes) -> bytes:
        return self._other.sign(message)


def test_a_key_is_believed_for_its_signature_alone() -> None:
    spki_der = software_signer(KEY, "owner").public_spki_der
    check_holds_key(software_signer(KEY, "owner"), spki_der)
    with pytest.raises(TrustError, match="another key"):
        check_holds_key(software_signer(SM2PrivateKey.generate(), "owner"), spki_der)
    with pytest.raises(TrustError, match="does not verify"):
        check_holds_key(cast("Signer", Liar()), spki_der)


def test_a_seal_of_version_1_is_verified_and_never_usable() -> None:
    pki = world().pki
    seal = read_seal(old_seal(pki.maker.der, pki.maker_signer.sign))
    found = examine_import(seal, pki.seal.der, pki.chain, cached_trust(), NOW)
    assert (found.verdict, found.is_usable, found.failures) == (Verdict.VALID, False, ())
    assert "SEAL_VERSION_READ_ONLY" in {step.code for step in found.steps}
    newer = examine_import(read_seal(cached_seal(4)), pki.seal.der, pki.chain, cached_trust(), NOW)
    assert (newer.verdict, newer.is_usable) == (Verdict.VALID, True)
    strange = examine_import(read_seal(cached_seal(4)), pki.maker.der, (), cached_trust(), NOW)
    assert (strange.verdict, strange.failures) == (Verdict.INVALID, ("SIGNER_NOT_IN_SEAL",))


def test_a_key_in_a_pkcs12_file_needs_its_password_which_is_kept_nowhere(shared: House) -> None:
    bag = der.sequence(der.oid(SHROUDED_KEY_BAG), der.explicit(0, encrypt_private_key(KEY.to_pkcs8(), b"pw", iterations=10)))
    order = order_of(shared, seal_der=made_elsewhere(shared.pki, certify(shared.pki), es_id="15070000000031"), key_file=p12_file([bag]))
    for password, reason in (("", "PASSWORD_WRONG"), ("no", "PASSWORD_WRONG"), ("x" * 2000, "PASSWORD_WRONG")):
        with pytest.raises(TrustError, match="SEAL_IMPORT_KEY_REFUSED") as refused:
            apply_for_import(shared.context, BY_HIM, replace(order, password=password))
        assert refused.value.facts["reason"] == reason
    application, _ = apply_for_import(shared.context, BY_HIM, replace(order, password="pw"))
    assert shared.context.keystore.signer(f"import-{application.id[3:]}").public_spki_der == spki_of(KEY)
    assert "only-in-this-test" not in repr(replace(order, password="only-in-this-test"))
