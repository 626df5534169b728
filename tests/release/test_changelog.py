from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from release.changelog import cut, notes, released
from release.errors import VersionError
from release.version import Version, parse

TODAY = date(2026, 1, 1)
LOG = """# Changelog

## [Unreleased]

### Added

- A thing

## [1.3.0] - 2025-12-01

### Fixed

- Another

```markdown
## [1.2.9] - 2025-11-30
~~~
````
still fenced? no, closed above

~~~text
## [9.9.9]
~~~

## 1.2.0 - 2025-11-01 [YANKED]

- Old, see [the docs]

[the docs]: https://docs.example/

- older

[Unreleased]: https://git.example/t/compare/v1.3.0...HEAD
[1.3.0]: https://git.example/t/compare/v1.2.0...v1.3.0
"""


def test_notes_are_the_body_of_the_section() -> None:
    body = notes(LOG, Version(1, 3, 0))
    assert body is not None
    assert body.startswith("### Fixed")
    assert body.endswith("## [9.9.9]\n~~~")


def test_headings_may_lack_brackets_and_be_yanked() -> None:
    body = notes(LOG, Version(1, 2, 0))
    assert body == "- Old, see [the docs]\n\n[the docs]: https://docs.example/\n\n- older"


def test_a_fenced_heading_is_none() -> None:
    assert released(LOG) == [Version(1, 3, 0), Version(1, 2, 0)]
    assert notes(LOG, parse("9.9.9")) is None


def test_a_section_without_text_has_no_notes() -> None:
    assert notes("## [1.0.0] - 2026-01-01\n\n[1.0.0]: https://git.example/t\n", Version(1)) is None


def test_line_ends_of_windows_are_read() -> None:
    assert notes("## [1.0.0] - 2026-01-01\r\n\r\n- A\r\n", Version(1)) == "- A"


def test_cut() -> None:
    text, version = cut(LOG, ["minor"], TODAY)
    assert version == Version(1, 4, 0)
    assert "## [Unreleased]\n\n## [1.4.0] - 2026-01-01\n\n### Added\n\n- A thing\n\n## [1.3.0]" in text
    assert text.endswith(
        "[Unreleased]: https://git.example/t/compare/v1.4.0...HEAD\n"
        "[1.4.0]: https://git.example/t/compare/v1.3.0...v1.4.0\n"
        "[1.3.0]: https://git.example/t/compare/v1.2.0...v1.3.0\n"
    )


def test_tags_without_a_v_are_kept_so() -> None:
    text = "## [Unreleased]\n\n- A\n\n[unreleased]: https://git.example/compare/1.3.0...HEAD\n"
    assert cut(text, "minor", TODAY)[0].endswith(
        "[unreleased]: https://git.example/compare/0.1.0...HEAD\n[0.1.0]: https://git.example/compare/1.3.0...0.1.0\n"
    )


def test_a_fence_is_closed_by_one_as_long() -> None:
    fenced = "````\n```\n## [9.9.9]\n```\n## [8.8.8]\n````"
    assert notes(f"## [1.0.0]\n{fenced}\n## [0.9.0]\n", Version(1)) == fenced


def test_code_in_a_line_opens_no_fence() -> None:
    assert notes("## [1.0.0]\n```a```\n## [0.9.0]\n", Version(1)) == "```a```"


def test_cut_counts_from_the_newest_version_not_the_first() -> None:
    text = "## Unreleased\n\n- A\n\n## [1.2.9]\n\n- B\n\n## [2.0.0-rc.1]\n\n- C\n"
    assert cut(text, "rc", TODAY)[1] == parse("2.0.0-rc.2")


def test_the_first_version_follows_nothing() -> None:
    assert cut("## [Unreleased]\n- A", ["minor", "rc"], TODAY)[1] == parse("0.1.0-rc.1")


@pytest.mark.parametrize(
    "text",
    ["", "# Changelog\n", "```\n## [Unreleased]\n- A\n```\n", "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n"],
)
def test_there_must_be_something_to_release(text: str) -> None:
    with pytest.raises(VersionError):
        cut(text, "minor", TODAY)


lines = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).map(lambda text: f"- {text}"),
    min_size=1,
)


@unhurried
@given(st.lists(lines, min_size=1, max_size=4))
def test_what_was_written_as_unreleased_is_the_notes_of_its_version(bodies: list[list[str]]) -> None:
    text = "# Changelog\n\n## [Unreleased]\n"
    cuts = []
    for body in bodies:
        text = text.replace("## [Unreleased]\n", "## [Unreleased]\n\n" + "\n".join(body) + "\n", 1)
        text, version = cut(text, "minor", TODAY)
        cuts.append((version, "\n".join(body)))
    assert released(text) == [version for version, _ in reversed(cuts)]
    assert [notes(text, version) for version, _ in cuts] == [body for _, body in cuts]
