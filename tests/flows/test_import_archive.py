"""The files of an older repository in one archive over HTTP: sealed by an authority, through the death of the server in the middle of it."""

from __future__ import annotations

import io
import json
import signal
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.flows.test_first_thread import CREDIT_CODE, document, make, seal
from tests.flows.test_licence_story import ISSUER, TYPE
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import plain_files

if TYPE_CHECKING:
    from tests.flows.served import Deployment

ORDER = {"issuer": ISSUER, "type": TYPE}
PATH = "/v1/imported-licences"


def send(client: httpx.Client, data: bytes) -> dict[str, Any]:
    answer = client.post(f"{PATH}/files", data=ORDER, files={"archive": ("旧证.zip", data)})
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def test_the_files_of_an_older_repository_come_through_two_kills(deployment: Deployment) -> None:
    assert ISSUER == CREDIT_CODE
    plain = {name: part for name, part in plain_files(signatures=None).items() if "Attach" not in name}
    plain["Doc_0/Document.xml"] = plain["Doc_0/Document.xml"].replace(b"<o:Attachments>Attachs/Attachments.xml</o:Attachments>", b"")
    places = {"placement": json.dumps({"places": [{"page": 1, "x_mm": 50, "y_mm": 50}]})}
    with deployment.serve(beside=True) as served, served.client() as client:
        seal_id = make(client).json()["id"]
        others = make(client, organisation="另一单位（样例）", credit_code="91150700MA0N000012").json()["id"]
        original = document(served)
        contents = {
            "示〔2019〕1号.pdf": (seal(client, original, seal_id).content, "valid"),
            "示〔2019〕2号.ofd": (seal(client, pack(plain), seal_id, **places).content, "valid"),
            "示〔2019〕3号.pdf": (seal(client, original, others).content, "invalid"),
            "示〔2019〕4号.pdf": (seal(client, original, seal_id).content.replace(b"/MediaBox", b"/MediaBoy", 1), "invalid"),
            "示〔2019〕5号.pdf": (original, "absent"),
        }
        rows = "number\n" + "\n".join(name[:-4] for name in contents)
        sent = client.post(PATH, data=ORDER | {"format": "csv"}, files={"file": ("rows.csv", rows.encode("gb18030"))})
        assert sent.json()["taken_over"] == len(contents), sent.text
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, _) in contents.items():
            archive.writestr(f"旧证/{name}", content)

    for step in ("attach-file.stored", "attach-archive.file"):  # before the first is on record, and after
        with deployment.serve(beside=True, YINXIN_FAIL_AT=step) as served, served.client() as client:
            with pytest.raises(httpx.TransportError):
                send(client, packed.getvalue())
            assert served.process.wait(30) == -signal.SIGKILL

    with deployment.serve(beside=True) as served, served.client() as client:
        report = send(client, packed.getvalue())
        assert (report["unchanged"], report["attached"]) == (1, len(contents) - 1)
        assert [each["seal"] for each in report["entries"]] == [mark for _, mark in contents.values()]
        assert send(client, packed.getvalue())["unchanged"] == len(contents)
        for each, (content, mark) in zip(report["entries"], contents.values(), strict=True):
            assert client.get(f"{PATH}/{each['imported']}").json()["marks"]["seal"] == mark
            assert client.get(f"{PATH}/{each['imported']}/file").content == content
            trail = deployment.rows(f"SELECT entry FROM kit_audit WHERE subject = 'licence-import:{each['imported']}'")
            actions = [json.loads(entry)["action"] for (entry,) in trail]
            assert sorted(actions) == ["licence-import.file", "licence-import.read-file"]
