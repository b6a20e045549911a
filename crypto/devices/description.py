"""``devices.toml``: which devices a deployment has, and which keys in them it uses under which names.

    [devices.hsm]
    kind = "sdf"                                  # or "pkcs11"
    library = "/opt/vendor/libsdf.so"
    sessions = 4
    timeout_seconds = 5.0

    [keys.finance-seal]
    device = "hsm"
    algorithm = "sm2-sm3"
    index = 3                                     # sdf; with pkcs11: label = "..." or id = "hex"
    pin_file = "/run/credentials/finance-seal"    # or pin_environment = "NAME"; with pkcs11 the PIN belongs to the device

No PIN stands in the file: it names where the PIN is read from, at each login.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crypto.devices.refusals import description_bad, pin_missing
from crypto.signatures import SignatureAlgorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = TypeVar("Choice", bound=StrEnum)

SESSIONS_MAX: Final = 256
TIMEOUT_SECONDS_MAX: Final = 60.0
FILE_BYTES_MAX: Final = 256 * 1024
PIN_BYTES_MAX: Final = 256
INDEX_MAX: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # as the names of stored keys, and as long as a row holds
_ULONG_MAX: Final = 0xFFFFFFFF


class DeviceKind(StrEnum):
    """Which interface a device has."""

    SDF = "sdf"
    PKCS11 = "pkcs11"


class Sm2Input(StrEnum):
    """What the vendor's SM2 mechanism of a PKCS#11 token takes."""

    DIGEST = "digest"  # e = SM3(Z_A ‖ M), 32 bytes: the curve operation only
    MESSAGE = "message"  # M itself: the token hashes, with the default identity


@dataclass(frozen=True, slots=True)
class PinSource:
    """Where a PIN is read from, at each login. Both empty: there is none."""

    file: str = ""
    environment: str = ""

    def read(self, device: str) -> bytearray:
        """The PIN, to be cleared by the caller. Raises DEVICE_PIN_MISSING."""
        if self.environment:
            pin = bytearray(os.environ.get(self.environment, "").encode())
        else:
            try:
                with Path(self.file).open("rb") as source:
                    pin = bytearray(source.read(PIN_BYTES_MAX + 1).strip(b"\r\n"))
            except OSError:
                raise pin_missing(device, "pin_file") from None
        if not 0 < len(pin) <= PIN_BYTES_MAX:
            raise pin_missing(device, "pin_environment" if self.environment else "pin_file")
        return pin

    def __bool__(self) -> bool:
        return bool(self.file or self.environment)


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """One device. ``slot`` or ``token`` (its label) choose the token of a PKCS#11 library; ``sm2_mechanism`` is the vendor's CKM number."""

    name: str
    kind: DeviceKind
    library: str
    sessions: int = 4
    timeout_seconds: float = 5.0
    pin: PinSource = PinSource()
    slot: int | None = None
    token: str | None = None
    sm2_mechanism: int | None = None
    sm2_input: Sm2Input = Sm2Input.DIGEST


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """One key in a device. ``index`` names it in an SDF device, ``label`` or ``object_id`` in a PKCS#11 token."""

    key_id: str
    device: str
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3
    index: int | None = None
    label: str | None = None
    object_id: bytes | None = None
    pin: PinSource = PinSource()


@dataclass(frozen=True, slots=True)
class Descriptions:
    """Everything in the file, by name."""

    devices: Mapping[str, DeviceDescription]
    keys: Mapping[str, DeviceKey]


def load_descriptions(path: Path) -> Descriptions:
    """Read the file; one that is not there describes nothing. Raises DEVICE_DESCRIPTION_BAD."""
    if not path.exists():
        return Descriptions({}, {})
    try:
        with path.open("rb") as source:
            content = source.read(FILE_BYTES_MAX + 1)
        top = tomllib.loads(content.decode("utf-8")) if len(content) <= FILE_BYTES_MAX else None
    except (OSError, ValueError):
        top = None
    if top is None:
        raise description_bad(path.name, f"readable TOML of at most {FILE_BYTES_MAX} bytes")
    return read_descriptions(top)


def read_descriptions(top: Mapping[str, Any]) -> Descriptions:
    """The same from what the file holds."""
    _known(top, {"devices", "keys"}, "file")
    devices = {name: _device(name, _table(table, f"devices.{name}")) for name, table in _table(top.get("devices", {}), "devices").items()}
    keys = {name: _key(name, _table(table, f"keys.{name}"), devices) for name, table in _table(top.get("keys", {}), "keys").items()}
    return Descriptions(devices, keys)


