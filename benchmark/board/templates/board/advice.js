// Which method should I use, what the whole board can say, and the router.
function whichPage({ query }) {
  const problems = distinct(D.advice.map((a) => a.problem)), problem = query.get("for") || problems[0];
  const own = D.advice.filter((a) => a.problem === problem), noises = distinct(own.map((a) => a.noise)), noise = query.get("suspect") || "any";
  const budgets = [...new Set(own.map((a) => a.budget))], budget = +(query.get("budget") || budgets[budgets.length - 1]), knows = query.get("knows") === "yes";
  const select = (key, label, values, now) => el("label", null, label, el("select", { name: key, onchange: (event) => change({ [key]: event.target.value }) }, values.map(([value, text]) => el("option", { value, selected: String(value) === String(now) }, text))));
  const found = own.find((a) => a.noise === noise && a.budget === budget && a.privileged === knows) || own.find((a) => a.noise === "any" && a.budget === budget && a.privileged === knows);
  const head = [el("h1", null, "Which method should I use?"), el("p", { class: "lead" }, "Answered from the rows of this board, with the evidence and the regret of such an answer on tasks that it has not seen."), el("div", { class: "filters" },
    select("for", "Your labels", problems.map((p) => [p, p]), problem), select("suspect", "Suspected noise", [["any", "any, or unknown"], ...noises.filter((n) => n !== "any").map((n) => [n, n])], noise),
    select("budget", "Training budget", budgets.map((b) => [b, b > 1e6 ? "any" : `up to ${b} x erm`]), budget), select("knows", "The noise rate or matrix is known", [["no", "no"], ["yes", "yes"]], knows ? "yes" : "no"))];
  if (!found) return [...head, el("p", { id: "advice", role: "status" }, "No rows answer this: it needs erm and another method on noisy labels of this task type.")];
  const best = found.methods[0], uncertain = found.methods.filter((l) => l.name !== best.name && known(l.first) && l.first > 0.05);
  return [...head,
    el("p", { id: "advice", class: "answer", role: "status" }, "Try ", methodLink(METHOD_OF.get(best.name)), `: ${interval(best.z, best.low, best.high, 2, true)} sd better than erm on average over ${tasks(found.tasks)} (${found.cells} cells).`),
    el("ul", null,
      el("li", null, found.tasks < 2 ? "One task is an example, no evidence for another one." : `P(best of these on such tasks), by bootstrap over tasks: ${number(best.first, 2)}.`, uncertain.length ? ` Not ruled out: ${uncertain.slice(0, 6).map((l) => `${l.name} (${number(l.first, 2)})`).join(", ")}.` : ""),
      found.development ? el("li", null, "These are development tasks: methods' settings were chosen on them, so this is optimistic.") : "",
      el("li", null, regretText(found))),
    found.regret ? plainTable("Leave-one-task-out regret, in sd over seeds: how far the choice was behind the best method of the task that it had not seen", ["Policy", "Mean regret [95 %]", "Minus this page's [95 %]"], found.regret.policies.map((p) => [p.name, interval(p.mean, p.low, p.high, 2), p.name === "this page" ? "" : interval(p.over, p.over_low, p.over_high, 2, true)])) : "",
    found.regret ? plainTable("Task by task", ["Left out", "Noise", "Would have chosen", "Its z", "Best method", "Its z"], found.regret.picks.map((p) => [p.task, p.noise, p.pick, number(p.z, 2, true), p.best, number(p.best_z, 2, true)])) : "",
    figure("Evidence", `(gain over erm, ${tasks(found.tasks)})`, intervalChart("Evidence for each method", found.methods.slice(0, 25).map((l) => ({ ...l, value: l.z })), (l) => address("method", l.name))),
    plainTable("Evidence in numbers", ["Method", "z [95 % over tasks]", "P(best)", "Cost in passes", "In seconds"], found.methods.map((l) => [methodLink(METHOD_OF.get(l.name)), interval(l.z, l.low, l.high, 2, true), number(l.first, 2), times(l.cost), times(l.seconds)])),
  ];
}
const times = (x) => (known(x) ? number(x, 2) + " x" : "n/a");
function regretText(found) {
  if (!found.regret) return `Leave-one-task-out regret: n/a, it needs three tasks of this type and there are ${found.tasks_of_kind}. So nothing shows yet that this page is better than always training plainly.`;
  return found.regret.policies.filter((p) => p.name !== "this page").map((p) => (p.over_low > 0 ? `It beats ${p.name} on tasks that it has not seen.` : `It does not beat ${p.name} on tasks that it has not seen: the difference of regrets is ${interval(p.over, p.over_low, p.over_high, 2, true)}.`)).join(" ");
}

