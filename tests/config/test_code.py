"""The digest of the code that a run can reach: of definitions, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.config import code, modules
from benchmark.config.code import ENGINE, plugin_places, reached_modules, source_digest
from benchmark.config.modules import module_path

THING = '''"""A module."""

import numpy as np
from benchmark import deep
from benchmark.other import rate

LIMIT = 3
UNUSED = 1


class Thing:
    """A class."""

    def __init__(self, q: float = 0.7) -> None:
        self.q = q  # stored

    def loss(self, x: float) -> float:
        """A function."""
        from benchmark.lazy import late

        return late(rate() * x**self.q + deep.RATE + LIMIT)
'''
FILES = {
    "__init__.py": '"""A package."""\n',
    "thing.py": THING,
    "other.py": "from benchmark import deep\n\n\ndef rate():\n    return deep.inner()\n\n\ndef unused():\n    return 4\n",
    "deep.py": "RATE = 0.5\nINNER = 0.25\n\n\ndef inner():\n    return INNER\n",
    "lazy.py": "SCALE = 2\n\n\ndef late(x):\n    return SCALE * x\n",
    "board.py": "from benchmark.thing import Thing\nBOARD = Thing()\n",
}


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a suite of some modules in a folder of its own; digests are forgotten before and after."""
    folder = tmp_path / "benchmark"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(modules, "ROOT", tmp_path)
    monkeypatch.setattr(code, "ENGINE", ())
    yield folder
    monkeypatch.undo()
    forget()


def forget() -> None:
    modules.read_module.cache_clear()
    modules.names_of.cache_clear()
    code._fingerprints.cache_clear()
    code._fingerprint.cache_clear()


def of_thing(target: str = "benchmark.thing.Thing") -> str:
    forget()
    return source_digest(plugin_places(target))


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # stored", ""),
        ("self.q = q", "self.q = (q)"),
        ('        """A function."""\n', ""),
        ('"""A class."""', '"""Another text,\n\n    longer."""'),
        ('"""A module."""\n', "# no docstring\n"),
        ("\n\n\nclass", "\nclass"),
        ("q: float = 0.7", "q: float = 0.70"),
        ("import numpy as np\n", ""),
        ("UNUSED = 1", "UNUSED = 2"),
        (
            "from benchmark import deep\nfrom benchmark.other import rate\n",
            "from benchmark.other import rate\nfrom benchmark import deep\n",
        ),
    ],
)
def test_comments_docstrings_layout_and_imports_do_not_count(suite: Path, old: str, new: str) -> None:
    before = of_thing()
    changed(suite / "thing.py", old, new)
    assert of_thing() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("thing.py", "0.7", "0.8"),
        ("thing.py", "x**self.q", "x*self.q"),
        ("thing.py", "def loss", "def losses"),
        ("thing.py", "q: float", "q: int"),
        ("thing.py", "LIMIT = 3", "LIMIT = 4"),
        ("other.py", "deep.inner()", "-deep.inner()"),
        ("deep.py", "RATE = 0.5", "RATE = 0.6"),
        ("deep.py", "INNER = 0.25", "INNER = 0.26"),
        ("lazy.py", "SCALE = 2", "SCALE = 3"),
    ],
)
def test_what_can_be_reached_counts(suite: Path, file: str, old: str, new: str) -> None:
    before = of_thing()
    changed(suite / file, old, new)
    assert of_thing() != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("other.py", "return 4", "return 5"), ("board.py", "Thing()", "Thing(1)")],
)
def test_what_cannot_be_reached_does_not_count(suite: Path, file: str, old: str, new: str) -> None:
    before = of_thing()
    changed(suite / file, old, new)
    assert of_thing() == before


