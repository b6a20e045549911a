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
        for nobody in ("audit-offce", "Audit-Office", "licence-vault", "person:pe_" + "0" * 24, "person:audit-office"):
            for nothing, body in ((f"/v1/role-holders/{nobody}", wish), (f"/v1/duty-holders/{nobody}/developer", {"reason": "r"})):
                odd = here.http.request("PUT", nothing, json=body, headers=headers)
                assert (odd.status_code, odd.json()["code"], odd.json()["facts"]) == (422, "ROLE_HOLDER_UNKNOWN", {"holder": nobody})
        sector = f"/v1/duty-holders/person:pw_{'0' * 64}/developer"  # whose name of one sector it is, nobody can look up
        assert here.http.request("PUT", sector, json={"reason": "r"}, headers=headers).status_code == 204
    listed = json.loads(yinxin("roles", "list", "--dir", str(folder), "--json").stdout)
    assert [(each["holder"], each["role"]) for each in listed["role_holders"]] == [("sec-office", "security")]
    assert "sec-office" in yinxin("roles", "list", "--dir", str(folder)).stdout
    yinxin("roles", "dismiss", "sec-office", "--reason", "left", "--dir", str(folder))
    assert yinxin("roles", "appoint", "x", "--role", "king", "--reason", "x", "--dir", str(folder), check=False).returncode != 0
    appointed = ("roles", "appoint", "audit-office", "--role", "audit", "--reason", "x", "--dir", str(folder), "--json")
    assert json.loads(yinxin(*appointed).stdout) == {"holder": "audit-office", "role": "audit"}
    yinxin("client", "disable", "audit-office", "--dir", str(folder))
    yinxin(*appointed)  # once is enough, and who is kept out now is somebody still
    json.loads(yinxin("roles", "dismiss", "audit-office", "--reason", "x", "--dir", str(folder), "--json").stdout)
    # Duties: beside no role, known ones only, given and taken once
    account = json.loads(yinxin("account", "add", "--dir", str(folder), "--login", "shenhe", "--name", "审核员", "--json").stdout)[
        "account_id"
    ]
    give = ("roles", "give", f"person:{account}", "--duty", "seal-reviewer", "--reason", "r", "--dir", str(folder))
    assert "印章审核人" in yinxin(*give, environment={"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"}).stdout
    assert json.loads(yinxin(*give, "--json").stdout) == {"holder": f"person:{account}", "duty": "seal-reviewer"}
    wrong = yinxin("roles", "give", f"person:{account}", "--duty", "king", "--reason", "r", "--dir", str(folder), "--json", check=False)
    assert "ROLE_FIELD_INVALID" in wrong.stdout + wrong.stderr
    bound = yinxin("roles", "appoint", f"person:{account}", "--role", "audit", "--reason", "x", "--dir", str(folder), "--json", check=False)
    assert "ROLE_HOLDER_BOUND" in bound.stdout + bound.stderr
    take = ("roles", "take", *give[2:])
    assert json.loads(yinxin(*take, "--json").stdout)["taken"] is True
    assert account in yinxin(*take).stdout
    missing = yinxin(*take[:-1], str(tmp_path / "none"), check=False)
    assert missing.returncode != 0


def test_attack_a_role_or_duty_does_not_wait_for_who_registers_under_a_mistyped_name(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "d")
    rest = ("--reason", "r", "--dir", str(folder), "--json")
    wishes = (("appoint", "sec-offce", "--role", "security"), ("give", "sec-offce", "--duty", "developer"))
    for wish in wishes:
        refused = yinxin("roles", *wish, *rest, check=False)
        assert (refused.returncode != 0, "ROLE_HOLDER_UNKNOWN" in refused.stdout + refused.stderr) == (True, True), wish
    assert json.loads(yinxin("roles", "list", "--dir", str(folder), "--json").stdout)["role_holders"] == []
    yinxin("client", "add", "--dir", str(folder), "--name", "x", "--id", "sec-offce", "--scope", "audit.read")
    yinxin("roles", *wishes[1], *rest)


def test_where_clients_are_kept_elsewhere_no_name_is_refused(tmp_path: Path) -> None:
    """This process cannot know who is registered there: as for members of issuing authorities."""
    urls = ["idp=https://trust.example.org"]
    folder = make_deployment(tmp_path / "d", services=["seal_service"], service_urls=urls)
    yinxin("roles", "appoint", "sec-office", "--role", "security", "--reason", "r", "--dir", str(folder))
    assert "sec-office" in yinxin("roles", "list", "--dir", str(folder)).stdout
