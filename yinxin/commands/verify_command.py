"""``yinxin verify``: verdicts on files, with no server, no database and no network.

Exit status: 0 all valid; 1 something invalid; 2 nothing invalid but something indeterminate; 64 usage, or a path that cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads the annotations when the command is called
from typing import TYPE_CHECKING, Annotated, Final

import typer

from yinxin.commands.console import EXIT_USAGE, JSON_HELP, explain, print_json
from yinxin.commands.reader_language import language_of_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from licence_vault.model import AskedHolder
    from licence_vault.verify_credential import Issuers
    from yinxin.offline_verifier.read_bundle import Known

EXIT_VALID: Final = 0
EXIT_INVALID: Final = 1
EXIT_INDETERMINATE: Final = 2

FILE_BYTES: Final = 96 * 1024 * 1024  # own limit: a file is held in memory once, the whole run stays under 300 MB
TRUST_FILE_BYTES: Final = 16 * 1024 * 1024  # own limit: the largest revocation lists of the field are some megabytes
TRUST_FILES: Final = 1000  # own limit on the files of a trust folder
TRUST_BYTES: Final = 64 * 1024 * 1024  # of a trust folder in all, as of a trust list in one file (crypto.trust_list)
TRUST_ENTRIES: Final = 20_000  # own limit on what a trust folder holds beside them, which is passed over
TRUST_ENDINGS: Final = frozenset({".json", ".pem", ".cer", ".crt", ".der", ".crl", ".ocsp", ".status"})  # what crypto.trust_list reads


class UnusableArgumentError(Exception):
    """An argument that cannot be used; the text goes to the reader as it is, exit status 64."""


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """One file and what was found out about it."""

    file: str
    report: Report


def read_at(text: str | None) -> datetime:
    """The point in time to judge at, aware UTC: ISO 8601; without a zone it is this machine's local time; nothing given is now."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableArgumentError(f"--at: {text!r} is not an ISO 8601 time such as 2026-05-01T08:00:00Z") from None
    try:
        return at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise UnusableArgumentError(f"--at: {text!r} is out of range") from None


