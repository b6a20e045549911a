"""Making at the console: with an outside authority's certificate, with papers behind a step, with the owner's own key."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import read_proven_request
from standards.rfc7468_pem import read_pem, write_pem
from tests.yinxin.console_site import CREDIT_CODE, Site, open_site
from yinxin.pki.actions.issue_certificate import issue_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.yinxin.surfing import Surfer

VERSION = re.compile(r'name="version" value="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("console") / "deployment") as made:
        yield made


def approved(site: Site, **fields: str) -> str:
    """The address of an application that was approved."""
    applicant, reviewer = site.person("shenqing"), site.person("shenhe")
    applicant.get("/console/applications/new")
    wanted = {
        "kind": "new",
        "organisation": "呼伦贝尔市样例处",
        "credit_code": CREDIT_CODE,
        "managers": "guanli",
        "users": "yongyin",
        "reason": "设立",
    }
    applicant.post("/console/applications/new", {**wanted, **fields})
    reviewer.get(applicant.at)
    reviewer.post(f"{applicant.at}/steps/approve", {"reason": "齐全", "version": "*"})
    assert "已批准" in reviewer.text
    return applicant.at


def version(surfer: Surfer) -> str:
    found = VERSION.search(surfer.page.text)
    assert found
    return html.unescape(found[1])


def test_a_certificate_of_an_outside_authority_is_fetched_and_handed_in(site: Site) -> None:
    maker, house = site.person("zhizhang"), site.here.house
    place = approved(site, certificate="external")
    maker.get(place)
    maker.post(f"{place}/steps/make", {"version": "*", "data_version": "5"})
    seal = maker.at
    assert "等待外部证书" in maker.text
    wanted = read_proven_request(read_pem(maker.http.get(f"{seal}/certificate-request.pem").content)[0][1])
    maker.get(seal)
    maker.post(f"{seal}/certificate", {"certificates": "nothing", "version": version(maker)})
    assert maker.page.status_code in {400, 422}
    certificate = issue_certificate(house.register, house.authorities.issuing, wanted, Profile.SEAL_SIGNING, actor="operator:test")
    chain = b"".join(write_pem("CERTIFICATE", each.der) for each in (certificate, *house.context.issuer.chain()))
    maker.get(seal)
    maker.post(f"{seal}/certificate", {"version": version(maker)}, files={"chain": ("chain.pem", chain)})
    assert "印章已制作" in maker.text, maker.text
    assert "certificate-request" not in maker.text


def test_papers_stand_behind_a_step_and_waiting_can_be_given_up(site: Site) -> None:
    maker = site.person("zhizhang")
    place = approved(site, certificate="external")
    maker.get(place)
    maker.post(f"{place}/steps/make", {"version": "*"})
    seal = maker.at
    maker.post(f"{seal}/steps/give-up", {"reason": "机构不再签发"}, files={"papers": ("函件.pdf", b"%PDF")})
    assert "函件.pdf" in maker.text
    assert "制作中止" in maker.text


def test_a_request_that_proves_no_key_makes_no_seal(site: Site) -> None:
    maker = site.person("zhizhang")
    place = approved(site)
    maker.get(place)
    maker.post(
        f"{place}/steps/make",
        {"version": "*", "certificate_request": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"},
    )
    assert maker.page.status_code in {400, 422}
    assert "未能完成" in maker.text
