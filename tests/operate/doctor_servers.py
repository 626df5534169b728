"""The servers of a healthy installation, and proxies that a test breaks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import doctor_database
import psycopg
from aws_server import AwsServer, start_aws
from doctor_api import Api, start_api
from doctor_certificates import Authority
from doctor_release import make_release, serve_bundles
from doctor_site import DSN_PASSWORD, PAGES, PROJECT, SVIX, Installation
from postgres_server import PostgresServer
from programs import free_host, serving
from proxied import need_nginx, nginx_folder, port_of
from settings_samples import GOOD, settings

from release.site import Site, read

VAULT, CONSOLE = GOOD["hosts"]["vault"], GOOD["hosts"]["console"]
WILDCARD = "*.vaults.example.com"
NAMES = (*GOOD["hosts"].values(), WILDCARD)
BUCKET = "user-content"


@contextmanager
def start_proxies(site: Site, folder: Path, edits: Mapping[str, tuple[str, str]] | None = None) -> Iterator[None]:
    """Run nginx with the proxies' configuration; ``edits``: file → what stands there, and what shall."""
    need_nginx()
    ready = free_host()
    nginx_folder(site, folder, ready)
    for name, (old, new) in (edits or {}).items():
        path = folder / "tesseral" / name
        text = path.read_text()
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new))
    with serving(["nginx", "-p", folder, "-c", folder / "nginx.conf"], ready, folder / "output"):
        yield


@dataclass(frozen=True, kw_only=True)
class Healthy:
    """The installation, and its servers to ask or change directly; ``dsn`` is that of its database's owner."""

    site: Installation
    aws: AwsServer
    api: Api
    authority: Authority
    dsn: str


@contextmanager
def start_installation(folder: Path, postgres: PostgresServer) -> Iterator[Healthy]:
    """Run everything of a healthy installation."""
    with ExitStack() as stack:
        aws = stack.enter_context(start_aws(folder / "aws"))
        api = stack.enter_context(start_api(VAULT))
        key = aws.encryption_key()
        dsn = new_database(postgres)
        doctor_database.migrate(dsn)
        doctor_database.bootstrap(dsn, PROJECT, CONSOLE, VAULT, key)
        aws.bucket(BUCKET)
        aws.verify(CONSOLE)
        aws.verify("mail.vaults.example.com")
        serve_bundles(folder / "web", VAULT, PROJECT)
        authority = Authority(folder / "authority.pem")
        https, http = (port_of(free_host()) for _ in range(2))
        site = Installation(
            folder=folder / "site",
            settings=settings(
                hosts={"vaults": [WILDCARD]},
                tls=authority.certify(folder / "server.pem", NAMES),
                api={"address": api.host, "environment": "api.env"},
                web={"vault-ui": str(folder / "web/vault-ui"), "console": str(folder / "web/console")},
                listen={"https": https, "http": http, "addresses": ["127.0.0.1"]},
            ),
            variables=variables(dsn, api, aws, key),
            authority=authority.path,
            release=make_release(folder / "release"),
            arguments=[f"--resolve=*:{port}:127.0.0.1" for port in (https, http)],
        )
        site.write()
        stack.enter_context(start_proxies(read(site.config), folder / "nginx"))
        yield Healthy(site=site, aws=aws, api=api, authority=authority, dsn=dsn)


def new_database(postgres: PostgresServer) -> str:
    """Make a user with a password, and an empty database of his; returns its DSN."""
    name = f"api{uuid.uuid4().hex[:12]}"
    password = unquote(DSN_PASSWORD).encode()
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create role {name} login password '".encode() + password + b"'")
        connection.execute(f"create database {name} owner {name}".encode())
    return postgres.url(name, name, DSN_PASSWORD)


def variables(dsn: str, api: Api, aws: AwsServer, key: str) -> dict[str, str]:
    """What the api's environment file says."""
    return {
        # The first is for the api's own driver, and libpq refuses it.
        "API_DB_DSN": f"{dsn}&pool_max_conns=4&application_name=the%20api",
        "API_SERVE_ADDR": f":{port_of(api.host)}",
        "API_CONSOLE_DOMAIN": CONSOLE,
        "API_AUTH_APPS_ROOT_DOMAIN": WILDCARD.removeprefix("*."),
        "API_DOGFOOD_PROJECT_ID": PROJECT,
        "API_SESSION_KMS_KEY_ID": key,
        "API_INTERMEDIATE_SESSION_KMS_KEY_ID": key,
        "API_SVIX_API_KEY": SVIX,
        "API_PAGE_ENCODING_VALUE": PAGES,
        **{
            f"API_{what}_SECRETS_KMS_KEY_ID": aws.encryption_key()
            for what in ("AUTHENTICATOR_APP", "GITHUB_OAUTH_CLIENT", "GOOGLE_OAUTH_CLIENT")
        },
        **{f"API_{what}_SECRETS_KMS_KEY_ID": key for what in ("MICROSOFT_OAUTH_CLIENT", "OIDC_CLIENT")},
        "API_S3_USER_CONTENT_BUCKET_NAME": BUCKET,
        "API_USER_CONTENT_BASE_URL": "https://content.example.com",
        "PATH_OF_SOMETHING_ELSE": "what-else-is-in-the-file",
        **aws.environment(),
    }
