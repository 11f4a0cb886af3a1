"""Secrets at rest: sealed with AES-256-GCM, each to what it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from backend.errors import Unavailable
from backend.settings import PREFIX, Misconfigured

BYTES: Final = 32  # of a key
FILE: Final = "secret.key"  # in the data folder, where no setting names the keys

_VERSION: Final = b"\x01"
_NAME: Final = 4  # bytes that tell which key sealed it
_NONCE: Final = 12


class Unsealable(Exception):
    """Sealed with a key that we have not, for something else, or damaged. Says none of it."""


class Keys:
    """The first key seals; every one of them unseals, so that keys can be changed one by one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != BYTES for key in keys):
            raise ValueError(f"A key has {BYTES} bytes, and there is at least one.")
        self._keys = {_name(key): key for key in reversed(keys)}
        self._first = _name(keys[0])

    @classmethod
    def written(cls, said: str) -> Self:
        """As the setting has them: base64, comma-separated, the one that seals first."""
        try:
            return cls([base64.b64decode(one.strip(), validate=True) for one in said.split(",")])
        except (binascii.Error, ValueError):
            raise Misconfigured(
                f"{PREFIX}SECRET_KEY is not made of keys: each is {BYTES} bytes in base64, "
                "several are separated by commas. Make one with `openssl rand -base64 32`."
            ) from None

    @classmethod
    def kept(cls, file: Path) -> Self:
        """The key in a file that its owner alone may read; made where there is none. Blocking."""
        try:
            mode = file.stat().st_mode & 0o777
        except FileNotFoundError:
            _make(file)
            mode = 0o600
        if mode & 0o077:
            raise Misconfigured(
                f"Others may read {file}, which opens every stored token (its mode is {mode:o}). "
                f"Run `chmod 600 {file}`."
            )
        key = file.read_bytes()
        if len(key) != BYTES:
            raise Misconfigured(
                f"{file} holds {len(key)} bytes, and a key has {BYTES}. Bring it back from a "
                "backup, or remove it and connect again what was connected."
            )
        return cls([key])

    def seal(self, plain: bytes, about: str) -> bytes:
        """``about`` says what it belongs to; only whoever says the same unseals it."""
        # Loaded with the first secret: a start has no need of it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE)
        head = _VERSION + self._first
        sealed = AESGCM(self._keys[self._first]).encrypt(nonce, plain, head + about.encode())
        return head + nonce + sealed

    def unseal(self, blob: bytes, about: str) -> bytes:
        """Raises Unsealable."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head, rest = blob[: 1 + _NAME], blob[1 + _NAME :]
        key = self._keys.get(head[1:])
        if head[:1] != _VERSION or key is None or len(rest) < _NONCE:
            raise Unsealable
        try:
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], head + about.encode())
        except InvalidTag:
            raise Unsealable from None

    def fresh(self, blob: bytes) -> bool:
        """Whether it is sealed with the key that seals now."""
        return blob[1 : 1 + _NAME] == self._first


class NoKeys(Keys):
    """Of a server whose database others use, too, and that was given no key: one of its own would
    lock the others out."""

    def __init__(self) -> None:
        super().__init__([bytes(BYTES)])

    def seal(self, plain: bytes, about: str) -> bytes:
        raise Unavailable(
            "This server cannot keep tokens: it shares its database with others, and no key was "
            "named that all of them have.",
            f"Set {PREFIX}SECRET_KEY to the same for all, as made by `openssl rand -base64 32`.",
        )

    def unseal(self, blob: bytes, about: str) -> bytes:
        raise Unsealable

    def fresh(self, blob: bytes) -> bool:
        return True


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"stratmaster key\0" + key).digest()[:_NAME]


def _make(file: Path) -> None:
    """A new key under that name, whole or not at all, whoever else is making one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(secrets.token_bytes(BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(scratch, file)
        except FileExistsError:
            return  # another process was first: its key is the key
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        scratch.unlink()
