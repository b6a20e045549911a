"""Make a folder the demonstration deployment: authority, client, seal, a sealed document and a forged copy.

Every step looks first whether its result is there and still good, so that it may be killed at any point and begun again, and a second
run gives the same answer. What expires (revocation lists, the trust list) is made anew.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import idp.service
from crypto.durable_files import make_folder
from crypto.report import Verdict
from crypto.trust_list import write_trust_list
from idp.actions.find_accounts import find_account, was_ever_agent
from idp.actions.find_clients import find_client
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.rotate_secret import rotate_secret
from idp.actions.set_credentials import set_password
from idp.actions.set_registration import set_registration
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.model.registrations import CODE, REFRESH, Registration
from seal_service.actions.find_seals import list_seals
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.limits import PAGE_SIZE_MAX
from seal_service.model import SCOPE_READ, USABLE, Seal
from seal_service.verify import verify_file
from service_kit.callers import Caller
from service_kit.durable_files import PUBLIC_MODE, write_durably
from standards.errors import Kind, TrustError
from yinxin import links
from yinxin.assembly import code_older_rows, migrate_all, open_house
from yinxin.demo import samples
from yinxin.demo.document import ORGANISATION, SEAL_KEYWORD, draw_document
from yinxin.demo.forgery import forge_amount
from yinxin.demo.licences import ensure_licences
from yinxin.demo.messages import TEXTS
from yinxin.demo.story import EXPIRED, Setting, tell_story
from yinxin.deployment import is_complete, open_deployment
from yinxin.folder_lock import alone_in
from yinxin.initialise import initialise
from yinxin.offline_verifier.build import build_verifier
from yinxin.offline_verifier.open_bundles import open_bundles
from yinxin.pki.actions.publish_list import renew_list
from yinxin.pki.authorities import ISSUING, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from service_kit.composition import ServiceContext
    from yinxin.assembly import House
    from yinxin.demo.people import DemoPerson

CREDIT_CODE: Final = "12990000YX0000008K"  # invented: division 990000 does not exist
PURPOSE: Final = "演示专用章"
CLIENT_ID: Final = "demo-portal"
CLIENT_NAME: Final = "Demonstration portal 演示门户"
CLIENT_FILE: Final = "demo-client.json"
RP_CLIENT_ID: Final = "demo-department"
RP_CLIENT_NAME: Final = "Demonstration department system 演示部门系统"
RP_CLIENT_FILE: Final = "demo-department.json"
RP_REDIRECT_URI: Final = "http://127.0.0.1:9401/cb"  # where no one listens unless the reader starts something there
RP_AFTER_LOGOUT: Final = "http://127.0.0.1:9401/"
PERSON_LOGIN: Final = "demo"
PERSON_NAME: Final = "演示用户"  # invented
PERSON_LEVEL: Final = 3
PERSON_FILE: Final = "demo-person.json"
LOCK_FILE: Final = "demo.lock"
FOLDER: Final = "demo"
ACTOR: Final = "operator:demo"
CONSOLE_PATH: Final = "/console"
VERIFY_PATH: Final = "/v"
SAMPLE: Final = "#sample-"  # how an address of that page names one of the demonstration's files
OFFLINE_VERIFIER: Final = "yinxin-verifier.html"
TRUST_BUNDLE: Final = "trust-bundle.json"
LOOPBACK: Final = ["127.0.0.0/8", "::1/128"]  # a demonstration reaches nothing but its own machine
CATALOGUE: Final = TEXTS  # importing them enters them into the error catalogue


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration consists of; paths are absolute. Exactly what ``yinxin demo --json`` prints."""

    dir: str
    base_url: str
    trust: str
    original_pdf: str
    sealed_pdf: str
    forged_pdf: str
    licence_pdf: str
    licence_ofd: str
    revoked_licence_pdf: str
    licence_number: str
    seal_id: str
    client_id: str
    client_secret: str
    demo_user: str
    demo_password: str
    issuer: str
    rp_client_id: str
    rp_client_secret: str
    rp_redirect_uri: str
    upstream_simulator_url: str
    console_url: str
    verify_url: str
    offline_verifier: str
    trust_bundle: str
    expired_licence_pdf: str
    accounts: tuple[DemoPerson, ...]


