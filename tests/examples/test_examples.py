"""Every example runs as its README says, as a program of its own, against one served demonstration."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from service_kit.webhooks.model import new_secret
from service_kit.webhooks.signing import sign_message
from tests.deployments import free_port, unmeasured
from tests.deployments import make_deployment as make_plain
from tests.examples.bruno_player import play
from tests.flows.served import Deployment, Served
from tests.optional import PROJECT, need, need_program
from yinxin.demo.document import draw_document
from yinxin.demo.prepare import LOOPBACK, prepare_demo, write_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = PROJECT / "examples"
TOOLING = PROJECT / ".tooling" / "examples"
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration, served; its keys are those of the tests' own template, which takes half the time."""
    folder, port = tmp_path_factory.mktemp("examples") / "deployment", free_port()
    make_plain(folder, **{"demo": True, "listen.port": port, "outbound.networks": LOOPBACK})
    made = write_demo(prepare_demo(folder, is_small=True))
    with Deployment(made, port, folder).serve() as running:
        yield running


@pytest.fixture(scope="module")
def environment(served: Served) -> dict[str, str]:
    """What the READMEs say is to be set."""
    made = served.deployment.made
    return unmeasured() | {
        "YINXIN_URL": served.url,
        "YINXIN_CLIENT_ID": made["client_id"],
        "YINXIN_CLIENT_SECRET": made["client_secret"],
        "YINXIN_SEAL_ID": made["seal_id"],
        "LC_ALL": "C.UTF-8",
    }


def need_examples() -> str:
    """The Python that has what the examples need, with the generated client beside it."""
    python = TOOLING / "bin" / "python"
    client = TOOLING / "client" / "yinxin_client"
    need("packages of the examples", python.exists() and client.is_dir(), "make examples")
    return str(python)


def run(environment: dict[str, str], *command: str, status: int = 0) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def check_sealed(served: Served, original: Path, sealed: Path) -> None:
    """It is the document, sealed, by the word of the platform."""
    content = sealed.read_bytes()
    assert content.startswith(original.read_bytes())
    answer = httpx.post(served.url + "/v1/verifications", files={"document": ("d.pdf", content)}, timeout=WAIT_SECONDS)
    assert answer.json()["verdict"] == "valid"


def new_document(folder: Path, amount: str) -> tuple[Path, Path]:
    original = folder / "original.pdf"
    original.write_bytes(draw_document(amount))
    return original, folder / "sealed.pdf"


