"""What the console says of a refused form of a licence: the rule in the reader's language, and the item as the form calls it."""

from __future__ import annotations

from typing import Any

from licence_vault.rule_messages import place_in
from service_kit.rule_texts import rule_in
from yinxin.console.api_calls import ApiProblem


def told_of_form(problem: ApiProblem, language: str, definition: dict[str, Any]) -> ApiProblem:
    """A refusal of what was filled in, with the field and the rule that it breaks, where it names them; items are called as on the form."""
    place, rule = problem.facts.get("place", problem.facts.get("field")), problem.facts.get("rule")
    if not isinstance(place, str) or not isinstance(rule, str):
        return problem
    items = {item["key"]: item["name"] for item in definition["items"]}
    violation = f"{items.get(place) or place_in(language, place)}: {rule_in(language, rule)}"
    return ApiProblem(problem.status, problem.code, problem.title, problem.detail, problem.fix, problem.facts, (violation,))
