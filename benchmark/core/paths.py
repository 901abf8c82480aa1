"""Folders of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmark.core.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent.parent
CONF = ROOT / "conf"
PLUGINS = str(Path(__file__).resolve().parent.parent / "plugins")  # where Hydra looks for the grid sweeper


def folder(name: str, key: str) -> Path:
    """Return the folder that a setting names; a relative one starts at the project.

    Raises:
        ConfigError: no folder can have that name.
    """
    try:
        if "\0" in name:
            raise ValueError("it holds a null character")
        path = ROOT / Path(name).expanduser()
        path.exists()  # refuses names that are too long
    except PermissionError:
        pass
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{key}={name} names no folder ({getattr(error, 'strerror', None) or error}): give {key}=DIR") from error
    return path


@dataclass(frozen=True)
class Paths:
    """Folders of a run: data of the user, results, and what can be built again."""

    data: Path
    results: Path
    cache: Path

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Paths:
        """From the ``paths`` of a configuration; relative ones start at the project."""
        return cls(**{str(name): folder(str(value), f"paths.{name}") for name, value in config.items()})

    @classmethod
    def default(cls, **changed: str) -> Paths:
        """The ``paths`` of ``conf/config.yaml``, some of them changed."""
        return cls.of(OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"), resolve=True)["paths"] | changed)  # type: ignore[index,call-overload,operator]
