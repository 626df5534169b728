"""The proxies' pod without Kubernetes: nginx as its manifest has it, in namespaces of its own.

The root is this machine's and read-only, volumes are where the manifest says, the user is the manifest's and has no
capability; of the network there is the loopback alone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment_tools import Manifest
from systemd_machine import wait_until

# $1: work folder, with what is to be mounted in mounts/, and lists of paths: for that, and for what is empty; $2: user;
# $3: a sysctl.
_START = """set -e
mount --make-rprivate /
ip link set lo up
sysctl -q -w "$3"
mkdir "$1/overlay"
mount -t tmpfs tmpfs "$1/overlay"
mkdir "$1/overlay/upper" "$1/overlay/work" "$1/overlay/root"
root="$1/overlay/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/overlay/upper",workdir="$1/overlay/work" "$root"
printf '127.0.0.1 localhost tesseral-api\\n' > "$root/etc/hosts"
while read -r path; do
    mkdir -p "$root$path"
    mount --bind "$1/mounts$path" "$root$path"
    mount -o remount,bind,ro "$root$path"
done < "$1/paths"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while read -r path; do
    mount -t tmpfs -o mode=1777 tmpfs "$root$path"
done < "$1/empty"
mount -o remount,ro "$root"
user="$2"
shift 3
exec chroot "$root" setpriv --reuid="$user" --regid="$user" --clear-groups --bounding-set=-all --inh-caps=-all \
    --no-new-privs "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A running one; ``process`` is nginx, ``log`` what it says, ``authority`` the certificate that signed its own."""

    process: int
    log: Path
    authority: Path

    def ask(self, url: str, *more: str) -> tuple[int, str]:
        """Ask from inside of its network; return status and body."""
        host = url.split("/")[2]
        port = 443 if url.startswith("https") else 80
        inside = ["nsenter", f"--target={self.process}", "--net"]
        command: list[str | Path] = ["curl", "-q", "--silent", "--noproxy", "*", "--cacert", self.authority, *more]
        form = ["--resolve", f"{host}:{port}:127.0.0.1", "--write-out", "\n%{http_code}"]
        done = subprocess.run([*inside, *command, *form, url], capture_output=True, text=True, check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body


@contextmanager
def running(folder: Path, objects: Iterable[Manifest], secrets: Path, images: Mapping[str, Path]) -> Iterator[Pod]:
    """Run the pod of the Deployment ``tesseral-proxy``; ``folder`` is for it and new.

    ``secrets`` is a folder of secrets in which each is a folder of files, ``images`` are files by the image's name.
    """
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    spec = by_name["Deployment", "tesseral-proxy"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    paths: dict[str, list[str]] = {"paths": [], "empty": []}
    for mount in container["volumeMounts"]:
        files = _files(volumes[mount["name"]], by_name, secrets, images)
        assert mount.get("readOnly", False) == (files is not None)
        paths["empty" if files is None else "paths"].append(mount["mountPath"])
        if files is not None:
            _write(folder / "mounts" / mount["mountPath"].lstrip("/"), files)
    for name, those in paths.items():
        (folder / name).write_text("".join(f"{path}\n" for path in those))
    (sysctl,) = spec["securityContext"]["sysctls"]
    user = str(spec["securityContext"]["runAsUser"])
    words: list[Any] = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork"]
    words += [
        "--kill-child",
        "sh",
        "-c",
        _START,
        "sh",
        folder,
        user,
        f"{sysctl['name']}={sysctl['value']}",
        *container["command"],
    ]
    log = folder / "log"
    with log.open("wb") as output:
        # As runtimes of containers do, so that it can be opened again.
        os.fchown(output.fileno(), int(user), int(user))
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "nginx" in _name(process), log.read_text)
        pod = Pod(process=_child(process) or 0, log=log, authority=secrets / "ca.pem")
        wait_until(lambda: pod.ask("http://console.example.com/")[0] == 301, log.read_text)
        yield pod
    finally:
        process.kill()
        process.wait()


def _files(
    volume: Mapping[str, Any], by_name: Mapping[tuple[str, str], Manifest], secrets: Path, images: Mapping[str, Path]
) -> Mapping[str, bytes] | None:
    """What is in a volume, by path; None for an empty one."""
    if "configMap" in volume:
        data = by_name["ConfigMap", volume["configMap"]["name"]]["data"]
        return {item["path"]: data[item["key"]].encode() for item in volume["configMap"]["items"]}
    if "projected" in volume:
        sources = [source["secret"] for source in volume["projected"]["sources"]]
        return {
            item["path"]: (secrets / one["name"] / item["key"]).read_bytes() for one in sources for item in one["items"]
        }
    if "image" in volume:
        folder = images[volume["image"]["reference"].rpartition("/")[2].partition("@")[0]]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "emptyDir" in volume
    return None


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def _child(process: subprocess.Popen[bytes]) -> int | None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else None


def _name(process: subprocess.Popen[bytes]) -> str:
    try:
        return Path(f"/proc/{_child(process)}/comm").read_text()
    except OSError:
        return ""
