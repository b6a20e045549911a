"""The way out: nothing by default, only to the address that was checked, no redirect followed, bounded in time and size."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

import service_kit.outbound
from service_kit import bounded_calls
from service_kit.bounded_calls import call_once
from service_kit.name_lookups import AT_ONCE_OF_DOMAIN, AT_ONCE_OF_HOST, NameLookups, NoPlaceError, TooSlowError, domain_of
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from tests.service_kit.receivers import receiver

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = read_networks(["127.0.0.0/8", "::1/128"])


def reason_of(error: TrustError) -> tuple[str, object]:
    return error.code, error.facts.get("reason")


@pytest.mark.parametrize("host", ["xn--a", "xn--a.evil.example", "xn--zzzz--", "256.1.1.1", "[v1.a]"])
def test_attack_a_host_whose_name_nobody_can_speak_is_not_called(host: str) -> None:
    """Whoever has a zone answers for any name in it."""
    with pytest.raises(TrustError) as failed:
        Outbound(LOOPBACK, look_up=lambda *_: ["127.0.0.1"]).call("GET", f"https://{host}:1/")
    assert reason_of(failed.value) == ("OUTBOUND_FAILED", "not-a-url")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://224.0.0.1/",
        "http://[64:ff9b::a9fe:a9fe]/latest/meta-data/",  # 169.254.169.254 behind a translator (RFC 6052)
        "http://[64:ff9b:1::a00:1]/",
        "http://[2002:a00:1::]/",  # 10.0.0.1 behind 6to4
        "http://[::7f00:1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fec0::1]/",
        "http://[ff0e::1]/",
    ],
)
def test_public_means_neither_this_machine_nor_its_networks(url: str) -> None:
    for networks in ([], ["public"]):
        outbound = Outbound(read_networks(networks))
        with pytest.raises(TrustError) as refused:
            outbound.check_url(url)
        assert reason_of(refused.value) == ("OUTBOUND_REFUSED", "address-not-allowed")
        with pytest.raises(TrustError, match="OUTBOUND_REFUSED"):
            outbound.call("GET", url)


def test_what_is_public_may_be_called_by_any_of_its_addresses() -> None:
    outbound = Outbound(read_networks(["public"]))
    for host in ("93.184.216.34", "[2606:2800:220:1::1]", "[64:ff9b::5db8:d822]", "[2002:5db8:d822::]", "[::ffff:93.184.216.34]"):
        outbound.check_url(f"http://{host}/")
    Outbound(read_networks(["64:ff9b::/96"])).check_url("http://[64:ff9b::a00:1]/")  # where the operator says so


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://",
        "http:///x",
        "//127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1/#fragment",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\\@x/",
        "http://[::1",
        "http://例子.cn/",
        "http://127.0.0.1/" + "a" * 3000,
        "http://127.0.0.1/\r\nx: y",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(TrustError) as refused:
        Outbound(LOOPBACK).check_url(url)
    assert reason_of(refused.value) == ("OUTBOUND_REFUSED", "not-a-url")


def test_nothing_is_reached_by_default() -> None:
    with receiver() as listening:
        with pytest.raises(TrustError, match="OUTBOUND_REFUSED"):
            Outbound(()).call("POST", listening.url)
        assert listening.received == []


def test_an_allowed_address_is_called_with_its_name() -> None:
    with receiver() as listening:
        port = listening.url.split(":")[2].split("/")[0]
        asked = []

        def look_up(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return ["127.0.0.1"]

        outbound = Outbound(LOOPBACK, look_up=look_up)
        answer = outbound.call("POST", f"http://hooks.example:{port}/hook?a=1", headers={"x-mark": "1"}, content=b"hello")
    assert (answer.status, answer.body) == (204, b"")
    assert asked == [("hooks.example", int(port))]
    got = listening.received[0]
    assert (got.path, got.body, got.headers["host"], got.headers["x-mark"]) == ("/hook?a=1", b"hello", f"hooks.example:{port}", "1")


def test_a_name_with_one_forbidden_address_is_not_called() -> None:
    outbound = Outbound(read_networks(["127.0.0.1/32"]), look_up=lambda _host, _port: ["127.0.0.1", "10.0.0.1"])
    with pytest.raises(TrustError, match="OUTBOUND_REFUSED"):
        outbound.call("GET", "http://rebinding.example/")


@pytest.mark.parametrize("found", [[], ["127.0.0.1"] * 17, ["not-an-address"]])
def test_a_name_without_a_usable_address_fails(found: list[str]) -> None:
    with pytest.raises(TrustError, match="OUTBOUND_FAILED"):
        Outbound(LOOPBACK, look_up=lambda _host, _port: found).call("GET", "http://nowhere.example/")


def test_an_unknown_name_fails() -> None:
    def look_up(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(TrustError, match="OUTBOUND_FAILED"):
        Outbound(LOOPBACK, look_up=look_up).call("GET", "http://nowhere.example/")


def test_a_name_whose_servers_never_answer_takes_no_longer_than_a_call_may_and_holds_up_no_other() -> None:
    """The system cannot be told to stop looking: so few wait for one name, and whoever calls another does not notice."""
    ended, asked = threading.Event(), []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        if host == "dead.example":
            assert ended.wait(60)
        return ["127.0.0.1"]

    with receiver() as listening:
        port = listening.url.split(":")[2].split("/")[0]
        outbound = Outbound(LOOPBACK, look_up=look_up, timeout_seconds=0.2)
        try:
            found = []
            for host in ["dead.example"] * AT_ONCE_OF_HOST + ["DEAD.example", "dead.example"]:
                began = time.monotonic()
                with pytest.raises(TrustError) as failed:
                    outbound.call("GET", f"http://{host}:{port}/")
                found.append(reason_of(failed.value)[1])
                assert time.monotonic() - began < 5
            assert found == ["too-slow"] * AT_ONCE_OF_HOST + ["too-many-look-ups"] * 2
            assert asked == ["dead.example"] * AT_ONCE_OF_HOST
            assert Outbound(LOOPBACK, look_up=look_up).call("GET", f"http://living.example:{port}/").status == 204
        finally:
            ended.set()
        wait_for_no_look_up()
        assert Outbound(LOOPBACK, look_up=look_up).call("GET", f"http://dead.example:{port}/").status == 204


def test_attack_a_domain_whose_servers_never_answer_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names it has, and however they are written: whoever calls another domain finds a place, until names of many domains hang."""
    ended, lookups = threading.Event(), NameLookups()
    monkeypatch.setattr(service_kit.outbound, "OF_PROCESS", lookups)

    def look_up(host: str, _port: int) -> list[str]:
        if "dead" in host:
            assert ended.wait(60)
        return ["127.0.0.1"]

    def reason(host: str) -> object:
        with pytest.raises(TrustError) as failed:
            Outbound(LOOPBACK, look_up=look_up, timeout_seconds=0.0).call("GET", f"http://{host}/")
        return reason_of(failed.value)[1]

    with receiver() as listening:
        port = listening.url.split(":")[2].split("/")[0]
        try:
            names = [f"{'x.' * number}h{number}.DEAD.example{'.' * (number % 2)}" for number in range(AT_ONCE_OF_DOMAIN)]
            assert [reason(name) for name in names] == ["too-slow"] * AT_ONCE_OF_DOMAIN
            assert [reason(name) for name in ("new.dead.example", "dead.example", "dead.example.")] == ["too-many-look-ups"] * 3
            for living in ("living.example", "alive.living.example", "example", "dea.example"):
                assert Outbound(LOOPBACK, look_up=look_up).call("GET", f"http://{living}:{port}/").status == 204, living
            for name in ("dead.gov.cn", "dead.com.cn", "dead.nm.cn"):  # each is somebody else's
                assert reason(name) == "too-slow"
        finally:
            ended.set()
        wait_for_no_look_up()
        assert Outbound(LOOPBACK, look_up=look_up).call("GET", f"http://new.dead.example:{port}/").status == 204


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.com", "example.com"),
        ("a.b.Example.COM.", "example.com"),
        ("a.housing.gov.cn", "housing.gov.cn"),
        ("housing.nm.cn", "housing.nm.cn"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("a.nm.example", "nm.example"),
        ("h1.abc.cn", "abc.cn"),
        ("h1.nm.io", "nm.io"),
        ("gov.cn", "gov.cn"),
        ("localhost", "localhost"),
    ],
)
def test_names_that_one_owner_may_make_are_counted_together(host: str, domain: str) -> None:
    assert domain_of(host) == domain


