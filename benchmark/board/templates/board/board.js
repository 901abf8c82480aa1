// The front page: the ranking of the plan as it was computed, and what any other selection of rows says.
function boardPage({ query }) {
  const problems = distinct(D.cells.map((cell) => cell.problem));
  if (!problems.length) return [el("h1", null, "Label noise leaderboard"), el("p", null, D.summary), el("p", null, "No finished run yet.")];
  const problem = query.get("problem") || problems[0], track = query.get("track") || "last";
  const own = new URLSearchParams(query);
  own.set("problem", problem);
  const noisy = chosen(own).filter((i) => !D.cells[L.c[i]].clean);
  const tier = { ranked: noisy.filter((i) => mayRank(L.c[i], track)), pretrained: noisy.filter((i) => mayRank(L.c[i], track, true)), all: noisy };
  const { ranked } = tier, which = query.get("cells") in tier ? query.get("cells") : ranked.length ? "ranked" : "all", all = which === "all";
  const found = estimates(tier[which]);
  const narrowed = [...query].some(([key, value]) => value && !["problem", "track", "sort", "dir", "psort", "pdir"].includes(key));
  return [
    el("h1", null, "Label noise leaderboard"),
    el("p", { class: "lead" }, "Which method for learning with noisy labels works, on which noise, at what cost, and is the difference real?"),
    el("div", { class: "tabs", role: "group", "aria-label": "Task type" }, [...problems].map((name) => el("a", { href: address("board", "", { problem: name, track: query.get("track") || "" }), "aria-current": name === problem ? "true" : null }, name))),
    firstScreen(problem),
    primaryBoard(problem, track, narrowed, query),
    el("h2", null, "Estimates on a selection"),
    el("p", { class: "note" }, "A filter computes everything again from the seeds' scores of the rows that it keeps: the methods that have every run, the pooled sd, z, the intervals, the ranks. Nothing is dropped from a finished ranking. No p-values here: these views are not the primary analysis."),
    filterBar(own, ["track", "inputs", "task", "noise", "rate", "family", "privileged", "adapted"], true,
      el("label", null, "Cells", el("select", { name: "cells", onchange: (event) => change({ cells: event.target.value }) }, [["ranked", "only those that may rank"], ["pretrained", "on pretrained encoders"], ["all", "all"]].map(([value, text]) => el("option", { value, selected: value === which }, text))))),
    el("p", { id: "count", role: "status" }, `${counted(found.lines.length, "method")}, ${counted(found.names.length, "cell")} of ${tasks(found.blocks.length)}, ${problem}, selected by ${track}.`,
      all && !ranked.length && noisy.length ? " No cell of this selection may rank (development tasks, pretrained encoders, cells where erm does not memorize or where noisy validation does not inform): these are estimates over all of its cells." : ""),
    found.lines.length ? selectionViews(found, query) : el("p", null, "Nothing to compare: no cell has erm and two seeds."),
    apart(noisy, track),
    everyKind(track, problems),
  ];
}
// The first screen is html of the file; the page shows the part of one problem kind.
const FIRST = document.getElementById("first");
const firstScreen = (problem) => [...FIRST.children].filter((part) => part.dataset.problem === problem).map((part) => part.cloneNode(true));
const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`, tasks = (n) => counted(n, "task");
function primaryBoard(problem, track, narrowed, query) {
  const board = D.boards.find((b) => b.problem === problem && b.track === track);
  const title = `Ranking of the plan: ${problem}, selected by ${track}`;
  if (!board || !board.methods.some((line) => line.method !== ERM && known(line.z))) {
    const why = board ? [board.note, board.left_out.slice(0, 6).join("; ")].filter(Boolean).join(". ") : track === "clean_val" || track === "oracle" ? "a reference track is never ranked" : "only development tasks have rows, and those are never ranked";
    return [el("h2", null, title), el("p", { class: "note" }, `Empty: ${why}.`)];
  }
  const columns = [
    { key: "method", label: "Method", left: true, value: (l) => l.method, show: (l) => methodLink(METHOD_OF.get(l.method), l.marks) },
    { key: "z", label: "z [simultaneous 95 %]", value: (l) => l.z, show: (l) => interval(l.z, l.low, l.high, 2, true) + l.stars, title: "mean gain over erm in sd over seeds, tasks as blocks" },
    SEEDS,
    { key: "p", label: "p (max-T)", value: (l) => l.p, show: (l) => number(l.p) },
    { key: "worst", label: "Worst decile", value: (l) => l.worst_decile, show: (l) => number(l.worst_decile, 2, true) },
    { key: "below", label: "Cells below erm", value: (l) => l.below_erm, show: (l) => percent(l.below_erm) },
    { key: "rank", label: "Rank [95 %]", value: (l) => l.rank, show: (l) => interval(l.rank, l.rank_low, l.rank_high, 1) },
    { key: "first", label: "P(first)", value: (l) => l.first, show: (l) => number(l.first, 2) },
  ];
  return [
    el("h2", null, title),
    el("p", { class: "note" }, [board.note, narrowed && "Filters below do not touch it", MARKS].filter(Boolean).join(". ") + "."),
    sortable(title, columns, board.methods, query, "p", { key: "z", dir: "desc" }, { id: "primary" }),
    incomplete(Object.entries(board.incomplete)),
    board.left_out.length ? el("p", { class: "note" }, `Not on the board: ${board.left_out.slice(0, 12).join("; ")}${board.left_out.length > 12 ? "; …" : ""}.`) : "",
    board.methods.some((l) => known(l.low)) ? figure("Effects", `(${THICK}; ${THIN})`, intervalChart(`${title}: intervals`, board.methods.map((l) => ({ ...l, name: l.method, value: l.z })), (l) => address("method", l.name))) : "",
  ];
}
const MARKS = "† adapted to this task type, * knows more than the noisy labels, ‡ reported by others, ∅ collapsed: (nearly) constant predictions";
const THICK = "thick: simultaneous 95 %, max-T over methods, tasks as blocks, gray holds zero", THIN = "thin: 95 % over seeds on these tasks";
const SEEDS = {
  key: "seeds", label: "[95 % over seeds, these tasks]", value: (l) => l.seed_low, show: (l) => (known(l.seed_low) ? `[${number(l.seed_low, 2, true)}, ${number(l.seed_high, 2, true)}]` : "n/a"),
  title: "t-interval over seeds, each one mean over the same cells: what chance does on these tasks. Other tasks may differ by more",
};
const incomplete = (entries) => (entries.length ? el("p", { class: "note" }, "Not ranked, with the share of the runs that they have: " + entries.map(([name, share]) => `${name} ${(100 * share).toFixed(0)} %`).join(", ") + ".") : "");
// Cells that may not rank, with the reason: they are shown, and never in a ranking.
function apart(noisy, track) {
  const cells = [...new Set(noisy.map((i) => L.c[i]))].filter((c) => !mayRank(c, track)).map((c) => D.cells[c]);
  const why = (cell) => (cell.development ? "a development task: settings were chosen on it" : cell.pretrained ? "a pretrained encoder: a tier of its own" : cell.memorizes === false ? cell.reason : `rho_sel ${number(cell.rho, 2)}: noisy validation does not rank here`);
  return cells.length ? el("details", null, el("summary", null, `${cells.length} ${cells.length === 1 ? "cell" : "cells"} of this selection may not rank`), el("ul", null, cells.map((cell) => el("li", null, cellLink(D.cells.indexOf(cell)), ": ", why(cell))))) : "";
}
function selectionViews(found, query) {
  const columns = [
    { key: "method", label: "Method", left: true, value: (l) => l.name, show: (l) => methodLink(METHOD_OF.get(l.name), l.marks) },
    { key: "family", label: "Family", left: true, value: (l) => D.methods[METHOD_OF.get(l.name)].family },
    { key: "z", label: "z [simultaneous 95 %]", value: (l) => l.value, show: (l) => interval(l.value, l.low, l.high, 2, true), title: "mean gain over erm in sd over seeds; intervals need six tasks" },
    SEEDS,
    { key: "rank", label: "Rank", value: (l) => l.rank, show: (l) => number(l.rank, 1) },
    { key: "worst", label: "Worst decile", value: (l) => l.worst, show: (l) => number(l.worst, 2, true) },
    { key: "below", label: "Cells below erm", value: (l) => l.below, show: (l) => percent(l.below) },
    { key: "memorization", label: "Memorization", value: (l) => l.memorization, show: (l) => number(l.memorization) },
    { key: "cost", label: "Cost", value: (l) => l.cost, show: (l) => (known(l.cost) ? number(l.cost, 2) + " x" : "n/a"), title: "forward and backward passes, erm = 1" },
  ];
  const front = paretoFront(found.lines), few = found.lines.slice(0, 12), cells = found.names.slice(0, 60), lower = found.lines.slice(0, 45), names = cellNames(cells);
  const points = found.lines.map((l, at) => ({ ...l, x: l.cost, y: l.value, label: l.name, front: front[at], title: `${l.name}: ${interval(l.value, l.low, l.high, 2, true)} sd at ${number(l.cost, 2)} x the cost of erm` })).filter((p) => known(p.x));
  for (const p of points) if (!known(p.low)) [p.low, p.high] = [p.seed_low, p.seed_high];
  const over = tasks(found.blocks.length), wide = found.lines.some((l) => known(l.low)), { taus, lines } = profiles(found.lines, few.length);
  return [
    sortable("Estimates on the selection", columns, found.lines, query, "", { key: "z", dir: "desc" }, { id: "estimates" }),
    incomplete(found.incomplete),
    wide ? "" : el("p", { class: "note" }, `${over}: estimates only, simultaneous intervals need ${D.least_tasks}.`),
    el("div", { class: "charts" },
      figure("Effects", `over ${over} (${wide ? THICK + "; " : ""}${THIN})`, intervalChart("Effect of every method of the selection", found.lines, (l) => address("method", l.name))),
      criticalDifference(found),
      figure("Quality against cost", `(the line joins methods that nobody beats in both; whiskers: ${wide ? "simultaneous 95 %" : "95 % over seeds"})`, scatter("Quality against cost", points, { xName: "cost: forward and backward passes, erm = 1", yName: GAIN, logX: true, front: true, href: (p) => address("method", p.name) })),
      figure("Performance profile", `(share of cells in which a method is within so many sd of the best; ${few.length < found.lines.length ? `the ${few.length} best of ${found.lines.length} methods, ` : ""}${found.names.length} cells)`, lineChart("Performance profile", lines.map((p) => ({ name: p.name, points: p.y.map((y, k) => ({ x: taus[k], y })) })), { xName: "sd behind the best", yName: "share of cells", zero: true, steps: true })),
      figure("Methods and cells", `(z; green better than erm, red worse${found.names.length > cells.length ? `; the first ${cells.length} of ${found.names.length} cells` : ""})`,
        heatMap("Heat map of z, methods by cells", lower.map((l) => l.name), names, (r, c) => lower[r].z[c], (r, c, v) => `${lower[r].name} on ${cellName(D.cells[cells[c]])}: ${number(v, 2, true)}`, (r, c) => address("cell", cellName(D.cells[cells[c]]))))),
  ];
}
function criticalDifference(found) {
  const shown = found.lines.slice(0, D.nemenyi.length - 1);
  if (found.blocks.length < D.least_tasks || shown.length < 3) return "";
  const made = rankGroups(shown), title = "Critical-difference diagram";
  const note = `(mean ranks over ${tasks(found.blocks.length)}${shown.length < found.lines.length ? ` of the ${shown.length} methods with the best z` : ""}; a bar joins methods that Nemenyi's test at .05 does not separate; the test of the plan is the one against erm)`;
  return figure(title, note, rankChart(title, made.lines, made.difference, made.groups, (l) => address("method", l.name)));
}
function everyKind(track, problems) {
  const per = problems.map((problem) => new Map((D.boards.find((b) => b.problem === problem && b.track === track) || { methods: [] }).methods.map((l) => [l.method, l.z])));
  const shared = per.length > 1 ? [...per[0].keys()].filter((m) => per.every((board) => board.has(m))) : [];
  if (!shared.length) return "";
  return [el("h2", null, "Methods that serve every task type"), el("p", { class: "note" }, "z of each ranking, side by side: unlike metrics are never averaged."), plainTable("z by task type", ["Method", ...problems], shared.map((m) => [methodLink(METHOD_OF.get(m)), ...per.map((board) => number(board.get(m), 2, true))]))];
}

