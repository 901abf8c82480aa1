// The statistics of benchmark/stats again, for views that a filter makes. tests/board/test_page.py compares both.
const sum = (x) => x.reduce((a, b) => a + b, 0);
const mean = (x) => (x.length ? sum(x) / x.length : NaN);
const variance = (x) => { const m = mean(x); return x.length > 1 ? sum(x.map((v) => (v - m) ** 2)) / (x.length - 1) : NaN; };
const student = (df) => (df < 1 ? NaN : D.t[Math.min(df, D.t.length) - 1]);

function meanInterval(x) {
  const m = mean(x), half = x.length > 1 ? student(x.length - 1) * Math.sqrt(variance(x) / x.length) : NaN;
  return { value: m, low: m - half, high: m + half, n: x.length };
}
function seedScores(i) { // seed -> score, larger is better
  const sign = D.cells[L.c[i]].sign;
  return new Map(D.seeds[L.seeds[i]].map((seed, at) => [seed, sign * L.scores[i][at]]));
}
function ranks(values, down = true) { // ties share their mean rank
  const at = values.map((v, i) => i).sort((a, b) => (down ? values[b] - values[a] : values[a] - values[b])), out = new Array(values.length);
  for (let i = 0; i < at.length;) {
    let j = i;
    while (j < at.length && Math.abs(values[at[j]] - values[at[i]]) < 1e-12) j++;
    for (let k = i; k < j; k++) out[at[k]] = (i + j + 1) / 2;
    i = j;
  }
  return out;
}

// Which cells of a tier may rank: not clean, no development task, erm memorizes (or that cannot be measured), and noisy validation informs.
function mayRank(c, track, pretrained = false) {
  const cell = D.cells[c];
  return cell.pretrained === pretrained && !cell.clean && !cell.development && cell.memorizes !== false && (track !== "noisy_val" || cell.rho >= D.least_rho);
}

// z = mean over seeds of (method - erm) / pooled seed sd of the cell; cells of a task averaged. As stats.boards.block_scores.
function blockScores(lines) {
  const runs = new Map(), methods = new Set();
  for (const i of lines) {
    const name = D.methods[L.m[i]].name;
    methods.add(name);
    for (const [seed, score] of seedScores(i)) {
      const key = L.c[i] + "/" + seed;
      if (!runs.has(key)) runs.set(key, { c: L.c[i], seed, score: new Map() });
      runs.get(key).score.set(name, score);
    }
  }
  let use = [...runs.values()].filter((run) => run.score.has(ERM));
  const votes = new Map([...methods].map((m) => [m, use.filter((run) => run.score.has(m)).length / use.length]));
  const half = sum([...votes.values()]) / 2;
  use = use.filter((run) => sum([...run.score.keys()].map((m) => votes.get(m))) >= half - 1e-12);
  const coverage = new Map([...methods].filter((m) => m !== ERM).map((m) => [m, use.filter((run) => run.score.has(m)).length / use.length]));
  const ranked = [...coverage].filter(([, share]) => share === 1).map(([m]) => m);
  const cells = new Map();
  for (const run of use) cells.set(run.c, [...(cells.get(run.c) || []), run]);
  const z = new Map(), paired = new Map(), leftOut = [];
  for (const [c, own] of cells) {
    const spread = Math.sqrt(mean([ERM, ...ranked].map((m) => variance(own.map((run) => run.score.get(m))))));
    if (own.length < 2 || !(spread > 0)) { leftOut.push(c); continue; }
    paired.set(c, new Map(own.map((run) => [run.seed, ranked.map((m) => (run.score.get(m) - run.score.get(ERM)) / spread)])));
    z.set(c, ranked.map((_, m) => mean([...paired.get(c).values()].map((v) => v[m]))));
  }
  const tasks = new Map();
  for (const c of z.keys()) { const name = D.cells[c].block; tasks.set(name, [...(tasks.get(name) || []), c]); }
  const over = (values) => ranked.map((_, m) => mean([...tasks.values()].map((own) => mean(own.map((c) => values(c)[m])))));
  const blocks = [...tasks].map(([task, own]) => ({ task, z: ranked.map((_, m) => mean(own.map((c) => z.get(c)[m]))) }));
  const shared = paired.size ? [...[...paired.values()][0].keys()].filter((seed) => [...paired.values()].every((own) => own.has(seed))) : [];
  return { methods: ranked, cells: z, blocks, runs: shared.map((seed) => over((c) => paired.get(c).get(seed))), incomplete: [...coverage].filter(([, share]) => share < 1), leftOut };
}

