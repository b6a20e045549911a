"""``yinxin monitor``: a department looks whether the public log of licences holds what it issued, and nothing else in its name."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object
from yinxin.commands.console import EXIT_FAILED, JSON_HELP, fail, print_json, print_line, print_table, say
from yinxin.commands.monitor_meanings import MEANINGS

if TYPE_CHECKING:
    from crypto.checkpoints import LogIdentity
    from licence_vault.log.monitor import Observed
    from service_kit.log_follower import Fetch, Followed, Noticed, SeenTree

STATE_VERSION: Final = 1
STATE_BYTES: Final = 1024 * 1024 * 1024  # some 90 bytes for each event of one department
ANSWER_BYTES: Final = 32 * 1024 * 1024  # a bundle of 256 entries of 65,535 bytes takes half of it
TIMEOUT_SECONDS: Final = 60.0  # of one answer, whole
_OK: Final = 200
_NOT_FOUND: Final = 404


def monitor(
    url: Annotated[str, typer.Argument(help="Address of the log, such as https://trust.example.org/licences. 日志地址。")],
    *,
    keys: Annotated[
        list[str], typer.Option("--key", help="Keys of the log, known from elsewhere: those of each tree. 日志密钥，每棵树的都要给出。")
    ],
    issuer: Annotated[str, typer.Option(help="Credit code of the department. 本部门统一社会信用代码。")],
    state: Annotated[Path, typer.Option(help="File that keeps what was seen. 状态文件。")],
    books: Annotated[Path | None, typer.Option(help="Own books: `<event> <commitment>` a line. 自有台账，每行“事件 承诺值”。")] = None,
    witnesses: Annotated[list[str] | None, typer.Option("--witness", help="Address of a witness to compare with. 见证方地址。")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Read what is new in the log and compare it with what was seen and issued. Exit status 1 for a finding. 监测证照日志。

    Exit status 69 where the log cannot be reached, or another run works with the state file: then nothing is known, and what was seen stays as it was.
    """
    from licence_vault.log.monitor import compare_books, read_books
    from service_kit.log_follower import follow
    from standards.gb32100_credit_code import is_credit_code
    from yinxin.folder_lock import alone_in

    if not is_credit_code(issuer):  # a slip of the finger watches nobody, and finds nothing for ever
        raise typer.BadParameter(say("no credit code (GB 32100)", "不是统一社会信用代码（GB 32100）"), param_hint="--issuer")
    try:
        with alone_in(state.parent, f".{state.name}.lock", code="MONITOR_RUNNING", kind=Kind.UNAVAILABLE):
            # 1. What is known: keys, what was seen, the own books
            trees = _trees(keys)
            seen, observed = _read_state(state, issuer)
            is_first = not seen
            own = None if books is None else read_books(_book_lines(books))
            # 2. Everything that is new
            fetch = _fetcher(url)
            followed = follow(fetch, trees, seen, observed.take)
            noticed = list(followed.noticed)
            # 3. Against the own books, witnesses, the published counts
            if not noticed:
                noticed += [] if own is None else compare_books(observed, own)
                _ask_further(fetch, [_fetcher(each) for each in witnesses or []], trees, followed, observed, noticed)
            # 4. What holds is kept; what does not is not built upon
            if not any(each.code.startswith("FOLLOWED_") for each in noticed):
                _keep_state(state, followed, observed, noticed)
    except TrustError as error:
        raise fail(error, as_json=as_json) from None
    _tell(noticed, observed, followed.size, is_first=is_first, as_json=as_json)
    if noticed:
        raise typer.Exit(EXIT_FAILED)


