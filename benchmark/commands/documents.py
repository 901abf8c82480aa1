"""Pages that are generated from the plugins, so that they cannot disagree with them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.board.claims import measured
from benchmark.config.build import build, option
from benchmark.config.cells import spelled
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT
from benchmark.methods.base import FOLLOWS, NEEDS, Method
from benchmark.noise.families import FAMILIES as NOISE_FAMILIES
from benchmark.results.row import Row

EPOCHS = 100  # that the table of methods prices
NUMBERS = {2: "two", 3: "three", 4: "four"}


def method_table() -> str:
    """``docs/methods.md``: one line per method yaml, then what each does."""
    gains = measured()
    made: dict[str, Method] = {name: build(option("method", name), "method") for name in names("method")}
    lines = [
        "# Methods",
        "",
        "Generated from `conf/method` and the classes by `make docs`. *native*: task types that the paper defines the method for; on the other types of its "
        "kinds it runs *adapted*. *needs*: what it knows beyond noisy labels, and what it is built from. *passes*: forward + backward per training example and "
        f"epoch in a run of {EPOCHS} epochs, side trainings included, counted by the contract tests; *cost*: the same as a multiple of plain training, a "
        "backward pass taken for two forward ones. *memory*: state beside networks and optimizers, N units, K classes, C columns. "
        "*fidelity*: to the paper, on its native task types; *developed on*: tasks on whose results a default or a rule of ours was chosen. *gain on "
        "digits*: accuracy at the last epoch minus erm's with a 95 % interval, ten paired seeds, "
        "defaults, on a noise where the paper claims a gain, fixed before it was run (`make sweep EXPERIMENT=claims`, `python -m benchmark claims`).",
        "",
        f"No method here needs {', '.join(sorted(set(NEEDS).difference(*(method.needs for method in made.values())))) or 'anything else'}.",
        "",
        "| method | defaults | kinds | native | needs | passes | cost | memory | fidelity | gain on digits | citation |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, method in made.items():
        config = option("method", name)
        defaults = ", ".join(f"{k}={spelled(v)}" for k, v in config.items() if not k.startswith("_") and not isinstance(v, dict))
        price = method.passes(EPOCHS)
        bound = "up to " if price.at_most else ""
        cells = [
            f"`{name}`",
            defaults,
            ", ".join(sorted(type(method).problems or method.kinds)),
            ", ".join(sorted(method.native)),
            ", ".join(requirements(method)),
            f"{bound}{price.forward:.3g}F + {price.backward:.3g}B",
            f"{bound}{price.relative:.3g}",
            method.keeps,
            _fidelity(method),
            "; ".join(gains.get(name, [])),
            method.cites,
        ]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    lines += ["", *fidelity_table(made)]
    for name, method in made.items():
        lines += ["", f"**{name}**. {_summary(method)}"]
    return "\n".join(lines) + "\n"


def fidelity_table(made: Mapping[str, Method]) -> list[str]:
    """Return the lines of markdown that say how close each method is to its authors' released code, and which methods have a paper only.

    Args:
        made: methods by name.
    """
    titles = " | ".join(what.replace("_", " ") for what in FOLLOWS)
    lines = [
        "## How close to the release",
        "",
        "*schedule*: warm-ups, ramps and stages of the method's own, as shares of the epochs. The learning rate is the trainer's for every method, and which "
        "epoch counts is a selection track of the board: comparisons are paired, and no line speaks of them. *normalisation*: by what the loss is divided, and "
        "constants inside it. *batch statistics*: in which mode, and over which examples, passes run beside training's own that select, average or predict. "
        "*predicts*: who speaks at test time. *as released*: compared with the code of the last column, at that commit; *as the paper*: with the paper's "
        "rule as written down; *ours*: neither, for the reason given. *plain*: none of its own, the mean over units, training's passes alone, the network.",
        "",
        f"| method | {titles} | released code |",
        f"|---|{'---|' * len(FOLLOWS)}---|",
    ]
    for name, method in made.items():
        said = [method.follows.get(what, "not said") for what in FOLLOWS]
        cells = [f"`{name}`", *map(_plainly, said), f"`{method.release}`" if method.release else ""]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    alone = [f"`{name}`" for name, method in made.items() if not method.release]
    return [*lines, "", f"Paper only, no line is compared with released code: {', '.join(alone)}."]


PLAIN = ("none of its own", "the mean over units", "training's passes alone", "the network")


def _plainly(line: str) -> str:
    """Shorten a line that says nothing but what plain training does."""
    start, _, how = line.partition(": ")
    return f"{start}: plain" if how in PLAIN else line


def _fidelity(method: Method) -> str:
    """Return the fidelity of a method, what differs, and the tasks on whose results a default was chosen."""
    words = f"{method.fidelity}: {method.differs}" if method.differs else method.fidelity
    return f"{words}; developed on {', '.join(method.developed_on)}" if method.developed_on else words


def requirements(method: Method) -> list[str]:
    """What a method asks for, in words: knowledge first, then networks, views, epochs and memory."""
    structure = {
        "validation labels": method.uses_val,
        f"{NUMBERS.get(method.networks, method.networks)} networks": method.networks > 1,
        f"{NUMBERS.get(method.views, method.views)} views": method.views > 1,
        "warm-up": method.warm_up,
        "index memory": "N" in method.keeps,
    }
    return sorted(method.needs) + [name for name, asked in structure.items() if asked]


def _summary(method: Method) -> str:
    """The first two paragraphs of a class's documentation on one line."""
    return " ".join(" ".join(inspect.cleandoc(type(method).__doc__ or "").split("\n\n")[:2]).split()).replace("<", "\\<")


