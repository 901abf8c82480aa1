from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from support import corpora

from benchmark.api import load_task
from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.data.wheels import Wheel
from tasks import vader


@pytest.fixture
def here(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An archive of the same form in the data folder."""
    monkeypatch.setattr(vader, "ARCHIVE", replace(vader.ARCHIVE, sha256=corpora.write_vader(paths.data / "wheels")))
    return paths


def test_classes_and_ratings_are_those_of_panel_and_rater(here: Paths) -> None:
    sentences, ratings = vader.rated(here, "amazon")
    assert [s.split()[-1] for s in sentences] == [f"w{i}" for i in range(60)]  # ratings stand in another order, and are matched by id
    classes, numbers = (load_task(name, here, texts="amazon", words=64) for name in ("vader", "vader_rating"))
    assert len(classes.train) + len(classes.test) == 60
    signs = [Counter(np.sign(panel).tolist()) for panel in ratings]
    word = {"bad": -1, "plain": 0, "fine": 1}
    agree = [word[s.split()[1]] == c.most_common(1)[0][0] for s, c in zip(sentences, signs, strict=True)]
    assert np.mean(agree) > 0.8
    means = Counter(round(panel.mean(), 6) for panel in ratings)
    assert means == Counter(np.round(np.concatenate([numbers.train.y, numbers.test.y]), 6).tolist())
    assert set(classes.train.y) <= {0, 1, 2}
    assert 0 < (classes.annotations["rater"] != classes.train.y).mean() < 0.5
    assert float(numbers.annotations["rater"] @ np.ones(len(numbers.train))) == round(float(numbers.annotations["rater"].sum()))  # whole numbers
    assert np.abs(numbers.annotations["rater"] - numbers.train.y).max() <= 2


def test_majority_of_signs_with_ties_by_the_mean(here: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    panels = [np.array([-1.0, -1, 2, 2, 0]), np.array([0.0, 0, 0, 4, 4])] * 15
    monkeypatch.setattr(vader, "rated", lambda paths, texts: ([f"w{i} x{i}" for i in range(30)], panels))
    task = load_task("vader", here, words=256)
    assert set(task.train.y) <= {1, 2}
    y = np.concatenate([task.train.y, task.test.y])
    assert (y == 2).sum() == 15


def test_a_missing_or_other_archive_is_one_line(here: Paths) -> None:
    (here.data / "wheels" / vader.ARCHIVE.file).write_bytes(b"other")
    with pytest.raises(DataError, match=r"vaderSentiment-3.3.2.tar.gz has sha256 .*pip download --no-deps --no-binary :all: vaderSentiment==3.3.2"):
        load_task("vader", here)
    (here.data / "wheels" / vader.ARCHIVE.file).unlink()
    with pytest.raises(DataError, match=r"vaderSentiment 3.3.2 cannot be fetched from the package registry \(HF_HUB_OFFLINE is set\)"):
        load_task("vader", here)
    assert Wheel("a", "1", "0").options == ["--only-binary", ":all:"]
