"""A provisioning client for the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from idp.api.scim_shapes import GROUP, USER
from standards.rfc7644_scim import ERROR, MEDIA_TYPE, PATCH_OP

if TYPE_CHECKING:
    from tests.idp.people import Town


@dataclass
class Scim:
    town: Town
    headers: dict[str, str]

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content: dict[str, Any] = {}
        if body is not None:
            content = {"content": body if isinstance(body, bytes) else json.dumps(body).encode()}
            headers = {"content-type": MEDIA_TYPE, **headers}
        return self.town.here.http.request(method, "/scim/v2" + path, headers={**self.headers, **headers}, **content)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        answer = self.send(method, path, body, **headers)
        assert answer.status_code == (201 if method == "POST" else 200), answer.text
        return dict(answer.json()) if answer.content else {}

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str | None]:
        answer = self.send(method, path, body, **headers)
        told = answer.json()
        assert told["schemas"] == [ERROR]
        assert told["status"] == str(answer.status_code)
        return answer.status_code, told.get("scimType")

    def user(self, login: str, **fields: Any) -> dict[str, Any]:
        return self.ok("POST", "/Users", {"schemas": [USER], "userName": login, "displayName": "测试甲", **fields})

    def group(self, name: str, **fields: Any) -> dict[str, Any]:
        return self.ok("POST", "/Groups", {"schemas": [GROUP], "displayName": name, **fields})

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> dict[str, Any]:
        return self.ok("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)}, **headers)

    def find(self, kind: str, filter_text: str, **query: str) -> list[str]:
        found = self.ok("GET", f"/{kind}?" + str(httpx.QueryParams({"filter": filter_text, **query})))
        assert found["totalResults"] >= len(found["Resources"])
        return [each["id"] for each in found["Resources"]]
