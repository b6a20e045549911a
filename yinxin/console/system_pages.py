"""How the deployment does, for who operates it: the doctor's findings with their remedies, jobs, what waits, certificates, backups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yinxin.console.system_texts import TEXTS
from yinxin.console.work_words import show

if TYPE_CHECKING:
    from starlette.responses import Response

    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

READ: Final = "system.read"
SYSTEM: Final = "/console/system"
SOON_DAYS: Final = 60
BACKUP_COMMANDS: Final = (
    ("make", "yinxin backup make --dir DIR --out FILE"),
    ("look", "yinxin backup check FILE"),
    ("restore", "yinxin backup restore FILE --dir EMPTY"),
)
_ORDER: Final = {"fail": 0, "warn": 1, "ok": 2}


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("system", "ops_nav", SYSTEM, READ, icon="system")

    @console.page(SYSTEM, needs=READ)
    async def show_findings(visit: Visit) -> Response:
        found = (await visit.api.get("/v1/system/findings")).body
        findings = sorted(found["findings"], key=lambda each: _ORDER[each["status"]])
        return show(visit, "system.html", told=found, findings=findings, tab="findings")

    @console.page(f"{SYSTEM}/jobs", needs=READ)
    async def show_jobs(visit: Visit) -> Response:
        return show(visit, "system_jobs.html", told=(await visit.api.get("/v1/system/jobs")).body, tab="jobs")

    @console.page(f"{SYSTEM}/certificates", needs=READ)
    async def show_certificates(visit: Visit) -> Response:
        found = (await visit.api.get("/v1/system/certificates")).body["certificates"]
        return show(visit, "system_certificates.html", certificates=found, soon=SOON_DAYS, tab="certificates")

    @console.page(f"{SYSTEM}/backups", needs=READ)
    async def show_backups(visit: Visit) -> Response:
        return show(visit, "system_backups.html", tab="backups", commands=BACKUP_COMMANDS)
