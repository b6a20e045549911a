"""Looking at a design before a seal is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response

from seal_service.api.design_shapes import DesignOrder, PreviewAnswer, write_warning
from seal_service.limits import PREVIEW_DPI_MAX, PREVIEW_DPI_MIN
from seal_service.model import SCOPE_READ
from seal_service.pictures.check_design import check_design
from seal_service.pictures.draw_seal import draw_seal, is_mongolian_here, typefaces_here
from seal_service.render import PICTURE_DPI, draw_picture
from service_kit.composition import needs
from service_kit.problems import language_of, problem_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
JSON: Final = "application/json"
OFFERED: Final = (JSON, SVG, PNG)
_ACCEPT_CHARACTERS: Final = 1024  # browsers send under 200
_HEADERS: Final[dict[str, Any]] = {
    "Design-Warnings": {"schema": {"type": "string"}, "description": "Codes of the warnings, separated by commas; absent without any."}
}


def add_design_routes(router: APIRouter) -> None:
    """Add them to the service's router."""

    @router.post(
        "/v1/seal-designs/preview",
        name="preview_seal_design",
        summary="Draw a seal design and compare it with the rules",
        description="Nothing is stored. Answers JSON with the picture as SVG and the warnings, or the picture alone, as Accept asks: "
        f"{', '.join(OFFERED)}. Warnings keep nobody from making the seal; what cannot be drawn is refused.",
        response_model=PreviewAnswer,
        responses={
            200: {
                "description": "The preview.",
                "content": {SVG: {"schema": {"type": "string"}}, PNG: {"schema": {"type": "string", "format": "binary"}}},
                "headers": _HEADERS,
            },
            **problem_answers(401, 403, 422),
        },
        tags=["seals"],
    )
    @needs(SCOPE_READ)
    def preview_design(
        body: DesignOrder,
        dpi: Annotated[int, Query(ge=PREVIEW_DPI_MIN, le=PREVIEW_DPI_MAX, description="Of the PNG.")] = PICTURE_DPI,
        accept: Annotated[str, Header(max_length=_ACCEPT_CHARACTERS)] = "*/*",
        accept_language: Annotated[str | None, Header()] = None,
    ) -> Response:
        design = body.design()
        picture = draw_seal(design)
        warnings = check_design(design, body.owner())
        headers = {"cache-control": "no-store", "vary": "Accept, Accept-Language"}
        if warnings:
            headers["design-warnings"] = ", ".join(warning.code for warning in warnings)
        wanted = preferred(accept)
        if wanted == SVG:
            return Response(picture.to_svg(), media_type=SVG, headers=headers)
        if wanted == PNG:
            return Response(draw_picture(picture, dpi=dpi), media_type=PNG, headers=headers)
        language = language_of(accept_language)
        answer = PreviewAnswer(
            svg=picture.to_svg(),
            width_mm=picture.width_mm,
            height_mm=picture.height_mm,
            warnings=[write_warning(warning, language) for warning in warnings],
            typefaces=[typeface.value for typeface in typefaces_here()],
            has_mongolian=is_mongolian_here(),
        )
        return Response(answer.model_dump_json(), media_type=JSON, headers=headers)


def preferred(accept: str) -> str:
    """Which of the offered types an Accept header (RFC 9110 12.5.1) likes best; JSON where it names none of them."""
    weights = _weights(accept)

    def weight(offered: str) -> float:
        for pattern in (offered, offered.split("/", maxsplit=1)[0] + "/*", "*/*"):
            if pattern in weights:
                return weights[pattern]
        return 0.0

    return max(OFFERED, key=weight)


def _weights(accept: str) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        weights[name] = weight if 0 <= weight <= 1 else 0.0
    return weights
