// One page per method, cell and noise, and the comparison of two methods.
function methodPage({ argument, query }) {
  const m = METHOD_OF.get(argument);
  if (m === undefined) return methodIndex(query);
  const method = D.methods[m], lines = [...chosen(query, ["family", "privileged", "adapted"])].filter((i) => L.m[i] === m);
  const [first, ...rest] = (method.doc || "").split("\n\n");
  const one = lines[0];
  return [
    el("h1", null, method.name),
    el("p", { class: "equation" }, prose(first)),
    rest.map((text) => el("p", null, prose(text))),
    facts([["Source", method.cites], ["Family", method.family], ["Serves", method.kinds], ["Native task types", method.native], ["Knows beside noisy labels", method.needs || "nothing"],
      ["Networks", method.networks], ["State", method.keeps], ["To the paper", [method.fidelity, method.differs].filter(Boolean).join(": ")], ["Developed on", method.developed_on],
      ["Passes, counted", one !== undefined && known(L.forward[one]) ? `${number(L.forward[one], 2)} forward and ${number(L.backward[one], 2)} backward per example and epoch, ${number(L.cost[one], 2)} x erm` : ""],
      ["Defaults", method.defaults]]),
    el("p", null, link(`Compare ${method.name} with another method`, "compare", "", { a: method.name, b: method.name === ERM ? "" : ERM })),
    publishedOf((p) => p.method === method.base),
    filterBar(query, ["problem", "inputs", "task", "noise", "rate", "track"]),
    el("p", { id: "count", role: "status" }, `${lines.length} cells.`),
    curves(lines.length ? distinct(lines.map((i) => D.cells[L.c[i]].problem)) : [], query, [m]),
    sortable(`Cells of ${method.name}`, [
      { key: "task", label: "Task", left: true, value: (i) => D.cells[L.c[i]].task, show: (i) => cellLink(L.c[i], D.cells[L.c[i]].task) },
      { key: "noise", label: "Noise", left: true, value: (i) => D.cells[L.c[i]].noise },
      { key: "model", label: "Model", left: true, value: (i) => D.cells[L.c[i]].model },
      { key: "n", label: "n", value: (i) => L.n[i] },
      { key: "score", label: "Score [95 %]", value: (i) => D.cells[L.c[i]].sign * L.mean[i], show: (i) => `${interval(L.mean[i], L.low[i], L.high[i])} ${D.cells[L.c[i]].metric}` },
      ...gains()], lines, query, "", { key: "gain", dir: "desc" }, { id: "cells" }),
  ];
}
function methodIndex(query) {
  return [el("h1", null, "Methods"), sortable("Methods with rows", [
    { key: "name", label: "Method", left: true, value: (m) => m.name, show: (m) => link(m.name, "method", m.name) },
    { key: "family", label: "Family", left: true, value: (m) => m.family },
    { key: "needs", label: "Knows", left: true, value: (m) => m.needs },
    { key: "networks", label: "Networks", value: (m) => m.networks },
    { key: "native", label: "Native task types", left: true, value: (m) => m.native },
    { key: "cites", label: "Source", left: true, value: (m) => m.cites }], D.methods, query, "", { key: "name", dir: "asc" })];
}
// Robustness: score against the share of wrong labels, for noises that have several rates on one task and model.
function curves(problems, query, wanted) {
  const groups = new Map(), track = TRACK_OF.get(query.get("track") || "last");
  for (const i of chosen(query, ["rate", "family", "privileged", "adapted"])) {
    const cell = D.cells[L.c[i]];
    if (L.t[i] !== track || cell.clean || !known(cell.rate) || !problems.includes(cell.problem)) continue;
    const key = [cell.task, cell.base, cell.model, cell.trainer].join(" | ");
    if (!groups.has(key)) groups.set(key, new Map());
    const own = groups.get(key);
    if (!own.has(L.m[i])) own.set(L.m[i], []);
    own.get(L.m[i]).push(i);
  }
  const out = [];
  for (const [key, own] of groups) {
    const shown = [...own].filter(([m]) => wanted === null || wanted.includes(m) || D.methods[m].name === ERM).filter(([, lines]) => lines.length > 1);
    if (!shown.some(([m]) => wanted === null || wanted.includes(m))) continue;
    const [task, base, model, trainer] = key.split(" | ");
    const order = ([m]) => (wanted !== null && wanted.includes(m) ? 0 : D.methods[m].name === ERM ? 1 : 2); // one color for one role in every picture
    const series = shown.sort((x, y) => order(x) - order(y) || x[0] - y[0]).map(([m, lines]) => {
      const clean = lineOf(CELL_OF.get([task, "clean", model, trainer].join(" | ")), m, track);
      return { name: D.methods[m].name, points: [...(clean === undefined ? [] : [clean]), ...lines].map((i) => ({ x: 100 * D.cells[L.c[i]].rate, y: L.mean[i], low: L.low[i], high: L.high[i] })) };
    });
    out.push(figure("Robustness", `${task}, ${base}, ${model} (mean over seeds, whiskers: 95 %)`, lineChart(`Robustness: ${task}, ${base}, ${model}`, series, { xName: "wrong labels, %", yName: D.cells[L.c[shown[0][1][0]]].metric })));
    if (out.length === 12) break;
  }
  return el("div", { class: "charts" }, out);
}

