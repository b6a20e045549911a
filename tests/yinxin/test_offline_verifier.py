"""Building the offline verifier, and the trust bundle that it is fed with."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.report_text import SENTENCES
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature
from crypto.sm3 import sm3
from crypto.trust_list import read_trust_list
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.life import transition_named
from service_kit.callers import Caller
from standards.errors import MalformedError
from tests.deployments import make_deployment, served_here
from tests.pki import DemoPki, signer_for
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from yinxin.command_line import app
from yinxin.commands.verify_command import load_known
from yinxin.offline_verifier import build
from yinxin.offline_verifier.bundling import BundlingError, bundle, stripped
from yinxin.offline_verifier.modules_text import read_modules, read_scripts
from yinxin.offline_verifier.read_bundle import SIGNED_BEFORE, read_known
from yinxin.offline_verifier.trust_bundle import RENEWED_AFTER, VALIDITY, Knowledge, TrustBundles, write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

AT = datetime(2026, 11, 20, tzinfo=UTC)
CALLER = Caller("cl_a", "cl_a", frozenset({"seal.manage", "seal.use", "seal.read"}))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A deployment with all services, served in this process."""
    folder = make_deployment(tmp_path_factory.mktemp("offline") / "deployment", demo=True)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as running:
        yield running


def opened(bundle_json: bytes) -> dict[str, Any]:
    """The payload of a bundle, after each of its signatures was verified."""
    outer = json.loads(bundle_json)
    assert (outer["format"], outer["version"]) == ("yinxin-trust-bundle", 1)
    payload = base64.b64decode(outer["payload"])
    for each in outer["signatures"]:
        algorithm = algorithm_identifier(SignatureAlgorithm(each["algorithm"]))
        key, value = base64.b64decode(each["key"]), base64.b64decode(each["signature"])
        assert verify_signature(key, algorithm, SIGNED_BEFORE + payload, value) is SignatureCheck.GOOD
    return {**json.loads(payload), "algorithms": [each["algorithm"] for each in outer["signatures"]]}


