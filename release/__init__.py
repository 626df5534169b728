"""From artifacts to operators: pack, describe, publish and verify a release of Tesseral."""

__version__ = "0.1.0"
