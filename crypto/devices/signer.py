"""The keys of a deployment's devices by name, each as a :class:`~crypto.signer.Signer`. Devices are opened at the first use of a key."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from crypto import digests
from crypto.devices.description import DeviceKind
from crypto.devices.pkcs11 import Pkcs11Driver, takes_message
from crypto.devices.sdf import SdfDriver
from crypto.devices.sessions import SessionPool
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, digest_oid_of, is_over_digest, verify_signature
from crypto.signer import DIGEST_BYTES
from crypto.sm2 import SM2PublicKey
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.devices.description import Descriptions, DeviceDescription, DeviceKey
    from crypto.devices.sessions import DeviceSession


class _Driver(Protocol):
    def open_session(self) -> DeviceSession: ...

    def close(self) -> None: ...


class DeviceSigner:
    """A key that never leaves its device. Every signature is verified before it is given out (``SIGN_FAULT``)."""

    __slots__ = ("_key", "_pool", "_sm2", "_takes_message", "algorithm", "key_id", "public_spki_der")

    def __init__(self, key: DeviceKey, pool: SessionPool, *, takes_message: bool) -> None:
        """Read the public key from the device. Raises what the device raises (``DEVICE_*``)."""
        self._key: Final = key
        self._pool: Final = pool
        self._takes_message: Final = takes_message
        self.key_id: Final = key.key_id
        self.algorithm: Final = key.algorithm
        self.public_spki_der: Final = pool.run(lambda session: session.public_key(key))
        self._sm2: Final = SM2PublicKey.from_spki(self.public_spki_der) if key.algorithm is SignatureAlgorithm.SM2_SM3 else None

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``. Raises ``DEVICE_*`` and ``SIGN_FAULT``."""
        signature = self._run(message if self._takes_message else self._digest(message))
        check = verify_signature(self.public_spki_der, algorithm_identifier(self.algorithm), message, signature)
        if check is not SignatureCheck.GOOD:
            raise TrustError(Kind.UNAVAILABLE, "SIGN_FAULT", key_id=self.key_id)
        return signature

    def sign_digest(self, digest: bytes) -> bytes:
        """The same over a digest: e for SM2. ``SIGN_DIGEST_IMPOSSIBLE`` where the device wants the message. Raises ``DEVICE_*`` and ``SIGN_FAULT``."""
        if self._takes_message:
            raise TrustError(Kind.UNACCEPTABLE, "SIGN_DIGEST_IMPOSSIBLE", algorithm=self.algorithm.value)
        expected = DIGEST_BYTES[self.algorithm]
        if len(digest) != expected:
            raise TrustError(Kind.UNACCEPTABLE, "SIGN_DIGEST_LENGTH", expected=expected, found=len(digest))
        signature = self._run(digest)
        if not is_over_digest(self.public_spki_der, self.algorithm, digest, signature):
            raise TrustError(Kind.UNAVAILABLE, "SIGN_FAULT", key_id=self.key_id)
        return signature

    def _digest(self, message: bytes) -> bytes:
        return self._sm2.digest(message) if self._sm2 is not None else digests.digest(digest_oid_of(self.algorithm), message)

    def _run(self, data: bytes) -> bytes:
        return self._pool.run(lambda session: session.sign(self._key, data))

    def __repr__(self) -> str:
        return f"DeviceSigner({self.key_id!r}, {self.algorithm.value}, device={self._key.device!r})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a signer is neither copied nor pickled")


class Devices:
    """The devices and keys that a deployment describes."""

    def __init__(self, descriptions: Descriptions) -> None:
        """Opens nothing."""
        self._descriptions: Final = descriptions
        self._guard: Final = threading.Lock()
        self._pools: Final[dict[str, SessionPool]] = {}
        self._drivers: Final[list[_Driver]] = []
        self._signers: Final[dict[str, DeviceSigner]] = {}

    def __repr__(self) -> str:
        return f"Devices({', '.join(sorted(self._descriptions.devices))})"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of the keys, in order."""
        return tuple(sorted(self._descriptions.keys))

    def has(self, key_id: str) -> bool:
        """Whether a key of that name is in one of the devices, as far as the description says."""
        return key_id in self._descriptions.keys

    def signer(self, key_id: str) -> DeviceSigner:
        """The signer of a key. Raises ``KEY_UNKNOWN`` where none is described, and what the device raises."""
        found = self._signers.get(key_id)
        if found is not None:
            return found
        key = self._descriptions.keys.get(key_id)
        if key is None:
            raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=key_id)
        device = self._descriptions.devices[key.device]
        signer = DeviceSigner(key, self._pool(device), takes_message=takes_message(device, key.algorithm))
        self._signers[key_id] = signer
        return signer

    def close(self) -> None:
        """End all sessions that are not in use, and close the devices."""
        with self._guard:
            for pool in self._pools.values():
                pool.close()
            for driver in self._drivers:
                driver.close()
            self._pools.clear()
            self._drivers.clear()
            self._signers.clear()

    def _pool(self, device: DeviceDescription) -> SessionPool:
        with self._guard:
            pool = self._pools.get(device.name)
            if pool is None:
                driver: _Driver = SdfDriver(device) if device.kind is DeviceKind.SDF else Pkcs11Driver(device)
                pool = SessionPool(device.name, driver.open_session, sessions=device.sessions, timeout_seconds=device.timeout_seconds)
                self._drivers.append(driver)
                self._pools[device.name] = pool
            return pool
