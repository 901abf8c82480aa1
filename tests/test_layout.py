"""The tests of a module stand where a stranger looks for them: those of ``benchmark/board/page.py`` in ``tests/board/test_page.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.config.registry import plugins
from benchmark.core.paths import ROOT

TESTS = ROOT / "tests"
SHORT = 40  # lines; shorter modules may be tested by what uses them
ELSEWHERE = {  # modules whose tests share what is expensive with those of another one
    "bench/browser.py": "board/test_page.py",
    "bench/faults.py": "running/test_faults.py",
    "commands/publish.py": "review/test_doctor.py",
    "commands/run.py": "test_system.py",
    "models/encoders/transformer.py": "models/test_pretrained.py",
    "noise/label_models/base.py": "noise/test_votes.py",
    "plugins/hydra_plugins/grid_sweeper.py": "test_system.py",
    "tuning/records.py": "tuning/test_tuning.py",
}
UNTESTED = {  # these measure, and are looked at when they are run
    f"bench/{name}.py" for name in ("board", "engine", "logger", "methods", "multilabel", "noise", "regression", "text", "training", "vision")
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield all modules that a contract suite does not serve, with the place of their tests."""
    served = {target.rpartition(".")[0] for axis in ("noise", "label_model") for target in plugins(axis)}
    for path in sorted((ROOT / "benchmark").rglob("*.py")):
        module = path.relative_to(ROOT / "benchmark")
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.stem != "__init__" and module.parts[0] != "methods" and dotted not in served:
            yield module.as_posix(), TESTS / module.parent / f"test_{path.stem.strip('_')}.py"


def test_a_module_has_its_tests_at_the_same_place() -> None:
    long = {name: place for name, place in modules() if len((ROOT / "benchmark" / name).read_text(encoding="utf8").splitlines()) > SHORT}
    assert len(long) > 100
    missing = {name for name, place in long.items() if not place.exists()}
    assert missing == {*ELSEWHERE, *UNTESTED}
    assert all((TESTS / place).exists() for place in ELSEWHERE.values())


def test_tests_share_through_support() -> None:
    files = [*TESTS.rglob("*.py")]
    assert len(files) > 200
    assert not [
        str(file)
        for file in files
        if "import conftest" in (text := file.read_text(encoding="utf8")) or "from conftest" in text
        if file.name != "test_layout.py"
    ]
