"""Vaults and console as browsers get them: the page for every address, and how long they keep it."""

from __future__ import annotations

from dataclasses import dataclass

from ..site import Site
from .finding import Check, Finding
from .hosts import MADE_UP, asked_name
from .proxies import is_kept
from .web import Answer, Web

DEEP_LINK = f"/{MADE_UP}/a/deep/link"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The start page, and what comes for an address that is no file."""

    root: Answer
    deep: Answer


def page_hosts(site: Site) -> list[tuple[str, str]]:
    """Return what each host that serves pages is called in a check, and its name."""
    vaults = [("vault pages", name) for name in (site.hosts.vault, *site.hosts.vaults)]
    return [*vaults, ("console pages", site.hosts.console)]


def ask_pages(web: Web, site: Site, host: str) -> Pages:
    """Ask a host for its page twice. Raises Trouble."""
    name, port = asked_name(host), site.listen.https
    return Pages(root=web.get(name, "/", port=port), deep=web.get(name, DEEP_LINK, port=port))


def judge_pages(check: Check, pages: Pages) -> Finding:
    """Judge whether every address is the page, and browsers ask for it anew."""
    root, deep = pages.root, pages.deep
    if root.status != 200 or root.kind != "text/html":
        return check.fail(f"/ says {root.status} {root.kind}".rstrip(), "let the proxy serve the bundle's folder")
    if deep.status != 200 or deep.body != root.body:
        what = "is another page than /" if deep.status == 200 else f"says {deep.status}"
        return check.fail(f"{DEEP_LINK} {what}", "let every 404 serve index.html, with the status 200")
    said = root.headers.get("cache-control", "")
    if is_kept(said):
        return check.warn(
            f"browsers keep index.html ({said}), and see an upgrade late", "let the proxy say Cache-Control: no-cache"
        )
    if not said:
        return check.warn("nothing says how long index.html is kept", "let the proxy say Cache-Control: no-cache")
    return check.ok(f"every address is index.html, {said}")
