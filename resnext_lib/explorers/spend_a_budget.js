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
  return { c, d, middle: c * d, parts, total, off, exact: widthAt(c), macs: total * data.map * data.map, share: 100 * parts[1] / total,
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
      if (fills) picture.rect(1, `${key}${i}`, x, y, wide, tall, fills[i]);
      else picture.hatched(1, `${key}${i}`, x, y, wide, tall);
      if (fits) picture.text(`${key}-label${i}`, x + wide / 2, y + tall / 2, label, !fills ? "halo" : fills[i].includes("f-path") ? "f-on-path" : "", "middle");
      else if (i === 1 && key === "mine" && wide > 0) picture.text(`${key}-below`, Math.min(end - 4.5 * label.length, Math.max(x + wide / 2, 4.5 * label.length)), y + tall + 17, label, "f-path strong", "middle");
      x += wide;
    });
  };
  picture.text("ruler", 0, 10, "ResNet’s block: 1 path of width 64", "strong");
  bar("ruler", 24, n.ruler, 30, null);   // hatched, as ResNet is everywhere
  const edge = n.over ? " dashed" : "";
  picture.text("mine", 0, 78, `${named(n)}${n.over ? ", over budget" : ""}`, "strong");
  if (n.total * scale > end) picture.text("mine-goes-on", end, 78, "goes on →", "strong", "end");
  bar("mine", 92, n.parts, 44, [`f-pale s-ink${edge}`, `f-path s-ink${edge}`, `f-pale s-ink${edge}`]);
  picture.put(3, "post", "path", { d: `M${post} 20V60M${post} 88V142`, class: "f-none s-ink dashed" });
  picture.text("budget", Math.max(post, 58), 154, `budget ${spaced(data.budget)}`, "strong", "middle");
  drawMiddle(picture, n, width, 172, revealed);
  drawPlane(picture, n, width, 276, revealed);
  return 276 + 246;
}

// The middle, channel by channel, to scale: C boxes of width d, and the wall that no C passes.
function drawMiddle(picture, n, width, top, revealed) {
  const end = width - 4, scale = end / (width < 500 ? 170 : 180), wall = n.limit * scale, box = n.d * scale;
  picture.text("middle", 0, top + 10, revealed ? `the middle: ${n.c} × ${n.d} = ${spaced(n.middle)} channels` : "the middle", "strong");
  if (n.middle * scale > end) picture.text("middle-goes-on", end, top + 10, "goes on →", "strong", "end");
  picture.hatched(0, "old", 0, top + 24, 64 * scale, 8);
  picture.text("old-words", (64 * scale + 100 > wall ? wall : 64 * scale) + 6, top + 28, "64 in ResNet", "f-quiet");
  Array.from({ length: n.c }, (_, i) => i * box < end &&
    picture.rect(1, `path${i}`, i * box, top + 40, Math.min(box, end - i * box), 28, `f-path ${box > 3 ? "s-card" : ""}`));
  if (!revealed) return;   // the wall would give the width of a path away
  picture.put(3, "wall", "path", { d: `M${wall} ${top + 20}V${top + 74}`, class: "f-none s-ink dashed" });
  picture.text("wall-words", Math.max(wall, 34), top + 86, `limit ${n.limit}`, "strong", "middle");
}

// The width at which C paths cost the budget, for any C: 512·C·d + 9·C·d² solved for d.
const widthAt = c => (Math.sqrt((2 * data.channels * c) ** 2 + 36 * c * data.budget) - 2 * data.channels * c) / (18 * c);