def wait_for_no_look_up() -> None:
    until = time.monotonic() + 30
    while any(each.name == "name-lookup" for each in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)


def test_look_ups_are_bounded_in_all_and_say_what_the_system_says() -> None:
    ended, lookups = threading.Event(), NameLookups(at_once=3, at_once_of_host=2)

    def hang(_host: str, _port: int) -> list[str]:
        assert ended.wait(60)
        return []

    def fail(error: Exception) -> Callable[[str, int], list[str]]:
        def look_up(_host: str, _port: int) -> list[str]:
            raise error

        return look_up

    def find(look_up: Callable[[str, int], list[str]], host: str, *, seconds: float = 0.0) -> list[str]:
        return lookups.find(look_up, host, 1, until=time.monotonic() + seconds)

    try:
        for host in ("a", "a", "b"):
            with pytest.raises(TooSlowError):
                find(hang, host)
        for host in ("a", "c"):
            with pytest.raises(NoPlaceError):
                find(hang, host)
    finally:
        ended.set()
    wait_for_no_look_up()
    for error in (TimeoutError(), socket.gaierror(), UnicodeError()):  # a resolver that gives up by itself was not too slow for us
        with pytest.raises(type(error)):
            find(fail(error), "a", seconds=60)
    assert find(lambda *_: ["127.0.0.1"], "a", seconds=60) == ["127.0.0.1"]


