import tomllib
from importlib.resources import files

from bounces import providers


def test_a_provider_is_known_by_the_domain_or_the_server_that_spoke():
    """The recipient's domain decides; a hosted domain is known by its mail server, and a name that only ends alike is nobody's."""
    assert providers.provider("gmail.com") == "google"
    assert providers.provider("example.com", "gmail-smtp-in.l.google.com") == "google"
    assert providers.provider("example.com", "GMAIL-SMTP-IN.l.google.com.") == "google"
    assert providers.provider("gmail.com", "mx.example.com") == "google"
    assert providers.provider("example.com", "mx.notgoogle.com") is None
    assert providers.provider("example.com", "a." * 10_000 + "example") is None
    assert providers.provider(None) is None
    assert providers.provider("", "") is None


def test_each_domain_of_a_provider_stands_once():
    """The table of providers says one thing of a domain: no name stands with two of them, and all are lower case."""
    tables = tomllib.loads((files("bounces") / "providers.toml").read_text(encoding="utf-8"))
    for column in ("domains", "mx"):
        names = [name for table in tables.values() for name in table.get(column, ())]
        assert names
        assert sorted(set(names)) == sorted(names)
        assert [name for name in names if name != name.lower().strip(".")] == []


def test_a_name_is_what_people_call_a_provider():
    """The key is for columns, the name for sentences; an unknown key has none."""
    assert providers.name("google") == "Google"
    assert providers.name("nobody") is None
    assert providers.name(None) is None
