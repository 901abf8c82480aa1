"""Hyper-parameters as papers chose them: ``method.setting=paper``, where a yaml has a ``paper`` block.

A block is a list of rules, of which the first that fits a cell's noise and task gives its keys:

    paper:
      - {when: {noise: asymmetric}, use: {lam: 1.0, beta: 0.9}}
      - {when: {task: "cifar100*", rate: [0.5, 1.0]}, use: {lam: 7.0, beta: 0.9}}
      - {use: {lam: 3.0}}

``noise`` and ``task`` are a name or a list of names, ``*`` stands for any letters; ``rate`` is a range, both ends included.
Whoever chooses by the noise knows it, so the board marks these rows. ``method.setting=default`` is the yaml's own
values, with those of its ``by_kind`` block where the cell's task is of such a type:

    by_kind: {tagging: {q: 0.3}}
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from benchmark.config.declarations import problem_classes
from benchmark.core.errors import ConfigError, choices

SETTING = "setting"  # of a method with a ``paper`` block: where its hyper-parameters come from; it leads, it is no parameter
SETTINGS = ("default", "paper")
CONDITIONS = ("noise", "rate", "task")


def is_plugin(value: Any) -> bool:
    """Whether a value is the config of a plugin."""
    return isinstance(value, Mapping) and "_target_" in value


def bare(config: Mapping[str, Any]) -> dict[str, Any]:
    """A method's config as cells have it: without ``setting: default``."""
    return {key: bare(value) if is_plugin(value) else value for key, value in config.items() if (key, value) != (SETTING, SETTINGS[0])}


def knows_noise(config: Mapping[str, Any]) -> bool:
    """Whether the hyper-parameters of a method, or of one inside it, were chosen by somebody who knew the noise."""
    return config.get(SETTING) == "paper" or any(knows_noise(value) for value in config.values() if is_plugin(value))


def published(rules: Any, keys: Mapping[str, Any], facts: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What the first rule that fits gives, {} if none does.

    Args:
        rules: the ``paper`` block.
        keys: of the method, which rules may set.
        facts: names of the cell's ``noise`` and ``task``, and the ``rate`` or None.
        where: file that the block stands in.

    Raises:
        ConfigError: the block is no list of rules, or a rule has an unknown condition or key.

    >>> rules = [{"when": {"noise": "asymm*", "rate": [0.3, 0.5]}, "use": {"lam": 1.0}}, {"use": {"lam": 3.0}}]
    >>> [published(rules, {"lam": 3.0}, {"noise": "asymmetric", "rate": rate, "task": "digits"}, "") for rate in (0.2, 0.4)]
    [{'lam': 3.0}, {'lam': 1.0}]
    """
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) and {"use"} <= set(rule) <= {"use", "when"} for rule in rules):
        raise ConfigError(f"{where}: paper={rules} is no list of rules: write - {{when: {{noise: NAME}}, use: {{KEY: VALUE}}}}")
    found: dict[str, Any] | None = None
    for rule in rules:
        for given, known, what in (
            (rule.get("when", {}), CONDITIONS, "condition"),
            (rule["use"], [key for key in keys if key not in ("_target_", "setting")], "key"),
        ):
            unknown = [name for name in given if name not in known]
            if unknown:
                raise ConfigError(f"{where}: paper has an unknown {what} {unknown[0]!r}: {choices(unknown[0], known)}")
        if found is None and all(_fits(values, facts.get(name)) for name, values in rule.get("when", {}).items()):
            found = dict(rule["use"])
    return found or {}


def for_kind(block: Any, keys: Mapping[str, Any], problem: str | None, where: str) -> dict[str, Any]:
    """Return the defaults that a method has on tasks of one type, {} if it has none.

    Args:
        block: the ``by_kind`` block: task type -> keys and their values.
        keys: of the method, which the block may set.
        problem: type of the cell's task.
        where: file that the block stands in.

    Raises:
        ConfigError: the block names an unknown type or key.

    >>> for_kind({"tagging": {"q": 0.3}}, {"q": 0.7}, "tagging", "")
    {'q': 0.3}
    >>> for_kind({"tagging": {"q": 0.3}}, {"q": 0.7}, "multiclass", "")
    {}
    """
    if not isinstance(block, Mapping) or not all(isinstance(values, Mapping) for values in block.values()):
        raise ConfigError(f"{where}: by_kind={block} is no block of task types: write {{TYPE: {{KEY: VALUE}}}}")
    for kind, values in block.items():
        if kind not in problem_classes():
            raise ConfigError(f"{where}: by_kind has an unknown type {kind!r}: {choices(kind, problem_classes())}")
        for key in values:
            if key not in keys or key in ("_target_", SETTING):
                raise ConfigError(f"{where}: by_kind.{kind} has an unknown key {key!r}: {choices(key, [k for k in keys if k not in ('_target_', SETTING)])}")
    return dict(block.get(problem, {}))


def _fits(wanted: Any, fact: Any) -> bool:
    if isinstance(fact, str):
        return any(fnmatchcase(fact, str(pattern)) for pattern in (wanted if isinstance(wanted, list) else [wanted]))
    return fact is not None and isinstance(wanted, list) and len(wanted) == 2 and bool(wanted[0] <= fact <= wanted[1])
