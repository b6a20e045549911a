"""A browser as pages see it: cookies that belong to the host alone, what the person chose, and the token of forms."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from crypto.sealed_values import ValueSealer
from service_kit.page_frame.browser import BROWSER_COOKIE, Browser
from standards.errors import TrustError


def browser(cookies: str = "", query: str = "", *, is_secure: bool = True, accept: str = "en") -> Browser:
    headers = [(b"cookie", cookies.encode()), (b"accept-language", accept.encode()), (b"host", b"trust.example")]
    scope = {"type": "http", "method": "GET", "path": "/page", "query_string": query.encode(), "headers": headers, "scheme": "https"}
    return Browser(Request(scope), is_secure, ValueSealer(bytes(32)))


def test_cookies_belong_to_the_host_alone_where_there_is_https() -> None:
    one = browser()
    one.set_cookie("yinxin-x", "v", seconds=5)
    one.set_cookie("yinxin-y", "")
    assert one.cookies == [
        "__Host-yinxin-x=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=5",
        "__Host-yinxin-y=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
    ]
    assert browser("yinxin-x=planted").cookie("yinxin-x") == ""  # as a neighbour under the same domain may set it
    assert browser("yinxin-x=v", is_secure=False).cookie("yinxin-x") == "v"
    assert browser("__Host-yinxin-x=" + "v" * 5000).cookie("yinxin-x") == ""


def test_what_the_person_chose_goes_before_what_the_browser_prefers() -> None:
    assert browser(accept="zh-CN,en;q=0.5").language == "zh"
    assert browser("__Host-yinxin-language=en", accept="zh-CN").language == "en"
    assert browser("__Host-yinxin-language=xx", accept="en").language == "en"
    assert browser("__Host-yinxin-large=1").is_large
    switched = browser(query="lang=zh&after=sl_1&type=large").switched()
    assert switched is not None
    assert switched.headers["location"] == "/page?after=sl_1"
    assert len(switched.headers.getlist("set-cookie")) == 2
    assert browser(query="lang=xx&type=huge").switched() is None


def test_a_form_is_known_by_the_token_of_its_browser() -> None:
    mine = browser(f"__Host-{BROWSER_COOKIE}=secret-of-mine")
    mine.check_token(mine.token())
    assert mine.cookies == []
    other = browser(f"__Host-{BROWSER_COOKIE}=secret-of-another")
    for given in (other.token(), "", mine.token() + "A", "\u5370"):
        with pytest.raises(TrustError, match="FORM_FORGED"):
            mine.check_token(given)
    new = browser()
    assert new.token() == new.token()
    with pytest.raises(TrustError, match="FORM_FORGED"):  # one without its cookie has shown no form yet
        new.check_token(new.token())
    assert Browser(new.request, is_secure=True).token() == ""
