"""Yaml files, which people write: any defect is one line, and none makes the program grow without a bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from omegaconf import OmegaConf

from benchmark.core.errors import DataError
from benchmark.core.files import content_of

LARGEST = 1 << 24  # bytes of a file
ALIASES = 100  # in a file: each repeats what it stands for, and nested ones multiply


def read_yaml(path: Path) -> Any:
    """Return what a yaml file holds, with its interpolations as they are written.

    Raises:
        DataError: it is no UTF-8 text, too large, nested too deeply, or multiplies itself.
        YAMLError, OmegaConfBaseException: it is no yaml. FileNotFoundError: there is none.
    """
    content = content_of(path, LARGEST)
    try:
        text = content.decode("utf8")
        if "&" in text and sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)) > ALIASES:
            raise DataError(f"{path} has more than {ALIASES} aliases: write out what they stand for")
        return OmegaConf.to_container(OmegaConf.load(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text ({error}): convert it") from error
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply: this is not the expected file") from error
    except OSError as error:  # what OmegaConf says of a file that holds a plain word or number
        raise DataError(f"{path} holds no mapping or list ({error}): correct it") from error
