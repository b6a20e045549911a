"""Validation of CAS tickets by SAML 1.1, over HTTP: by the same rules as every other, and with nothing hidden in a request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from standards import saml11_validation as saml
from tests.idp.people import Browser
from tests.idp.test_cas import APP, OTHER, office  # noqa: F401 - a fixture
from tests.idp.test_cas_proxies import RECORDS, quiet, there  # noqa: F401 - fixtures
from tests.standards.test_saml11_validation import NAMES, request

if TYPE_CHECKING:
    import httpx

    from tests.idp.test_cas import Office
    from tests.idp.test_cas_proxies import Departments

SERVICE = APP + "start?x=1"


def ask(there: Any, body: str | bytes, target: str = SERVICE, **query: str) -> etree._Element:  # noqa: F811
    answer: httpx.Response = there.town.here.http.post(
        "/cas/samlValidate", params={"TARGET": target, **query}, content=body, headers={"content-type": "text/xml; charset=utf-8"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    found = etree.fromstring(answer.content).find("soap:Body/p:Response", NAMES)
    assert found is not None
    return found


def user_of(response: etree._Element) -> str:
    """Whom a response names; empty where it denies."""
    status = response.find("p:Status/p:StatusCode", NAMES).get("Value")
    named: str = response.findtext("a:Assertion/a:AuthenticationStatement/a:Subject/a:NameIdentifier", default="", namespaces=NAMES)
    assert (status == "samlp:Success") == bool(named)
    return named


@pytest.mark.clause("CAS 3.0.3 4.2", "CAS 3.0.3 4.2.1", "CAS 3.0.3 4.2.2", "CAS 3.0.3 4.2.5")
def test_a_ticket_is_validated_by_saml(office: Office) -> None:  # noqa: F811
    browser = Browser(office.town.here)
    ticket = office.ticket(browser)
    response = ask(office, request(ticket))
    assert user_of(response).startswith("pe_")
    assert (response.get("InResponseTo"), response.get("Recipient")) == ("_192.168.16.51.1024506224022", SERVICE)
    found = {
        each.get("AttributeName"): each.findtext("a:AttributeValue", namespaces=NAMES)
        for each in response.iterfind(".//a:Attribute", NAMES)
    }
    assert {
        name: found[name] for name in ("name", "level", "phone_number", "isFromNewLogin", "longTermAuthenticationRequestTokenUsed")
    } == {
        "name": "测试甲",
        "level": "3",
        "phone_number": "13800000000",
        "isFromNewLogin": "true",
        "longTermAuthenticationRequestTokenUsed": "false",
    }
    assert response.find("a:Assertion", NAMES).get("Issuer") == office.desk.issuer
    assert b"Signature" not in etree.tostring(response)
    # Once, at its service, by whatever way it was spent before
    assert user_of(ask(office, request(ticket))) == ""
    assert office.validate(ticket)[0] == "INVALID_TICKET"
    for target in (OTHER, APP, SERVICE + "1"):
        ticket = office.ticket(browser)
        assert user_of(ask(office, request(ticket), target)) == ""
        assert user_of(ask(office, request(ticket))) == ""
    assert user_of(ask(office, request(office.ticket(browser)), renew="true")) == ""


@pytest.mark.clause("CAS 3.0.3 4.2.1")
def test_attack_requests_that_are_none(office: Office) -> None:  # noqa: F811
    browser = Browser(office.town.here)
    ticket = office.ticket(browser)
    secret = office.town.here.folder / "settings.toml"
    before = len(office.town.audited("cas.validate"))
    for body in (
        "",
        ticket,
        request("&e;", head=f'<!DOCTYPE x [<!ENTITY e "{ticket}">]>'),
        request("&e;", head=f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'),
        request(ticket, head='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
        request(ticket, head='<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;&a;">]>'),
        request(ticket, inside=f"<!-- {'x' * saml.REQUEST_BYTES_MAX} -->"),
        request(ticket, inside="<a>" * 500 + "</a>" * 500),
        "x" * 10_000_000,
    ):
        response = ask(office, body)
        assert user_of(response) == ""
        assert "services" not in "".join(response.itertext()), "nothing of a file of ours"
    assert len(office.town.audited("cas.validate")) == before
    assert user_of(ask(office, request(ticket))).startswith("pe_"), "a request that named no ticket has spent none"
    # One that named a ticket has
    http = office.town.here.http
    for query in ("", "?TARGET=", f"?TARGET={APP}&TARGET={APP}"):
        ticket = office.ticket(browser, APP)
        assert b"samlp:Requester" in http.post("/cas/samlValidate" + query, content=request(ticket)).content
        assert office.validate(ticket, APP)[0] == "INVALID_TICKET"
        assert json.loads(office.town.audited("cas.validate")[-2])["facts"]["reason"] == "INVALID_REQUEST"
    assert http.get("/cas/samlValidate", params={"TARGET": APP}).status_code == 405


def test_attack_a_proxy_ticket_is_not_validated_by_saml(there: Departments) -> None:  # noqa: F811
    granting_ticket = there.granted(there.sign_in()[1])
    proxy_ticket = there.proxy(granting_ticket)
    assert user_of(ask(there, request(proxy_ticket), RECORDS)) == ""
    assert there.last("cas.validate") == ("refused", "proxied")
    assert there.validate(proxy_ticket, RECORDS)[0] == "INVALID_TICKET"


def test_attack_no_granting_ticket_comes_of_saml(there: Departments) -> None:  # noqa: F811
    """An answer without one would not be what was asked for."""
    _, ticket = there.sign_in()
    called = len(there.callbacks.asked)
    assert user_of(ask(there, request(ticket), "https://office.example/app/", pgtUrl=there.callbacks.at("/office/pgt"))) == ""
    assert there.last("cas.validate") == ("refused", "UNAUTHORIZED_SERVICE_PROXY")
    assert len(there.callbacks.asked) == called
