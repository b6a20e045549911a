"""The settings of one deployment: ``<dir>/settings.toml``, overridden by the environment.

Every setting is a field of :class:`Settings` or of one of its nested records. The file uses the same names; a nested record is a
table. The environment uses ``YINXIN_`` and the name in upper case, a nested one after a double underscore
(``YINXIN_LIMITS__BODY_BYTES``). An unknown key in the file is refused; unknown variables are listed by
:func:`unknown_variables`, because the environment is also used for things that are no settings.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin, get_type_hints

from service_kit.dpop_nonces import STRICT, WHEN
from service_kit.setting_rules import LOG_LEVELS, absolute_database_url, address_of, numbers_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME: Final = "settings.toml"
PREFIX: Final = "YINXIN_"
_TOML_PLACE: Final = re.compile(r"\((?:at )?(line \d+, column \d+|end of document)\)$")
_PDF_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NO_SETTINGS: Final = frozenset({"YINXIN_REQUIRE_ALL", "YINXIN_SHOTS"})
"""Variables of ours that are read elsewhere and are no settings; those of the master key all begin with YINXIN_MASTER_KEY."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens."""

    host: str = "127.0.0.1"
    port: int = 8600


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost. Sizes in bytes, times in seconds."""

    body_bytes: int = 64 * 1024 * 1024
    header_count: int = 100
    header_bytes: int = 32 * 1024
    request_seconds: float = 60.0
    write_queue: int = 1024


@dataclass(frozen=True, slots=True)
class TimeStamps:
    """Where time-stamps come from: the authority in this process, or an outside one by its URL."""

    url: str | None = None
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The transparency logs. ``anchor_paths``: further places, best on another disk, that keep the newest checkpoint of every log.

    ``witnesses``: who is asked to cosign checkpoints, ``<log>/<tree> <URL> <witness key>`` each; ``outbound.networks`` must allow the address.
    """

    origin: str = "localhost/yinxin"
    interval_seconds: float = 0.5
    anchor_paths: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    """Calls to addresses that others gave us (webhooks, key sets of clients, logout notices).

    ``networks``: what may be reached, such as ``10.20.0.0/16``, or ``public`` for every globally reachable address; empty: nothing.
    """

    networks: tuple[str, ...] = ()
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class DpopSettings:
    """``nonces``: of whom a nonce is demanded in proofs of possession: ``never``, ``fapi2`` (clients of that profile) or ``always``."""

    nonces: str = STRICT


