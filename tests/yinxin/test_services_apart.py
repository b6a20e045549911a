"""Services that run apart: the vault seals at the seal service and asks the identity provider over HTTP, as a client of theirs."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

import idp.service
from idp.actions.register_client import NewClient, register_client
from idp.model.people import IdentifierKind
from licence_vault.actions.enter_issuer import IssuerOrder, enter_issuer
from licence_vault.actions.find_licences import read_licence_file
from licence_vault.actions.issuing_means import Seals
from licence_vault.faces.draw import draw_ofd, draw_pdf
from licence_vault.ports import HOLDERS, OFD, PDF, SEALER, HolderCode, SealPlace, SignedInHolder
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.model import SCOPE_USE
from service_kit.bounded_calls import Answer
from service_kit.callers import Caller
from service_kit.settings import ServiceClient
from standards.errors import Kind, TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.licence_vault.faces.designs import ATTACHMENTS, LANDSCAPE
from tests.licence_vault.issuing_here import FACE, ISSUER, ISSUER_NAME, OTHER_ISSUER, IssuingHere, caller
from tests.licence_vault.samples import sample_licence
from tests.licence_vault.type_files import AUTHORITY, type_file
from tests.yinxin.test_holder_links import NUMBER, person, sign_in
from yinxin.apart_links import RemoteDirectory, RemoteSealer
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.duties import PROVE_HOLDERS
from yinxin.file_verdicts import HouseJudge
from yinxin.licence_links import DOCUMENT_TYPE, HouseSealer
from yinxin.service_client import FAILED_SECONDS, Place, ServiceCaller, read_secret_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.deployments import Here

VAULT: Final = "cl_vault"
PLACE: Final = SealPlace(1, 60, 40, LANDSCAPE.height_mm)


@dataclass
class Town:
    """The other deployment, with identity provider and seal service, and how it is called from here. ``answers``: given in place of its own."""

    here: Here
    seal_id: str
    secret: str
    calls: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.here.house.context.settings.base_url

    def call(
        self, method: str, url: str, *, timeout_seconds: float, answer_bytes: int, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        path = url.removeprefix(self.url)
        self.calls.append(path)
        assert (path[0], timeout_seconds > 0) == ("/", True)
        if path in self.answers:
            return self.answers[path]()
        told = self.here.http.request(method, path, headers=dict(headers), content=content)
        assert len(told.content) <= answer_bytes
        return Answer(told.status_code, {}, told.content)

    def caller(self, secret: str | None = None) -> ServiceCaller:
        return ServiceCaller(
            ServiceClient(VAULT), self.url + idp.service.TOKEN_PATH, lambda: self.secret if secret is None else secret, self.call
        )

    def sealer(self, **changes: Any) -> RemoteSealer:
        return RemoteSealer(self.caller(**changes), Place("seal_service", self.url))

    def directory(self) -> RemoteDirectory:
        return RemoteDirectory(self.caller(), Place("idp", self.url))

    @property
    def signatures(self) -> str:
        return f"/v1/seals/{self.seal_id}/signatures"

    def uses(self) -> list[tuple[str, str, bool]]:
        """Of the seal, by record: state, digest of the result, and whether that is kept."""
        context = self.here.house.context
        with context.database.read() as conn:
            rows = conn.exec_driver_sql("SELECT state, result_digest FROM seal_uses ORDER BY id").all()
        return [(str(state), str(digest), digest is not None and context.blobs.has(str(digest))) for state, digest in rows]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    folder = make_deployment(tmp_path_factory.mktemp("apart") / "town", services=["idp", "seal_service"], demo=True)
    with served_here(folder) as here:
        found = Clients(settle(here, Registered()))
        found.add(BASE)
        yield found


@pytest.fixture(scope="module")
def shared(clients: Clients) -> Town:
    here = clients.town.here
    context, admin = here.house.context, Caller("cl_admin", "cl_admin", frozenset({"seal.manage"}))
    desk = idp.service.client_desk(context)
    _, secret = register_client(desk, NewClient("vault", (SCOPE_USE, PROVE_HOLDERS), client_id=VAULT), actor="operator:test")
    seal = make_seal(context, admin, SealRequest(organisation=ISSUER_NAME, credit_code=ISSUER))
    grant_seal_within(context, admin, seal.id, GrantOrder(VAULT, document_types=frozenset({DOCUMENT_TYPE})), if_version=None)
    return Town(here, seal.id, secret)


@pytest.fixture
def town(shared: Town) -> Town:
    shared.answers.clear()
    shared.calls.clear()
    return shared


def seal(sealer: RemoteSealer, document: bytes, seal_id: str, media_type: str = PDF) -> bytes:
    return sealer.seal(document, media_type=media_type, seal_id=seal_id, order=PLACE, idempotency_key="k", actor="client:cl_clerk").content


def refused(act: Callable[[], object]) -> tuple[str, object]:
    with pytest.raises(TrustError) as raised:
        act()
    return raised.value.code, raised.value.facts.get("reason")


def test_a_licence_is_issued_with_a_seal_of_elsewhere_that_keeps_nothing_of_it(town: Town, tmp_path: Path) -> None:
    with IssuingHere.made(tmp_path / "vault") as vault:
        context = replace(vault.vault.context, trust=town.here.house.context.trust)
        order = IssuerOrder(ISSUER, ISSUER_NAME, "150700", town.seal_id)
        enter_issuer(context, caller("cl_admin"), order, if_revision=1)
        vault.means = replace(vault.means, context=context, seals=Seals(town.sealer(), HouseJudge()))
        vault.vault.clock.at = town.here.house.context.clock.now()
        vault.publish(
            type_file(
                face=FACE | {"page": {"width_mm": 297, "height_mm": 210}},
                code=f"{AUTHORITY}994",
                sealing={"seal": "issuer", "page": 1, "x_mm": 150, "y_mm": 120},
            )
        )
        record = vault.issue(type_code=f"{AUTHORITY}994", forms=("pdf", "ofd"))
        files = [read_licence_file(context, vault.means.contents, vault.clerk, record.id, form) for form in ("pdf", "ofd")]
    assert [each[:2] for each in files] == [b"%P", b"PK"]
    assert [(state, is_kept) for state, _, is_kept in town.uses()][-2:] == [("done", False)] * 2
    assert town.calls == [idp.service.TOKEN_PATH, town.signatures, town.signatures], "one token for both"


def test_an_authority_is_entered_with_its_own_seal_where_that_can_be_told(town: Town) -> None:
    context = town.here.house.context
    with pytest.raises(TrustError) as raised:
        enter_issuer(context, caller("cl_admin"), IssuerOrder(OTHER_ISSUER, "示例区政务服务局", "150702", town.seal_id), if_revision=None)
    assert (raised.value.code, raised.value.facts["field"]) == ("FIELD_UNACCEPTABLE", "seal_id")
    for seal_id in (town.seal_id, "", "sl_000000000000000000000000"):  # its own; none yet; one that is not known yet
        entered = enter_issuer(context, caller("cl_admin"), IssuerOrder(ISSUER, ISSUER_NAME, "150700", seal_id), if_revision=None)
        assert entered.seal_id == seal_id


@pytest.mark.parametrize("media_type", [PDF, OFD])
def test_what_comes_back_must_be_what_was_sent_with_a_seal_on_it(town: Town, media_type: str) -> None:
    draw = {PDF: draw_pdf, OFD: draw_ofd}[media_type]
    document, other = (draw(sample_licence(), LANDSCAPE, ATTACHMENTS | {"x.txt": text}, qr_text=None) for text in (b"1", b"2"))
    sealed = seal(town.sealer(), document, town.seal_id, media_type)
    assert len(sealed) > len(document)
    for wrong in (seal(town.sealer(), other, town.seal_id, media_type), b"junk", b""):
        town.answers[town.signatures] = lambda wrong=wrong: Answer(200, {}, wrong)  # type: ignore[misc]
        assert refused(lambda: seal(town.sealer(), document, town.seal_id, media_type)) == ("SERVICE_UNAVAILABLE", "another document")


def test_what_says_later_is_later_and_what_is_refused_is_refused(town: Town) -> None:
    document = draw_pdf(sample_licence(), LANDSCAPE, ATTACHMENTS, qr_text=None)

    def told(status: int, body: bytes = b"") -> tuple[str, object]:
        town.answers[town.signatures] = lambda: Answer(status, {}, body)
        return refused(lambda: seal(town.sealer(), document, town.seal_id))

    assert refused(lambda: seal(town.sealer(), document, "sl_" + "0" * 24)) == ("SEAL_NOT_FOUND", None)
    assert refused(lambda: seal(town.sealer(secret="wrong"), document, town.seal_id)) == ("SERVICE_UNAVAILABLE", "no token, status 401")
    frozen = json.dumps({"code": "SEAL_NOT_ACTIVE"}).encode()
    assert told(409, frozen) == ("SEAL_NOT_ACTIVE", None)
    for status, body in (
        (401, frozen),
        (503, frozen),
        (429, frozen),
        (500, frozen),
        (302, frozen),
        (409, b"[]"),
        (409, b"{"),
        (409, b'{"code": "x y"}'),
    ):
        assert told(status, body) == ("SERVICE_UNAVAILABLE", f"status {status}")

    def away() -> Answer:
        raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="too-slow")

    for path in (town.signatures, idp.service.TOKEN_PATH):
        town.answers = {path: away}
        assert refused(lambda: seal(town.sealer(), document, town.seal_id)) == ("SERVICE_UNAVAILABLE", "too-slow")


def test_a_token_is_taken_anew_before_it_ends_and_when_it_counts_no_more(town: Town) -> None:
    lasts = json.dumps({"access_token": "t", "expires_in": 300}).encode()
    statuses = [200, 200, 401, 200]
    town.answers = {idp.service.TOKEN_PATH: lambda: Answer(200, {}, lasts), "/x": lambda: Answer(statuses.pop(0), {}, b"")}
    now = [0.0]
    client = town.caller()
    client.now = lambda: now[0]

    def post() -> None:
        client.post(Place("idp", town.url), "/x", "s", b"", content_type="text/plain", answer_bytes=1)

    post()
    now[0] = 269.0
    post()
    assert town.calls == [idp.service.TOKEN_PATH, "/x", "/x"]
    post()
    assert town.calls[3:] == ["/x", idp.service.TOKEN_PATH, "/x"]
    now[0] += 271.0
    statuses.append(200)
    post()
    assert town.calls[6:] == [idp.service.TOKEN_PATH, "/x"]


def test_where_no_token_is_given_those_who_wait_hear_so_with_the_first_and_later_it_is_asked_again(town: Town) -> None:
    def away() -> Answer:
        time.sleep(0.3)
        raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="too-slow")

    town.answers = {idp.service.TOKEN_PATH: away}
    now = [0.0]
    client = town.caller()
    client.now = lambda: now[0]

    def post() -> None:
        client.post(Place("idp", town.url), "/x", "s", b"", content_type="text/plain", answer_bytes=1)

    with ThreadPoolExecutor(8) as pool:
        told = [reason for _, reason in pool.map(lambda _: refused(post), range(8))]
    assert sorted(map(str, told)) == ["no token a moment ago"] * 7 + ["too-slow"]
    assert town.calls == [idp.service.TOKEN_PATH]
    now[0] = FAILED_SECONDS
    assert refused(post) == ("SERVICE_UNAVAILABLE", "too-slow")


def test_who_is_behind_a_token_is_the_same_from_elsewhere(clients: Clients, town: Town) -> None:
    known = person(clients, "jia", (IdentifierKind.RESIDENT_ID, NUMBER, True))
    token, at = sign_in(clients, "jia"), clients.town.here.house.context.clock.now()
    assert town.directory().find(token, at) == SignedInHolder(known.account_id, (HolderCode("111", NUMBER, 2),), ())
    assert town.directory().find(replace(token, client_id="pair"), at) is None, "of another client"
    assert town.directory().find(replace(token, grant_id="gr_none"), at) is None
    town.calls.clear()
    assert town.directory().find(replace(token, grant_id=""), at) is None
    assert town.calls == [], "nobody is behind it, and nobody asks"


@pytest.mark.parametrize(
    "told",
    [
        b"[]",
        b"{",
        b'{"account": "a", "own": []}',
        b'{"account": null, "account": null, "own": [], "acts_for": []}',
        b"[" * 100_000,
        b'{"account": 1, "own": [], "acts_for": []}',
        b'{"account": "a", "own": [{"code_type": "111", "code": "x", "level": 5}], "acts_for": []}',
        b'{"account": "a", "own": [{"code_type": "111", "code": "", "level": 3}], "acts_for": []}',
        b'{"account": "a", "own": [], "acts_for": [{"holder": {"code_type": "001", "code": "x", "level": 3}, "powers": "licence"}]}',
    ],
)
def test_an_answer_that_is_none_proves_nothing(town: Town, told: bytes) -> None:
    town.answers = {"/v1/holder-queries": lambda: Answer(200, {}, told)}
    found = refused(
        lambda: town.directory().find(Caller("portal", "pe_1", frozenset(), grant_id="gr_1"), town.here.house.context.clock.now())
    )
    assert found == ("SERVICE_UNAVAILABLE", "no answer to this question")


def test_powers_come_along(town: Town) -> None:
    told: dict[str, Any] = {"account": "a", "own": [], "acts_for": []}
    for powers in (None, ["licence"]):
        told["acts_for"] = [{"holder": {"code_type": "001", "code": "x", "level": 3}, "powers": powers}]
        town.answers = {"/v1/holder-queries": lambda: Answer(200, {}, json.dumps(told).encode())}
        found = town.directory().find(Caller("portal", "pe_1", frozenset(), grant_id="gr_1"), town.here.house.context.clock.now())
        assert found is not None
        assert found.acts_for[0].powers == (None if powers is None else frozenset(powers))


def test_nobody_proves_holders_without_the_scope(town: Town) -> None:
    desk = idp.service.client_desk(town.here.house.context)
    _, secret = register_client(desk, NewClient("other", (SCOPE_USE,), client_id="cl_other"), actor="operator:test")
    token = town.here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("cl_other", secret)).json()[
        "access_token"
    ]
    headers = {"authorization": f"Bearer {token}"}
    asked = {"client": "portal", "grant": "gr_1"}
    assert town.here.http.post("/v1/holder-queries", json=asked, headers=headers).status_code == 403
    form = {"document": ("x", b"%PDF-", PDF)}
    for key, keep in (("k", "false"), (None, "perhaps")):
        sent = headers if key is None else headers | {"idempotency-key": key}
        answer = town.here.http.post(town.signatures, files=form, data={"keep_result": keep}, headers=sent)
        assert (answer.status_code, answer.json()["facts"]["field"]) == (422, "keep_result")


def test_the_settings_say_what_is_elsewhere(tmp_path: Path) -> None:
    def opened(name: str, *lines: str, **settings: object) -> tuple[object, object]:
        folder = make_deployment(tmp_path / name, **settings)
        path = folder / "settings.toml"
        path.write_text(path.read_text(encoding="utf-8") + "\n".join(lines), encoding="utf-8")
        house = open_house(open_deployment(folder))
        house.close()
        return house.context.links[SEALER], house.context.links.get(HOLDERS)

    apart: dict[str, object] = {
        "services": ["licence_vault"],
        "service_urls": ["idp=https://id.example", "seal_service=https://seals.example"],
    }
    sealer, directory = opened("apart", "[service_client]", 'id = "cl_vault"', **apart)
    assert isinstance(sealer, RemoteSealer)
    assert isinstance(directory, RemoteDirectory)
    assert (sealer.place.url, directory.place.url) == ("https://seals.example", "https://id.example")
    assert sealer.caller.token_url == "https://id.example/oauth2/token"
    assert refused(sealer.caller.read_secret)[0] == "SETTING_INVALID"
    sealer, directory = opened("without", **apart)
    assert isinstance(sealer, HouseSealer)
    assert directory is None, "nobody is called as nobody"


def test_a_secret_is_read_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s3cret\n")
    for mode, content in ((0o644, b"s3cret"), (0o600, b""), (0o600, b"x" * 2000), (0o600, b"\xff")):
        path.write_bytes(content)
        path.chmod(mode)
        assert refused(lambda: read_secret_file(path))[0] == "SETTING_INVALID"
    path.write_bytes(b"s3cret\n")
    assert read_secret_file(path) == "s3cret"
