// Elements, the address bar, filters and sortable tables. Text of rows only ever becomes text nodes.
const D = JSON.parse(document.getElementById("data").textContent);
const L = D.lines, COUNT = L.c.length;
const SVG = "http://www.w3.org/2000/svg";
const ERM = D.baseline;

function el(tag, attributes, ...children) {
  const svg = attributes && attributes.svg;
  const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "svg" || value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}
const s = (tag, attributes, ...children) => el(tag, { svg: true, ...attributes }, ...children);

// ---------------------------------------------------------------- numbers as text
const known = (x) => x !== null && x !== undefined && Number.isFinite(x);
function number(x, digits = 3, signed = false) {
  if (!known(x)) return "n/a";
  const text = Math.abs(x) >= 100 ? x.toFixed(0) : x.toFixed(digits);
  return signed && x >= 0 ? "+" + text : text;
}
function interval(x, low, high, digits = 3, signed = false) { // all three with the digits of the value
  const places = known(x) && Math.abs(x) >= 100 ? 0 : digits, form = (v) => (signed && v >= 0 ? "+" : "") + v.toFixed(places);
  return known(x) ? form(x) + (known(low) ? ` [${form(low)}, ${form(high)}]` : "") : "n/a";
}
const percent = (x) => (known(x) ? `${(100 * x).toFixed(1)} %` : "n/a");

// ---------------------------------------------------------------- the address: #/page/argument?filter=value
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page = "", ...rest] = path.split("/").map(decodeURIComponent);
  return { page: page || "board", argument: rest.join("/"), query: new URLSearchParams(query) };
}
function address(page, argument, query) {
  const text = new URLSearchParams(Object.entries(query || {}).filter(([, value]) => value !== "" && value !== undefined)).toString();
  return `#/${page}${argument ? "/" + encodeURIComponent(argument) : ""}${text ? "?" + text : ""}`;
}
function change(updates) { // filters and sort order: the address stays a link to what is shown
  const { page, argument, query } = place();
  const next = { ...Object.fromEntries(query), ...updates };
  history.replaceState(null, "", address(page, argument, next));
  draw(false);
}
const link = (text, page, argument, query) => el("a", { href: address(page, argument, query) }, text);

const cellName = (cell) => [cell.task, cell.noise, cell.model, cell.trainer].join(" | ");
const CELL_OF = new Map(D.cells.map((cell, i) => [cellName(cell), i]));
const METHOD_OF = new Map(D.methods.map((method, i) => [method.name, i]));
const TRACK_OF = new Map(D.tracks.map((track, i) => [track, i]));
const LINE_OF = new Map();
for (let i = 0; i < COUNT; i++) LINE_OF.set((L.c[i] * D.methods.length + L.m[i]) * D.tracks.length + L.t[i], i);
const lineOf = (cell, method, track) => LINE_OF.get((cell * D.methods.length + method) * D.tracks.length + track);