@dataclass(frozen=True, slots=True)
class OpenidSettings:
    """What is open beyond codes, for certification as a Dynamic provider: ``implicit``: tokens by way of the browser, for clients that register it.
    ``request_uri``: requests are fetched from addresses that clients registered, within ``outbound.networks``.
    """

    implicit: bool = False
    request_uri: bool = False


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """How a proxy in front of us shows the certificates of clients that come over mutual TLS; nothing is taken where ``header`` is empty.

    ``header``: the certificate (RFC 9440, escaped PEM as nginx writes it, or base64). ``verified_header``: says ``SUCCESS`` or ``0`` where
    the proxy found the certificate to be of an authority it trusts. ``peers``: the proxies' networks; the proxies must drop these headers
    from what they receive.
    """

    header: str = ""
    verified_header: str = ""
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A platform of the region that is told of what is made here. Off without ``url``.

    ``networks``: what may be reached for it, as ``outbound.networks``. ``platform_key``: PEM file with the key or certificate that signs its
    answers. ``account``: what the platform calls this deployment. ``names``, ``states``: ``ours=theirs`` where it calls them otherwise.
    """

    url: str | None = None
    platform_key: str = "region.pem"
    networks: tuple[str, ...] = ()
    account: str = ""
    filing_path: str = "/filings"
    state_path: str = "/states"
    names: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    timeout_seconds: float = 5.0
    clock_skew_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector of the region to which records of what happens here are reported. Off without ``url``.

    ``networks``: what may be reached for it, as ``outbound.networks``. ``platform_key``: PEM file with the key or certificate that signs its
    answers. ``account``: what it calls this deployment. ``field_map``: file that says how records are written, empty for the usual one.
    ``names``: ``ours=theirs`` where it calls members otherwise.
    """

    url: str | None = None
    platform_key: str = "collector.pem"
    networks: tuple[str, ...] = ()
    account: str = ""
    field_map: str = ""
    record_path: str = "/records"
    type_path: str = "/types"
    erasure_path: str = "/erasures"
    range_path: str = "/ranges"
    names: tuple[str, ...] = ()
    timeout_seconds: float = 5.0
    clock_skew_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """By which other regions are asked for records of theirs. Off without ``url``.

    ``networks``, ``platform_key``, ``account``, ``names``: as of ``Collector``. ``trust_folder``: ``<region>.json`` is the trust list of a
    region; one without it is not asked.
    """

    url: str | None = None
    platform_key: str = "exchange.pem"
    networks: tuple[str, ...] = ()
    account: str = ""
    trust_folder: str = "regions"
    query_path: str = "/queries"
    names: tuple[str, ...] = ()
    timeout_seconds: float = 5.0
    clock_skew_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """As which client this process calls the services that run elsewhere (``service_urls``). Without ``id`` none is called.

    ``secret_file``: holds its secret, in the folder of the deployment, readable by its owner alone. ``timeout_seconds``: of one call.
    """

    id: str = ""
    secret_file: str = "service-client.secret"  # noqa: S105 - the name of a file
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Seals:
    """``two_person_review``: a seal is made only for an application that somebody other than the applicant has approved.

    Where nothing is said, review is asked for everywhere but in demonstrations. ``data_version``: of what is made, where a request says nothing.
    """

    two_person_review: bool | None = None
    data_version: int = 4


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The pages for people. ``api_url``: where their calls of the API go; empty: to this process itself."""

    api_url: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. ``dir`` is the folder of the deployment; relative paths are taken from it."""

    dir: Path
    services: tuple[str, ...] = ()
    """The services this process runs; empty means all."""
    database_url: str = ""
    """``sqlite:///...`` or ``postgresql://...``; empty means the file ``yinxin.sqlite3`` in ``dir``."""
    listen: Listen = field(default_factory=Listen)
    workers: int = 1
    base_url: str = ""
    """What the world calls this deployment; empty means http://host:port of ``listen``."""
    demo: bool = False
    sm2_provider: str | None = None
    libcrypto_path: str | None = None
    threads: int = 16
    """Worker threads and database connections of one process: one number, so that a thread never waits for a connection."""
    log_level: str = "INFO"
    devices: str = "devices.toml"
    """The file that describes cryptographic devices and the keys in them; none need be there."""
    upstreams: str = "upstreams.toml"
    """The file that describes the identity providers at which people may sign in besides this one; none need be there."""
    subject_hash: str = ""
    """``package.module:name`` of a site's own function for the subject hash; empty means the keyed one (docs/reference/identity.md)."""
    pdf_ses_filter: str = "Yinxin.SES"
    """The /Filter under which a SES_Signature stands alone in a PDF; no standard registers one."""
    pdf_ses_subfilter: str = "GBT38540.SES"
    """Its /SubFilter."""
    service_urls: tuple[str, ...] = ()
    """``name=URL`` of the services that run elsewhere."""
    service_client: ServiceClient = field(default_factory=ServiceClient)
    trust_path: str | None = None
    """A trust list file whose anchors count besides the own root: of an outside time-stamp authority, of others whose seals are verified."""
    limits: Limits = field(default_factory=Limits)
    time_stamps: TimeStamps = field(default_factory=TimeStamps)
    logs: LogSettings = field(default_factory=LogSettings)
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    client_certificates: ClientCertificates = field(default_factory=ClientCertificates)
    dpop: DpopSettings = field(default_factory=DpopSettings)
    openid: OpenidSettings = field(default_factory=OpenidSettings)
    seals: Seals = field(default_factory=Seals)
    region: Region = field(default_factory=Region)
    collector: Collector = field(default_factory=Collector)
    exchange: Exchange = field(default_factory=Exchange)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)

    @property
    def is_review_required(self) -> bool:
        """Whether nothing is made that has not been reviewed."""
        return not self.demo if self.seals.two_person_review is None else self.seals.two_person_review

    def __post_init__(self) -> None:
        object.__setattr__(self, "database_url", absolute_database_url(self.database_url or "sqlite:///yinxin.sqlite3", self.dir))
        if not self.base_url:
            host = f"[{self.listen.host}]" if ":" in self.listen.host else self.listen.host  # RFC 3986 3.2.2
            object.__setattr__(self, "base_url", f"http://{host}:{self.listen.port}")
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        for name, value, low, high in numbers_of(self):
            if not low <= value <= high:
                raise _refused("SETTING_INVALID", name=name, expected=f"{low} to {high}")
        parts = address_of(self.base_url)
        if parts is None or parts.path or parts.query or parts.fragment or "@" in parts.netloc:  # pages name each other from the root
            raise _refused("SETTING_INVALID", name="base_url", expected="an http or https URL without user, path, query and fragment")
        for name, url in (
            ("time_stamps.url", self.time_stamps.url),
            ("region.url", self.region.url),
            ("collector.url", self.collector.url),
            ("exchange.url", self.exchange.url),
            ("console.api_url", self.console.api_url),
        ):
            if url and address_of(url) is None:
                raise _refused("SETTING_INVALID", name=name, expected="an http or https URL")
        if any(not name.strip() or address_of(url.strip()) is None for name, _, url in (each.partition("=") for each in self.service_urls)):
            raise _refused("SETTING_INVALID", name="service_urls", expected="name=URL each")
        if self.log_level.upper() not in LOG_LEVELS:
            raise _refused("SETTING_INVALID", name="log_level", expected=", ".join(LOG_LEVELS))
        if self.seals.data_version not in {4, 5}:
            raise _refused("SETTING_INVALID", name="seals.data_version", expected="4 or 5")
        if self.dpop.nonces not in WHEN:
            raise _refused("SETTING_INVALID", name="dpop.nonces", expected=", ".join(WHEN))
        for name, text in (("pdf_ses_filter", self.pdf_ses_filter), ("pdf_ses_subfilter", self.pdf_ses_subfilter)):
            if _PDF_NAME.fullmatch(text) is None:
                raise _refused("SETTING_INVALID", name=name, expected=_PDF_NAME.pattern)

    def __repr__(self) -> str:
        """Without the database URL, which may hold a password."""
        return f"Settings(dir={str(self.dir)!r}, services={self.services!r}, demo={self.demo!r})"


