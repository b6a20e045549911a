"""``yinxin init``: keys, authority, settings, tables. Every step looks first whether its result is there, so that it may be killed at
any point and begun again; the marker that makes a folder a deployment is written last.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import idp.service
from crypto.authority import CertificateAuthority, Profile
from crypto.certificate_requests import SubjectRequest
from crypto.certificates import Certificate
from crypto.durable_files import make_folder
from crypto.keystore import Keystore
from crypto.master_key import ENVIRONMENT_VARIABLE, MasterKey
from crypto.signatures import SignatureAlgorithm
from service_kit.audit import Audit, new_writer_id
from service_kit.clock import SystemClock
from service_kit.database import Database, check_database_file, make_database_file
from service_kit.durable_files import PUBLIC_MODE, write_durably
from service_kit.later_keys import record_later_keys
from service_kit.settings import FILE_NAME, load_settings
from standards.errors import Kind, TrustError
from yinxin.assembly import CLOCK_FLOOR_FILE, choose_provider, migrate_all, open_house
from yinxin.deployment import (
    AUDIT_MAC_KEY,
    BLOBS,
    CA,
    FORMAT,
    ISSUING_KEY,
    KEYS,
    LOG,
    LOG_KEY,
    MAC_KEY_BYTES,
    MAKER_KEY,
    MARKER,
    OCSP_KEY,
    PASSPHRASE_VARIABLE,
    ROOT_KEY,
    RUN,
    TSA_KEY,
    Deployment,
    is_complete,
    load_master_key,
    master_key_path,
)
from yinxin.folder_lock import alone_in
from yinxin.later_keys import LATER_KEYS, make_later_keys
from yinxin.pki.actions.issue_certificate import RegisterDesk, issue_certificate
from yinxin.pki.actions.publish_list import renew_list
from yinxin.pki.authorities import ISSUING, MAKER, OCSP, ROOT, TSA, authority_of, load_own_certificate
from yinxin.pki.model import BACKDATED, ROOT_VALIDITY, subject_name
from yinxin.pki.store import newest_of_key

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.signer import Signer
    from service_kit.settings import Settings
    from yinxin.assembly import House

LOCK_FILE: Final = ".init.lock"
ACTOR: Final = "service:init"
DEFAULT_ORGANISATION: Final = "Yinxin"
_CA_KEYS: Final = (ROOT_KEY, ISSUING_KEY, TSA_KEY, OCSP_KEY, LOG_KEY)
_RENEWED: Final = {TSA: Profile.TSA, OCSP: Profile.OCSP_RESPONDER, MAKER: Profile.SEAL_MAKER}
_SECRETS: Final = (AUDIT_MAC_KEY, *idp.service.SECRETS)
"""These and the keys above every finished deployment has had from its beginning, whichever version made it; ``yinxin.later_keys`` has the others."""


def initialise(
    folder: Path, *, organisation: str = DEFAULT_ORGANISATION, settings: dict[str, object] | None = None, base_url: str | None = None
) -> Deployment:
    """Make ``folder`` a deployment, or finish making it; a finished one is left as it is.

    ``settings``: what the new settings file shall say; one that is there stays. ``base_url``: the address that the deployment is to have, None: as the
    settings say. No account and no client comes to be. TrustError INIT_IN_PROGRESS, FOLDER_NOT_EMPTY, CERTIFICATE_NAME_INVALID, INIT_ADDRESS_DIFFERS
    where the settings name another one, and whatever is wrong with master key or settings.
    """
    subject_name("Root", organisation)
    check_usable(folder)
    make_folder(folder)
    with alone_in(folder, LOCK_FILE, code="INIT_IN_PROGRESS"):
        # 1. Settings: written once, then the operator's
        if not (folder / FILE_NAME).exists():
            given = {**(settings or {}), **({} if base_url is None else {"base_url": base_url})}
            # What cannot be one of them is not written: it would stand in the way of the next attempt
            _demand_address(load_settings(folder, os.environ, **given), base_url)
            write_durably(folder / FILE_NAME, settings_text(given).encode())
        loaded = load_settings(folder)
        _demand_address(loaded, base_url)
        is_finished = is_complete(folder)
        if is_finished:
            check_database_file(loaded.database_url)
        choose_provider(loaded)
        # 2. Master key, unless the environment has one; keys and secrets
        if not {ENVIRONMENT_VARIABLE, PASSPHRASE_VARIABLE} & set(os.environ):
            path = master_key_path(folder, os.environ)
            if not path.exists():
                MasterKey.generate().write_file(path, like=folder)
        deployment = Deployment(loaded, Keystore(folder / KEYS, load_master_key(folder)))
        _ensure_keys(deployment, is_finished=is_finished)
        for name in (CA, BLOBS, LOG, RUN):
            make_folder(folder / name)
        # 3. Tables
        make_database_file(loaded.database_url)
        database = Database(loaded.database_url, 2)
        try:
            migrate_all(database)
            make_later_keys(deployment)
            # 4. The authority: each certificate recorded before it is signed, like every later one
            clock = SystemClock(folder / RUN / CLOCK_FLOOR_FILE)
            audit = Audit(database, deployment.keystore.open_secret(AUDIT_MAC_KEY), new_writer_id())
            database.write(lambda connection: record_later_keys(connection, audit, LATER_KEYS, at=clock.now(), actor=ACTOR))
            desk = RegisterDesk(database, audit, clock, folder / CA)
            _ensure_authority(deployment, desk, organisation)
        finally:
            database.close()
        # 5. What each service wants to find at its first request; the first revocation lists
        house = open_house(deployment)
        try:
            idp.service.prepare(house.context)
            for issuer in (ROOT, ISSUING):
                renew_list(house.register, house.authorities.by_name(issuer), issuer, actor=ACTOR)
        finally:
            house.close()
        # 6. Finished
        if not is_complete(folder):
            marker = {"format": FORMAT, "created_at": datetime.now(UTC).isoformat(timespec="seconds"), "organisation": organisation}
            write_durably(folder / MARKER, json.dumps(marker, ensure_ascii=False, indent=2).encode() + b"\n")
    return deployment


def renew_service_certificate(house: House, name: str, *, actor: str) -> Certificate:
    """A new certificate for the key of ``tsa``, ``ocsp`` or ``seal-maker``, with the subject of the present one; running servers see it when restarted."""
    present = house.authorities.certificates[name]
    request = SubjectRequest(present.subject_der, present.spki_der)
    renewed = issue_certificate(house.register, house.authorities.issuing, request, _RENEWED[name], actor=actor)
    _store(house.deployment, name, renewed)
    return renewed


def check_usable(folder: Path) -> None:
    """FOLDER_NOT_EMPTY for a folder that holds something else than a deployment, begun or finished."""
    try:
        names = {each.name for each in folder.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise TrustError(Kind.UNACCEPTABLE, "FOLDER_NOT_EMPTY", dir=str(folder)) from None
    if names and not names & {LOCK_FILE, FILE_NAME, MARKER}:
        raise TrustError(Kind.UNACCEPTABLE, "FOLDER_NOT_EMPTY", dir=str(folder))


def _demand_address(settings: Settings, base_url: str | None) -> None:
    """It goes into certificates: nobody may be mistaken about it. INIT_ADDRESS_DIFFERS."""
    if base_url is not None and settings.base_url != base_url.rstrip("/"):
        raise TrustError(Kind.UNACCEPTABLE, "INIT_ADDRESS_DIFFERS", asked=base_url, settings=settings.base_url)


def settings_text(given: dict[str, object]) -> str:
    """A settings file that says what was given, and names the rest with its defaults as comments."""
    plain = {name: value for name, value in given.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in given.items() if isinstance(value, dict)}
    lines = [
        "# Settings of this deployment. The environment (YINXIN_...) goes before this file; docs/reference/settings.md names every setting."
    ]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in plain.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())]
    lines += [
        "",
        '# services = ["idp", "seal_service"]     which services this process runs; empty: all',
        '# service_urls = ["idp=https://..."]     where the others run',
        '# base_url = "https://trust.example.org" what the world calls this deployment',
        '# trust_path = "trusted.json"           a trust list that counts besides the own root',
        '# database_url = "postgresql://..."      instead of the file beside this one',
    ]
    return "\n".join(lines) + "\n"


def _ensure_keys(deployment: Deployment, *, is_finished: bool) -> None:
    """Make what every deployment has from its beginning. Of a finished one nothing is made anew: another key in its place would hide that one is lost."""
    keystore = deployment.keystore
    present = {key.key_id for key in keystore.list()}
    if is_finished:
        for name in (ROOT, ISSUING, TSA, OCSP):
            load_own_certificate(deployment, name)
    for key_id in _CA_KEYS:
        if key_id not in present:
            if is_finished:
                raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=key_id)
            keystore.create(key_id, SignatureAlgorithm.SM2_SM3)
    for name in _SECRETS:
        try:
            keystore.open_secret(name)
        except TrustError as error:
            if error.code != "KEY_UNKNOWN" or is_finished:
                raise
            keystore.seal_secret(name, secrets.token_bytes(MAC_KEY_BYTES))


def _ensure_authority(deployment: Deployment, desk: RegisterDesk, organisation: str) -> None:
    keystore = deployment.keystore
    if not deployment.certificate_path(ROOT).exists():
        at = desk.clock.now().replace(microsecond=0)
        name = subject_name("Root CA 根证书", organisation)
        root = CertificateAuthority.create_root(
            keystore.signer(ROOT_KEY), name, not_before=at - BACKDATED, not_after=at + ROOT_VALIDITY, path_length=1
        )
        _store(deployment, ROOT, root.certificate)
    root = authority_of(deployment, ROOT, load_own_certificate(deployment, ROOT))
    _ensure_certificate(deployment, desk, root, ISSUING, keystore.signer(ISSUING_KEY), Profile.ISSUING_CA, "Issuing CA 签发", organisation)
    issuing = authority_of(deployment, ISSUING, load_own_certificate(deployment, ISSUING))
    _ensure_certificate(deployment, desk, issuing, TSA, keystore.signer(TSA_KEY), Profile.TSA, "Time-stamps 时间戳", organisation)
    _ensure_certificate(deployment, desk, issuing, OCSP, keystore.signer(OCSP_KEY), Profile.OCSP_RESPONDER, "OCSP 状态查询", organisation)
    maker = keystore.signer(MAKER_KEY)
    # One that came to be later: where a first try was cut off its key may be there without it, and what the register has for that key is it
    with desk.database.read() as connection:
        kept = newest_of_key(connection, maker.public_spki_der)
    if kept is not None and kept.certificate_der is not None and not deployment.certificate_path(MAKER).exists():
        _store(deployment, MAKER, Certificate.from_der(kept.certificate_der))
    _ensure_certificate(deployment, desk, issuing, MAKER, maker, Profile.SEAL_MAKER, "Seal maker 印章制作", organisation)


def _ensure_certificate(
    deployment: Deployment,
    desk: RegisterDesk,
    authority: CertificateAuthority,
    name: str,
    signer: Signer,
    profile: Profile,
    common_name: str,
    organisation: str,
) -> None:
    if deployment.certificate_path(name).exists():
        return
    request = SubjectRequest(subject_name(common_name, organisation), signer.public_spki_der)
    issuer = ROOT if profile is Profile.ISSUING_CA else ISSUING
    _store(deployment, name, issue_certificate(desk, authority, request, profile, issuer=issuer, actor=ACTOR))


def _store(deployment: Deployment, name: str, certificate: Certificate) -> None:
    write_durably(deployment.certificate_path(name), certificate.der, mode=PUBLIC_MODE)
