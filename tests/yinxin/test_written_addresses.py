"""Numbers and truth values in an address: written as JSON writes them, or refused."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from service_kit.composition import public
from service_kit.web_errors import install_problem_answers
from tests.deployments import HttpHere
from yinxin.access_gate import kinds_of, put_gates

if TYPE_CHECKING:
    from tests.deployments import Here
    from yinxin.access_gate import Gatekeeper


@pytest.mark.parametrize("value", ["1.0", "+1", "%201", "1%20", "01", "1_0", "%EF%BC%91", "%D9%A1", "1e0", "0x1", "-0", "", "true"])
def test_whole_numbers_in_an_address_are_written_as_such(here: Here, value: str) -> None:
    """The framework takes most of these for 1: what one server reads so another refuses, and what was meant nobody knows."""
    for path in (f"/licences/status/1?time={value}", f"/licences/log/consistency?older={value}&newer=1"):
        answer = here.http.get(path)
        found = answer.json()
        [violation] = found["violations"]
        assert (answer.status_code, found["code"], violation["rule"]) == (422, "REQUEST_INVALID", "int_parsing"), path
        assert violation["at"] in {"query.time", "query.older"}
        assert "digits" in violation["expected"]
    if value:
        answer = here.http.get(f"/licences/status/{value}")
        assert (answer.status_code, answer.json()["violations"][0]["at"]) == (422, "path.number")
    assert here.http.get("/licences/log/consistency?older=-1&newer=1").json()["violations"][0]["rule"] == "greater_than_equal"


@pytest.mark.parametrize(
    ("value", "is_good"), [("true", True), ("false", True), ("1", False), ("yes", False), ("on", False), ("True", False), ("", False)]
)
def test_truth_values_in_an_address_are_true_or_false(value: str, is_good: bool) -> None:
    router = APIRouter()

    @router.get("/v1/asked")
    @public("anybody")
    def ask(masked: bool = False, before: int | None = None) -> None: ...

    (route,) = put_gates(router.routes, cast("Gatekeeper", None))
    assert isinstance(route, Route)
    assert kinds_of(route) == {"masked": bool, "before": int}
    application = FastAPI(routes=[route])
    install_problem_answers(application)
    with closing(HttpHere(cast("Any", application), "http://here.example")) as http:
        answer = http.get(f"/v1/asked?masked={value}")
    assert answer.status_code == (200 if is_good else 422)
    if not is_good:
        assert answer.json()["violations"] == [{"at": "query.masked", "rule": "bool_parsing", "expected": "true or false"}]
