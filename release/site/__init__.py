"""The operator's one settings file, ``tesseral.toml``: where Tesseral's hosts, certificates, api and files are.

:func:`read` gives it checked, as a :class:`Site`; :func:`check_certificates` looks at the files that it names.
"""

from .certificates import check_certificates
from .model import Api, Certificate, Hosts, Listen, Site, Tls, Web
from .parse import parse, read

NAME = "tesseral.toml"
"""File name of the settings unless a person says otherwise."""

__all__ = [
    "NAME",
    "Api",
    "Certificate",
    "Hosts",
    "Listen",
    "Site",
    "Tls",
    "Web",
    "check_certificates",
    "parse",
    "read",
]
