"""Whether what a launcher needs is installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution

from benchmark.config.registry import raw
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT


def check_installed(launcher: str) -> None:
    """Before anything is composed: are the packages of a launcher there?

    Hydra names its plugins ``hydra-<family>-launcher``; the extra of ``pyproject.toml`` that asks for the family's plugin says
    what else it takes.

    Raises:
        ConfigError: names the extra to install.
    """
    plugin = f"hydra-{_plugin(launcher).partition('_')[0]}-launcher"
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras: Mapping[str, list[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    for extra, requirements in extras.items():
        packages = [re.split(r"[^\w-]", requirement)[0] for requirement in requirements]
        missing = [package for package in packages if not _installed(package)]
        if plugin in packages and missing:
            install = f"run 'make setup-launchers', or pip install 'labelnoise-bench[{extra}]'"
            raise ConfigError(f"launcher={launcher} needs {' and '.join(missing)} (extra {extra!r}): {install}")


def _plugin(launcher: str) -> str:
    """The option of ``hydra/launcher`` that a launcher's yaml takes."""
    return next(str(value) for default in raw("launcher", launcher)["defaults"] for key, value in default.items() if key == "override /hydra/launcher")


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