def _ask_further(
    fetch: Fetch, witnesses: list[Fetch], trees: dict[str, LogIdentity], followed: Followed, observed: Observed, noticed: list[Noticed]
) -> None:
    """What witnesses were shown and what the log says it counted; findings are added to ``noticed`` as they come.

    Where the log answers no further question, what was found before is told all the same; where nothing was, raises MONITOR_UNREACHABLE and its like.
    """
    from licence_vault.log.monitor import compare_counts
    from service_kit.log_follower import Noticed

    try:
        for ask in witnesses:
            _compare_with(ask, fetch, trees, followed.seen, noticed)
        answer = fetch(f"log/counts?issuer={observed.issuer_code}")
        if answer is None and not followed.seen:  # and no checkpoint either: not a log without entries, but none at this address
            raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", status=_NOT_FOUND)
        counts = _object(answer or b"{}")
        if counts.get("size") == followed.size:
            noticed += compare_counts(observed, _rows(counts.get("counts") or []))
    except TrustError as error:
        if not (noticed and followed.seen):
            raise
        noticed.append(Noticed("FOLLOWED_UNANSWERED", {name: str(fact) for name, fact in error.facts.items()}))


def _keep_state(path: Path, followed: Followed, observed: Observed, noticed: list[Noticed]) -> None:
    """Write down what was seen. Where that fails, what was found is told all the same, and this with it; where nothing was, raises OSError."""
    from service_kit.durable_files import write_durably
    from service_kit.log_follower import Noticed

    kept = {name: each.to_json() for name, each in followed.seen.items()}
    written = {"v": STATE_VERSION, "trees": kept, **observed.to_json()}
    try:
        write_durably(path, json.dumps(written, separators=(",", ":")).encode())
    except OSError as error:
        if not noticed:
            raise
        noticed.append(Noticed("MONITOR_STATE_NOT_KEPT", {"file": str(path), "reason": error.strerror or str(error)}))


def _tell(noticed: list[Noticed], observed: Observed, size: int, *, is_first: bool, as_json: bool) -> None:
    if as_json:
        events = sum(observed.events.values())
        findings = [{"code": each.code, "facts": each.facts} for each in noticed]
        print_json({"ok": not noticed, "first": is_first, "size": size, "own_events": events, "findings": findings})
    elif noticed:
        headings = (say("Finding", "问题"), say("Facts", "详情"))
        print_table(headings, [(each.code, ", ".join(f"{name}={fact}" for name, fact in each.facts.items())) for each in noticed])
        for code in dict.fromkeys(each.code for each in noticed):
            print_line(f"{code}: {say(*MEANINGS[code])}")
    else:
        events = sum(observed.events.values())
        counted = f"{size} entries, {events} of them in the name of {observed.issuer_code}: "
        counted_zh = f"共 {size} 条，其中 {observed.issuer_code} 名下 {events} 条："
        if is_first:
            print_line(
                say(
                    f"{counted}nothing differs. The state file was new or empty: of what was seen before there is nothing to hold the log against.",
                    f"{counted_zh}无差异。状态文件为新建或空，没有此前所见可供比对。",
                )
            )
        else:
            print_line(say(f"{counted}the log extends what was seen, and nothing differs.", f"{counted_zh}日志延续此前所见，无差异。"))


def _trees(keys: list[str]) -> dict[str, LogIdentity]:
    """Tree name -> identity: the name is the last part of the origin, the digest that which goes with the key.

    MONITOR_KEYS_DIFFER where two trees have one name, or the keys of one tree are of two kinds: one of them would not be looked at.
    """
    from dataclasses import replace

    from crypto.checkpoints import LogIdentity, LogVerifierKey
    from standards import gbt33560_oids as oids
    from standards.c2sp_signed_note import TYPE_SM2

    trees: dict[str, LogIdentity] = {}
    for key in map(LogVerifierKey.from_text, dict.fromkeys(keys)):
        name, digest_oid = key.name.rpartition("/")[2], oids.SM3 if key.signature_type == TYPE_SM2 else oids.SHA256
        known = trees.get(name, LogIdentity(key.name, digest_oid, ()))
        if (known.origin, known.digest_oid) != (key.name, digest_oid):
            raise TrustError(Kind.UNACCEPTABLE, "MONITOR_KEYS_DIFFER", tree=name, origins=" ".join(sorted({known.origin, key.name})))
        trees[name] = replace(known, keys=(*known.keys, key))  # of a tree whose keys were changed, those before too
    return trees


