"""What is prepared for the OpenID conformance suite is what the suite needs, and works."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.deployments import served_here
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "https://suite.example:8443"


@pytest.mark.clause("OIDC Registration 2")
def test_the_suite_finds_its_clients_its_person_and_its_token(tmp_path: Path) -> None:
    folder = tmp_path / "deployment"
    program = PROJECT / "deploy" / "conformance" / "prepare.py"
    done = subprocess.run(
        [sys.executable, str(program), "--dir", str(folder), "--base-url", "https://trust.example.org", "--suite", SUITE],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plans: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in (folder / "conformance").iterdir()}
    assert len(plans) == 8
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "conformance").iterdir())
    assert {plan["server"]["discoveryUrl"] for plan in plans.values()} == {"https://trust.example.org/.well-known/openid-configuration"}
    basic, dynamic, fapi = (
        plans[name]
        for name in (
            "oidcc-basic-certification-test-plan",
            "oidcc-dynamic-certification-test-plan",
            "fapi2-security-profile-final-test-plan",
        )
    )
    with served_here(folder) as here:
        for name in ("client", "client2"):
            auth = (basic[name]["client_id"], basic[name]["client_secret"])
            assert here.http.post("/oauth2/introspect", data={"token": "x"}, auth=auth).json() == {"active": False}
        callback = f"{SUITE}/test/a/yinxin/callback"
        asked = {"client_id": basic["client"]["client_id"], "redirect_uri": callback, "response_type": "code", "scope": "openid"}
        assert here.http.get("/authorize", params=asked).headers["location"].startswith("/sign-in/"), "without PKCE, as the Basic plan asks"
        refused = here.http.get("/authorize", params={**asked, "client_id": fapi["client"]["client_id"]})
        assert "/sign-in/" not in refused.headers.get("location", ""), "a FAPI client pushes its requests"
        token = dynamic["client"]["initial_access_token"]
        registered = here.http.post(
            "/oauth2/register",
            headers={"authorization": f"Bearer {token}"},
            content=json.dumps({"redirect_uris": [callback], "client_name": dynamic["client"]["client_name"]}).encode(),
        )
        assert registered.status_code == 201
        asked["client_id"] = registered.json()["client_id"]
        assert "<strong>Dynamic</strong>" in here.http.get("/authorize", params=asked, follow_redirects=True).text
