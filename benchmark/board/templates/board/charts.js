// Charts as inline SVG, one unit a pixel. Each has a name that a screen reader says, and the numbers stand in a table of the same page.
function figure(title, note, svg, extra) {
  const drawing = svg.matches("svg") ? svg : svg.querySelector("svg");
  if (drawing.querySelector("a")) drawing.setAttribute("role", "group"); // an image has nothing in it that takes the focus
  return el("figure", null, el("figcaption", null, el("strong", null, title), note && " ", note), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": drawing.getAttribute("aria-label") }, svg), extra);
}
function canvas(width, height, title) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title }, s("title", null, title));
}
const PADDING = 32, GAP = 24, LEAST = 576, EDGE = 28; // of main, between figures, of the narrowest figure, of its border: as in board.css
function room() { // width of a drawing, with as many figures beside each other as the page has room for
  const whole = document.getElementById("main").clientWidth - PADDING, columns = Math.max(1, Math.floor((whole + GAP) / (LEAST + GAP)));
  return Math.max(280, Math.min(720, Math.floor((whole - GAP * (columns - 1)) / columns) - EDGE));
}
function clip(text, length = 28) { // the middle goes: names differ at both ends
  const end = Math.floor((length - 1) * 0.4);
  return text.length > length ? text.slice(0, length - 1 - end) + "…" + text.slice(text.length - end) : text;
}
function ticks(low, high, about = 5) {
  if (!(high > low)) return [low];
  const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((k) => k * power).find((v) => v >= raw);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(+(k * step).toPrecision(12));
  return out;
}
function scale(values, from, to, { log = false, zero = false, pad = 0.05 } = {}) {
  const f = log ? Math.log10 : (v) => v;
  const all = values.filter((v) => known(v) && (!log || v > 0)).map(f);
  let low = all.length ? Math.min(...all) : 0, high = all.length ? Math.max(...all) : 1;
  if (zero) { low = Math.min(low, 0); high = Math.max(high, 0); }
  const edge = (high - low || Math.abs(high) || 1) * pad;
  low -= edge; high += edge;
  const to_ = (v) => from + ((f(v) - low) / (high - low)) * (to - from);
  to_.ticks = log ? [0.25, 0.5, 1, 2, 3, 4, 5, 8, 10, 20, 50, 100].filter((v) => f(v) >= low && f(v) <= high) : ticks(low, high, Math.abs(to - from) < 260 ? 3 : 5);
  return to_;
}
const short = (v) => (Math.abs(v) >= 1000 ? v.toFixed(0) : String(+v.toPrecision(4)));
function axes(svg, x, y, box, xName, yName) {
  const { left, right, top, bottom } = box;
  for (const v of x.ticks) svg.append(s("line", { x1: x(v), x2: x(v), y1: top, y2: bottom, class: "grid" }), s("text", { x: x(v), y: bottom + 16, class: "tick middle" }, short(v)));
  for (const v of y ? y.ticks : []) svg.append(s("line", { x1: left, x2: right, y1: y(v), y2: y(v), class: "grid" }), s("text", { x: left - 6, y: y(v) + 4, class: "tick end" }, short(v)));
  svg.append(s("text", { x: (left + right) / 2, y: bottom + 34, class: "axis middle" }, xName));
  if (yName) svg.append(s("text", { x: 14, y: (top + bottom) / 2, class: "axis middle", transform: `rotate(-90 14 ${(top + bottom) / 2})` }, yName));
}
const HUES = 10;
const hue = (at) => `hue${at % HUES}`;
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const GAIN = "gain over erm in sd over seeds";