def test_a_look_up_without_a_thread_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = NameLookups(at_once=1)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NoPlaceError):
            lookups.find(lambda *_: [], "a", 1, until=time.monotonic() + 60)
    assert lookups.find(lambda *_: ["127.0.0.1"], "a", 1, until=time.monotonic() + 60) == ["127.0.0.1"]


def test_redirects_are_not_followed() -> None:
    with receiver() as inner, receiver() as outer:
        outer.status, outer.location = 302, inner.url
        assert Outbound(LOOPBACK).call("POST", outer.url).status == 302
        assert inner.received == []


def test_an_answer_that_drips_or_swells_is_cut() -> None:
    with receiver() as listening:
        listening.status, listening.body, listening.drip_seconds = 200, b"x" * 1000, 0.05
        began = time.monotonic()
        with pytest.raises(TrustError) as cut:
            Outbound(LOOPBACK, timeout_seconds=0.4).call("POST", listening.url)
        assert reason_of(cut.value) == ("OUTBOUND_FAILED", "too-slow")
        assert time.monotonic() - began < 5
        listening.drip_seconds, listening.body = 0.0, b"x" * 100_000
        with pytest.raises(TrustError) as cut:
            Outbound(LOOPBACK).call("POST", listening.url, answer_bytes=1000)
        assert reason_of(cut.value) == ("OUTBOUND_FAILED", "answer-too-large")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nx-drip: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_head_that_drips_is_cut_like_a_body(begin: bytes) -> None:
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not ended.wait(0.05):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = threading.Thread(target=drip, args=(listening,))
        peer.start()
        began = time.monotonic()
        with pytest.raises(TrustError) as cut:
            Outbound(LOOPBACK, timeout_seconds=0.4).call("POST", f"http://127.0.0.1:{listening.getsockname()[1]}/", content=b"x" * 40_000)
        took = time.monotonic() - began
        ended.set()
        peer.join()
    assert cut.value.code == "OUTBOUND_FAILED"
    assert took < 5  # as above: what drips every 50 ms would go on for ever


def test_nobody_listening_is_a_failure() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(TrustError, match="OUTBOUND_FAILED"):
        Outbound(LOOPBACK).call("GET", f"http://127.0.0.1:{port}/")


def test_the_allow_list_says_which_entry_is_wrong() -> None:
    with pytest.raises(TrustError, match="SETTING_INVALID"):
        read_networks(["10.0.0.1/8"])


def test_an_address_that_the_operator_named_is_looked_up_within_the_time_and_each_of_its_addresses_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str] = []
    monkeypatch.setattr(bounded_calls, "ask_system", lambda _host, _port: found)
    with receiver() as listening:
        port = listening.url.split(":")[2].split("/")[0]
        with pytest.raises(TrustError) as failed:
            call_once("GET", f"http://log.example:{port}/", timeout_seconds=5, answer_bytes=10)
        assert reason_of(failed.value) == ("OUTBOUND_FAILED", "ConnectError")
        found += ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first
        assert call_once("GET", f"http://log.example:{port}/", timeout_seconds=5, answer_bytes=10).status == 204
        assert listening.received[-1].headers["host"] == f"log.example:{port}"

    def fail(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    monkeypatch.setattr(bounded_calls, "ask_system", fail)
    with pytest.raises(TrustError) as failed:
        call_once("GET", "http://log.example/", timeout_seconds=5, answer_bytes=10)
    assert reason_of(failed.value) == ("OUTBOUND_FAILED", "ConnectError")