def uses(served: Served) -> int:
    return int(served.deployment.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'")[0][0])


def test_curl_seals_and_a_retry_seals_nothing_again(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    need_program("curl")
    original, sealed = new_document(tmp_path, "1.00")
    script = ("sh", str(EXAMPLES / "curl" / "seal.sh"), str(original), str(sealed))
    assert "valid" in run(environment, *script)
    check_sealed(served, original, sealed)
    content, before = sealed.read_bytes(), uses(served)
    run(environment, *script)
    assert (sealed.read_bytes(), uses(served)) == (content, before)
    refused = run({**environment, "YINXIN_CLIENT_SECRET": "wrong"}, *script, status=1)
    assert "invalid_client" in refused


def test_python_seals_with_the_generated_client(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    python = need_examples()
    original, sealed = new_document(tmp_path, "2.00")
    typed = environment | {"PYTHONPATH": str(TOOLING / "client")}
    assert "valid, signatures: 1" in run(typed, python, str(EXAMPLES / "python" / "seal.py"), str(original), str(sealed))
    check_sealed(served, original, sealed)


def test_java_seals_from_a_single_file(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    java = need_program("java")
    original, sealed = new_document(tmp_path, "3.00")
    quick = ("-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8")
    assert "valid" in run(environment, java, *quick, str(EXAMPLES / "java" / "Seal.java"), str(original), str(sealed))
    check_sealed(served, original, sealed)


def test_java_8_seals_as_well(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    javac, java = need_program("javac"), need_program("java")
    original, sealed = new_document(tmp_path, "4.00")
    source = EXAMPLES / "java" / "SealJava8.java"
    flags = ("-J-XX:TieredStopAtLevel=1", "--release", "8", "-Xlint:all,-options", "-Werror", "-encoding", "UTF-8")
    run(environment, javac, *flags, "-d", str(tmp_path), str(source))
    assert (tmp_path / "SealJava8.class").read_bytes()[6:8] == b"\x00\x34", "class files of Java 8"
    assert "valid" in run(environment, java, "-cp", str(tmp_path), "SealJava8", str(original), str(sealed))
    check_sealed(served, original, sealed)


def test_bruno_collection_plays(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    made = served.deployment.made
    collection = tmp_path / "bruno"
    shutil.copytree(EXAMPLES / "bruno", collection)
    shutil.copy(made["original_pdf"], collection / "document.pdf")
    shutil.copy(made["sealed_pdf"], collection / "sealed.pdf")
    with httpx.Client(timeout=WAIT_SECONDS) as client:
        played = list(play(collection, client, environment))
    assert len(played) == len(list(collection.glob("*.bru"))) == 5
    assert [wrong for _, _, wrong in played] == [[]] * 5
    assert [status for _, status, _ in played] == [200, 200, 200, 200, 401]


@contextmanager
def program(environment: dict[str, str], port: int, log: Path, *command: str) -> Iterator[None]:
    """A program that listens on a port, until the block ends."""
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "nobody listens"
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


def test_the_receiver_takes_what_is_signed_and_nothing_else(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    url, made = f"http://127.0.0.1:{port}/webhook", served.deployment.made
    with served.client() as client:
        order = {"url": url, "types": ["seal.grant-changed"]}
        answer = client.post("/v1/webhooks", json=order)
        assert answer.status_code == 201, answer.text
        secret = answer.json()["secret"]
        theirs = environment | {"WEBHOOK_SECRET": secret, "WEBHOOK_PORT": str(port)}
        with program(theirs, port, log, sys.executable, str(EXAMPLES / "webhook-receiver" / "receiver.py")):
            # What the platform sends arrives
            grants = f"/v1/seals/{made['seal_id']}/grants"
            granted = client.post(grants, json={"holder": made["client_id"], "reason": "example"}, headers={"if-match": "*"})
            assert granted.status_code == 201, granted.text
            deadline = time.monotonic() + WAIT_SECONDS
            while "seal.grant-changed" not in log.read_text(encoding="utf-8"):
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.05)
            assert made["seal_id"] in log.read_text(encoding="utf-8")

            # What somebody else sends does not: another secret, an altered body, an old message, none at all
            now, body = datetime.now(UTC), json.dumps({"type": "forged", "data": {}}).encode()

            def status(headers: dict[str, str], content: bytes = body) -> int:
                return httpx.post(url, headers=headers, content=content, timeout=WAIT_SECONDS).status_code

            assert status(sign_message("m1", now, body, [new_secret()])) == 401
            assert status(sign_message("m2", now, body, [secret]), body + b" ") == 401
            assert status(sign_message("m3", now - timedelta(seconds=301), body, [secret])) == 401
            assert status({}) == 401
            assert "forged" not in log.read_text(encoding="utf-8")
            assert status(sign_message("m4", now, body, [new_secret(), secret])) == 204
            assert status(sign_message("m4", now, body, [secret])) == 204, "again: taken, and told once"
            assert log.read_text(encoding="utf-8").count("forged") == 1


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what it sends with its first button."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._is_open = self._has_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
            self._is_open, self._has_button = True, False
        elif self._is_open and given.get("name") and tag == "input":
            is_choice = given.get("type") == "radio" and given["name"] in self.forms[-1][1]
            if not is_choice and given.get("type") != "checkbox":
                self.forms[-1][1][given["name"]] = given.get("value", "")
        elif self._is_open and tag == "button" and not self._has_button:
            self._has_button = True
            if given.get("name"):
                self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag != "form"


def walk_through(browser: httpx.Client, page: httpx.Response, until: str, answers: dict[str, str]) -> httpx.Response:
    """Fill in one form after the other until the browser is where the application wanted it back."""
    for _ in range(6):
        if str(page.url).startswith(until):
            return page
        forms = Forms()
        forms.feed(page.text)
        action, fields = next((action, fields) for action, fields in forms.forms if "/cancel" not in action and "lang" not in fields)
        filled = {name: answers.get(name, value) for name, value in fields.items()}
        page = browser.post(urljoin(str(page.url), action), data=filled)
    raise AssertionError(page.text)


def test_people_sign_in_at_the_departments_application(served: Served, environment: dict[str, str], tmp_path: Path) -> None:
    python, port = need_examples(), free_port()
    made, home = served.deployment.made, f"http://127.0.0.1:{port}/"
    client_id, secret = served.new_client("Example department", "seal.read")
    with served.client() as client:
        registration = f"/v1/clients/{client_id}/registration"
        answer = client.put(registration, json={"redirect_uris": [home + "cb"]}, headers={"if-match": "*"})
        assert answer.status_code in {200, 201}, answer.text
    theirs = environment | {"YINXIN_RP_CLIENT_ID": client_id, "YINXIN_RP_CLIENT_SECRET": secret, "APP_PORT": str(port)}
    with (
        program(theirs, port, tmp_path / "log", python, str(EXAMPLES / "oidc-login" / "app.py")),
        httpx.Client(follow_redirects=True, timeout=WAIT_SECONDS, headers={"accept-language": "en"}) as browser,
    ):
        assert "Sign in" in browser.get(home).text
        asked: dict[str, Any] = parse_qs(urlsplit(browser.get(home + "login", follow_redirects=False).headers["location"]).query)
        assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
        page = walk_through(browser, browser.get(home + "login"), home, {"login": made["demo_user"], "password": made["demo_password"]})
        assert "演示用户" in page.text, (tmp_path / "log").read_text(encoding="utf-8")

        # An answer that nobody asked for signs nobody in
        forged = httpx.get(home + "cb", params={"code": "x", "state": "y"}, timeout=WAIT_SECONDS)
        assert forged.status_code == 403
        assert "演示用户" not in httpx.get(home, timeout=WAIT_SECONDS).text


def test_examples_are_as_short_as_they_are_called() -> None:
    lines = (EXAMPLES / "oidc-login" / "app.py").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) and not line.strip().startswith(("import", "from", '"""')) for line in lines) <= 40


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "_."))
def test_each_has_a_readme_in_both_languages(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert re.search(r"[\u4e00-\u9fff]{8}", text)
    assert re.search(r"([A-Za-z]+ ){5}", text)
    for path in re.findall(r"`((?:examples|docs)/[^` ]+)`", text):
        assert (PROJECT / path).exists(), path
    assert os.fspath(PROJECT) not in text