def _refused(code: str, **facts: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, code, **facts)


def load_settings(folder: Path | str, environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read ``<folder>/settings.toml`` (may be missing), then the environment, then ``overrides`` (the command line's options).

    Raises TrustError SETTINGS_UNREADABLE, SETTING_UNKNOWN or SETTING_INVALID, naming the setting and never its value.
    """
    folder = Path(folder)
    path = folder / FILE_NAME
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:  # ValueError: bad TOML or bad UTF-8
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        place = _TOML_PLACE.search(str(error))  # where, and not what: the line may hold a password
        raise _refused("SETTINGS_UNREADABLE", file=FILE_NAME, reason=reason, **({"at": place[1]} if place else {})) from None
    _overlay(Settings, given, os.environ if environment is None else environment, PREFIX)
    given.update(overrides)
    given.pop("dir", None)
    read = _read_record(Settings, given, "", {"dir": folder})
    if not isinstance(read, Settings):
        raise TypeError(read)
    return read


def unknown_variables(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names of YINXIN_ variables that set nothing: probably misspelt."""
    present = os.environ if environment is None else environment
    known = set(NO_SETTINGS) | set(_variable_names(Settings, PREFIX))
    return tuple(sorted(n for n in present if n.startswith(PREFIX) and n not in known and not n.startswith("YINXIN_MASTER_KEY")))


def _variable_names(record: type[Any], prefix: str) -> list[str]:
    hints = get_type_hints(record)
    names: list[str] = []
    for item in fields(record):
        name = prefix + item.name.upper()
        names += _variable_names(hints[item.name], name + "__") if is_dataclass(hints[item.name]) else [name]
    return names


def _overlay(record: type[Any], given: dict[str, Any], environment: Mapping[str, str], prefix: str) -> None:
    """Put the variables of the environment over what the file gave."""
    hints = get_type_hints(record)
    for item in fields(record):
        name, wanted = prefix + item.name.upper(), hints[item.name]
        if is_dataclass(wanted):
            nested = given.setdefault(item.name, {})
            if isinstance(nested, dict):
                _overlay(wanted if isinstance(wanted, type) else type(wanted), nested, environment, name + "__")
        elif name in environment:
            given[item.name] = _from_text(wanted, environment[name], name)


def _from_text(wanted: Any, text: str, name: str) -> object:
    if get_origin(wanted) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    inner = [part for part in get_args(wanted) if part is not type(None)]
    if len(inner) == 1 and type(None) in get_args(wanted):  # may be left out: empty is None, anything else as the type inside wants it
        return _from_text(inner[0], text, name) if text else None
    if wanted is bool:
        if text.lower() not in {"true", "false", "1", "0"}:
            raise _refused("SETTING_INVALID", name=name, expected="true or false")
        return text.lower() in {"true", "1"}
    if wanted in {int, float}:
        try:
            return wanted(text)
        except ValueError:
            raise _refused("SETTING_INVALID", name=name, expected=f"a {wanted.__name__}") from None
    return text


def _read_record(record: type[Any], given: Mapping[str, Any], prefix: str, preset: Mapping[str, Any]) -> object:
    hints = get_type_hints(record)
    names = {item.name for item in fields(record)}
    for key in given:
        if key not in names:
            raise _refused("SETTING_UNKNOWN", name=prefix + key)
    values: dict[str, Any] = dict(preset)
    for key, value in given.items():
        wanted = hints[key]
        if is_dataclass(wanted):
            if not isinstance(value, dict):
                raise _refused("SETTING_INVALID", name=prefix + key, expected="a table")
            values[key] = _read_record(wanted if isinstance(wanted, type) else type(wanted), value, f"{prefix}{key}.", {})
        else:
            values[key] = _checked(wanted, value, prefix + key)
    return record(**values)


def _checked(wanted: Any, value: Any, name: str) -> object:
    """The value as the type of its field wants it; TOML's integers serve as floats, its arrays as tuples of text."""
    if get_origin(wanted) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            raise _refused("SETTING_INVALID", name=name, expected="a list of texts")
        return tuple(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    allowed = get_args(wanted) or (wanted,)
    if type(value) not in allowed:
        raise _refused("SETTING_INVALID", name=name, expected=" or ".join(t.__name__ for t in allowed if t is not type(None)))
    return value