def noise_table() -> str:
    """``docs/noise.md``: one line per noise yaml."""
    lines = [
        "# Noise",
        "",
        "Generated from `conf/noise` and the docstrings by `make docs`. *nested*: mistakes at a low rate are a subset of those at a higher one, with the "
        "same wrong labels; otherwise the reason why not. *reads*: what it needs beside right labels. `make noise-card TASK= NOISE=` describes any of them "
        "on a task; `noise=chain(first=long_tail,second=symmetric)` puts one on top of another.",
        "",
        "*family*: what makes labels wrong, as board and advice group noises:",
        "",
        *(f"- **{family}**: {sentence}" for family, sentence in NOISE_FAMILIES.items()),
        "",
        "| noise | family | defaults | tasks | reads | nested | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names("noise"):
        config = option("noise", name)
        noise = build(config, "noise")
        defaults = ", ".join(f"{k}={v['_target_'].rsplit('.')[-1] if isinstance(v, dict) else spelled(v)}" for k, v in config.items() if k != "_target_")
        text = " ".join(inspect.cleandoc(type(noise).__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")
        nested = f"no: {noise.not_nested}" if noise.not_nested else "yes"
        lines.append(f"| `{name}` | {noise.family} | {defaults} | {', '.join(sorted(noise.problems))} | {', '.join(sorted(noise.needs))} | {nested} | {text} |")
    return "\n".join(lines) + "\n"


def schema() -> str:
    """``results/schema.json``: the JSON schema of a row."""
    return json.dumps(Row.model_json_schema(mode="serialization"), indent=1) + "\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated file with its content."""
    yield ROOT / "docs" / "methods.md", method_table()
    yield ROOT / "docs" / "noise.md", noise_table()
    yield ROOT / "results" / "schema.json", schema()


def documents(arguments: Sequence[str]) -> int:
    """Write the generated files; with ``--check`` only say which are out of date (exit code 1).

    Raises:
        ConfigError: something else was asked for.
    """
    strange = [argument for argument in arguments if argument != "--check"]
    if strange:
        raise ConfigError(f"docs does not know {strange[0]!r}: give nothing, or --check")
    check = "--check" in arguments
    stale = [(path, text) for path, text in pages() if not path.is_file() or path.read_text(encoding="utf8") != text]
    for path, text in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf8")
        print(f"{path.relative_to(ROOT)} {'is out of date: run make docs' if check else 'written'}")
    return int(check and bool(stale))
