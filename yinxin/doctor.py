"""What is well and what is not, with how to mend it: for ``yinxin doctor``, and for whoever asks for help with its output."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service_kit.database import check_database_pages, read_database_url
from service_kit.database_errors import with_words_of_driver
from service_kit.health import CheckResult
from service_kit.log_waiting import STANDSTILL_SECONDS
from service_kit.problem_catalogue import text_of
from service_kit.settings import load_settings, unknown_variables
from standards.errors import Kind, TrustError
from yinxin.commands.console import operator
from yinxin.commands.reader_language import CHINESE
from yinxin.deployment import CA, KEYS, MASTER_KEY_FILE, is_complete, master_key_path, open_deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service_kit.composition import Facts
    from service_kit.health import Readiness

PYTHON_MIN: Final = (3, 11)
DAYS_WARNED: Final = {
    "root_days_left": 365.0,
    "issuing_days_left": 180.0,
    "tsa_days_left": 60.0,
    "ocsp_days_left": 60.0,
    "seal-maker_days_left": 60.0,
}
LIST_DAYS_WARNED: Final = {"root_days_left": 30.0, "issuing_days_left": 2.0}
GROUP_AND_OTHERS: Final = 0o077
CHANGE: Final = 0o022
ENTRY: Final = 0o011
NO_SETTINGS: Final = frozenset({"YINXIN_FAIL_AT"})


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # works, but look at it soon
    FAIL = "fail"  # does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table. ``remedy`` is empty where nothing is to be done."""

    name: str
    status: Status
    message: str
    remedy: str = ""