function cellPage({ argument, query }) {
  const c = CELL_OF.get(argument);
  if (c === undefined) return [el("h1", null, "No such cell"), el("p", null, argument), el("p", null, link("All results", "results"))];
  const cell = D.cells[c], track = query.get("track") || "last";
  const lines = [];
  for (let i = 0; i < COUNT; i++) if (L.c[i] === c && D.tracks[L.t[i]] === track) lines.push(i);
  const rows = el("div", { id: "rows" }, el("p", { role: "status" }, "Reading the rows …"));
  rowsOf(c).then((content) => rows.replaceChildren(...rowViews(content, cell, query).flat().filter(Boolean)), (error) => rows.replaceChildren(el("p", { role: "alert" }, error.message)));
  return [
    el("h1", null, `${cell.task} · ${cell.noise}`),
    facts([["Task type", cell.problem], ["Modality", cell.inputs], ["Noise", link(cell.noise, "noise", cell.base)], ["Wrong labels", known(cell.rate) && known(cell.nominal) ? `${percent(cell.rate)} (nominal ${percent(cell.nominal)})` : percent(cell.rate)], ["Model", cell.model], ["Trainer", cell.trainer], ["Test labels", cell.test_labels],
      ["Regime", cell.reason], ["Agreement of noisy and clean validation", known(cell.rho) ? `rho_sel ${number(cell.rho, 2)}${cell.rho < D.least_rho ? ": noisy validation does not rank here" : ""}` : ""],
      ["Intervals", cell.one_draw ? "conditional on this noise: all seeds have the same wrong labels" : ""],
      ["Ranked", cell.clean ? "no: right labels" : cell.development ? "no: a development task" : cell.pretrained ? "no: a pretrained encoder is a tier of its own" : cell.memorizes === false ? "no: erm does not memorize here" : "yes"]]),
    filterBar(query, ["track"], false),
    sortable(`Methods, selected by ${track}`, [
      { key: "method", label: "Method", left: true, value: (i) => D.methods[L.m[i]].name, show: (i) => methodLink(L.m[i], marks(i)) },
      { key: "n", label: "n", value: (i) => L.n[i] },
      { key: "score", label: `${cell.metric} [95 %]`, value: (i) => cell.sign * L.mean[i], show: (i) => interval(L.mean[i], L.low[i], L.high[i]) },
      { key: "sd", label: "sd", value: (i) => L.sd[i], show: (i) => number(L.sd[i]) },
      ...gains(), ...(cell.problem === "regression" ? [{ key: "mrae", label: "MRAE %", value: (i) => L.mrae[i], show: (i) => number(L.mrae[i], 0, true) }] : [])], lines, query, "", { key: "score", dir: "desc" }, { id: "methods" }),
    publishedOf((p) => p.task === cell.task_name && p.noise === cell.noise, c),
    rows,
  ];
}
const around = (y, half) => (known(half) ? { low: y - half, high: y + half } : {});
const listing = (title, text) => [el("h3", null, title), el("pre", { tabindex: "0" }, text)]; // it may scroll: a keyboard must get there
function rowViews(content, cell, query) {
  if (!content) return [el("p", null, "No rows.")];
  const curves_ = ["memorization", "noisy_val", "clean_val"].map((name) => {
    const series = content.curves.filter((curve) => curve[name].some(known)).map((curve) => ({ name: D.methods[curve.m].name, points: curve[name].map((y, k) => ({ x: curve.epoch[k], y, ...around(y, curve[name + "_half"][k]) })) })).sort((x, y) => METHOD_OF.get(x.name) - METHOD_OF.get(y.name));
    const title = { memorization: "Memorization over epochs", noisy_val: "Noisy validation score over epochs", clean_val: "Clean validation score over epochs" }[name];
    return series.length ? figure(title, "(mean over seeds, whiskers: 95 %)", lineChart(title, series, { xName: "epoch", yName: name === "memorization" ? "excess share of wrong labels repeated" : cell.metric })) : "";
  });
  const scores = content.names.filter((name) => name.startsWith("test/"));
  const wanted = `test/${query.get("track") || "last"}/${cell.metric}`, at = content.names.indexOf(wanted);
  const runs = sortable("Every run", [
    { key: "method", label: "Method", left: true, value: (r) => D.methods[r.m].name },
    { key: "seed", label: "Seed", value: (r) => r.seed },
    { key: "status", label: "Status", left: true, value: (r) => r.status },
    { key: "value", label: wanted, value: (r) => r.values[at], show: (r) => number(r.values[at], 4) },
    { key: "seconds", label: "Seconds", value: (r) => r.seconds, show: (r) => number(r.seconds, 1) },
    { key: "more", label: "Row", left: true, value: (r) => r.id, show: (r) => el("details", { class: "run" }, el("summary", null, `${r.id} seed ${r.seed}`),
      r.command ? listing("The command that makes it again", r.command)
        : el("p", { class: "note" }, "No command makes it again here: it names a plugin or a value that this suite does not have."), r.error ? listing("Error", r.error) : "",
      listing("Metrics", content.names.map((name, k) => (known(r.values[k]) ? `${name}  ${r.values[k]}\n` : "")).join("")),
      listing("Provenance", JSON.stringify({ ...content.provenance[r.p], ...r.own }, null, 1)), listing("Configuration", JSON.stringify(content.configs[r.k], null, 1))) },
  ], content.runs, query, "r", { key: "method", dir: "asc" }, { id: "runs" });
  return [el("h2", null, "Curves"), el("div", { class: "charts" }, curves_), el("h2", null, "Runs"), el("p", { class: "note" }, `${scores.length} test scores a run; each opens its command, provenance and configuration.`), runs];
}

