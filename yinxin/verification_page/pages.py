"""The page at ``/v`` and what belongs to it. What a code says stands behind ``#`` and never arrives here; files arrive only where somebody sends them."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request, Response
from jinja2.utils import htmlsafe_json_dumps

from seal_service import limits
from seal_service.actions.show_changes import show_changes
from seal_service.api.bodies import HOLDER_FIELDS, peer_of, read_document, read_holder
from seal_service.api.change_shapes import write_changes
from seal_service.errors import field_unacceptable
from service_kit.admission import Admission
from service_kit.composition import public
from service_kit.multipart import read_form
from service_kit.page_frame.browser import CONTENT_SECURITY_POLICY, Browser
from service_kit.problem_catalogue import text_of
from service_kit.problems import LANGUAGES, STATUS
from service_kit.query_names import check_query_names
from standards.errors import Kind, TrustError
from yinxin.mongolian_words import in_mongolian
from yinxin.verification_page import knowledge, static_files
from yinxin.verification_page.answers import view_of
from yinxin.verification_page.checks import HOLDERS_CODES
from yinxin.verification_page.china_time import china_time
from yinxin.verification_page.strangers_text import plain
from yinxin.verification_page.verdict_rules import mongolian_sentences, rules

if TYPE_CHECKING:
    from seal_service.ports import PresentPerson
    from service_kit.composition import ServiceContext
    from service_kit.multipart import Form
    from service_kit.page_frame.pages import PageFrame
    from yinxin.verification_page.checks import CheckDesk, Checked
    from yinxin.verification_page.knowledge import Knowledge
    from yinxin.verification_page.offline_file import OfflineFile
    from yinxin.verification_page.samples import Samples
    from yinxin.verification_page.static_files import StaticFiles

PAGE_PATH: Final = "/v"  # printed in every code on a licence: never to be changed
CHANGES_PATH: Final = "/v/changes"
SAMPLE_PATH: Final = "/v/samples/"
OFFLINE_PATH: Final = "/v/offline"
OFFLINE_FILE_PATH: Final = "/v/offline/yinxin-verifier.html"
FORM_JOBS: Final = 8  # bodies of the form without scripts under way at once in one process; the API has its own places
FORM_BYTES: Final = 2 * limits.DOCUMENT_BYTES
TEXT_BYTES: Final = 64 * 1024  # of a credential as text; what is scanned has 4 kB
_CAMERA: Final = {"permissions-policy": "camera=(self), geolocation=(), microphone=()"}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_STATE: Final = re.compile(r"(状态(?:变)?为 )(valid|expired|frozen|cancelled)")
_FOREVER: Final = "public, max-age=31536000, immutable"
_HIDDEN: Final[dict[str, Any]] = {"include_in_schema": False}


@dataclass(frozen=True, slots=True)
class VerificationPages:
    """What the pages are made of."""

    context: ServiceContext
    frame: PageFrame
    desk: CheckDesk
    knowledge: Knowledge
    files: StaticFiles
    samples: Samples
    offline: OfflineFile | None
    has_bundle: bool

    @property
    def is_secure(self) -> bool:
        """Whether the deployment is reached by https."""
        return self.context.settings.base_url.startswith("https://")

    def told(self, detail: str, language: str) -> str:
        """The sentence of a step: its times by the clock of China, its states in the reader's words."""
        text = partial(self.frame.text, language=language)
        detail = _TIME.sub(lambda found: text("beijing", at=china_time(found[0])), plain(detail))
        return _STATE.sub(lambda found: found[1].strip() + text(f"state_{found[2]}"), detail)

    def browser(self, request: Request) -> Browser:
        """Without tokens: no form here changes anything, and nobody is signed in."""
        return Browser(request, self.is_secure)

    def show(self, browser: Browser, template: str, *, status: int = 200, **values: Any) -> Response:
        """One page. ``given``: what the page's script needs, as JSON inside it."""
        given = {
            "texts": {key: pair[LANGUAGES.index(browser.language)] for key, pair in self.frame.texts.items()},
            "rules": rules(),
            "language": browser.language,
            "worker": self.files.url("verifier_worker.js"),
            "limit": limits.DOCUMENT_BYTES,
            "knowledge": knowledge.PATH,
            "mongolian": mongolian_sentences(),
            "samples": SAMPLE_PATH,
            "holdersCodes": HOLDERS_CODES,
            "holder": HOLDER_FIELDS,
        }
        answer = self.frame.answer(
            template,
            browser,
            status=status,
            **{
                "given": htmlsafe_json_dumps(given, dumps=partial(json.dumps, ensure_ascii=False, separators=(",", ":"))),
                "static": self.files.url,
                "samples": self.samples.listed(),
                "sample_path": SAMPLE_PATH,
                "sample_code": self.samples.code().partition("#")[2],
                "limit_mb": limits.DOCUMENT_BYTES >> 20,
                "china_time": china_time,
                "plain": plain,
                "heading": in_mongolian("verify"),
                "holder_fields": HOLDER_FIELDS,
                "holder_wrong": "",
                "told": partial(self.told, language=browser.language),
                "has_offline": self.offline is not None,
                "checked": None,
                **values,
            },
        )
        answer.headers.update(_CAMERA)
        return answer

    def refusal(self, browser: Browser, error: TrustError) -> Response:
        """The page again, saying what was wrong with what was sent, beside the field where one of the holder's is; nothing of it is told back."""
        text = text_of(error.code)
        told = (error.code, "", "") if text is None else (each(browser.language) for each in (text.title, text.cause, text.remedy))
        title, detail, fix = told
        problem: dict[str, Any] = {"title": title, "detail": detail, "fix": fix, "violations": (), "code": error.code}
        wrong = str(error.facts.get("field", ""))
        if wrong in HOLDER_FIELDS:
            said = partial(self.frame.text, language=browser.language)
            detail = f"{said(wrong)} · {said('holder_wrong', most=HOLDER_FIELDS[wrong])}"
            problem |= {"detail": detail, "fix": said("holder_again")}
        answer = self.show(browser, "verify.html", status=STATUS[error.kind], problem=problem, holder_wrong=wrong)
        retry = error.facts.get("retry_after_seconds")
        if retry is not None:
            answer.headers["retry-after"] = str(retry)
        return answer

    def show_checked(self, browser: Browser, checked: Checked, *, name: str, notice_key: str) -> Response:
        """The page with a result."""
        view = None if checked.report is None else view_of(checked.report)
        at = china_time(self.context.clock.now().isoformat())
        word = "" if view is None else mongolian_sentences()[view.headline]
        return self.show(browser, "result.html", checked=checked, view=view, name=plain(name), where=notice_key, at=at, word=word)


