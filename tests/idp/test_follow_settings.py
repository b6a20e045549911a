"""How a source is described, and the guarded way to it."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.follow_desk import FollowDesk, add_source, remove_source
from idp.actions.follow_directory import follow_source
from idp.model.follow import SOURCES_MAX, FollowedSource, read_source, write_source
from idp.store.follow import list_sources
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from tests.idp.following import Towns, served_towns

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Towns]:
    with served_towns(tmp_path_factory.mktemp("ways"), "b") as made:
        yield made


class _Source(BaseHTTPRequestHandler):
    """A machine that answers every question in one way."""

    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
    asked: list[str] = []  # noqa: RUF012 - of the test

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _machine(answer: tuple[int, dict[str, str], bytes]) -> Iterator[str]:
    _Source.answer = answer
    _Source.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), _Source)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_way_out_is_guarded(towns: Towns) -> None:
    """By the real way out: too much, led elsewhere, not allowed, not safe."""
    people = towns["b"].desk
    keystore = towns["b"].here.house.context.keystore
    allowed = FollowDesk(people, Outbound(read_networks(["127.0.0.0/8"]), timeout_seconds=5), keystore)
    answers: tuple[tuple[tuple[int, dict[str, str], bytes], dict[str, object]], ...] = (
        ((200, {}, b"{" + b" " * (9 * 1024 * 1024)), {"reason": "answer-too-large"}),
        ((302, {"location": "http://169.254.169.254/latest"}, b""), {"status": 302}),
        ((401, {}, b""), {"status": 401}),
    )
    for number, (answer, reason) in enumerate(answers):
        with _machine(answer) as url:
            code = f"s{number}"
            add_source(allowed, read_source({"code": code, "protocol": "scim", "base_url": url, "client_secret": "s"}), actor="test")
            with pytest.raises(TrustError) as refused:
                follow_source(allowed, code)
            assert (refused.value.code, dict(refused.value.facts)) == ("SOURCE_UNREACHABLE", reason)
            assert len(_Source.asked) == 1
            forbidden = FollowDesk(people, Outbound(()), keystore)
            with pytest.raises(TrustError) as refused:
                follow_source(forbidden, code)
            assert refused.value.facts == {"reason": "address-not-allowed"}
            assert len(_Source.asked) == 1, "not even asked"
    for url in ("http://10.0.0.1", "https://169.254.169.254", "https://[::1]"):
        with pytest.raises(TrustError) as refused:
            add_source(towns.desk("b"), read_source({"code": "x", "protocol": "scim", "base_url": url}), actor="test")
        assert refused.value.code in {"OUTBOUND_REFUSED", "SOURCE_SETTING_INVALID"}


@pytest.mark.parametrize(
    ("setting", "stated"),
    [
        ("code", {"code": "A"}),
        ("code", {"code": "x" * 33}),
        ("base_url", {"base_url": "http://a.example"}),
        ("base_url", {"base_url": "https://u@a.example"}),
        ("base_url", {"base_url": "https://a.example/?x"}),
        ("base_url", {"base_url": "https://a.example/"}),
        ("base_url", {"base_url": "https://a:b.example"}),
        ("base_url", {"base_url": "ftp://a.example"}),
        ("base_url", {"base_url": 1}),
        ("token_url", {"token_url": "http://a.example/token"}),
        ("client_id", {"client_id": ""}),
        ("client_secret", {"client_secret": "密"}),
        ("protocol", {"protocol": "ldap"}),
        ("kinds", {"kinds": []}),
        ("kinds", {"kinds": ["robot"]}),
        ("kinds", {"kinds": "person"}),
        ("areas", {"areas": ["x"]}),
        ("areas", {"areas": [1]}),
        ("fields", {"fields": {"version": "x"}}),
        ("fields", {"fields": {"name": "a..b"}}),
        ("fields", {"fields": []}),
        ("believed_level", {"believed_level": 3}),
        ("believed_level", {"believed_level": True}),
        ("interval_seconds", {"interval_seconds": 1}),
        ("reconcile_hours", {"reconcile_hours": -1}),
        ("colour", {"colour": "red"}),
    ],
)
def test_a_source_is_described_by_the_rules(setting: str, stated: dict[str, Any]) -> None:
    with pytest.raises(TrustError) as refused:
        read_source({"code": "x", "protocol": "feed", "base_url": "https://a.example", "client_id": "c", **stated})
    assert (refused.value.code, refused.value.facts["setting"]) == ("SOURCE_SETTING_INVALID", setting)


def test_what_is_written_is_read_again_and_there_are_only_so_many(towns: Towns) -> None:
    source = read_source(
        {"code": "x", "protocol": "scim", "base_url": "https://1.1.1.1/scim/v2", "kinds": ["person"], "fields": {"login": ""}}
    )
    assert isinstance(source, FollowedSource)
    assert read_source(write_source(source)) == source
    desk = towns.desk("b")
    with pytest.raises(TrustError) as refused:
        for number in range(SOURCES_MAX + 1):
            add_source(desk, read_source({**write_source(source), "code": f"many{number}"}), actor="test")
    assert refused.value.facts == {"setting": "code", "limit": SOURCES_MAX}
    with desk.people.database.read() as connection:
        listed = [each.code for each, _ in list_sources(connection, desk.people.vault)]
    for code in listed:  # room for the others
        remove_source(desk, code, actor="test")
    assert len(listed) == SOURCES_MAX
