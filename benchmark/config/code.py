"""Digest the code that a run can reach, definition by definition.

A row says which code made it. The digest is taken over definitions (functions, classes, constants), not
over files: moving a definition to another module, or dividing a module in two, changes no number and must
not make a row stale. Comments, docstrings, layout and import statements do not count.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.core.digests import digest
from benchmark.core.paths import ROOT

SUITE = ("benchmark", "tasks")
Place = tuple[str, str]  # a module and the name of a definition in it; "" = all of the module

# Where the code that can change a number starts. Board, store and status are not reached from here.
ENGINE: tuple[Place, ...] = (
    ("benchmark.running.execution", "execute"),
    ("benchmark.running.execution", "measure"),
    ("benchmark.running.conditions", "conditions_for"),
)
PLUGIN_CONSTANTS = ("GIVES", "contents")  # of a task's module: the engine reads them beside ``load``


@dataclass
class Module:
    """Hold what a module defines and imports."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Place] = field(default_factory=dict)
    loose: list[ast.stmt] = field(default_factory=list)  # statements that bind no name


@dataclass(frozen=True)
class Fingerprint:
    """Hold the digest of one definition and the places that it refers to."""

    digest: str
    refers: frozenset[Place]


def module_path(name: str) -> Path:
    """Return where the source of a module of the suite is or would be."""
    base = ROOT.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def source_digest(places: Iterable[Place]) -> str:
    """Return the digest of the engine's definitions, of those at ``places`` and of all that they reach.

    Args:
        places: definitions as (module, name); the name "" stands for a whole module.

    Raises:
        FileNotFoundError: a module or a definition does not exist.
    """
    reached: set[Place] = set()
    digests: set[str] = set()
    waiting = [*ENGINE, *places]
    while waiting:
        place = waiting.pop()
        if place in reached:
            continue
        reached.add(place)
        for print_of_one in _fingerprints(place):
            digests.add(print_of_one.digest)
            waiting += print_of_one.refers
    return digest(sorted(digests))


def reached_modules(places: Iterable[Place]) -> set[str]:
    """Return the names of the modules of which ``source_digest`` reads at least one definition."""
    reached: set[Place] = set()
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        if place not in reached:
            reached.add(place)
            for print_of_one in _fingerprints(place):
                waiting += print_of_one.refers
    return {module for module, _ in reached}


def plugin_places(target: str) -> list[Place]:
    """Return the places of a plugin: its class or function, and of a task's module what the engine reads beside it."""
    module, _, name = target.rpartition(".")
    beside = PLUGIN_CONSTANTS if module.startswith("tasks.") else ()
    return [(module, name), *((module, extra) for extra in beside if extra in _module(module).definitions)]


@functools.cache
def _fingerprints(place: Place) -> tuple[Fingerprint, ...]:
    module, name = place
    content = _module(module)
    if name == "":
        inside = [*content.definitions, *content.imports]
        loose = tuple(_fingerprint(module, node) for node in content.loose)
        return (*loose, Fingerprint("", frozenset((module, own) for own in inside)))
    if name in content.definitions:
        nodes = [*content.definitions[name], *content.loose]
        return tuple(_fingerprint(module, node) for node in nodes)
    if name in content.imports:
        return (Fingerprint("", frozenset({_resolved(*content.imports[name])})),)
    raise FileNotFoundError(f"{module}.{name} does not exist")


@functools.cache
def _module(name: str) -> Module:
    """Read a module's definitions and the names that it imports from the suite."""
    content = Module()
    for node in ast.parse(module_path(name).read_text(encoding="utf8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            content.imports.update(_imported(node))
        elif _is_for_types(node) or _is_docstring(node):
            continue
        else:
            bound = list(_bound(node))
            for own in bound:
                content.definitions.setdefault(own, []).append(node)
            if not bound:
                content.loose.append(node)
    return content


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id


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


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _resolved(source: str, name: str) -> Place:
    """Return where an imported name is defined: a definition, or a module as a whole."""
    if name and module_path(source).is_file():
        content = _module(source)
        if name in content.definitions:
            return source, name
        if content.imports.get(name, (source, name)) != (source, name):  # a package may import its own modules
            return _resolved(*content.imports[name])
    whole = f"{source}.{name}" if name else source
    if module_path(whole).is_file():
        return whole, ""
    raise FileNotFoundError(f"{whole} does not exist")


def _fingerprint(module: str, node: ast.stmt) -> Fingerprint:
    content = _module(module)
    names = {own: (module, own) for own in content.definitions}
    names |= {own: _resolved(*place) for own, place in content.imports.items()}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            names |= {own: _resolved(*place) for own, place in _imported(inner).items()}
    reader = _Reader(names)
    bare = reader.visit(copy.deepcopy(node))
    return Fingerprint(digest(ast.dump(bare)), frozenset(reader.refers))


class _Reader(ast.NodeTransformer):  # the names of its methods are those of the syntax tree
    """Strip a definition of docstrings, imports and the names of modules, and note what it refers to."""

    def __init__(self, names: dict[str, Place]) -> None:
        self.names = names
        self.refers: set[Place] = set()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self.names:
            self.refers.add(self.names[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Read ``module.name`` as the name alone, so that it does not matter in which module it stands."""
        place = self._module_of(node.value)
        if place is None:
            return self.generic_visit(node)
        try:
            self.refers.add(_resolved(place, node.attr))
        except FileNotFoundError:  # an attribute that the module gets at run time
            return self.generic_visit(node)
        return ast.copy_location(ast.Name(node.attr, node.ctx), node)

    def _module_of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name) and node.id in self.names:
            module, name = self.names[node.id]
            return module if name == "" else None
        if isinstance(node, ast.Attribute):
            outer = self._module_of(node.value)
            if outer is not None and module_path(f"{outer}.{node.attr}").is_file():
                return f"{outer}.{node.attr}"
        return None

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Keep an annotation as it is written: it decides what a configuration may say, but runs nothing."""
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        returns, node.returns = node.returns, None
        self._without_docstring(node)
        self.generic_visit(node)
        node.returns = returns
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self._without_docstring(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._without_docstring(node)
        return self.generic_visit(node)

    @staticmethod
    def _without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]

    def visit_Import(self, node: ast.Import) -> None:
        """Leave out an import inside a function: where a name comes from is no part of what is done with it."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Leave out an import inside a function."""