// Effects, best first. Thick: intervals {low, high}, gray where they hold zero; thin: {seed_low, seed_high}, what chance in the seeds does.
function intervalChart(title, lines, href) {
  const width = room(), narrow = width < 480, left = narrow ? 122 : 182, right = width - 54, rowHeight = 22, top = 12, bottom = top + rowHeight * lines.length + 6;
  const svg = canvas(width, bottom + 44, title), x = scale(lines.flatMap((l) => [l.value, l.low, l.high, l.seed_low, l.seed_high]), left, right, { zero: true });
  axes(svg, x, null, { left, right, top, bottom }, GAIN);
  svg.append(s("line", { x1: x(0), x2: x(0), y1: top, y2: bottom, class: "zero" }));
  lines.forEach((l, at) => {
    const y = top + rowHeight * (at + 0.5), kind = known(l.low) ? (l.low > 0 ? "better" : l.high < 0 ? "worse" : "unsure") : "unsure";
    svg.append(s("a", { href: href(l) }, s("text", { x: left - 8, y: y + 4, class: "label end" }, clip(l.name, narrow ? 15 : 23) + (l.marks || ""))));
    if (known(l.seed_low)) svg.append(s("line", { x1: x(l.seed_low), x2: x(l.seed_high), y1: y, y2: y, class: "thin" }));
    if (known(l.low)) svg.append(s("line", { x1: x(l.low), x2: x(l.high), y1: y, y2: y, class: `bar ${kind}` }));
    const seeds = known(l.seed_low) ? `; over seeds [${number(l.seed_low, 2, true)}, ${number(l.seed_high, 2, true)}]` : "";
    svg.append(s("circle", { cx: x(l.value), cy: y, r: 4.5, class: `dot ${kind}` }, s("title", null, `${l.name}: ${interval(l.value, l.low, l.high, 2, true)}${seeds}`)));
    svg.append(s("text", { x: right + 8, y: y + 4, class: "tick" }, number(l.value, 2, true)));
  });
  return svg;
}
// Critical-difference diagram: methods on a line of mean ranks, best left; a bar joins those that are no further apart than the difference.
function rankChart(title, lines, difference, groups, href) {
  const width = Math.max(room(), 560), left = 190, right = width - 190, top = 40 + 9 * groups.length, half = Math.ceil(lines.length / 2), svg = canvas(width, top + 22 * half + 20, title);
  const x = (rank) => left + ((rank - 1) / Math.max(lines.length - 1, 1)) * (right - left);
  svg.append(s("line", { x1: left, x2: right, y1: 30, y2: 30, class: "stem" }));
  for (const v of ticks(1, lines.length)) svg.append(s("line", { x1: x(v), x2: x(v), y1: 25, y2: 30, class: "stem" }), s("text", { x: x(v), y: 20, class: "tick middle" }, short(v)));
  svg.append(s("text", { x: 8, y: 20, class: "tick" }, "mean rank, 1 is best"));
  svg.append(s("line", { x1: right - (x(1 + difference) - x(1)), x2: right, y1: 6, y2: 6, class: "bar" }), s("text", { x: right + 8, y: 10, class: "tick" }, `critical difference ${number(difference, 2)}`));
  groups.forEach(([from, to], at) => svg.append(s("line", { x1: x(lines[from].rank) - 4, x2: x(lines[to].rank) + 4, y1: 38 + 9 * at, y2: 38 + 9 * at, class: "bar unsure" })));
  lines.forEach((l, at) => {
    const ahead = at < half, y = top + 22 * (ahead ? at : lines.length - 1 - at) + 10, edge = ahead ? left - 16 : right + 16;
    svg.append(s("polyline", { points: `${x(l.rank)},30 ${x(l.rank)},${y} ${edge},${y}`, class: "stem" }));
    svg.append(s("a", { href: href(l) }, s("text", { x: ahead ? edge - 4 : edge + 4, y: y + 4, class: ahead ? "label end" : "label" }, `${clip(l.name, 19)} ${number(l.rank, 2)}`)));
  });
  return svg;
}
// Points with names, {low, high} as whiskers; those on the front are joined. A name stands where it covers neither a point nor another name.
function scatter(title, points, { xName, yName, logX = false, front = false, diagonal = false, href = null }) {
  const width = room(), box = { left: 58, right: width - 14, top: 14, bottom: 340 }, svg = canvas(width, 384, title);
  const both = points.flatMap((p) => [p.x, p.y]), side = logX ? 0.2 : 0.08;
  const x = scale(diagonal ? both : points.map((p) => p.x), box.left, box.right, { log: logX, pad: side }), y = scale(diagonal ? both : points.flatMap((p) => [p.y, p.low, p.high]), box.bottom, box.top, { pad: 0.08 });
  axes(svg, x, y, box, xName, yName);
  if (diagonal) { const [a, b] = [Math.min(...both), Math.max(...both)]; svg.append(s("line", { x1: x(a), y1: y(a), x2: x(b), y2: y(b), class: "zero" })); }
  const on = points.filter((p) => p.front).sort((a, b) => a.x - b.x || a.y - b.y);
  if (front && on.length > 1) svg.append(s("polyline", { points: on.map((p) => `${x(p.x)},${y(p.y)}`).join(" "), class: "front" }));
  const taken = points.some((p) => p.label) ? points.map((p) => ({ x: x(p.x) - 5, y: y(p.y) - 5, w: 10, h: 10 })) : [];
  for (const p of [...points].sort((a, b) => !!b.front - !!a.front || b.y - a.y)) {
    const at = { x: x(p.x), y: y(p.y) };
    if (known(p.low)) svg.append(s("line", { x1: at.x, x2: at.x, y1: y(p.low), y2: y(p.high), class: "thin" }));
    const dot = s("circle", { cx: at.x, cy: at.y, r: 5, class: `dot ${p.kind || (p.front || !front ? "better" : "unsure")}` }, s("title", null, p.title));
    svg.append(href ? s("a", { href: href(p), "aria-label": p.title }, dot) : dot);
    const text = p.label ? clip(p.label, 20) : "", w = 6.6 * text.length;
    const places = text ? [[8, -7], [-8 - w, -7], [8, -17], [8, 3], [-8 - w, 3], [-8 - w, -17]].map(([dx, dy]) => ({ x: at.x + dx, y: at.y + dy, w, h: 13, left: dx < 0 })) : [];
    const free = places.find((r) => r.x > box.left && r.x + r.w < width && taken.every((o) => o.x + o.w < r.x || r.x + r.w < o.x || o.y + o.h < r.y || r.y + r.h < o.y));
    if (free) { svg.append(s("text", { x: free.left ? at.x - 8 : free.x, y: free.y + 11, class: `tick halo ${free.left ? "end" : ""}` }, text)); taken.push(free); }
  }
  return svg;
}
// Lines {name, points: [{x, y, low, high}]}; a legend below names them by color and dash. Steps hold their value until the next one.
function lineChart(title, series, { xName, yName, zero = false, steps = false }) {
  const width = room(), box = { left: 58, right: width - 14, top: 14, bottom: 320 }, svg = canvas(width, 364, title), all = series.flatMap((l) => l.points);
  const x = scale(all.map((p) => p.x), box.left, box.right, { pad: 0.03 }), y = scale(all.flatMap((p) => [p.y, p.low, p.high]), box.bottom, box.top, { zero });
  axes(svg, x, y, box, xName, yName);
  series.forEach((l, at) => {
    const points = l.points.filter((p) => known(p.y)).sort((a, b) => a.x - b.x), dash = DASHES[Math.floor(at / HUES) % DASHES.length];
    const aside = 1.8 * (at - (series.length - 1) / 2); // whiskers of one place stand beside each other
    for (const p of points) if (known(p.low)) svg.append(s("line", { x1: x(p.x) + aside, x2: x(p.x) + aside, y1: y(p.low), y2: y(p.high), class: `whisker ${hue(at)}` }));
    const path = points.map((p, k) => (steps && k ? `${x(p.x)},${y(points[k - 1].y)} ` : "") + `${x(p.x)},${y(p.y)}`).join(" ");
    svg.append(s("polyline", { points: path, class: `line ${hue(at)}`, "stroke-dasharray": dash }, s("title", null, l.name)));
    if (!steps) for (const p of points) svg.append(s("circle", { cx: x(p.x), cy: y(p.y), r: 3, class: `point ${hue(at)}` }, s("title", null, `${l.name}: ${interval(p.y, p.low, p.high)} at ${short(p.x)}`)));
  });
  const legend = el("ul", { class: "legend" }, series.map((l, at) => el("li", null, s("svg", { width: 26, height: 10, "aria-hidden": "true" }, s("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: `line ${hue(at)}`, "stroke-dasharray": DASHES[Math.floor(at / HUES) % DASHES.length] })), " ", l.name)));
  return el("div", null, svg, legend);
}
// Rows x columns, colored by a value around zero up to STRONG sd; NaN is empty.
const STRONG = 4;
const shade = (v) => ({ class: known(v) && v !== 0 ? (v > 0 ? "better" : "worse") : "empty", "fill-opacity": known(v) && v !== 0 ? (0.08 + 0.92 * Math.min(1, Math.abs(v) / STRONG)).toFixed(2) : 1 });
function heatMap(title, rowNames, columnNames, value, text, href) {
  const narrow = room() < 480, left = narrow ? 112 : 156, size = 26, top = 190, width = left + size * columnNames.length + 150, svg = canvas(width, top + size * rowNames.length + 8, title);
  columnNames.forEach((name, c) => svg.append(s("text", { x: 0, y: 0, class: "tick", transform: `translate(${left + size * (c + 0.6)} ${top - 6}) rotate(-50)` }, clip(name, 40))));
  rowNames.forEach((name, r) => {
    svg.append(s("text", { x: left - 6, y: top + size * (r + 0.65), class: "tick end" }, clip(name, narrow ? 16 : 23)));
    columnNames.forEach((_, c) => {
      const v = value(r, c);
      const box = s("rect", { x: left + size * c + 1, y: top + size * r + 1, width: size - 2, height: size - 2, ...shade(v) }, s("title", null, text(r, c, v)));
      svg.append(href && known(v) ? s("a", { href: href(r, c), tabindex: "-1", "aria-hidden": "true" }, box) : box);
    });
  });
  const key = [-STRONG, -STRONG / 2, 0, STRONG / 2, STRONG].map((v) => el("li", null, s("svg", { width: 16, height: 16, "aria-hidden": "true" }, s("rect", { width: 16, height: 16, ...shade(v) })), ` ${v > 0 ? "+" : ""}${v}${Math.abs(v) === STRONG ? " and beyond" : ""}`));
  return el("div", null, svg, el("ul", { class: "legend" }, key, el("li", null, "sd over seeds")));
}
