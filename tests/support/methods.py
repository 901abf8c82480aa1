"""Which methods serve which of the tiny tasks, and one that is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.config.build import build, load, option, resolve_target
from benchmark.config.declarations import declared, problem_classes
from benchmark.config.paper import for_kind
from benchmark.config.registry import names, raw
from benchmark.methods.base import Method, set_up
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info
from support.tiny import PROBLEMS

METHODS = names("method")


def serves(name: str, problem: str) -> bool:
    cls = resolve_target(option("method", name), "method")
    return declared(problem_classes()[problem], "kind") in cls.kinds and (cls.problems is None or problem in cls.problems)


PAIRS = [(name, problem) for name in METHODS for problem in PROBLEMS if serves(name, problem)]


def defaults(name: str, problem: str) -> Mapping[str, Any]:
    """The config of a method with its defaults for a task type."""
    return load("method", name, **for_kind(raw("method", name).get("by_kind", {}), option("method", name), problem, name))


def made(name: str, conditions: Conditions) -> Method:
    """A method that is set up, its side trainings included where it has any."""
    method: Method = build(defaults(name, conditions.data.problem.name), "method")
    needs = {need: conditions.declared[need] for need in method.needs}
    width = conditions.recipe.networks(conditions.data.problem, 1)[0].feature_width
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 6, 0, needs, method.uses_val, width))
    return method