function sensitivity() {
  const cells = D.sensitivity.map((l) => CELL_OF.get(cellName(l))), names = new Map(cellNames([...new Set(cells)]).map((name, at) => [[...new Set(cells)][at], name]));
  return plainTable("Ranks under other labels of the test part", ["Cell", "Labels", "Methods", "Kendall's tau [95 %]", "Largest change of rank", "First by original", "First by others"],
    D.sensitivity.map((l, at) => [cellLink(cells[at], names.get(cells[at])), l.labels, l.methods, interval(l.tau, l.low, l.high, 2, true), l.shift ? `${l.moved}: ${number(l.shift, 1, true)}` : "none", l.first, l.first_other]));
}
function evidencePage() {
  return [
    el("h1", null, "What the board can say"),
    el("p", null, D.summary), el("p", { class: "note" }, D.legend),
    el("h2", null, "Do cheap tasks predict expensive ones?"),
    D.transfer.length ? D.transfer.map((t) => [el("p", { class: "note" }, `${t.problem}, selected by ${t.track}: Spearman correlation of the order of ${t.methods} methods between tasks, cheapest first. Cheaper half against dearer half: ${interval(t.halves, t.low, t.high, 2, true)} (bootstrap over methods).`),
      plainTable(`Rank transfer, ${t.problem}, selected by ${t.track}`, ["Task", ...t.tasks], t.tasks.map((name, r) => [`${name} (${number(t.seconds[r], 1)} s)`, ...t.correlation[r].map((v) => number(v, 2, true))]))]) : el("p", { class: "note" }, "n/a: it needs two tasks of one type with four methods."),
    el("h2", null, "Do errors of the test set change the order?"),
    D.sensitivity.length ? [el("p", { class: "note" }, "The last checkpoint of every run, scored by other people's labels of the same test part; bootstrap over seeds."), sensitivity()] : el("p", { class: "note" }, "n/a: no rows of a task whose test labels were reviewed."),
    publishedOf(() => true),
  ];
}

const PAGES = { board: boardPage, results: resultsPage, method: methodPage, cell: cellPage, compare: comparePage, noise: noisePage, which: whichPage, evidence: evidencePage };
const MENU = [["board", "Board"], ["results", "Results"], ["method", "Methods"], ["compare", "Compare"], ["noise", "Noise"], ["which", "Which method?"], ["evidence", "Evidence"]];
function draw(arrived = true) {
  const here = place(), main = document.getElementById("main"), focused = document.activeElement, page = PAGES[here.page] || boardPage;
  const keep = focused && main.contains(focused) ? { name: focused.getAttribute("name"), sort: focused.dataset.sort, at: focused.selectionStart } : null;
  const scrolled = [...main.querySelectorAll(".scroll")].map((node) => node.scrollLeft);
  drawnFor = room();
  document.getElementById("menu").replaceChildren(...MENU.map(([name, text]) => el("a", { href: address(name), "aria-current": name === here.page ? "page" : null }, text)));
  main.replaceChildren(...[page(here)].flat(Infinity).filter((node) => node !== "" && node !== null && node !== undefined && node !== false));
  const heading = main.querySelector("h1");
  document.title = `${heading.textContent} · label noise`;
  if (arrived) { heading.tabIndex = -1; if (focused !== document.body) heading.focus(); window.scrollTo(0, 0); return; }
  main.querySelectorAll(".scroll").forEach((node, at) => { node.scrollLeft = scrolled[at] || 0; });
  const again = keep && (keep.name ? main.querySelector(`[name="${keep.name}"]`) : keep.sort ? main.querySelector(`[data-sort="${keep.sort}"]`) : null);
  if (again) { again.focus(); if (keep.at !== undefined && keep.at !== null && again.type === "search") again.setSelectionRange(keep.at, keep.at); }
}
window.addEventListener("hashchange", () => draw());
let drawnFor = 0;
window.addEventListener("resize", () => { if (room() !== drawnFor) draw(false); }); // charts are drawn for the width that there is
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); const main = document.getElementById("main"); main.tabIndex = -1; main.focus(); });
window.board = { estimates, rankGroups, profiles, chosen, data: D }; // what tests compare with the statistics in Python
draw();
