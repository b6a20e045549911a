"""Keys in a PKCS#11 token (OASIS PKCS #11 2.40): found by label or id, used by C_Sign. SM2 goes by the vendor's own mechanism number.

Calls go through the function list of the library, as the standard wants it; only its first part is described here, up to C_Sign.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

from crypto.devices.description import Sm2Input
from crypto.devices.refusals import SessionLostError, answer_unusable, device_failed, key_unknown, library_unusable, pin_refused
from crypto.devices.values import digest_info, signature_of, spki_of_ec, spki_of_rsa
from crypto.signatures import SignatureAlgorithm

if TYPE_CHECKING:
    from crypto.devices.description import DeviceDescription, DeviceKey

_CDEF: Final = """
typedef unsigned long CK_ULONG;
typedef struct { unsigned char major; unsigned char minor; } CK_VERSION;
typedef struct { CK_ULONG type; void *pValue; CK_ULONG ulValueLen; } CK_ATTRIBUTE;
typedef struct { CK_ULONG mechanism; void *pParameter; CK_ULONG ulParameterLen; } CK_MECHANISM;
typedef struct { CK_ULONG hashAlg; CK_ULONG mgf; CK_ULONG sLen; } CK_RSA_PKCS_PSS_PARAMS;
typedef struct { void *CreateMutex; void *DestroyMutex; void *LockMutex; void *UnlockMutex; CK_ULONG flags; void *pReserved; } CK_C_INITIALIZE_ARGS;
typedef struct {
  unsigned char label[32]; unsigned char manufacturerID[32]; unsigned char model[16]; unsigned char serialNumber[16];
  CK_ULONG flags; CK_ULONG ulMaxSessionCount; CK_ULONG ulSessionCount; CK_ULONG ulMaxRwSessionCount; CK_ULONG ulRwSessionCount;
  CK_ULONG ulMaxPinLen; CK_ULONG ulMinPinLen; CK_ULONG ulTotalPublicMemory; CK_ULONG ulFreePublicMemory; CK_ULONG ulTotalPrivateMemory;
  CK_ULONG ulFreePrivateMemory; CK_VERSION hardwareVersion; CK_VERSION firmwareVersion; unsigned char utcTime[16];
} CK_TOKEN_INFO;
typedef struct {
  CK_VERSION version;
  CK_ULONG (*C_Initialize)(void *args);
  CK_ULONG (*C_Finalize)(void *reserved);
  void *C_GetInfo; void *C_GetFunctionList;
  CK_ULONG (*C_GetSlotList)(unsigned char present, CK_ULONG *slots, CK_ULONG *count);
  void *C_GetSlotInfo;
  CK_ULONG (*C_GetTokenInfo)(CK_ULONG slot, CK_TOKEN_INFO *info);
  void *C_GetMechanismList; void *C_GetMechanismInfo; void *C_InitToken; void *C_InitPIN; void *C_SetPIN;
  CK_ULONG (*C_OpenSession)(CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session);
  CK_ULONG (*C_CloseSession)(CK_ULONG session);
  void *C_CloseAllSessions; void *C_GetSessionInfo; void *C_GetOperationState; void *C_SetOperationState;
  CK_ULONG (*C_Login)(CK_ULONG session, CK_ULONG user, unsigned char *pin, CK_ULONG length);
  void *C_Logout; void *C_CreateObject; void *C_CopyObject; void *C_DestroyObject; void *C_GetObjectSize;
  CK_ULONG (*C_GetAttributeValue)(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *attributes, CK_ULONG count);
  void *C_SetAttributeValue;
  CK_ULONG (*C_FindObjectsInit)(CK_ULONG session, CK_ATTRIBUTE *attributes, CK_ULONG count);
  CK_ULONG (*C_FindObjects)(CK_ULONG session, CK_ULONG *objects, CK_ULONG most, CK_ULONG *count);
  CK_ULONG (*C_FindObjectsFinal)(CK_ULONG session);
  void *C_EncryptInit; void *C_Encrypt; void *C_EncryptUpdate; void *C_EncryptFinal;
  void *C_DecryptInit; void *C_Decrypt; void *C_DecryptUpdate; void *C_DecryptFinal;
  void *C_DigestInit; void *C_Digest; void *C_DigestUpdate; void *C_DigestKey; void *C_DigestFinal;
  CK_ULONG (*C_SignInit)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key);
  CK_ULONG (*C_Sign)(CK_ULONG session, unsigned char *data, CK_ULONG length, unsigned char *signature, CK_ULONG *signature_length);
} CK_FUNCTION_LIST;
CK_ULONG C_GetFunctionList(CK_FUNCTION_LIST **list);
"""
_ffi: Final[Any] = FFI()  # its types stand in C
_ffi.cdef(_CDEF)

_OK: Final = 0
_ALREADY_INITIALIZED: Final = 0x191
_ALREADY_LOGGED_IN: Final = 0x100
_PIN_CODES: Final = frozenset({0xA0, 0xA1, 0xA2, 0xA3, 0xA4})  # incorrect, invalid, length, expired, locked
# device error, memory, removed; key handle gone; session closed, invalid; token gone; not logged in
_LOST: Final = frozenset({0x30, 0x31, 0x32, 0x60, 0xB0, 0xB3, 0xE0, 0x101})
_OS_LOCKING: Final = 0x2
_SERIAL_SESSION: Final = 0x4
_USER: Final = 1
_CLASS, _LABEL, _ID, _MODULUS, _EXPONENT, _EC_PARAMS, _EC_POINT = 0x0, 0x3, 0x102, 0x120, 0x122, 0x180, 0x181
_PUBLIC, _PRIVATE = 2, 3
_CKM_RSA_PKCS, _CKM_RSA_PSS, _CKM_ECDSA = 0x1, 0xD, 0x1041
_CKM_SHA256, _MGF1_SHA256 = 0x250, 0x2
_SLOTS_MAX: Final = 1024
_ATTRIBUTE_BYTES_MAX: Final = 8192
_SIGNATURE_BYTES_MAX: Final = 2048
_DIGEST_BYTES: Final = 32


class Pkcs11Driver:
    """One token of one library. The library is initialised once per process, however many tokens of it are used."""

    def __init__(self, description: DeviceDescription) -> None:
        """Load and initialise the library. Raises DEVICE_LIBRARY_UNUSABLE, DEVICE_FAILED."""
        self.name: Final = description.name
        self.description: Final = description
        try:
            self._library: Final[Any] = _ffi.dlopen(description.library)
            get_list = self._library.C_GetFunctionList
        except (OSError, AttributeError) as error:
            raise library_unusable(self.name, str(error)) from None
        listed = _ffi.new("CK_FUNCTION_LIST **")
        self.check("C_GetFunctionList", get_list(listed))
        if listed[0] == _ffi.NULL:
            raise library_unusable(self.name, "no function list")
        self.calls: Final[Any] = listed[0]
        arguments = _ffi.new("CK_C_INITIALIZE_ARGS *")
        arguments.flags = _OS_LOCKING
        code = self.calls.C_Initialize(arguments)
        if code != _ALREADY_INITIALIZED:
            self.check("C_Initialize", code)
        self._login: Final = threading.Lock()

    def open_session(self) -> Pkcs11Session:
        """A new session, logged in where the device has a PIN."""
        handle = _ffi.new("CK_ULONG *")
        self.check("C_OpenSession", self.calls.C_OpenSession(self._slot(), _SERIAL_SESSION, _ffi.NULL, _ffi.NULL, handle))
        try:
            if self.description.pin:
                self._log_in(handle[0])
        except BaseException:  # the edge of the call: whatever ends it, the session does not stay behind
            self.calls.C_CloseSession(handle[0])
            raise
        return Pkcs11Session(self, handle[0])

    def _log_in(self, session: int) -> None:
        with self._login:  # all sessions share one login: two threads must not send the PIN at once
            pin = self.description.pin.read(self.name)
            try:
                code = self.calls.C_Login(session, _USER, _ffi.from_buffer("unsigned char[]", pin), len(pin))
            finally:
                pin[:] = bytes(len(pin))
        if code in _PIN_CODES:
            raise pin_refused(self.name, code)
        if code != _ALREADY_LOGGED_IN:
            self.check("C_Login", code)

    def _slot(self) -> int:
        """The slot that is stated, or the one whose token has the stated label, or the only one with a token."""
        if self.description.slot is not None:
            return self.description.slot
        slots, count = _ffi.new("CK_ULONG[]", _SLOTS_MAX), _ffi.new("CK_ULONG *", _SLOTS_MAX)
        self.check("C_GetSlotList", self.calls.C_GetSlotList(1, slots, count))
        present = [int(slots[index]) for index in range(min(count[0], _SLOTS_MAX))]
        if self.description.token is not None:
            present = [slot for slot in present if self._label(slot) == self.description.token]
        if len(present) != 1:
            raise library_unusable(self.name, f"{len(present)} tokens fit; state token or slot")
        return present[0]

    def _label(self, slot: int) -> str:
        info = _ffi.new("CK_TOKEN_INFO *")
        self.check("C_GetTokenInfo", self.calls.C_GetTokenInfo(slot, info))
        return bytes(_ffi.buffer(info.label, 32)).decode("utf-8", "replace").rstrip(" \0")

    def close(self) -> None:
        """Nothing: another token of the same library may be in use, and the process's end finalises it."""

    def check(self, call: str, code: int) -> None:
        """Raise what a return code means, if it is not success."""
        if code == _OK:
            return
        failure = device_failed(self.name, call, code)
        raise SessionLostError(failure) if code in _LOST else failure


