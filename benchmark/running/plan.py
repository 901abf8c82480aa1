"""What a sweep with some arguments would run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from benchmark.config.commandline import prepared
from benchmark.config.grid import Grid
from benchmark.core.errors import ConfigError
from benchmark.core.paths import CONF, Paths, folder
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed
from benchmark.running.sweep import grid_of, seed_tuples


def planned(arguments: Sequence[str]) -> tuple[Grid, list[Seed], Path]:
    """The grid, seeds and results folder that a sweep with these arguments would have."""
    overrides = OverridesParser.create().parse_overrides([a for a in prepared(arguments) if not a.startswith("-")])
    plain = [str(o.input_line) for o in overrides if o.get_key_element().split(".")[0].split("@")[0] not in AXES]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            config = compose("config", overrides=plain, return_hydra_config=True)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:  # no code of the suite runs in it
            raise ConfigError(f"{' '.join(plain)} cannot be read ({str(error).partition(':')[0]}): correct the command") from error
    chosen = OmegaConf.to_container(config.hydra.runtime.choices)
    sweeper = OmegaConf.to_container(config.hydra.sweeper)
    grid, _ = grid_of(sweeper, overrides, chosen, str(config.setting), Paths.of(config.paths).data)  # type: ignore[arg-type]
    return grid, seed_tuples(config.seeds, config.seed_axes), folder(str(config.paths.results), "paths.results")
