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
from support.boardrows import made_rows

from benchmark.bench.browser import Browser, found
from benchmark.board import page as page_module
from benchmark.board.comparisons import compute
from benchmark.board.frames import run_frame
from benchmark.board.leaderboard import write
from benchmark.stats import board
from benchmark.stats.orders import cliques, critical_difference, ranked

pytestmark = pytest.mark.skipif(found() is None, reason="browser tests left out: no chromium on this machine (apt-get install chromium)")
PAPER = {"method": "elr", "task": "made1", "noise": "symmetric(rate=0.4)", "value": "0.8", "source": "a paper", "protocol": "best epoch", "sure": "read"}
EVIL = "<img src=x onerror=alert(1)>&\"'</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of seven tasks, with a row that means harm, a run that failed, and a number of a paper."""
    rows = made_rows()
    evil = [row.model_copy(update={"labels": row.labels | {"task": EVIL}, "cell": "e" + row.cell[1:]}) for row in rows if row.task == "made0"]
    failed = rows[0].model_copy(update={"seed": (9, 9, 9), "status": "failed", "metrics": {}, "error": f"Traceback {EVIL}"})
    out = tmp_path_factory.mktemp("board")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.board.evidence.published", lambda: [PAPER])
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
    assert column(quiet, "#primary", 1) == [line["method"] + line["marks"] for line in plan["methods"]]
    assert "small_loss*" in column(quiet, "#primary", 1)
    best = plan["methods"][0]
    assert column(quiet, "#primary", 2)[0].startswith(f"{best['z']:+.2f} [{best['low']:+.2f}, ")
    assert column(quiet, "#primary", 3)[0] == f"[{best['seed_low']:+.2f}, {best['seed_high']:+.2f}]"


def test_estimates_of_the_page_agree_with_the_statistics(quiet: Browser) -> None:
    rows = made_rows()
    evil = [row.model_copy(update={"labels": row.labels | {"task": EVIL}}) for row in rows if row.task == "made0"]
    data = run_frame([*rows, *evil])
    narrow = (data["track"] == "noisy_val") & (data["rate"] > 0.2)
    for query, kept in (("track=last", data["track"] == "last"), ("track=noisy_val&noise=class-conditional&rate=20 to 40 %", narrow)):
        want = board(data[kept], confirm=False).table
        code = f"const q = new URLSearchParams({json.dumps(query)}); const D = board.data;"
        code += "const i = board.chosen(q).filter((k) => !D.cells[D.lines.c[k]].clean);"
        got = quiet.js(
            f"(() => {{ {code} return board.estimates(i).lines.map((l) => [l.name, l.value, l.low, l.high, l.worst, l.below, l.seed_low, l.seed_high]); }})()"
        )
        assert {line[0] for line in got} == set(want.index)
        for name, *numbers in got:
            expected = want.loc[name, ["z", "low", "high", "worst_decile", "below_erm", "seed_low", "seed_high"]].tolist()
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


def test_a_performance_profile_counts_the_cells_in_which_a_method_is_near_the_best_of_all(quiet: Browser) -> None:
    code = "const D = board.data; const i = board.chosen(new URLSearchParams('track=last&q=made')).filter((k) => !D.cells[D.lines.c[k]].clean);"
    got = quiet.js(f"(() => {{ {code} return board.profiles(board.estimates(i).lines, 2); }})()")
    data = run_frame(made_rows())
    z = board(data[data["track"] == "last"], confirm=False).blocks.cells.assign(erm=0.0)
    behind = z.max(axis=1).to_numpy()[:, None] - z.to_numpy()
    assert len(got["lines"]) == 2
    assert got["taus"][0] == 0
    assert len(got["taus"]) > 10
    for line in got["lines"]:
        mine = behind[:, list(z).index(line["name"])]
        assert line["y"] == pytest.approx([(mine <= tau + 1e-3).mean() for tau in got["taus"]], abs=1 / len(z) + 1e-9)  # scores on the page have five digits
        assert line["y"] == sorted(line["y"])


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


def test_text_sorts_as_it_says(quiet: Browser) -> None:
    quiet.go("#/results")
    quiet.click("#results [data-sort=method]")
    assert quiet.texts("#results th[aria-sort=ascending]") == ["Method ▴"]
    names = column(quiet, "#results", 1)
    assert names[0].startswith("elr")
    assert [name.rstrip("*") for name in names] == sorted(name.rstrip("*") for name in names)
    quiet.click("#results [data-sort=method]")
    assert column(quiet, "#results", 1)[0].startswith("small_loss")


def test_a_papers_number_stands_beside_ours(quiet: Browser) -> None:
    rows = [row for row in made_rows() if (row.task, row.labels["noise"], row.method) == ("made1", "symmetric(rate=0.4)", "elr")]
    ours = np.mean([row.metrics["test/last/accuracy"] for row in rows])
    for place in ("#/method/elr", "#/cell/" + quiet.js("encodeURIComponent('made1 | symmetric(rate=0.4) | cnn | smoke')")):
        quiet.go(place)
        assert "Published by papers" in quiet.texts("h2")
        cells = quiet.js(
            "[...[...document.querySelectorAll('table')].find((t) => t.caption.textContent === 'Published numbers').rows[1].cells].map((c) => c.textContent)"
        )
        assert cells[:2] == ["elr", "0.8000"]
        assert cells[2].startswith(f"{ours:.3f} [")


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
    quiet.until("document.querySelectorAll('#runs details p.note').length > 0")
    assert "names a plugin or a value that this suite does not have" in quiet.texts("#runs details p.note")[0]  # there is no task made1
    assert "Memorization over epochs" in quiet.texts("figcaption strong")
    assert quiet.texts("svg[role=img] > title")