function cellNames(cells) { // what tells these cells apart, the noise first
  const shown = [], name = (c) => shown.map((key) => D.cells[c][key]).join(" · "), different = new Set(cells).size;
  for (const axis of ["noise", "model", "task", "trainer"]) {
    if (new Set(cells.map((c) => D.cells[c][axis])).size > 1) shown.push(axis);
    if (different > 1 && new Set(cells.map(name)).size === different) return cells.map(name);
  }
  return cells.map((c) => `${D.cells[c].noise} · ${D.cells[c].model}`);
}
function marks(i) {
  return (L.adapted[i] ? "†" : "") + (L.knows[i] ? "*" : "") + (L.reported[i] ? "‡" : "") + (L.collapsed[i] ? "∅" : "");
}
function methodLink(m, mark = "") {
  const parts = D.methods[m].name.split(/(?<=[_(=])/).map((part) => [part, el("wbr")]); // where a name may break
  return el("span", null, link(parts, "method", D.methods[m].name), mark && el("abbr", { title: explain(mark) }, mark));
}
const explain = (mark) => [mark.includes("†") && "adapted to this task type", mark.includes("*") && "knows more than the noisy labels", mark.includes("‡") && "self-reported", mark.includes("∅") && "collapsed: (nearly) constant predictions in at least one run"].filter(Boolean).join("; ");
const cellLink = (c, text) => link(text || cellName(D.cells[c]), "cell", cellName(D.cells[c]));

// ---------------------------------------------------------------- filters
const FILTERS = [
  { key: "problem", label: "Task type", values: () => distinct(D.cells.map((cell) => cell.problem)), keep: (i, v) => D.cells[L.c[i]].problem === v },
  { key: "inputs", label: "Modality", values: () => distinct(D.cells.map((cell) => cell.inputs)), keep: (i, v) => D.cells[L.c[i]].inputs === v },
  { key: "task", label: "Task", values: () => distinct(D.cells.map((cell) => cell.task)), keep: (i, v) => D.cells[L.c[i]].task === v },
  { key: "noise", label: "Noise family", values: () => distinct(D.cells.map((cell) => cell.family)), keep: (i, v) => D.cells[L.c[i]].family === v },
  { key: "rate", label: "Wrong labels", values: () => Object.keys(RATES), keep: (i, v) => RATES[v](D.cells[L.c[i]].rate) },
  { key: "track", label: "Selected by", values: () => D.tracks, keep: (i, v) => D.tracks[L.t[i]] === v, start: "last" },
  { key: "family", label: "Method family", values: () => distinct(D.methods.map((method) => method.family)), keep: (i, v) => D.methods[L.m[i]].family === v || D.methods[L.m[i]].name === ERM },
  { key: "privileged", label: "Knows more than noisy labels", values: () => ["without", "only"], keep: (i, v) => !L.knows[i] === (v === "without") || D.methods[L.m[i]].name === ERM },
  { key: "adapted", label: "Adapted to the task type", values: () => ["without", "only"], keep: (i, v) => !L.adapted[i] === (v === "without") || D.methods[L.m[i]].name === ERM },
];
const RATES = {
  "none": (r) => r === 0,
  "up to 20 %": (r) => known(r) && r > 0 && r <= 0.2,
  "20 to 40 %": (r) => known(r) && r > 0.2 && r <= 0.4,
  "above 40 %": (r) => known(r) && r > 0.4,
  "no rate": (r) => !known(r),
};
const distinct = (values) => [...new Set(values.filter((v) => v !== ""))].sort();

function chosen(query, without = []) {
  const active = FILTERS.filter((f) => !without.includes(f.key)).map((f) => [f, query.get(f.key) ?? f.start ?? ""]).filter(([, v]) => v && v !== "all");
  const words = (query.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
  const out = [];
  for (let i = 0; i < COUNT; i++) {
    if (!active.every(([f, v]) => f.keep(i, v))) continue;
    if (words.length) {
      const cell = D.cells[L.c[i]], text = [D.methods[L.m[i]].name, cell.task, cell.noise, cell.model, cell.trainer].join(" ").toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
    }
    out.push(i);
  }
  return out;
}
function filterBar(query, keys, search = true, ...more) {
  const bar = el("form", { class: "filters", role: "search", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() });
  for (const filter of FILTERS.filter((f) => keys.includes(f.key))) {
    const now = query.get(filter.key) ?? filter.start ?? "all";
    const options = [...(filter.key === "track" ? [] : ["all"]), ...filter.values()];
    bar.append(el("label", null, filter.label,
      el("select", { name: filter.key, onchange: (event) => change({ [filter.key]: event.target.value === "all" ? "" : event.target.value }) },
        options.map((value) => el("option", { value, selected: value === now }, value)))));
  }
  bar.append(...more);
  if (search) bar.append(el("label", null, "Search", el("input", { type: "search", name: "q", value: query.get("q") || "", placeholder: "method, task, noise", oninput: (event) => change({ q: event.target.value }) })));
  bar.append(el("button", { type: "button", onclick: () => { location.hash = address(place().page, place().argument, {}); } }, "Reset"));
  return bar;
}

// ---------------------------------------------------------------- tables: a column is {key, label, value, show, left, title}
const AT_ONCE = 100;
function sortable(caption, columns, lines, query, prefix = "", start = null, rest = {}) {
  const key = query.get(prefix + "sort") || (start && start.key), column = columns.find((c) => c.key === key);
  const down = (query.get(prefix + "dir") || (start && start.dir) || "desc") === "desc";
  const ordered = column ? [...lines].sort((a, b) => order(column.value(a), column.value(b), down)) : lines;
  const body = el("tbody");
  let shown = 0;
  const more = el("button", { type: "button", class: "more", onclick: () => grow() });
  function grow() {
    for (const line of ordered.slice(shown, shown + AT_ONCE)) {
      body.append(el("tr", null, columns.map((c, at) => el(at === 0 ? "th" : "td", { class: c.left ? "left" : null, scope: at === 0 ? "row" : null }, c.show ? c.show(line) : c.value(line)))));
    }
    shown = Math.min(shown + AT_ONCE, ordered.length);
    more.textContent = `Show more (${shown} of ${ordered.length})`;
    more.hidden = shown >= ordered.length;
  }
  grow();
  const head = columns.map((c) => el("th", { scope: "col", class: c.left ? "left" : null, title: c.title, "aria-sort": c === column ? (down ? "descending" : "ascending") : "none" },
    el("button", { type: "button", "data-sort": prefix + c.key, onclick: () => change({ [prefix + "sort"]: c.key, [prefix + "dir"]: (c === column ? down : c.left) ? "asc" : "desc" }) }, c.label, el("span", { "aria-hidden": "true" }, c === column ? (down ? " ▾" : " ▴") : ""))));
  return el("div", rest, scroller(caption, el("table", null, el("caption", null, el("span", null, caption)), el("thead", null, el("tr", null, head)), body)), more);
}
function order(a, b, down) {
  const missing = (x) => x === null || x === undefined || (typeof x === "number" && !Number.isFinite(x));
  if (missing(a) || missing(b)) return missing(a) - missing(b); // what is not known comes last either way
  const sign = down ? -1 : 1;
  return typeof a === "string" ? sign * a.localeCompare(String(b), "en", { numeric: true }) : sign * (a - b);
}
const isText = (value) => value instanceof Node || (typeof value === "string" && !/^[-+\d]|^n\/a|^$/.test(value)); // names to the left, numbers to the right
const scroller = (name, content) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, content);
function plainTable(caption, heads, lines) {
  const left = heads.map((_, at) => (lines.some((line) => isText(line[at])) ? "left" : null));
  return scroller(caption, el("table", null, el("caption", null, el("span", null, caption)), el("thead", null, el("tr", null, heads.map((h, at) => el("th", { scope: "col", class: left[at] }, h)))),
    el("tbody", null, lines.map((line) => el("tr", null, line.map((value, at) => el(at ? "td" : "th", { scope: at ? null : "row", class: left[at] }, value)))))));
}
const prose = (text) => text.split("``").map((part, at) => (at % 2 ? el("code", null, part) : part)); // docstrings have ``names``
function facts(pairs) {
  return el("dl", null, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined).map(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}

// ---------------------------------------------------------------- rows: in the page, or in files beside it
const LOADED = new Map(), WAITING = new Map();
window.leaderboardRows = (shard, content) => { LOADED.set(shard, content); (WAITING.get(shard) || []).forEach((go) => go(content)); WAITING.delete(shard); };
function rowsOf(c) {
  if (!D.runs_shown) {
    const cell = D.cells[c], words = ["task", "noise", "model", "trainer"].map((axis) => `${axis}='${cell[axis]}'`).join(" ");
    return Promise.reject(new Error(`so many runs are not on a page: python -m benchmark rows ${words} prints those of this cell`));
  }
  const shard = D.cells[c].shard;
  if (LOADED.has(shard)) return Promise.resolve(LOADED.get(shard)[c]);
  const inside = document.getElementById(`rows-${shard}`);
  if (inside) { LOADED.set(shard, JSON.parse(inside.textContent)); return Promise.resolve(LOADED.get(shard)[c]); }
  return new Promise((resolve, reject) => {
    const first = !WAITING.has(shard);
    WAITING.set(shard, [...(WAITING.get(shard) || []), (content) => resolve(content[c])]);
    if (first) document.head.append(el("script", { src: `${D.rows_folder}/${shard}.js`, onerror: () => { WAITING.delete(shard); reject(new Error(`${D.rows_folder}/${shard}.js is not beside this page`)); } }));
  });
}
