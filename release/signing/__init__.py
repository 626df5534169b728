"""Who made a release: keys, signatures over files, documents and images, and whose signatures count."""

from .config import trusted_keys
from .keys import PublicKey
from .opening import open_signer
from .signer import Signer
from .sshsig import CHANNEL, RELEASE, sign
from .trust import TrustedKey, TrustedKeys

__all__ = [
    "CHANNEL",
    "RELEASE",
    "PublicKey",
    "Signer",
    "TrustedKey",
    "TrustedKeys",
    "open_signer",
    "sign",
    "trusted_keys",
]
