"""A vault that issues, in this process: the real log, the real faces, a fake sealer, and time that stands still."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.define_type import draft_type, take_type_step
from licence_vault.actions.enter_issuer import IssuerOrder, enter_issuer, give_membership
from licence_vault.actions.find_licences import LicenceWish, list_history, list_licences
from licence_vault.actions.issue_licence import LicenceOrder, issue_licence
from licence_vault.actions.issuing_means import Seals, wait_for_proof
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.limits import ISSUING_LEASE_SECONDS
from licence_vault.log.entries import index_of
from licence_vault.model import Holder, LicenceState, type_step_named
from licence_vault.service import means_of, migrate
from service_kit import fail_points
from service_kit.callers import Caller
from service_kit.migrations import migrate_kit
from tests.audit_trail import find_entries
from tests.fakes.sealer import FakeJudge, FakeSealer
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file
from tests.licence_vault.vault_here import VaultHere
from yinxin.pki import service as pki_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from licence_vault.actions.issuing_means import IssuingMeans, LogProof
    from licence_vault.register import EventRecord, LicenceRecord
    from standards.errors import TrustError

ISSUER = "11430000006122244L"
OTHER_ISSUER = "11220000013544541J"
ISSUER_NAME = "示例市政务服务局"
PERSON = Holder("张三（示例）", "11010519491231002X", "111")
FACE: dict[str, Any] = {
    "v": 1,
    "name": "示例",
    "page": {"width_mm": 100, "height_mm": 80},
    "parts": [
        {"kind": "text", "x_mm": 5, "y_mm": 10, "size_mm": 4, "text": "{number} {holders}"},
        {"kind": "text", "x_mm": 5, "y_mm": 20, "size_mm": 4, "text": "{fields.KZ_address}"},
        {"kind": "qr", "x_mm": 70, "y_mm": 5, "size_mm": 25},
    ],
}


def code_of(raised: pytest.ExceptionInfo[TrustError]) -> str:
    return raised.value.code


def drafts(here: IssuingHere) -> list[str]:
    wish = LicenceWish(state=LicenceState.DRAFT)
    return [each.id for each in list_licences(here.vault.context, here.means.contents, here.clerk, wish, after="", limit=100)]


def cut_off(here: IssuingHere, monkeypatch: pytest.MonkeyPatch, key: str, *, place: str = "sealed") -> str:
    """An issuing whose process dies at a place: the draft that it leaves."""

    class Death(BaseException):
        pass

    def die(reached: str) -> None:
        if reached == f"issue-licence.{place}":
            raise Death

    with monkeypatch.context() as dying:
        dying.setattr(fail_points, "reach", die)
        with pytest.raises(Death):
            here.issue(key=key)
    [draft] = drafts(here)
    return draft


def caller(name: str) -> Caller:
    return Caller(name, name, frozenset())


@dataclass
class IssuingHere:
    """``clerk`` acts for ISSUER, ``stranger`` for OTHER_ISSUER."""

    vault: VaultHere
    means: IssuingMeans
    sealer: FakeSealer
    clerk: Caller = field(default_factory=lambda: caller("cl_clerk"))
    stranger: Caller = field(default_factory=lambda: caller("cl_stranger"))

    @classmethod
    @contextmanager
    def made(cls, folder: Path, **settings: object) -> Iterator[IssuingHere]:
        with VaultHere.made(folder, **settings) as vault:
            if settings:  # such as another database
                migrate_kit(vault.context.database)
                pki_service.migrate(vault.context.database)
                migrate(vault.context.database)
            sealer = FakeSealer()

            def await_proof(entry_id: str) -> LogProof:
                while vault.log.run_once():
                    continue
                return wait_for_proof(vault.log, vault.context.cohorts, entry_id)

            means = replace(means_of(vault.context, vault.log), seals=Seals(sealer, FakeJudge(ISSUER_NAME)), await_proof=await_proof)
            here = cls(vault, means, sealer)
            here._enter()
            yield here

    def _enter(self) -> None:
        context = self.vault.context
        for code, name in ((ISSUER, "cl_clerk"), (OTHER_ISSUER, "cl_stranger")):
            enter_issuer(context, caller("cl_admin"), IssuerOrder(code, ISSUER_NAME, "150700", "sl_1"), if_revision=None)
            give_membership(context, caller("cl_admin"), code, name)
        self.publish(type_file(face=FACE))
        self.publish(type_file(face=FACE, code=f"{AUTHORITY}991", numbering=""))

    def history(self, licence_id: str, who: Caller | None = None) -> list[EventRecord]:
        """What happened to a licence, as the clerk, or ``who``, is told."""
        return [event for event, _ in list_history(self.vault.context, who or self.clerk, licence_id)]

    def publish(self, whole: dict[str, Any]) -> None:
        version = draft_type(self.vault.context, caller("cl_author"), whole)
        for name, verb in (("cl_author", "submit"), ("cl_reviewer", "publish")):
            step = type_step_named(verb)
            take_type_step(self.vault.context, caller(name), version.code, version.version, step, reason="", if_revision=None)

    def order(self, **changes: Any) -> LicenceOrder:
        right = LicenceOrder(
            type_code=TYPE,
            issuer_code=ISSUER,
            holders=(PERSON,),
            fields={"KZ_address": "示例路1号", "KZ_scope": ""},
            valid_from=date(2026, 11, 28),
            valid_to=date(2031, 11, 27),
        )
        return replace(right, **changes)

    def issue(self, *, key: str | None = None, **changes: Any) -> LicenceRecord:
        return issue_licence(self.means, self.clerk, self.order(**changes), idempotency_key=key)

    def take_in(self) -> None:
        """Let the log take in what waits."""
        while self.vault.log.run_once():
            continue

    def index(self, entry_id: str) -> int | None:
        with self.vault.context.database.read() as conn:
            return index_of(conn, entry_id)

    def trail(self, licence_id: str) -> list[tuple[str, str]]:
        """(action, outcome), oldest first."""
        with self.vault.context.database.read() as conn:
            return [(each.action, each.outcome) for each in reversed(find_entries(conn, subject=f"licence:{licence_id}", limit=100))]

    def rest(self) -> None:
        """After a test that shares it: the sealer well again, and nothing left to be swept."""
        self.sealer.fail_with, self.sealer.spoil, self.sealer.before = None, lambda sealed: sealed, lambda key: None
        self.vault.clock.at += timedelta(seconds=ISSUING_LEASE_SECONDS + 1)
        sweep_issues(self.means)
