"""SM2 keys in a device with the SDF interface (GM/T 0018-2012): open, get the right to a key, export its public half, sign on e.

The device does the curve operation alone: e = SM3(Z_A ‖ M) is computed here with the exported public key (GB/T 32918.2, 6.1).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

from crypto.devices.refusals import SessionLostError, answer_unusable, device_failed, key_unknown, library_unusable, pin_refused
from standards.errors import MalformedError
from standards.gbt32918_sm2 import read_point, write_point, write_signature
from standards.rfc5958_private_keys import write_sm2_spki

if TYPE_CHECKING:
    from crypto.devices.description import DeviceDescription, DeviceKey

_CDEF: Final = """
typedef struct { unsigned int bits; unsigned char x[64]; unsigned char y[64]; } ECCrefPublicKey;
typedef struct { unsigned char r[64]; unsigned char s[64]; } ECCSignature;
int SDF_OpenDevice(void **phDeviceHandle);
int SDF_CloseDevice(void *hDeviceHandle);
int SDF_OpenSession(void *hDeviceHandle, void **phSessionHandle);
int SDF_CloseSession(void *hSessionHandle);
int SDF_GetPrivateKeyAccessRight(void *hSessionHandle, unsigned int uiKeyIndex, unsigned char *pucPassword, unsigned int uiPwdLength);
int SDF_ReleasePrivateKeyAccessRight(void *hSessionHandle, unsigned int uiKeyIndex);
int SDF_ExportSignPublicKey_ECC(void *hSessionHandle, unsigned int uiKeyIndex, ECCrefPublicKey *pucPublicKey);
int SDF_InternalSign_ECC(void *hSessionHandle, unsigned int uiISKIndex, unsigned char *pucData, unsigned int uiDataLength, ECCSignature *pucSignature);
"""
_FUNCTIONS: Final = (
    "SDF_OpenDevice",
    "SDF_CloseDevice",
    "SDF_OpenSession",
    "SDF_CloseSession",
    "SDF_GetPrivateKeyAccessRight",
    "SDF_ReleasePrivateKeyAccessRight",
    "SDF_ExportSignPublicKey_ECC",
    "SDF_InternalSign_ECC",
)
_ffi: Final[Any] = FFI()  # its types stand in C
_ffi.cdef(_CDEF)

_OK: Final = 0
# GM/T 0018 annex A, the base being 0x01000000
_COMMUNICATION_FAILED: Final = 0x01000003
_HARDWARE_FAILED: Final = 0x01000004
_NO_ACCESS: Final = 0x01000007  # SDR_PARDENY: no right to the private key
_KEY_NOT_EXIST: Final = 0x01000008
_DEVICE_LOST: Final = frozenset({_COMMUNICATION_FAILED, _HARDWARE_FAILED})
_LOST: Final = _DEVICE_LOST | {_NO_ACCESS}
_FIELD_BYTES: Final = 64  # of ECCref_MAX_LEN; the value of a 256-bit curve stands at its end
_VALUE_BYTES: Final = 32
_BITS: Final = 256


class _OpenDevice:
    """A device handle with how many sessions are open on it."""

    def __init__(self, handle: Any) -> None:
        self.handle: Final = handle
        self.sessions = 0


class SdfDriver:
    """One device, opened once for all its sessions; one that was lost is opened again with the next session.

    A handle is closed with its last session and never before: another thread may be signing by it.
    """

    def __init__(self, description: DeviceDescription) -> None:
        """Load the library. Raises DEVICE_LIBRARY_UNUSABLE."""
        self.name: Final = description.name
        try:
            self.lib: Final[Any] = _ffi.dlopen(description.library)
        except OSError as error:
            raise library_unusable(self.name, str(error)) from None
        missing = [function for function in _FUNCTIONS if not _has(self.lib, function)]
        if missing:
            raise library_unusable(self.name, "no function " + ", ".join(missing))
        self._guard: Final = threading.Lock()
        self._device: _OpenDevice | None = None
        self._given_up: Final[list[_OpenDevice]] = []

    def open_session(self) -> SdfSession:
        """A new session. Raises DEVICE_FAILED.

        Where the device is lost, or has no session that could be disturbed, it is opened anew, once. Otherwise it may have as many sessions
        as it takes, and the others go on.
        """
        with self._guard:
            code, session = self._try_session()
            if session is None and (code in _DEVICE_LOST or self._device is None or not self._device.sessions):
                self._give_up()
                code, session = self._try_session()
            if session is None:
                raise device_failed(self.name, "SDF_OpenSession", code)
            return session

    def _try_session(self) -> tuple[int, SdfSession | None]:
        if self._device is None:
            self._device = self._open_device()
        found = _ffi.new("void **")
        code = self.lib.SDF_OpenSession(self._device.handle, found)
        if code != _OK:
            return code, None
        self._device.sessions += 1
        return code, SdfSession(self, self._device, found[0])

    def _open_device(self) -> _OpenDevice:
        found = _ffi.new("void **")
        code = self.lib.SDF_OpenDevice(found)
        if code != _OK:
            raise device_failed(self.name, "SDF_OpenDevice", code)
        again = next((device for device in self._given_up if device.handle == found[0]), None)
        if again is not None:  # a library with one handle for everybody
            self._given_up.remove(again)
        return again or _OpenDevice(found[0])

    def _give_up(self) -> None:
        device, self._device = self._device, None
        if device is not None and device.sessions:
            self._given_up.append(device)
        elif device is not None:
            self.lib.SDF_CloseDevice(device.handle)

    def session_ended(self, device: _OpenDevice) -> None:
        """A session of the device was closed; with the last one goes a device that was given up."""
        with self._guard:
            device.sessions -= 1
            if device.sessions == 0 and device in self._given_up:
                self._given_up.remove(device)
                self.lib.SDF_CloseDevice(device.handle)

    def close(self) -> None:
        """Close the device, at once or with the last of its sessions."""
        with self._guard:
            self._give_up()


class SdfSession:
    """One session; it remembers which keys it has the right to."""

    def __init__(self, driver: SdfDriver, device: _OpenDevice, handle: Any) -> None:
        self._driver = driver
        self._device = device
        self._lib = driver.lib
        self._handle = handle
        self._rights: set[int] = set()

    def public_key(self, key: DeviceKey) -> bytes:
        """The public half of the signing key of an index, as SubjectPublicKeyInfo."""
        found = _ffi.new("ECCrefPublicKey *")
        self._check("SDF_ExportSignPublicKey_ECC", self._lib.SDF_ExportSignPublicKey_ECC(self._handle, _index(key), found), key)
        x, y = self._value(found.x, "public key"), self._value(found.y, "public key")
        try:
            point = write_point(x, y)
            read_point(point)
        except MalformedError:
            raise answer_unusable(self._driver.name, "public key") from None
        if found.bits != _BITS:
            raise answer_unusable(self._driver.name, "public key")
        return write_sm2_spki(point)

    def sign(self, key: DeviceKey, data: bytes) -> bytes:
        """DER {r, s} over e."""
        index = _index(key)
        if key.pin and index not in self._rights:
            pin = key.pin.read(self._driver.name)
            try:
                code = self._lib.SDF_GetPrivateKeyAccessRight(self._handle, index, _ffi.from_buffer("unsigned char[]", pin), len(pin))
            finally:
                pin[:] = bytes(len(pin))
            if code in _DEVICE_LOST:
                raise SessionLostError(device_failed(self._driver.name, "SDF_GetPrivateKeyAccessRight", code))
            if code == _KEY_NOT_EXIST:
                raise key_unknown(self._driver.name, key.key_id, f"0x{code:08X}")
            if code != _OK:
                raise pin_refused(self._driver.name, code)
            self._rights.add(index)
        signature = _ffi.new("ECCSignature *")
        self._check("SDF_InternalSign_ECC", self._lib.SDF_InternalSign_ECC(self._handle, index, data, len(data), signature), key)
        return write_signature(self._value(signature.r, "signature"), self._value(signature.s, "signature"))

    def close(self) -> None:
        """Give back the rights and the session; what the device says to that changes nothing."""
        for index in self._rights:
            self._lib.SDF_ReleasePrivateKeyAccessRight(self._handle, index)
        self._rights.clear()
        self._lib.SDF_CloseSession(self._handle)
        self._driver.session_ended(self._device)

    def _check(self, call: str, code: int, key: DeviceKey) -> None:
        if code == _OK:
            return
        failure = device_failed(self._driver.name, call, code)
        if code == _KEY_NOT_EXIST:
            raise key_unknown(self._driver.name, key.key_id, f"0x{code:08X}")
        if code in _LOST:
            raise SessionLostError(failure)
        raise failure

    def _value(self, field: Any, what: str) -> int:
        octets = bytes(_ffi.buffer(field, _FIELD_BYTES))
        if any(octets[: _FIELD_BYTES - _VALUE_BYTES]):
            raise answer_unusable(self._driver.name, what)
        return int.from_bytes(octets, "big")


def _has(lib: Any, function: str) -> bool:
    try:
        return getattr(lib, function) is not None
    except AttributeError:
        return False


def _index(key: DeviceKey) -> int:
    return 0 if key.index is None else key.index
