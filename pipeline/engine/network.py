"""The network of the engine's containers: a bridge of its own name and a free address range."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

from release.errors import EngineError

ROUTES = Path("/proc/net/route")


def bridge_name(network: str) -> str:
    """The name that the engine gives the bridge of ``network``."""
    return f"{network}0"


def free_network(table: str | None = None) -> str:
    """An IPv4 range of 65,536 addresses that no route of this machine overlaps.

    ``table`` is the text of /proc/net/route. Raises :class:`EngineError` when
    none is free.
    """
    used = tuple(_routes(ROUTES.read_text() if table is None else table))
    for second in range(87, 256):
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
