"""The address of a PostgreSQL, as operators write it."""

from kaiying.config.postgres import GONE_AFTER, Servers

ALWAYS = {"connect_timeout": 5, **GONE_AFTER}


def test_one_server():
    assert Servers.read("postgresql://kaiying:p%40ss@db.lan:5433/camp?sslmode=require") == Servers(
        "camp", "kaiying", "p@ss", "db.lan", "5433", {**ALWAYS, "sslmode": "require"}
    )


def test_what_is_left_out_is_left_to_the_driver():
    assert Servers.read("postgresql:///camp") == Servers("camp", "", "", "", "", ALWAYS)


def test_of_several_servers_the_one_that_takes_writes_is_looked_for():
    found = Servers.read("postgresql://kaiying@one.lan,two.lan:5433,[fd00::3]:5434/camp")

    assert (found.hosts, found.ports) == ("one.lan,two.lan,fd00::3", "5432,5433,5434")
    assert found.options == {**ALWAYS, "target_session_attrs": "read-write"}
