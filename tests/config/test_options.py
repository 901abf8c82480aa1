"""Words of a command that are no keys of a cell."""

from __future__ import annotations

import pytest

from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError


def test_folders_of_a_command_are_checked() -> None:
    with pytest.raises(ConfigError, match="paths has no key 'result': did you mean 'results'"):
        options_of(["paths.result=x"])
    with pytest.raises(ConfigError, match=r"paths\.cache= names no folder"):
        options_of(["paths.cache="])
