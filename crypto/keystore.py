"""A key store of sealed files: for development, demonstrations and small installations. It is not a certified cryptographic module.

One folder, one file per key or secret (see ``sealed_file``), and ``store.json`` that names the master key. Several processes may use
it at once: creating and rotating take a lock on the folder, reading needs none because files are replaced whole.

What the envelope cannot show: that a file is missing, or that the whole folder was put back to an earlier state.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import re
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from crypto import sealed_file
from crypto.durable_files import TEMPORARY_PREFIX, create_file, make_folder, open_or_make, remove_file, replace_file
from crypto.keys import read_private_key, spki_of, write_private_key
from crypto.master_key import MasterKey
from crypto.signatures import SignatureAlgorithm
from crypto.signer import Signer, software_signer
from crypto.sm2 import SM2PrivateKey
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from crypto.devices.signer import Devices
    from crypto.sealed_file import SealedFile
    from crypto.signer import PrivateKey

__all__ = ["KeyInfo", "Keystore", "MasterKey"]

MAX_OPEN_KEYS: Final = 4096  # parsed signers kept in memory, a few kilobytes each
MAX_STORE_FILE_BYTES: Final = 4096
RSA_BITS: Final = 3072  # 128 bits of strength (NIST SP 800-57, 5.6.1)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_STORE: Final = "store.json"
_LOCK: Final = ".lock"
_PREDECESSOR_AAD: Final = b"yinxin key store predecessor of master key "


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What can be said about a key without opening it; proven only when the key is used."""

    key_id: str
    algorithm: SignatureAlgorithm
    created_at: datetime
    public_spki_der: bytes


