"""Judges the api's variables: their file, whether they are complete, what each says, whether they fit the settings."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..site import Site
from .attempt import Problem, Trouble
from .environment import Variables, parse
from .finding import Check, Finding
from .variables import KNOWN, Need

FILE = Check("environment")
COMPLETE = Check("variables")
NAMES = Check("names")
DOMAINS = Check("domains")
LISTENING = Check("listening")

_LARGEST = 1 << 20
_PREFIX = "API_"


@dataclass(frozen=True, kw_only=True)
class EnvironmentFile:
    """A file of variables as it was read; ``mode`` as in :mod:`stat`."""

    mode: int
    variables: Variables


def read_environment(path: Path) -> EnvironmentFile:
    """Read the file of the api's variables. Raises Trouble when it cannot be read or is no text."""
    try:
        # Not to wait for the other end of a pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise Trouble(f"{path} is no file")
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise Trouble(f"{path} is larger than a file of variables is")
    try:
        return EnvironmentFile(mode=mode, variables=parse(data.decode()))
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not UTF-8, and systemd passes over it") from None


def judge_file(path: Path, file: EnvironmentFile | Problem) -> Finding:
    """Judge how the file is kept and written."""
    if isinstance(file, Problem):
        return FILE.fail(file.text, "name the file that the api's service reads in [api] environment")
    if file.mode & (stat.S_IROTH | stat.S_IWOTH):
        found = f"everybody on this machine can read or write {path}, which holds secrets"
        return FILE.fail(f"{found} (mode {stat.S_IMODE(file.mode):04o})", f"chmod o= {path}")
    if file.variables.faults:
        return FILE.fail(f"{path}: {'; '.join(file.variables.faults)}", "correct it as systemd.exec(5) has it")
    return FILE.ok(f"{path}: {len(file.variables.values)} variables, mode {stat.S_IMODE(file.mode):04o}")


def judge_complete(values: Mapping[str, str]) -> Finding:
    """Judge which variables are missing, and the form of those that are there."""
    wrong = [f"{name} {fault}" for name, fault in _wrong(values)]
    missing = {
        need: [name for name, one in KNOWN.items() if one.need is need and not values.get(name)] for need in Need
    }
    needed, wanted = missing[Need.ALWAYS], missing[Need.FEATURE]
    if wrong or needed:
        said = wrong + ([f"missing: {_listed(needed)}"] if needed else [])
        return COMPLETE.fail("; ".join(said), "set them in the environment file")
    if wanted:
        return COMPLETE.warn(f"missing: {_listed(wanted)}", "set what you want to have")
    return COMPLETE.ok(f"all {sum(one.need is not Need.NEVER for one in KNOWN.values())} that the api needs")


def judge_names(values: Mapping[str, str]) -> Finding:
    """Judge names that look like the api's and are not."""
    unknown = [name for name in values if name.startswith(_PREFIX) and name not in KNOWN]
    if not unknown:
        return NAMES.ok("every API_ variable is one that the api reads")
    said = []
    for name in unknown:
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        said.append(f"{name} (did you mean {near[0]}?)" if near else name)
    return NAMES.warn(f"the api reads no {', '.join(said)}", "correct or remove them")


def judge_domains(site: Site, values: Mapping[str, str]) -> Finding:
    """Judge whether the api calls the hosts what the settings call them."""
    console = values.get("API_CONSOLE_DOMAIN", "")
    if console != site.hosts.console:
        return DOMAINS.fail(
            f"API_CONSOLE_DOMAIN is {console or 'not set'}, [hosts] console is {site.hosts.console}",
            "let both be the name that bootstrap was given as --console-domain",
        )
    root = values.get("API_AUTH_APPS_ROOT_DOMAIN", "")
    if root and f"*.{root}" not in site.hosts.vaults:
        return DOMAINS.warn(
            f"new projects get vaults below {root} (API_AUTH_APPS_ROOT_DOMAIN), which no proxy serves",
            f'add "*.{root}" to [hosts] vaults',
        )
    return DOMAINS.ok(f"the console is {console}, vaults of new projects lie below {root}")


def judge_listening(site: Site, values: Mapping[str, str]) -> Finding:
    """Judge whether the api listens where the proxies ask."""
    serve = values.get("API_SERVE_ADDR", "")
    if not serve:
        return LISTENING.skipped("API_SERVE_ADDR is not set: the image listens on port 3001, the program alone on 80")
    port = serve.rpartition(":")[2]
    if port != str(site.api.port):
        return LISTENING.warn(
            f"the api listens on port {port} (API_SERVE_ADDR), the proxies ask {site.api.address}",
            "let both be one port, unless a container maps one to the other",
        )
    return LISTENING.ok(f"{serve}, and the proxies ask {site.api.address}")


def _wrong(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, one in KNOWN.items():
        if values.get(name) or (name in values and not one.maybe_empty):
            fault = one.fault(values[name])
            if fault is not None:
                yield name, fault


def _listed(names: list[str]) -> str:
    return ", ".join(f"{name} (for {KNOWN[name].without})" if KNOWN[name].without else name for name in names)
