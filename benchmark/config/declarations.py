"""What plugins' classes declare, read from their sources.

A grid of thousands of cells, and a board of as many rows, need to know which kinds a method serves and nothing else of it:
importing every plugin, and torch with it, would take most of the time of both.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.config.modules import module_path

Bound = ast.expr | ast.ClassDef | ast.FunctionDef | tuple[str, str]


class NotDeclaredError(LookupError):
    """A name that no class defines, or whose value is no literal."""


@functools.cache
def declared(target: str, attribute: str) -> Any:
    """Value of a class attribute of ``target`` (``benchmark.methods.robust_loss.gce.GCE``), its own or inherited.

    Raises:
        NotDeclaredError: there is no such class or attribute, or its value cannot be told without running the code.
    """
    module, _, name = target.rpartition(".")
    for where, body in _classes(module, name):
        if attribute in body:
            return _value(where, body[attribute])
    raise NotDeclaredError(f"{target} declares no {attribute}")


@functools.cache
def own_constant(target: str, attribute: str, default: Any) -> Any:
    """Return a class attribute that ``target`` itself declares; ``default`` where it does not, whatever its bases say.

    Raises:
        NotDeclaredError: its value cannot be told without running the code.
    """
    found = _lookup(*target.rpartition(".")[::2])
    if found is None or not isinstance(found[1], ast.ClassDef):
        return default
    body = _bindings(found[1].body)
    return _value(found[0], body[attribute]) if attribute in body else default


@dataclass(frozen=True)
class Parameter:
    """A parameter of a plugin's constructor, as its source declares it."""

    default: Any = None
    required: bool = False  # it has no default
    names_file: bool = False  # its value names a file, a folder, an address or an entry of a hub


@functools.cache
def constructor(target: str) -> Mapping[str, Parameter]:
    """Return the parameters of a plugin: of its function, its ``__init__``, or the fields of its dataclass.

    Args:
        target: dotted name of a class or function of the suite.

    Raises:
        NotDeclaredError: there is no such plugin, or a default is no literal.
    """
    found = _lookup(*target.rpartition(".")[::2])
    if found is None or isinstance(found[1], tuple):
        raise NotDeclaredError(f"{target} is no class or function of the suite")
    module, node = found
    if isinstance(node, ast.FunctionDef):
        return _parameters(module, node)
    if not isinstance(node, ast.ClassDef):
        raise NotDeclaredError(f"{target} is no class or function of the suite")
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        return {
            item.target.id: _parameter(module, item.annotation, item.value)
            for item in fields
            if isinstance(item.target, ast.Name) and "ClassVar" not in ast.unparse(item.annotation)
        }
    for where, body in _classes(module, node.name):
        init = body.get("__init__")
        if isinstance(init, ast.FunctionDef):
            return _parameters(where, init)
    return {}


def _parameters(module: str, node: ast.FunctionDef) -> dict[str, Parameter]:
    positional = [*node.args.posonlyargs, *node.args.args]
    lacking = len(positional) - len(node.args.defaults)
    defaults: list[ast.expr | None] = [None] * lacking + list(node.args.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    return {argument.arg: _parameter(module, argument.annotation, default) for argument, default in pairs if argument.arg != "self"}


def _parameter(module: str, annotation: ast.expr | None, default: ast.expr | None) -> Parameter:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation is not None else set()
    if default is None:
        return Parameter(required=True, names_file="FileName" in names)
    return Parameter(_value(module, default), names_file="FileName" in names)


@functools.cache
def constant(module: str, name: str, default: Any) -> Any:
    """Value of a constant of a plugin's module; ``default`` where it has none.

    Raises:
        NotDeclaredError: its value cannot be told without running the code.
    """
    found = _lookup(module, name)
    return default if found is None else _value(*found)


@functools.cache
def defines(target: str, attribute: str) -> bool:
    """Whether ``target`` or a class of the suite that it inherits from has this method or attribute."""
    module, _, name = target.rpartition(".")
    return any(attribute in body for _, body in _classes(module, name))


@functools.cache
def function_exists(module: str, name: str) -> bool:
    """Return whether a module defines or imports a function of this name."""
    found = _lookup(module, name)
    return found is not None and isinstance(found[1], ast.FunctionDef)


@functools.cache
def documentation(target: str) -> str:
    """The docstring of a class, without its indentation; nothing if there is none.

    Raises:
        NotDeclaredError: there is no such class.
    """
    found = _lookup(*target.rpartition(".")[::2])
    if found is None or not isinstance(found[1], ast.ClassDef):
        raise NotDeclaredError(f"{target} is no class of the suite")
    return ast.get_docstring(found[1]) or ""


@functools.cache
def problem_classes() -> dict[str, str]:
    """The task types: name -> class."""
    module = "benchmark.data.problems"
    found = (f"{module}.{name}" for name, bound in _module(module).items() if isinstance(bound, ast.ClassDef))
    return {declared(target, "name"): target for target in found}


def _classes(module: str, name: str) -> Iterator[tuple[str, dict[str, Bound]]]:
    """A class and its bases as (module, what its body binds), nearest first; bases from outside the suite are left out."""
    found = _lookup(module, name)
    if found is not None and isinstance(found[1], ast.ClassDef):
        yield found[0], _bindings(found[1].body)
        for base in found[1].bases:
            if isinstance(base, ast.Name):
                yield from _classes(found[0], base.id)


def _lookup(module: str, name: str) -> tuple[str, Bound] | None:
    """Where a name that a module uses is bound: in itself or in a module of the suite that it imports it from."""
    if not module.startswith(("benchmark", "tasks")):
        return None
    bound = _module(module).get(name)
    return _lookup(*bound) if isinstance(bound, tuple) else None if bound is None else (module, bound)


@functools.cache
def _module(name: str) -> dict[str, Bound]:
    path = module_path(name)
    return _bindings(ast.parse(path.read_text(encoding="utf8")).body) if path.is_file() else {}


def _bindings(body: list[ast.stmt]) -> dict[str, Bound]:
    out: dict[str, Bound] = {}
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                out[name] = node
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                out.update({at.id: value for at, value in zip(targets, values, strict=True) if isinstance(at, ast.Name)})
            case ast.Assign(targets=targets, value=value):  # one name or, as in a = b = value, several
                out.update({at.id: value for at in targets if isinstance(at, ast.Name)})
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                out[name] = value
            case ast.ImportFrom(module=str(source), names=aliases):
                out.update({alias.asname or alias.name: (source, alias.name) for alias in aliases})
            case _:
                pass
    return out


def _value(module: str, bound: Bound) -> Any:  # noqa: PLR0911 - one return a form of literal
    match bound:
        case ast.Constant(value=value):
            return value
        case ast.Set(elts=elements) | ast.Tuple(elts=elements):
            return (frozenset if isinstance(bound, ast.Set) else tuple)(_value(module, element) for element in elements)
        case ast.List(elts=elements):
            return [_value(module, element) for element in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(module, operand)
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            return _value(module, left) / _value(module, right)
        case ast.Dict(keys=keys, values=values):
            return {_value(module, key): _value(module, value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=ast.Name(id="frozenset"), args=arguments):
            return frozenset(*(_value(module, argument) for argument in arguments))
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if (found := _lookup(module, name)) is not None:
            return declared(f"{found[0]}.{name}", attribute)
        case ast.Name(id=name) if (found := _lookup(module, name)) is not None:
            return _value(*found)
        case _:
            raise NotDeclaredError(f"a declaration in {module} is no literal")
