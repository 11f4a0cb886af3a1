"""The wire: what Yjs writes is read, what it would not write is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab import wire
from collab.errors import Malformed
from collab.model import Access
from tests.yjs.peers import ask_node


async def test_reads_and_writes_what_yjs_writes() -> None:
    """Each message made by the y-protocols' own code is read, and written to the same bytes."""
    for vector in await ask_node("vectors.mjs"):
        frame = bytes.fromhex(vector["hex"])
        payload = bytes.fromhex(vector.get("payload", ""))
        match vector["what"]:
            case "step_1":
                assert wire.decode(frame) == wire.StateVector(payload)
                assert wire.step_1(payload) == frame
            case "step_2":
                assert wire.decode(frame) == wire.Change(payload)
                assert wire.step_2(payload) == frame
            case "update":
                assert wire.decode(frame) == wire.Change(payload)
                assert wire.update(payload) == frame
            case "presences":
                entry = wire.Presence(vector["client"], vector["clock"], vector["state"].encode())
                assert wire.decode(frame) == wire.Presences((entry,))
                assert wire.presences([entry]) == frame
                entry.check()
            case "query_presences":
                assert wire.decode(frame) == wire.QueryPresences()
                assert wire.query_presences() == frame
            case "hello":
                assert wire.decode(frame) == wire.Hello(1, "épo")
                assert wire.hello("épo") == frame
            case "integer":
                assert wire.integer(vector["number"]) == frame
                assert wire.Reader(frame).integer() == vector["number"]


@pytest.mark.parametrize(
    ("what", "frame"),
    [
        ("nothing at all", ""),
        ("an unknown type", "05"),
        ("a type only the server sends", "6500"),
        ("authentication, which is not used", "0200"),
        ("an unknown sync step", "000300"),
        ("an update without a length", "0002"),
        ("a length of 1 GB and no bytes", "00028080808004"),
        ("one byte too few", "00020300"),
        ("bytes after the message", "0002020000ff"),
        ("an overlong length", "0002828000" + "0000"),
        ("an integer of 54 bits", "0002" + "80" * 7 + "20"),
        ("an integer without end", "ff" * 20),
        ("a state vector cut short", "00000105"),
        ("a state vector with more after it", "0000020000"),
        ("an awareness update of more clients than bytes", "010105"),
        ("an awareness update of a million clients", "0103c0843d"),
        ("a hello of another version", "640200"),
        ("a hello that is not UTF-8", "640102ffff"),
        ("an epoch of 65 characters", "640141" + "61" * 65),
    ],
)
def test_refuses(what: str, frame: str) -> None:
    """A frame that is not exactly one message of a client is Malformed."""
    with pytest.raises(Malformed):
        wire.decode(bytes.fromhex(frame))


@pytest.mark.parametrize("state", [b"{", b"NaN", b"\xff", b"[" * 100_000, b""])
def test_refuses_a_presence_no_browser_reads(state: bytes) -> None:
    """A state that JSON.parse would fail on is not passed to other browsers."""
    with pytest.raises(Malformed):
        wire.Presence(1, 1, state).check()


def test_a_presence_at_its_limit() -> None:
    """A state of exactly the limit is read, one byte more is not."""
    at = wire.presences([wire.Presence(1, 1, b'"' + b"a" * 98 + b'"')])
    past = wire.presences([wire.Presence(1, 1, b'"' + b"a" * 99 + b'"')])
    assert isinstance(wire.decode(at, max_awareness=100), wire.Presences)
    with pytest.raises(Malformed):
        wire.decode(past, max_awareness=100)


def test_the_largest_integer() -> None:
    """2^53-1 goes through, and one more does not: JavaScript could not hold it."""
    assert wire.Reader(wire.integer(2**53 - 1)).integer() == 2**53 - 1
    with pytest.raises(Malformed):
        wire.Reader(wire.integer(2**53)).integer()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(frame: bytes) -> None:
    """No input makes the decoder fail in another way."""
    try:
        wire.decode(frame)
    except Malformed:
        return


@given(st.integers(0, 2**53 - 1))
def test_integers_come_back(number: int) -> None:
    """What is written is read."""
    assert wire.Reader(wire.integer(number)).integer() == number


def test_the_server_says_who_may_write() -> None:
    """The welcome carries the version, the epoch and the access, in this order."""
    reader = wire.Reader(wire.welcome("e1", Access.READ))
    assert (reader.integer(), reader.integer(), reader.text(), reader.text()) == (
        wire.HELLO,
        1,
        "e1",
        "read",
    )
