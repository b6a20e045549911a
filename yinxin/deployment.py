"""The folder of one deployment, and how it is opened.

settings.toml     what the operator may change
devices.toml      cryptographic devices and the keys in them, where there are any
master.key        opens keys/ (0600); may live elsewhere, or not at all (environment, passphrase): never inside keys/
master.salt       only with a passphrase; not secret, but needed
keys/             private keys and secrets, each sealed under the master key
ca/               certificates of the built-in authority: root, issuing, time-stamps, OCSP
blobs/            documents, content-addressed
log/              tiles and checkpoint of the audit log, static files
licences/         tiles and checkpoints of the public licence log, static files
run/              marks of living processes, floor of the clock
yinxin.sqlite3    the database, where no other is set
deployment.json   written last by ``init``: what has none is not finished and is not served
"""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.devices.description import load_descriptions
from crypto.devices.signer import Devices
from crypto.keystore import Keystore
from crypto.master_key import ENVIRONMENT_VARIABLE, MasterKey
from service_kit.database import check_database_file
from service_kit.settings import Settings, load_settings
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 1
MARKER: Final = "deployment.json"
MASTER_KEY_FILE: Final = "master.key"
MASTER_SALT_FILE: Final = "master.salt"
KEYS: Final = "keys"
CA: Final = "ca"
BLOBS: Final = "blobs"
LOG: Final = "log"
LOG_NAME: Final = "audit"  # of the log in that folder, as its row in the database has it
RUN: Final = "run"

KEY_FILE_VARIABLE: Final = "YINXIN_MASTER_KEY_FILE"
PASSPHRASE_VARIABLE: Final = "YINXIN_MASTER_KEY_PASSPHRASE"  # noqa: S105 - a name

ROOT_KEY: Final = "ca-root"
ISSUING_KEY: Final = "ca-issuing"
TSA_KEY: Final = "tsa"
OCSP_KEY: Final = "ocsp"
MAKER_KEY: Final = "seal-maker"
LOG_KEY: Final = "log-checkpoint"
AUDIT_MAC_KEY: Final = "audit-mac"
WEBHOOK_SECRETS_KEY: Final = "webhook-secrets"  # seals the secrets of webhook endpoints
WEBHOOK_KEY: Final = "webhooks"  # SM2, signs webhook messages
MAC_KEY_BYTES: Final = 32
MARKER_BYTES_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Deployment:
    """An opened deployment."""

    settings: Settings
    keystore: Keystore

    @property
    def dir(self) -> Path:
        """Its folder."""
        return self.settings.dir

    def certificate_path(self, name: str) -> Path:
        """Where the certificate ``name`` (root, issuing, tsa, ocsp) lies, DER."""
        return self.dir / CA / f"{name}.cer"


def master_key_path(folder: Path, environment: Mapping[str, str]) -> Path:
    """The file of the master key, by the environment or beside the settings. Never a path inside the folder of the keys it opens."""
    given = environment.get(KEY_FILE_VARIABLE)
    path = folder / MASTER_KEY_FILE if not given else folder / given
    if path.resolve().is_relative_to((folder / KEYS).resolve()):
        raise TrustError(Kind.UNACCEPTABLE, "MASTER_KEY_INSIDE_STORE", path=str(path))
    return path


def load_master_key(folder: Path, environment: Mapping[str, str] | None = None) -> MasterKey:
    """The master key from the environment, a passphrase, or its file, in this order. From here on this process and those it starts leave no core
    file when they crash: it would hold the key, and every key that was opened with it.

    TrustError MASTER_KEY_MISSING, MASTER_KEY_EXPOSED, MASTER_KEY_MALFORMED, MASTER_KEY_INSIDE_STORE, PASSPHRASE_TOO_SHORT.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    variables = os.environ if environment is None else environment
    if ENVIRONMENT_VARIABLE in variables:
        return MasterKey.from_environment()
    passphrase = variables.get(PASSPHRASE_VARIABLE)
    if passphrase is not None:
        return MasterKey.from_passphrase(passphrase, folder / MASTER_SALT_FILE)
    return MasterKey.from_file(master_key_path(folder, variables))


def is_complete(folder: Path) -> bool:
    """Whether ``init`` has finished there, with this program or one that laid out the folder in the same way."""
    try:
        with (folder / MARKER).open("rb") as file:
            marker = json.loads(file.read(MARKER_BYTES_MAX))
    except (OSError, ValueError):
        return False
    return isinstance(marker, dict) and marker.get("format") == FORMAT


def open_deployment(folder: Path) -> Deployment:
    """Open a finished deployment.

    TrustError DEPLOYMENT_MISSING, DATABASE_UNAVAILABLE (its file is gone: an empty one in its place would forget every seal, client and
    audit entry), whatever is wrong with settings or master key, KEYSTORE_MASTER_WRONG.
    """
    if not is_complete(folder):
        raise TrustError(Kind.UNACCEPTABLE, "DEPLOYMENT_MISSING", dir=str(folder))
    settings = load_settings(folder)
    check_database_file(settings.database_url)
    descriptions = load_descriptions(folder / settings.devices)
    devices = Devices(descriptions) if descriptions.keys else None
    return Deployment(settings, Keystore(folder / KEYS, load_master_key(folder), devices=devices))
