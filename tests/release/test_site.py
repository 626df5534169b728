"""The operator's settings: what they say, and how bad ones are refused."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from release_samples import ROOT
from settings_samples import GOOD, settings, site_of, toml

from release.errors import UsageError
from release.site import Api, Certificate, Hosts, Listen, Site, Tls, Web, check_certificates, parse, read

EXAMPLE = b"""
[hosts]
backend-api = "api.example.com"
config-api = "config.example.com"
console = "console.example.com"
vault = "vault.console.example.com"
vaults = ["*.vaults.example.com", "login.customer.example"]

[tls]
certificate = "/etc/tesseral/tls/fullchain.pem"
key = "/etc/tesseral/tls/key.pem"
[tls.console]
certificate = "/etc/tesseral/tls/console.pem"
key = "/etc/tesseral/tls/console.key"
[tls."*.vaults.example.com"]
certificate = "/etc/tesseral/tls/vaults.pem"
key = "/etc/tesseral/tls/vaults.key"

[api]
address = "[::1]:3001"
environment = "api.env"

[web]
vault-ui = "/srv/tesseral/vault-ui"
console = "web/console"

[listen]
https = 8443
http = 0
addresses = ["127.0.0.1", "[::1]"]

[release]
pin = "tesseral-release.pin.json"
"""
SITE = Site(
    path=Path("/etc/tesseral/tesseral.toml"),
    hosts=Hosts(
        backend_api="api.example.com",
        config_api="config.example.com",
        console="console.example.com",
        vault="vault.console.example.com",
        vaults=("*.vaults.example.com", "login.customer.example"),
    ),
    tls=Tls(
        default=Certificate(certificate=Path("/etc/tesseral/tls/fullchain.pem"), key=Path("/etc/tesseral/tls/key.pem")),
        hosts={
            "console": Certificate(
                certificate=Path("/etc/tesseral/tls/console.pem"), key=Path("/etc/tesseral/tls/console.key")
            ),
            "*.vaults.example.com": Certificate(
                certificate=Path("/etc/tesseral/tls/vaults.pem"), key=Path("/etc/tesseral/tls/vaults.key")
            ),
        },
    ),
    api=Api(address="[::1]:3001", environment=Path("/etc/tesseral/api.env")),
    web=Web(vault_ui=Path("/srv/tesseral/vault-ui"), console=Path("/etc/tesseral/web/console")),
    listen=Listen(https=8443, http=0, addresses=("127.0.0.1", "[::1]")),
    pin=Path("/etc/tesseral/tesseral-release.pin.json"),
)


def faults_of(document: Mapping[str, Any]) -> list[str]:
    """The sentences that a person sees, without the name of the file."""
    with pytest.raises(UsageError) as caught:
        site_of(document)
    lines = caught.value.detail.splitlines() or [caught.value.problem]
    assert not caught.value.detail or f"has {len(lines)} faults" in caught.value.problem
    assert all(line.startswith("/etc/tesseral/tesseral.toml: ") and line.isprintable() for line in lines)
    return [line.removeprefix("/etc/tesseral/tesseral.toml: ") for line in lines]


def test_everything_a_file_can_say() -> None:
    assert parse(EXAMPLE, SITE.path) == SITE
    assert (SITE.api.host, SITE.api.port) == ("::1", 3001)


def test_the_example_for_operators_is_one() -> None:
    text = (ROOT / "docs/operators.md").read_text()
    (example,) = re.findall(r"^    \[hosts\]\n(?:(?:    .*)?\n)+?(?=\S)", text, re.MULTILINE)
    site = parse(textwrap.dedent(example).encode(), SITE.path)
    assert site.hosts == SITE.hosts
    assert site.listen == Listen()
    assert (site.pin, site.api.environment) == (SITE.pin, SITE.api.environment)
    assert [key for key in site.hosts.by_key if key in site.tls.hosts] == ["login.customer.example"]


def test_what_may_be_left_out() -> None:
    site = site_of(GOOD)
    assert site.listen == Listen(https=443, http=80, addresses=("0.0.0.0", "[::]"))
    assert site.hosts.vaults == ()
    assert (site.pin, site.api.environment) == (None, None)


def test_each_host_has_its_certificate() -> None:
    assert list(SITE.hosts.by_key) == [
        *("backend-api", "config-api", "console", "vault"),
        *("*.vaults.example.com", "login.customer.example"),
    ]
    by_key = {key: SITE.certificate(key).certificate.name for key in SITE.hosts.by_key}
    assert by_key == {
        "backend-api": "fullchain.pem",
        "config-api": "fullchain.pem",
        "console": "console.pem",
        "vault": "fullchain.pem",
        "*.vaults.example.com": "vaults.pem",
        "login.customer.example": "fullchain.pem",
    }
    own = dict.fromkeys(("backend-api", "config-api", "console", "vault"), GOOD["tls"])
    assert site_of({**GOOD, "tls": own}).tls.default is None


def test_relative_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/tesseral.toml").write_bytes(toml(settings(web={"console": "web/console"})))
    monkeypatch.chdir(tmp_path)
    assert read(Path("etc/tesseral.toml")).web.console == tmp_path / "etc/web/console"


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"host": {}}, "'host' is not known: did you mean hosts?"),
        ({"hosts": {"Console": "a.b"}}, "[hosts] 'Console' is not known: did you mean console?"),
        ({"hosts": {"VAULTS": []}}, "[hosts] 'VAULTS' is not known: did you mean vaults?"),
        ({"hosts": {"valuts": []}}, "[hosts] 'valuts' is not known: did you mean vaults?"),
        ({"web": {"x": 1}}, "[web] 'x' is not known: known are vault-ui, console"),
        ({"tls": {"consol": {}}}, "[tls] 'consol' is not known: did you mean console?"),
        ({"tls": {"*.vaults.example.com": GOOD["tls"]}}, "[tls] '*.vaults.example.com' is not known: known are "),
        ({"tls": {"console": {"key": "/k"}}}, "[tls.console] certificate is missing"),
        ({"tls": {"console": "/k"}}, "[tls.console] is '/k', which is no section"),
        ({"tls": {"key": None}}, "[tls] key is missing"),
        ({"tls": {"key": "tls/key.pem"}}, "[tls] key: 'tls/key.pem' is not absolute: let it start with /"),
        (
            {"tls": {"key": None, "certificate": None, "vault": GOOD["tls"]}},
            "[tls] has no certificate for backend-api, config-api, console: name one for all, or one for each",
        ),
        ({"api": None}, "[api] is missing"),
        ({"api": {"address": None}}, "[api] address is missing"),
        ({"api": {"address": "http://localhost:3001"}}, "[api] address: 'http://localhost:3001' names neither a host"),
        ({"api": {"address": "localhost"}}, "[api] address: 'localhost' is not host:port"),
        ({"api": {"address": ":3001"}}, "[api] address: ':3001' is not host:port"),
        ({"api": {"address": "localhost:0"}}, "[api] address: 'localhost:0' is not host:port"),
        ({"api": {"address": "localhost:65536"}}, "[api] address: 'localhost:65536' is not host:port"),
        ({"api": {"address": "[1.2.3.4]:80"}}, "[api] address: '[1.2.3.4]:80' names neither a host"),
        ({"api": {"address": "::1:80"}}, "[api] address: '::1:80' names neither a host"),
        ({"api": {"address": "256.1.1.1:80"}}, "[api] address: '256.1.1.1:80' names neither a host"),
        ({"api": {"address": "a;b:80"}}, "[api] address: 'a;b:80' names neither a host"),
        ({"web": {"console": ""}}, "[web] console: '' is no path: write one line of text"),
        ({"web": {"console": "a\nb"}}, r"[web] console: 'a\nb' is no path: write one line of text"),
        ({"web": {"console": 1}}, '[web] console: 1 is no text: give a path in "quotes"'),
        ({"listen": {"https": 0}}, "[listen] https: 0 is no port from 1 to 65535"),
        ({"listen": {"https": True}}, "[listen] https: True is no port from 1 to 65535"),
        ({"listen": {"http": 65536}}, "[listen] http: 65536 is neither a port from 1 to 65535 nor 0, for none"),
        ({"listen": {"http": 443}}, "[listen] http: 443 is the port of https too: give another, or 0 for none"),
        ({"listen": {"https": 80}}, "[listen] http: 80 is the port of https too: give another, or 0 for none"),
        ({"listen": {"addresses": []}}, "[listen] addresses: [] is no list of addresses"),
        ({"listen": {"addresses": "0.0.0.0"}}, "[listen] addresses: '0.0.0.0' is no list of addresses"),
        ({"listen": {"addresses": ["0.0.0.0", "::"]}}, "[listen] addresses: '::' is no IP address (IPv6 in brackets)"),
        ({"listen": {"addresses": ["localhost"]}}, "[listen] addresses: 'localhost' is no IP address"),
        ({"listen": {"addresses": ["[::1]", "[::1]"]}}, "[listen] addresses: '[::1]' is no IP address (IPv6 in"),
        ({"listen": {"addresses": [1]}}, "[listen] addresses: 1 is no IP address"),
        ({"hosts": {"console": None}}, "[hosts] console is missing"),
        ({"hosts": {"backend-api": 7}}, '[hosts] backend-api: 7 is no text: give a host name in "quotes"'),
        (
            {"hosts": {"backend-api": "API.example.com"}},
            "[hosts] backend-api: 'API.example.com' has capital letters: write it in lower case",
        ),
        ({"hosts": {"backend-api": "bücher.example"}}, r"[hosts] backend-api: 'b\xfccher.example' has letters that"),
        ({"hosts": {"backend-api": "api"}}, "[hosts] backend-api: 'api' has no dot: give the whole name"),
        ({"hosts": {"backend-api": "api.example.com."}}, "[hosts] backend-api: 'api.example.com.' is no host name"),
        ({"hosts": {"backend-api": "-a.example.com"}}, "[hosts] backend-api: '-a.example.com' is no host name"),
        ({"hosts": {"backend-api": "*.example.com"}}, "[hosts] backend-api: '*.example.com' is no host name"),
        ({"hosts": {"backend-api": "192.0.2.1"}}, "[hosts] backend-api: '192.0.2.1' is no host name"),
        ({"hosts": {"backend-api": f"{'a' * 64}.example"}}, "[hosts] backend-api: 'aaa"),
        ({"hosts": {"backend-api": "a." * 126 + "ab"}}, "[hosts] backend-api: 'a.a."),
        ({"hosts": {"vaults": "a.example"}}, "[hosts] vaults: 'a.example' is no list: write it as"),
        ({"hosts": {"vaults": ["a.example", "a.*.example"]}}, "[hosts] vaults: 'a.*.example' is no host name"),
        ({"hosts": {"vaults": ["*.*.example.com"]}}, "[hosts] vaults: '*.example.com' is no host name"),
        ({"hosts": {"vaults": ["*.com"]}}, "[hosts] vaults: 'com' has no dot"),
        ({"hosts": {"vaults": ["*"]}}, "[hosts] vaults: '*' is no host name"),
        ({"hosts": {"vaults": [1]}}, '[hosts] vaults: 1 is no text: give a host name in "quotes"'),
        (
            {"hosts": {"vaults": ["b.example", "api.example.com", "api.example.com"]}},
            "[hosts] backend-api, vaults: 'api.example.com' is there 3 times: give each a name of its own",
        ),
        (
            {"hosts": {"config-api": "api.example.com"}},
            "[hosts] backend-api, config-api: 'api.example.com' is there 2 times: give each a name of its own",
        ),
        (
            {"hosts": {"vault": "vaultconsole.example.com"}},
            "[hosts] vault: 'vaultconsole.example.com' is not below the console's domain, "
            "as vault.console.example.com would be",
        ),
    ],
)
def test_what_is_refused(sections: Mapping[str, Any], fault: str) -> None:
    assert [found.startswith(fault) for found in faults_of(settings(**sections))] == [True]


def test_all_faults_are_told_at_once() -> None:
    document = settings(hosts={"console": "Console", "vault": None}, api=None, listen={"http": -1}, realease={})
    assert faults_of(document) == [
        "'realease' is not known: did you mean release?",
        "[hosts] console: 'Console' has capital letters: write it in lower case",
        "[hosts] vault is missing",
        "[api] is missing",
        "[listen] http: -1 is neither a port from 1 to 65535 nor 0, for none",
    ]


def test_sections_that_are_none() -> None:
    document = {"hosts": 1, "tls": [], "api": "x", "web": 0.5, "listen": True, "release": []}
    assert sorted(faults_of(document)) == sorted(
        f"[{name}] is {value!r}, which is no section" for name, value in document.items()
    )


def test_an_empty_file_and_what_is_no_toml() -> None:
    assert len(faults_of({})) == 4
    for data in (b"[hosts", b"\xff", b"a = " + b"[" * 100_000, b"[hosts]\n[hosts]\n"):
        with pytest.raises(UsageError, match=r"^tesseral\.toml is no TOML: .*; correct it$"):
            parse(data, Path("tesseral.toml"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory; name the settings with --config"):
        read(tmp_path / "tesseral.toml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(UsageError, match="is larger than settings are"):
        read(Path("/dev/zero"))


def test_certificates_have_to_be_there(tmp_path: Path) -> None:
    chain, key, other = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "other"
    tls = {"certificate": str(chain), "key": str(key)}
    site = site_of(settings(tls={**tls, "console": {**tls, "key": str(other)}}))
    chain.touch()
    with pytest.raises(UsageError) as caught:
        check_certificates(site)
    assert caught.value.detail.splitlines() == [
        f"{site.path}: [tls] key: {key} cannot be read: No such file or directory",
        f"{site.path}: [tls.console] key: {other} cannot be read: No such file or directory",
    ]
    key.touch()
    other.mkdir()
    with pytest.raises(UsageError, match=r"\[tls\.console\] key: .*/other cannot be read: Is a directory; put it"):
        check_certificates(site)
    other.rmdir()
    other.touch()
    check_certificates(site)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(
    SCALAR.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PLACES = [(section, key) for section, table in GOOD.items() for key in table]
OPTIONAL = [
    ("hosts", "vaults"),
    ("api", "environment"),
    ("listen", "https"),
    ("listen", "http"),
    ("listen", "addresses"),
    ("release", "pin"),
]


@given(document=st.dictionaries(st.sampled_from([*GOOD, "listen", "release"]) | TEXT, VALUE, max_size=6))
def test_no_document_breaks_the_reader(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        site_of(document)


@given(place=st.sampled_from([*PLACES, *OPTIONAL, ("tls", "console")]), value=VALUE)
def test_a_bad_value_is_told_with_its_place(place: tuple[str, str], value: Any) -> None:
    section, key = place
    document = settings(**{section: {key: value}})
    try:
        site_of(document)
    except UsageError:
        pass
    else:
        # What is taken has the form that it should have.
        assume(False)
    assert any(f"[{section}" in fault and key in fault for fault in faults_of(document))


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=1, max_size=2).map(lambda labels: ".".join([*labels, "example"]))


@given(names=st.lists(DOMAIN, min_size=4, max_size=7, unique=True), wild=st.booleans())
def test_any_good_names_are_taken(names: list[str], wild: bool) -> None:
    console, backend, config, *vaults = names
    assume(f"vault.{console}" not in names)
    vaults = [f"*.{name}" if wild else name for name in vaults]
    hosts = {"backend-api": backend, "config-api": config, "console": console, "vault": f"vault.{console}"}
    found = site_of(settings(hosts={**hosts, "vaults": vaults})).hosts
    assert found.by_key == {**hosts, **{name: name for name in vaults}}


@given(left_out=st.sets(st.sampled_from(PLACES), min_size=1))
def test_each_key_that_is_missing_is_told(left_out: set[tuple[str, str]]) -> None:
    document = settings()
    for section, key in left_out:
        del document[section][key]
    expected = {f"[{section}] {key} is missing" for section, key in left_out}
    if {("tls", "certificate"), ("tls", "key")} <= left_out:  # then it's the hosts that have none
        expected -= {"[tls] certificate is missing", "[tls] key is missing"}
        assert any(fault.startswith("[tls] has no certificate for backend-api") for fault in faults_of(document))
    assert expected <= set(faults_of(document))


@given(word=TEXT, section=st.sampled_from(["", *GOOD]))
def test_no_unknown_word_is_passed_over(word: str, section: str) -> None:
    document = settings()
    table = document[section] if section else document
    assume(word not in table and (section, word) not in OPTIONAL and word not in ("listen", "release"))
    assume((section, word) not in [("tls", key) for key in GOOD["hosts"]])
    table[word] = "x.example"
    assert any(f"{word!a} is not known" in fault or "…" in fault for fault in faults_of(document))