def test_what_a_cell_may_not_say_stands_on_its_page(quiet: Browser) -> None:
    place = "#/cell/" + quiet.js("encodeURIComponent('made1 | symmetric(rate=0.4) | cnn | smoke')")
    code = "const D = board.data; const cell = D.cells.find((c) => c.task === 'made1' && c.noise === 'symmetric(rate=0.4)');"
    quiet.go(place)
    before = quiet.js("document.body.innerText")
    assert "tier of its own" not in before
    assert "same wrong labels" not in before
    quiet.js(f"(() => {{ {code} cell.pretrained = cell.one_draw = true; }})()")
    try:
        quiet.go("#/board?cells=pretrained")
        assert ", 1 cell of 1 task," in quiet.texts("#count")[0]
        quiet.go(place)
        after = quiet.js("document.body.innerText")
        assert "no: a pretrained encoder is a tier of its own" in after
        assert "all seeds have the same wrong labels" in after
    finally:
        quiet.js(f"(() => {{ {code} cell.pretrained = cell.one_draw = false; }})()")


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
        wide = "(n) => Math.abs(n.getBoundingClientRect().width - n.getAttribute('width')) < 1"  # a pixel is a pixel: text keeps its size
        assert quiet.js(f"[...document.querySelectorAll('figure svg[role]')].every({wide})"), place
    quiet.go("#/board")
    widths = "[...document.querySelectorAll('figure svg[role]')].map((n) => +n.getAttribute('width'))"
    narrow = quiet.js(widths)
    assert min(narrow) < 340
    quiet.size(1300, 900)
    quiet.until(f"Math.min(...{widths}) > 500")


@pytest.mark.skipif("LABELNOISE_AXE" not in os.environ, reason="LABELNOISE_AXE names no axe.min.js of the npm package axe-core")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(quiet: Browser, folder: Path, dark: bool) -> None:
    """Every page, with the critical-difference diagram, empty selections and opened rows; in the dark only what colors change."""
    quiet.size(390 if dark else 1300, 900, dark)
    quiet.open((folder / "leaderboard.html").as_uri())
    quiet.js(Path(os.environ["LABELNOISE_AXE"]).read_text(encoding="utf8") + "; 0")
    cell = "#/cell/" + quiet.js("encodeURIComponent('made1 | symmetric(rate=0.4) | cnn | smoke')")
    states = ("#/board?rate=none", "#/results?q=nobody", "#/cell/none", "#/compare?a=erm&b=erm", "#/which?for=multiclass&budget=1.05&knows=yes")
    rules = "runOnly: ['color-contrast', 'scrollable-region-focusable']" if dark else "resultTypes: ['violations']"
    for place in ("#/board", "#/results", "#/method/elr", "#/method", cell, "#/compare", "#/noise/symmetric", "#/noise", "#/which", "#/evidence", *states):
        quiet.go(place)
        quiet.js("document.querySelectorAll('details').forEach((n) => { n.open = true; }); 0")
        ask = f"axe.run(document, {{{rules}}}).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact))"
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
    monkeypatch.setattr("benchmark.board.leaderboard.INSIDE", 10)
    monkeypatch.setattr("benchmark.board.leaderboard.SHARD", 50)
    write(made_rows(tasks=2), tmp_path)
    assert len(list((tmp_path / page_module.FOLDER).glob("*.js"))) == 2
    quiet.open((tmp_path / "leaderboard.html").as_uri() + "#/cell/made1%20%7C%20clean%20%7C%20cnn%20%7C%20smoke")
    quiet.until("document.querySelectorAll('#runs tbody tr').length > 0")
    assert [address for address in quiet.requests if address.endswith(".js")][-1].endswith(f"{page_module.FOLDER}/1.js")


def test_cells_that_may_not_rank_are_named_with_the_reason(quiet: Browser, tmp_path: Path) -> None:
    """And where there are too few tasks for an interval, numbers have one over seeds."""
    rows = made_rows(tasks=2)
    weak = [row.model_copy(update={"metrics": row.metrics | {"train/last/memorization": 0.01}}) for row in rows if row.task == "made1" and row.noise != "clean"]
    write([row for row in rows if row.task == "made0"] + weak, tmp_path)
    quiet.open((tmp_path / "leaderboard.html").as_uri())
    assert quiet.texts("main details summary") == ["3 cells of this selection may not rank"]
    assert all("erm does not memorize here" in text for text in quiet.texts("main details li"))
    assert "simultaneous intervals need 6" in " ".join(quiet.texts("main p.note"))
    assert set(column(quiet, "#primary", 4)) == {"n/a"}
    assert all(text.startswith("[") for name, text in zip(column(quiet, "#primary", 1), column(quiet, "#primary", 3), strict=True) if name != "erm")
    assert quiet.js("document.querySelectorAll('figure svg line.thin').length") >= 4


def test_a_page_without_rows_says_so(quiet: Browser, tmp_path: Path) -> None:
    write([], tmp_path)
    quiet.open((tmp_path / "leaderboard.html").as_uri())
    assert "No finished run yet." in quiet.texts("main p")
    for place in ("#/results", "#/method", "#/compare", "#/which", "#/evidence"):
        quiet.go(place)
    assert compute([]).runs == 0
