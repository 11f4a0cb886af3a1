"""Secrets at rest open to the right key, for the right thing, and to nothing else."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connections.secrets import Keys, NoKeys, Unsealable
from backend.errors import Unavailable
from backend.settings import Misconfigured

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
ABOUT = "con_1 jira"


def written(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


@given(st.binary(max_size=2_000), st.text(max_size=60))
def test_what_was_sealed_comes_back(plain: bytes, about: str) -> None:
    """Any bytes for anything; twice the same never looks the same, nor shows what is in it."""
    keys = Keys([OLD])
    blob, again = keys.seal(plain, about), keys.seal(plain, about)
    assert keys.unseal(blob, about) == plain
    assert blob != again
    assert len(plain) < 4 or plain not in blob


def test_a_secret_moved_to_another_row_stays_shut() -> None:
    """Who may write in the database cannot have one connection speak with another's token."""
    keys = Keys([OLD])
    blob = keys.seal(b"token", ABOUT)
    for about in ("con_2 jira", "con_1 trello", "", ABOUT + " "):
        with pytest.raises(Unsealable):
            keys.unseal(blob, about)


def test_a_changed_bit_anywhere_shuts_it() -> None:
    keys = Keys([OLD])
    blob = keys.seal(b"token", ABOUT)
    for at in range(len(blob)):
        changed = bytearray(blob)
        changed[at] ^= 1
        with pytest.raises(Unsealable):
            keys.unseal(bytes(changed), ABOUT)
    for cut in range(len(blob)):
        with pytest.raises(Unsealable):
            keys.unseal(blob[:cut], ABOUT)


def test_keys_are_changed_one_by_one() -> None:
    """The first seals, the ones behind it open what they sealed, one that is gone does not."""
    before = Keys.written(written(OLD)).seal(b"token", ABOUT)
    both = Keys.written(written(NEW, OLD))
    assert both.unseal(before, ABOUT) == b"token"
    assert not both.fresh(before)
    after = both.seal(b"token", ABOUT)
    assert both.fresh(after)
    assert Keys.written(f" {written(NEW)} ").unseal(after, ABOUT) == b"token"
    with pytest.raises(Unsealable):
        Keys.written(written(NEW)).unseal(before, ABOUT)


@pytest.mark.parametrize("said", ["", ",", "hello", written(OLD[:31]), written(OLD) + ",x"])
def test_a_key_that_is_none_is_refused_without_being_shown(said: str) -> None:
    with pytest.raises(Misconfigured, match="SECRET_KEY") as refused:
        Keys.written(said)
    assert not said.strip(",") or said not in str(refused.value)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """However many processes start at once, they end up with one key and leave nothing else."""
    file = tmp_path / "var" / "secret.key"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: Keys.kept(file), range(8)))
    blob = made[0].seal(b"token", ABOUT)
    assert {keys.unseal(blob, ABOUT) for keys in made} == {b"token"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret.key"
    Keys.kept(file)
    file.chmod(mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Keys.kept(file)


def test_a_key_file_that_was_cut_off_is_not_silently_replaced(tmp_path: Path) -> None:
    """A new one would lock all that is sealed for good."""
    file = tmp_path / "secret.key"
    Keys.kept(file)
    file.write_bytes(file.read_bytes()[:16])
    with pytest.raises(Misconfigured, match="16 bytes"):
        Keys.kept(file)
    assert len(file.read_bytes()) == 16


def test_who_shares_a_database_is_given_a_key_or_keeps_nothing() -> None:
    """A key of its own would lock the other processes out; what is missing is said."""
    with pytest.raises(Unavailable, match="shares its database") as refused:
        NoKeys().seal(b"token", ABOUT)
    assert "STRATMASTER_SECRET_KEY" in refused.value.remedy
    for key in (OLD, bytes(32)):
        with pytest.raises(Unsealable):
            NoKeys().unseal(Keys([key]).seal(b"token", ABOUT), ABOUT)
