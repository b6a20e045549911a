"""Answers of the CAS protocol, read back by other people's parsers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from standards import apereo_cas as cas

AT = datetime(2026, 5, 1, 2, 3, 4, tzinfo=UTC)
NAMES = {"cas": cas.NAMESPACE, "samlp": cas.SAML_PROTOCOL, "saml": cas.SAML_ASSERTION}


@pytest.mark.clause("CAS 3.0.3 2.5.2")
def test_success_with_and_without_attributes() -> None:
    plain = etree.fromstring(cas.write_success("pe_1", None))
    assert plain.findtext("cas:authenticationSuccess/cas:user", namespaces=NAMES) == "pe_1"
    assert plain.find("cas:authenticationSuccess/cas:attributes", NAMES) is None
    full = etree.fromstring(cas.write_success("pe_1", {"name": "测试甲", "isFromNewLogin": True, "old": False, "level": 3}))
    found = {etree.QName(each).localname: each.text for each in full.find("cas:authenticationSuccess/cas:attributes", NAMES)}
    assert found == {"name": "测试甲", "isFromNewLogin": "true", "old": "false", "level": "3"}
    assert json.loads(cas.write_success_json("pe_1", {"level": 3})) == {
        "serviceResponse": {"authenticationSuccess": {"user": "pe_1", "attributes": {"level": [3]}}}
    }
    assert json.loads(cas.write_success_json("pe_1", None)) == {"serviceResponse": {"authenticationSuccess": {"user": "pe_1"}}}


@pytest.mark.clause("CAS 3.0.3 2.5.4", "CAS 3.0.3 2.6.2")
def test_success_of_who_came_through_others() -> None:
    through = ["https://a.example/pgt?x=1&y=2", "https://b.example/pgt"]
    told = etree.fromstring(cas.write_success("pe_1", None, iou="PGTIOU-1", proxies=through)).find("cas:authenticationSuccess", NAMES)
    assert told.findtext("cas:proxyGrantingTicket", namespaces=NAMES) == "PGTIOU-1"
    assert [each.text for each in told.find("cas:proxies", NAMES)] == through
    read = json.loads(cas.write_success_json("pe_1", None, iou="PGTIOU-1", proxies=through))
    assert read["serviceResponse"]["authenticationSuccess"] == {"user": "pe_1", "proxyGrantingTicket": "PGTIOU-1", "proxies": through}


@pytest.mark.clause("CAS 3.0.3 2.5.3", "CAS 3.0.3 2.4.2")
def test_failure() -> None:
    told = etree.fromstring(cas.write_failure(cas.INVALID_TICKET, "used <before>")).find("cas:authenticationFailure", NAMES)
    assert (told.get("code"), told.text) == ("INVALID_TICKET", "used <before>")
    assert json.loads(cas.write_failure_json("X", "y")) == {"serviceResponse": {"authenticationFailure": {"code": "X", "description": "y"}}}
    assert cas.write_validation(None) == b"no\n\n"
    assert cas.write_validation("pe_1\nadmin") == b"yes\npe_1 admin\n"


@given(st.text(alphabet=st.sampled_from("<>&\"'/:a]测\r\n\t \x00\x1f\x7f\ud800\ufffe\U0001f600"), max_size=40))
def test_attack_no_value_becomes_markup(value: str) -> None:
    read = etree.fromstring(cas.write_success(value, {"name": value, "other": "x"}))
    user = read.findtext("cas:authenticationSuccess/cas:user", namespaces=NAMES)
    attributes = read.find("cas:authenticationSuccess/cas:attributes", NAMES)
    assert len(read) == 1
    assert [len(each) for each in attributes] == [0, 0]
    expected = "".join(each if each in "\t\n\r" or each >= " " else "\ufffd" for each in value)
    expected = "".join("\ufffd" if 0xD800 <= ord(each) < 0xE000 or ord(each) in {0xFFFE, 0xFFFF} else each for each in expected)
    assert (user or "") == expected == (attributes[0].text or "")


@pytest.mark.parametrize("name", ["", "a b", "a>", "1a", "a:b", "xmlns", "XMLx", "é", "a" * 65])
def test_attack_names_that_are_no_names(name: str) -> None:
    with pytest.raises(ValueError, match="XML name"):
        cas.write_success("pe_1", {name: "x"})


@pytest.mark.clause("CAS 3.0.3 2.3.3")
def test_logout_request() -> None:
    read = etree.fromstring(cas.write_logout_request("LR-1", "pe_<1", 'ST-"1', datetime(2026, 5, 1, 2, 3, 4, tzinfo=UTC)))
    assert (read.tag, read.get("ID"), read.get("IssueInstant")) == (f"{{{cas.SAML_PROTOCOL}}}LogoutRequest", "LR-1", "2026-05-01T02:03:04Z")
    assert read.findtext("saml:NameID", namespaces=NAMES) == "pe_<1"
    assert read.findtext("samlp:SessionIndex", namespaces=NAMES) == 'ST-"1'


@pytest.mark.clause("CAS 3.0.3 2.3.3")
@pytest.mark.parametrize(
    ("text", "ticket"),
    [
        (cas.write_logout_request("LR-1", "pe_1", "ST-1-a&b", AT), None),
        (cas.write_logout_request("LR-1", "pe_1", "ST-1-ab", AT), "ST-1-ab"),
        ('<?xml version="1.0"?>\n<LogoutRequest>\n <SessionIndex a="b">\n ST-1\n</SessionIndex >\n</LogoutRequest>', "ST-1"),
        ("", None),
        ("<samlp:Response><SessionIndex>ST-1</SessionIndex></samlp:Response>", None),
        ("<LogoutRequest></LogoutRequest>", None),
        ("<LogoutRequest><SessionIndex></SessionIndex></LogoutRequest>", None),
        ("<LogoutRequest><SessionIndex>ST-1 ST-2</SessionIndex></LogoutRequest>", None),
        ("<LogoutRequest><SessionIndex>ST-1</SessionIndex><SessionIndex>ST-2</SessionIndex></LogoutRequest>", None),
        ("<LogoutRequest><!-- <SessionIndex>ST-1</SessionIndex> --></LogoutRequest>", None),
        ('<!DOCTYPE x [<!ENTITY e "ST-1">]><LogoutRequest><SessionIndex>&e;</SessionIndex></LogoutRequest>', None),
        ("<LogoutRequest><SessionIndex>&e;</SessionIndex></LogoutRequest>", None),
    ],
)
def test_a_logout_message_names_one_ticket(text: str, ticket: str | None) -> None:
    assert cas.read_logout_request(text) == ticket
