"""Altered copies of bytes, texts and values, drawn from a generator."""

from __future__ import annotations

import random
from typing import Any

STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, 0.5, "", "x" * 2000, "\0", "\x1b[2J", "\u202eabc", "../../etc/passwd", "/dev/zero", "${x}", "???", "=1+1",
    "<script>", "$\\frac$", [], {}, [[]], {"": None}, {"_target_": "os.system"}, {"_target_": [1]}, float("nan"), float("inf"),
)  # fmt: skip
TOKENS = (
    "task=", "noise=", "method=", "trainer=", "digits", "symmetric", "elr", "sam", "seeds=", "paths.results=", "experiment=smoke", "null", "task.subset=",
    "method.base=", "task@task=", "method@", "experiment=null",
    "hydra.sweeper.grid=", "@", ".", "=", "(", ")", "[", "]", "{", "}", ",", "'", '"', "~", "+", "$", "\\", " ", "-m", "--run", "1", "1e999",
    "9" * 400, "noise.rate=", "on_existing=", "_target_", ":", "é", "\0", "x",
    "limits=", "logger=", "launcher=", "jobs=", "trainer.epochs=", "status", "plan",
)  # fmt: skip


def altered(content: bytes, draw: random.Random) -> bytes:
    """One to four flips, cuts, repeats, swaps and insertions."""
    out = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(out) + 1)
        kind = draw.randrange(6)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            del out[at : at + draw.randrange(1, 40)]
        elif kind == 3:
            out[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 8)))
        elif kind == 4:
            out[at:at] = out[at : at + draw.randrange(1, 60)]
        else:
            out[at:at] = draw.choice((b"\0", b"\xff", b'"', b",", b"\n", b"\r\n", b"'", b"\xef\xbb\xbf", b"inf", b"1e999", b"9" * 50, b"\t", b"-DOCSTART-"))
    return bytes(out)


def replaced(value: Any, draw: random.Random) -> Any:
    """The same nested value with one part of it replaced, taken away or added."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        kind = draw.randrange(8)
        if kind == 0:
            return {name: item for name, item in value.items() if name != key}
        if kind == 1:
            return {**value, draw.choice(("more", "", "_target_", key + " ")): draw.choice(STRANGE)}
        return {**value, key: replaced(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], replaced(value[at], draw), *value[at + 1 :]]
    return draw.choice(STRANGE)


def words(draw: random.Random) -> list[str]:
    """Words of a command line."""
    return ["".join(draw.choice(TOKENS) for _ in range(draw.randint(1, 6))) for _ in range(draw.randint(1, 4))]