def examine(folder: Path | None, language: str, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Everything that can be looked at: the machine, and with ``folder`` the deployment in it. What it finds it lists, never raises."""
    variables = os.environ if environment is None else environment
    found = [_python(language), _variables(variables, language)]
    if folder is None:
        return [*found, _tried("algorithms", _algorithms, language)]
    if not is_complete(folder):
        return [*found, _failed("deployment", TrustError(Kind.UNACCEPTABLE, "DEPLOYMENT_MISSING", dir=str(folder)), language)]
    found.append(_permissions(folder, variables, language))
    return found + _deployment(folder, language)


def examine_running(folder: Path, readiness: Readiness, language: str, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """The same from inside a serving process, from its own checks: nothing is opened a second time."""
    variables = os.environ if environment is None else environment
    found = [_python(language), _variables(variables, language), _permissions(folder, variables, language)]
    return found + [_as_finding(result, language) for result in readiness.checks]


def _say(language: str, english: str, chinese: str) -> str:
    return chinese if language == CHINESE else english


def _failed(name: str, error: TrustError, language: str) -> Finding:
    text = text_of(error.code)
    facts = ", ".join(f"{key}={value}" for key, value in error.facts.items())
    message = f"{text.title(language)} [{error.code}]" if text else error.code
    return Finding(name, Status.FAIL, f"{message} {facts}".strip(), text.remedy(language) if text else "")


def _tried(name: str, look: Callable[[], Facts], language: str) -> Finding:
    try:
        facts = look()
    except (TrustError, OSError) as error:
        return _failed(name, _as_refusal(error), language)
    return _as_finding(CheckResult(name, ready=True, facts=facts, code=None, milliseconds=0), language)


def _python(language: str) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= PYTHON_MIN:
        return Finding("python", Status.OK, version)
    wanted = ".".join(str(part) for part in PYTHON_MIN)
    return Finding("python", Status.FAIL, version, _say(language, f"Use Python {wanted} or newer.", f"请使用 Python {wanted} 或更高版本。"))


def _algorithms() -> Facts:
    from crypto.sm2 import SM2PrivateKey

    key = SM2PrivateKey.generate()
    signature = key.sign(b"yinxin doctor")
    if not key.public_key.verify(signature, b"yinxin doctor"):
        raise TrustError(Kind.UNAVAILABLE, "SELF_TEST_FAILED")
    return {"SM2": "signs and verifies"}


def _variables(environment: Mapping[str, str], language: str) -> Finding:
    unknown = [name for name in unknown_variables(environment) if name not in NO_SETTINGS]
    if not unknown:
        return Finding("environment", Status.OK, "")
    remedy = _say(language, "Correct the spelling or remove them: they set nothing.", "请更正拼写或删除：这些变量不起作用。")
    return Finding("environment", Status.WARN, ", ".join(unknown), remedy)


def _permissions(folder: Path, environment: Mapping[str, str], language: str) -> Finding:
    secret = [folder / KEYS, *(folder / KEYS).glob("*"), folder / MASTER_KEY_FILE]
    try:
        secret.append(master_key_path(folder, environment))
    except TrustError as error:
        return _failed("permissions", error, language)
    exposed = sorted({str(path) for path in (*secret, *_let_in(folder)) if _is_open(path, GROUP_AND_OTHERS)} | set(_let_change(folder)))
    if not exposed:
        return Finding("permissions", Status.OK, "")
    remedy = _say(
        language,
        "chmod go-rwx on each; then ask who could have read or changed them.",
        "对其执行 chmod go-rwx，并核查可能的读取者和修改者。",
    )
    return Finding("permissions", Status.FAIL, ", ".join(exposed), remedy)


def _is_open(path: Path, bits: int) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & bits)


def _let_in(folder: Path) -> list[Path]:
    """The database's file, where others may go into the folder that it lies in: what it says of people is for the service alone."""
    try:
        url = read_database_url(load_settings(folder).database_url)
    except TrustError:  # told by what opens the deployment
        return []
    path = Path(url.database or "")
    return [path] if url.get_backend_name() == "sqlite" and _is_open(path.parent, ENTRY) else []


def _let_change(folder: Path) -> list[str]:
    """What others may put something else in the place of, or write into: who writes the settings decides."""
    inside = folder.iterdir() if _is_open(folder, ENTRY) else ()
    return [str(path) for path in (folder, *inside) if _is_open(path, CHANGE)]


def _deployment(folder: Path, language: str) -> list[Finding]:
    from yinxin.assembly import code_older_rows, compose, migrate_all, open_house
    from yinxin.house_checks import anchor_checks, document_checks, start_checks, witness_checks
    from yinxin.later_keys import make_later_keys, record_made

    try:
        deployment = open_deployment(folder)
        make_later_keys(deployment)  # as a start does
        house = open_house(deployment)
    except (TrustError, OSError) as error:
        return [_failed("deployment", _as_refusal(error), language)]
    try:
        url = house.context.settings.database_url
        found = [_tried("database_file", lambda: _read_through(url), language)]
        if found[0].status is Status.FAIL:  # a damaged file is left as it is
            return found
        migrate_all(house.context.database)
        code_older_rows(house.context)
        record_made(house.context)
        context = house.context
        checks = (*start_checks(context), *anchor_checks(context), *document_checks(context, operator()), *witness_checks(context))
        found += [_tried(name, check, language) for name, check in checks]
        readiness = compose(house).probe.readyz()
        return [*found, *(_as_finding(result, language) for result in readiness.checks)]
    except (TrustError, OSError) as error:
        return [_failed("deployment", _as_refusal(error), language)]
    finally:
        house.close()


def _as_refusal(error: TrustError | OSError) -> TrustError:
    """What the system refuses, by the path and its reason."""
    if isinstance(error, TrustError):
        return with_words_of_driver(error)
    path = {"path": str(error.filename)} if error.filename else {}
    return TrustError(Kind.UNAVAILABLE, "FILE_UNREADABLE", **path, reason=error.strerror or type(error).__name__)


def _read_through(database_url: str) -> Facts:
    check_database_pages(database_url)
    return {}


def _as_finding(result: CheckResult, language: str) -> Finding:
    if not result.ready:
        error = TrustError(Kind.UNAVAILABLE, result.code or "INTERNAL", **result.facts)
        return _failed(result.name, error, language)
    shown = ", ".join(f"{key}={value}" for key, value in result.facts.items())
    if result.facts.get("expired_lists"):
        remedy = _say(
            language,
            "Start the server: it publishes status lists anew within seconds. Where it runs, see in its log why the job licence-status-lists fails; until then nobody can tell whether a licence is in force.",
            "请启动服务：数秒内会重新发布状态列表。若服务正在运行，请在日志中查看作业 licence-status-lists 失败的原因；在此之前无法判断证照是否有效。",
        )
        return Finding(result.name, Status.FAIL, shown, remedy)
    if result.facts.get("silent"):
        remedy = _say(
            language,
            "Ask those who run it whether it runs, and look whether outbound.networks allows its address. After a restore it may be the only one who knows of a later checkpoint: start nothing before it has answered.",
            "请向见证方核实其是否在运行，并检查 outbound.networks 是否允许其地址。恢复备份之后，可能只有见证方知道更新的检查点：在其应答之前请勿启动。",
        )
        return Finding(result.name, Status.WARN, shown, remedy)
    if result.facts.get("editions_of_a_later_time"):
        remedy = _say(
            language,
            "status lists were signed while this machine's clock was ahead: whoever kept one can show it again when that time comes; docs/reference/status-lists.md",
            "本机时钟超前期间签发过状态列表：留存者到时可再次出示；见 docs/reference/status-lists.md",
        )
        return Finding(result.name, Status.WARN, shown, remedy)
    waited = result.facts.get("waiting_seconds")
    if isinstance(waited, int) and waited > STANDSTILL_SECONDS:
        remedy = _say(
            language,
            "Start the server: it takes waiting entries into the log within seconds. Where it runs, look in the log of every worker for `log turn failed`.",
            "请启动服务：数秒内会将等待的条目收入日志。若服务正在运行，请在各工作进程的运行日志中查找 `log turn failed`。",
        )
        return Finding(result.name, Status.WARN, shown, remedy)
    if result.facts.get("altered_rows"):
        text = text_of("ROW_ALTERED")
        message = f"{text.title(language)} [ROW_ALTERED] {shown}" if text else shown
        remedy = _say(
            language,
            "Such rows give nothing. Compare with the audit trail (`yinxin audit check`), take each with `yinxin roles dismiss` or `yinxin roles take` (a permission: withdraw it), and find out who wrote to the database.",
            "此类数据行不产生任何权限。请与审计记录比对（`yinxin audit check`），用 `yinxin roles dismiss` 或 `yinxin roles take` 逐一清除（共享许可则予撤回），并查明何人直接写入数据库。",
        )
        return Finding(result.name, Status.FAIL, message, remedy)
    if result.name == "idp_front_channel":
        remedy = _say(
            language,
            "open for a certification alone: close [openid] in settings.toml afterwards; docs/reference/openid-front-channel.md",
            "仅应在认证测试期间开启：结束后请关闭 settings.toml 中的 [openid]；见 docs/reference/openid-front-channel.md",
        )
        return Finding(result.name, Status.WARN, shown, remedy)
    limits = {"certificates": DAYS_WARNED, "revocation_lists": LIST_DAYS_WARNED}.get(result.name, {})
    short = [key for key, days in limits.items() if isinstance(left := result.facts.get(key), int | float) and left < days]
    if not short:
        return Finding(result.name, Status.OK, shown)
    if result.name == "certificates":
        remedy = _say(language, f"yinxin ca renew --dir {{DIR}} ({CA}/)", f"yinxin ca renew --dir {{DIR}}（{CA}/）")
    else:
        remedy = _say(
            language, "yinxin ca crl --dir {DIR}; the running server does it by itself", "yinxin ca crl --dir {DIR}；服务运行时会自动更新"
        )
    return Finding(result.name, Status.WARN, shown, remedy)
