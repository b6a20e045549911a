"""What bodies of requests are made of: each member of the JSON type that the documentation names, and nothing is guessed. Numbers and truth values in
the address are written as they would be in JSON.

The framework's own reading would take ``"1"`` and ``true`` for 1, ``1`` for true, and a number for a time, in seconds or in thousandths of
them as its size suggests: what was meant, and what is done, are then two things.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from service_kit.clock import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?")
_IN_ADDRESS: Final = {
    int: (re.compile("0|-?[1-9][0-9]*"), "int_parsing", "a whole number in the digits 0 to 9, without zeros before it"),
    bool: (re.compile("true|false"), "bool_parsing", "true or false"),
}
"""How JSON writes them (RFC 8259), the rule that else is broken, by its name in the framework, and what it allows."""


class RequestShape(BaseModel):
    """A body, or a part of one: no member besides those that are named, none of another JSON type.

    A choice (``Enum``) comes as a text: its field says ``strict=False``, which widens nothing. A choice among numbers wants ``WHOLE``.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


def _as_whole(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    raise PydanticCustomError("int_type", "a whole number")


def _as_day(value: Any) -> Any:
    """Only what says a day and nothing else: a number would be taken for seconds since 1970, and a time is another day elsewhere."""
    if isinstance(value, str) and _DAY.fullmatch(value) is not None:
        return value
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise PydanticCustomError("day_as_yyyy_mm_dd", "a day as YYYY-MM-DD")


def read_written_time(text: str) -> datetime:
    """A time in the form of RFC 3339, with its zone or without: who goes on with it says that it lacks one. ValueError for any other text."""
    if _TIME.fullmatch(text) is None:
        raise ValueError("a time as YYYY-MM-DDTHH:MM:SSZ")
    return datetime.fromisoformat(text.upper())


def _as_time(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    try:
        return read_written_time(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("rfc3339_time", "a time as YYYY-MM-DDTHH:MM:SSZ") from None


WHOLE: Final = BeforeValidator(_as_whole)
"""Before a choice among numbers: true and 1.0 equal 1, and are no 1."""
Day = Annotated[date, BeforeValidator(_as_day), Field(strict=False)]
"""A day: YYYY-MM-DD."""
WrittenTime = Annotated[datetime, BeforeValidator(_as_time), Field(strict=False)]
"""A time in the form of RFC 3339. Whether it has its zone is for the operation to say, by the name of the field: see ``in_utc``."""
Moment = Annotated[WrittenTime, AfterValidator(partial(in_utc, refuse=ValueError))]
"""A time in the form of RFC 3339 with its zone; read in UTC."""


def kind_in_address(annotation: Any) -> type | None:
    """``int`` or ``bool`` where a parameter is declared as one, or as one that may be missing; None else."""
    return next((kind for kind in _IN_ADDRESS if kind is annotation or kind in get_args(annotation)), None)


def check_in_address(written: Iterable[tuple[str, str, str]], kinds: Mapping[str, type]) -> None:
    """Whether numbers and truth values in an address are written as such: the framework takes ``1.0``, ``+1``, `` 1`` and digits of other scripts for 1,
    ``yes`` and ``on`` for true. ``written``: where (``query``, ``path``), name and value, of those in ``kinds``. RequestValidationError, as for any rule.
    """
    broken = []
    for where, name, value in written:
        form, rule, expected = _IN_ADDRESS[kinds[name]]
        if form.fullmatch(value) is None:
            broken.append({"loc": (where, name), "type": rule, "ctx": {"expected": expected}})
    if broken:
        raise RequestValidationError(broken)
