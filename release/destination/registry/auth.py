"""Answering a registry that asks who we are: Basic, or Bearer with a token of its token server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from ...errors import DestinationError
from . import credentials
from .credentials import Credentials
from .failures import refusal, told
from .reference import Reference, is_loopback

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)(?:\s+|$)")
_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CLIENT = "tesseral-release"
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One way to answer a 401 (RFC 9110, 11.6.1); ``scheme`` is in lower case."""

    scheme: str
    parameters: dict[str, str]


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read the ``WWW-Authenticate`` headers of an answer."""
    found: list[Challenge] = []
    for header in headers:
        position = 0
        while scheme := _SCHEME.match(header, position):
            position = scheme.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(header, position):
                position = parameter.end()
                name, quoted, token = parameter.groups()
                parameters[name.lower()] = token or re.sub(r"\\(.)", r"\1", quoted)
            found.append(Challenge(scheme=scheme[1].lower(), parameters=parameters))
            position += len(header[position:]) - len(header[position:].lstrip(" ,"))
    return found


class Authorizer:
    """The ``Authorization`` headers of one registry, by repository and action. Usable from several threads.

    Credentials are looked up when the registry asks, and go to the registry itself or to the token
    server that it names; over plain HTTP only when both are on this machine.
    """

    def __init__(self, reference: Reference, http: httpx.Client) -> None:
        self._reference = reference
        self._http = http
        self._lock = threading.Lock()
        self._headers: dict[tuple[str, str], str] = {}
        self._credentials: tuple[Credentials | None] | None = None

    def header(self, repository: str, method: str) -> str | None:
        """Return what was accepted before."""
        return self._headers.get((repository, _action(method)))

    def answer(self, repository: str, method: str, asked: list[Challenge], rejected: str | None) -> str | None:
        """Return another header after a 401, None when there is none to try.

        Raises DestinationError when the token server refuses, TransientError when it is busy.
        """
        key = (repository, _action(method))
        # One at a time: the others find what the first one got.
        with self._lock:
            known = self._headers.get(key)
            if known is None or known == rejected:
                known = self._new(repository, key[1], asked)
                if known is not None:
                    self._headers[key] = known
        return None if known == rejected else known

    def _new(self, repository: str, action: str, asked: list[Challenge]) -> str | None:
        if self._credentials is None:
            self._credentials = (credentials.find(self._reference),)
        (ours,) = self._credentials
        for challenge in asked:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                scope = challenge.parameters.get("scope") or f"repository:{repository}:{action}"
                return f"Bearer {self._token(challenge.parameters, scope, ours)}"
        if ours is not None and not ours.identity_token and any(one.scheme == "basic" for one in asked):
            return ours.basic
        return None

    def _token(self, parameters: dict[str, str], scope: str, ours: Credentials | None) -> str:
        """Ask the token server (distribution's "Token Authentication" and "OAuth2" documents)."""
        realm = self._realm(parameters["realm"])
        query = {"scope": scope} | ({"service": parameters["service"]} if "service" in parameters else {})
        place = f"the token server {realm.host} of {self._reference.registry}"
        with told(place):
            if ours is not None and ours.identity_token:
                form = query | {
                    "grant_type": "refresh_token",
                    "refresh_token": ours.identity_token,
                    "client_id": _CLIENT,
                }
                response = self._http.post(realm, data=form)
            else:
                headers = {} if ours is None else {"Authorization": ours.basic}
                account = {} if ours is None else {"account": ours.user}
                response = self._http.get(realm.copy_merge_params(query | account), headers=headers)
        if response.status_code != 200:
            raise refusal(place, self._reference.registry, response.status_code, response.headers, response.content)
        try:
            document: Any = json.loads(response.content)
            token = document.get("token") or document["access_token"]
        except (AttributeError, KeyError, TypeError, ValueError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise DestinationError(f"{place} did not answer with a token", "ask who runs the registry")
        return token

    def _realm(self, text: str) -> httpx.URL:
        """Raises DestinationError for a place that nobody's password should be sent to."""
        try:
            realm = httpx.URL(text)
        except httpx.InvalidURL:
            realm = httpx.URL("")
        here = is_loopback(httpx.URL(self._reference.url).host)
        if realm.scheme == "https" or (realm.scheme == "http" and here and is_loopback(realm.host)):
            return realm
        raise DestinationError(
            f"{self._reference.registry} names a token server without encryption ({text[:200]!r})",
            "ask who runs the registry",
        )


def _action(method: str) -> str:
    return _ACTIONS.get(method, "pull,push")