function comparePage({ query }) {
  const names = D.methods.map((m) => m.name), a = query.get("a") || names.find((n) => n !== ERM) || "", b = query.get("b") || ERM;
  const pick = (key, now) => el("label", null, key === "a" ? "Method" : "against", el("select", { name: key, onchange: (event) => change({ [key]: event.target.value }) }, names.map((name) => el("option", { value: name, selected: name === now }, name))));
  const head = [el("h1", null, "Compare two methods"), el("div", { class: "filters" }, pick("a", a), pick("b", b)), filterBar(query, ["problem", "inputs", "task", "noise", "rate", "track"])];
  const ma = METHOD_OF.get(a), mb = METHOD_OF.get(b), pairs = [], seeds = [];
  for (const i of chosen(query, ["family", "privileged", "adapted"])) {
    const j = L.m[i] === ma && mb !== undefined ? lineOf(L.c[i], mb, L.t[i]) : undefined;
    if (j === undefined || i === j) continue;
    const other = seedScores(j), sign = D.cells[L.c[i]].sign, found = [...seedScores(i)].filter(([seed]) => other.has(seed));
    if (!found.length) continue;
    const difference = found.map(([seed, score]) => score - other.get(seed)), spread = Math.sqrt((variance(found.map(([, v]) => v)) + variance(found.map(([seed]) => other.get(seed)))) / 2);
    pairs.push({ c: L.c[i], ...meanInterval(difference), z: mean(difference) / spread, x: sign * mean(found.map(([seed]) => other.get(seed))), y: sign * mean(found.map(([, v]) => v)) });
    for (const [seed, score] of found) seeds.push({ c: L.c[i], seed, x: sign * other.get(seed), y: sign * score });
  }
  if (!pairs.length) return [...head, el("p", { role: "status", id: "count" }, "No cell has both.")];
  const names_ = new Map(cellNames(pairs.map((p) => p.c)).map((name, at) => [pairs[at].c, name]));
  const metrics = distinct(pairs.map((p) => D.cells[p.c].metric)), better = (p) => (D.cells[p.c].sign * (p.y - p.x) > 0 ? "better" : "worse");
  const usable = pairs.filter((p) => Number.isFinite(p.z) && !D.cells[p.c].clean), byTask = new Map();
  for (const p of usable) byTask.set(D.cells[p.c].block, [...(byTask.get(D.cells[p.c].block) || []), p.z]);
  const tasks = [...byTask.values()].map(mean), overall = meanInterval(tasks);
  return [...head,
    el("p", { role: "status", id: "count" }, `${a} is better in ${pairs.filter((p) => p.value > 0).length} of ${pairs.length} cells; the interval leaves zero out in favor of ${a} in ${pairs.filter((p) => p.low > 0).length}, of ${b} in ${pairs.filter((p) => p.high < 0).length}. Over ${tasks.length} tasks with noise: ${interval(overall.value, overall.low, overall.high, 2, true)} sd (t-interval, tasks as blocks, one comparison).`),
    el("div", { class: "charts" }, metrics.map((metric) => figure(`${a} against ${b}: ${metric}`, `(every seed; on the line both are equal${D.problems_sign[metric] < 0 ? ", below it the first is better" : ", above it the first is better"}; green: the first is better)`,
      scatter(`${a} against ${b}, ${metric}`, seeds.filter((p) => D.cells[p.c].metric === metric).slice(0, 3000).map((p) => ({ ...p, kind: better(p), title: `${cellName(D.cells[p.c])}, seed ${p.seed}: ${number(p.y)} against ${number(p.x)}` })), { xName: `${b}, ${metric}`, yName: `${a}, ${metric}`, diagonal: true })))),
    sortable("Paired differences", [
      { key: "cell", label: "Cell", left: true, value: (p) => cellName(D.cells[p.c]), show: (p) => cellLink(p.c, names_.get(p.c)) },
      { key: "n", label: "n", value: (p) => p.n },
      { key: "a", label: a, value: (p) => p.y, show: (p) => number(p.y) }, { key: "b", label: b, value: (p) => p.x, show: (p) => number(p.x) },
      { key: "difference", label: "Difference [95 %]", value: (p) => p.value, show: (p) => interval(p.value, p.low, p.high, 3, true), title: "positive: the first is better" },
      { key: "z", label: "in sd", value: (p) => p.z, show: (p) => number(p.z, 2, true) }], pairs, query, "", { key: "z", dir: "desc" }, { id: "pairs" }),
  ];
}

