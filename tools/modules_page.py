"""Prints docs/modules.md: how much Python each module takes, and how many operations it answers."""

import ast
from pathlib import Path

from gamehall_server.servicers import SERVICERS

MODULES = Path(__file__).resolve().parent.parent / "server" / "gamehall_server" / "modules"
HEAD = """# Modules

What each module takes: lines of Python that say something (without blank lines, comments and docstrings), its longest file, and the
operations that it answers. Made by tools/modules_page.py; do not edit.

| module | operations | lines | files | longest file |
|---|---|---|---|---|"""


def said(path: Path) -> int:
    """Lines of code of a file, as the parser sees them."""
    lines: set[int] = set()
    tree = ast.parse(path.read_text())
    told = {
        id(node.body[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and id(node) not in told:
            inner = getattr(node, "body", None)
            # Of what has a body the head alone: the body tells for itself.
            last = node.body[0].lineno - 1 if isinstance(inner, list) and inner else node.end_lineno
            lines.update(range(node.lineno, (last or node.lineno) + 1))
    source = path.read_text().splitlines()
    return sum(bool(source[line - 1].strip()) and not source[line - 1].strip().startswith("#") for line in lines)


def main() -> None:
    """Prints the page."""
    operations: dict[str, int] = {}
    for servicer in SERVICERS:
        module = servicer.__module__.split(".")[2]
        operations[module] = operations.get(module, 0) + len(servicer.service.methods)
    rows = []
    for folder in sorted(path for path in MODULES.iterdir() if (path / "__init__.py").exists()):
        files = {path: said(path) for path in sorted(folder.rglob("*.py"))}
        longest = max(len(path.read_text().splitlines()) for path in files)
        rows.append((folder.name, operations.get(folder.name, 0), sum(files.values()), len(files), longest))
    print(HEAD)
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")
    sums = (sum(row[at] for row in rows) for at in (1, 2, 3))
    print("| all |", " | ".join(map(str, (*sums, max(row[4] for row in rows)))), "|")


if __name__ == "__main__":
    main()
