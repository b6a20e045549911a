"""A citizen with a phone shows a licence: the office scans the screen, she sees who asks and what for, and lets them look once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
import zxingcpp
from PIL import Image

from tests.browser.people import NUMBERS, STAFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.browser.walker import Walkers
    from tests.flows.served import Served

CITIZEN, AGENT = "shimin", "linju"
REASON = "办理不动产转移登记（样例）"
SHOWS_ONE_CODE = """() => {
  const left = Number(document.querySelector("[data-left]").textContent.match(/[0-9]+/)[0]);
  return left > 20 && document.querySelector(".code img").complete;
}"""
"""Picture and text are of the same code, and stay so while both are read: codes change with the minute."""
OFFICER = {"name": "王示例", "role": "窗口受理", "division": "登记一科"}


@pytest.fixture(scope="module")
def office(served: Served) -> Iterator[httpx.Client]:
    """The demonstration's own client, which issues here and then scans."""
    with served.client() as caller:
        yield caller


@pytest.fixture(scope="module")
def licence(served: Served, office: httpx.Client) -> dict[str, Any]:
    """One of the citizen's, of the demonstration's own type and authority; the demonstration's client may ask for it to be shown."""
    listed = office.get("/v1/licences?limit=1").json()["licences"][0]
    like = office.get(f"/v1/licences/{listed['id']}").json()
    order = {
        "type": like["data"]["type"]["code"],
        "issuer": like["data"]["issuer"]["code"],
        "holders": [{"name": STAFF[CITIZEN][0], "code": NUMBERS[CITIZEN], "code_type": "111"}],
        "fields": like["data"]["fields"],
        "valid_from": like["data"]["valid_from"],
        "valid_to": like["data"]["valid_to"],
    }
    issued = office.post("/v1/licences", json=order)
    assert issued.status_code == 201, issued.text
    client = served.deployment.made["client_id"]
    rule = {"modes": ["consented"], "rights": ["query"], "reason": "样例"}
    with served.client(*served.new_client("登记（样例）", "licence.admin")) as registrar:  # nobody permits himself
        permitted = registrar.put(f"/v1/licence-sharing/{client}/{order['type']}", json=rule)
    assert permitted.status_code == 200, permitted.text
    made: dict[str, Any] = issued.json()
    return made


@pytest.mark.clause("W3C WCAG22 AA")
def test_a_citizen_shows_and_confirms(walkers: Walkers, office: httpx.Client, licence: dict[str, Any]) -> None:
    # 1. On her phone: what she holds, masked
    citizen = walkers.anybody(narrow=True)
    citizen.sign_in(CITIZEN, to="/my")
    citizen.look("my-licences")
    page = citizen.page
    card = page.locator("article", has_text=licence["data"]["name"]).first
    assert NUMBERS[CITIZEN] not in page.content()

    # 2. She shows it; what is on the screen is the code, as another program reads it
    citizen.follow(card.get_by_role("button", name="出示"))
    page.wait_for_selector(".code img")
    citizen.look("my-showing")
    assert page.locator("[data-left]").inner_text().endswith("秒后更换")
    page.wait_for_function(SHOWS_ONE_CODE, timeout=60_000)
    picture = Image.open(io.BytesIO(page.locator(".code").screenshot()))
    (read,) = zxingcpp.read_barcodes(picture)
    assert read.text == page.locator("[data-code]").text_content()

    # 3. The office scans it; her page turns into the question by itself
    scanned = office.post("/v1/showings/scan", json={"code": read.text, "reason": REASON, "officer": OFFICER}).json()
    assert NUMBERS[CITIZEN] not in str(scanned)
    page.get_by_role("heading", name="是否让对方查看？").wait_for()
    citizen.look("my-question")
    for told in (REASON, OFFICER["name"], licence["data"]["name"]):
        assert told in page.locator(".asked").inner_text()

    # 4. Her yes, by keys alone; then they see it, and her page says so
    page.get_by_role("button", name="同意，让对方查看").press("Enter")
    page.get_by_role("heading", name="您已同意").wait_for()
    whole = office.post(f"/v1/showings/{scanned['id']}/view").json()
    assert whole["data"]["holders"][0]["code"] == NUMBERS[CITIZEN]
    page.get_by_role("heading", name="对方已查看").wait_for()
    citizen.look("my-seen")

    # 5. It stands in her log
    citizen.goto("/my/uses", "my-uses")
    assert page.locator("li", has_text="查看了您的").first.inner_text().count(OFFICER["name"]) == 1


