"""Digest the code that a run can reach, definition by definition.

A row says which code made it. The digest is taken over definitions (functions, classes, constants), not
over files: moving a definition to another module, or dividing a module in two, changes no number and must
not make a row stale. Comments, docstrings, layout and import statements do not count.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.config.modules import Place, is_text, module_path, names_of, read_module, resolve, scope_of, scope_of_arguments
from benchmark.core.digests import digest

DIGESTING = (__name__, "benchmark.config.modules")  # how code is digested changes no number, and it names modules

# Where the code that can change a number starts. Board, store and status are not reached from here.
ENGINE: tuple[Place, ...] = (
    ("benchmark.running.execution", "execute"),
    ("benchmark.running.execution", "measure"),
    ("benchmark.running.conditions", "conditions_for"),
)
PLUGIN_CONSTANTS = ("GIVES", "contents")  # of a task's module: the engine reads them beside ``load``


@dataclass(frozen=True)
class Fingerprint:
    """Hold the digest of one definition and the places that it refers to."""

    digest: str
    refers: frozenset[Place]


def source_digest(places: Iterable[Place]) -> str:
    """Return the digest of the engine's definitions, of those at ``places`` and of all that they reach.

    Args:
        places: definitions as (module, name); the name "" stands for a whole module.

    Raises:
        FileNotFoundError: a module or a definition does not exist.
    """
    _, digests = _reached([*ENGINE, *places])
    return digest(sorted(digests))


def reached_modules(places: Iterable[Place]) -> set[str]:
    """Return the names of the modules of which ``source_digest`` reads at least one definition."""
    reached, _ = _reached(places)
    return {module for module, _ in reached}


def _reached(places: Iterable[Place]) -> tuple[set[Place], set[str]]:
    """Return all places that these lead to, and the digests of what is defined there."""
    reached: set[Place] = set()
    digests: set[str] = set()
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        if place in reached or place[0] in DIGESTING:
            continue
        reached.add(place)
        for fingerprint in _fingerprints(place):
            if fingerprint.digest:  # an imported name only leads on
                digests.add(fingerprint.digest)
            waiting += fingerprint.refers
    return reached, digests


def plugin_places(target: str) -> list[Place]:
    """Return the places of a plugin: its class or function, and of a task's module what the engine reads beside it."""
    module, _, name = target.rpartition(".")
    beside = PLUGIN_CONSTANTS if module.startswith("tasks.") else ()
    return [(module, name), *((module, extra) for extra in beside if extra in read_module(module).definitions)]


@functools.cache
def _fingerprints(place: Place) -> tuple[Fingerprint, ...]:
    module, name = place
    content = read_module(module)
    if name == "":
        inside = [*content.definitions, *content.imports]
        loose = tuple(_fingerprint(module, node) for node in content.loose)
        return (*loose, Fingerprint("", frozenset((module, own) for own in inside)))
    if name in content.definitions:
        nodes = [*content.definitions[name], *content.loose]
        return tuple(_fingerprint(module, node) for node in nodes)
    if name in content.imports:
        return (Fingerprint("", frozenset({resolve(*content.imports[name])})),)
    raise FileNotFoundError(f"{module}.{name} does not exist")


@functools.cache
def _fingerprint(module: str, node: ast.stmt) -> Fingerprint:
    """Return the fingerprint of a top-level statement, which is read once: reading takes away what does not count."""
    reader = _Reader(names_of(module))
    bare = reader.visit(node)
    return Fingerprint(digest(ast.dump(bare)), frozenset(reader.refers))


class _Reader(ast.NodeTransformer):  # the names of its methods are those of the syntax tree
    """Strip a definition of docstrings, imports and the names of modules, and note what it refers to.

    A name that a function binds itself is its own affair, whatever the module calls by that name.
    """

    def __init__(self, names: Mapping[str, Place | None]) -> None:
        self.scopes: list[Mapping[str, Place | None]] = [names]
        self.refers: set[Place] = set()

    def _place(self, name: str) -> Place | None:
        """Return where a name that is read leads to in the suite."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Note what a name refers to, and read an imported one as it is called where it is defined."""
        place = self._place(node.id) if isinstance(node.ctx, ast.Load) else None
        if place is None:
            return node
        self.refers.add(place)
        return ast.copy_location(ast.Name(place[1] or node.id, node.ctx), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Read ``module.name`` as the name alone, so that it does not matter in which module it stands."""
        place = self._module_of(node.value)
        if place is None:
            return self.generic_visit(node)
        try:
            found = resolve(place, node.attr)
        except FileNotFoundError:  # an attribute that the module gets at run time
            return self.generic_visit(node)
        self.refers.add(found)
        return ast.copy_location(ast.Name(found[1] or node.attr, node.ctx), node)

    def _module_of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            place = self._place(node.id)
            return place[0] if place is not None and place[1] == "" else None
        if isinstance(node, ast.Attribute):
            outer = self._module_of(node.value)
            if outer is not None and module_path(f"{outer}.{node.attr}").is_file():
                return f"{outer}.{node.attr}"
        return None

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Keep an annotation as it is written: it decides what a configuration may say, but runs nothing."""
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Keep an annotation as it is written, and read the value."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Read decorators and defaults where the function stands, its body in a scope of its own."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Read it like any function."""
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.args = self.visit(node.args)
        node.body = self._inside(scope_of_arguments(node.args) | scope_of(node.body), node.body)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Read the defaults where the lambda stands, its body with its arguments."""
        node.args = self.visit(node.args)
        (node.body,) = self._inside(scope_of_arguments(node.args), [node.body])
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Read a class: names of its body are seen by the body, not by its methods."""
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        functions = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
        read = {id(item): self.visit(item) for item in functions}
        inner = {name: place for name, place in scope_of(node.body).items() if name not in {item.name for item in functions}}
        body: list[ast.stmt] = []
        for item in node.body:
            body += [read[id(item)]] if id(item) in read else self._inside(inner, [item])
        node.body = body
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """Read a comprehension with its variables."""
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        """Read a comprehension with its variables."""
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """Read a comprehension with its variables."""
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        """Read a comprehension with its variables."""
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> ast.AST:
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # the first source is read outside
        outside, first.iter = first.iter, ast.Constant(None)
        self.scopes.append(scope_of([part for generator in node.generators for part in (generator.target,)]))
        self.generic_visit(node)
        self.scopes.pop()
        first.iter = outside
        return node

    def _inside(self, scope: Mapping[str, Place | None], nodes: Sequence[Any]) -> list[Any]:
        """Return nodes as they read in a scope, without those that do nothing."""
        resolved = {name: None if place is None else resolve(*place) for name, place in scope.items()}
        self.scopes.append(resolved)
        kept = [read for node in nodes if (read := self.visit(node)) is not None]
        self.scopes.pop()
        return kept

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Leave out a text that nobody reads: a docstring."""
        return None if is_text(node) else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Leave out what does nothing: a body needs it only where there is no docstring."""

    def visit_Import(self, node: ast.Import) -> None:
        """Leave out an import inside a function: where a name comes from is no part of what is done with it."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Leave out an import inside a function."""
