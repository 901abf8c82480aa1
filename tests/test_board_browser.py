"""The page in a real browser: sorting, filters, deep links, the same numbers as Python's, no message, no request.

Left out where no Chromium is installed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from boardrows import made_rows

from benchmark import page as page_module
from benchmark.bench.browser import Browser, found
from benchmark.comparisons import compute
from benchmark.frames import run_frame
from benchmark.leaderboard import write
from benchmark.stats import board
from benchmark.stats.orders import cliques, critical_difference, ranked

pytestmark = pytest.mark.skipif(found() is None, reason="browser tests left out: no chromium on this machine (apt-get install chromium)")
EVIL = "<img src=x onerror=alert(1)>&\"'</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of seven tasks, with a row that means harm, and a run that failed."""
    rows = made_rows()
    evil = [row.model_copy(update={"labels": row.labels | {"task": EVIL}, "cell": "e" + row.cell[1:]}) for row in rows if row.task == "made0"]
    failed = rows[0].model_copy(update={"seed": (9, 9, 9), "status": "failed", "metrics": {}, "error": f"Traceback {EVIL}"})
    out = tmp_path_factory.mktemp("board")
    write([*rows, *evil, failed], out)
    return out


@pytest.fixture(scope="module")
def tab(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.size(1300, 900)
    browser.open((folder / "leaderboard.html").as_uri())
    yield browser
    browser.close()


@pytest.fixture
def quiet(tab: Browser) -> Iterator[Browser]:
    """The tab; afterwards no message may have come and nothing may have been asked for."""
    tab.errors.clear()
    yield tab
    assert tab.errors == []
    assert [address for address in tab.requests if not address.startswith(("file:", "data:", "about:"))] == []


def column(tab: Browser, table: str, number: int) -> list[str]:
    return tab.texts(f"{table} tbody tr > :nth-child({number})")


def test_the_ranking_of_the_plan_is_shown_as_python_computed_it(quiet: Browser, folder: Path) -> None:
    quiet.go("#/board")
    said = json.loads((folder / "leaderboard.json").read_text())
    (plan,) = [b for b in said["boards"] if (b["problem"], b["track"]) == ("multiclass", "last")]
    assert column(quiet, "#primary", 1) == [line["method"] for line in plan["methods"]]
    assert column(quiet, "#primary", 2)[0].startswith(f"{plan['methods'][0]['z']:+.2f} [{plan['methods'][0]['low']:+.2f}, ")


def test_estimates_of_the_page_agree_with_the_statistics(quiet: Browser) -> None:
    rows = made_rows()
    evil = [row.model_copy(update={"labels": row.labels | {"task": EVIL}}) for row in rows if row.task == "made0"]
    data = run_frame([*rows, *evil])
    narrow = (data["track"] == "noisy_val") & (data["rate"] > 0.2)
    for query, kept in (("track=last", data["track"] == "last"), ("track=noisy_val&noise=class conditional&rate=20 to 40 %", narrow)):
        want = board(data[kept], confirm=False).table
        code = f"const q = new URLSearchParams({json.dumps(query)}); const D = board.data;"
        code += "const i = board.chosen(q).filter((k) => !D.cells[D.lines.c[k]].clean);"
        got = quiet.js(f"(() => {{ {code} return board.estimates(i).lines.map((l) => [l.name, l.value, l.low, l.high, l.worst, l.below]); }})()")
        assert {line[0] for line in got} == set(want.index)
        for name, *numbers in got:
            expected = want.loc[name, ["z", "low", "high", "worst_decile", "below_erm"]].tolist()
            assert numbers[0] == pytest.approx(expected[0], abs=1e-3)
            if name != "erm":
                assert numbers[1:] == pytest.approx(expected[1:], abs=2e-3)


def test_the_critical_difference_diagram_agrees_with_the_statistics(quiet: Browser) -> None:
    quiet.go("#/board")
    assert "Critical-difference diagram" in quiet.texts("figcaption strong")
    code = "const D = board.data; const i = board.chosen(new URLSearchParams('track=last')).filter((k) => !D.cells[D.lines.c[k]].clean);"
    got = quiet.js(f"(() => {{ {code} return board.rankGroups(board.estimates(i).lines); }})()")
    rows = made_rows()
    evil = [row.model_copy(update={"labels": row.labels | {"task": EVIL}}) for row in rows if row.task == "made0"]
    data = run_frame([*rows, *evil])
    z = board(data[data["track"] == "last"], confirm=False).blocks.tasks.assign(erm=0.0)
    want = dict(zip(z, ranked(-z.to_numpy()).mean(0), strict=True))
    assert {line["name"]: line["rank"] for line in got["lines"]} == pytest.approx(want)
    assert got["difference"] == pytest.approx(critical_difference(len(want), len(z)), abs=1e-3)
    assert [tuple(group) for group in got["groups"]] == cliques(np.sort(list(want.values())), got["difference"])


def test_a_filter_computes_again_and_leaves_the_ranking_alone(quiet: Browser) -> None:
    quiet.go("#/board")
    before, ranking = quiet.texts("#estimates tbody tr"), quiet.texts("#primary tbody tr")
    quiet.js("const s = document.querySelector('select[name=rate]'); s.value = 'up to 20 %'; s.dispatchEvent(new Event('change')); 0")
    assert quiet.texts("#estimates tbody tr") != before
    assert quiet.texts("#primary tbody tr") == ranking
    assert "rate=up+to+20" in quiet.js("location.hash")
    quiet.js("const p = document.querySelector('select[name=privileged]'); p.value = 'without'; p.dispatchEvent(new Event('change')); 0")
    assert not any(name.startswith("small_loss") for name in column(quiet, "#estimates", 1))
    assert "erm" in column(quiet, "#estimates", 1)


def test_columns_sort_both_ways_and_say_so(quiet: Browser) -> None:
    quiet.go("#/results?q=symmetric")
    quiet.click("#results [data-sort=n]")
    quiet.click("#results [data-sort=seconds]")
    values = [float(text) for text in column(quiet, "#results", 15)]
    assert values == sorted(values, reverse=True)
    assert quiet.texts("#results th[aria-sort=descending]") == ["Seconds ▾"]
    quiet.click("#results [data-sort=seconds]")
    assert quiet.texts("#results th[aria-sort=ascending]") == ["Seconds ▴"]
    values = [float(text) for text in column(quiet, "#results", 15)]
    assert values == sorted(values)


def test_a_deep_link_opens_what_it_names(quiet: Browser, folder: Path) -> None:
    quiet.open((folder / "leaderboard.html").as_uri() + "#/results?q=elr+made3&track=noisy_val&sort=task&dir=asc")
    assert set(column(quiet, "#results", 1)) == {"elr"}
    assert set(column(quiet, "#results", 2)) == {"made3"}
    assert quiet.js("document.querySelector('input[name=q]').value") == "elr made3"
    assert quiet.texts("#count") == ["4 lines."]


def test_search_keeps_the_focus_while_typing(quiet: Browser) -> None:
    quiet.go("#/results")
    quiet.js("const q = document.querySelector('input[name=q]'); q.focus(); q.value = 'gc'; q.setSelectionRange(2, 2); q.dispatchEvent(new Event('input')); 0")
    assert quiet.js("document.activeElement.name") == "q"
    assert set(column(quiet, "#results", 1)) == {"gce"}


def test_a_cell_shows_every_seed_with_its_command(quiet: Browser) -> None:
    quiet.go("#/cell/" + quiet.js("encodeURIComponent('made1 | symmetric(rate=0.4) | cnn | smoke')"))
    quiet.until("document.querySelectorAll('#runs tbody tr').length > 0")
    assert len(column(quiet, "#runs", 1)) == 5 * 3
    assert "python -m benchmark task=made1" in quiet.texts("#runs details pre")[0]
    assert "Memorization over epochs" in quiet.texts("figcaption strong")
    assert quiet.texts("svg[role=img] > title")


def test_two_methods_are_compared_seed_by_seed(quiet: Browser) -> None:
    quiet.go("#/compare?a=elr&b=erm&track=last&rate=20 to 40 %")
    assert quiet.texts("#count")[0].startswith("elr is better in 16 of 16 cells")
    assert quiet.js("document.querySelectorAll('.charts svg circle').length") == 16 * 3


def test_advice_names_its_regret(quiet: Browser) -> None:
    quiet.go("#/which?for=multiclass")
    assert "Try elr" in quiet.texts("#advice")[0]
    assert "It beats always erm" in quiet.texts("#main ul")[0]
    assert "It does not beat always the best on average" in quiet.texts("#main ul")[0]


def test_every_page_fits_a_phone_and_names_its_controls(quiet: Browser) -> None:
    quiet.size(390, 844, dark=True)
    for place in ("#/board", "#/results", "#/method/elr", "#/method", "#/compare", "#/noise/symmetric", "#/which", "#/evidence"):
        quiet.go(place)
        assert quiet.js("document.documentElement.scrollWidth") <= 390, place
        assert quiet.js("[...document.querySelectorAll('select, input')].every((n) => n.closest('label') && n.closest('label').textContent.trim())"), place
        named = "(n) => n.getAttribute('aria-label') && (n.querySelector('a') === null || n.role !== 'img')"
        assert quiet.js(f"[...document.querySelectorAll('figure .scroll svg[role]')].every({named})"), place
        assert quiet.js("document.querySelectorAll('h1').length") == 1, place
        assert quiet.js("[...document.querySelectorAll('table')].every((n) => n.caption && n.querySelector('thead th[scope=col]'))"), place
        assert quiet.js("new Set([...document.querySelectorAll('[id]')].map((n) => n.id)).size === document.querySelectorAll('[id]').length"), place
    quiet.size(1300, 900)


@pytest.mark.skipif("LABELNOISE_AXE" not in os.environ, reason="LABELNOISE_AXE names no axe.min.js of the npm package axe-core")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(quiet: Browser, folder: Path, dark: bool) -> None:
    quiet.size(1300, 900, dark)
    quiet.open((folder / "leaderboard.html").as_uri())
    quiet.js(Path(os.environ["LABELNOISE_AXE"]).read_text(encoding="utf8") + "; 0")
    cell = "#/cell/" + quiet.js("encodeURIComponent('made1 | symmetric(rate=0.4) | cnn | smoke')")
    for place in ("#/board", "#/results", "#/method/elr", "#/method", cell, "#/compare", "#/noise/symmetric", "#/which", "#/evidence"):
        quiet.go(place)
        ask = "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact))"
        assert quiet.js(f"{ask}.map((v) => v.id + ': ' + v.nodes[0].html))") == [], place
    quiet.size(1300, 900)


def test_text_of_rows_stays_text(quiet: Browser) -> None:
    quiet.go("#/results?q=onerror")
    assert set(column(quiet, "#results", 2)) == {EVIL}
    assert quiet.js("document.querySelectorAll('main img').length") == 0
    quiet.go("#/cell/" + quiet.js("encodeURIComponent('made0 | clean | cnn | smoke')"))
    quiet.until("document.querySelectorAll('#runs tbody tr').length > 0")
    assert any(EVIL in text for text in quiet.texts("#runs pre"))


def test_rows_beside_the_page_are_read_on_demand(quiet: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.leaderboard.INSIDE", 10)
    monkeypatch.setattr("benchmark.leaderboard.SHARD", 50)
    write(made_rows(tasks=2), tmp_path)
    assert len(list((tmp_path / page_module.FOLDER).glob("*.js"))) == 2
    quiet.open((tmp_path / "leaderboard.html").as_uri() + "#/cell/made1%20%7C%20clean%20%7C%20cnn%20%7C%20smoke")
    quiet.until("document.querySelectorAll('#runs tbody tr').length > 0")
    assert [address for address in quiet.requests if address.endswith(".js")][-1].endswith(f"{page_module.FOLDER}/1.js")


def test_a_page_without_rows_says_so(quiet: Browser, tmp_path: Path) -> None:
    write([], tmp_path)
    quiet.open((tmp_path / "leaderboard.html").as_uri())
    assert "No finished run yet." in quiet.texts("main p")
    for place in ("#/results", "#/method", "#/compare", "#/which", "#/evidence"):
        quiet.go(place)
    assert compute([]).runs == 0
