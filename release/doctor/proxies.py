"""The proxies before the api: each has to hand on what the api itself would answer, and let nobody keep it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..site import Site
from .attempt import Problem, Trouble
from .finding import Check, Finding
from .hosts import asked_name
from .web import Answer, Web

HEALTH = "/api/internal/health"
API = Check("api")

# The vault's proxy tells the api by this header whose vault is asked for.
_WHOSE = "X-Tesseral-Host"
_STATUSES_OF_PROXIES = (502, 503, 504)
_KEPT_SECONDS = re.compile(r"(?:max-age|s-maxage)=\"?0*([1-9][0-9]*)")
_NOT_KEPT = re.compile(r"\b(?:no-store|no-cache|private)\b")


@dataclass(frozen=True, kw_only=True)
class Route:
    """``path`` of ``host`` is ``api_path`` of the api. Both answer without a login, the same each time."""

    check: Check
    host: str
    path: str
    api_path: str
    whose: str | None = None

    @property
    def api_headers(self) -> Mapping[str, str]:
        """What the proxy says to the api beside the request."""
        return {} if self.whose is None else {_WHOSE: self.whose}


def routes(site: Site) -> list[Route]:
    """Return what is asked of each proxy. Nothing that is asked needs a login or changes anything."""
    hosts = site.hosts
    found = [
        Route(check=Check(key, host), host=host, path=path, api_path=prefix + path)
        for key, host, prefix, path in (
            # Tesseral's api answers these with an error of its own, and others not at all.
            ("backend-api", hosts.backend_api, "/api/backend", "/v1/project"),
            ("config-api", hosts.config_api, "/api/config-api", "/v1/config/tesseral-doctor"),
        )
    ]
    for vault in (hosts.vault, *hosts.vaults):
        name = asked_name(vault)
        found += [
            Route(check=Check("vault api", vault + path), host=name, path=path, api_path=path, whose=name)
            for path in (HEALTH, "/api/frontend/v1/me", "/.well-known/jwks.json")
        ]
    return found


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A route through its proxy, and what the api says where it is asked directly."""

    route: Route
    proxied: Answer | Problem
    direct: Answer | Problem


def ask_route(web: Web, site: Site, route: Route) -> Asked:
    """Ask both. A proxy that gives no answer is a Problem of its own."""
    proxied = _answer(web, route.host, route.path, port=site.listen.https)
    direct = ask_api(web, site, route.api_path, route.api_headers)
    return Asked(route=route, proxied=proxied, direct=direct)


def ask_api(web: Web, site: Site, path: str, headers: Mapping[str, str] | None = None) -> Answer | Problem:
    """Ask the api itself, where the proxies reach it."""
    return _answer(web, site.api.host, path, port=site.api.port, tls=False, headers=headers)


def judge_api(site: Site, direct: Answer | Problem, proxied: Answer | Problem) -> Finding:
    """Judge the health of the api, which may be out of reach for all but the proxies."""
    if isinstance(direct, Problem):
        if _is_healthy(proxied):
            return API.warn(
                f"it answers through its proxy only: {direct}",
                "run doctor where the proxies run, to compare what they hand on with what the api says",
            )
        return API.fail(direct.text, "see the log of the api's service, and [api] address")
    if not _is_healthy(direct):
        return API.fail(
            f"{site.api.address}{HEALTH} says {direct.status} {shown(direct.body)}", "see the log of the api's service"
        )
    return API.ok(f"{site.api.address} is healthy")


def judge_route(asked: Asked) -> Finding:
    """Judge whether a proxy hands on what the api says."""
    route, proxied, direct = asked.route, asked.proxied, asked.direct
    where = f"https://{route.host}{route.path}"
    fail = route.check.fail
    if isinstance(proxied, Problem):
        return fail(proxied.text, "see that the proxy runs, and its log")
    if isinstance(direct, Answer) and _same(proxied, direct):
        return _judge_caching(route, where, proxied, direct)
    if proxied.status in _STATUSES_OF_PROXIES:
        return fail(f"{where} says {proxied.status}", "see that the api runs where the proxy asks for it")
    if isinstance(direct, Problem):
        if proxied.kind == "text/html":
            return fail(f"{where} is a page, not the api", f"hand {route.path} on to the api")
        return route.check.skipped(f"{where} says {proxied.status}; to compare it, the api has to be within reach")
    return _judge_difference(route, where, proxied, direct)


def _judge_difference(route: Route, where: str, proxied: Answer, direct: Answer) -> Finding:
    if proxied.kind == "text/html":
        return route.check.fail(f"{where} is a page, not the api", f"hand {route.path} on to the api")
    prefix = route.api_path.removesuffix(route.path)
    if prefix:
        advice = f"let the proxy put {prefix} before every path, once, and hand on the rest unchanged"
    elif direct.status != proxied.status == 404:
        advice = f"let the proxy set {_WHOSE} to the name of the vault"
    else:
        advice = "let the proxy hand it on unchanged"
    said = f"{where} says {proxied.status} {shown(proxied.body)}, the api itself {direct.status} {shown(direct.body)}"
    return route.check.fail(said, advice)


def _judge_caching(route: Route, where: str, proxied: Answer, direct: Answer) -> Finding:
    said = proxied.headers.get("cache-control", "")
    if "age" in proxied.headers or (said != direct.headers.get("cache-control") and is_kept(said)):
        how = f"Cache-Control: {said}" if said else "an Age"
        return route.check.fail(
            f"{where} may be kept by others ({how})", "let the proxy keep nothing, and say no-store"
        )
    if not said:
        return route.check.warn(f"{where} says nothing of caching", "let the proxy say Cache-Control: no-store")
    same = route.path == route.api_path
    handed_on = f"{route.path} is handed on" if same else f"{route.path} is {route.api_path} of the api"
    return route.check.ok(f"{handed_on}, {said}")


def is_kept(cache_control: str) -> bool:
    """Tell whether browsers or proxies use an answer with this header again without asking."""
    low = cache_control.lower()
    return _NOT_KEPT.search(low) is None and ("public" in low or _KEPT_SECONDS.search(low) is not None)


def shown(body: bytes) -> str:
    """Return the start of an answer for a line of text."""
    text = " ".join(body[:200].decode(errors="replace").split())
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def _same(one: Answer, other: Answer) -> bool:
    return (one.status, one.kind, one.body) == (other.status, other.kind, other.body)


def _is_healthy(answer: Answer | Problem) -> bool:
    return isinstance(answer, Answer) and answer.status == 200 and answer.body.strip() == b"ok"


def _answer(
    web: Web, host: str, path: str, *, port: int, tls: bool = True, headers: Mapping[str, str] | None = None
) -> Answer | Problem:
    try:
        return web.get(host, path, port=port, tls=tls, headers=headers)
    except Trouble as trouble:
        return Problem(str(trouble))
