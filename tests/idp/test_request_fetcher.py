"""Fetching requests: only where the allow-list leads, few at once, and no address that may be registered is a trick."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from idp.actions import fetch_request
from idp.actions.fetch_request import AT_ONCE_MAX, AT_ONCE_PER_CLIENT, PER_CLIENT, RequestFetcher
from idp.model.registrations import check_registration
from service_kit.bounded_calls import Answer
from service_kit.outbound import Outbound, read_networks
from standards.errors import Kind, TrustError
from tests.idp.test_code_flow import BASE


def test_attack_a_name_that_leads_behind_us_is_not_called() -> None:
    """What a name stands for is looked at when it is called, and the very address that was looked at is called."""
    answers = iter([["93.184.216.34"], ["10.0.0.1"]])
    outbound = Outbound(read_networks(["public"]), look_up=lambda _host, _port: next(answers))
    assert next(answers) == ["93.184.216.34"], "what was said when it was registered"
    with pytest.raises(TrustError) as found:
        RequestFetcher(outbound).fetch("kept", "https://rp.example/object")
    assert (found.value.code, found.value.facts["reason"]) == ("REQUEST_OBJECT_INVALID", "address-not-allowed")


class Slow:
    """A way out that waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls = 0

    def call(self, *_arguments: object, **_named: object) -> Answer:
        self.calls += 1
        self.go.wait(10)
        return Answer(200, {}, b"x")


def test_attack_one_clients_server_holds_up_no_other_and_all_of_them_few_threads() -> None:
    outbound = Slow()
    fetcher = RequestFetcher(outbound)  # type: ignore[arg-type]
    names = ["one"] * AT_ONCE_PER_CLIENT + ["two"] * AT_ONCE_PER_CLIENT
    threads = [threading.Thread(target=fetcher.fetch, args=(name, "https://rp.example/o")) for name in names]
    assert len(threads) == AT_ONCE_MAX
    for thread in threads[:AT_ONCE_PER_CLIENT]:
        thread.start()
    wait_for(outbound, AT_ONCE_PER_CLIENT)
    assert busy(fetcher, "one")
    for thread in threads[AT_ONCE_PER_CLIENT:]:
        thread.start()
    wait_for(outbound, AT_ONCE_MAX)
    assert busy(fetcher, "three")
    outbound.go.set()
    for thread in threads:
        thread.join()
    assert fetcher.fetch("one", "https://rp.example/o") == "x", "places come free"
    for _ in range(int(PER_CLIENT) * 20):
        if busy(fetcher, "one"):
            break
    else:
        pytest.fail("no limit on how often")
    assert fetcher.fetch("three", "https://rp.example/o") == "x"


def wait_for(outbound: Slow, calls: int) -> None:
    while outbound.calls < calls:
        time.sleep(0.001)


def busy(fetcher: RequestFetcher, client_id: str) -> bool:
    try:
        fetcher.fetch(client_id, "https://rp.example/o")
    except TrustError as error:
        assert (error.kind, error.facts["reason"]) == (Kind.UNACCEPTABLE, "busy")
        return True
    return False


def test_attack_an_address_that_does_not_answer_is_not_tried_at_every_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_request, "FAILED_SECONDS", 60.0)
    calls: list[str] = []

    class Failing:
        def call(self, _method: str, url: str, **_named: object) -> Answer:
            calls.append(url)
            raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="too-slow")

    fetcher = RequestFetcher(Failing())  # type: ignore[arg-type]
    reasons = []
    for client_id in ("one", "one", "two"):
        with pytest.raises(TrustError) as found:
            fetcher.fetch(client_id, "https://rp.example/o")
        reasons.append(found.value.facts["reason"])
    assert reasons == ["too-slow", "failed a moment ago", "failed a moment ago"]
    assert calls == ["https://rp.example/o"]


@pytest.mark.parametrize(
    "uris",
    [
        ("http://127.0.0.1/object",),
        ("http://rp.example/object",),
        ("https://rp.example/object#x",),
        ("https://rp.example/object#" + "A" * 44,),
        ("https://rp.example/object#",),
        ("https://rp.example/o#" + "A" * 43 + "#" + "A" * 43,),
        ("https://user@rp.example/object",),
        ("https://rp.example/../object",),
        ("https://RP.example/object",),
        ("https://rp.example/" + "a" * 600,),
        ("urn:ietf:params:oauth:request_uri:x",),
        ("https://rp.example/object",) * 2,
        tuple(f"https://rp.example/{n}" for n in range(17)),
    ],
)
def test_what_may_not_be_registered(uris: tuple[str, ...]) -> None:
    with pytest.raises(TrustError) as found:
        check_registration(replace(BASE, request_uris=uris))
    assert found.value.facts["field"] == "request_uris"
