"""Settings of a command: its own keys, the paths, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.config.commandline import check
from benchmark.core.paths import Paths


def options_of(arguments: Sequence[str], **defaults: str) -> tuple[dict[str, str], Paths, list[str]]:
    """Settings of a command: its own keys, the paths, and what is left.

    Raises:
        ConfigError: a folder that there is not, or one without a name.
    """
    own, paths, rest = dict(defaults), dict[str, str](), list[str]()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in own:
            own[key] = value
        elif equals and key.startswith("paths."):
            check(key, value)
            paths[key.removeprefix("paths.")] = value
        else:
            rest.append(argument)
    return own, Paths.default(**paths), rest
