"""Compile a software device and load it as the product does; its knobs by ctypes on the same library."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crypto.devices.description import read_descriptions
from crypto.devices.signer import Devices
from tests.optional import need, need_program

if TYPE_CHECKING:
    from collections.abc import Mapping

SDF_PIN = "12345678"
PKCS11_PIN = "1234"
SM2_MECHANISM = 0x80000101  # the number that the software token gives its SM2


class SoftDevice:
    """A library of its own in ``folder``: every test has another key and other knobs."""

    def __init__(self, kind: str, folder: Path) -> None:
        source = Path(__file__).parent / f"soft_{kind}.c"
        self.kind = kind
        self.folder = folder
        self.library = folder / f"soft_{kind}.so"
        compiler = need_program("gcc")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self.library), str(source), "-lcrypto"]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        need("OpenSSL's headers", built.returncode == 0, built.stderr[-300:])
        self.knobs = ctypes.CDLL(str(self.library))

    def set(self, name: str, value: int) -> None:
        self.knobs.soft_set(name.encode(), value)

    @property
    def logins(self) -> int:
        return int(self.knobs.soft_logins())

    def described(self, *, pin: str | None = None, keys: Mapping[str, Any] | None = None, **device: Any) -> dict[str, Any]:
        """What the file of a deployment with this device holds."""
        pin_file = self.folder / "pin"
        pin_file.write_text((pin or (SDF_PIN if self.kind == "sdf" else PKCS11_PIN)) + "\n")
        table: dict[str, Any] = {"kind": self.kind, "library": str(self.library), "timeout_seconds": 5.0} | device
        if self.kind == "sdf":
            named: dict[str, Any] = {"sdf-key": {"device": "soft", "index": 1, "pin_file": str(pin_file)}}
        else:
            table = {"token": "soft token", "pin_file": str(pin_file), "sm2_mechanism": SM2_MECHANISM} | table
            named = {
                "sm2-key": {"device": "soft", "label": "sm2"},
                "ec-key": {"device": "soft", "label": "ec", "algorithm": "ecdsa-sha256"},
                "rsa-key": {"device": "soft", "label": "rsa", "algorithm": "rsa-sha256"},
                "pss-key": {"device": "soft", "label": "rsa", "algorithm": "rsa-pss-sha256"},
            }
        return {"devices": {"soft": table}, "keys": keys or named}

    def open(self, **options: Any) -> Devices:
        return Devices(read_descriptions(self.described(**options)))
