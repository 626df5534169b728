"""Templates and settings become nginx's configuration; kits that are for another program are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from settings_samples import GOOD, settings, site_of

from release import __version__
from release.errors import UsageError, VerificationError
from release.proxy import Kit, installed, render

SITE = site_of(settings(hosts={"vaults": ["*.vaults.example.com", "login.customer.example"]}))
OWN = {"certificate": "/etc/own.pem", "key": "/etc/own.key"}
NEXT = "use the kit of this tesseral-release, or the tesseral-release that the kit is for"


def rendered(**sections: Mapping[str, Any]) -> dict[str, str]:
    return render(installed(), site_of(settings(**sections)))


def changed(**templates: str | None) -> Kit:
    """The installed kit with some templates changed, or without those that are None; ``__`` is a slash."""
    kit = installed()
    named = {f"{name.replace('__', '/').replace('_', '-')}.conf": text for name, text in templates.items()}
    merged = {**kit.templates, **named}
    return replace(kit, templates={path: text for path, text in merged.items() if text is not None})


def servers(text: str, directive: str) -> list[str]:
    return re.findall(rf"^    {directive} (.*);$", text, re.MULTILINE)


def test_the_files_and_how_they_begin() -> None:
    files = render(installed(), SITE)
    assert sorted(files) == [
        *(f"servers/{name}.conf" for name in ("backend-api", "config-api", "console", "redirect", "vaults")),
        *(f"snippets/{name}.conf" for name in ("api", "bundle", "headers", "https")),
        "tesseral.conf",
    ]
    head = f"# Made by tesseral-release {__version__} from 'tesseral.toml', kit {__version__}: "
    for text in files.values():
        assert text.startswith(head)
        assert text.count("# Made by") == 1
        assert text.endswith("\n")
        assert re.findall("@[a-z_]+@", text) == []
    assert render(installed(), SITE) == files


def test_the_name_of_the_settings_cannot_end_the_comment() -> None:
    site = site_of(settings(), Path("/etc/x\nload_module evil.so;\n.toml"))
    for text in render(installed(), site).values():
        assert [line for line in text.splitlines() if "evil" in line and not line.startswith("# ")] == []


def test_includes_name_files_that_are_there() -> None:
    files = render(installed(), SITE)
    named = {name for text in files.values() for name in re.findall(r"^\s*include tesseral/(.*);$", text, re.MULTILINE)}
    assert named == {path for path in files if path.startswith("snippets/")} | {"servers/*.conf"}


def test_a_server_for_each_certificate_of_the_vaults() -> None:
    vaults = {"vaults": ["*.vaults.example.com", "a.example", "b.example"]}
    files = rendered(hosts=vaults, tls={"a.example": OWN, "vault": OWN, "console": {**OWN, "key": "/etc/c.key"}})
    assert servers(files["servers/vaults.conf"], "server_name") == [
        "vault.console.example.com a.example",
        "*.vaults.example.com b.example",
    ]
    assert servers(files["servers/vaults.conf"], "ssl_certificate") == [
        '"/etc/own.pem"',
        '"/etc/tesseral/tls/fullchain.pem"',
    ]
    assert servers(files["servers/console.conf"], "ssl_certificate_key") == ['"/etc/c.key"']
    assert servers(files["servers/backend-api.conf"], "server_name") == ["api.example.com"]
    assert servers(files["servers/redirect.conf"], "server_name") == [
        "api.example.com config.example.com console.example.com vault.console.example.com "
        "*.vaults.example.com a.example b.example"
    ]


def test_ports_and_addresses() -> None:
    usual, other = rendered(), rendered(listen={"https": 8443, "http": 8080, "addresses": ["192.0.2.1", "[::1]"]})
    assert servers(usual["servers/console.conf"], "listen") == ["0.0.0.0:443 ssl http2", "[::]:443 ssl http2"]
    assert servers(other["servers/console.conf"], "listen") == ["192.0.2.1:8443 ssl http2", "[::1]:8443 ssl http2"]
    assert servers(other["servers/redirect.conf"], "listen") == ["192.0.2.1:8080", "[::1]:8080"]
    assert servers(usual["servers/redirect.conf"], "return") == ["301 https://$host$request_uri"]
    assert servers(other["servers/redirect.conf"], "return") == ["301 https://$host:8443$request_uri"]
    assert "proxy_set_header Host $host;" in usual["snippets/api.conf"]
    assert "proxy_set_header X-Forwarded-Host $host:8443;" in other["snippets/api.conf"]


def test_without_plain_http() -> None:
    files = rendered(listen={"http": 0})
    assert "servers/redirect.conf" not in files
    listening = [line for text in files.values() for line in servers(text, "listen")]
    assert {line.split(" ", 1)[1] for line in listening} == {"ssl http2"}


def test_names_that_nginx_has_no_room_for_by_itself() -> None:
    for length, size in ((46, None), (47, 128), (110, 128), (111, 256), (253, 512)):
        name = "a." * ((length - 1) // 2) + ("a" if length % 2 else "aa")
        text = rendered(hosts={"config-api": name})["tesseral.conf"]
        said = re.findall(r"^server_names_hash_bucket_size (\d+);$", text, re.MULTILINE)
        assert said == ([] if size is None else [str(size)])


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"web": {"console": "/srv/%s"}}, "[web] console"),
        ({"web": {"vault-ui": "/srv/%s/x"}}, "[web] vault-ui"),
        ({"tls": {"certificate": "/etc/%s"}}, "[tls] certificate"),
        ({"tls": {"a.example": {**OWN, "key": "/etc/%s"}}, "hosts": {"vaults": ["a.example"]}}, "[tls.a.example] key"),
    ],
)
@pytest.mark.parametrize("character", ["$", '"', "\\"])
def test_paths_that_nginx_would_take_for_something_else(
    sections: Mapping[str, Mapping[str, Any]], place: str, character: str
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return value.replace("%s", f"x{character}y") if isinstance(value, str) else value

    with pytest.raises(UsageError) as caught:
        rendered(**{name: filled(table) for name, table in sections.items()})
    assert f"/etc/tesseral/tesseral.toml: {place}: " in caught.value.problem
    assert f"has {character!a}, which nginx cannot take; rename it" in str(caught.value)


def test_a_folder_that_nobody_can_see() -> None:
    site = site_of(settings(web={"console": "console"}), Path("/etc/a\u202eb/tesseral.toml"))
    with pytest.raises(
        UsageError, match=r"\[web\] console: '/etc/a\\u202eb/console' has a character that is not print"
    ):
        render(installed(), site)


def test_paths_are_quoted() -> None:
    odd = "/srv/a b;{}#'@names@größe"
    files = rendered(web={"console": odd}, tls={"key": odd})
    assert servers(files["servers/console.conf"], "root") == [f'"{odd}"']
    assert servers(files["servers/vaults.conf"], "ssl_certificate_key") == [f'"{odd}"']


@pytest.mark.parametrize(
    ("templates", "sentence"),
    [
        (
            {"tesseral": "@names_hash@ @api@ @future@"},
            "tesseral.conf of the kit has @future@, which has no value there",
        ),
        ({"snippets__https": "@names@"}, "snippets/https.conf of the kit has @names@, which has no value there"),
        ({"servers__redirect": "@key@"}, "servers/redirect.conf of the kit has @key@, which has no value there"),
        ({"servers__future": "server { }"}, "has a server servers/future.conf that is not known here"),
        ({"servers__vaults": None}, "has no servers/vaults.conf"),
        ({"tesseral": None}, "has no tesseral.conf"),
        ({"tesseral": "http"}, "uses no @api@"),
        ({"servers__console": "server { }"}, "uses no @console@"),
    ],
)
def test_a_kit_for_another_program(templates: dict[str, str | None], sentence: str) -> None:
    with pytest.raises(VerificationError) as caught:
        render(changed(**templates), SITE)
    assert sentence in caught.value.problem
    assert caught.value.next_step == NEXT


def test_a_kit_may_have_more_snippets() -> None:
    files = render(changed(snippets__new="# port@port@ of @api@"), SITE)
    assert files["snippets/new.conf"].endswith("\n# port of 127.0.0.1:3001")


def test_headers_are_said_wherever_there_is_an_add_header() -> None:
    # nginx hands them down only to where none is added.
    for path, text in installed().templates.items():
        if re.search(r"^\s*add_header", text, re.MULTILINE) and path != "snippets/headers.conf":
            assert text.index("include tesseral/snippets/headers.conf;") < text.index("add_header ")
    assert GOOD["hosts"]["console"] in rendered()["servers/console.conf"]
