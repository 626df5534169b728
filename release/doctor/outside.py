"""Checks of what the public sees: hosts, proxies, pages, bundles."""

from __future__ import annotations

from functools import partial

from . import bundles, certificates, hosts, pages, proxies
from .attempt import Problem
from .context import Context, Lane
from .finding import Check, Finding
from .pinned import CONSOLE
from .resolve import ask_dns

_SERVE = "see that the proxy runs, and that it has a certificate for this name"
_PLACE = "put both files there, or run doctor where the proxies run"


def lanes(context: Context) -> list[Lane]:
    """Return the checks, in the order in which they are shown."""
    found: list[Lane] = [partial(_host, context, key, name) for key, name in context.site.hosts.by_key.items()]
    if context.before:
        return found
    site = context.site
    return [
        *found,
        partial(_api, context),
        *(partial(_route, context, route) for route in proxies.routes(site)),
        *(partial(_pages, context, Check(check, host), host) for check, host in pages.page_hosts(site)),
        *(partial(_bundle, context, piece, host) for piece, host in bundles.bundle_hosts(site)),
    ]


def _host(context: Context, key: str, host: str) -> list[Finding]:
    site, web, name = context.site, context.web, hosts.asked_name(host)
    override = web.resolver.override(name, site.listen.https)
    addresses = context.attempt(partial(ask_dns, name)) if override is None else ()
    dns = hosts.judge_dns(host, addresses, override)
    if context.before:
        files = context.attempt(partial(certificates.read_certificate, web.trust, name, site.certificate(key)))
        return [dns, certificates.judge_certificate(host, name, files, certificates.today(), _PLACE)]
    if isinstance(addresses, Problem):
        rest = (Check("certificate", host), Check("redirect", host))
        return [dns, *(check.skipped("the name is not in DNS; --resolve asks without it") for check in rest)]
    served = context.attempt(partial(certificates.ask_certificate, web, name, site.listen.https))
    return [
        dns,
        certificates.judge_certificate(host, name, served, certificates.today(), _SERVE),
        _redirect(context, host, name),
    ]


def _redirect(context: Context, host: str, name: str) -> Finding:
    port = context.site.listen.http
    if port == 0:
        return Check("redirect", host).skipped("[listen] http is 0")
    answer = context.attempt(partial(context.web.get, name, f"/{hosts.MADE_UP}", port=port, tls=False))
    return hosts.judge_redirect(host, name, context.site, answer)


def _api(context: Context) -> list[Finding]:
    site, web = context.site, context.web
    direct = context.attempt(partial(proxies.ask_api, web, site, proxies.HEALTH))
    proxied = context.attempt(partial(web.get, site.hosts.vault, proxies.HEALTH, port=site.listen.https))
    return [proxies.judge_api(site, direct, proxied)]


def _route(context: Context, route: proxies.Route) -> list[Finding]:
    asked = context.attempt(partial(proxies.ask_route, context.web, context.site, route))
    if isinstance(asked, Problem):
        asked = proxies.Asked(route=route, proxied=asked, direct=asked)
    return [proxies.judge_route(asked)]


def _pages(context: Context, check: Check, host: str) -> list[Finding]:
    asked = context.attempt(partial(pages.ask_pages, context.web, context.site, host))
    return [_not_served(check, asked) if isinstance(asked, Problem) else pages.judge_pages(check, asked)]


def _bundle(context: Context, piece: str, host: str) -> list[Finding]:
    site, project = context.site, context.value("API_DOGFOOD_PROJECT_ID")
    is_console = piece == CONSOLE
    if context.release is None and not is_console:
        return [bundles.judge_bundle(piece, host, None, None, {})]
    served = context.attempt(partial(bundles.ask_bundle, context.web, site, piece, host))
    if isinstance(served, Problem):
        checks = [bundles.bundle_check(piece, host), *([bundles.CONFIGURED] if is_console else [])]
        return [_not_served(check, served) for check in checks]
    found = [bundles.judge_bundle(piece, host, served, context.release, bundles.expected_values(site, project))]
    return [*found, bundles.judge_configured(site, served, project)] if is_console else found


def _not_served(check: Check, problem: Problem) -> Finding:
    return check.fail(problem.text, "see that the proxy runs, and its log")
