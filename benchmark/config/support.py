"""Which cells can run: what plugins declare of themselves against each other, before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.config.build import declaration
from benchmark.config.cells import Cell
from benchmark.config.declarations import constant, declared, problem_classes
from benchmark.core.errors import ConfigError, choices

AT_LEAST_ONE = (("task", "subset"), ("task", "rows"), *(("trainer", key) for key in ("epochs", "batch_size", "threads", "accumulate")))
AT_LEAST_ZERO = (*(("trainer", key) for key in ("lr", "weight_decay", "momentum", "warmup")),)
LEAST = dict.fromkeys(AT_LEAST_ONE, 1) | dict.fromkeys(AT_LEAST_ZERO, 0)  # of the numbers that the engine reads
BROUGHT = ("candidates", "privileged", "soft", "votes")  # what methods can need that a task (GIVES of its module) or a noise (gives) brings along


def unsupported(cell: Cell) -> str | None:
    """Why a cell cannot run, from the yamls and the plugins' declarations alone; None if it can.

    Raises:
        ConfigError: a number that the engine reads is out of its range, or a task of no known type.
    """
    for (axis, key), least in LEAST.items():
        value = cell.config[axis].get(key)
        if isinstance(value, int | float) and value < least:
            raise ConfigError(f"{axis}.{key}={value} is below {least}: give {axis}.{key}={'1 or more' if least else '0 or more'}")
    return next(_reasons(cell), None)


def _reasons(cell: Cell) -> Iterator[str]:
    task, method, noise = (cell.choice[axis] for axis in ("task", "method", "noise"))
    problem, inputs = cell.config["task"]["problem"], cell.config["task"]["inputs"]
    if problem not in problem_classes():
        raise ConfigError(f"task.problem={problem!r} is unknown: {choices(problem, problem_classes())}")
    kind = declared(problem_classes()[problem], "kind")
    methods, noises = (list(layers(cell.config[axis])) for axis in ("method", "noise"))
    for plugin in methods:
        kinds, problems = (declaration(plugin, "method", name) for name in ("kinds", "problems"))
        if kind not in kinds:
            yield f"{method} supports {' and '.join(sorted(kinds))}, {task} is {kind}"
        if problems is not None and problem not in problems:
            yield f"{method} supports {' and '.join(sorted(problems))}, {task} is {problem}"
    for plugin in methods[1:]:
        if declaration(plugin, "method", "own_gradient"):
            yield f"{cell.labels['method']} cannot be: {plugin['_target_'].rpartition('.')[2]} steps along a gradient of its own, which nothing can wrap"
    for plugin in noises:
        problems = declaration(plugin, "noise", "problems")
        if problem not in problems:
            yield f"{noise} serves {' and '.join(sorted(problems))}, {task} is {problem}"
    brings: frozenset[str] = constant(cell.config["task"]["_target_"].rpartition(".")[0], "GIVES", frozenset())
    recorded = all(declaration(plugin, "noise", "recorded") for plugin in noises)
    given = (brings if recorded else frozenset()).union(*(declaration(plugin, "noise", "gives") for plugin in noises))
    needed = frozenset[str]().union(*map(needs_of, methods))
    for need in BROUGHT:
        if need in needed - given:
            lacks = f"{task} has for its recorded labels, not for those of {noise}" if need in brings else f"neither {task} nor {noise} gives"
            yield f"{method} needs {need}, which {lacks}"
    reads = declaration(cell.config["model"], "model", "inputs")
    inputs = "vector" if cell.config["task"].get("features") else inputs  # an encoder's, in place of images
    if inputs not in reads:
        yield f"{cell.choice['model']} reads {' and '.join(sorted(reads))} inputs, {task} has {inputs} inputs"


def needs_of(config: Mapping[str, Any]) -> frozenset[str]:
    """Return what a plugin says that it needs with these hyper-parameters.

    Needs that ``needs_where`` ties to another value of a hyper-parameter are left out. The board marks a result by this.

    Raises:
        ConfigError: the plugin is not registered.
    """
    needs: frozenset[str] = declaration(config, "method", "needs")
    where = declaration(config, "method", "needs_where")
    return frozenset(need for need in needs if need not in where or config.get(where[need][0]) == where[need][1])


def layers(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The config of a plugin and of those that it is made of."""
    yield config
    for value in config.values():
        if isinstance(value, Mapping) and "_target_" in value:
            yield from layers(value)
