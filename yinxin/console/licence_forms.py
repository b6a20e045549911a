"""What a form of a licence says, as the API takes it: made from the items of its type, so that no type needs a form of its own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from standards.errors import Kind, TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from yinxin.console.forms import ConsoleForm

FIELD: Final = "field."
HOLDERS_MAX: Final = 8  # on one form; more come by a batch
ORGANISATION_CODE: Final = "001"
PERSON_CODE: Final = "111"
BLOCKS: Final = ("basic", "holder", "permission", "management")
_DEFAULTS: Final[dict[str, Any]] = {"is_required": False, "characters_max": 200, "choices": (), "mask": "", "least": None, "most": None}
_NO_HOLDER: Final = {"name": "", "code": "", "code_type": ""}


def first_values(definition: dict[str, Any]) -> dict[str, Any]:
    """An empty form of a type: from today on, one holder of the kind that it is for."""
    is_person = definition["catalogue"].get("holder_category") == "person"
    return {
        "holders": [{**_NO_HOLDER, "code_type": PERSON_CODE if is_person else ORGANISATION_CODE}],
        "fields": {},
        "valid_from": f"{datetime.now(CHINA):%Y-%m-%d}",
        "valid_to": "",
        "open_ended": False,
        "number": "",
        "forms": ["pdf"],
    }


def values_of(data: dict[str, Any]) -> dict[str, Any]:
    """A form filled with what a licence says now."""
    return {
        "holders": [dict(each) for each in data["holders"]],
        "fields": dict(data["fields"]),
        "valid_from": data["valid_from"],
        "valid_to": data["valid_to"] or "",
        "open_ended": data["valid_to"] is None,
        "number": data["number"],
        "forms": ["pdf"],
    }


def read_values(form: ConsoleForm, definition: dict[str, Any]) -> dict[str, Any]:
    """What was filled in, for showing again and for sending."""
    columns = [form.values.get(f"holder_{name}", []) for name in ("name", "code", "code_type")]
    holders = [
        {"name": name.strip(), "code": code.strip(), "code_type": code_type.strip()}
        for name, code, code_type in zip(*columns, strict=False)
        if name.strip() or code.strip()
    ]
    keys = [item["key"] for item in definition["items"]]
    return {
        "holders": holders[:HOLDERS_MAX] or [dict(_NO_HOLDER)],
        "fields": {key: value for key in keys if (value := _text(form, FIELD + key))},
        "valid_from": form.get("valid_from"),
        "valid_to": form.get("valid_to"),
        "open_ended": form.is_set("open_ended"),
        "number": form.get("number"),
        "forms": [each for each in ("pdf", "ofd") if each in form.all("forms")] or ["pdf"],
    }


def order_of(values: dict[str, Any], type_code: str, issuer: str) -> dict[str, Any]:
    """The order to issue it. FIELD_UNACCEPTABLE where it is not clear when it ends."""
    order = {
        "type": type_code,
        "issuer": issuer,
        "holders": values["holders"],
        "fields": values["fields"],
        "valid_from": values["valid_from"],
        "valid_to": _end_of(values),
        "forms": values["forms"],
    }
    return order | ({"number": values["number"]} if values["number"] else {})


def change_of(values: dict[str, Any], verb: str, reason: str) -> dict[str, Any]:
    """What the next version is to say otherwise. FIELD_UNACCEPTABLE as for an order."""
    change: dict[str, Any] = {"reason": reason}
    if verb == "replace":
        return change
    if verb == "change":
        change |= {"holders": values["holders"], "fields": values["fields"], "valid_from": values["valid_from"]}
    end = _end_of(values)
    return change | ({"open_ended": True} if end is None else {"valid_to": end})


def items_by_block(definition: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The items in the order of the blocks that the standards have; blocks without any are left out."""
    blocks = [(block, [_DEFAULTS | item for item in definition["items"] if item["block"] == block]) for block in BLOCKS]
    return [(block, items) for block, items in blocks if items]


def _end_of(values: dict[str, Any]) -> str | None:
    """The last day, None for no end: one of them is said, so that nobody issues for ever by an oversight."""
    if bool(values["valid_to"]) is values["open_ended"]:
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field="valid_to", rule="a day, or no end")
    return values["valid_to"] or None


def _text(form: ConsoleForm, name: str) -> str:
    """A field's text with the line ends that the API takes: browsers send CR LF."""
    return form.get(name).replace("\r\n", "\n")
