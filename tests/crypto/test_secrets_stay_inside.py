"""Canaries: known private keys, passwords and master keys go through everything this floor does, and nothing that it writes shows them.

Searched are logs, error texts and facts, tracebacks with the values of all our types, reprs, pickles and every file of the key store.
"""

from __future__ import annotations

import base64
import io
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from crypto import providers
from crypto.keys import read_pkcs12, read_private_key, write_private_key
from crypto.keystore import Keystore, MasterKey
from crypto.password_encryption import decrypt_private_key
from crypto.sealed_file import read_sealed_file
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards import gbt32918_sm2 as sm2
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5958_private_keys import (
    read_ec_private_key,
    read_private_key_info,
    write_sm2_private_key,
    write_sm2_private_key_without_point,
)
from tests.crypto import published_vectors as v

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCALAR = bytes.fromhex("c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55c0ffee66c0ffee77")
MASTER = bytes.fromhex("feedface0badf00dfeedface0badf00d")
SECRET = b"canary-secret-9f86d081"
PASSWORD = b"canary-password-2c26b46b"


def traces(canary: bytes) -> Iterator[bytes]:
    """The forms in which bytes get into text and files: raw, hexadecimal, decimal, Base64 at each of its three alignments, repr."""
    yield canary
    yield canary.hex().encode()
    yield canary.hex().upper().encode()
    yield str(int.from_bytes(canary, "big")).encode()
    yield repr(canary)[2:-1].encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + canary)
        yield encoded[4 * (shift > 0) + 4 : len(encoded) // 4 * 4 - 8]


CANARIES = {name: list(traces(value)) for name, value in {"d": SCALAR, "master": MASTER, "secret": SECRET, "password": PASSWORD}.items()}


def assert_clean(content: bytes, where: str) -> None:
    for name, forms in CANARIES.items():
        for form in forms:
            assert form not in content, f"{name} shows in {where}"


def test_the_search_finds_what_is_planted() -> None:
    """The detector works: each form of each canary is found, so that a clean result means something."""
    planted = (
        SCALAR.hex().encode(),
        base64.b64encode(b"12" + SCALAR),
        base64.b64encode(b"1" + SCALAR + b"2"),
        str(int.from_bytes(SCALAR, "big")).encode(),
        repr({"key": SCALAR}).encode(),
        b"x" + SCALAR,
        b"password=" + PASSWORD,
    )
    for content in planted:
        with pytest.raises(AssertionError, match="shows in"):
            assert_clean(content, "planted")


@pytest.fixture(name="written")
def _written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def jobs(folder: Path) -> list[Callable[[], object]]:
    """Everything that handles a secret, done rightly and with as many mistakes as there are errors for."""
    key = SM2PrivateKey.from_scalar(SCALAR)
    store = Keystore(folder, MasterKey(MASTER), verify_after_sign=True)
    encrypted = key.to_pkcs8(PASSWORD)
    other = sm2.write_point(sm2.GX, sm2.GY)
    sec1 = der.sequence(der.integer(1), der.octet_string(SCALAR), der.null())
    ciphertext = key.public_key.encrypt(SECRET)
    return [
        lambda: store.import_key("canary", key),
        lambda: store.import_key("canary", key),
        lambda: store.seal_secret("canary", SECRET),
        lambda: store.seal_secret("canary", SECRET),
        store.list,
        lambda: store.signer("canary").sign(b"m"),
        lambda: store.signer("canary").sign_digest(b"short"),
        lambda: store.decrypt("canary", v.SM2_CIPHERTEXT),
        lambda: key.decrypt(ciphertext[:-1] + bytes((ciphertext[-1] ^ 1,))),
        lambda: key.sign_digest(b"short"),
        lambda: key.sign(b"m", bytes(9000)),
        lambda: software_signer(key, "canary").sign(b"m"),
        lambda: SM2PrivateKey.from_scalar(SCALAR, other),
        lambda: SM2PrivateKey.from_scalar(SCALAR + b"\x00"),
        lambda: SM2PrivateKey.from_scalar(b"\xff" * 4 + SCALAR[:28]),
        lambda: SM2PrivateKey.from_pkcs8(write_sm2_private_key(SCALAR, other)),
        lambda: SM2PrivateKey.from_pkcs8(encrypted, PASSWORD + b"x"),
        lambda: SM2PrivateKey.from_pkcs8(write_sm2_private_key_without_point(SCALAR)[:-1]),
        lambda: read_private_key(encrypted, None),
        lambda: read_private_key(encrypted[:-1], PASSWORD),
        lambda: read_private_key(sec1),
        lambda: read_private_key(b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(SCALAR) + b"\n-----END PRIVATE KEY-----\n"),
        lambda: read_private_key(b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(SCALAR)[:-2] + b"\n"),
        lambda: read_pkcs12(SCALAR, PASSWORD),
        lambda: decrypt_private_key(encrypted, PASSWORD[:-1]),
        lambda: write_sm2_private_key(SCALAR[:-1], other),
        lambda: MasterKey(MASTER + SCALAR),
        lambda: MasterKey(SCALAR[:16]).open(MasterKey(MASTER).seal(SECRET, b""), b""),
        lambda: Keystore(folder, MasterKey(SCALAR[:16])),
        lambda: store.rotate_master(MasterKey(MASTER[::-1])),
        lambda: store.signer("unknown"),
        lambda: pickle.dumps(key),
    ]


def test_logs_errors_and_tracebacks(tmp_path: Path, written: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    providers.configure("libcrypto")
    errors = []
    for job in jobs(tmp_path):
        try:
            job()
        except (TrustError, TypeError) as error:
            errors.append(error)
            assert_clean(repr(error).encode() + str(error).encode(), "an error")
            assert_clean(repr(getattr(error, "facts", None)).encode(), "the facts of an error")
            assert_clean("".join(traceback.format_exception(error)).encode(), "a traceback")
            logging.getLogger("test").exception("as a service would log it")
    assert len(errors) >= 18
    assert "as a service would log it" in written.getvalue()
    assert "SM2 by libcrypto" in written.getvalue()
    assert_clean(written.getvalue().encode(), "a log")
    out, err = capfd.readouterr()
    assert_clean((out + err).encode(), "standard output")


def test_files_of_the_key_store(tmp_path: Path) -> None:
    for job in jobs(tmp_path / "keys"):
        try:
            job()
        except (TrustError, TypeError):
            continue
    files = [path for path in (tmp_path / "keys").iterdir() if path.stat().st_size]
    assert {path.name for path in files} == {"canary.key", "canary.secret", "store.json"}
    for path in files:
        content = path.read_bytes()
        assert_clean(content, path.name)
        if path.suffix in {".key", ".secret"}:
            file = read_sealed_file(content, "canary", path.suffix[1:])
            assert_clean(file.sealed + file.wrapped_key, path.name)


def test_reprs_of_everything_that_holds_a_secret(tmp_path: Path) -> None:
    """As a traceback with the values of local names would print them."""
    key = SM2PrivateKey.from_scalar(SCALAR)
    info = read_private_key_info(key.to_pkcs8())
    store = Keystore(tmp_path, MasterKey(MASTER))
    holders: list[Any] = [
        key,
        key.public_key,
        info,
        read_ec_private_key(info.key_octets),
        software_signer(key, "canary"),
        MasterKey(MASTER),
        store,
        store.import_key("canary", key),
        providers.current(),
        providers.current().sm2,
    ]
    for holder in holders:
        for text in (repr(holder), str(holder), f"{holder}", f"{[holder]!r}"):
            assert_clean(text.encode(), type(holder).__name__)

    def fails(holder: Any) -> None:
        raise ValueError("planted")

    for holder in holders:
        try:
            fails(holder)
        except ValueError as error:
            frames = traceback.TracebackException.from_exception(error, capture_locals=True)
            inner = "".join(f"{name}={value}" for name, value in (frames.stack[-1].locals or {}).items())
            assert "holder=" in inner
            assert_clean(inner.encode(), type(holder).__name__)


def test_only_writing_a_key_gives_it_away() -> None:
    """Of all public names of a private key, one returns its number, and that one is for stores and encrypted files."""
    key = SM2PrivateKey.from_scalar(SCALAR)
    signer = software_signer(key, "canary")
    for holder in (key, signer):
        for name in dir(holder):
            if name.startswith("__") or name in {"_handle", "_provider"}:
                continue
            value = getattr(holder, name)
            assert_clean(repr(value).encode(), f"{type(holder).__name__}.{name}")
            assert not isinstance(value, bytes) or SCALAR not in value
    assert SCALAR in key.to_pkcs8()
    assert SCALAR not in key.to_pkcs8(PASSWORD)
    assert write_private_key(key) == key.to_pkcs8()


def test_keys_of_cryptography_do_not_show_either() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    made = ec.derive_private_key(int.from_bytes(SCALAR, "big"), ec.SECP256R1())
    assert_clean(repr(made).encode(), "repr")
    encoded = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert SCALAR in encoded
    assert isinstance(load_der_private_key(encoded, None), ec.EllipticCurvePrivateKey)
    signer = software_signer(made, "canary")
    assert_clean(repr(signer).encode(), "signer")
    with pytest.raises(TrustError) as caught:
        read_private_key(encoded[:-1])
    assert_clean("".join(traceback.format_exception(caught.value)).encode(), "a traceback")
