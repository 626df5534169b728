"""The engine's network lies where no route of the machine does."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from pipeline.engine.network import bridge_name, free_network
from release.errors import EngineError

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "0.0.0.0/0"
FIRST = "net539"
"""The name of a network that is looked for from the first range on."""


def table(*routes: str) -> str:
    """The text of /proc/net/route for ``routes``: addresses in hexadecimal, the last byte first."""

    def word(address: ipaddress.IPv4Address) -> str:
        return f"{struct.unpack('<I', socket.inet_aton(str(address)))[0]:08X}"

    networks = [ipaddress.IPv4Network(route) for route in routes]
    return HEADER + "".join(
        f"eth0\t{word(n.network_address)}\t0100A8C0\t0003\t0\t0\t100\t{word(n.netmask)}\t0\t0\t0\n" for n in networks
    )


def test_a_table_looks_as_the_kernel_writes_it() -> None:
    assert table("10.87.0.0/16").splitlines()[1].startswith("eth0\t0000570A\t0100A8C0\t0003\t0\t0\t100\t0000FFFF\t")


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), "10.87.0.0/16"),
        ((DEFAULT,), "10.87.0.0/16"),
        ((DEFAULT, "192.168.0.0/24", "172.17.0.0/16"), "10.87.0.0/16"),
        (("10.87.0.0/16",), "10.88.0.0/16"),
        (("10.87.200.128/25", "10.88.1.1/32"), "10.89.0.0/16"),
        (("10.80.0.0/12",), "10.96.0.0/16"),
        (("10.86.0.0/16", "10.88.0.0/16"), "10.87.0.0/16"),
        (("87.10.0.0/16",), "10.87.0.0/16"),
        (tuple(f"10.{second}.0.0/16" for second in range(255)), "10.255.0.0/16"),
    ],
)
def test_the_first_range_without_a_route(routes: tuple[str, ...], expected: str) -> None:
    assert free_network(FIRST, table(*routes)) == expected


@pytest.mark.parametrize("routes", [("10.0.0.0/8",), tuple(f"10.{second}.4.0/24" for second in range(87, 256))])
def test_no_free_range_is_said(routes: tuple[str, ...]) -> None:
    with pytest.raises(EngineError) as caught:
        free_network(FIRST, table(DEFAULT, *routes))
    assert str(caught.value) == (
        "no range 10.x.0.0/16 is free of routes on this machine; remove a route below 10.0.0.0/8"
    )


def test_a_vpns_two_halves_of_a_default_route_are_left_out() -> None:
    assert free_network(FIRST, table(DEFAULT, "0.0.0.0/1", "128.0.0.0/1")) == "10.87.0.0/16"


@unhurried
@given(
    st.lists(
        st.builds(
            lambda address, length: str(ipaddress.IPv4Network((0x0A000000 | address, length), strict=False)),
            st.integers(0, (1 << 24) - 1),
            st.integers(10, 32),
        ),
        max_size=20,
    )
)
def test_the_range_overlaps_no_route(routes: list[str]) -> None:
    try:
        found = ipaddress.IPv4Network(free_network(FIRST, table(*routes)))
    except EngineError:
        return
    assert found.num_addresses == 65536
    assert not any(found.overlaps(ipaddress.IPv4Network(route)) for route in routes)


def test_engines_that_start_at_once_differ() -> None:
    found = {free_network(f"tr{number:06x}", table(DEFAULT)) for number in range(50)}
    assert len(found) > 30


def test_the_search_goes_on_from_the_beginning() -> None:
    taken = tuple(f"10.{second}.0.0/16" for second in range(88, 256))
    assert {free_network(f"tr{number}", table(*taken)) for number in range(20)} == {"10.87.0.0/16"}


def test_this_machines_own_routes_are_read() -> None:
    assert ipaddress.IPv4Network(free_network(FIRST)).subnet_of(ipaddress.IPv4Network("10.0.0.0/8"))


def test_the_bridge_is_the_networks() -> None:
    assert bridge_name("dagger") == "dagger0"
