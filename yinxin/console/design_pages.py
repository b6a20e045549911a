"""The designer: the server draws what is described, and says what is against a rule. Nothing is stored."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from seal_service.life import SEAL_TYPES
from seal_service.pictures.design import Arrangement, Centre, Shape, Typeface
from seal_service.pictures.rules import UNIT_RULES
from yinxin.console.api_calls import ApiProblem
from yinxin.console.entry_words import told_to_enter
from yinxin.console.seal_words import words_for

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

DESIGNER: Final = "/console/designer"
DESIGN_MEMBERS: Final = (
    "shape",
    "arrangement",
    "name",
    "mongolian",
    "purpose",
    "centre",
    "centre_text",
    "code",
    "typeface",
    "width_mm",
    "height_mm",
    "colour",
)
"""What an application takes of what the designer asks; the rest says who it is for."""
_SIZES: Final = frozenset({"width_mm", "height_mm"})
_FIRST: Final = {
    "shape": "round",
    "arrangement": "chinese",
    "name": "",
    "mongolian": "",
    "purpose": "",
    "centre": "star",
    "centre_text": "",
    "code": "",
    "typeface": "sans",
    "width_mm": "42",
    "height_mm": "42",
    "colour": "#c8102e",
    "unit": "department",
    "registered_name": "",
}


def picture_url(svg: str) -> str:
    """A picture as an address that an ``img`` shows: nothing in it runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def read_design_form(given: dict[str, str]) -> dict[str, Any]:
    """The fields of the designer as the API takes them; a size that is no number is left for the API to refuse."""
    order: dict[str, Any] = {}
    for name in _FIRST:
        value = given.get(name, "").strip()
        if name in _SIZES:
            try:
                order[name] = float(value)
            except ValueError:
                order[name] = value
        elif value or name == "name":
            order[name] = value
    if order.get("shape") in {"round", "square"}:
        order["height_mm"] = order.get("width_mm")
    return order


async def preview(visit: Visit, order: dict[str, Any]) -> dict[str, Any]:
    """What the server draws of a design, and its warnings. Raises ApiProblem."""
    drawn: dict[str, Any] = (await visit.api.post("/v1/seal-designs/preview", json=order)).body
    return {**drawn, "url": picture_url(drawn["svg"])}


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("seals", "nav_designer", DESIGNER, ("seal.apply", "seal.review"), icon="paper")

    @console.page(DESIGNER, needs=("seal.apply", "seal.review"))
    async def show_designer(visit: Visit) -> Response:
        given = {**_FIRST, **{name: value for name, value in visit.request.query_params.items() if name in _FIRST}}
        return await _show(visit, given)

    @console.page(DESIGNER, methods=("POST",), needs=("seal.apply", "seal.review"))
    async def draw(visit: Visit) -> Response:
        form = await visit.form()
        given = {**_FIRST, **{name: form.get(name) for name in _FIRST if form.is_set(name)}}
        if visit.request.headers.get("accept", "").startswith("application/json"):
            try:
                drawn = await preview(visit, read_design_form(given))
            except ApiProblem as problem:
                if problem.is_signed_out:
                    raise
                problem = told_to_enter(problem, visit.language)
                return JSONResponse(
                    {"problem": problem.title, "detail": problem.detail, "violations": problem.violations},
                    headers={"cache-control": "no-store"},
                )
            warnings = [{"text": each["text"], "source": visit.t("design_source", source=each["source"])} for each in drawn["warnings"]]
            return JSONResponse(
                {"url": drawn["url"], "warnings": warnings, "fine": visit.t("design_fine")}, headers={"cache-control": "no-store"}
            )
        return await _show(visit, given)


async def _show(visit: Visit, given: dict[str, str]) -> Response:
    drawn, problem = None, None
    if given["name"]:
        try:
            drawn = await preview(visit, read_design_form(given))
        except ApiProblem as refused:
            if refused.is_signed_out:
                raise
            problem = refused
    return visit.render(
        "designer.html",
        problem=problem,
        given=given,
        drawn=drawn,
        shapes=[each.value for each in Shape],
        arrangements=[each.value for each in Arrangement],
        centres=[each.value for each in Centre],
        typefaces=[each.value for each in Typeface],
        units=[(rule.unit.value, rule.name_zh if visit.language == "zh" else rule.name_en) for rule in UNIT_RULES.values()],
        seal_types=SEAL_TYPES,
        **words_for(visit),
    )