def _device(name: str, given: Mapping[str, Any]) -> DeviceDescription:
    where = f"devices.{name}"
    _known(given, {field.name for field in fields(DeviceDescription)} - {"name", "pin"} | {"pin_file", "pin_environment"}, where)
    kind = _one_of(DeviceKind, given.get("kind"), f"{where}.kind")
    if _NAME.fullmatch(name) is None:
        raise description_bad("devices", f"names of the form {_NAME.pattern}")
    if kind is DeviceKind.SDF and {"slot", "token", "sm2_mechanism", "sm2_input"} & given.keys():
        raise description_bad(where, "slot, token, sm2_mechanism and sm2_input belong to pkcs11")
    if "slot" in given and "token" in given:
        raise description_bad(where, "slot or token, not both")
    return DeviceDescription(
        name=name,
        kind=kind,
        library=_text(given.get("library"), f"{where}.library"),
        sessions=_number(given.get("sessions", 4), 1, SESSIONS_MAX, f"{where}.sessions"),
        timeout_seconds=_seconds(given.get("timeout_seconds", 5.0), f"{where}.timeout_seconds"),
        pin=_pin(given, where),
        slot=None if "slot" not in given else _number(given["slot"], 0, _ULONG_MAX, f"{where}.slot"),
        token=None if "token" not in given else _text(given["token"], f"{where}.token"),
        sm2_mechanism=None if "sm2_mechanism" not in given else _number(given["sm2_mechanism"], 0, _ULONG_MAX, f"{where}.sm2_mechanism"),
        sm2_input=_one_of(Sm2Input, given.get("sm2_input", "digest"), f"{where}.sm2_input"),
    )


def _key(name: str, given: Mapping[str, Any], devices: Mapping[str, DeviceDescription]) -> DeviceKey:
    where = f"keys.{name}"
    _known(given, {"device", "algorithm", "index", "label", "id", "pin_file", "pin_environment"}, where)
    device = devices.get(_text(given.get("device"), f"{where}.device"))
    if _NAME.fullmatch(name) is None:
        raise description_bad("keys", f"names of the form {_NAME.pattern}")
    if device is None:
        raise description_bad(f"{where}.device", "one of the devices of this file")
    algorithm = _one_of(SignatureAlgorithm, given.get("algorithm", SignatureAlgorithm.SM2_SM3), f"{where}.algorithm")
    is_sdf = device.kind is DeviceKind.SDF
    if is_sdf and ("index" not in given or {"label", "id"} & given.keys()):
        raise description_bad(where, "a key of an sdf device has an index, and neither label nor id")
    if not is_sdf and ("index" in given or not {"label", "id"} & given.keys() or _pin(given, where)):
        raise description_bad(where, "a key of a pkcs11 token has label or id, no index, and the PIN of its device")
    if is_sdf and algorithm is not SignatureAlgorithm.SM2_SM3:
        raise description_bad(f"{where}.algorithm", "sm2-sm3 on an sdf device")
    if algorithm is SignatureAlgorithm.ED25519:
        raise description_bad(f"{where}.algorithm", "sm2-sm3, ecdsa or rsa")
    if not is_sdf and algorithm is SignatureAlgorithm.SM2_SM3 and device.sm2_mechanism is None:
        raise description_bad(f"devices.{device.name}.sm2_mechanism", "the vendor's number, where a key is of SM2")
    try:
        object_id = bytes.fromhex(_text(given["id"], f"{where}.id")) if "id" in given else None
    except ValueError:
        raise description_bad(f"{where}.id", "hex digits") from None
    return DeviceKey(
        key_id=name,
        device=device.name,
        algorithm=algorithm,
        index=None if "index" not in given else _number(given["index"], 0, INDEX_MAX, f"{where}.index"),
        label=None if "label" not in given else _text(given["label"], f"{where}.label"),
        object_id=object_id,
        pin=_pin(given, where),
    )


def _known(given: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = given.keys() - names
    if unknown:
        raise description_bad(where, f"no entry {min(unknown)[:64]}")


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise description_bad(where, "a table")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 1024:
        raise description_bad(where, "a text")
    return value


def _number(value: Any, low: int, high: int, where: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise description_bad(where, f"{low} to {high}")
    return value


def _seconds(value: Any, where: str) -> float:
    if type(value) not in {int, float} or not 0 < value <= TIMEOUT_SECONDS_MAX:
        raise description_bad(where, f"above 0, at most {TIMEOUT_SECONDS_MAX} seconds")
    return float(value)


def _one_of(kinds: type[Choice], value: Any, where: str) -> Choice:
    try:
        return kinds(value)
    except ValueError:
        raise description_bad(where, " | ".join(kinds)) from None


def _pin(given: Mapping[str, Any], where: str) -> PinSource:
    if "pin_file" in given and "pin_environment" in given:
        raise description_bad(where, "pin_file or pin_environment, not both")
    file, environment = given.get("pin_file", ""), given.get("pin_environment", "")
    if not isinstance(file, str) or not isinstance(environment, str):
        raise description_bad(where, "pin_file and pin_environment are texts")
    return PinSource(file, environment)