class Pkcs11Session:
    """One session; it remembers the handles of the keys it has found."""

    def __init__(self, driver: Pkcs11Driver, handle: int) -> None:
        self._driver = driver
        self._calls = driver.calls
        self._handle = handle
        self._found: dict[tuple[str, int], int] = {}

    def public_key(self, key: DeviceKey) -> bytes:
        """SubjectPublicKeyInfo from the attributes of the public key object."""
        public = self._find(key, _PUBLIC)
        if key.algorithm in {SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.RSA_PSS_SHA256}:
            encoded = spki_of_rsa(self._attribute(public, _MODULUS), self._attribute(public, _EXPONENT))
        else:
            encoded = spki_of_ec(key.algorithm, self._attribute(public, _EC_PARAMS), self._attribute(public, _EC_POINT))
        if encoded is None:
            raise answer_unusable(self._driver.name, "public key")
        return encoded

    def sign(self, key: DeviceKey, data: bytes) -> bytes:
        """The signature as X.509 carries it; ``data`` is the message or its digest, as the mechanism wants it."""
        mechanism = _ffi.new("CK_MECHANISM *")
        parameters: Any = None
        if key.algorithm is SignatureAlgorithm.SM2_SM3:
            mechanism.mechanism = self._driver.description.sm2_mechanism or 0
        elif key.algorithm is SignatureAlgorithm.RSA_SHA256:
            mechanism.mechanism = _CKM_RSA_PKCS
            data = digest_info(data)
        elif key.algorithm is SignatureAlgorithm.RSA_PSS_SHA256:
            parameters = _ffi.new("CK_RSA_PKCS_PSS_PARAMS *", (_CKM_SHA256, _MGF1_SHA256, _DIGEST_BYTES))
            mechanism.mechanism = _CKM_RSA_PSS
            mechanism.pParameter, mechanism.ulParameterLen = parameters, _ffi.sizeof("CK_RSA_PKCS_PSS_PARAMS")
        else:
            mechanism.mechanism = _CKM_ECDSA
        self._driver.check("C_SignInit", self._calls.C_SignInit(self._handle, mechanism, self._find(key, _PRIVATE)))
        out, size = _ffi.new("unsigned char[]", _SIGNATURE_BYTES_MAX), _ffi.new("CK_ULONG *", _SIGNATURE_BYTES_MAX)
        self._driver.check("C_Sign", self._calls.C_Sign(self._handle, data, len(data), out, size))
        value = signature_of(key.algorithm, bytes(_ffi.buffer(out, min(size[0], _SIGNATURE_BYTES_MAX))))
        if value is None:
            raise answer_unusable(self._driver.name, "signature")
        return value

    def close(self) -> None:
        """Close the session; what the token says to that changes nothing."""
        self._found.clear()
        self._calls.C_CloseSession(self._handle)

    def _find(self, key: DeviceKey, kind: int) -> int:
        known = self._found.get((key.key_id, kind))
        if known is not None:
            return known
        kind_value = _ffi.new("CK_ULONG *", kind)
        wanted = [(_CLASS, _ffi.cast("void *", kind_value), _ffi.sizeof("CK_ULONG"))]
        kept = [kind_value]
        for number, value in ((_LABEL, None if key.label is None else key.label.encode()), (_ID, key.object_id)):
            if value is not None:
                kept.append(held := _ffi.new("unsigned char[]", value))
                wanted.append((number, held, len(value)))
        template = _ffi.new("CK_ATTRIBUTE[]", len(wanted))
        for index, (number, pointer, length) in enumerate(wanted):
            template[index].type, template[index].pValue, template[index].ulValueLen = number, pointer, length
        objects, count = _ffi.new("CK_ULONG[2]"), _ffi.new("CK_ULONG *")
        self._driver.check("C_FindObjectsInit", self._calls.C_FindObjectsInit(self._handle, template, len(wanted)))
        try:
            self._driver.check("C_FindObjects", self._calls.C_FindObjects(self._handle, objects, 2, count))
        finally:
            self._calls.C_FindObjectsFinal(self._handle)
        if count[0] != 1:
            what = "public" if kind == _PUBLIC else "private"
            raise key_unknown(self._driver.name, key.key_id, f"{count[0]} {what} key objects fit")
        self._found[key.key_id, kind] = int(objects[0])
        return int(objects[0])

    def _attribute(self, handle: int, number: int) -> bytes:
        buffer = _ffi.new("unsigned char[]", _ATTRIBUTE_BYTES_MAX)
        attribute = _ffi.new("CK_ATTRIBUTE *")
        attribute.type, attribute.pValue, attribute.ulValueLen = number, buffer, _ATTRIBUTE_BYTES_MAX
        self._driver.check("C_GetAttributeValue", self._calls.C_GetAttributeValue(self._handle, handle, attribute, 1))
        if attribute.ulValueLen > _ATTRIBUTE_BYTES_MAX:
            raise answer_unusable(self._driver.name, "public key")
        return bytes(_ffi.buffer(buffer, attribute.ulValueLen))


def takes_message(description: DeviceDescription, algorithm: SignatureAlgorithm) -> bool:
    """Whether the device hashes by itself."""
    return algorithm is SignatureAlgorithm.SM2_SM3 and description.sm2_input is Sm2Input.MESSAGE
