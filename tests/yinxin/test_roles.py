"""Three administrators that no two of which one holder is: appointed at the command line first, over HTTP by a security administrator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.deployments import make_deployment, served_here, yinxin

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_security_administrator_comes_from_the_command_line(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    made = {}
    for name, scopes in (("sec-office", ("roles.manage", "roles.read")), ("audit-office", ("audit.read",))):
        arguments = [part for scope in scopes for part in ("--scope", scope)]
        done = yinxin("client", "add", "--dir", str(folder), "--name", name, "--id", name, *arguments, "--json")
        made[name] = json.loads(done.stdout)["client_secret"]
    with served_here(folder) as here:
        token = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("sec-office", made["sec-office"])).json()[
            "access_token"
        ]
        headers = {"authorization": f"Bearer {token}"}
        path, wish = "/v1/role-holders/audit-office", {"role": "audit", "reason": "decision 12"}
        assert here.http.request("PUT", path, json=wish, headers=headers).json()["code"] == "ROLE_MISSING"
        yinxin("roles", "appoint", "sec-office", "--role", "security", "--reason", "first", "--dir", str(folder))
        assert here.http.request("PUT", path, json=wish, headers=headers).status_code == 204
        assert here.http.request("PUT", path, json=wish | {"role": "system"}, headers=headers).json()["code"] == "ROLE_HELD"
        for holder in ("sec-office", "other"):
            refused = here.http.request("PUT", f"/v1/role-holders/{holder}", json=wish | {"role": "security"}, headers=headers)
            assert refused.json()["code"] == "ROLE_OF_ONE_SELF"
        page = here.http.get("/v1/role-holders?limit=1", headers=headers).json()
        assert (page["role_holders"][0]["holder"], page["next_after"]) == ("audit-office", "audit-office")
        assert here.http.post(path + "/dismiss", json={"reason": "left"}, headers=headers).status_code == 204
        for nobody in ("/v1/role-holders/person:", "/v1/duty-holders/person:/developer"):  # a subject that was left out appoints nobody
            odd = here.http.request("PUT", nobody, json=wish if "role" in nobody else {"reason": "r"}, headers=headers)
            assert (odd.status_code, odd.json()["code"], odd.json()["facts"]["field"]) == (422, "ROLE_FIELD_INVALID", "holder"), nobody
    listed = json.loads(yinxin("roles", "list", "--dir", str(folder), "--json").stdout)
    assert [(each["holder"], each["role"]) for each in listed["role_holders"]] == [("sec-office", "security")]
    assert "sec-office" in yinxin("roles", "list", "--dir", str(folder)).stdout
    yinxin("roles", "dismiss", "sec-office", "--reason", "left", "--dir", str(folder))
    assert yinxin("roles", "appoint", "x", "--role", "king", "--reason", "x", "--dir", str(folder), check=False).returncode != 0
    json.loads(yinxin("roles", "appoint", "x", "--role", "audit", "--reason", "x", "--dir", str(folder), "--json").stdout)
    json.loads(yinxin("roles", "dismiss", "x", "--reason", "x", "--dir", str(folder), "--json").stdout)
    # Duties: beside no role, known ones only, given and taken once
    give = ("roles", "give", "person:pe_x", "--duty", "seal-reviewer", "--reason", "r", "--dir", str(folder))
    assert "印章审核人" in yinxin(*give, environment={"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"}).stdout
    assert json.loads(yinxin(*give, "--json").stdout) == {"holder": "person:pe_x", "duty": "seal-reviewer"}
    wrong = yinxin("roles", "give", "person:pe_x", "--duty", "king", "--reason", "r", "--dir", str(folder), "--json", check=False)
    assert "ROLE_FIELD_INVALID" in wrong.stdout + wrong.stderr
    bound = yinxin("roles", "appoint", "person:pe_x", "--role", "audit", "--reason", "x", "--dir", str(folder), "--json", check=False)
    assert "ROLE_HOLDER_BOUND" in bound.stdout + bound.stderr
    take = ("roles", "take", *give[2:])
    assert json.loads(yinxin(*take, "--json").stdout)["taken"] is True
    assert "pe_x" in yinxin(*take).stdout
    missing = yinxin(*take[:-1], str(tmp_path / "none"), check=False)
    assert missing.returncode != 0
