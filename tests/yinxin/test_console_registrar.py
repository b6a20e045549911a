"""Whoever keeps the issuing authorities, at the console: entering them, who acts for them, and which systems may use their licences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.licence_vault.issuing_here import FACE, ISSUER, OTHER_ISSUER
from tests.licence_vault.served import office, served_licences
from tests.licence_vault.type_files import TYPE, type_file
from tests.yinxin.console_here import Pages, open_pages, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

AUTHORITIES, SHARING = "/console/licence-authorities", "/console/licence-sharing"
KNOWN = {"name": "示例市新机关", "area_code": "150700", "seal_id": ""}
SCOPES = ("licence.admin", "licence.read", "holder.find")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    shared = type_file(face=FACE, sharing={"modes": ["consented", "duty"], "shown_masked": ["KZ_class"]})
    with served_licences(tmp_path_factory.mktemp("registrar") / "d", [shared], {ISSUER: "cl_officer"}) as (served, _):
        office(served, "cl_shop", "licence.use")
        yield served


@pytest.fixture(scope="module")
def registrar(here: Here) -> Pages:
    return open_pages(here, "cl_registrar", *SCOPES)


def test_an_authority_is_entered_changed_and_given_members(registrar: Pages) -> None:
    listed = registrar.get(AUTHORITIES).text
    assert ISSUER in listed
    assert 'href="/console/licence-authorities"' in listed, "in the menu"
    refused = registrar.post(f"{AUTHORITIES}/new", KNOWN | {"code": OTHER_ISSUER[:-1] + "0"}, status=400).text
    assert KNOWN["name"] in refused, "what was typed is there still"
    entered = registrar.post(f"{AUTHORITIES}/new", KNOWN | {"code": OTHER_ISSUER.lower()})
    page = registrar.follow(entered)
    at = f"{AUTHORITIES}/{OTHER_ISSUER}"
    assert at in entered.headers["location"]
    assert "Saved" in told(page.text)
    assert "Nobody yet" in told(page.text)
    # Entered once more: nothing is changed behind the back of whoever entered it first
    again = registrar.post(f"{AUTHORITIES}/new", KNOWN | {"code": OTHER_ISSUER, "name": "另一名称"}, status=409).text
    assert "entered already" in told(again)
    assert "另一名称" not in again
    etag = re.search(r'name="etag" value="([^"]+)"', page.text)[1].replace("&#34;", '"')  # type: ignore[index]
    changed = registrar.post(at, KNOWN | {"what": "change", "etag": etag, "seal_id": "sl_1"})
    assert "sl_1" in registrar.follow(changed).text
    stale = registrar.post(at, KNOWN | {"what": "change", "etag": etag, "name": "迟到的"}, status=412).text
    assert "迟到的" not in stale
    wrong = registrar.post(at, KNOWN | {"what": "change", "etag": "*", "name": "改后名称", "area_code": "1"}, status=422).text
    assert ('value="改后名称"' in wrong, 'name="etag" value="*"' in wrong, f"<h1>{KNOWN['name']}</h1>" in wrong) == (True, True, True)
    # Members: by a client's id, not twice, and taken away again
    given = registrar.follow(registrar.post(at, {"what": "give", "holder": "cl_author"}))
    assert "The member was added" in told(given.text)
    assert "Nobody yet" not in told(given.text)
    registrar.post(at, {"what": "give", "holder": "cl_nobody_knows"}, status=422)
    assert "The member was removed" in told(registrar.follow(registrar.post(at, {"what": "take", "holder": "cl_author"})).text)
    registrar.post(at, {"what": "take", "holder": "../../clients"}, status=404)
    assert "Nobody yet" in told(registrar.get(at).text)
    registrar.get(f"{AUTHORITIES}/nothing-there", status=422)


def test_a_use_is_permitted_changed_and_withdrawn(registrar: Pages) -> None:
    assert "Nothing is shared yet" in told(registrar.get(f"{SHARING}?client=cl_shop").text)
    whole = {"client": "cl_shop", "type": TYPE, "modes": ["consented"], "rights": ["verify", "query"], "reason": "数据共享协议"}
    refusals: tuple[dict[str, Any], ...] = (
        {"modes": ["own"]},
        {"modes": []},
        {"modes": ["entrusted"]},
        {"rights": ["everything"]},
        {"reason": ""},
        {"type": ""},
    )
    for wrong in refusals:
        refused = registrar.post(f"{SHARING}/edit", whole | wrong, status=422).text
        assert "cl_shop" in refused
    registrar.post(f"{SHARING}/edit", whole | {"client": ""}, status=422)
    registrar.post(f"{SHARING}/withdraw", {"client": "", "type": ""}, at=f"{SHARING}/edit", status=422)
    assert "Nothing is shared yet" in told(registrar.get(SHARING).text), "nor with a system without a name"
    permitted = registrar.follow(registrar.post(f"{SHARING}/edit", whole))
    assert "Permitted" in told(permitted.text)
    assert "the holder agreed" in told(permitted.text)
    assert "annotated copies" not in told(permitted.text)
    again = registrar.post(f"{SHARING}/edit", whole | {"rights": ["verify"], "reason": "another"}, status=409).text
    assert "has a permission for this type already" in told(again)
    registrar.get("/problems/LICENCE_SHARING_KNOWN", status=302)
    assert set(re.findall(r'value="(\w+)" checked', again)) == {"consented", "verify", "query"}, "what stands, to be changed knowingly"
    edit = f"{SHARING}/edit?client=cl_shop&type={TYPE}"
    page = registrar.get(edit).text
    assert set(re.findall(r'value="(\w+)" checked', page)) == {"consented", "verify", "query"}
    etag = re.search(r'name="etag" value="([^"]+)"', page)[1].replace("&#34;", '"')  # type: ignore[index]
    wider = whole | {"modes": ["consented", "duty"], "rights": ["download"], "etag": etag}
    assert "annotated copies" in told(registrar.follow(registrar.post(f"{SHARING}/edit", wider)).text)
    registrar.post(f"{SHARING}/edit", wider, status=412)
    api = registrar.here.http.get(f"/v1/licence-sharing/cl_shop/{TYPE}", headers={"authorization": f"Bearer {registrar.token}"}).json()
    assert (sorted(api["modes"]), api["rights"]) == (["consented", "duty"], ["download"])
    gone = registrar.post(f"{SHARING}/withdraw", {"client": "cl_shop", "type": TYPE}, at=SHARING)
    assert "was withdrawn" in told(registrar.follow(gone).text)
    registrar.post(f"{SHARING}/withdraw", {"client": "cl_shop", "type": TYPE}, at=f"{SHARING}/edit", status=404)
    registrar.get(edit, status=404)


def test_who_does_not_keep_authorities_sees_neither(here: Here) -> None:
    officer = open_pages(here, "cl_other", "licence.issue", "licence.read")
    for path in (AUTHORITIES, f"{AUTHORITIES}/new", f"{AUTHORITIES}/{ISSUER}", SHARING, f"{SHARING}/edit"):
        officer.get(path, status=403)
    assert AUTHORITIES not in officer.get("/console/licences").text
