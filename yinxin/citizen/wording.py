"""From what the API says to what a citizen reads: cards of licences, and a plain sentence for every use. Nothing is fetched here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from licence_vault import limits
from licence_vault.uses import ANYBODY, ISSUER_LOOK, REASONS_BY_ITSELF
from service_kit.callers import client_in
from service_kit.problem_catalogue import text_of
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Say = Callable[..., str]

ISSUED: Final = "issued"
DAYS_TOLD: Final = 60  # before its end from which on a card says how long a licence still counts
_DONE: Final = "done"
_OWN: Final = frozenset(
    {"queried", "downloaded", "copied", "shown", "showing_opened", "showing_agreed", "showing_ended", "code_granted", "refused"}
)
_SOMEBODY: Final = {"own": "another_holder", "consented": "another_holder", "entrusted": "somebody_for_you"}  # by the right he came by
_CLAIMED: Final = frozenset({"asked_elsewhere"})  # the right was named by whoever asked, and nobody here has seen it proven
_LIVES_SECONDS: Final = {"code_granted": limits.USE_CODE_SECONDS, "showing_opened": limits.SHOWING_SECONDS}  # from then on


@dataclass(frozen=True, slots=True)
class Card:
    """A licence as a card shows it. ``state``: key of its text; ``tone``: of its badge; ``days_left``: None where that is no news."""

    id: str
    name: str
    type: str
    identifier: str
    data: Mapping[str, Any] | None
    field_names: Mapping[str, str]
    state: str
    tone: str
    is_in_force: bool
    valid_from: date
    valid_to: date | None
    days_left: int | None

    @property
    def holders(self) -> str:
        """Their names, as far as they are shown."""
        return "、".join(each["name"] for each in self.data["holders"]) if self.data else ""

    def fields(self) -> list[tuple[str, str]]:
        """(what it is called, what it says) for each field that is shown."""
        return [(self.field_names.get(key, key), value) for key, value in (self.data["fields"] if self.data else {}).items()]


def read_card(licence: Mapping[str, Any], today: date) -> Card:
    """The card of a licence as ``/v1/my/licences`` answers it. ``today``: in China, where days of licences begin and end."""
    valid_from = date.fromisoformat(licence["valid_from"])
    valid_to = None if licence["valid_to"] is None else date.fromisoformat(licence["valid_to"])
    state, tone, left = licence["state"], "bad", None
    if state == ISSUED:  # its days count before the job that notes them has come by
        if today < valid_from:
            state, tone = "not_yet", "warn"
        elif valid_to is not None and today > valid_to:
            state = "expired"
        else:
            tone = "ok"
            left = None if valid_to is None or (valid_to - today).days > DAYS_TOLD else (valid_to - today).days
    elif state in {"suspended", "annual_overdue"}:
        tone = "warn"
    return Card(
        id=licence["id"],
        name=licence["data"]["name"] if licence["data"] else licence["type"],
        type=licence["type"],
        identifier=licence["identifier"],
        data=licence["data"],
        field_names=licence["field_names"],
        state=state,
        tone=tone,
        is_in_force=tone == "ok",
        valid_from=valid_from,
        valid_to=valid_to,
        days_left=left,
    )


@dataclass(frozen=True, slots=True)
class ToldUse:
    """A use as a citizen reads it. ``why``, ``ground``, ``officer``, ``until``, ``refusal``: empty where there is nothing to say."""

    number: int
    at: str
    sentence: str
    why: str
    ground: str
    officer: str
    until: str
    refusal: str
    is_refused: bool
    is_own: bool
    proof: str


def tell_use(use: Mapping[str, Any], say: Say, *, licences: Mapping[str, str], systems: Mapping[str, str], language: str) -> ToldUse:
    """One line of the access log. ``say``: a text by key with its facts; ``licences``, ``systems``: names by identifier."""
    action = use["action"]
    system = say("anybody") if use["client"] == ANYBODY else systems.get(use["client"], use["client"])
    # 1. Who: the reader himself, another holder, somebody in his place, who issued it, somebody else, or a system by itself.
    is_own = use["is_own"]
    is_somebody = not is_own and " for " in use["by"] and use["client"] == client_in(use["by"])
    who = say(_SOMEBODY.get(use["mode"], "somebody"), system=system) if is_somebody else system
    if use["reason"] == ISSUER_LOOK:
        who = say("the_issuer", system=system)
    # 2. What with which licence.
    named = licences.get(use["licence"] or "")
    what = say("your_licence", name=named) if named else say("a_licence" if use["licence"] else "some_licence")
    key = f"did_own_{action}" if is_own and action in _OWN else f"did_{action}"
    sentence = _said(say, key, who=who, what=what)
    # 3. Why, by what right, for which officer, until when, and why not.
    is_refused = use["outcome"] != _DONE
    catalogued = text_of(use["outcome"]) if is_refused else None
    at = read_time(use["at"])
    return ToldUse(
        number=use["number"],
        at=write_time(at),
        sentence=sentence,
        why="" if use["reason"] in REASONS_BY_ITSELF else use["reason"],
        ground="" if use["mode"] is None else _said(say, f"{'claimed' if action in _CLAIMED else 'mode'}_{use['mode']}"),
        officer=tell_officer(use["officer"], language),
        until=write_time(at + timedelta(seconds=_LIVES_SECONDS[action])) if action in _LIVES_SECONDS else "",
        refusal="" if not is_refused else use["outcome"] if catalogued is None else catalogued.title(language),
        is_refused=is_refused,
        is_own=is_own,
        proof=use["audit_entry"],
    )


def tell_officer(officer: Mapping[str, str] | None, language: str) -> str:
    """Name, role and division of an officer in one line; empty for none."""
    if officer is None:
        return ""
    form = "{name}（{role}，{division}）" if language == "zh" else "{name} ({role}, {division})"
    return form.format_map(officer)


def read_time(written: str) -> datetime:
    """A time of the API: RFC 3339, aware."""
    return datetime.fromisoformat(written)


def write_time(at: datetime) -> str:
    """Date and time in China, to the minute."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def end_of_day(written: str) -> str | None:
    """The last second of a day that was chosen in a form (YYYY-MM-DD, in China) as the API takes it; None where no day was."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=CHINA).isoformat()


def _said(say: Say, key: str, **facts: str) -> str:
    try:
        return say(key, **facts)
    except KeyError:  # of a newer vault than these pages
        return say("did_other", **facts) if facts else say("mode_none")
