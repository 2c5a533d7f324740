"""The command line explains itself."""

import pytest

from kaiying.config import cli
from kaiying.config.commands import COMMANDS


def test_without_a_command_every_command_is_explained_in_a_sentence(capsys):
    assert cli.main([]) == 0

    shown = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in shown
        assert command.help.endswith(".")


@pytest.mark.parametrize(("typed", "meant"), [("bakup", "backup"), ("restor", "restore"), ("docter", "doctor")])
def test_an_unknown_command_suggests_the_nearest(typed, meant, capsys):
    assert cli.main([typed]) == 2
    assert f"did you mean kaiying {meant}?" in capsys.readouterr().err


def test_a_word_like_nothing_points_to_the_help(capsys):
    assert cli.main(["xyzzy"]) == 2
    assert "kaiying --help" in capsys.readouterr().err


def test_the_version_is_told(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("kaiying ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_own_help(name, capsys):
    if COMMANDS[name].reads == 0:
        pytest.skip("a room's own command explains itself")
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])

    assert end.value.code == 0
    assert COMMANDS[name].help.split(",")[0] in " ".join(capsys.readouterr().out.split())


def test_settings_that_make_no_sense_are_named_without_their_value(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KAIYING_DATA", str(tmp_path))
    monkeypatch.setenv("KAIYING_TRUSTED_PROXIES", "two-and-a-secret")

    assert cli.main(["doctor"]) == 1

    said = capsys.readouterr().err
    assert "KAIYING_TRUSTED_PROXIES" in said
    assert "secret" not in said


def test_a_camp_command_is_run_by_the_camps_own_command(capsys, tmp_path):
    assert cli.main(["camp", "check", "--help"]) == 0
    assert "usage: kaiying camp check" in capsys.readouterr().out
