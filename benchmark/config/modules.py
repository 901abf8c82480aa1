"""Read the modules of the suite as syntax trees: what each defines, what it imports, and what a name in it means."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.core.paths import ROOT

SUITE = ("benchmark", "tasks")
Place = tuple[str, str]  # a module and the name of a definition in it; "" = all of the module


@dataclass
class Module:
    """Hold what a module defines and imports."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Place] = field(default_factory=dict)
    loose: list[ast.stmt] = field(default_factory=list)  # statements that bind no name


def module_path(name: str) -> Path:
    """Return where the source of a module of the suite is or would be."""
    base = ROOT.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@functools.cache
def read_module(name: str) -> Module:
    """Read a module's definitions and the names that it imports from the suite."""
    content = Module()
    for node in ast.parse(module_path(name).read_text(encoding="utf8")).body:
        if _never_runs(node):
            continue
        scope = scope_of([node])
        content.imports.update({own: place for own, place in scope.items() if place is not None})
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass) or is_text(node):
            continue
        bound = [own for own, place in scope.items() if place is None]
        for own in bound:
            content.definitions.setdefault(own, []).append(node)
        if not bound:
            content.loose.append(node)
    return content


def scope_of(body: Iterable[ast.AST]) -> dict[str, Place | None]:
    """Return the names that statements bind in their own scope: with the place of what is imported from the suite, else None."""
    bound: dict[str, Place | None] = {}
    outer: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop(0)
        match node:
            case ast.Import() | ast.ImportFrom():
                bound.update({alias.asname or alias.name.split(".")[0]: None for alias in node.names})
                bound.update(_imported(node))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound[name] = None
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                bound |= {inner.target.id: None for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)}
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                outer |= set(names)
            case ast.Name(id=name, ctx=ast.Store()):
                bound[name] = None
            case _:
                if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                    bound[node.name] = None
                waiting += ast.iter_child_nodes(node)
    return {name: place for name, place in bound.items() if name not in outer}


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, Place]:
    """Return the names that an import statement takes from the suite, and where they come from."""
    if isinstance(node, ast.Import):
        ours = [alias for alias in node.names if alias.name.split(".")[0] in SUITE]
        whole = {alias.asname: (alias.name, "") for alias in ours if alias.asname}
        heads = {alias.name.split(".")[0] for alias in ours if not alias.asname}
        return whole | {head: (head, "") for head in heads}
    source = node.module or ""
    if source.split(".")[0] not in SUITE:
        return {}
    return {alias.asname or alias.name: (source, alias.name) for alias in node.names}


def is_text(node: ast.stmt) -> bool:
    """Return whether a statement is a text that nobody reads: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _never_runs(node: ast.stmt) -> bool:
    """Return whether a statement is for the type checker or for a module that is a program."""
    return isinstance(node, ast.If) and ("TYPE_CHECKING" in ast.unparse(node.test) or "__name__" in ast.unparse(node.test))


def resolve(source: str, name: str) -> Place:
    """Return where an imported name is defined: a definition, or a module as a whole."""
    if name and module_path(source).is_file():
        content = read_module(source)
        if name in content.definitions:
            return source, name
        if content.imports.get(name, (source, name)) != (source, name):  # a package may import its own modules
            return resolve(*content.imports[name])
    whole = f"{source}.{name}" if name else source
    if module_path(whole).is_file():
        return whole, ""
    raise FileNotFoundError(f"{whole} does not exist")


@functools.cache
def names_of(module: str) -> Mapping[str, Place | None]:
    """Return the names that every definition of a module sees, with the places of what they mean."""
    content = read_module(module)
    own = {name: (module, name) for name in content.definitions}
    return own | {name: resolve(*place) for name, place in content.imports.items()}


def scope_of_arguments(arguments: ast.arguments) -> dict[str, Place | None]:
    """Return the names of a function's arguments, as a scope."""
    return {argument.arg: None for argument in ast.walk(arguments) if isinstance(argument, ast.arg)}