def add_pages(router: APIRouter, pages: VerificationPages) -> None:
    """Add the pages to a router."""
    admission = Admission(places=FORM_JOBS, bytes_max=FORM_BYTES, retry_after_seconds=limits.RETRY_AFTER_SECONDS)
    threads = CapacityLimiter(1)
    document_bytes = min(limits.DOCUMENT_BYTES, pages.context.settings.limits.body_bytes)

    async def form_of(request: Request, held: Any, *fields: str) -> Form:
        check_query_names(request.scope["query_string"], ())
        return await read_form(
            request,
            files={"document"},
            fields={*fields, *HOLDER_FIELDS},
            file_bytes_max=document_bytes,
            field_bytes_max=TEXT_BYTES,
            held=held,
        )

    def holder_of(form: Form) -> PresentPerson | None:
        """As the API reads it; but a form that nobody has filled in sends both fields, empty, and asks about nobody."""
        return read_holder(form.fields) if any(form.fields.get(name) for name in HOLDER_FIELDS) else None

    @router.get(PAGE_PATH, **_HIDDEN)
    @public("whoever was given a file or scans a code verifies it; what a code says stays in the browser")
    async def read_page(request: Request) -> Response:
        browser = pages.browser(request)
        return browser.switched() or pages.show(browser, "verify.html")

    @router.post(PAGE_PATH, **_HIDDEN)
    @public(
        "for browsers without scripts: whoever was given a document may have it verified; nothing is stored, size and number are limited"
    )
    async def check(request: Request) -> Response:
        browser = pages.browser(request)
        try:
            with admission.take(peer_of(request)) as held:
                form = await form_of(request, held, "text")
                holder = holder_of(form)
                if "text" in form.fields and "document" in form.files:
                    raise field_unacceptable("text", "a text or a file, not both")
                if "text" in form.fields:
                    work = partial(pages.desk.check_text, form.fields["text"], browser.language, holder=holder)
                    name, notice = "", "code_uploaded"
                else:
                    document = read_document(form)
                    name, notice = form.files["document"].file_name[: limits.FILE_NAME_CHARACTERS], "uploaded"
                    work = partial(pages.desk.check_file, name, document, browser.language, holder=holder)
                checked = await anyio.to_thread.run_sync(work, limiter=threads)
        except TrustError as error:
            return pages.refusal(browser, error)
        return pages.show_checked(browser, checked, name=name, notice_key=notice)

    @router.post(CHANGES_PATH, **_HIDDEN)
    @public(
        "for browsers without scripts: whoever was given a document may see what was changed; nothing is stored, size and number are limited"
    )
    async def changes(request: Request) -> Response:
        browser = pages.browser(request)
        try:
            with admission.take(peer_of(request)) as held:
                form = await form_of(request, held)
                document = read_document(form)
                shown = await anyio.to_thread.run_sync(partial(show_changes, pages.context, document), limiter=threads)
                answer = write_changes(shown, browser.language)
        except TrustError as error:
            return pages.refusal(browser, error)
        asked = any(form.fields.get(name) for name in HOLDER_FIELDS)  # the button stands beside the one that answers this
        return pages.show(
            browser, "changes.html", changes=answer, sealed=base64.b64encode(shown.sealed).decode("ascii"), holder_asked=asked
        )

    @router.get(static_files.PATH + "/{version}/{name}", **_HIDDEN)
    @public("scripts and style of a public page")
    async def read_file(request: Request, version: str, name: str) -> Response:
        found = pages.files.by_name.get(name)
        if found is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        headers = {
            # Another version is asked for by a page from before an upgrade: it gets what there is, and must not keep it under that name
            "cache-control": _FOREVER if version == pages.files.version else "no-store",
            # A worker goes by the policy of its own script, not of the page's
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "vary": "accept-encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, media_type=found.media_type, headers={**headers, "content-encoding": "gzip"})
        return Response(found.content, media_type=found.media_type, headers=headers)

    @router.get(knowledge.PATH, **_HIDDEN)
    @public("whom to trust, and which seals, licences and certificates have ended: what every verifier must know")
    def read_knowledge(request: Request) -> Response:
        content = pages.knowledge.current()
        tag = f'"{sha256(content).hexdigest()[:32]}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    @router.get(SAMPLE_PATH + "{name}", **_HIDDEN)
    @public("invented files of a demonstration; there are none anywhere else")
    def read_sample(name: str) -> Response:
        found = pages.samples.read(name)
        if found is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        content, media_type = found
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-cache"}
        return Response(content, media_type=media_type, headers=headers)

    @router.get(OFFLINE_PATH, **_HIDDEN)
    @public("a program for everyone, with its digests")
    async def read_offline_page(request: Request) -> Response:
        browser = pages.browser(request)
        return browser.switched() or pages.show(
            browser, "offline.html", offline=pages.offline, file_path=OFFLINE_FILE_PATH, has_bundle=pages.has_bundle
        )

    @router.get(OFFLINE_FILE_PATH, **_HIDDEN)
    @public("a program for everyone")
    def read_offline_file() -> Response:
        if pages.offline is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        headers = {
            "content-disposition": 'attachment; filename="yinxin-verifier.html"',
            "cache-control": "no-cache",
            "etag": f'"{pages.offline.sm3}"',
        }
        return Response(pages.offline.content, media_type="text/html", headers=headers)
