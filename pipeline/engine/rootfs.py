"""Makes the root filesystem that the built engine runs in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..debian import make_root
from ..progress import Progress
from .recipe import Recipe

PLACES = {
    "engine": "usr/local/bin/dagger-engine",
    "init": "usr/local/bin/dagger-init",
    "dnsname": "usr/lib/cni/dnsname",
}
LINKS = {
    "usr/local/bin/runc": "/usr/sbin/runc",
    "opt/cni/bin": "/usr/lib/cni",
    "usr/bin/xtables-nft-multi": "/usr/sbin/xtables-nft-multi",
    "usr/bin/xtables-legacy-multi": "/usr/sbin/xtables-legacy-multi",
}
# The engine runs dnsmasq on the wildcard address, where it would meet any other resolver of the machine,
# such as that of a second engine; bound to its own bridge it meets none. And it answers itself when asked
# for the names of private addresses: npm asks (through Node's report of its sockets) and waits for minutes
# where nobody else answers.
DNSMASQ = "usr/local/sbin/dnsmasq"
DNSMASQ_SCRIPT = '#!/bin/sh\nexec /usr/sbin/dnsmasq --bind-dynamic --bogus-priv "$@"\n'

# By itself the engine keeps a fifth of the disk free, and where less than that is free it keeps nothing it has
# built. Bytes: it may keep 10 GB whatever else fills the disk, up to 30 GB while 2 GB stay free.
CONFIG = "etc/dagger/engine.json"
CONFIG_TEXT = json.dumps(
    {
        "logLevel": "info",
        "gc": {"reservedSpace": 10 * 1000**3, "maxUsedSpace": 30 * 1000**3, "minFreeSpace": 2 * 1000**3},
    }
)


async def make_engine_root(recipe: Recipe, programs: Path, root: Path, progress: Progress) -> None:
    """Lay out ``root`` as the constants of ``module/distconsts`` say.

    The machine's certificates and resolv.conf come in at every start (see
    launch.sh). Raises :class:`release.errors.ToolchainError`.
    """
    with progress.step(f"make the engine's root from Debian {recipe.suite}") as step:
        await make_root(root, recipe.packages, suite=recipe.suite, say=step.say, announce=progress.say)
        for program, place in PLACES.items():
            shutil.copy(programs / program, root / place)
        (root / "usr/local/share/dagger/content").mkdir(parents=True)
        (root / DNSMASQ).write_text(DNSMASQ_SCRIPT)
        (root / DNSMASQ).chmod(0o755)
        (root / CONFIG).parent.mkdir()
        (root / CONFIG).write_text(CONFIG_TEXT)
        for place, target in LINKS.items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).unlink(missing_ok=True)
            (root / place).symlink_to(target)
