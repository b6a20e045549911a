"""What the share interface is told of the truth of data and files: a result, never more of the licence than was sent in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict
from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.grant_by_duty import is_in_force
from licence_vault.actions.own_trust import own_trust
from licence_vault.actions.use_desk import demand_in_force, demand_system, open_data
from licence_vault.limits import SHARE_LICENCES
from licence_vault.model import STATUS_CODES, AskedHolder, LicenceState
from licence_vault.share_codes import ENDED, EXPIRED
from licence_vault.uses import ShareRight, UseAction
from licence_vault.verify import verify_licence
from standards.errors import TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.ports import DocumentJudge
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from service_kit.callers import Caller

_NEVER_ISSUED: Final = LicenceState.DRAFT


@dataclass(frozen=True, slots=True)
class StatedLicence:
    """What somebody says of a licence: of which type, whose (``holder_code``, ``holder_name``), with which printed number."""

    type_code: str
    holder_code_type: str
    holder_code: str
    holder_name: str
    number: str


def verify_stated(desk: UseDesk, caller: Caller, stated: StatedLicence, *, reason: str) -> str:
    """A key of ``share_codes.RESULTS``: whether there is such a licence, and it is in force. LICENCE_SHARING_DENIED, FIELD_UNACCEPTABLE.

    Of licences of this holder alone is anything said: to all other questions the answer is that nothing was found.
    """
    reason, at = check_purpose(reason), desk.context.clock.now()
    subject = desk.contents.find_holder(stated.holder_code_type, stated.holder_code)

    def begin() -> Attempt:
        return Attempt(UseAction.VERIFIED, caller, caller.client_id, reason, at, type_code=stated.type_code, subjects=(subject,))

    def decide(conn: Connection, attempt: Attempt) -> str:
        # 1. Whether this system may ask.
        demand_system(caller, stated.type_code)
        _, definition = modes_permitted(conn, caller.client_id, stated.type_code, frozenset({ShareRight.VERIFY}))

        # 2. The holder's licences of the type, and the one of that number among them: of several (two authorities may print the same) the one in force.
        states = frozenset(LicenceState) - {_NEVER_ISSUED}
        find = partial(store.list_licences_of_holders, conn, (subject,), type_code=stated.type_code, states=states, before=None)
        numbered = find(limit=SHARE_LICENCES, number_digest=desk.contents.find_number(stated.number))
        told = [each for each in numbered if each.data_sealed is not None]
        if not told:
            return "differs" if any(each.data_sealed is not None for each in find(limit=SHARE_LICENCES)) else "not_found"
        record = next((each for each in told if is_in_force(each, definition, attempt.at)), told[0])

        # 3. The name as well, and whether it counts.
        attempt.licences = [record]
        data = open_data(desk.contents, conn, record)
        if not AskedHolder(stated.holder_name, stated.holder_code).is_one_of((each.name, each.code) for each in data.holders):
            return "differs"
        return result_of(record, definition, attempt)

    return decide_use(desk, begin, decide)


def verify_shared_file(desk: UseDesk, judge: DocumentJudge, caller: Caller, type_code: str, content: bytes, *, reason: str) -> str:
    """A key of ``share_codes.RESULTS`` for a licence file (PDF or OFD): by its seals, its proofs and what the vault knows of it now.

    Raises TrustError LICENCE_SHARING_DENIED, FIELD_UNACCEPTABLE.
    """
    reason, at = check_purpose(reason), desk.context.clock.now()

    def permitted(conn: Connection) -> TypeDefinition:
        demand_system(caller, type_code)
        return modes_permitted(conn, caller.client_id, type_code, frozenset({ShareRight.VERIFY}))[1]

    # 1. The file for itself, with no transaction open; for nobody who may not ask, which is decided, and recorded, below.
    found = None
    with suppress(TrustError):
        with desk.context.database.read() as conn:
            permitted(conn)
        found = verify_licence(content, desk.context.trust().joined_with(own_trust(desk.context)), at, judge=judge)

    # 2. What the vault knows of it. Only a file that is right for itself is told what has become of the licence.
    def hold_against(conn: Connection, attempt: Attempt) -> str:
        definition = permitted(conn)
        if found is None or found.licence is None or found.licence.type.code != type_code:
            return "not_found"
        record = store.load_licence_of_identifier(conn, found.licence.identifier)
        if record is None:
            return "not_found"
        if found.commitment == record.commitment:  # who only names it knows nothing of it, and its holders need not hear of him
            attempt.licences = [record]
        verdicts = {each.name: each.verdict for each in found.report.questions}
        by_lists = verdicts.pop("status", Verdict.INDETERMINATE)
        if found.copy is not None and at > found.copy.until and all(verdicts[name] is Verdict.VALID for name in verdicts if name != "copy"):
            return "copy_over"
        if any(verdict is not Verdict.VALID for verdict in verdicts.values()):
            return "differs" if Verdict.INVALID in verdicts.values() else "unknown"
        result = result_of(record, definition, attempt)
        if result == "valid" and by_lists is Verdict.INVALID:  # lists and vault say different things
            return "unknown"
        return "valid_copy" if result == "valid" and found.is_copy else result

    return decide_use(desk, lambda: Attempt(UseAction.VERIFIED, caller, caller.client_id, reason, at, type_code=type_code), hold_against)


def result_of(record: LicenceRecord, definition: TypeDefinition, attempt: Attempt) -> str:
    """What is said of a licence whose data are right: by its state and its days."""
    try:
        demand_in_force(record, definition, attempt.at)
    except TrustError as refusal:
        if refusal.facts["state"] == "not_yet":
            return "not_yet"
        # The type may have other numbers for the state, and what it is stays the same
        usual = STATUS_CODES[LicenceState(str(refusal.facts["state"]))].share
        return "ended" if usual in {ENDED, EXPIRED} else "restricted"
    return "valid"