def read_limited(path: Path, limit: int) -> bytes | None:
    """The whole file, or None where it is longer than ``limit`` bytes. Raises OSError."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    return None if len(data) > limit else data


def load_known(path: Path | None) -> Known:
    """A trust list file or trust bundle, one certificate, or a folder of certificates and revocation data; nothing given is the empty trust list."""
    from crypto.trust_list import TrustList, trust_list_from_files
    from standards.errors import TrustError
    from yinxin.offline_verifier.read_bundle import Known, read_known

    if path is None:
        return Known(TrustList.empty())
    try:
        if path.is_dir():
            known = Known(trust_list_from_files(_read_trust_folder(path)))
        else:
            data = _trust_bytes(path)
            name = path.name if path.suffix.lower() in TRUST_ENDINGS else path.name + ".pem"
            known = read_known(data) if data.lstrip()[:1] == b"{" else Known(trust_list_from_files({name: data}))
    except TrustError as error:
        raise UnusableArgumentError(f"--trust: {path}: {error}") from error
    except OSError as error:
        raise UnusableArgumentError(f"--trust: {path}: {error.strerror}") from error
    # Whatever is in it may answer a question: the keys of issuers one on credentials, a signer of status lists one on codes. The rest stays unknown
    if known == Known(replace(TrustList.empty(), ends_at=known.trust.ends_at)):
        raise UnusableArgumentError(f"--trust: {path} holds nothing to judge by: no certificate, list, log, or key of an issuer")
    return known


def _read_trust_folder(path: Path) -> dict[str, bytes]:
    """The files of a trust folder by name. It is looked through and read no further than the limits go."""
    members: list[Path] = []
    for number, member in enumerate(path.iterdir(), 1):
        if number > TRUST_ENTRIES:
            raise UnusableArgumentError(f"--trust: {path} holds more than {TRUST_ENTRIES} entries")
        if member.suffix.lower() in TRUST_ENDINGS and member.is_file():
            members.append(member)
        if len(members) > TRUST_FILES:
            raise UnusableArgumentError(f"--trust: {path} holds more than {TRUST_FILES} files")
    found: dict[str, bytes] = {}
    total_bytes = 0
    for member in sorted(members):
        found[member.name] = _trust_bytes(member)
        total_bytes += len(found[member.name])
        if total_bytes > TRUST_BYTES:
            raise UnusableArgumentError(f"--trust: {path} holds more than {TRUST_BYTES} bytes")
    return found


def _trust_bytes(path: Path) -> bytes:
    data = read_limited(path, TRUST_FILE_BYTES)
    if data is None:
        raise UnusableArgumentError(f"--trust: {path} is larger than {TRUST_FILE_BYTES} bytes")
    return data


def load_issuers(paths: Sequence[Path], known: Known, option: str = "--issuer-keys") -> Issuers:
    """The keys that issuers of credentials publish, in files and in what is known anyway."""
    from crypto.jose import JWKS_BYTES
    from licence_vault.verify_credential import read_issuer_keys
    from standards.errors import TrustError
    from yinxin.offline_verifier.read_bundle import joined_issuers

    found = [known.issuers]
    for path in paths:
        try:
            found.append(read_issuer_keys(read_limited(path, JWKS_BYTES) or b""))
        except TrustError as error:
            raise UnusableArgumentError(f"{option}: {path}: {error}") from error
        except OSError as error:
            raise UnusableArgumentError(f"{option}: {path}: {error.strerror}") from error
    return joined_issuers(found)


def verify_path(
    path: Path,
    trust: TrustList,
    at: datetime,
    issuers: Issuers | None = None,
    *,
    is_original_asked: bool = False,
    holder: AskedHolder | None = None,
    is_by_clock: bool = False,
) -> FileVerdict:
    """The verdict on one path; what is asked of it as in ``verify_any_file``. Raises OSError where it cannot be read."""
    from crypto.report import Report, Verdict, not_checked
    from yinxin.file_verdicts import verify_any_file

    data = read_limited(path, FILE_BYTES)
    if data is None:
        return FileVerdict(
            str(path), Report(Verdict.INDETERMINATE, None, (), (not_checked("FILE_TOO_LARGE", "own rule", limit_bytes=FILE_BYTES),))
        )
    report = verify_any_file(data, trust, at, issuers=issuers, is_original_asked=is_original_asked, holder=holder, is_by_clock=is_by_clock)
    return FileVerdict(str(path), report)


def exit_status(verdicts: Sequence[str], *, was_unreadable: bool) -> int:
    """The exit status for these verdicts; a path that could not be read outranks them all."""
    if was_unreadable:
        return EXIT_USAGE
    if "invalid" in verdicts:
        return EXIT_INVALID
    return EXIT_INDETERMINATE if "indeterminate" in verdicts else EXIT_VALID


def _say_what_is_missing() -> None:
    """Tell the reader on standard error where this machine cannot do SM2 at all: the verdict alone would look like one on the file."""
    from crypto.sm2 import describe_providers
    from standards.errors import TrustError

    try:
        describe_providers()
    except TrustError as error:
        typer.echo(f"yinxin verify: {explain(error)}", err=True)


def verify(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Sealed files, or credentials as text (SD-JWT). 已盖章的文件，或 SD-JWT 凭证文本。"),
    ],
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust", metavar="PATH", help="Whom to trust: a trust list, or a folder of certificates. 信任列表文件或证书文件夹。"
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Judge as of this time (ISO 8601) instead of now. 以此时间为准进行验证。"),
    ] = None,
    issuer_keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--issuer-keys",
            metavar="PATH",
            help="Published keys of an issuer of credentials; a trust bundle has its own. 凭证颁发方公布的密钥（信任包已含）。",
        ),
    ] = None,
    *,
    original: Annotated[
        bool, typer.Option("--original", help="Of licences no annotated copy will do. 证照须为原件，加注件视为无效。")
    ] = False,
    holder_name: Annotated[
        str | None,
        typer.Option(
            "--holder-name", metavar="NAME", help="Of licences: held by who is named so; with --holder-code. 持证主体名称，与代码同用。"
        ),
    ] = None,
    holder_code: Annotated[
        str | None,
        typer.Option("--holder-code", metavar="CODE", help="Of licences: held by who has this code; with --holder-name. 持证主体代码。"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say of sealed files whether they hold: needs no server, no database, no network. 验证电子签章文件。"""
    from crypto.report import Verdict
    from licence_vault.limits import HOLDER_CODE_CHARACTERS, NAME_CHARACTERS
    from licence_vault.model import AskedHolder

    language = language_of_reader()
    if (holder_name is None) != (holder_code is None):
        typer.echo("yinxin verify: --holder-name and --holder-code go together", err=True)
        raise typer.Exit(EXIT_USAGE)
    for option, asked, most in (("--holder-name", holder_name, NAME_CHARACTERS), ("--holder-code", holder_code, HOLDER_CODE_CHARACTERS)):
        if asked is not None and not 0 < len(asked.strip()) <= len(asked) <= most:
            typer.echo(f"yinxin verify: {option} takes 1 to {most} characters", err=True)
            raise typer.Exit(EXIT_USAGE)
    holder = None if holder_name is None or holder_code is None else AskedHolder(holder_name, holder_code)
    try:
        known, judged_at = load_known(trust), read_at(at)
        issuers = load_issuers(issuer_keys or (), known)
    except UnusableArgumentError as error:
        typer.echo(f"yinxin verify: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None

    found: list[FileVerdict] = []
    was_unreadable = False
    for path in files:
        try:
            one = verify_path(path, known.trust, judged_at, issuers, is_original_asked=original, holder=holder, is_by_clock=at is None)
            found.append(one)
        except OSError as error:
            typer.echo(f"yinxin verify: {path}: {error.strerror}", err=True)
            was_unreadable = True

    if any(one.report.verdict is not Verdict.VALID for one in found):
        _say_what_is_missing()
    if as_json:
        from crypto.report_json import write_report

        print_json({"files": [write_report(one.file, one.report, language) for one in found]})
    else:
        from yinxin.commands.verdict_display import show_verdict

        for one in found:
            show_verdict(one.file, one.report, language)
    raise typer.Exit(exit_status([one.report.verdict.value for one in found], was_unreadable=was_unreadable))
