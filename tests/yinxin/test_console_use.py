"""Using a seal at the console: choosing, handing in, placing, sealing; drafts that only their owner opens; samples of code."""

from __future__ import annotations

import ast
import os
import re
import secrets
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sealed_values import ValueSealer
from seal_service.actions.make_seal import SealRequest, make_seal
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.deployments import Here, make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from tests.seal_service.pdf.documents import reportlab_document
from tests.yinxin.console_here import Pages, open_pages, told
from yinxin.console import drafts as drafts_module
from yinxin.console.code_samples import SampleCall, samples_of, token_samples
from yinxin.console.drafts import Drafts
from yinxin.console.forms import ConsoleForm
from yinxin.console.seal_orders import Ordered, first_order, read_order, seal_on, size_of_picture, slice_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

A4 = (210.0, 297.0)
ROUND = (42.0, 42.0)
DOCUMENT = {"document": ("决定.pdf", reportlab_document(pages=3), "application/pdf")}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = make_deployment(tmp_path_factory.mktemp("use") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as served:
        yield served


@pytest.fixture(scope="module")
def clerk(here: Here) -> Pages:
    return open_pages(here, "cl_clerk", "seal.use", "seal.read")


@pytest.fixture(scope="module")
def seal_id(here: Here, clerk: Pages) -> str:
    assert clerk
    owner = Caller("cl_owner", "cl_owner", frozenset({"seal.manage"}))
    wanted = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_clerk",))
    return make_seal(here.house.context, owner, wanted).id


def test_every_page_asks_for_the_picture_of_the_edition_that_it_shows(clerk: Pages, seal_id: str) -> None:
    """A browser keeps a picture for five minutes: without this, the one of a design that was replaced."""
    page = clerk.get("/console/use").text
    assert f'src="/console/use/{seal_id}/picture.svg?e=1"' in page
    for template in files("yinxin.console").joinpath("templates").iterdir():
        shown = re.findall(r"/console/(?:seals|use)/[^\"]+?/picture\.svg(.{3})", template.read_text("utf-8"))
        assert all(rest == "?e=" for rest in shown), template.name


def test_from_choosing_a_seal_to_a_sealed_document(clerk: Pages, seal_id: str) -> None:
    assert f'href="/console/use/{seal_id}"' in clerk.get("/console/use").text
    assert clerk.get(f"/console/use/{seal_id}/picture.svg").headers["content-type"].startswith("image/svg+xml")
    missing = clerk.post(f"/console/use/{seal_id}", files={"document": ("", b"")}, status=422)
    assert "Choose a file" in told(missing.text)
    place = clerk.post(f"/console/use/{seal_id}", files=DOCUMENT).headers["location"]
    page = clerk.get(place)
    assert "Page 1 of 3" in told(page.text)
    assert "checked" in page.text.partition('name="seam"')[2].partition(">")[0], "over the seam, where there is one"
    picture = clerk.get(place.replace(f"/console/use/{seal_id}/place/", "/console/drafts/") + "/pages/2.png")
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["cache-control"] == "no-store", "a page of a document that is kept an hour at most stays in no browser"

    looked = clerk.post(place, {"mode": "place", "x_mm": "50", "y_mm": "60", "goto": "2"}, status=200)
    assert "Page 2 of 3" in told(looked.text)
    assert "translate(29.0 216.0)" in looked.text, "the seal stands at its millimetres on the other page too"
    last = clerk.post(place, {"mode": "place", "page": "-1", "x_mm": "50", "y_mm": "60", "preview": "1"}, status=200)
    assert "Page 3 of 3" in told(last.text), "the page that the seal comes to is the one that is looked at"
    assert "translate(29.0 216.0)" in last.text
    elsewhere = clerk.post(place, {"mode": "place", "page": "1", "pages": "2-3", "x_mm": "50", "y_mm": "60", "preview": "1"}, status=200)
    assert "Page 1 of 3" in told(elsewhere.text)
    assert "translate(29.0 216.0)" not in elsewhere.text, "no seal where none will be"
    wrong = {"mode": "keyword", "x_mm": "fifty", "y_mm": "61.5", "keyword": "盖章处", "reason": "年检", "level": "B-T"}
    refused = clerk.post(place, wrong, status=422).text
    assert "FIELD_UNACCEPTABLE" in told(refused)
    for kept in ('value="keyword" checked', 'value="61.5"', 'value="盖章处"', 'value="年检"', 'value="B-T" selected'):
        assert kept in refused, "what is right need not be typed again"
    off = clerk.post(place, {"mode": "place", "page": "1", "x_mm": "1", "y_mm": "1"}, status=422)
    assert "PLACEMENT_OFF_PAGE" in told(off.text)

    sealed = clerk.post(place, {"mode": "place", "page": "2", "x_mm": "50", "y_mm": "60", "seam": "on", "reason": "样例"})
    done = clerk.follow(sealed)
    assert "Valid: the seal is genuine" in told(done.text)
    use_id = sealed.headers["location"].split("/")[3].partition("?")[0]
    assert clerk.get(f"/console/uses/{use_id}/result").content.startswith(b"%PDF-")
    assert f"/console/uses/{use_id}" in clerk.get(f"/console/seals/{seal_id}/uses").text
    assert "DRAFT_GONE" in told(clerk.get(place, 404).text), "what is sealed is kept no longer"


def test_a_form_sent_again_with_other_files_ends_nothing_that_runs(clerk: Pages, seal_id: str) -> None:
    path = f"/console/use/{seal_id}/batch"
    place = {"mode": "place", "page": "-1", "x_mm": "100", "y_mm": "100", "once": secrets.token_urlsafe(16)}
    first: Any = [("documents", ("a.pdf", reportlab_document()))]
    other: Any = [("documents", ("b.pdf", reportlab_document(2)))]
    halt = "CREATE TRIGGER halt BEFORE UPDATE ON kit_outbox BEGIN SELECT RAISE(ABORT, 'halt'); END"
    clerk.here.house.context.database.write(lambda conn: conn.exec_driver_sql(halt))  # so that it runs for long
    try:
        watch = clerk.post(path, place, files=first).headers["location"]
        assert clerk.post(path, place, files=first).headers["location"] == watch
        assert "IDEMPOTENCY_KEY_REUSED" in told(clerk.post(path, place, status=422, files=other).text)
        assert clerk.get(f"{watch}/progress.json").json()["ended"] is False
    finally:
        clerk.here.house.context.database.write(lambda conn: conn.exec_driver_sql("DROP TRIGGER halt"))


def test_what_came_out_otherwise_than_ordered_is_told(clerk: Pages, seal_id: str) -> None:
    single = {"document": ("决定.pdf", reportlab_document(), "application/pdf")}
    place = clerk.post(f"/console/use/{seal_id}", files=single).headers["location"]
    sealed = clerk.post(place, {"mode": "place", "page": "1", "x_mm": "50", "y_mm": "60", "seam": "on"})
    assert "single page, so there is no riding seam" in told(clerk.follow(sealed).text)
    done = sealed.headers["location"].partition("?")[0]
    assert "single page" not in told(clerk.get(done).text)
    assert "some then do not show the seal" in told(clerk.get(f"{done}?told=SEAL_MAY_BE_HIDDEN,OTHER").text)


def test_who_may_not_use_seals_is_told_so(here: Here) -> None:
    reader = open_pages(here, "cl_reader", "seal.read")
    refused = reader.get("/console/use", 403).text
    assert "seal.use" in told(refused)
    assert 'href="/console/use"' not in refused, "the menu has no entry for what one may not do"


def test_drafts_are_sealed_and_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Drafts(tmp_path / "drafts", ValueSealer(b"s" * 32))
    kept.sweep()
    first = kept.keep("person:a", "决定.pdf", b"content of the document")
    assert kept.open("person:a", first).name == "决定.pdf"
    (path,) = kept.folder.iterdir()
    assert b"content" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    for owner, draft_id in (("person:b", first), ("person:a", "dr_" + "0" * 24), ("person:a", "../../etc/passwd")):
        with pytest.raises(TrustError, match="DRAFT_GONE"):
            kept.open(owner, draft_id)
    later = [kept.keep("person:a", "x", b"x") for _ in range(drafts_module.DRAFTS_PER_PERSON)]
    with pytest.raises(TrustError, match="DRAFT_GONE"):
        kept.open("person:a", first)
    kept.forget("person:a", later[0])
    kept.forget("person:a", later[0])
    for path in kept.folder.iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    with pytest.raises(TrustError, match="DRAFT_GONE"):
        kept.open("person:a", later[1])
    kept.sweep()
    assert list(kept.folder.iterdir()) == [], "what is old goes, whether or not somebody comes"
    kept.keep("person:b", "x", b"x")
    monkeypatch.setattr(drafts_module, "BYTES_MAX", 10)
    with pytest.raises(TrustError, match="TOO_BUSY"):
        kept.keep("person:c", "x", b"x")


def test_an_order_is_what_the_form_says() -> None:
    def order(**values: str) -> Ordered:
        return read_order(ConsoleForm({name: [value] for name, value in values.items()}))

    assert order(mode="keyword", keyword="盖章处", occurrence="every").placement() == {"keyword": "盖章处", "occurrence": "every"}
    assert order(mode="place", page="-1", x_mm="1.5", y_mm="2").placement() == {"x_mm": 1.5, "y_mm": 2.0, "page": -1}
    assert order(mode="place", pages="odd", x_mm="1", y_mm="2").placement() == {"x_mm": 1.0, "y_mm": 2.0, "pages": "odd"}
    seam = order(mode="invisible", seam="on", edge="left", offset_mm="100", pages_per_seal="4")
    assert seam.placement() == {"seam": {"edge": "left", "offset_mm": 100.0, "pages_per_seal": 4}}
    assert order(mode="invisible", reason="x", level="B-T").fields() == {"reason": "x", "level": "B-T"}
    for wrong in ({"mode": "magic"}, {"page": "one"}, {"y_mm": "1e9"}, {"edge": "middle"}, {"occurrence": "7"}, {"level": "B-X"}):
        with pytest.raises(TrustError, match="FIELD_UNACCEPTABLE"):
            order(**wrong)


def test_what_is_shown_is_what_comes_out() -> None:
    first = first_order(1, 3, A4, ROUND)
    assert (first.x_mm, first.y_mm, first.has_seam) == (159.0, 51.0, True)
    shown = seal_on(first, 1, 3, A4, ROUND)
    assert shown is not None
    assert (shown.x, shown.y) == (138.0, 225.0)
    assert seal_on(first, 2, 3, A4, ROUND) is None
    for order, pages in (
        (Ordered(page=-1), [3]),
        (Ordered(pages="odd"), [1, 3]),
        (Ordered(page=1, pages="2-3"), [2, 3]),
        (Ordered(page=9), []),
        (Ordered(pages="some"), []),
        (Ordered(mode="keyword"), []),
    ):
        assert [page for page in (1, 2, 3) if seal_on(order, page, 3, A4, ROUND)] == pages
    # Three pages share one seal: first page has its left third at the right edge
    cuts = [slice_on(first, page, 3, A4, ROUND) for page in (1, 2, 3)]
    assert [(each.x, each.width, each.box) for each in cuts if each] == [
        (196.0, 14.0, "0 0 14 42"),
        (196.0, 14.0, "14 0 14 42"),
        (196.0, 14.0, "28 0 14 42"),
    ]
    left, top, bottom = (
        slice_on(Ordered(has_seam=True, edge=edge, offset_mm=100.0), 1, 2, A4, ROUND) for edge in ("left", "top", "bottom")
    )
    assert left is not None
    assert (left.x, left.y, left.box) == (0.0, 176.0, "21 0 21 42")
    assert top is not None
    assert (top.x, top.y, top.box) == (79.0, 0.0, "0 21 42 21")
    assert bottom is not None
    assert (bottom.y, bottom.box) == (276.0, "0 0 42 21")
    assert slice_on(first, 1, 1, A4, ROUND) is None
    assert size_of_picture(b'<svg xmlns="x" width="42mm" height="30mm">') == (42.0, 30.0)
    assert size_of_picture(b"<svg>") == ROUND


def test_samples_are_code_that_could_run() -> None:
    call = SampleCall("POST", "/v1/x", fields=(("a", "it's"),), file=("document", "d.pdf"), saves_as="s.pdf", idempotency_key="k")
    curl, python, java = samples_of("https://seal.example.org/", call)
    assert curl.code.startswith("curl -X POST https://seal.example.org/v1/x")
    assert """-F 'a=it'"'"'s'""" in curl.code
    ast.parse(python.code)
    assert '.header("Idempotency-Key", "k")' in java.code
    _, python, java = samples_of("https://seal.example.org", SampleCall("POST", "/v1/y", body={"名": [True, None]}))
    ast.parse(python.code)
    assert 'String body = "{\\"名\\": [true, null]}";' in java.code
    assert all("cl_a" in each.code for each in token_samples("https://x.example", "cl_a", "s"))
