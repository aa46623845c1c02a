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
  const paths = `${n.c} path${n.c > 1 ? "s" : ""} of width ${n.d}`;
  const verdict = n.over ? "over budget" : n.under ? "budget left over" : "within 10 % of the budget";
  const against = n.total === data.budget ? "exactly the budget" : `${percent(n.off, true)} against the budget: ${verdict}`;
  const first = `${paths}: ${n.parts.map(spaced).join(" + ")} = ${spaced(n.total)} weights, ${against}.`;
  const middle = `The middle is ${n.c} × ${n.d} = ${spaced(n.middle)} channels wide, and the 3×3 takes ${percent(n.share)} of the weights.`;
  const measured = n.error === null ? "The paper did not measure this pair." : `The paper’s 50-layer network of such blocks makes ${n.error} % top-1 errors.`;
  return [first, middle, `On a ${data.map}×${data.map} map that is ${spaced(n.macs)} multiply-adds.`, measured];
}

function draw(picture, n, width) {
  const narrow = width < 500, right = 4, most = narrow ? 100000 : 110000, scale = (width - right) / most, end = width - right;
  const names = ["first 1×1", "3×3", "last 1×1"];
  // A stacked bar; what does not fit is cut off with a zigzag, and the words say how much it is.
  const bar = (key, y, parts, tall, fills) => {
    let x = 0;
    parts.forEach((value, i) => {
      const from = Math.min(x, end), to = Math.min(x + value * scale, end);
      picture.rect(1, `${key}${i}`, from, y, to - from, tall, fills[i]);
      const label = i === 1 ? `3×3 ${spaced(value)}` : spaced(value), room = label.length * 7.4 + 6;
      picture.text(`${key}-label${i}`, (from + to) / 2, y + tall / 2, to - from > room ? label : "", fills[i].includes("f-path") ? "f-on-path" : "", "middle");
      x += value * scale;
    });
    if (x > end) picture.put(3, `${key}-cut`, "path", { d: `M${end - 6} ${y - 3}l6 ${tall / 4}l-6 ${tall / 4}l6 ${tall / 4}l-6 ${tall / 4 + 3}`, class: "f-none s-ink" });
  };
  picture.text("ruler", 0, 10, "ResNet’s block: 1 path of 64", "strong");
  bar("ruler", 24, n.ruler, 30, ["f-pale s-ink thin", "f-weight s-ink thin", "f-pale s-ink thin"]);
  const edge = n.over ? " dashed" : "";
  picture.text("mine", 0, 78, `${n.c} path${n.c > 1 ? "s" : ""} of ${n.d}: ${spaced(n.total)}${n.over ? ", over budget" : ""}`, "strong");
  bar("mine", 92, n.parts, 44, [`f-pale s-ink${edge}`, `f-path s-ink${edge}`, `f-pale s-ink${edge}`]);
  const post = data.budget * scale;
  picture.put(3, "post", "path", { d: `M${post} 20V142`, class: "f-none s-sum" });
  picture.text("budget", post, 153, `budget ${spaced(data.budget)}`, "f-sum strong", "middle");
  drawMiddle(picture, n, width, 172);
  drawErrors(picture, n, width, 276);
  return 276 + 116;
}

// The middle, channel by channel, to scale: C boxes of width d, and the wall that no C passes.
function drawMiddle(picture, n, width, top) {
  const scale = (width - 4) / (width < 500 ? 170 : 180), most = width - 4, wall = n.limit * scale;
  picture.text("middle", 0, top + 10, `the middle: ${n.c} × ${n.d} = ${spaced(n.middle)} channels`, "strong");
  picture.rect(0, "old", 0, top + 24, 64 * scale, 8, "f-weight");
  picture.text("old-words", 64 * scale + 6, top + 28, "64 in ResNet", "f-quiet");
  const shown = Math.min(n.c, Math.ceil(most / (n.d * scale)));
  Array.from({ length: shown }, (_, i) => {
    const x = i * n.d * scale, wide = Math.min(n.d * scale, most - x);
    picture.rect(1, `path${i}`, x, top + 40, wide, 28, `f-path ${n.d * scale > 3 ? "s-card" : ""}`);
  });
  if (n.middle * scale > most) picture.put(3, "middle-cut", "path", { d: `M${most - 6} ${top + 36}l6 9l-6 9l6 9l-6 9`, class: "f-none s-ink" });
  picture.put(3, "wall", "path", { d: `M${wall} ${top + 20}V${top + 74}`, class: "f-none s-sum dashed" });
  picture.text("wall-words", wall, top + 86, `limit ${n.limit}`, "f-sum strong", "middle");
}

// The five pairs that the paper trained; the one on show is filled.
function drawErrors(picture, n, width, top) {
  const pairs = Object.entries(data.errors), step = width / pairs.length;
  const high = 24.2, low = 22, tall = 60;
  picture.text("errors", 0, top + 10, "paper: top-1 error, 50 layers", "strong");
  pairs.forEach(([pair, error], i) => {
    const x = i * step + step / 2, y = top + 30 + tall * (high - error) / (high - low) * 0.75, on = pair === `${n.c}x${n.d}d`;
    picture.put(2, `dot${pair}`, "circle", { cx: x, cy: y + 10, r: on ? 8 : 6, class: `${on ? "f-path" : "f-card"} s-ink` });
    picture.text(`error${pair}`, x, y - 8, `${error.toFixed(1)} %`, on ? "strong f-path" : "f-quiet", "middle");
    picture.text(`pair${pair}`, x, top + 108, pair.replace("x", "×"), on ? "strong f-path" : "f-quiet", "middle");
  });
}

const stopWords = state => `C = ${data.stops[state.stop]}`;
bring({
  state: { stop: data.stops.indexOf(32), mode: "keep", d: 4 }, model, draw, tell,
  settle(state, changes) {
    if ("d" in changes) state.mode = "both";
    if (state.mode === "keep") state.d = nearest(data.stops[state.stop]);
  },
  before: [
    prediction(`ResNet’s block has ${spaced(data.budget)} weights. With 32 paths for the same price, how wide can a path be?`, [[2, "2"], [4, "4"], [16, "16"]], 4,
      `32 paths of 4 cost ${spaced(sum(weightsOf(32, 4)))}. 2 would keep the middle at 64 channels, but grouping makes the 3×3 cheap: what it frees pays for a middle of 128.`),
    slider("stop", "Paths", () => data.stops.length - 1, stopWords),
  ],
  after: [
    choice("mode", "Width of a path", [["keep", "as wide as the budget allows"], ["both", "my choice"]]),
    slider("d", "Width", () => data.widest, state => `d = ${state.d}`, 1),
  ],
});
