// Charts as inline SVG. Each has a name that a screen reader says, and the numbers stand in a table of the same page.
function figure(title, note, svg, extra) {
  const drawing = svg.matches("svg") ? svg : svg.querySelector("svg");
  if (drawing.querySelector("a")) drawing.setAttribute("role", "group"); // an image has nothing in it that takes the focus
  return el("figure", null, el("figcaption", null, el("strong", null, title), note && " ", note), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, svg), extra);
}
function canvas(width, height, title) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title }, s("title", null, title));
}
const clip = (text, length = 28) => (text.length > length ? text.slice(0, length - 1) + "…" : text);
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
  const room = (high - low || Math.abs(high) || 1) * pad;
  low -= room; high += room;
  const to_ = (v) => from + ((f(v) - low) / (high - low)) * (to - from);
  to_.ticks = log ? [0.25, 0.5, 1, 2, 3, 4, 5, 8, 10, 20, 50, 100].filter((v) => f(v) >= low && f(v) <= high) : ticks(low, high);
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

// Effects with simultaneous intervals, best first; an interval that holds zero is gray.
function intervalChart(title, lines, xName, href) {
  const left = 170, right = 640, rowHeight = 22, top = 12, bottom = top + rowHeight * lines.length + 6;
  const svg = canvas(right + 90, bottom + 44, title), x = scale(lines.flatMap((l) => [l.value, l.low, l.high]), left, right, { zero: true });
  axes(svg, x, null, { left, right, top, bottom }, xName);
  svg.append(s("line", { x1: x(0), x2: x(0), y1: top, y2: bottom, class: "zero" }));
  lines.forEach((l, at) => {
    const y = top + rowHeight * (at + 0.5), kind = known(l.low) ? (l.low > 0 ? "better" : l.high < 0 ? "worse" : "unsure") : "unsure";
    svg.append(s("a", { href: href(l) }, s("text", { x: left - 8, y: y + 4, class: "label end" }, clip(l.name, 22) + (l.marks || ""))));
    if (known(l.low)) svg.append(s("line", { x1: x(l.low), x2: x(l.high), y1: y, y2: y, class: `bar ${kind}` }));
    svg.append(s("circle", { cx: x(l.value), cy: y, r: 4.5, class: `dot ${kind}` }, s("title", null, `${l.name}: ${interval(l.value, l.low, l.high, 2, true)}`)));
    svg.append(s("text", { x: right + 8, y: y + 4, class: "tick" }, number(l.value, 2, true)));
  });
  return svg;
}
// Critical-difference diagram: methods on a line of mean ranks, best left; a bar joins those that are no further apart than the difference.
function rankChart(title, lines, difference, groups, href) {
  const left = 190, right = 530, top = 40 + 9 * groups.length, half = Math.ceil(lines.length / 2), svg = canvas(720, top + 22 * half + 20, title);
  const x = (rank) => left + ((rank - 1) / Math.max(lines.length - 1, 1)) * (right - left);
  svg.append(s("line", { x1: left, x2: right, y1: 30, y2: 30, class: "stem" }));
  for (const v of ticks(1, lines.length)) svg.append(s("line", { x1: x(v), x2: x(v), y1: 25, y2: 30, class: "stem" }), s("text", { x: x(v), y: 20, class: "tick middle" }, short(v)));
  svg.append(s("text", { x: 8, y: 20, class: "tick" }, `critical difference ${number(difference, 2)}`));
  groups.forEach(([from, to], at) => svg.append(s("line", { x1: x(lines[from].rank) - 4, x2: x(lines[to].rank) + 4, y1: 38 + 9 * at, y2: 38 + 9 * at, class: "bar unsure" })));
  lines.forEach((l, at) => {
    const ahead = at < half, y = top + 22 * (ahead ? at : lines.length - 1 - at) + 10, edge = ahead ? left - 16 : right + 16;
    svg.append(s("polyline", { points: `${x(l.rank)},30 ${x(l.rank)},${y} ${edge},${y}`, class: "stem" }));
    svg.append(s("a", { href: href(l) }, s("text", { x: ahead ? edge - 4 : edge + 4, y: y + 4, class: ahead ? "label end" : "label" }, `${clip(l.name, 17)} ${number(l.rank, 2)}`)));
  });
  return svg;
}
// Points with names; those on the front are joined.
function scatter(title, points, { xName, yName, logX = false, front = false, diagonal = false, href = null }) {
  const box = { left: 62, right: 660, top: 14, bottom: 340 }, svg = canvas(720, 384, title);
  const both = points.flatMap((p) => [p.x, p.y]);
  const x = scale(diagonal ? both : points.map((p) => p.x), box.left, box.right, { log: logX, pad: 0.08 }), y = scale(diagonal ? both : points.map((p) => p.y), box.bottom, box.top, { pad: 0.08 });
  axes(svg, x, y, box, xName, yName);
  if (diagonal) { const [a, b] = [Math.min(...both), Math.max(...both)]; svg.append(s("line", { x1: x(a), y1: y(a), x2: x(b), y2: y(b), class: "zero" })); }
  const on = points.filter((p) => p.front).sort((a, b) => a.x - b.x || a.y - b.y);
  if (front && on.length > 1) svg.append(s("polyline", { points: on.map((p) => `${x(p.x)},${y(p.y)}`).join(" "), class: "front" }));
  const labels = [];
  for (const p of [...points].sort((a, b) => !!b.front - !!a.front || b.y - a.y)) {
    const at = { x: x(p.x), y: y(p.y) };
    const dot = s("circle", { cx: at.x, cy: at.y, r: 5, class: `dot ${p.kind || (p.front || !front ? "better" : "unsure")}` }, s("title", null, p.title));
    svg.append(href ? s("a", { href: href(p), "aria-label": p.title }, dot) : dot);
    if (p.label && labels.every((o) => Math.abs(o.y - at.y) > 12 || Math.abs(o.x - at.x) > 7 * Math.max(o.n, p.label.length))) {
      const over = at.x + 8 + 6.5 * p.label.length > 715;
      svg.append(s("text", { x: at.x + (over ? -8 : 8), y: at.y + 4, class: `tick ${over ? "end" : ""}` }, p.label));
      labels.push({ ...at, n: p.label.length });
    }
  }
  return svg;
}
// Lines {name, points: [{x, y, low, high}]}; a legend below names them by color and dash.
function lineChart(title, series, { xName, yName, zero = false }) {
  const box = { left: 62, right: 680, top: 14, bottom: 320 }, svg = canvas(720, 364, title), all = series.flatMap((l) => l.points);
  const x = scale(all.map((p) => p.x), box.left, box.right, { pad: 0.03 }), y = scale(all.flatMap((p) => [p.y, p.low, p.high]), box.bottom, box.top, { zero });
  axes(svg, x, y, box, xName, yName);
  series.forEach((l, at) => {
    const points = l.points.filter((p) => known(p.y)).sort((a, b) => a.x - b.x), dash = DASHES[Math.floor(at / HUES) % DASHES.length];
    for (const p of points) if (known(p.low)) svg.append(s("line", { x1: x(p.x), x2: x(p.x), y1: y(p.low), y2: y(p.high), class: `whisker ${hue(at)}` }));
    svg.append(s("polyline", { points: points.map((p) => `${x(p.x)},${y(p.y)}`).join(" "), class: `line ${hue(at)}`, "stroke-dasharray": dash }, s("title", null, l.name)));
    for (const p of points) svg.append(s("circle", { cx: x(p.x), cy: y(p.y), r: 3, class: `point ${hue(at)}` }, s("title", null, `${l.name}: ${number(p.y)} at ${short(p.x)}`)));
  });
  const legend = el("ul", { class: "legend" }, series.map((l, at) => el("li", null, s("svg", { width: 26, height: 10, "aria-hidden": "true" }, s("line", { x1: 0, x2: 26, y1: 5, y2: 5, class: `line ${hue(at)}`, "stroke-dasharray": DASHES[Math.floor(at / HUES) % DASHES.length] })), " ", l.name)));
  return el("div", null, svg, legend);
}
// Rows x columns, colored by a value around zero; NaN is empty.
function heatMap(title, rowNames, columnNames, value, text, href) {
  const left = 150, size = 26, top = 150, width = Math.max(left + size * columnNames.length + 110, 420), svg = canvas(width, top + size * rowNames.length + 8, title);
  svg.setAttribute("class", "fixed");
  columnNames.forEach((name, c) => svg.append(s("text", { x: 0, y: 0, class: "tick", transform: `translate(${left + size * (c + 0.6)} ${top - 6}) rotate(-50)` }, clip(name, 30))));
  rowNames.forEach((name, r) => {
    svg.append(s("text", { x: left - 6, y: top + size * (r + 0.65), class: "tick end" }, clip(name, 22)));
    columnNames.forEach((_, c) => {
      const v = value(r, c), strength = known(v) ? Math.min(1, Math.abs(v) / 4) : 0;
      const box = s("rect", { x: left + size * c + 1, y: top + size * r + 1, width: size - 2, height: size - 2, class: known(v) && v !== 0 ? (v > 0 ? "better" : "worse") : "empty", "fill-opacity": known(v) && v !== 0 ? (0.08 + 0.92 * strength).toFixed(2) : 1 }, s("title", null, text(r, c, v)));
      svg.append(href && known(v) ? s("a", { href: href(r, c), tabindex: "-1", "aria-hidden": "true" }, box) : box);
    });
  });
  return svg;
}