class Keystore:
    """Keys and secrets in ``folder``, sealed under ``master``. Thread-safe; safe beside other processes on the same folder."""

    def __init__(self, folder: Path, master: MasterKey, *, verify_after_sign: bool = False, devices: Devices | None = None) -> None:
        """Open the store, or make an empty one. A change of master key that was cut off is carried to its end here.

        ``devices``: keys that live elsewhere and are found here by their name as those in the folder are.

        Raises ``KEYSTORE_MASTER_WRONG`` when the store is under another master key (the facts name both), ``KEYSTORE_CHANGED`` when
        ``store.json`` is unreadable or missing beside sealed files.
        """
        self._folder: Final = folder
        self._verify_after_sign: Final = verify_after_sign
        self._guard: Final = threading.Lock()
        self._signers: Final[OrderedDict[str, Signer]] = OrderedDict()
        self._devices: Final = devices
        self._master = master
        self._masters: Final = {master.identity: master}  # with the former ones, for readers that run during a rotation
        make_folder(folder)
        with locked_store(self._folder):
            for suffix in (sealed_file.KEY, sealed_file.SECRET, _STORE.rpartition(".")[2]):
                for stale in folder.glob(f"{TEMPORARY_PREFIX}*.{suffix}-*"):
                    stale.unlink()  # left by a process that was killed while writing; never in use under this lock
            self._finish_rotation(self._read_or_make_store())

    def __repr__(self) -> str:
        return f"Keystore({str(self._folder)!r}, {self._master!r})"

    def create(self, key_id: str, algorithm: SignatureAlgorithm) -> Signer:
        """Generate a key, durable on return. ``KEY_EXISTS`` when there is one of that name."""
        return self.import_key(key_id, _GENERATORS[algorithm](), algorithm=algorithm)

    def import_key(self, key_id: str, private_key: PrivateKey, *, algorithm: SignatureAlgorithm | None = None) -> Signer:
        """Take in a key that was made elsewhere, durable on return. ``KEY_EXISTS``, ``KEY_UNSUPPORTED`` or ``KEY_NAME``."""
        signer = software_signer(private_key, key_id, algorithm=algorithm, verify_after_sign=self._verify_after_sign)
        content = write_private_key(private_key)
        self._write_new(sealed_file.KEY, key_id, signer.algorithm.value, spki_of(private_key), content)
        self._remember(signer)
        return signer

    def signer(self, key_id: str) -> Signer:
        """The signer of a key.

        Raises ``KEY_UNKNOWN``, ``KEYSTORE_FILE_CHANGED`` when its file is not as it was sealed, ``KEYSTORE_MASTER_WRONG`` when another
        process has changed the master key; for a key in a device what the device raises (``DEVICE_*``).
        """
        if self._devices is not None and self._devices.has(key_id):
            return self._devices.signer(key_id)
        with self._guard:
            found = self._signers.get(key_id)
            if found is not None:
                self._signers.move_to_end(key_id)
                return found
        file, private_key = self._open_key(key_id)
        made = software_signer(private_key, key_id, algorithm=_algorithm(file), verify_after_sign=self._verify_after_sign)
        self._remember(made)
        return made

    def device_signer(self, key_id: str) -> Signer:
        """The signer of a key that lives in a device; ``KEY_UNKNOWN`` for every other key, also for those in the folder."""
        if self._devices is None:
            raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=key_id)
        return self._devices.signer(key_id)

    def is_in_device(self, key_id: str) -> bool:
        """Whether a key lives in a device, where nothing here can destroy it."""
        return self._devices is not None and self._devices.has(key_id)

    def decrypt(self, key_id: str, ciphertext_der: bytes) -> bytes:
        """Open an SM2 ciphertext with a stored SM2 key; ``KEY_UNSUPPORTED`` for a key of another kind, ``SM2_DECRYPT_FAILED``."""
        _, private_key = self._open_key(key_id)
        if not isinstance(private_key, SM2PrivateKey):
            raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED", key_id=key_id)
        return private_key.decrypt(ciphertext_der)

    def list(self) -> list[KeyInfo]:
        """Every key, by name; ``KEYSTORE_FILE_CHANGED`` when one of the files is none of ours."""
        files = [self._read(path.stem, sealed_file.KEY) for path in sorted(self._folder.glob("*." + sealed_file.KEY))]
        return [KeyInfo(file.name, _algorithm(file), file.created_at, file.public_spki_der) for file in files]

    def destroy(self, key_id: str) -> None:
        """Remove a key for good, durable on return; ``KEY_UNKNOWN``. Copies in backups are not reached."""
        path = self._path(sealed_file.KEY, key_id)
        with locked_store(self._folder):
            try:
                remove_file(path)
            except FileNotFoundError:
                raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=key_id) from None
        with self._guard:
            self._signers.pop(key_id, None)

    def forget_destroyed(self) -> int:
        """Let go of opened keys that another process has destroyed since; how many. To be called now and then."""
        with self._guard:
            opened = list(self._signers)
        gone = [key_id for key_id in opened if not self._path(sealed_file.KEY, key_id).exists()]
        with self._guard:
            for key_id in gone:
                self._signers.pop(key_id, None)
        return len(gone)

    def seal_secret(self, name: str, content: bytes) -> None:
        """Keep a secret (an HMAC key, a pepper), durable on return. ``KEY_EXISTS`` when there is one of that name."""
        self._write_new(sealed_file.SECRET, name, "", b"", content)

    def open_secret(self, name: str) -> bytes:
        """A secret that was kept; ``KEY_UNKNOWN``, ``KEYSTORE_FILE_CHANGED``, ``KEYSTORE_MASTER_WRONG``."""
        return self._open(self._read(name, sealed_file.SECRET))

    def rotate_master(self, new: MasterKey) -> None:
        """Wrap every data key anew under ``new``. Safe to be killed at any point: opening the store with ``new`` finishes it.

        First the store names ``new``, with the old key sealed under it; then each file is replaced whole; then the old key is
        forgotten. Other processes must be started again with ``new``: those that still have the old key are refused when they write.
        ``KEYSTORE_FILE_CHANGED``, before anything is changed, when one of the files does not open.
        """
        with locked_store(self._folder):
            self._check_master()
            if new == self._master:
                return
            for file in self._sealed_files():
                file.wrapped_anew(self._master, new)  # whatever does not open is found before anything is changed
            sealed = self._master.seal_successor(new, _PREDECESSOR_AAD + new.identity.encode())
            predecessor = {"master": self._master.identity, "sealed": base64.b64encode(sealed).decode()}
            store = {"format": sealed_file.FORMAT, "master": new.identity, "predecessor": predecessor}
            replace_file(self._folder / _STORE, _written(store))
            self._masters[new.identity] = new
            self._master = new
            self._finish_rotation(store)

    def _finish_rotation(self, store: dict[str, Any]) -> None:
        predecessor = store.get("predecessor")
        if predecessor is None:
            return
        try:
            sealed = base64.b64decode(predecessor["sealed"], validate=True)
            old = self._master.open_predecessor(sealed, _PREDECESSOR_AAD + self._master.identity.encode())
        except (TrustError, KeyError, TypeError, binascii.Error):
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_CHANGED", file=_STORE) from None
        for file in self._sealed_files():
            if file.master != self._master.identity:
                replace_file(self._path(file.kind, file.name), file.wrapped_anew(old, self._master).write())
        replace_file(self._folder / _STORE, _written({"format": sealed_file.FORMAT, "master": self._master.identity}))

    def _sealed_files(self) -> Iterator[SealedFile]:
        for kind in (sealed_file.KEY, sealed_file.SECRET):
            for path in sorted(self._folder.glob("*." + kind)):
                yield self._read(path.name.removesuffix("." + kind), kind)

    def _read_or_make_store(self) -> dict[str, Any]:
        path = self._folder / _STORE
        if not path.exists():
            if any(self._folder.glob("*." + sealed_file.KEY)) or any(self._folder.glob("*." + sealed_file.SECRET)):
                raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_CHANGED", file=_STORE)
            create_file(path, _written({"format": sealed_file.FORMAT, "master": self._master.identity}))
        return self._check_master()

    def _check_master(self) -> dict[str, Any]:
        """What ``store.json`` says. KEYSTORE_CHANGED, KEYSTORE_MASTER_WRONG."""
        try:
            content = (self._folder / _STORE).read_bytes()
            store: Any = json.loads(content) if len(content) <= MAX_STORE_FILE_BYTES else None
            named = (store["format"], str(store["master"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            named = (None, "")
        if named[0] != sealed_file.FORMAT:
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_CHANGED", file=_STORE)
        if named[1] != self._master.identity:
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_MASTER_WRONG", expected=named[1], found=self._master.identity)
        return dict(store)

    def _path(self, kind: str, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise TrustError(Kind.UNACCEPTABLE, "KEY_NAME", pattern=_NAME.pattern)
        return self._folder / f"{name}.{kind}"

    def _write_new(self, kind: str, name: str, algorithm: str, public_spki_der: bytes, content: bytes) -> None:
        path = self._path(kind, name)
        if kind == sealed_file.KEY and self._devices is not None and self._devices.has(name):
            raise TrustError(Kind.CONFLICT, "KEY_EXISTS", key_id=name)
        with locked_store(self._folder):
            self._check_master()
            file = sealed_file.seal_file(kind, name, algorithm, public_spki_der, content, self._master)
            try:
                create_file(path, file.write())
            except FileExistsError:
                raise TrustError(Kind.CONFLICT, "KEY_EXISTS", key_id=name) from None

    def _read(self, name: str, kind: str) -> SealedFile:
        try:
            with self._path(kind, name).open("rb") as file:
                data = file.read(sealed_file.MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=name) from None
        return sealed_file.read_sealed_file(data, name, kind)

    def _open(self, file: SealedFile) -> bytes:
        master = self._masters.get(file.master)
        if master is None:
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_MASTER_WRONG", expected=file.master, found=self._master.identity)
        return file.open(master)

    def _open_key(self, key_id: str) -> tuple[SealedFile, PrivateKey]:
        file = self._read(key_id, sealed_file.KEY)
        return file, read_private_key(self._open(file))

    def _remember(self, signer: Signer) -> None:
        with self._guard:
            self._signers[signer.key_id] = signer
            if len(self._signers) > MAX_OPEN_KEYS:
                self._signers.popitem(last=False)


@contextmanager
def locked_store(folder: Path) -> Iterator[None]:
    """One writer on the store in ``folder``, among all processes and threads of the machine; whoever copies it has it whole."""
    descriptor = open_or_make(folder / _LOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def masters_named(folder: Path) -> frozenset[str]:
    """The identities of the master keys that open the store in ``folder``: that which it names and, where a change was cut off, the one before. None
    for what is no store.
    """
    try:
        store: Any = json.loads((folder / _STORE).read_bytes()[: MAX_STORE_FILE_BYTES + 1])
        before = store.get("predecessor")
        return frozenset(str(each["master"]) for each in (store, before) if each is not None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()


def is_master_key(content: bytes, masters: frozenset[str]) -> bool:
    """Whether ``content`` is that of a file with one of these master keys."""
    try:
        return MasterKey.from_text(content.decode("ascii", "replace")).identity in masters
    except TrustError:
        return False


def _written(store: dict[str, Any]) -> bytes:
    return json.dumps(store).encode() + b"\n"


def _algorithm(file: SealedFile) -> SignatureAlgorithm:
    try:
        return SignatureAlgorithm(file.algorithm)
    except ValueError:
        raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_FILE_CHANGED", name=file.name, kind_of_file=file.kind) from None


_GENERATORS: Final[dict[SignatureAlgorithm, Callable[[], PrivateKey]]] = {
    SignatureAlgorithm.SM2_SM3: SM2PrivateKey.generate,
    SignatureAlgorithm.ECDSA_SHA256: lambda: ec.generate_private_key(ec.SECP256R1()),
    SignatureAlgorithm.ECDSA_SHA384: lambda: ec.generate_private_key(ec.SECP384R1()),
    SignatureAlgorithm.ED25519: ed25519.Ed25519PrivateKey.generate,
    SignatureAlgorithm.RSA_SHA256: lambda: rsa.generate_private_key(65537, RSA_BITS),
    SignatureAlgorithm.RSA_PSS_SHA256: lambda: rsa.generate_private_key(65537, RSA_BITS),
}