def prepare_demo(folder: Path, settings: dict[str, object] | None = None, *, is_small: bool = False) -> Demo:
    """Make what is missing and say what there is. ``settings``: for the settings file of a new deployment. ``is_small``: without the people,
    seals and licences that only fill its pages.

    Raises TrustError DEMO_FOLDER_TAKEN for a deployment that is not a demonstration, DEMO_IN_PROGRESS, and what the steps raise.
    """
    folder = folder.resolve()
    # 1. The deployment, marked as a demonstration. One that is real stays untouched.
    if is_complete(folder):
        if not open_deployment(folder).settings.demo:
            raise TrustError(Kind.UNACCEPTABLE, "DEMO_FOLDER_TAKEN", dir=str(folder))
    else:
        initialise(folder, organisation=ORGANISATION, settings={"outbound": {"networks": LOOPBACK}, **(settings or {}), "demo": True})
    with alone_in(folder, LOCK_FILE, code="DEMO_IN_PROGRESS"):
        house = open_house(open_deployment(folder))
        try:
            context = house.context
            migrate_all(context.database)
            code_older_rows(context)
            _renew_lists(house)
            sweep_intents(context)

            # 2. A client that may do everything here, and one that signs people in; their secrets kept for the next run.
            client_id, client_secret = _ensure_client(
                context, folder / CLIENT_FILE, CLIENT_ID, CLIENT_NAME, tuple(sorted(links.known_scopes()))
            )

            rp_secret = _ensure_department(context, folder / RP_CLIENT_FILE)

            # 3. A person who does not exist either, as agent of that organisation; the password is kept for the next run.
            demo_password = _ensure_person(context, folder / PERSON_FILE)

            # 4. A seal of an organisation that does not exist.
            caller = Caller(client_id, client_id, frozenset(links.known_scopes()))
            seal = _ensure_seal(context, caller)

            # 5. A document, sealed through the same action as over HTTP, and a forged copy.
            make_folder(folder / FOLDER)
            paths = {name: folder / FOLDER / f"{name}.pdf" for name in ("original", "sealed", "forged")}
            _ensure_documents(context, caller, seal, paths)

            to_freeze = samples.seal_to_freeze(context, caller, folder / FOLDER, organisation=ORGANISATION, credit_code=CREDIT_CODE)

            # 6. Licences, sealed with that seal and entered into the public log.
            licences, knowledge = ensure_licences(
                context, caller, seal, folder / FOLDER, organisation=ORGANISATION, credit_code=CREDIT_CODE
            )

            samples.write_code(context, folder / FOLDER)
            if to_freeze is not None:
                samples.freeze(context, caller, to_freeze, folder / FOLDER)

            # 7. People, further seals and licences, and what was done with them: so that every page has something to show.
            setting = Setting(folder, folder / FOLDER, caller, RP_CLIENT_ID, CREDIT_CODE, paths["original"].read_bytes())
            accounts = () if is_small else tell_story(house, setting)
            expired = folder / FOLDER / EXPIRED

            # 8. Whom to trust: the demonstration's own authority and log, with its revocation and status lists of today.
            trust_path = folder / FOLDER / "trust.json"
            known = context.trust().joined_with(knowledge)
            trust = write_trust_list(known, name=f"Yinxin demonstration: {ORGANISATION}", issued_at=context.clock.now())
            write_durably(trust_path, trust, mode=PUBLIC_MODE)
            write_durably(folder / FOLDER / TRUST_BUNDLE, open_bundles(context).current(), mode=PUBLIC_MODE)
            write_durably(folder / FOLDER / OFFLINE_VERIFIER, build_verifier(), mode=PUBLIC_MODE)
            return Demo(
                dir=str(folder),
                base_url=context.settings.base_url,
                trust=str(trust_path),
                original_pdf=str(paths["original"]),
                sealed_pdf=str(paths["sealed"]),
                forged_pdf=str(paths["forged"]),
                licence_pdf=str(licences.licence_pdf),
                licence_ofd=str(licences.licence_ofd),
                revoked_licence_pdf=str(licences.revoked_licence_pdf),
                licence_number=licences.licence_number,
                seal_id=seal.id,
                client_id=client_id,
                client_secret=client_secret,
                demo_user=PERSON_LOGIN,
                demo_password=demo_password,
                issuer=context.settings.base_url,
                rp_client_id=RP_CLIENT_ID,
                rp_client_secret=rp_secret,
                rp_redirect_uri=RP_REDIRECT_URI,
                upstream_simulator_url=context.settings.base_url + idp.service.SIMULATOR_PATH,
                console_url=context.settings.base_url + CONSOLE_PATH,
                verify_url=context.settings.base_url + VERIFY_PATH,
                offline_verifier=str(folder / FOLDER / OFFLINE_VERIFIER),
                trust_bundle=str(folder / FOLDER / TRUST_BUNDLE),
                expired_licence_pdf=str(expired) if expired.exists() else "",
                accounts=accounts,
            )
        finally:
            house.close()


