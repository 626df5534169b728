"""The statements of a migration, as PostgreSQL's own parser reads them, and how the file has to be run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pglast.parser import ParseError, get_postgresql_version, parse_sql_json

from .tree import Node, walk

_SHOWN = 70
# PreventInTransactionBlock in PostgreSQL's sources; CREATE INDEX and others only with CONCURRENTLY.
_NEVER_IN_BLOCK = {
    "AlterDatabaseStmt",
    "AlterSystemStmt",
    "CreateSubscriptionStmt",
    "CreateTableSpaceStmt",
    "CreatedbStmt",
    "DropSubscriptionStmt",
    "DropTableSpaceStmt",
    "DropdbStmt",
}
# In a block or not, depending on what they meet; alone in a file they are a transaction of their own.
_BETTER_ALONE = {"CallStmt", "ClusterStmt", "ReindexStmt"}
_CONTROL = {"BEGIN", "START", "COMMIT", "ROLLBACK", "PREPARE"}
_ENDS_TRANSACTION = re.compile(r"\b(commit|rollback)\b", re.IGNORECASE)


class Run(Enum):
    """How a file is run."""

    WHOLE = "in one transaction, with the change of the schema's number"
    ALONE = "as one statement that can't be in a transaction"
    OWN = "in transactions of its own"
    NEVER = "not at all: PostgreSQL refuses it"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement: ``kind`` and ``node`` of the parse tree, the line it starts at, and how it begins."""

    kind: str
    node: Node
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Script:
    """A file. ``sql`` is what is sent; ``problem`` says why there are no statements, or why it can't run."""

    sql: str
    statements: tuple[Statement, ...] = ()
    run: Run = Run.WHOLE
    problem: str = ""

    @property
    def concurrent(self) -> bool:
        """Tell whether it is one statement that waits for others without making any wait."""
        return self.run is Run.ALONE and is_concurrent(self.statements[0])


def script(text: str) -> Script:
    """Read a file. What PostgreSQL's parser doesn't understand is no error: the server may be newer."""
    data = text.encode()
    try:
        parsed: Sequence[Node] = json.loads(parse_sql_json(text)).get("stmts", ())
    except ParseError as error:
        version = get_postgresql_version()[0]
        return Script(sql=text, run=Run.OWN, problem=f"PostgreSQL {version}'s parser doesn't read it: {error.args[0]}")
    places = [_place(node, len(data)) for node in parsed]
    statements = tuple(_statement(node, data, *place) for node, place in zip(parsed, places, strict=True))
    refused = _refused(statements)
    if refused:
        return Script(sql=text, statements=statements, run=Run.NEVER, problem=refused)
    if len(statements) > 2 and _wraps(statements):
        # Its BEGIN and COMMIT become blanks, so that every other position stays.
        for start, end in (places[0], places[-1]):
            data = data[:start] + b" " * (end - start) + data[end:]
        return Script(sql=data.decode(), statements=statements[1:-1])
    return Script(sql=text, statements=statements, run=_run(statements))


def is_concurrent(statement: Statement) -> bool:
    """Tell whether it is in the CONCURRENTLY form, which can't be in a transaction block."""
    kind, node = statement.kind, statement.node
    if kind == "AlterTableStmt":
        return any(one.get("concurrent", False) for name, one in walk(node) if name == "PartitionCmd")
    if kind == "ReindexStmt":
        return any(one.get("defname") == "concurrently" for name, one in walk(node) if name == "DefElem")
    return kind in ("IndexStmt", "DropStmt") and bool(node.get("concurrent", False))


def _place(node: Node, end: int) -> tuple[int, int]:
    start = node.get("stmt_location", 0)
    return start, start + node["stmt_len"] if node.get("stmt_len") else end


def _statement(node: Node, data: bytes, start: int, end: int) -> Statement:
    ((kind, content),) = node["stmt"].items()
    words = " ".join(data[start:end].decode().split())
    return Statement(
        kind=kind,
        node=content,
        line=data.count(b"\n", 0, start) + 1,
        text=words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…",
    )


def _run(statements: Sequence[Statement]) -> Run:
    if any(_control(one) for one in statements):
        return Run.OWN
    if len(statements) == 1 and (_outside(statements[0]) or _alone(statements[0])):
        return Run.ALONE
    return Run.WHOLE


def _alone(statement: Statement) -> bool:
    if statement.kind == "DoStmt":
        return any(_ENDS_TRANSACTION.search(one.get("sval", "")) for _, one in walk(statement.node))
    return statement.kind in _BETTER_ALONE


def _outside(statement: Statement) -> bool:
    if statement.kind == "VacuumStmt":
        return bool(statement.node.get("is_vacuumcmd"))
    if statement.kind == "DiscardStmt":
        return bool(statement.node.get("target") == "DISCARD_ALL")
    return statement.kind in _NEVER_IN_BLOCK or is_concurrent(statement)


def _refused(statements: Sequence[Statement]) -> str:
    for one in statements:
        if one.kind == "CopyStmt" and "filename" not in one.node:
            return f"line {one.line}: COPY needs data that no migration can carry"
        if len(statements) > 1 and _outside(one):
            return f"line {one.line}: {one.text} can't be in a transaction, so it has to be alone in its file"
    return ""


def _control(statement: Statement) -> str:
    if statement.kind != "TransactionStmt":
        return ""
    word = str(statement.node["kind"]).removeprefix("TRANS_STMT_").split("_")[0]
    return word if word in _CONTROL and statement.node["kind"] != "TRANS_STMT_ROLLBACK_TO" else ""


def _wraps(statements: Sequence[Statement]) -> bool:
    """Tell whether the file is one plain transaction, from its first statement to its last."""
    first, *middle, last = statements
    if first.node.get("options") or last.node.get("chain") or any(map(_control, middle)):
        return False
    return _control(first) in ("BEGIN", "START") and _control(last) == "COMMIT"
