"""What went wrong, in a citizen's words: the catalogue speaks to those who build and run systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yinxin.console.api_calls import ApiProblem

if TYPE_CHECKING:
    from yinxin.console.visit import Visit


def tell_plainly(visit: Visit, problem: ApiProblem) -> ApiProblem:
    """The problem with what it means to the person, where there are words for that; else as it came. Its code stays."""
    key = f"plain_{problem.code}"
    if key not in visit.frame.texts:
        return problem
    return ApiProblem(problem.status, problem.code, problem.title, visit.t(key), "", problem.facts)