def _read_state(path: Path, issuer: str) -> tuple[dict[str, SeenTree], Observed]:
    from licence_vault.log.monitor import Observed
    from service_kit.log_follower import SeenTree

    try:
        with path.open("rb") as file:
            state: dict[str, Any] = json.loads(file.read(STATE_BYTES))
    except FileNotFoundError:
        return {}, Observed(issuer)
    except ValueError:
        raise TrustError(Kind.UNACCEPTABLE, "MONITOR_STATE_BAD", file=str(path)) from None
    try:
        observed = Observed.from_json(state)
        seen = {name: SeenTree.from_json(each) for name, each in state["trees"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TrustError(Kind.UNACCEPTABLE, "MONITOR_STATE_BAD", file=str(path)) from None
    if state.get("v") != STATE_VERSION or observed.issuer_code != issuer:
        raise TrustError(Kind.UNACCEPTABLE, "MONITOR_STATE_BAD", file=str(path))
    return seen, observed


def _fetcher(base: str) -> Fetch:
    """GET below an address the operator named: no redirects, bounded in time, look-up of the name included, and in size. TrustError MONITOR_UNREACHABLE."""
    from service_kit.bounded_calls import call_once

    def fetch(path: str) -> bytes | None:
        try:
            answer = call_once("GET", f"{base.rstrip('/')}/{path}", timeout_seconds=TIMEOUT_SECONDS, answer_bytes=ANSWER_BYTES)
        except TrustError as error:
            raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", **error.facts) from None
        if answer.status == _NOT_FOUND:
            return None
        if answer.status != _OK:
            raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", status=answer.status)
        return answer.body

    return fetch


def _compare_with(ask: Fetch, fetch: Fetch, trees: dict[str, LogIdentity], seen: dict[str, SeenTree], noticed: list[Noticed]) -> None:
    """What a witness (``ask``) was shown, against what the log (``fetch``) showed here; findings are added to ``noticed`` as they come."""
    from urllib.parse import quote

    from service_kit.log_follower import Noticed, compare_with_witness

    is_watched = is_silent = False
    for name, identity in trees.items():
        try:
            note = ask(f"checkpoint?origin={quote(identity.origin, safe='')}")
        except TrustError as error:  # the log itself was reached: what it showed is judged without this witness
            is_silent = True
            noticed.append(Noticed("MONITOR_WITNESS_SILENT", {"tree": name, "reason": str(error.facts.get("reason", error.code))}))
            continue
        if not note:
            continue  # it does not watch this tree
        is_watched = True

        def prove(older: int, newer: int, name: str = name) -> tuple[bytes, ...]:
            answer = fetch(f"log/consistency?older={older}&newer={newer}&tree={name}")
            if answer is None:
                raise TrustError(Kind.NOT_FOUND, "LOG_SIZE_UNKNOWN", asked=newer)
            proof = _object(answer).get("proof")
            try:
                return tuple(bytes.fromhex(each) for each in proof or ())
            except (TypeError, ValueError):
                raise _unreadable() from None

        found = compare_with_witness(note, name, identity, seen.get(name), prove)
        noticed += [] if found is None else [found]
    if seen and not is_watched and not is_silent:  # of nothing that it was shown can anything be said
        noticed.append(Noticed("MONITOR_WITNESS_SILENT", {"tree": " ".join(trees), "reason": "WITNESS_LOG_UNKNOWN"}))


def _book_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(path)) from None


def _unreadable() -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", reason="answer")


def _object(answer: bytes) -> dict[str, Any]:
    """An answer of the log as the JSON object it must be. MONITOR_UNREACHABLE."""
    try:
        return read_strict_object(answer)
    except StrictJsonError:
        raise _unreadable() from None


def _rows(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _unreadable()
    return value
