"""SAML 1.1 as clients of CAS send and read it, and everything a request must not be."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from standards import saml11_validation as saml

AT = datetime(2026, 5, 1, 2, 3, 4, 567_890, tzinfo=UTC)
NAMES = {"soap": saml.SOAP, "p": saml.PROTOCOL, "a": saml.ASSERTION}
TOLD = saml.Statement(
    "https://trust.example", "https://office.example/app/?a=1&b=2", "pe_1", {"name": "测试<甲>", "new": True, "level": 3}, AT
)


def request(ticket: str = "ST-1", *, head: str = "", inside: str = "", **changes: str) -> str:
    members = {"MajorVersion": "1", "MinorVersion": "1", "RequestID": "_192.168.16.51.1024506224022", **changes}
    stated = " ".join(f'{name}="{value}"' for name, value in members.items())
    return (
        f'{head}<SOAP-ENV:Envelope xmlns:SOAP-ENV="{saml.SOAP}"><SOAP-ENV:Header/><SOAP-ENV:Body>'
        f'<samlp:Request xmlns:samlp="{saml.PROTOCOL}" {stated} IssueInstant="2002-06-19T17:03:44.022Z">'
        f"<samlp:AssertionArtifact>{ticket}</samlp:AssertionArtifact>{inside}</samlp:Request></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


@pytest.mark.clause("CAS 3.0.3 4.2.3")
def test_requests_as_clients_send_them() -> None:
    read = saml.read_validation_request(request("\n  ST-1-ab\n").encode())
    assert read == saml.ValidationRequest("_192.168.16.51.1024506224022", "ST-1-ab")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    assert saml.read_validation_request(request("ST-1", head=head, MinorVersion="0").encode()) is not None
    assert saml.read_validation_request(saml.EXAMPLE.encode()) is not None
    unnamed = request().replace(' RequestID="_192.168.16.51.1024506224022"', "")  # as mod_auth_cas sends it
    assert saml.read_validation_request(unnamed.encode()) == saml.ValidationRequest("", "ST-1")
    other = request().replace("SOAP-ENV:", "s:").replace(":SOAP-ENV", ":s").replace("samlp:", "q:").replace(":samlp", ":q")
    assert saml.read_validation_request(other.encode()) is not None


@pytest.mark.clause("CAS 3.0.3 4.2.3")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "ST-1",
        "<a/>",
        request(""),
        request("<!-- -->ST-1"),
        request("ST-1<!-- -->-more"),
        request("<b>ST-1</b>"),
        request(inside="<samlp:AssertionArtifact>ST-2</samlp:AssertionArtifact>"),
        request(inside='<AssertionArtifact xmlns="urn:x">ST-2</AssertionArtifact>'),
        request(MajorVersion="2"),
        request(MinorVersion="2"),
        request(RequestID=""),
        request(RequestID="a&quot; b"),
        request(RequestID="a" * 129),
        request().replace(saml.PROTOCOL, "urn:oasis:names:tc:SAML:2.0:protocol"),
        request().replace(saml.SOAP, "http://www.w3.org/2003/05/soap-envelope"),
        request()[:-1],
        request(head='<!DOCTYPE x [<!ENTITY e "ST-1">]>'),
        request("&e;", head='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        request("&e;"),
        request(head='<?xml version="1.0" encoding="UTF-7"?>'),
        request(inside='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
        request("ST-" + "1" * saml.REQUEST_BYTES_MAX),
        "<a>" * 2000,
    ],
)
def test_attack_what_is_no_request(text: str) -> None:
    assert saml.read_validation_request(text.encode()) is None


@given(st.binary(max_size=200))
def test_attack_no_octets_raise(data: bytes) -> None:
    saml.read_validation_request(data)
    saml.read_validation_request(request().encode()[:300] + data)


@pytest.mark.clause("CAS 3.0.3 4.2.5")
def test_success_as_others_read_it() -> None:
    root = ET.fromstring(saml.write_success("_r1", "_q1", TOLD, AT))
    response = root.find("soap:Body/p:Response", NAMES)
    assert response is not None
    assert {
        name: response.get(name) for name in ("ResponseID", "InResponseTo", "Recipient", "IssueInstant", "MajorVersion", "MinorVersion")
    } == {
        "ResponseID": "_r1",
        "InResponseTo": "_q1",
        "Recipient": TOLD.audience,
        "IssueInstant": "2026-05-01T02:03:04Z",
        "MajorVersion": "1",
        "MinorVersion": "1",
    }
    status = response.find("p:Status/p:StatusCode", NAMES)
    assert status is not None
    assert status.get("Value") == "samlp:Success"
    conditions = response.find("a:Assertion/a:Conditions", NAMES)
    assert conditions is not None
    assert (conditions.get("NotBefore"), conditions.get("NotOnOrAfter")) == ("2026-05-01T02:02:04Z", "2026-05-01T02:04:04Z")
    assert conditions.findtext("a:AudienceRestrictionCondition/a:Audience", namespaces=NAMES) == TOLD.audience
    named = response.findall(".//a:NameIdentifier", NAMES)
    assert [each.text for each in named] == ["pe_1", "pe_1"]
    found = {
        each.get("AttributeName"): each.findtext("a:AttributeValue", namespaces=NAMES)
        for each in response.iterfind(".//a:Attribute", NAMES)
    }
    assert found == {"name": "测试<甲>", "new": "true", "level": "3"}
    assert saml.write_success("_r1", "", saml.Statement("i", "s", "u", {}, AT), AT).count(b"AttributeStatement") == 0
    with pytest.raises(ValueError, match="XML name"):
        saml.write_success("_r1", "", saml.Statement("i", "s", "u", {'a" b': "x"}, AT), AT)
    assert "pe_1" not in repr(TOLD)


@pytest.mark.clause("CAS 3.0.3 4.2.5")
def test_failure_as_others_read_it() -> None:
    root = etree.fromstring(saml.write_failure("_r1", "", "", "used <before>", AT))
    response = root.find("soap:Body/p:Response", NAMES)
    assert (response.get("InResponseTo"), response.get("Recipient")) == (None, None)
    assert [each.get("Value") for each in response.iterfind(".//p:StatusCode", NAMES)] == ["samlp:Requester", "samlp:RequestDenied"]
    assert response.findtext("p:Status/p:StatusMessage", namespaces=NAMES) == "used <before>"
    assert response.find(".//a:Assertion", NAMES) is None


@given(st.text(alphabet=st.sampled_from("<>&\"'/:a]测\r\n\t \x00\x1f\ud800\ufffe\U0001f600"), max_size=40))
def test_attack_no_value_becomes_markup(value: str) -> None:
    root = etree.fromstring(saml.write_success("_r1", "_q1", saml.Statement("i", value, value, {"name": value}, AT), AT))
    assert [len(each) for each in root.iterfind(".//a:NameIdentifier", NAMES)] == [0, 0]
    assert [len(each) for each in root.iterfind(".//a:AttributeValue", NAMES)] == [0]
    assert len(root.findall(".//p:StatusCode", NAMES)) == 1
    assert len(etree.fromstring(saml.write_failure("_r1", "_q1", value, value, AT)).findall(".//p:StatusCode", NAMES)) == 2
