"""What the console says of a refused form of a licence: the rule in the reader's language, and the item as the form calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from licence_vault.rule_messages import place_in
from service_kit.rule_texts import rule_in
from yinxin.console.api_calls import ApiProblem

if TYPE_CHECKING:
    from collections.abc import Mapping


def told_of_form(problem: ApiProblem, language: str, definition: dict[str, Any]) -> ApiProblem:
    """A refusal of what was filled in, with the fields and the rules that they break, where it names them; items are called as on the form."""
    broken = problem.broken or _named_in(problem.facts, language)
    if not broken:
        return problem
    items = {item["key"]: item["name"] for item in definition["items"]}
    violations = tuple(f"{items.get(place) or place_in(language, place)}: {rule}" for place, rule in broken)
    return ApiProblem(problem.status, problem.code, problem.title, problem.detail, problem.fix, problem.facts, violations)


def _named_in(facts: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    place, rule = facts.get("place", facts.get("field")), facts.get("rule")
    return ((place, rule_in(language, rule)),) if isinstance(place, str) and isinstance(rule, str) else ()