function noisePage({ argument, query }) {
  const met = new Set(D.cells.map((cell) => cell.base));
  const shown = D.noises.filter((n) => !argument || n.name === argument).sort((a, b) => met.has(b.name) - met.has(a.name));
  return [
    el("h1", null, argument ? `Noise: ${argument}` : "Noise"),
    argument ? el("p", null, link("All noises", "noise")) : el("p", { class: "note" }, "What each noise does, and what it did to the tasks of this board. Compare noises by the information that labels keep, not by their rate: asymmetric noise at 40 % keeps more than symmetric noise at 20 %. Those with rows come first."),
    argument ? "" : el("p", null, shown.map((n, at) => [at ? ", " : "", link(n.name, "noise", n.name)])),
    shown.map((noise) => {
      const cells = D.cells.filter((cell) => cell.base === noise.name), seen = new Set();
      const own = cells.filter((cell) => { const key = cell.task + cell.noise; return !seen.has(key) && seen.add(key); });
      const keys = ["rate", "information_kept", "margin", "systematic_share", "error_rms", "span_precision", "span_recall", "example_rate"].filter((key) => own.some((cell) => known(cell.stats[key])));
      return el("section", { "aria-label": noise.name }, el("h2", null, link(noise.name, "noise", noise.name)), el("p", null, prose(noise.doc)), facts([["Family", noise.family], ["Task types", noise.problems], ["Reads", noise.needs], ["Defaults", noise.defaults]]),
        own.length ? plainTable(`${noise.name} on the tasks of this board`, ["Task", "Noise", ...keys.map((key) => key.replaceAll("_", " "))], own.slice(0, 200).map((cell) => [cell.task, cellLink(D.cells.indexOf(cell), cell.noise), ...keys.map((key) => number(cell.stats[key]))])) : el("p", { class: "note" }, "No rows."),
        argument ? [curves(distinct(cells.map((cell) => cell.problem)), new URLSearchParams({ ...Object.fromEntries(query), noise: "all" }), null)] : "");
    }),
  ];
}
// Numbers of papers with ours for the same method, task and noise beside them; no number of theirs goes into one of ours.
function publishedOf(keep, only = null) {
  const found = D.published.filter(keep);
  if (!found.length) return "";
  const heads = ["Method", "Theirs", "Ours, last epoch [95 %]", ...(only === null ? ["Task", "Noise"] : []), "How sure", "Protocol of theirs", "Source"];
  return [el("h2", null, "Published by papers"), el("p", { class: "note" }, "Beside ours, never mixed in: other code, models, epochs, subsets and selection. read: at the source; secondary: quoted by another paper; unsure: from memory."),
    plainTable("Published numbers", heads, found.map((p) => [p.method, +p.value < 1 ? (+p.value).toFixed(4) : p.value, ours(p, only), ...(only === null ? [p.task, p.noise] : []), p.sure, p.protocol, p.source]))];
}
function ours(p, only) {
  const own = [];
  D.cells.forEach((cell, c) => {
    if (cell.task_name !== p.task || cell.noise !== p.noise || (only !== null && c !== only)) return;
    D.methods.forEach((method, m) => { const i = method.base === p.method ? lineOf(c, m, TRACK_OF.get("last")) : undefined; if (i !== undefined) own.push([c, m, i]); });
  });
  const named = cellNames(own.map(([c]) => c)), which = (m, at) => (D.methods[m].name === p.method ? named[at] : `${named[at]} ${D.methods[m].name}`);
  return own.length ? el("span", null, own.map(([c, m, i], at) => [at ? el("br") : "", interval(L.mean[i], L.low[i], L.high[i]), " ", only === null ? cellLink(c, which(m, at)) : D.methods[m].name === p.method ? "" : D.methods[m].name])) : "";
}
