"""The variables that the api reads: which it needs, which may be shown, and what each has to look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit

from ..site.values import address, host


class Need(Enum):
    """What comes of leaving a variable out."""

    ALWAYS = auto()
    """Nobody can log in."""
    FEATURE = auto()
    """Something else is missing."""
    NEVER = auto()
    """Nothing that everybody wants."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """``without``: what is missing without it. ``fault``: what is wrong with a value, None when nothing is.

    ``maybe_empty``: to the api an empty one is as good as none.
    """

    need: Need = Need.NEVER
    public: bool = True
    without: str = ""
    fault: Callable[[str], str | None] = lambda _: None
    maybe_empty: bool = True


def _project_id(value: str) -> str | None:
    form = "is not project_ and 25 digits or lower-case letters"
    return None if re.fullmatch(r"project_[0-9a-z]{25}", value) else form


def _key_of_32_bytes(value: str) -> str | None:
    if re.fullmatch(r"[0-9A-Fa-f]{64}", value) is None:
        return "is not 32 bytes in hex, which are 64 digits"
    return "is all zeroes, which anyone can guess" if set(value) == {"0"} else None


def _domain(value: str) -> str | None:
    return None if host(value) is None else "is no host name alone"


def _url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    return None if sound else "is no http:// or https:// URL"


def _serve_address(value: str) -> str | None:
    return None if address(f"host{value}" if value.startswith(":") else value) is None else "is not :port or host:port"


def _boolean(value: str) -> str | None:
    return None if value.lower() in ("1", "0", "t", "f", "true", "false") else "is neither true nor false"


_SECRET = Variable(public=False)
_OPTIONAL = Variable()
_ENDPOINT = Variable(fault=_url)


def _feature(without: str) -> Variable:
    return Variable(need=Need.FEATURE, without=without)


KNOWN: Mapping[str, Variable] = {
    "API_DB_DSN": Variable(need=Need.ALWAYS, public=False, without="the database"),
    "API_CONSOLE_DOMAIN": Variable(need=Need.ALWAYS, without="the console's name", fault=_domain),
    "API_AUTH_APPS_ROOT_DOMAIN": Variable(
        need=Need.ALWAYS, without="the domain of other projects' vaults", fault=_domain
    ),
    "API_DOGFOOD_PROJECT_ID": Variable(need=Need.ALWAYS, without="the first project", fault=_project_id),
    "API_SESSION_KMS_KEY_ID": Variable(need=Need.ALWAYS, without="the key of sessions"),
    "API_SERVE_ADDR": Variable(fault=_serve_address),
    "API_SVIX_API_KEY": Variable(need=Need.FEATURE, public=False, without="webhooks"),
    "API_INTERMEDIATE_SESSION_KMS_KEY_ID": _feature("a key of its own for logins that are under way"),
    "API_PAGE_ENCODING_VALUE": Variable(
        need=Need.FEATURE,
        public=False,
        without="page tokens that nobody can forge",
        fault=_key_of_32_bytes,
        maybe_empty=False,
    ),
    "API_AUTHENTICATOR_APP_SECRETS_KMS_KEY_ID": _feature("authenticator apps"),
    "API_GITHUB_OAUTH_CLIENT_SECRETS_KMS_KEY_ID": _feature("log in with GitHub"),
    "API_GOOGLE_OAUTH_CLIENT_SECRETS_KMS_KEY_ID": _feature("log in with Google"),
    "API_MICROSOFT_OAUTH_CLIENT_SECRETS_KMS_KEY_ID": _feature("log in with Microsoft"),
    "API_OIDC_CLIENT_SECRETS_KMS_KEY_ID": _feature("log in with OIDC"),
    "API_S3_USER_CONTENT_BUCKET_NAME": _feature("logos"),
    "API_USER_CONTENT_BASE_URL": Variable(need=Need.FEATURE, without="the address of logos", fault=_url),
    "API_KMS_ENDPOINT_RESOLVER_URL": _ENDPOINT,
    "API_S3_ENDPOINT_RESOLVER_URL": _ENDPOINT,
    "API_SES_ENDPOINT_RESOLVER_URL": _ENDPOINT,
    "API_LOAD_AWS_SECRET_ID": _OPTIONAL,
    "API_TESSERAL_DNS_VAULT_CNAME_VALUE": _OPTIONAL,
    "API_TESSERAL_DNS_CLOUDFLARE_ZONE_ID": _OPTIONAL,
    "API_SES_SPF_MX_RECORD_VALUE": _OPTIONAL,
    "API_CLOUDFLARE_API_TOKEN": _SECRET,
    "API_STRIPE_API_KEY": _SECRET,
    "API_STRIPE_PRICE_ID_GROWTH_TIER": _OPTIONAL,
    "API_SENTRY_DSN": _SECRET,
    "API_SENTRY_ENVIRONMENT": _OPTIONAL,
    "API_OTEL_EXPORT_TRACES": Variable(fault=_boolean, maybe_empty=False),
    "API_OTLP_TRACE_GRPC_INSECURE": Variable(fault=_boolean, maybe_empty=False),
} | {
    f"API_DEFAULT_{provider}_OAUTH_{what}": _SECRET if what == "CLIENT_SECRET" else _OPTIONAL
    for provider in ("GOOGLE", "MICROSOFT", "GITHUB")
    for what in ("CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI")
}
"""Every variable that the api reads itself. Those of AWS are read by its client."""

_PUBLIC_OF_AWS = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"}


def is_public(name: str) -> bool:
    """Tell whether the value of a variable may be shown: known ones that are no secret."""
    return name in _PUBLIC_OF_AWS or (name in KNOWN and KNOWN[name].public)