// The plane of C and d, both axes logarithmic: the curve of equal cost, the wall that it nears, the pairs that the paper trained.
function drawPlane(picture, n, width, top, revealed) {
  const left = 36, right = 44, tall = 168, first = top + 30, octaves = Math.log2(data.widest), most = data.stops.length - 1;
  const x = c => left + (width - left - right) * Math.log2(c) / most, y = d => first + tall * (1 - Math.log2(d) / octaves);
  const curve = (name, widthOf, names) => {
    const points = Array.from({ length: 8 * most + 1 }, (_, i) => 2 ** (i / 8)).filter(c => widthOf(c) <= data.widest && widthOf(c) >= 1);
    picture.put(1, name, "path", { d: points.map((c, i) => `${i ? "L" : "M"}${x(c).toFixed(1)} ${y(widthOf(c)).toFixed(1)}`).join(""), class: `f-none ${names}` });
  };
  picture.text("plane", 0, top + 6, "equal cost (blue) and the paper’s errors", "strong");
  [1, 4, 16, 64].forEach(d => {
    picture.put(0, `grid${d}`, "path", { d: `M${left} ${y(d)}H${width - right}`, class: "f-none s-line" });
    picture.text(`width${d}`, left - 10, y(d), d, "f-quiet", "end");
  });
  picture.text("axes", left, first + tall + 38, revealed ? `across: paths C; up: width d; dashed: C·d = ${n.limit}` : "across: paths C; up: width d", "f-quiet");
  data.stops.forEach(c => picture.text(`paths${c}`, x(c), first + tall + 20, c, revealed && c === n.c ? "strong f-path" : "", "middle"));
  if (!revealed) return;   // the axes alone, so that nothing jumps when the rest comes
  curve("wall-line", c => n.limit / c, "s-ink thin dashed");
  curve("equal", widthAt, "s-path");
  data.stops.forEach((c, stop) => {
    picture.rect(4, `column${c}`, x(c) - 15, first - 8, 30, tall + 40, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ stop, mode: "keep" }) });
  });
  Object.entries(data.errors).forEach(([pair, error]) => {
    const [c, d] = pair.split("x").map(part => parseInt(part, 10));
    picture.put(2, `dot${pair}`, "circle", { cx: x(c), cy: y(d), r: 4, class: "f-card s-ink" });
    picture.text(`error${pair}`, x(c) + 7, y(d) - 9, `${error.toFixed(1)} %`, "f-quiet halo");
  });
  picture.put(3, "here", "circle", { cx: x(n.c), cy: y(n.d), r: 7, class: `f-path s-ink${n.over ? " dashed" : ""}` });
}

const stopWords = state => `${data.stops[state.stop]} path${state.stop ? "s" : ""}`;
bring({
  state: { stop: 0, mode: "keep", d: data.widest }, model, draw, tell,
  waiting: "One path of width 64 is ResNet’s own block. The counts for more paths show after your answer or your first move.",
  hint: ({ revealed }) => (revealed ? "The picture can be clicked: a column of the plane goes to its number of paths, on the curve of equal cost." : ""),
  longest: () => data.stops.flatMap((_, stop) => [{ stop, mode: "keep" }, { stop, mode: "both", d: data.widest }]),
  settle(state, changes) {
    if ("d" in changes) state.mode = "both";
    if (state.mode === "keep") state.d = nearest(data.stops[state.stop]);
  },
  before: [
    prediction(`ResNet’s block has ${spaced(data.budget)} weights. With 128 paths instead of 32 for the same price, how much wider does the middle become?`,
      [["twice", "twice"], ["half", "half as much again"], ["same", "not at all"]], { 2: "twice", 1.5: "half", 1: "same" }[128 * nearest(128) / (32 * nearest(32))],
      `With 32 paths it is 32 × ${nearest(32)} = ${32 * nearest(32)} channels, with 128 it is 128 × ${nearest(128)} = ${128 * nearest(128)}. The 3×3 is cheap already, and the two 1×1s take what is left.`,
      { stop: data.stops.indexOf(128), mode: "keep" }),
    slider("stop", "Paths", () => data.stops.length - 1, stopWords),
  ],
  after: [
    choice("mode", "Width of a path", [["keep", "what comes nearest to the budget"], ["both", "my choice"]]),
    slider("d", "Width", () => data.widest, state => `${state.d} channel${state.d > 1 ? "s" : ""}`, 1),
  ],
});
