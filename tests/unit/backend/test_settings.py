"""The environment is read in one place, and what it may say is written down."""

from pathlib import Path

import pytest

from backend.commands import settings_table
from backend.settings import Misconfigured, Settings, Url, is_loopback

ROOT = Path(__file__).parents[3]


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    """deploy/settings.md is what `stratmaster settings --markdown` writes."""
    assert (ROOT / "deploy/settings.md").read_text() == settings_table.markdown()


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_environment_names_settings_with_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """STRATMASTER_PORT is ours; PORT belongs to somebody else."""
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("STRATMASTER_PORT", "8123")
    assert Settings(_env_file=None).port == 8123


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_the_development_sign_in_refuses_to_be_seen_by_others(host: str) -> None:
    """Everyone it lets in is an admin, so it serves loopback only, and says so."""
    with pytest.raises(Misconfigured, match="loopback only"):
        Settings(_env_file=None, host=host)


@pytest.mark.parametrize(
    ("host", "is_home"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("2130706433", False),
        ("0.0.0.0", False),
    ],
)
def test_loopback_is_told_from_what_looks_like_it(host: str, is_home: bool) -> None:
    assert is_loopback(host) is is_home


def test_embedded_paths_lie_under_the_data_folder_unless_absolute() -> None:
    assert Url("sqlite:///app.db").under(Path("var")) == Path("var/app.db")
    assert Url("sqlite:////srv/app.db").under(Path("var")) == Path("/srv/app.db")


def test_a_url_hides_its_password_when_shown() -> None:
    url = Url("postgresql://me:s3%40cret@db:5432/x?a=1")
    assert (url.password, url.host, url.port, url.query) == ("s3@cret", "db", 5432, {"a": "1"})
    assert "s3" not in str(url)


def test_a_key_is_not_shown_with_the_settings() -> None:
    shown = settings_table.rows(Settings(_env_file=None, model_api_key="hunter2"))
    assert "hunter2" not in str(shown)
