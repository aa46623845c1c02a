// Spend a budget: C paths of width d in a block of 256 channels, for the weights of ResNet's block.

const weightsOf = (c, d) => [data.channels * d * c, 9 * d * d * c, data.channels * d * c];
const sum = values => values.reduce((a, b) => a + b, 0);

// The whole number d whose block comes nearest to the budget.
function nearest(c) {
  let best = 1;
  for (let d = 2; d <= data.widest; d++)
    if (Math.abs(sum(weightsOf(c, d)) - data.budget) < Math.abs(sum(weightsOf(c, best)) - data.budget)) best = d;
  return best;
}

function model({ stop, mode, d: chosen }) {
  const c = data.stops[stop], d = mode === "keep" ? nearest(c) : chosen;
  const parts = weightsOf(c, d), total = sum(parts);
  const off = 100 * (total / data.budget - 1);
  const error = data.errors[`${c}x${d}d`];
  return { c, d, middle: c * d, parts, total, off, macs: total * data.map * data.map, share: 100 * parts[1] / total,
    limit: Math.floor(data.budget / (2 * data.channels)), over: off > 10, under: off < -10,
    error: error === undefined ? null : error, ruler: weightsOf(1, 64) };
}

const percent = (value, signed) => `${signed && value > 0 ? "+" : ""}${value.toFixed(1).replace("-", "−")} %`;

function tell(n) {
  const verdict = n.over ? ": over budget" : n.under ? ": budget left over" : "";
  const against = n.off >= 100 ? `${Number((n.total / data.budget).toFixed(1))} times the budget${verdict}`
    : n.total === data.budget ? "exactly the budget" : `${percent(n.off, true)} against the budget${verdict}`;
  const measured = n.error === null ? "The paper did not measure this pair." : `The paper’s 50-layer network of such blocks makes ${n.error.toFixed(1)} % top-1 errors.`;
  return [`${named(n)}: ${spaced(n.total)} weights, ${against}.`,
    `${n.parts.map(spaced).join(" + ")}: the 3×3 takes ${percent(n.share)}, and the middle is ${n.c} × ${n.d} = ${spaced(n.middle)} channels wide.`,
    `On a ${data.map}×${data.map} map that is ${spaced(n.macs)} multiply-adds.`, measured];
}

const named = n => `${n.c} path${n.c > 1 ? "s" : ""} of width ${n.d}`;

// Both axes are fixed, so that the reference never changes its length; what is longer is cut off at the edge, and says so.
function draw(picture, n, width, { revealed }) {
  const end = width - 4, scale = end / (width < 500 ? 100000 : 110000), post = data.budget * scale;
  const bar = (key, y, parts, tall, fills) => {
    let x = 0;
    parts.forEach((value, i) => {
      const wide = Math.max(0, Math.min(value * scale, end - x)), label = i === 1 ? `3×3: ${spaced(value)}` : spaced(value), fits = wide > label.length * 7.6 + 6;
      picture.rect(1, `${key}${i}`, x, y, wide, tall, fills[i]);
      if (fits) picture.text(`${key}-label${i}`, x + wide / 2, y + tall / 2, label, fills[i].includes("f-path") ? "f-on-path" : "", "middle");
      else if (i === 1 && key === "mine" && wide > 0) picture.text(`${key}-below`, Math.min(end - 4.5 * label.length, Math.max(x + wide / 2, 4.5 * label.length)), y + tall + 17, label, "f-path strong", "middle");
      x += wide;
    });
  };
  picture.text("ruler", 0, 10, "ResNet’s block: 1 path of width 64", "strong");
  bar("ruler", 24, n.ruler, 30, ["f-pale s-ink thin", "f-card s-ink thin", "f-pale s-ink thin"]);
  const edge = n.over ? " dashed" : "";
  picture.text("mine", 0, 78, `${named(n)}${n.over ? ", over budget" : ""}`, "strong");
  if (n.total * scale > end) picture.text("mine-goes-on", end, 78, "goes on →", "f-sum strong", "end");
  bar("mine", 92, n.parts, 44, [`f-pale s-ink${edge}`, `f-path s-ink${edge}`, `f-pale s-ink${edge}`]);
  picture.put(3, "post", "path", { d: `M${post} 20V60M${post} 88V142`, class: "f-none s-sum" });
  picture.text("budget", Math.max(post, 58), 154, `budget ${spaced(data.budget)}`, "f-sum strong", "middle");
  drawMiddle(picture, n, width, 172, revealed);
  if (!revealed) return 250;
  drawErrors(picture, n, width, 276);
  return 276 + 116;
}

