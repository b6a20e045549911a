"""Values of the API as people read them: types, days left, names of holders, times."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from seal_service.life import ENDED, seal_type
from standards.gbt7408_times import CHINA
from yinxin.console.api_calls import ApiProblem
from yinxin.duties import FIND_HOLDERS
from yinxin.licence_links import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yinxin.console.visit import Visit

BADGES: Final = {
    "active": "ok",
    "carried-out": "ok",
    "reviewed": "ok",
    "frozen": "warn",
    "changed": "warn",
    "expired": "warn",
    "applied": "warn",
    "made-requested": "warn",
    "issued": "warn",
    "in-doubt": "warn",
    "in_review": "warn",
    "finding-warn": "warn",
    "finding-fail": "bad",
    "cancelled": "bad",
    "invalidated": "bad",
    "destroyed": "bad",
    "rejected": "bad",
}
SOON_DAYS: Final = 30
_HOLDERS_AT_ONCE: Final = 100


class Entered(dict[str, Any]):
    """What a form said, for showing it again: a field that was not there is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


def application_title(application: Mapping[str, Any]) -> str:
    """What an application is about, in one line: the organisation, or what it gives the seal; of others why."""
    return str(application["organisation"] or application["name"] or application["purpose"] or application["reason"])


def badge_of(state: str) -> str:
    """The kind of badge (and its icon) of a state."""
    return BADGES.get(state, "unknown")


def type_name(visit: Visit, code: str) -> str:
    """What a type of seal is called."""
    found = seal_type(code)
    return found.name_zh if visit.language == "zh" else found.name_en


def local_time(text: str | None, *, date_only: bool = False) -> str:
    """A time of the API (RFC 3339, UTC) as it is read here, in the time of China."""
    if not text:
        return ""
    at = datetime.fromisoformat(text).astimezone(CHINA)
    return f"{at:%Y-%m-%d}" if date_only else f"{at:%Y-%m-%d %H:%M}"


def days_left(text: str | None) -> int | None:
    """Whole days until a time of the API, negative when past; None where there is no end."""
    if not text:
        return None
    return math.floor((datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds() / 86_400)


async def names_of(visit: Visit, holders: Iterable[str | None]) -> dict[str, str]:
    """What holders of rights are called; each by his own name of rights where it is not for this person to know."""
    wanted = list(dict.fromkeys(each for each in holders if each))
    names = {each: _own_name(visit, each) for each in wanted}
    names[visit.person.holder] = visit.person.name or visit.person.subject
    if wanted and visit.may(FIND_HOLDERS):
        for start in range(0, len(wanted), _HOLDERS_AT_ONCE):
            found = await visit.api.call(
                "GET", "/v1/holders", params=[("holder", each) for each in wanted[start : start + _HOLDERS_AT_ONCE]]
            )
            names.update({each["holder"]: each["name"] for each in found.body["holders"]})
    return names


def _own_name(visit: Visit, actor: str) -> str:
    """What an actor is called that is nobody in the directory: the system itself, an operator; for others their name of rights."""
    kind, _, name = actor.partition(":")
    if kind == "service":
        return visit.t("actor_service")
    if actor == VAULT:
        return visit.t("actor_licences", name=VAULT)
    return visit.t("actor_operator", name=name) if kind == "operator" else actor


async def holder_named(visit: Visit, name: str) -> str:
    """The name of rights that somebody means by a login name, a client's id or the name itself. Raises ApiProblem HOLDER_UNKNOWN."""
    if name.startswith("person:") or name == VAULT:
        return name
    found = (await visit.api.get("/v1/holders", login=name)).body["holders"]
    if not found:
        raise ApiProblem(422, "HOLDER_UNKNOWN", visit.t("holder_unknown", name=name), "", visit.t("holder_unknown_help"))
    return str(found[-1]["holder"])


async def holders_named(visit: Visit, names: Iterable[str]) -> list[str]:
    """As ``holder_named``, for several, none twice."""
    return list(dict.fromkeys([await holder_named(visit, each) for each in names]))


def holder_in(actor: str) -> str:
    """The holder of rights that an actor of a history names: the person behind a client, or the client itself."""
    client, _, behind = actor.partition(" for ")
    if not behind:
        return client.removeprefix("client:")
    subject, _, human = behind.partition(" by ")
    return f"person:{human or subject}"


def words_for(visit: Visit) -> dict[str, Any]:
    """What templates on seals use."""
    return {
        "application_title": application_title,
        "badge_of": badge_of,
        "type_name": lambda code: type_name(visit, code),
        "local_time": local_time,
        "days_left": days_left,
        "soon_days": SOON_DAYS,
        "ended": ENDED,
    }
