"""Settings: file under environment under command line; everything misspelt is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from service_kit.settings import load_settings, unknown_variables
from standards.errors import TrustError

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_deployment_without_a_file_has_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.database_url == f"sqlite:///{tmp_path}/yinxin.sqlite3"
    assert settings.base_url == "http://127.0.0.1:8600"
    assert (settings.workers, settings.demo, settings.services, settings.time_stamps.url) == (1, False, (), None)


def test_the_environment_is_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    write(tmp_path, 'workers = 2\nthreads = 8\nservices = ["a", "b"]\n[listen]\nport = 1\n[limits]\nrequest_seconds = 5\n')
    environment = {
        "YINXIN_THREADS": "9",
        "YINXIN_SERVICES": "c, d",
        "YINXIN_LISTEN__HOST": "::1",
        "YINXIN_DEMO": "true",
        "YINXIN_LIMITS__REQUEST_SECONDS": "2.5",
        "YINXIN_TIME_STAMPS__URL": "",
        "YINXIN_BASE_URL": "https://x.example/",
    }
    settings = load_settings(tmp_path, environment, workers=3)
    assert (settings.workers, settings.threads, settings.services) == (3, 9, ("c", "d"))
    assert (settings.listen.host, settings.listen.port, settings.demo) == ("::1", 1, True)
    assert settings.limits.request_seconds == 2.5
    assert settings.time_stamps.url is None
    assert settings.base_url == "https://x.example"


def test_whole_numbers_serve_as_times(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "[limits]\nrequest_seconds = 5\n"), {}).limits.request_seconds == 5.0


@pytest.mark.parametrize(
    ("text", "environment", "code", "named"),
    [
        ("wrokers = 1", {}, "SETTING_UNKNOWN", "wrokers"),
        ("[limits]\nbody = 1", {}, "SETTING_UNKNOWN", "limits.body"),
        ("limits = 1", {}, "SETTING_INVALID", "limits"),
        ('workers = "2"', {}, "SETTING_INVALID", "workers"),
        ("workers = true", {}, "SETTING_INVALID", "workers"),
        ("workers = 0", {}, "SETTING_INVALID", "workers"),
        ("[listen]\nport = 70000", {}, "SETTING_INVALID", "listen.port"),
        ("[seals]\ndata_version = 1", {}, "SETTING_INVALID", "seals.data_version"),
        ("services = [1]", {}, "SETTING_INVALID", "services"),
        ("services = 'a'", {}, "SETTING_INVALID", "services"),
        ("sm2_provider = 1", {}, "SETTING_INVALID", "sm2_provider"),
        ("base_url = 'ftp://x'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://x.example:99999'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://[x.example'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://u:canary@x.example'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://x.example/?a=1'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://x.example/#a'", {}, "SETTING_INVALID", "base_url"),
        ("base_url = 'https://x.example/trust'", {}, "SETTING_INVALID", "base_url"),
        ("log_level = 'LOUD'", {}, "SETTING_INVALID", "log_level"),
        ("[limits]\nrequest_seconds = 0", {}, "SETTING_INVALID", "limits.request_seconds"),
        ("[limits]\nheader_count = -5", {}, "SETTING_INVALID", "limits.header_count"),
        ("[limits]\nheader_bytes = 0", {}, "SETTING_INVALID", "limits.header_bytes"),
        ("[logs]\ninterval_seconds = -1", {}, "SETTING_INVALID", "logs.interval_seconds"),
        ("[logs]\ninterval_seconds = nan", {}, "SETTING_INVALID", "logs.interval_seconds"),
        ("[outbound]\ntimeout_seconds = 0", {}, "SETTING_INVALID", "outbound.timeout_seconds"),
        ("[time_stamps]\ntimeout_seconds = inf", {}, "SETTING_INVALID", "time_stamps.timeout_seconds"),
        ("[time_stamps]\nurl = 'nonsense'", {}, "SETTING_INVALID", "time_stamps.url"),
        ("[region]\nclock_skew_seconds = -1", {}, "SETTING_INVALID", "region.clock_skew_seconds"),
        ("[console]\napi_url = 'nonsense'", {}, "SETTING_INVALID", "console.api_url"),
        ("service_urls = ['idp']", {}, "SETTING_INVALID", "service_urls"),
        ("= broken", {}, "SETTINGS_UNREADABLE", None),
        ("", {"YINXIN_WORKERS": "two"}, "SETTING_INVALID", "YINXIN_WORKERS"),
        ("", {"YINXIN_DEMO": "perhaps"}, "SETTING_INVALID", "YINXIN_DEMO"),
    ],
)
def test_what_is_wrong_is_named_and_its_value_is_not(
    tmp_path: Path, text: str, environment: dict[str, str], code: str, named: str | None
) -> None:
    with pytest.raises(TrustError) as refused:
        load_settings(write(tmp_path, text), environment)
    assert (refused.value.code, refused.value.facts.get("name")) == (code, named)


def test_a_file_that_cannot_be_read_is_told_where_and_not_what(tmp_path: Path) -> None:
    with pytest.raises(TrustError) as refused:
        load_settings(write(tmp_path, 'workers = 1\ndatabase_url = canary"'), {})
    assert refused.value.facts == {"file": "settings.toml", "reason": "TOMLDecodeError", "at": "line 2, column 16"}


def test_a_database_beside_the_settings_is_found_from_anywhere(tmp_path: Path) -> None:
    for url in ("sqlite:///data/other.sqlite3", f"sqlite:///{tmp_path}/data/other.sqlite3"):
        assert load_settings(write(tmp_path, f'database_url = "{url}"'), {}).database_url == f"sqlite:///{tmp_path}/data/other.sqlite3"
    assert load_settings(write(tmp_path, 'database_url = "postgresql://h/d"'), {}).database_url == "postgresql://h/d"


def test_the_database_lies_in_its_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "100%41 ?a#b 数据"
    folder.mkdir()
    for line, name in (("", "yinxin.sqlite3"), ('database_url = "sqlite:///a%20b.sqlite3?timeout=9"', "a b.sqlite3")):
        found = make_url(load_settings(write(folder, line), {}).database_url)
        assert (found.database, dict(found.query)) == (str(folder / name), {"timeout": "9"} if line else {})


def test_a_server_on_an_address_of_version_6_has_an_address_of_its_own(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, '[listen]\nhost = "::1"'), {}).base_url == "http://[::1]:8600"


def test_variables_that_set_nothing_are_listed() -> None:
    environment = {
        "YINXIN_DATABSE_URL": "x",
        "YINXIN_DATABASE_URL": "x",
        "YINXIN_MASTER_KEY_FILE": "x",
        "YINXIN_REQUIRE_ALL": "1",
        "PATH": "/",
    }
    assert unknown_variables(environment) == ("YINXIN_DATABSE_URL",)


def test_a_password_in_the_database_url_is_not_shown(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"YINXIN_DATABASE_URL": "postgresql://u:canary-1@h/d"})
    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)
