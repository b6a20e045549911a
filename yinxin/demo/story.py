"""What makes the demonstration's pages full: people, seals, licences and what was done with them. Made once, in the order of a real office's first week."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.actions.change_licence_state import expire_licences
from licence_vault.actions.enter_issuer import give_membership
from licence_vault.log.instance import open_licence_log
from licence_vault.service import means_of
from service_kit.callers import Caller
from service_kit.durable_files import write_durably
from yinxin.console.client import console_secret, ensure_client
from yinxin.demo import people
from yinxin.demo.licence_history import Cast, ensure_history
from yinxin.demo.licences import REGISTRAR
from yinxin.demo.seals import ensure_seals, finish_seals
from yinxin.demo.webhook import ensure_webhook
from yinxin.duties import CONSOLE_CLIENT, DUTIES, EVERYBODY

if TYPE_CHECKING:
    from pathlib import Path

    from yinxin.assembly import House
    from yinxin.demo.people import DemoPerson

MARK: Final = "demo-story.json"
VERSION: Final = 1
EXPIRED: Final = "expired-licence.pdf"
_POWERS: Final = frozenset({"seal.manage", "seal.use", "seal.apply", "seal.read"})  # those of whom powers over seals were given to


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the story plays. ``portal``: the client that may do everything; ``office``: the department's client; ``document``: to be sealed."""

    folder: Path
    demo: Path
    portal: Caller
    office: str
    credit_code: str
    document: bytes


def is_told(folder: Path) -> bool:
    """Whether all of it was made before."""
    mark = folder / MARK
    return mark.exists() and json.loads(mark.read_text(encoding="utf-8")).get("version") == VERSION


def tell_story(house: House, setting: Setting) -> tuple[DemoPerson, ...]:
    """Make what is missing, and return the people. Once all of it was made, whatever a reader has changed stays as it is."""
    context = house.context
    is_new = not is_told(setting.folder)
    cast = people.ensure_people(context, setting.folder / people.FILE, is_new=is_new)
    if not is_new:
        return cast
    citizen = people.ensure_citizen(context)
    by_login = {each.login: each.account_id for each in cast} | {people.CITIZEN: citizen}
    duties = {part.login: part.duties for part in people.PARTS}
    callers = {login: _caller(account_id, duties.get(login, ())) for login, account_id in by_login.items()}

    # 1. The people come by the console: what is done for them later asks whether it is a client still. Seals first, so that the one whose certificate is short is over by the end.
    ensure_client(context, console_secret(context))
    ensure_seals(house, callers, setting.credit_code, setting.document)

    # 2. Licences, issued by the clerk for the demonstration's organisation.
    for member in (callers[people.CLERK].holder, setting.portal.client_id):
        give_membership(context, REGISTRAR, setting.credit_code, member)
    log = open_licence_log(context)
    log.start()
    try:
        office = Caller(setting.office, setting.office, frozenset({"licence.use"}))
        clerk = callers[people.CLERK]
        parts = Cast(author=clerk, reviewer=callers[people.REVIEWER], clerk=clerk, citizen=callers[people.CITIZEN], office=office)
        ensure_history(means_of(context, log), parts, setting.credit_code, setting.demo / EXPIRED)
        expire_licences(context)
    finally:
        log.stop()

    # 3. What the portal was told, and what time has ended.
    ensure_webhook(house, setting.portal)
    finish_seals(context)
    write_durably(setting.folder / MARK, json.dumps({"version": VERSION}).encode())
    return cast


def _caller(account_id: str, duties: tuple[str, ...]) -> Caller:
    """A person as he comes by the console."""
    scopes = frozenset(scope for duty in duties for scope in DUTIES[duty].scopes) | _POWERS | frozenset(EVERYBODY)
    return Caller(CONSOLE_CLIENT, account_id, scopes, known_as=account_id)