// Simultaneous intervals by sign-flips of tasks, as stats.signflip.max_t: the larger of two critical values.
function maxT(z, alpha = 0.05) {
  const D_ = z.length, M = D_ ? z[0].length : 0, average = Array.from({ length: M }, (_, m) => mean(z.map((row) => row[m])));
  if (D_ < D.least_tasks || !M) return average.map((value) => ({ value, low: NaN, high: NaN }));
  const flips = signFlips(D_), centered = z.map((row) => row.map((v, m) => v - average[m]));
  const c = Math.max(critical(z, flips, alpha), critical(centered, flips, alpha));
  return average.map((value, m) => { const half = (c * Math.sqrt(variance(z.map((row) => row[m])))) / Math.sqrt(D_); return { value, low: value - half, high: value + half }; });
}
const FLIPS = new Map();
function signFlips(blocks) { // (F x D) of +-1, the observed signs first
  if (FLIPS.has(blocks)) return FLIPS.get(blocks);
  const exact = blocks <= 16, count = exact ? 2 ** (blocks - 1) : 20000, flips = new Int8Array(count * blocks).fill(1);
  let state = 1; // a generator of its own: the page says the same every time
  for (let k = 1; k < count; k++) {
    for (let d = 0; d < blocks; d++) {
      if (!exact) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      if (exact ? d && (k >> (d - 1)) & 1 : state >>> 31) flips[k * blocks + d] = -1;
    }
  }
  FLIPS.set(blocks, flips);
  return flips;
}
function critical(z, flips, alpha) {
  const blocks = z.length, M = z[0].length;
  const size = Array.from({ length: M }, (_, m) => Math.sqrt(blocks * sum(z.map((row) => row[m] ** 2))));
  const w = new Float64Array(M * blocks), largest = new Float64Array(flips.length / blocks);
  for (let m = 0; m < M; m++) for (let d = 0; d < blocks; d++) w[m * blocks + d] = size[m] > 0 ? z[d][m] / size[m] : 0;
  for (let k = 0; k < largest.length; k++) {
    for (let m = 0; m < M; m++) {
      let u = 0;
      for (let d = 0; d < blocks; d++) u += flips[k * blocks + d] * w[m * blocks + d];
      if (Math.abs(u) > largest[k]) largest[k] = Math.abs(u);
    }
  }
  largest.sort();
  const u = largest[largest.length - Math.floor(alpha * largest.length + 1e-9) - 1];
  return (u * Math.sqrt(blocks - 1)) / Math.sqrt(Math.max(1 - u * u, 1e-300));
}

// One line per method of a selection: what the board page shows. lines: of one task type and track.
function estimates(lines) {
  const found = blockScores(lines), all = maxT(found.blocks.map((block) => block.z)), cells = [...found.cells.values()];
  const own = new Map();
  for (const i of lines) { const name = D.methods[L.m[i]].name; own.set(name, [...(own.get(name) || []), i]); }
  const average = (name, column) => mean((own.get(name) || []).map((i) => L[column][i]).filter(known));
  const out = found.methods.map((name, m) => {
    const values = cells.map((row) => row[m]).sort((a, b) => a - b), tail = values.slice(0, Math.ceil(values.length / 10));
    const n = found.runs.length, half = n > 1 ? student(n - 1) * Math.sqrt(variance(found.runs.map((run) => run[m])) / n) : NaN;
    return { name, ...all[m], seed_low: all[m].value - half, seed_high: all[m].value + half, worst: mean(tail), below: mean(values.map((v) => +(v < 0))), cost: average(name, "cost"), memorization: average(name, "memorization"), z: cells.map((row) => row[m]), blocks: found.blocks.map((b) => b.z[m]), marks: marks((own.get(name) || [])[0]) };
  });
  if (own.has(ERM) && found.cells.size) out.push({ name: ERM, value: 0, low: NaN, high: NaN, seed_low: NaN, seed_high: NaN, worst: 0, below: 0, cost: average(ERM, "cost"), memorization: average(ERM, "memorization"), z: cells.map(() => 0), blocks: found.blocks.map(() => 0), marks: "" });
  const place = ranks(out.map((line) => line.value));
  out.forEach((line, at) => { line.rank = place[at]; });
  return { ...found, lines: out.sort((a, b) => b.value - a.value), names: [...found.cells.keys()] };
}
// Mean ranks over tasks, best first, and the largest groups that Nemenyi's test does not separate.
function rankGroups(lines) {
  const blocks = lines.length ? lines[0].blocks.length : 0, count = lines.length;
  const places = Array.from({ length: blocks }, (_, b) => ranks(lines.map((line) => line.blocks[b])));
  const sorted = lines.map((line, at) => ({ name: line.name, rank: mean(places.map((place) => place[at])) })).sort((a, b) => a.rank - b.rank);
  const difference = D.nemenyi[count] * Math.sqrt((count * (count + 1)) / (6 * blocks));
  const last = sorted.map((line) => sorted.reduce((end, other, at) => (other.rank - line.rank <= difference ? at : end), 0));
  const groups = last.map((end, at) => [at, end]).filter(([at, end]) => end > at && (at === 0 || last[at - 1] < end));
  return { lines: sorted, difference, groups };
}
function paretoFront(points) { // of {cost, value}: nobody is cheaper and better
  return points.map((p) => known(p.cost) && !points.some((o) => o.cost <= p.cost && o.value >= p.value && (o.cost < p.cost || o.value > p.value)));
}
// Performance profile of the first methods: share of cells in which one is within tau sd of the best of all, at (some of) the taus where a share changes.
function profiles(all, count) {
  const lines = all.slice(0, count), best = lines[0].z.map((_, c) => Math.max(...all.map((line) => line.z[c])));
  const behind = lines.map((line) => line.z.map((v, c) => best[c] - v)), steps = [...new Set(behind.flat())].sort((a, b) => a - b);
  const every = Math.ceil(steps.length / 160), taus = [0, ...steps.filter((tau, k) => tau > 0 && k % every === 0 && k < 0.95 * steps.length)];
  return { taus, lines: lines.map((line, m) => ({ name: line.name, y: taus.map((tau) => mean(behind[m].map((gap) => +(gap <= tau + 1e-12)))) })) };
}
