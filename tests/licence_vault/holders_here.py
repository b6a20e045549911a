"""Who is signed in, for tests in this process: invented people, each with a token of his own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from licence_vault.ports import ActedFor, HolderCode, SignedInHolder
from service_kit.callers import Caller

if TYPE_CHECKING:
    from datetime import datetime


@dataclass
class FakeDirectory:
    """``HolderDirectory`` by what the token hangs on."""

    people: dict[str, SignedInHolder] = field(default_factory=dict)

    def find(self, caller: Caller, at: datetime) -> SignedInHolder | None:
        assert at.utcoffset() is not None
        return self.people.get(caller.grant_id.removeprefix("gr_"))

    def sign_in(
        self, subject: str, *own: tuple[str, str], acts_for: dict[tuple[str, str], frozenset[str] | None] | None = None, level: int = 2
    ) -> Caller:
        codes = tuple(HolderCode(code_type, code, level) for code_type, code in own)
        organisations = tuple(ActedFor(HolderCode(*holder, level), powers) for holder, powers in (acts_for or {}).items())
        self.people[subject] = SignedInHolder(subject, codes, organisations)
        return Caller("cl_portal", subject, frozenset(), grant_id=f"gr_{subject}")
