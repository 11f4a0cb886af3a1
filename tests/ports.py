"""Ports that nothing listens on now."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """So many different ones, each free until something takes it."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port() -> int:
    (port,) = free_ports(1)
    return port