def test_a_module_that_moves_with_its_importers_rewritten_keeps_the_digest(suite: Path) -> None:
    before = of_thing()
    (suite / "room").mkdir()
    (suite / "room/__init__.py").write_text('"""A room."""\n')
    (suite / "deep.py").rename(suite / "room/depth.py")
    changed(suite / "thing.py", "from benchmark import deep", "from benchmark.room import depth")
    changed(suite / "thing.py", "deep.RATE", "depth.RATE")
    changed(suite / "other.py", "from benchmark import deep", "from benchmark.room.depth import inner")
    changed(suite / "other.py", "deep.inner()", "inner()")
    assert of_thing() == before
    (suite / "thing.py").rename(suite / "room/thing.py")
    assert of_thing("benchmark.room.thing.Thing") == before


def test_a_module_that_is_divided_keeps_the_digest(suite: Path) -> None:
    before = of_thing()
    (suite / "deep.py").write_text("from benchmark.inner import inner\n\nRATE = 0.5\n")
    (suite / "inner.py").write_text("INNER = 0.25\n\n\ndef inner():\n    return INNER\n")
    assert of_thing() == before
    (suite / "deep.py").write_text("RATE = 0.5\n")
    (suite / "other.py").write_text("from benchmark.inner import inner\n\n\ndef rate():\n    return inner()\n")
    assert of_thing() == before


def test_a_definition_that_is_gone_is_named(suite: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"benchmark\.thing\.Gone"):
        of_thing("benchmark.thing.Gone")
    with pytest.raises(FileNotFoundError):
        of_thing("benchmark.gone.Thing")


def test_the_engine_is_all_that_makes_numbers_and_nothing_that_shows_them() -> None:
    reached = reached_modules(ENGINE)
    makers = (
        *("core.types", "core.seeds", "data.problems", "data.reading", "data.splits", "noise.base", "noise.cache"),
        *("noise.streams", "models.base", "methods.base", "methods.step", "training.learner", "training.trainer"),
        *("measures.evaluation", "measures.label_errors", "running.conditions"),
    )
    assert reached >= {f"benchmark.{name}" for name in makers}
    shown = ("board", "stats.boards", "commands", "running.progress", "running.loggers", "running.sweep", "results", "review")
    assert not [module for module in reached if module.startswith(tuple(f"benchmark.{name}" for name in shown))]


def test_a_plugin_adds_its_own_definitions() -> None:
    targets = ("benchmark.methods.robust_loss.gce.GCE", "benchmark.methods.regularization.elr.ELR")
    assert len({source_digest(plugin_places(target)) for target in targets}) == 2
    assert ("tasks.digits", "load") in plugin_places("tasks.digits.load")
    assert ("tasks.cifar100n", "GIVES") in plugin_places("tasks.cifar100n.load")
    assert module_path("tasks.digits").is_file()


def test_what_a_function_calls_by_a_name_of_its_own_is_its_own_affair(suite: Path) -> None:
    before = of_thing()
    changed(suite / "thing.py", "def loss(self, x: float)", "def loss(self, UNUSED: float)")
    changed(suite / "thing.py", "x**self.q", "UNUSED**self.q")
    renamed = of_thing()
    assert renamed != before  # another body
    changed(suite / "thing.py", "UNUSED = 1", "UNUSED = 2")
    assert of_thing() == renamed
    changed(suite / "thing.py", "UNUSED**self.q", "sum(UNUSED for LIMIT in [2])")
    counted = of_thing()
    changed(suite / "other.py", "return deep.inner()", "return sum(unused for unused in [deep.inner()])")
    looped = of_thing()
    assert counted != looped
    changed(suite / "other.py", "return 4", "return 5")  # the function ``unused``, not the variable
    assert of_thing() == looped


def test_another_name_of_an_import_does_not_count(suite: Path) -> None:
    before = of_thing()
    changed(suite / "thing.py", "from benchmark.other import rate", "from benchmark.other import rate as speed")
    changed(suite / "thing.py", "rate() * x", "speed() * x")
    assert of_thing() == before


def test_moving_the_engine_or_this_module_changes_nothing() -> None:
    assert "benchmark.config.code" not in reached_modules(ENGINE)
