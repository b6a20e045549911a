"""Which parts of a day and a time a cell shows: whoever types 3-1 or 2026年5月 gets a whole day in the file, of which he sees two parts alone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

_MONTH, _DAY, _HOURS = 'yyyy"年"m"月"', 'm"月"d"日"', 'h"时"mm"分"'
EAST_ASIAN: Final = {
    **dict.fromkeys((27, 36, 50, 52, 57), _MONTH),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), _DAY),
    **dict.fromkeys((32, 34, 55), _HOURS),
    **dict.fromkeys((33, 35, 56), _HOURS + 'ss"秒"'),
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
}
"""What Chinese office programs mean by the numbers of formats for days and times that they use without writing them down (ECMA-376 part 1, 18.8.30)."""
# Of a format, ECMA-376 part 1, 18.8.31. A name of a language with a comma in it, or a longer number, may choose another calendar
_PIECE: Final = re.compile(
    r'"(?P<text>[^"]*)"|\\(?P<escaped>.)|_.|\[(?:\$-(?:[0-9A-Fa-f]{1,4}|[A-Za-z][A-Za-z0-9-]*)|DBNum[123])\]'
    r"|\[(?P<whole>h+|m+|s+)\]|am/pm|a/p|上午/下午|(?P<run>y+|e+|m+|d+|a{3,4}|h+|s+)|(?P<fraction>\.0+)|(?P<sign>[-/., :年月日])",
    re.IGNORECASE,
)
_SIGNS: Final = frozenset("-/.,: 年月日号时分秒T")
_INITIAL: Final = 5  # so many m show the first letter of a month alone
_WEEKDAY: Final = 3  # so many d, and more, name a day of the week


def shows_whole(value: date | time | timedelta, number_format: str) -> bool:
    """Whether who looks at a cell of this format sees every part of the value, and nothing beside. What cannot be made out is not seen."""
    seen = _seen(number_format.partition(";")[0])
    if seen is None:
        return False
    if isinstance(value, date):
        needed = {"year", "month", "day"}
        clock = value.time() if isinstance(value, datetime) else time.min
    else:
        if seen & {"year", "month", "day"}:  # it is shown as a day before the first that there is
            return False
        needed = {"hours"} if isinstance(value, time) else set[str]()
        clock = value if isinstance(value, time) else _clock_of(value)
    counts = {"hours": clock.hour, "minutes": clock.minute, "seconds": clock.second, "fraction": clock.microsecond}
    return needed | {part for part, count in counts.items() if count} <= seen


def _clock_of(span: timedelta) -> time:
    minutes, seconds = divmod(span.seconds, 60)
    return time(minutes // 60, minutes % 60, seconds, span.microseconds)


def _seen(section: str) -> set[str] | None:
    """The parts that a format shows; None where it shows something else, or what cannot be told."""
    seen: set[str] = set()
    runs: list[str] = []
    place = 0
    while place < len(section):
        piece = _PIECE.match(section, place)
        if piece is None or not _SIGNS.issuperset(piece["text"] or piece["escaped"] or ""):
            return None
        place = piece.end()
        if piece["run"] or piece["whole"]:
            runs.append(piece["run"].lower() if piece["run"] else f"[{piece['whole'][0].lower()}")
        if piece["fraction"]:
            seen.add("fraction")
    for number, run in enumerate(runs):
        before, after = runs[number - 1] if number else "", runs[number + 1] if number + 1 < len(runs) else ""
        if run[0] == "m":  # ECMA-376: minutes where hours stand before them, or seconds behind
            is_minutes = before.strip("[")[:1] == "h" or after.strip("[")[:1] == "s"
            seen |= {"minutes"} if is_minutes else set() if len(run) == _INITIAL else {"month"}
        elif run[0] == "d":
            seen |= set() if len(run) >= _WEEKDAY else {"day"}
        elif run[0] == "[":  # all that is over in this measure
            seen |= {"h": {"hours"}, "m": {"hours", "minutes"}, "s": {"hours", "minutes", "seconds"}}[run[1]]
        else:
            seen |= {"y": {"year"}, "e": {"year"}, "h": {"hours"}, "s": {"seconds"}, "a": set()}[run[0]]
    return seen
