"""What keeps the service from starting, and what is only said."""

import sqlite3
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from kaiying.config import checks, sqlite
from kaiying.config.commands import doctor, findings
from kaiying.config.commands.findings import Level, before_start
from kaiying.config.env import Env

KEY = "k" * 48


def levels(env: Env) -> dict[str, Level]:
    """What was found, by name."""
    return {finding.name: finding.level for finding in before_start(env)}


@pytest.fixture
def env(tmp_path) -> Env:
    return Env(data=tmp_path, secret_key=KEY, database_url="", url="https://camp.example.org", trusted_proxies=1)


def test_a_good_install_has_nothing_to_repair(env):
    assert set(levels(env).values()) == {Level.OK}


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
    ],
)
def test_a_sqlite_that_loses_commits_is_refused(version, safe, env, monkeypatch):
    monkeypatch.setattr(findings.sqlite3, "sqlite_version_info", version)

    assert sqlite.is_safe(version) is safe
    assert levels(env)["Database"] == (Level.OK if safe else Level.ERROR)


def test_the_tests_themselves_run_on_a_safe_sqlite():
    assert sqlite.is_safe(sqlite3.sqlite_version_info)


@pytest.mark.parametrize(
    ("change", "name", "level"),
    [
        ({"secret_key": "short"}, "Secret key", Level.ERROR),
        ({"url": "camp.example.org"}, "Address", Level.ERROR),
        ({"url": "http://camp.example.org"}, "Address", Level.WARNING),
        ({"url": "http://127.0.0.1:8000"}, "Address", Level.NOTE),
        ({"trusted_proxies": 0}, "Address", Level.WARNING),
        ({"demo": True}, "Demo mode", Level.WARNING),
        ({"debug": True}, "Debug mode", Level.ERROR),
        ({"clock": "+2d"}, "Shifted clock", Level.WARNING),
        ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "Database", Level.ERROR),
    ],
)
def test_what_matters_is_found(change, name, level, env):
    assert levels(env.model_copy(update=change))[name] == level


def test_a_key_that_others_can_read_is_refused(env):
    kept = env.model_copy(update={"secret_key": ""})
    path = kept.data / "secret.key"
    path.write_text(KEY)
    path.chmod(0o644)
    assert levels(kept)["Secret key"] == Level.ERROR

    path.chmod(0o600)
    assert levels(kept)["Secret key"] == Level.OK


def test_a_folder_that_is_a_file_is_refused(env, tmp_path):
    (tmp_path / "file").write_text("")

    assert levels(env.model_copy(update={"data": tmp_path / "file"}))["Data folder"] == Level.ERROR


def test_a_file_system_over_the_network_is_refused(env, monkeypatch):
    mounts = f"disk / ext4 rw 0 0\nserver:/x {env.data} nfs4 rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda _path, **_options: mounts)

    assert levels(env)["File system"] == Level.ERROR


def test_the_table_says_what_to_do_and_the_status_says_whether_to_start(capsys):
    bad = findings.Finding("Clock", Level.ERROR, "1970", "Set the clock.")

    assert doctor.show([bad]) == 1
    assert "Set the clock." in capsys.readouterr().out
    assert doctor.show([findings.Finding("Clock", Level.OK, "2026")]) == 0


def test_mail_that_cannot_be_reached_is_an_error(env):
    unreachable = env.model_copy(update={"mail_url": "smtp://127.0.0.1:1"})

    assert doctor._mail(unreachable, connect=True).level == Level.ERROR
    assert doctor._mail(unreachable, connect=False).level == Level.NOTE
    assert doctor._mail(env, connect=True).level == Level.WARNING


@pytest.mark.django_db
def test_the_database_we_test_on_keeps_what_it_acknowledges():
    found = {finding.name: finding.level for finding in doctor._database()}

    assert Level.ERROR not in found.values()
    if connection.vendor == "sqlite":
        assert found["Durability"] == Level.OK


@pytest.mark.skipif(connection.vendor != "sqlite", reason="these rules are SQLite's")
@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, None),
        ({"transaction_mode": "DEFERRED"}, "kaiying.E002"),
        ({"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}, "kaiying.E003"),
        ({"init_command": "PRAGMA synchronous=FULL"}, "kaiying.E003"),
        ({"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=1"}, "kaiying.E004"),
    ],
)
def test_a_setting_that_loses_commits_fails_the_system_check(options, fault, monkeypatch):
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "OPTIONS", database["OPTIONS"] | options)

    assert [message.id for message in checks.keeps_what_it_acknowledged()] == ([fault] if fault else [])