def write_demo(demo: Demo) -> dict[str, Any]:
    """As JSON-compatible values."""
    return asdict(demo)


def _renew_lists(house: House) -> None:
    for issuer in (ROOT, ISSUING):
        renew_list(house.register, house.authorities.by_name(issuer), issuer, actor=ACTOR)


def _ensure_client(context: ServiceContext, path: Path, client_id: str, name: str, scopes: tuple[str, ...]) -> tuple[str, str]:
    desk = idp.service.client_desk(context)
    found = find_client(desk, client_id)
    if found is not None and path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        return str(kept["client_id"]), str(kept["client_secret"])
    if found is None:
        _, secret = register_client(desk, NewClient(name, scopes, client_id=client_id), actor=ACTOR)
    else:  # the run before was cut off between registering the client and keeping its secret
        _, secret = rotate_secret(desk, client_id, overlap_seconds=0, actor=ACTOR)
    write_durably(path, json.dumps({"client_id": client_id, "client_secret": secret}, indent=2).encode())
    return client_id, secret


def _ensure_department(context: ServiceContext, path: Path) -> str:
    _, secret = _ensure_client(context, path, RP_CLIENT_ID, RP_CLIENT_NAME, (SCOPE_READ,))
    desk = idp.service.client_desk(context)
    wanted = Registration(
        RP_CLIENT_ID,
        redirect_uris=(RP_REDIRECT_URI,),
        post_logout_redirect_uris=(RP_AFTER_LOGOUT,),
        grant_types=(CODE, REFRESH),
        purpose="Demonstration 演示",
    )
    found = find_client(desk, RP_CLIENT_ID)
    if found is None or found[1] != wanted:
        set_registration(desk, wanted, actor=ACTOR)
    return secret


def _ensure_person(context: ServiceContext, path: Path) -> str:
    desk = idp.service.people_desk(context)
    try:
        person = find_account(desk, IdentifierKind.LOGIN, PERSON_LOGIN)
        firm = find_account(desk, IdentifierKind.CREDIT_CODE, CREDIT_CODE)
        if person is not None and path.exists():
            return str(json.loads(path.read_text(encoding="utf-8"))["password"])
        if person is None:
            proof = Evidence(new_id("ev_"), "counter", "Demonstration 演示", PERSON_LEVEL, context.clock.now())
            wanted = NewAccount(AccountKind.PERSON, PERSON_NAME, (Identifier(IdentifierKind.LOGIN, PERSON_LOGIN),), evidence=(proof,))
            person = create_account(desk, wanted, actor=ACTOR)
        if firm is None:
            code = Identifier(IdentifierKind.CREDIT_CODE, CREDIT_CODE)
            firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, ORGANISATION, (code,)), actor=ACTOR)
        if not was_ever_agent(desk, person.account_id, firm.account_id):  # a grant that was revoked stays so
            grant_agent(desk, firm.account_id, person.account_id, actor=ACTOR)
        password = f"Try-{secrets.token_urlsafe(12)}"  # never one that all demonstrations share
        set_password(desk, person.account_id, password, actor=ACTOR)
    finally:
        desk.pool.close()
    write_durably(path, json.dumps({"login": PERSON_LOGIN, "password": password}, indent=2).encode())
    return password


def _ensure_seal(context: ServiceContext, caller: Caller) -> Seal:
    for seal in list_seals(context, caller, after="", limit=PAGE_SIZE_MAX):
        if seal.state is USABLE and seal.purpose == PURPOSE:
            return seal
    wanted = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, purpose=PURPOSE, type_code="99")
    return make_seal(context, caller, wanted)


def _ensure_documents(context: ServiceContext, caller: Caller, seal: Seal, paths: dict[str, Path]) -> None:
    trust, now = context.trust(), context.clock.now()
    if not paths["original"].exists():
        write_durably(paths["original"], draw_document(), mode=PUBLIC_MODE)
    sealed = paths["sealed"].read_bytes() if paths["sealed"].exists() else b""
    if verify_file(sealed, trust, now).verdict is not Verdict.VALID:
        order = SealOrder(
            paths["original"].read_bytes(), keyword=SEAL_KEYWORD, reason="办结 Settled (demonstration)", location="呼伦贝尔 Hulunbuir"
        )
        sealed = seal_document(context, User(caller.client_id, caller.actor), seal.id, order).content
        write_durably(paths["sealed"], sealed, mode=PUBLIC_MODE)
        paths["forged"].unlink(missing_ok=True)
    if not paths["forged"].exists():
        write_durably(paths["forged"], forge_amount(sealed), mode=PUBLIC_MODE)