def test_the_bundle_is_signed_and_says_how_long_it_counts(here: Here) -> None:
    answer = here.http.get("/trust-bundle")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found = opened(answer.content)
    assert found["algorithms"] == ["sm2-sm3", "ecdsa-sha256"]
    assert found["name"] == here.house.context.settings.base_url
    assert found["issued_at"] < found["expires_at"]
    known = read_trust_list(json.dumps(found["trust_list"]).encode())
    assert known.anchors
    assert len(known.crls) == 2
    assert known.status_lists
    assert known.logs
    assert known.status_issuers
    assert [each["issuer"] for each in found["issuers"]] == [f"{found['name']}/licences/credentials"] * 2
    assert all(each.startswith(here.house.context.settings.logs.origin) for each in found["checkpoints"])
    again = here.http.get("/trust-bundle", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_bundle_is_made_anew_when_a_seal_changes_or_it_grew_old(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    context = here.house.context
    at = [context.clock.now()]
    monkeypatch.setattr(context.clock, "now", lambda: at[0])
    bundles = here_bundles(here)
    first = bundles.current()
    assert bundles.current() is first
    at[0] += timedelta(seconds=1)
    assert bundles.current() is first
    seal = make_seal(context, CALLER, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    at[0] += timedelta(seconds=1)
    second = bundles.current()
    change_seal_state(context, CALLER, seal.id, transition_named("freeze"), reason="lost")
    at[0] += timedelta(seconds=1)
    third = bundles.current()
    at[0] += RENEWED_AFTER
    fourth = bundles.current()
    assert len({first, second, third, fourth}) == 4
    assert opened(second)["trust_list"]["status_lists"] != opened(third)["trust_list"]["status_lists"]


def here_bundles(here: Here) -> TrustBundles:
    from yinxin.offline_verifier.open_bundles import open_bundles

    return open_bundles(here.house.context)


def test_a_deployment_without_licences_says_nothing_of_them(here: Here) -> None:
    found = opened(TrustBundles(here.house.context, None, has_licences=False).current())
    assert found["algorithms"] == ["sm2-sm3"]
    assert found["issuers"] == []
    assert "status_lists" not in found["trust_list"]


def test_the_command_writes_the_bundle(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "deployment")
    out = tmp_path / "bundle.json"
    done = CliRunner().invoke(app, ["trust-bundle", "--dir", str(folder), "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"file": str(out), "bytes": len(out.read_bytes())}
    assert opened(out.read_bytes())["trust_list"]["format"] == "yinxin-trust-list"
    assert CliRunner().invoke(app, ["trust-bundle", "--dir", str(folder), "--out", str(out)]).exit_code == 0
    assert CliRunner().invoke(app, ["trust-bundle", "--dir", str(tmp_path / "none"), "--out", str(out)]).exit_code != 0


@pytest.fixture(scope="module")
def written() -> bytes:
    """A bundle by keys of the tests."""
    algorithms = (SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ED25519)
    signers = [signer_for(f"bundle-{each.value}", each) for each in algorithms]
    return write_bundle(Knowledge(DemoPki.create(AT).trust_list()), [], signers, name="tests", issued_at=AT)


def test_the_command_trusts_by_a_bundle_as_by_the_list_inside(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(written)
    known = load_known(path).trust
    inside = json.dumps(json.loads(base64.b64decode(json.loads(written)["payload"]))["trust_list"]).encode()
    assert replace(known, ends_at=None) == read_trust_list(inside) == read_known(inside).trust
    assert known.ends_at == AT + VALIDITY
    unknown = json.loads(written)
    unknown["signatures"][1]["algorithm"] = "of tomorrow"
    assert read_known(json.dumps(unknown).encode()).trust.anchors


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"payload": base64.b64encode(b"{}").decode()},
        {"payload": "?"},
        {"signatures": []},
        {"signatures": [{}]},
        {"more": 1},
    ],
)
def test_a_bundle_that_was_changed_trusts_nobody(written: bytes, change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="TRUST_LIST_MALFORMED"):
        read_known(json.dumps({**json.loads(written), **change}).encode())
    with pytest.raises(MalformedError, match="TRUST_LIST_MALFORMED"):
        read_known(b"{")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": 1}, "name"),
        ({"issued_at": "yesterday"}, "issued_at"),
        ({"expires_at": "2026-11-19T23:59:59Z"}, "expires_at"),
        ({"checkpoints": {}}, "checkpoints"),
        ({"checkpoints": [None]}, "checkpoints[0]"),
        ({"checkpoints": [""] * 17}, "checkpoints"),
        ({"trust_list": "\ud800"}, ""),
        ({"trust_list": {"format": "\ud800", "version": 1, "anchors": []}}, ""),
    ],
)
def test_a_signed_bundle_that_is_half_understood_is_refused(written: bytes, change: dict[str, Any], where: str) -> None:
    """By its own keys, as the offline verifier refuses it; halves of characters raise nothing else."""
    outer = json.loads(written)
    payload = json.dumps({**json.loads(base64.b64decode(outer["payload"])), **change}).encode()
    signer = signer_for("bundle-again", SignatureAlgorithm.ED25519)
    key, signature = (base64.b64encode(each).decode() for each in (signer.public_spki_der, signer.sign(SIGNED_BEFORE + payload)))
    signed = {"algorithm": signer.algorithm.value, "key": key, "signature": signature}
    with pytest.raises(MalformedError, match="TRUST_LIST_MALFORMED") as raised:
        read_known(json.dumps({**outer, "payload": base64.b64encode(payload).decode(), "signatures": [signed]}).encode())
    assert raised.value.facts["where"] == where


def test_the_same_program_gives_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = build.build_verifier()
    build.build_verifier.cache_clear()
    out = tmp_path / "v.html"
    monkeypatch.setattr("sys.argv", ["build", str(out)])
    build.main()
    assert out.read_bytes() == content
    printed = capsys.readouterr().out
    assert sha256(content).hexdigest() in printed
    assert sm3(content).hex() in printed
    loader = content.decode().rpartition('<script type="module">')[2].partition("</script>")[0]
    digest = base64.b64encode(sha256(loader.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' blob:;" in content.decode()
    monkeypatch.setattr(build, "MOST_BYTES", 1000)
    build.build_verifier.cache_clear()
    with pytest.raises(ValueError, match="more than 1000"):
        build.build_verifier()


def test_every_step_of_the_verifier_has_its_sentence() -> None:
    text = read_modules()["sentences"]
    written = json.loads(text.partition("export const SENTENCES = ")[2].rstrip(";\n"))
    assert written.keys() == SENTENCES.keys()
    assert written["TRUST_BUNDLE_FROM_FUTURE"] == list(SENTENCES["TRUST_BUNDLE_FROM_FUTURE"])


def test_modules_have_nothing_that_nobody_needs() -> None:
    """What is imported is used; what is exported is imported somewhere, or used in its own module."""
    scripts = [read_modules(), read_scripts("yinxin.offline_verifier", "page"), read_scripts("yinxin.verification_page", "static")]
    modules = [(name, stripped(text)) for folder in scripts for name, text in folder.items()]
    imported: set[tuple[str, str]] = set()
    idle = []
    for name, text in modules:
        used = Counter(re.findall(r"[\w$]+", text))
        for listed, source in re.findall(r'^import \{([^}]*)\} from "\./(\w+)\.js";', text, re.MULTILINE):
            names = {each.strip() for each in listed.split(",")} - {""}
            imported |= {(source, each) for each in names}
            idle += [f"{name} imports {each}" for each in names if used[each] < 2]
    for name, text in modules:
        used = Counter(re.findall(r"[\w$]+", text))
        exported = re.findall(r"^export (?:async )?(?:function\*?|class|const|let) (\w+)", text, re.MULTILINE)
        idle += [f"{name} exports {each}" for each in exported if used[each] < 2 and (name, each) not in imported]
    assert idle == []


def test_comments_go_and_everything_else_stays() -> None:
    text = (
        'const a = "// no comment"; // a comment\n'
        "  /* one\n over lines */ const b = /[/*]+\\/\\/x/g.test('it\\'s'); \n"
        "const c = `${ {d: `//${1 / 2}`}.d } /* kept */`;\n\n"
        "const e = b / 2 / 3;\n"
        "return /x/;\n"
    )
    assert stripped(text) == (
        'const a = "// no comment";\n'
        "const b = /[/*]+\\/\\/x/g.test('it\\'s');\n"
        "const c = `${ {d: `//${1 / 2}`}.d } /* kept */`;\n"
        "const e = b / 2 / 3;\n"
        "return /x/;\n"
    )


def test_modules_keep_their_names_to_themselves() -> None:
    modules = {
        "entry": 'import { one,\n  two } from "./other.js";\nconst own = one + two;\n',
        "other": "const own = 1;\nconst two = 2;\nexport const one = own;\nexport { two };\n",
    }
    assert bundle(modules, "entry") == (
        "const $other = (() => {\nconst own = 1;\nconst two = 2;\nconst one = own;\nreturn {one, two};\n})();\n"
        "const $entry = (() => {\nconst {one, two} = $other;\nconst own = one + two;\nreturn {};\n})();\n"
    )


@pytest.mark.parametrize(
    "entry",
    [
        'import { a } from "./none.js";\n',
        'import { a } from "./entry.js";\n',
        'import all from "./entry.js";\n',
        "const a = 'not ended;\n",
        "const a = /not ended\n",
        "const a = `not ended",
        "const a = `over\nlines`;\n",
    ],
)
def test_what_is_written_in_another_form_is_not_bundled(entry: str) -> None:
    with pytest.raises(BundlingError):
        bundle({"entry": entry}, "entry")
