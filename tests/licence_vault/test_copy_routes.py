"""Showing and copying licences over HTTP: by the holder, and by the systems of other departments."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from licence_vault.actions import download_copy
from licence_vault.copy_errors import download_gone
from licence_vault.limits import DOWNLOAD_TOKEN_CHARACTERS
from tests.licence_vault.test_use_routes import (
    JIA,
    OFFICER,
    SHARED,
    WHY,
    clerk,
    clients,
    consent,
    envelope,
    here,
    jia,
    licence,
    registry,
    served,
    share,
    stranger,
    yii,
)

if TYPE_CHECKING:
    import pytest

    from tests.licence_vault.served import Office

__all__ = ["clerk", "clients", "here", "jia", "licence", "registry", "served", "stranger", "yii"]  # fixtures, found by their names


def said(system: Office, name: str, data: dict[str, Any]) -> str:
    """The message of its answer."""
    return str(envelope(system, name, data)["head"]["message"])


def test_a_citizen_shows_a_licence_and_the_office_sees_it_once(jia: Office, yii: Office, registry: Office, licence: dict[str, Any]) -> None:
    opened = jia.call("POST", "/v1/my/showings", {"licence": licence["id"]}, status=201)
    path, showing = opened.headers["location"], opened.json()
    assert (showing["state"], opened.headers["cache-control"]) == ("open", "no-store")
    assert jia.call("GET", path, status=200).json()["id"] == showing["id"]
    seen = registry.call("POST", "/v1/showings/scan", {"code": showing["code"], "reason": WHY, "officer": OFFICER}, status=200)
    assert (seen.json()["is_whole"], seen.headers["cache-control"]) == (False, "no-store")
    assert JIA[1] not in seen.text
    assert registry.refusal("POST", f"/v1/showings/{showing['id']}/view", status=409)[0] == "LICENCE_SHOWING_STATE_CONFLICT"

    looked = jia.call("GET", path, status=200)
    assert looked.json() in jia.call("GET", "/v1/my/showings", status=200).json()["showings"]
    assert yii.call("GET", "/v1/my/showings", status=200).json() == {"showings": []}
    assert (looked.json()["client"], looked.json()["reason"], looked.json()["officer"]) == ("cl_office", WHY, OFFICER)
    assert jia.refusal("POST", f"{path}/agree", status=428)[0] == "PRECONDITION_REQUIRED"
    assert jia.refusal("POST", f"{path}/agree", status=412, if_match="*")[0] == "LICENCE_SHOWING_CHANGED"
    assert yii.refusal("POST", f"{path}/agree", status=404, if_match=looked.headers["etag"])[0] == "LICENCE_SHOWING_UNKNOWN"
    assert jia.call("POST", f"{path}/agree", status=200, if_match=looked.headers["etag"]).json()["state"] == "agreed"
    whole = registry.call("POST", f"/v1/showings/{showing['id']}/view", status=200).json()
    assert (whole["is_whole"], whole["data"]) == (True, licence["data"])
    registry.call("POST", f"/v1/showings/{showing['id']}/view", status=409)
    assert jia.refusal("POST", f"{path}/end", status=409)[0] == "LICENCE_SHOWING_STATE_CONFLICT"
    assert showing["id"] not in {each["id"] for each in jia.call("GET", "/v1/my/showings", status=200).json()["showings"]}


def test_a_citizen_hands_in_an_annotated_copy(jia: Office, yii: Office, licence: dict[str, Any]) -> None:
    path, wish = f"/v1/my/licences/{licence['id']}/copies", {"made_by": "示例区登记窗口", "reason": WHY}
    made = jia.call("POST", path, wish, status=201, idempotency_key="mine")
    assert made.content.startswith(b"%PDF")
    assert (made.headers["content-type"], made.headers["cache-control"]) == ("application/pdf", "no-store")
    assert jia.call("POST", path, wish, status=201, idempotency_key="mine").content == made.content
    listed = jia.call("GET", path, status=200)
    (copy,) = (each for each in listed.json()["copies"] if each["made_by"] == "示例区登记窗口" and each["client"] == "portal")
    assert (copy["reason"], copy["state"], copy["mode"], listed.headers["cache-control"]) == (WHY, "made", "own", "no-store")
    assert made.headers["location"] == f"{path}/{copy['id']}/file"
    assert jia.call("GET", made.headers["location"], status=200).content == made.content
    assert jia.refusal("GET", f"{path}/cp_{'0' * 24}/file", status=404)[0] == "LICENCE_COPY_NOT_FOUND"
    for other in (path, path.replace(licence["id"], "lc_" + "0" * 24)):
        assert yii.refusal("POST", other, wish, status=404)[0] == "LICENCE_NOT_FOUND"
        assert yii.refusal("GET", other, status=404)[0] == "LICENCE_NOT_FOUND"
        assert yii.refusal("GET", f"{other}/{copy['id']}/file", status=404)[0] == "LICENCE_NOT_FOUND"
    for changes in (
        {"mode": "duty"},
        {"reason": ""},
        {"until": "2126-01-01T00:00:00Z"},
        {"until": "2026-12-01T00:00:00"},
        {"until": 1795910400},
        {"form": "doc"},
    ):
        jia.call("POST", path, wish | changes, status=422)


def test_a_system_is_given_annotated_copies(jia: Office, registry: Office, stranger: Office, licence: dict[str, Any]) -> None:
    wish = {"fileType": "ofd", "certificateIdentifier": licence["identifier"], "certificateCopyCause": WHY}
    assert share(registry, "downloadFile", wish) == ("100", None), "neither code nor duty"
    granted = jia.call("POST", "/v1/my/use-consents", consent(licence), status=201).json()
    more = {"useCode": granted["code"], "certificateCopyCreator": "示例区登记窗口", "certificateCopyExpiringTime": "20991231000000"}
    assert share(registry, "downloadFile", wish | more) == ("102", None), "nothing is good so long"
    del more["certificateCopyExpiringTime"]
    status, given = share(registry, "downloadFile", wish | more)
    assert (status, given["contentType"], given["certIdentifier"]) == ("0", "application/ofd", licence["identifier"])
    assert base64.b64decode(given["content"]).startswith(b"PK")
    assert share(registry, "downloadFile", wish | more) == ("0", given), "the same call, the same copy"
    assert share(registry, "downloadFile", wish | more | {"fileType": "pdf"}) == ("10", None), "a code counts once"
    for wrong in (
        {"fileType": "gif"},
        {"certificateCopyExpiringTime": "2026-12-01"},
        {"certificateCopyExpiringTime": "20261301000000"},
        {"certificateCopyExpiringTime": "00010101000000"},
    ):
        assert share(registry, "downloadFile", wish | {"operator": OFFICER} | wrong) == ("102", None)
    assert share(registry, "downloadFile", wish | {"operator": OFFICER, "certificateIdentifier": "1.2.3"}) == ("102", None)
    long = wish | {"operator": OFFICER, "certificateCopyExpiringTime": "20900101000000"}
    assert "FIELD_UNACCEPTABLE) certificateCopyExpiringTime: in the future" in said(registry, "downloadFile", long)
    assert "operator.name: 1 to" in said(registry, "downloadFile", wish | {"operator": OFFICER | {"name": " "}})
    assert "fileType: ofd, pdf, png" in said(registry, "downloadFile", wish | {"operator": OFFICER, "fileType": "gif"})
    assert "(LICENCE_SHARING_DENIED) useCode or operator" in said(registry, "downloadFile", wish)
    address = {"certIdentifier": licence["identifier"], "useCause": WHY, "operator": OFFICER}
    assert ") expiryTime: in the future" in said(registry, "downloadUrl", address | {"expiryTime": "20900101000000"})
    assert "fileType: ofd, pdf" in said(registry, "downloadUrl", address | {"fileType": "png"})

    uses = f"/v1/my/licence-uses?licence={licence['id']}"
    assert share(registry, "downloadFile", wish | {"fileType": "png"}) == ("100", None), "a picture is no way around a code"
    status, given = share(registry, "downloadFile", wish | {"fileType": "png", "operator": OFFICER})
    assert (status, given["contentType"], given["certIdentifier"]) == ("0", "image/png", licence["identifier"])
    with Image.open(io.BytesIO(base64.b64decode(given["content"]))) as picture:
        picture.verify()
        assert (picture.format, picture.width) == ("PNG", 591), "100 mm at 150 dpi"
    copied, refused = jia.call("GET", uses, status=200).json()["uses"][:2]
    assert (refused["action"], copied["action"], copied["officer"]["name"]) == ("refused", "copied", OFFICER["name"])

    by_duty = {"certIdentifier": licence["identifier"], "useCause": WHY, "operator": OFFICER}
    status, offered = share(registry, "downloadUrl", by_duty)
    path = urlsplit(offered["content"]).path
    assert (status, path.startswith("/v1/licence-downloads/")) == ("0", True)
    assert stranger.refusal("GET", path, status=404)[0] == "LICENCE_DOWNLOAD_GONE"
    assert registry.call("GET", path, status=200).content.startswith(b"%PDF")
    assert registry.refusal("GET", path, status=404)[0] == "LICENCE_DOWNLOAD_GONE"
    of_holder = {"holderCode": JIA[1], "holderTypeCode": "111", "certTypeCode": SHARED, "useCause": WHY, "operator": OFFICER}
    status, found = share(registry, "downloadUrlsByHolderCode", of_holder | {"certNo": licence["data"]["number"]})
    assert (status, [each["certIdentifier"] for each in found]) == ("0", [licence["identifier"]])


def test_whoever_fetches_a_copy_is_given_what_somebody_may_still_let_him_use(registry: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is behind a token is asked of this deployment's directory."""
    asked: list[object] = []

    def take(_means: Any, _token: str, _caller: Any, *, directory: object = None) -> None:
        asked.append(directory)
        raise download_gone()

    monkeypatch.setattr(download_copy, "take_download", take)
    registry.refusal("GET", "/v1/licence-downloads/" + "x" * DOWNLOAD_TOKEN_CHARACTERS, status=404)
    assert [hasattr(each, "find") for each in asked] == [True]
