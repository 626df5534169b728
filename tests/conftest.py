"""Fixtures for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import make_source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clean source, tagged v1.0.0."""
    return make_source(tmp_path / "source")
