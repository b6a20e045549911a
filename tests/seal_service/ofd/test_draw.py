"""Sealed OFD documents as a person sees them."""

from __future__ import annotations

import pytest

from seal_service.ofd.draw import draw_sealed_ofd
from seal_service.render import draw_page
from standards.gbt38540_seal.values import SealPicture
from tests.optional import corpus
from tests.seal_service.ofd import documents
from tests.seal_service.ofd.documents import Signing, sign
from tests.service_kit.ofd_drawing.pages import RED, WHITE, at, files, layer, picture, shown, square
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry

CLAUSE = "GB/T 33190-2016 18.2.3 places of a seal"
SEALED_PICTURE = picture(colour=(255, 0, 0))
STAMPS = (
    '<o:StampAnnot ID="1" PageRef="1" Boundary="10 10 20 20"/><o:StampAnnot ID="2" PageRef="1" Boundary="60 10 20 20" Clip="0 0 5 20"/>'
)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A page of 100 by 60 mm, and seals whose picture is a red square."""
    monkeypatch.setattr(documents, "PNG", SEALED_PICTURE)
    documents.seal_der.cache_clear()
    whole = files(layer(square(90, 50, 5)))
    whole["OFD.xml"] = entry(body(signatures="/Doc_0/Signs/Signatures.xml"))
    return whole


@pytest.fixture(autouse=True)
def _forget_seals() -> object:
    yield
    documents.seal_der.cache_clear()


@pytest.mark.clause(CLAUSE)
def test_seals_are_drawn_at_their_places_cut_to_their_clips(plain: dict[str, bytes]) -> None:
    drawn, not_drawn = draw_sealed_ofd(pack(sign(plain, Signing(stamps=STAMPS))))
    page = shown(drawn.pdf)
    assert (not_drawn, drawn.omissions) == ((), ())
    assert [at(page, x, 20) for x in (5, 20, 35, 62, 70)] == [WHITE, RED, WHITE, RED, WHITE]
    assert draw_page(drawn.pdf, 1).startswith(b"\x89PNG")


def test_the_seal_file_serves_where_the_value_cannot_be_read(plain: dict[str, bytes]) -> None:
    sealed = sign(plain, Signing(stamps=STAMPS, value=lambda _original, _path: b"no value"))
    drawn, not_drawn = draw_sealed_ofd(pack(sealed))
    assert not_drawn == ()
    assert at(shown(drawn.pdf), 20, 20) == RED


def test_what_cannot_be_drawn_is_named(plain: dict[str, bytes]) -> None:
    nothing = Signing(stamps=STAMPS, value=lambda _original, _path: b"no value", with_seal_file=False)
    bad_place = Signing(
        index=1, stamps='<o:StampAnnot ID="7" PageRef="1" Boundary="x"/><o:StampAnnot ID="8" PageRef="1" Boundary="1 1 2 2" Clip=""/>'
    )
    no_place = Signing(index=2, stamps="")
    drawn, not_drawn = draw_sealed_ofd(pack(sign(plain, nothing, bad_place, no_place)))
    assert not_drawn == (
        "Doc_0/Signs/Sign_0/Signature.xml",
        "Doc_0/Signs/Sign_1/Signature.xml 7",
        "Doc_0/Signs/Sign_1/Signature.xml 8",
        "Doc_0/Signs/Sign_2/Signature.xml",
    )
    assert at(shown(drawn.pdf), 92, 52) == RED


def test_a_picture_that_is_a_document_is_found_behind_bytes_in_front_of_it(
    plain: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pack(files(layer(square(0, 0, 100))))
    monkeypatch.setattr(documents, "SealPicture", lambda _kind, _data, *size: SealPicture("OFD", b"front" + page, *size))
    drawn, not_drawn = draw_sealed_ofd(pack(sign(plain, Signing(stamps=STAMPS))))
    assert (not_drawn, drawn.omissions) == ((), ())
    assert at(shown(drawn.pdf), 20, 15) == RED


def test_an_invoice_of_the_field_whose_seal_is_an_ofd_itself() -> None:
    data = (corpus() / "ofd" / "valid" / "gomain_v4_tax_test_system_invoice_ofd_seal_picture.ofd").read_bytes()
    drawn, not_drawn = draw_sealed_ofd(data, pages=[1])
    assert not_drawn == ()
    assert {(o.effect, o.what) for o in drawn.omissions} == {("replaced", "font")}
    pixels = shown(drawn.pdf).crop((360, 30, 480, 130)).tobytes()  # where the oval of the tax office stands
    red = [at for at in range(0, len(pixels), 3) if pixels[at] > 200 and max(pixels[at + 1], pixels[at + 2]) < 60]
    assert len(red) > 300
