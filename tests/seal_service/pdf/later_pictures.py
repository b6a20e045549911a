"""Signed files with a second signature whose picture stands at an odd place, or over the first seal: both signers are known and sign rightly."""

from __future__ import annotations

import io
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pikepdf
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, StreamObject, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import cms_embedder

from tests.seal_service.pdf.pyhanko_signing import original, prepare, sign, sign_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyhanko.pdf_utils.generic import IndirectObject

SEAL: Final = (60, 400, 120, 460)
BESIDE: Final = (300, 400, 360, 460)
INK: Final = b"1 0 0 rg 0 0 60 60 re f"
_PRINTED: Final = 4
_NO_ZOOM, _NO_ROTATE = 8, 16


@cache
def first(*, prepared: tuple[int, int, int, int] | None = None, turn: int = 0) -> bytes:
    """A document with a visible signature ``First`` at ``SEAL``. ``prepared``: where an empty field ``Second`` stood before; ``turn``: of the page, in degrees."""
    data = original()
    if turn:
        with pikepdf.open(io.BytesIO(data)) as document:
            document.pages[0].Rotate = turn
            turned = io.BytesIO()
            document.save(turned)
        data = turned.getvalue()
    if prepared is not None:
        data = prepare(data, SigFieldSpec("Second", box=prepared, on_page=0))
    return sign(data, "First", box=SEAL)


def second(
    boxes: Sequence[tuple[float, ...] | None],
    *,
    form_box: tuple[float, ...] | None = (0, 0, 60, 60),
    flags: int = _PRINTED,
    ink: bytes = INK,
    before: bytes | None = None,
) -> bytes:
    """The document signed again, by a new field ``Second`` with a widget for each box (None: without a rectangle), or by the one ``before`` has."""
    writer = IncrementalPdfFileWriter(io.BytesIO(first() if before is None else before), strict=False)
    form: dict[Any, Any] = {NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")}
    if form_box is not None:
        form[NameObject("/BBox")] = _numbers(form_box)
    look = {
        NameObject("/F"): NumberObject(flags),
        NameObject("/AP"): DictionaryObject({NameObject("/N"): writer.add_object(StreamObject(form, stream_data=ink))}),
    }
    fields = writer.root["/AcroForm"]["/Fields"]
    known = [each for each in fields if each.get_object()["/T"] == "Second"]
    if known:
        known[0].get_object().update(look)
        writer.update_container(known[0].get_object())
        return _sign(writer, known[0].get_object())
    field = DictionaryObject({NameObject("/FT"): NameObject("/Sig"), NameObject("/T"): pdf_string("Second")})
    reference = writer.add_object(field)
    page = writer.root["/Pages"]["/Kids"][0]
    widgets = [_widget(writer, box, look, reference) for box in boxes]
    field[NameObject("/Kids")] = ArrayObject(widgets)
    for array, added in ((page["/Annots"], widgets), (fields, [reference])):
        array.extend(added)
        writer.update_container(array)
    return _sign(writer, widgets[0].get_object())


def _widget(writer: IncrementalPdfFileWriter, box: tuple[float, ...] | None, look: dict[Any, Any], field: IndirectObject) -> IndirectObject:
    entries = {NameObject("/Subtype"): NameObject("/Widget"), NameObject("/Parent"): field} | look
    return writer.add_object(DictionaryObject(entries | ({} if box is None else {NameObject("/Rect"): _numbers(box)})))


def _numbers(values: Sequence[float]) -> ArrayObject:
    return ArrayObject([FloatObject(str(each)) for each in values])


def _sign(writer: IncrementalPdfFileWriter, widget: Any) -> bytes:
    """Signed as it stands: pyHanko would draw a picture of its own."""
    with (
        patch.object(cms_embedder, "get_single_field_annot", lambda _: widget),
        patch.object(cms_embedder.SigAppearanceSetup, "apply", lambda *_: None),
    ):
        return sign_with(writer, "Second")


NARROW: Final = [(60 + at, 400, 61 + at, 460) for at in range(60)]
AROUND: Final = [(119.1, 400, 180, 460), (0, 400, 60.9, 460), (60, 459.1, 120, 520), (60, 340, 120, 400.9), (119.1, 459.1, 180, 520)]
FAR: Final = (300, 300, 310, 310)
OVER: Final = b"1 0 0 rg -240 100 60 60 re f"  # from FAR to SEAL, where nothing holds the picture in its rectangle

COVERING: Final[dict[str, Callable[[], bytes]]] = {
    "in one piece": partial(second, [SEAL]),
    "in narrow pieces": partial(second, NARROW),
    "by a narrow piece": partial(second, NARROW[30:31]),
}
LOOSE: Final[dict[str, Callable[[], bytes]]] = {
    "a rectangle without an area": partial(second, [(60, 400, 60, 400)], form_box=None),
    "a picture without a box": partial(second, [FAR], form_box=None, ink=OVER),
    "a box of three numbers": partial(second, [FAR], form_box=(0, 0, 60), ink=OVER),
    "no rectangle": partial(second, [None]),
    "not turned with the page": lambda: second([(125, 400, 185, 460)], flags=_PRINTED | _NO_ROTATE, before=first(turn=90)),
    "not enlarged with the page": partial(second, [(20, 461, 59, 500)], flags=_PRINTED | _NO_ZOOM),
    "a prepared field": lambda: second([], form_box=None, before=first(prepared=BESIDE)),
}
TOLD: Final[dict[str, Callable[[], bytes]]] = {"a prepared field over the seal": lambda: second([], before=first(prepared=SEAL))}
HARMLESS: Final[dict[str, Callable[[], bytes]]] = {
    "beside": partial(second, [BESIDE]),
    "touching": partial(second, [(119.5, 400, 180, 460)]),
    "touching on every side": partial(second, AROUND),
    "several": partial(second, [BESIDE, (300, 500, 360, 560)]),
    "prepared": lambda: second([], before=first(prepared=BESIDE)),
    "nothing to see": partial(second, [(0, 0, 0, 0)], form_box=None, ink=b"% nothing\n"),
    "on a turned page": lambda: second([(125, 400, 185, 460)], before=first(turn=90)),
}