// The middle, channel by channel, to scale: C boxes of width d, and the wall that no C passes.
function drawMiddle(picture, n, width, top, revealed) {
  const end = width - 4, scale = end / (width < 500 ? 170 : 180), wall = n.limit * scale, box = n.d * scale;
  picture.text("middle", 0, top + 10, revealed ? `the middle: ${n.c} × ${n.d} = ${spaced(n.middle)} channels` : "the middle", "strong");
  if (n.middle * scale > end) picture.text("middle-goes-on", end, top + 10, "goes on →", "f-sum strong", "end");
  picture.rect(0, "old", 0, top + 24, 64 * scale, 8, "f-weight");
  picture.text("old-words", (64 * scale + 100 > wall ? wall : 64 * scale) + 6, top + 28, "64 in ResNet", "f-quiet");
  Array.from({ length: n.c }, (_, i) => i * box < end &&
    picture.rect(1, `path${i}`, i * box, top + 40, Math.min(box, end - i * box), 28, `f-path ${box > 3 ? "s-card" : ""}`));
  if (!revealed) return;   // the wall would give the width of a path away
  picture.put(3, "wall", "path", { d: `M${wall} ${top + 20}V${top + 74}`, class: "f-none s-sum dashed" });
  picture.text("wall-words", Math.max(wall, 34), top + 86, `limit ${n.limit}`, "f-sum strong", "middle");
}

// The five pairs that the paper trained; the one on show is filled, and a tap goes to a pair.
function drawErrors(picture, n, width, top) {
  const pairs = Object.entries(data.errors), step = width / pairs.length;
  const high = 24.2, low = 22, tall = 60;
  picture.text("errors", 0, top + 10, "paper: top-1 error, 50 layers", "strong");
  pairs.forEach(([pair, error], i) => {
    const x = i * step + step / 2, y = top + 30 + tall * (high - error) / (high - low) * 0.75, on = pair === `${n.c}x${n.d}d`;
    picture.put(2, `dot${pair}`, "circle", { cx: x, cy: y + 10, r: on ? 8 : 6, class: `${on ? "f-path" : "f-card"} s-ink` });
    picture.text(`error${pair}`, x, y - 8, `${error.toFixed(1)} %`, on ? "strong f-path" : "f-quiet", "middle");
    const stop = data.stops.indexOf(parseInt(pair, 10));
    picture.rect(4, `tap${pair}`, i * step, top + 20, step, 94, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ stop, mode: "keep" }) });
    picture.text(`pair${pair}`, x, top + 108, pair.replace("x", "×"), on ? "strong f-path" : "f-quiet", "middle");
  });
}

const stopWords = state => `${data.stops[state.stop]} path${state.stop ? "s" : ""}`;
bring({
  state: { stop: 0, mode: "keep", d: data.widest }, model, draw, tell,
  waiting: "One path of width 64 is ResNet’s own block. The counts for more paths show after your answer or your first move.",
  hint: "The picture can be clicked: each of the paper’s five networks at the bottom shows its block.",
  longest: () => data.stops.flatMap((_, stop) => [{ stop, mode: "keep" }, { stop, mode: "both", d: data.widest }]),
  settle(state, changes) {
    if ("d" in changes) state.mode = "both";
    if (state.mode === "keep") state.d = nearest(data.stops[state.stop]);
  },
  before: [
    prediction(`ResNet’s block has ${spaced(data.budget)} weights. With 32 paths for the same price, how wide can a path be?`, [[2, "2"], [4, "4"], [16, "16"]], 4,
      `32 paths of 4 cost ${spaced(sum(weightsOf(32, 4)))}. 2 would keep the middle at 64 channels, but grouping makes the 3×3 cheap: what it frees pays for a middle of 128.`,
      { stop: data.stops.indexOf(32), mode: "keep" }),
    slider("stop", "Paths", () => data.stops.length - 1, stopWords),
  ],
  after: [
    choice("mode", "Width of a path", [["keep", "as wide as the budget allows"], ["both", "my choice"]]),
    slider("d", "Width", () => data.widest, state => `${state.d} channel${state.d > 1 ? "s" : ""}`, 1),
  ],
});
