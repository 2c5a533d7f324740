"""Settings are read from the environment."""

import pytest

from kaiying.config.env import Env


def test_host_names_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("KAIYING_HOSTS", "a.example.org, b.example.org,")

    assert Env().hosts == ["a.example.org", "b.example.org"]


def test_a_secret_key_is_made_once_and_kept_from_others(tmp_path, monkeypatch):
    monkeypatch.delenv("KAIYING_SECRET_KEY", raising=False)
    first = Env(data=tmp_path).signing_key

    assert first == Env(data=tmp_path).signing_key
    assert len(first) >= 48
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["KAIYING_TRUSTED_PROXIES", "KAIYING_DEMO"])
def test_an_empty_setting_is_one_that_was_not_made(name, monkeypatch):
    monkeypatch.setenv(name, "")

    assert not getattr(Env(), name.removeprefix("KAIYING_").lower())
