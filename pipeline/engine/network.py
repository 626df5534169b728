"""The network of the engine's containers: a bridge of its own name and a free address range."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable
from pathlib import Path

from release.errors import EngineError

ROUTES = Path("/proc/net/route")
SECOND_BYTES = range(87, 256)


def bridge_name(network: str) -> str:
    """The name that the engine gives the bridge of ``network``."""
    return f"{network}0"


def free_network(name: str, table: str | None = None) -> str:
    """An IPv4 range of 65,536 addresses for the network ``name`` that no route of this machine overlaps.

    ``table`` is the text of /proc/net/route. Raises :class:`EngineError` when
    none is free.
    """
    used = tuple(_routes(ROUTES.read_text() if table is None else table))
    # A network has no route before its first container runs, so of two engines that start at once
    # neither sees the other's: each begins to look at a place of its own.
    start = zlib.crc32(name.encode()) % len(SECOND_BYTES)
    for second in (*SECOND_BYTES[start:], *SECOND_BYTES[:start]):
        network = ipaddress.IPv4Network(f"10.{second}.0.0/16")
        if not any(network.overlaps(route) for route in used):
            return str(network)
    raise EngineError("no range 10.x.0.0/16 is free of routes on this machine", "remove a route below 10.0.0.0/8")


def _routes(table: str) -> Iterable[ipaddress.IPv4Network]:
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        if mask.bit_count() >= 8:  # a default route, also in halves as VPNs set it, overlaps everything
            yield ipaddress.IPv4Network((address, mask.bit_count()))
