"""Pages that are generated from the plugins, so that they cannot disagree with them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.config import build, names, option, resolve_target
from benchmark.identity import ROOT
from benchmark.store import Row


def method_table() -> str:
    """``docs/methods.md``: one line per method yaml."""
    lines = [
        "# Methods",
        "",
        "Generated from `conf/method` and the docstrings by `make docs`. *native*: task types that the paper defines the method for; on the other types of "
        "its kinds it runs *adapted*. *needs*: what it knows beyond noisy labels.",
        "",
        "| method | defaults | kinds | native | networks | needs | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names("method"):
        config = option("method", name)
        cls = resolve_target(config, "method")
        summary = inspect.cleandoc(cls.__doc__ or "").split("\n\n")
        text = " ".join(" ".join(summary[:2]).split()).replace("|", "\\|")
        defaults = ", ".join(f"{k}={v}" for k, v in config.items() if not k.startswith("_") and not isinstance(v, dict))
        kinds = sorted(cls.problems or cls.kinds)
        networks = config.get("networks", cls.networks)
        lines.append(f"| `{name}` | {defaults} | {', '.join(kinds)} | {', '.join(sorted(cls.native))} | {networks} | {', '.join(sorted(cls.needs))} | {text} |")
    return "\n".join(lines) + "\n"


def noise_table() -> str:
    """``docs/noise.md``: one line per noise yaml."""
    lines = [
        "# Noise",
        "",
        "Generated from `conf/noise` and the docstrings by `make docs`. *nested*: mistakes at a low rate are a subset of those at a higher one, with the "
        "same wrong labels; otherwise the reason why not. *reads*: what it needs beside right labels. `make noise-card TASK= NOISE=` describes any of them "
        "on a task; `noise=chain(first=long_tail,second=symmetric)` puts one on top of another.",
        "",
        "| noise | defaults | tasks | reads | nested | what it does |",
        "|---|---|---|---|---|---|",
    ]
    for name in names("noise"):
        config = option("noise", name)
        noise = build(config, "noise")
        defaults = ", ".join(f"{k}={v['_target_'].rsplit('.')[-1] if isinstance(v, dict) else v}" for k, v in config.items() if k != "_target_")
        text = " ".join(inspect.cleandoc(type(noise).__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")
        nested = f"no: {noise.not_nested}" if noise.not_nested else "yes"
        lines.append(f"| `{name}` | {defaults} | {', '.join(sorted(noise.problems))} | {', '.join(sorted(noise.needs))} | {nested} | {text} |")
    return "\n".join(lines) + "\n"


def schema() -> str:
    """``results/schema.json``: the JSON schema of a row."""
    return json.dumps(Row.model_json_schema(), indent=1) + "\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated file with its content."""
    yield ROOT / "docs" / "methods.md", method_table()
    yield ROOT / "docs" / "noise.md", noise_table()
    yield ROOT / "results" / "schema.json", schema()


def documents(arguments: Sequence[str]) -> int:
    """Write the generated files; with ``--check`` only say which are out of date (exit code 1)."""
    check = "--check" in arguments
    stale = [(path, text) for path, text in pages() if not path.is_file() or path.read_text(encoding="utf8") != text]
    for path, text in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf8")
        print(f"{path.relative_to(ROOT)} {'is out of date: run make docs' if check else 'written'}")
    return int(check and bool(stale))
