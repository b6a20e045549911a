"""``yinxin client sign-in``: what it registers, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.deployments import make_deployment
from tests.yinxin.test_commands import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_deployment(tmp_path_factory.mktemp("sign-in") / "deployment")
    done = run("client", "add", "--dir", str(made), "--name", "Housing", "--scope", "seal.read", "--id", "housing")
    assert done.exit_code == 0, done.output
    return made


def test_a_client_is_let_sign_people_in(folder: Path) -> None:
    where = ("client", "sign-in", "housing", "--dir", str(folder))
    done = run(*where, "--redirect-uri", "https://rp.example/cb", "--refresh", "--own", "--json")
    assert done.exit_code == 0, done.output
    kept = json.loads(done.stdout)
    assert (kept["redirect_uris"], kept["grant_types"], kept["is_own"]) == (
        ["https://rp.example/cb"],
        ["authorization_code", "refresh_token"],
        True,
    )
    described = run(*where, "--redirect-uri", "https://rp.example/cb")
    assert "https://rp.example/cb" in described.stdout


def test_everything_may_come_from_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "registration.json"
    where = ("client", "sign-in", "housing", "--dir", str(folder), "--file", str(file), "--json")
    file.write_text(json.dumps({"redirect_uris": ["https://rp.example/cb"], "subject_type": "pairwise"}), encoding="utf-8")
    assert json.loads(run(*where).stdout)["subject_type"] == "pairwise"
    for wrong in ("{", "[]", '{"unknown": 1}', '{"redirect_uris": ["http://rp.example/cb"]}', " " * 70_000):
        file.write_text(wrong, encoding="utf-8")
        assert run(*where).exit_code in {1, 64}, wrong[:20]


def test_keys_as_a_list_or_a_set_and_never_private_ones(folder: Path, tmp_path: Path) -> None:
    """Under RFC 7591 keys come as a JWK set; what is wrong in a file is named, without its value."""
    file = tmp_path / "registration.json"
    where = ("client", "sign-in", "housing", "--dir", str(folder), "--file", str(file), "--json")
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    members = {"redirect_uris": ["https://rp.example/cb"], "token_endpoint_auth_method": "private_key_jwt"}

    def put(**more: object) -> tuple[int, dict[str, object]]:
        file.write_text(json.dumps({**members, **more}), encoding="utf-8")
        done = run(*where)
        return done.exit_code, json.loads(done.stdout or done.stderr)

    for keys in ([key], {"keys": [key]}):
        code, kept = put(jwks=keys)
        assert (code, kept["jwks"]) == (0, [key])
    for wrong in ({"keys": [key], "other": 1}, {"keys": key}, [{**key, "d": "secret-part"}], {"keys": [{"crv": "Ed25519"}]}, "keys"):
        code, told = put(jwks=wrong)
        assert code != 0
        assert told["error"]["code"] == "CLIENT_FIELD_INVALID"  # type: ignore[index]
        assert "jwks" in told["error"]["facts"]["field"]  # type: ignore[index]
        assert "secret-part" not in json.dumps(told)
    code, told = put(jwks=[key], unknown=1)
    assert told["error"]["facts"]["field"] == "unknown"  # type: ignore[index]
