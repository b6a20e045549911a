"""Papers that forms bring along: handed in first, then named in what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yinxin.console.forms import ConsoleForm
    from yinxin.console.visit import Visit

PAPER_BYTES_MAX: Final = 20 * 1024 * 1024
NAME_CHARACTERS: Final = 200


async def hand_in_papers(visit: Visit, form: ConsoleForm) -> list[str]:
    """Hand in the files of the field ``papers``; returns their ids. The same form sent twice hands them in once. Raises ApiProblem."""
    papers = []
    for number, part in enumerate(form.files("papers")):
        name = part.file_name[-NAME_CHARACTERS:] or "paper"
        key = f"{form.once}-{number}" if form.once else None
        answer = await visit.api.post("/v1/seal-papers", files={"paper": (name, part.content)}, data={"name": name}, idempotency_key=key)
        papers.append(str(answer.body["id"]))
    return papers
