"""Package URLs, held against the reference implementation."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL
from release_samples import unhurried

from release.sbom.purl import purl

words = st.text(string.ascii_lowercase + string.digits + "@%+~!$&'()*,;=:?#[]{}|<>\\^`\"._-é漢😀", min_size=1)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (purl("npm", "react", "19.3.1"), "pkg:npm/react@19.3.1"),
        (purl("npm", "@radix-ui/react-slot", "1.2.3"), "pkg:npm/%40radix-ui/react-slot@1.2.3"),
        (purl("golang", "github.com/BurntSushi/toml", "v1.5.0"), "pkg:golang/github.com/BurntSushi/toml@v1.5.0"),
        (purl("golang", "github.com/x/y", "v2.0.0+incompatible"), "pkg:golang/github.com/x/y@v2.0.0%2Bincompatible"),
        (purl("golang", "example.com/m"), "pkg:golang/example.com/m"),
        (
            purl("generic", "api", "1.4.0", file_name="a b.zip", checksum="sha256:00"),
            "pkg:generic/api@1.4.0?checksum=sha256:00&file_name=a%20b.zip",
        ),
        (purl("oci", "api", "sha256:00", tag="1.4.0"), "pkg:oci/api@sha256:00?tag=1.4.0"),
    ],
)
def test_form(made: str, expected: str) -> None:
    assert made == expected
    assert PackageURL.from_string(made).to_string() == expected


@unhurried
@given(words, words, words, words)
def test_any_text_as_the_reference_writes_it(namespace: str, name: str, version: str, value: str) -> None:
    expected = PackageURL("golang", namespace, name, version, {"key": value})
    made = purl("golang", f"{namespace}/{name}", version, key=value)
    assert made == expected.to_string()
    assert PackageURL.from_string(made) == expected
