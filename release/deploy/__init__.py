"""A reference deployment of one pinned release, as files: services for systemd, or manifests for Kubernetes.

What is written depends on nothing but the pin's release, the operator's settings and this program. No secret is in it.
"""

from .console import console_image
from .kubernetes import Cluster, render_kubernetes
from .names import check_image, check_namespace, registry_prefix
from .pinned import Pinned
from .systemd import render_systemd
from .variables import Variables, read_variables

__all__ = [
    "Cluster",
    "Pinned",
    "Variables",
    "check_image",
    "check_namespace",
    "console_image",
    "read_variables",
    "registry_prefix",
    "render_kubernetes",
    "render_systemd",
]
