"""What is wrong with the package and with the graph, as steps of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.report import Facts, Step, failed, not_checked, warned
from standards.gbt33190_ofd.graph import PART_MISSING, Role, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from standards.gbt33190_ofd.container import Irregularity

PACKAGE: Final = "GB/T 33190-2016 7.2"
LOCATION: Final = "GB/T 33190-2016 7.3"
STRUCTURE: Final = "GB/T 33190-2016 7.4"
MAX_STEPS_OF_A_KIND: Final = 50  # of one code in one list; a report must stay readable
_ANOTHER_FILE: Final = frozenset({"before-first", "content-after-end"})
_STRUCTURAL: Final = frozenset({Role.VERSION.value, Role.DOCUMENT.value, Role.TEMPLATE.value, Role.PAGE.value, "signatures"})

_MAKERS: Final[dict[str, Callable[..., Step]]] = {
    "DUPLICATE_ENTRY": failed,
    "BAD_PATH": failed,
    "OFD_CONTAINER_BAD": failed,
    "OFD_PART_REFUSED": failed,
    "OFD_PART_UNREADABLE": not_checked,
    "OFD_TOO_MANY_PARTS": not_checked,
    "OFD_CONTAINER_STRAY": warned,
    "OFD_NAME_ENCODING": warned,
    "OFD_LOCATION_VARIANT": warned,
    "OFD_NAMESPACE_VARIANT": warned,
}


def package_steps(irregularities: Iterable[Irregularity]) -> list[Step]:
    """Bytes in front of the first entry or behind the package leave open what another reader takes the file for; padding, a comment, and bytes
    between entries show nothing and are said.
    """
    steps = []
    for found in irregularities:
        make = not_checked if found.reason in _ANOTHER_FILE else _MAKERS[found.code]
        steps.append(make(found.code, PACKAGE, path=found.path, reason=found.reason))
    return steps


def trouble_steps(troubles: Iterable[Trouble]) -> list[Step]:
    """A missing page leaves the document undecided; a missing picture or font is only said."""
    steps = []
    for found in troubles:
        if found.code == PART_MISSING:
            make: Callable[..., Step] = not_checked if found.reason in _STRUCTURAL else warned
        else:
            make = _MAKERS[found.code]
        clause = LOCATION if found.code in {"BAD_PATH", "OFD_LOCATION_VARIANT"} else STRUCTURE
        steps.append(make(found.code, clause, path=found.path, by=found.by, reason=found.reason))
    return steps


def condense(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps with at most so many of one code and outcome; one step of the same outcome counts the rest."""
    kept: list[Step] = []
    counts: dict[tuple[str, str], int] = {}
    for step in steps:
        key = (step.code, step.outcome.value)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= MAX_STEPS_OF_A_KIND:
            kept.append(step)
    first = {(step.code, step.outcome.value): step for step in reversed(kept)}
    for key, count in counts.items():
        if count > MAX_STEPS_OF_A_KIND:
            like = first[key]
            facts: Facts = {"code": like.code, "count": count - MAX_STEPS_OF_A_KIND}
            kept.append(Step("OFD_FINDINGS_LEFT_OUT", like.outcome, like.clause, facts))
    return tuple(kept)