def test_the_other_pages_of_a_citizen(walkers: Walkers, licence: dict[str, Any]) -> None:
    citizen = walkers.anybody(dark=True, language="en")
    citizen.sign_in(CITIZEN, to="/my/trust")
    citizen.look("my-trust")
    for path in ("/", f"/my/licences/{licence['id']}?whole=yes", f"/my/licences/{licence['id']}/copies", "/my/data", "/my/account"):
        citizen.goto(path, "my-" + (path.split("/")[-1] or "front"))


def test_somebody_who_was_entrusted_lets_an_office_use_a_licence(
    walkers: Walkers, served: Served, office: httpx.Client, licence: dict[str, Any]
) -> None:
    client, secret = served.new_client("受托办理（样例）", "licence.use")
    rule = {"modes": ["entrusted"], "rights": ["query"], "reason": "样例"}
    kind = licence["data"]["type"]["code"]
    with served.client(*served.new_client("登记二（样例）", "licence.admin")) as registrar:
        assert registrar.put(f"/v1/licence-sharing/{client}/{kind}", json=rule).status_code == 200

    # 1. Nothing is entrusted to the neighbour yet, who holds nothing himself
    neighbour = walkers.anybody(narrow=True)
    neighbour.sign_in(AGENT, to="/my/trust")
    assert neighbour.page.locator("#licence").count() == 0

    # 2. The citizen entrusts him, by the number of his document
    citizen = walkers.anybody()
    citizen.sign_in(CITIZEN, to="/my/trust")
    citizen.page.select_option("#type", kind)
    citizen.page.fill("#code", NUMBERS[AGENT])
    citizen.page.fill("#reason", "代办变更登记（样例）")
    citizen.follow(citizen.page.get_by_role("button", name="委托", exact=True))

    # 3. He finds what was entrusted to him and for whom, masked, and consents by it
    page = neighbour.goto("/my/trust", "my-entrusted")
    assert "代办变更登记（样例）" in page.locator("main").inner_text()
    [option] = page.locator("#licence option").all_inner_texts()
    assert option.startswith(licence["data"]["name"])
    assert option.endswith("受市****委托")
    assert STAFF[CITIZEN][0] not in page.content()
    assert NUMBERS[CITIZEN] not in page.content()
    page.fill("#client", client)
    page.fill("#purpose", REASON)
    neighbour.follow(page.get_by_role("button", name="授权并取得用证码"))
    code = next(each for each in page.locator("main").inner_text().split() if each.startswith("yxu_"))

    # 4. The office uses the code, once; the citizen sees both in her log, and ends the entrustment
    with served.client(client, secret) as system:
        used = system.post("/v1/licence-use-codes/redeem", json={"code": code, "purpose": REASON})
        assert (used.status_code, used.json()["mode"]) == (200, "entrusted")
        assert system.post("/v1/licence-use-codes/redeem", json={"code": code, "purpose": REASON}).json()["code"] == "USE_CODE_USED"
    told = citizen.goto("/my/uses", "my-uses-entrusted").locator("main").inner_text()
    assert told.count("受您委托的人") >= 2
    citizen.goto("/my/trust")
    citizen.follow(citizen.page.get_by_role("button", name="终止委托"))
    assert neighbour.goto("/my/trust").locator("#licence").count() == 0
