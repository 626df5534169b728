"""Values in a script mean themselves, and a source map still leads to the same places."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence

import pytest
from console_samples import FILES, PROJECT, URL, VALUES
from hypothesis import example, given
from hypothesis import strategies as st
from node_support import Node, running
from release_samples import unhurried

from release.configure import configured_files
from release.configure.fill import escaped
from release.configure.sourcemap import decode, encode
from release.errors import VerificationError

NASTY = st.sampled_from(
    [
        "</script>",
        "<!--",
        "${",
        "`",
        "'",
        '"',
        "\\",
        "\\u0041",
        "\\\n",
        "\u2028",
        "\u2029",
        "\r\n",
        "\0",
        "\U0001f511",
        "//",
        "%",
    ]
)
VALUE = st.lists(NASTY | st.text(max_size=8), max_size=6).map("".join)
LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running() as one:
        yield one


def both(url: str, project: str) -> dict[str, str]:
    return {"CONSOLE_API_URL": url, "CONSOLE_DOGFOOD_PROJECT_ID": project}


# --- what a value means


@unhurried
@given(st.lists(VALUE, min_size=1, max_size=20))
@example(["</script>", "${1}", "'\"`\\", "\u2028\u2029", "\U0001f511", "\\u0041", ""])
def test_a_value_means_itself_between_any_quotes(node: Node, values: list[str]) -> None:
    script = ",".join(f"{quote}a{escaped(value)}0b{quote}" for value in values for quote in "\"'`")
    assert node.evaluate(f"[{script}]") == [f"a{value}0b" for value in values for _ in range(3)]


@given(VALUE)
def test_what_is_written_is_plain(value: str) -> None:
    written = escaped(value)
    assert re.fullmatch(r"(?:[A-Za-z0-9\-._~:/]|\\u[0-9a-f]{4})*", written)
    assert escaped(f"https://api.example.com:8443/a_b-c~{VALUES['CONSOLE_DOGFOOD_PROJECT_ID']}").isprintable()


def test_a_plain_value_is_written_as_it_is() -> None:
    assert escaped("https://api-1.example.com:8443/a_b~c") == "https://api-1.example.com:8443/a_b~c"
    assert escaped("$\U0001f511") == "\\u0024\\ud83d\\udd11"


@unhurried
@given(VALUE, VALUE)
def test_a_bundle_of_esbuild_says_the_values(node: Node, url: str, project: str) -> None:
    script = configured_files(FILES, both(url, project))["index.js"].decode()
    assert node.evaluate(f"{script}\n[shown.health, shown.key, shown.page('sessions')]") == [
        f"{url}/api/internal/health",
        f"\U0001f511{project}\U0001f512 of \u2018{url}\u2019",
        f"{url}/console/{project}/sessions\n{project}",
    ]


def test_nothing_else_changes() -> None:
    done = configured_files(FILES, VALUES)
    assert list(done) == list(FILES)
    assert [path for path in FILES if done[path] != FILES[path]] == ["index.js", "index.js.map"]
    expected = FILES["index.js"].decode().replace(URL, VALUES["CONSOLE_API_URL"])
    assert done["index.js"].decode() == expected.replace(PROJECT, VALUES["CONSOLE_DOGFOOD_PROJECT_ID"])


def test_a_value_that_looks_like_a_placeholder_is_filled_in_once() -> None:
    done = configured_files({"index.js": f"'{URL}', '{PROJECT}'".encode()}, both(PROJECT, URL))
    assert done["index.js"].decode() == f"'{PROJECT}', '{URL}'"


def test_one_placeholder_may_begin_like_another() -> None:
    files = {"index.js": b"'__PLACEHOLDER__', '__PLACEHOLDER__AND_MORE__'"}
    placeholders = both("__PLACEHOLDER__", "__PLACEHOLDER__AND_MORE__")
    assert configured_files(files, both("a", "b"), placeholders)["index.js"] == b"'a', 'b'"


# --- where a source map leads


def places(parts: Sequence[str], written: dict[str, str], *, edges: bool = False) -> list[tuple[int, int]]:
    """Line and column of every character but those of placeholders, which ``written`` replaces.

    With ``edges``, the first and the last one of each replacement too.
    """
    found = []
    line = column = 0
    for part in parts:
        here = []
        for text in re.findall("\r\n|.", written.get(part, part), re.DOTALL):
            if LINE_END.fullmatch(text):
                line, column = line + 1, 0
            else:
                here.append((line, column))
                column += units(text)
        found += here if part not in written else [here[0], here[-1]] if edges else []
    return found


def moved(node: Node, script: str, source_map: bytes, url: str, project: str) -> None:
    """Each character behind, before and between placeholders leads to where it led before, and so do their edges."""
    files = {"index.js": script.encode(), "index.js.map": source_map}
    done = configured_files(files, both(url, project))
    parts = re.split(f"({URL}|{PROJECT})", script)
    edges = bool(url and project)
    before = places(parts, {URL: URL, PROJECT: PROJECT}, edges=edges)
    after = places(parts, {URL: escaped(url), PROJECT: escaped(project)}, edges=edges)
    assert node.positions(source_map, before) == node.positions(done["index.js.map"], after)


@unhurried
@given(VALUE, VALUE)
@example("", "")
@example("x" * 1000, "y")
def test_the_map_of_esbuild_stays_right(node: Node, url: str, project: str) -> None:
    moved(node, FILES["index.js"].decode(), FILES["index.js.map"], url, project)


def test_a_map_that_is_not_kept_would_be_noticed(node: Node) -> None:
    script = FILES["index.js"].decode()
    parts = re.split(f"({URL}|{PROJECT})", script)
    before, after = (places(parts, one) for one in ({URL: URL, PROJECT: PROJECT}, {URL: "x", PROJECT: "y"}))
    source_map = FILES["index.js.map"]
    assert node.positions(source_map, before) != node.positions(source_map, after)


def vlq(number: int) -> str:
    """A base64 VLQ by another way than the program's: through the bits as text."""
    bits = f"{abs(number):b}{int(number < 0)}"
    groups = re.findall(".{5}", bits.zfill(-(-len(bits) // 5) * 5))[::-1]
    values = [int(group, 2) + 32 * (place + 1 < len(groups)) for place, group in enumerate(groups)]
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[value] for value in values)


@st.composite
def mapped(draw: st.DrawFn) -> tuple[str, bytes]:
    """A script of random lines with both placeholders, and a map with segments of each length at random columns."""
    word = st.sampled_from(["a", "\U0001f511", "\u00e9", ";", " ", f"'{URL}'", URL, PROJECT, f"`{PROJECT}`", "xyz"])
    line = st.lists(word, max_size=8).map("".join)
    ends = st.sampled_from(["\n", "\r\n", "\r", "\u2028", "\u2029"])
    lines = [*draw(st.lists(line, max_size=5)), URL + draw(line) + PROJECT + draw(line)]
    script = "".join(text + draw(ends) for text in lines)
    groups, last = [], [0, 0, 0, 0]
    for text in lines:
        inside = {
            column
            for match in re.finditer(f"{URL}|{PROJECT}", text)
            for column in range(units(text[: match.start()]) + 1, units(text[: match.end()]))
        }
        columns = draw(st.sets(st.integers(0, units(text)))) - inside
        group, column = [], 0
        for one in sorted(columns):
            target = [0, draw(st.integers(0, 3000)), draw(st.integers(0, 3000)), draw(st.integers(0, 1))]
            numbers = [one - column, *(new - old for new, old in zip(target, last, strict=True))]
            length = draw(st.sampled_from([1, 4, 5]))
            last = [*target[:3], target[3] if length == 5 else last[3]] if length > 1 else last
            column = one
            group.append("".join(map(vlq, numbers[:length])))
        groups.append(",".join(group))
    document = {"version": 3, "names": ["n", "m"], "sources": ["a.ts"], "mappings": ";".join(groups)}
    return script, json.dumps(document).encode()


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@unhurried
@given(mapped(), VALUE, VALUE)
def test_any_map_stays_right(node: Node, one: tuple[str, bytes], url: str, project: str) -> None:
    moved(node, *one, url, project)


def test_only_numbers_behind_a_placeholder_change() -> None:
    source_map = FILES["index.js.map"]
    changed = configured_files(FILES, VALUES)["index.js.map"]
    old, new = (json.loads(one) for one in (source_map, changed))
    assert changed == source_map.replace(old["mappings"].encode(), new["mappings"].encode())
    before, after = (one["mappings"].split(";") for one in (old, new))
    differing = [
        [
            place
            for place, pair in enumerate(zip(first.split(","), second.split(","), strict=True))
            if pair[0] != pair[1]
        ]
        for first, second in zip(before, after, strict=True)
    ]
    # One behind each string that holds any, on two of three lines.
    assert [len(places) for places in differing] == [4, 1, 0]


def test_what_is_inside_of_a_placeholder_stays_inside_of_the_value(node: Node) -> None:
    script = f"\U0001f511\U0001f511{URL}b{PROJECT}c" + "d" * 30  # keys of two code units each
    b, c = 4 + len(URL), 4 + len(URL) + 1 + len(PROJECT)
    columns = (0, 24, b, b + 2, c)
    lengths = (columns[0], *(new - old for old, new in itertools.pairwise(columns)))
    segments = ",".join(vlq(length) + "AA" + vlq(place > 0) for place, length in enumerate(lengths))
    source_map = json.dumps({"version": 3, "sources": ["a"], "names": [], "mappings": segments}).encode()
    files = {"index.js": script.encode(), "index.js.map": source_map}
    done = configured_files(files, both("12345", "123"))["index.js.map"]
    # Column 24 is beyond the first value, so at its end, which is where "b" begins; the last one there wins.
    after = [(0, column) for column in (0, 8, 9, 10, 11, 12, 13, 30)]
    assert [found[2] for found in node.positions(done, after)] == [0, 0, 2, 2, 3, 3, 4, 4]


@given(st.integers(1 - 2**31, 2**31 - 1))
def test_numbers_in_a_map(number: int) -> None:
    assert encode(number) == vlq(number)
    assert decode(encode(number)) == number


def test_the_numbers_that_the_standard_shows() -> None:
    assert {text: decode(text) for text in ("A", "iB", "V", "B")} == {"A": 0, "iB": 17, "V": -10, "B": -(2**31)}


@pytest.mark.parametrize(
    "source_map",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"version":3,"sources":[],"names":[]}',
        b'{"version":2,"mappings":"AAAA"}',
        b'{"mappings":"AAAA"}',
        b'{"version":3,"mappings":7}',
        b'{"version":3,"mappings":"AA"}',
        b'{"version":3,"mappings":"AAA"}',
        b'{"version":3,"mappings":"AAAAAA"}',
        b'{"version":3,"mappings":"AAAA,"}',
        b'{"version":3,"mappings":"AAAA,,AAAA"}',
        b'{"version":3,"mappings":"AAAg"}',
        b'{"version":3,"mappings":"g"}',
        b'{"version":3,"mappings":"A=AA"}',
        b'{"version":3,"mappings":"DAAA"}',
        b'{"version":3,"mappings":"B"}',
        b'{"version":3,"mappings":"A AA"}',
        b'{"version":3,"mappings":"gggggggA"}',
        b'{"version":3,"mappings":' + b"[" * 100_000,
    ],
)
def test_a_damaged_map_is_named(source_map: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        configured_files({**FILES, "index.js.map": source_map}, VALUES)
    assert str(caught.value) == (
        "the source map index.js.map is no source map of version 3, or damaged; get the bundle again"
    )


def test_maps_in_other_forms_are_refused() -> None:
    index_map = b'{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":{"version":3,"mappings":"AAAA"}}]}'
    with pytest.raises(VerificationError, match=r"index\.js\.map is an index map"):
        configured_files({**FILES, "index.js.map": index_map}, VALUES)
    for unusual in (b'{"version":3,"mappings":"\\u0041AAA"}', b'{"version":3,"x":{"mappings":""},"mappings":""}'):
        with pytest.raises(VerificationError, match=r"index\.js\.map is written in a way that is not kept right"):
            configured_files({**FILES, "index.js.map": unusual}, VALUES)


def test_only_the_maps_of_scripts_that_changed_are_looked_at() -> None:
    files = {**FILES, "other.js": b"1", "other.js.map": b"damaged", "index.css.map": b"damaged"}
    done = configured_files(files, VALUES)
    assert (done["other.js.map"], done["index.css.map"]) == (b"damaged", b"damaged")


def test_a_script_may_have_no_map() -> None:
    files = {path: data for path, data in FILES.items() if not path.endswith(".map")}
    assert configured_files(files, VALUES)["index.js"] == configured_files(FILES, VALUES)["index.js"]


def test_sources_in_a_map_stay_as_they_were() -> None:
    source_map = b'{"version":3,"sources":["a"],"sourcesContent":["%b \\"mappings\\":\\"AAAA\\""],"mappings":"AAAA"}'
    files = {"index.js": f"'{URL}{PROJECT}'".encode(), "index.js.map": source_map % URL.encode()}
    assert configured_files(files, VALUES)["index.js.map"] == files["index.js.map"]


# --- where placeholders may be


@pytest.mark.parametrize("name", ["a/index.js", "index.mjs", "index.cjs"])
def test_every_kind_of_script_is_filled_in(name: str) -> None:
    done = configured_files({name: f"`{URL}{PROJECT}`".encode()}, both("$", "'"))
    assert done == {name: b"`\\u0024\\u0027`"}


def test_a_page_takes_what_needs_no_escape() -> None:
    files = {"index.html": f'<meta content="{URL}"><script>x="{PROJECT}"</script>'.encode()}
    assert configured_files(files, VALUES)["index.html"] == (
        b'<meta content="https://api.example.com"><script>x="project_2wph7a"</script>'
    )
    with pytest.raises(VerificationError, match=r"index\.html holds a placeholder, and https://x/& has a character"):
        configured_files(files, both("https://x/&", "project_x"))


@pytest.mark.parametrize("name", ["index.css", "data.json", "notes.txt", "js", "index.js.gz"])
def test_a_placeholder_elsewhere_is_told(name: str) -> None:
    with pytest.raises(VerificationError, match=f"{name} holds a placeholder, and is neither a script nor a page"):
        configured_files({**FILES, name: URL.encode()}, VALUES)


@pytest.mark.parametrize(
    ("placeholder", "variable"), [(URL, "CONSOLE_API_URL"), (PROJECT, "CONSOLE_DOGFOOD_PROJECT_ID")]
)
def test_a_placeholder_that_is_nowhere_is_told(placeholder: str, variable: str) -> None:
    files = {path: data.replace(placeholder.encode(), b"x") for path, data in FILES.items()}
    with pytest.raises(VerificationError) as caught:
        configured_files(files, VALUES)
    assert str(caught.value) == (
        f"nothing in it holds {placeholder}, which stands for {variable}; name the console as it was released: one "
        "that is configured has no placeholders left"
    )


def test_a_placeholder_in_a_map_alone_counts_for_nothing() -> None:
    with pytest.raises(VerificationError, match="nothing in it holds"):
        configured_files({"index.js.map": f"{URL} {PROJECT}".encode()}, VALUES)


def test_a_script_in_another_encoding_is_told() -> None:
    with pytest.raises(VerificationError, match=r"index\.js is not UTF-8; get the bundle again"):
        configured_files({"index.js": URL.encode() + b"\xff"}, VALUES)