// Every cell, method and track on a line.
function resultsPage({ query }) {
  const lines = chosen(query), cell = (i) => D.cells[L.c[i]];
  const columns = [
    { key: "method", label: "Method", left: true, value: (i) => D.methods[L.m[i]].name, show: (i) => methodLink(L.m[i], marks(i)) },
    { key: "task", label: "Task", left: true, value: (i) => cell(i).task, show: (i) => cellLink(L.c[i], cell(i).task) },
    { key: "noise", label: "Noise", left: true, value: (i) => cell(i).noise, show: (i) => link(cell(i).noise, "noise", cell(i).base) },
    { key: "rate", label: "Wrong", value: (i) => cell(i).rate, show: (i) => percent(cell(i).rate) },
    { key: "n", label: "n", value: (i) => L.n[i] },
    { key: "score", label: "Score [95 %]", value: (i) => cell(i).sign * L.mean[i], show: (i) => `${interval(L.mean[i], L.low[i], L.high[i])} ${cell(i).metric}` },
    ...gains(),
  ];
  return [
    el("h1", null, "All results"),
    el("p", { class: "note" }, D.legend),
    filterBar(query, FILTERS.map((f) => f.key)),
    el("p", { id: "count", role: "status" }, `${lines.length} lines.`),
    sortable("Results", columns, lines, query, "", { key: "task", dir: "asc" }, { id: "results" }),
  ];
}
function gains() { // columns that results, methods and cells share
  return [
    { key: "gain", label: "Gain over erm [95 %]", value: (i) => L.gain[i], show: (i) => interval(L.gain[i], L.gain_low[i], L.gain_high[i], 3, true) + (L.stars[i] || "") + (known(L.gain_low[i]) && L.gain_low[i] <= 0 && L.gain_high[i] >= 0 ? ` (${number(L.detectable[i])})` : ""), title: "paired, seed by seed; (d): the smallest difference that this many seeds find 8 times in 10" },
    { key: "gap", label: "Gap closed", value: (i) => L.gap_closed[i], show: (i) => interval(L.gap_closed[i], L.gap_closed_low[i], L.gap_closed_high[i], 2) },
    { key: "repaired", label: "Damage repaired", value: (i) => L.damage_reduction[i], show: (i) => interval(L.damage_reduction[i], L.damage_reduction_low[i], L.damage_reduction_high[i], 2) },
    { key: "clean", label: "Clean gain", value: (i) => L.clean_gain[i], show: (i) => interval(L.clean_gain[i], L.clean_gain_low[i], L.clean_gain_high[i], 3, true) },
    { key: "memorization", label: "Memorization", value: (i) => L.memorization[i], show: (i) => number(L.memorization[i]) },
    { key: "detection", label: "Detection AP*", value: (i) => L.detection[i], show: (i) => number(L.detection[i]) },
    { key: "cost", label: "Cost", value: (i) => L.cost[i], show: (i) => (known(L.cost[i]) ? number(L.cost[i], 2) + " x" : "n/a") },
    { key: "seconds", label: "Seconds", value: (i) => L.seconds[i], show: (i) => number(L.seconds[i], 1) },
  ];
}
