"""``python -m fuzz minutes=5 seed=0``: fuzz every reader in turn, print the table of docs/faults.md and how to repeat what was found."""

from __future__ import annotations

import logging
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from benchmark.core.errors import UserError
from fuzz.targets import SilentError, Target, targets

LIMIT = 10  # seconds of an input
KINDS = ("read", "one line", "traceback", "hang", "silent")


class HangError(BaseException):
    """An input took too long."""


def outcome(target: Target, draw: random.Random) -> tuple[str, str]:
    """Return which of ``KINDS`` an input ends in, and the traceback where there is one."""
    try:
        with limited():
            target(draw)
    except (UserError, HydraException, OmegaConfBaseException, YAMLError):
        return "one line", ""
    except HangError:
        return "hang", traceback.format_exc()
    except SilentError:
        return "silent", traceback.format_exc()
    except Exception:
        return "traceback", traceback.format_exc()
    return "read", ""


@contextmanager
def limited() -> Iterator[None]:
    """Raise in the body when it takes longer than an input may."""

    def late(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(folder: Path, seed: int, seconds: float, most: int, only: str = "") -> tuple[dict[str, Counter[str]], dict[str, str]]:
    """Fuzz every target for an equal share of the time, or for so many inputs.

    Returns:
        How often each target ended in which of ``KINDS``; and what was found, by the words that repeat it.
    """
    counts, found = dict[str, Counter[str]](), dict[str, str]()
    known = {name: target for name, target in targets(folder).items() if only in ("", name)}
    for name, target in known.items():
        counts[name], last = Counter(), set[str]()
        end = time.monotonic() + seconds / len(known)
        for number in range(most):
            if time.monotonic() > end:
                break
            kind, text = outcome(target, random.Random(f"{seed} {name} {number}"))
            counts[name][kind] += 1
            cause = "\n".join(text.strip().splitlines()[-3:])
            if text and cause not in last:  # once a cause
                last.add(cause)
                found[f"{name}={number}"] = text
    return counts, found


def main(arguments: Sequence[str]) -> int:
    """Print a markdown table; 1 where something was found."""
    given = {"minutes": "5", "seed": "0", "inputs": "1000000", "only": ""} | dict(word.split("=", 1) for word in arguments)
    logging.disable()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        counts, found = fuzz(Path(folder), int(given["seed"]), 60 * float(given["minutes"]), int(given["inputs"]), given["only"])
    print("| input | tried | read | refused in one line | tracebacks | hangs | read wrongly |\n|---|---|---|---|---|---|---|")
    total = Counter[str]()
    for name, count in counts.items():
        total.update(count)
        print(f"| {name} | {count.total()} | " + " | ".join(str(count[kind]) for kind in KINDS) + " |")
    print(f"| all | {total.total()} | " + " | ".join(str(total[kind]) for kind in KINDS) + " |")
    for repeat, text in found.items():
        print(f"\n{repeat} with seed={given['seed']}:\n{text}", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
