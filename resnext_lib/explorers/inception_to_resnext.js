// From Inception to ResNeXt, frame by frame. The blocks come from live modules; see `figures.diagram`.

const TALL = 40, PITCH = 50;

function model({ frame }) {
  const now = data.frames[frame];
  return { ...now, position: frame + 1, frames: data.frames.length, most: Math.max(...data.frames.map(f => f.weights)),
    lanesDrawn: now.diagram.repeated > 1 ? 3 : now.diagram.lanes.length };
}

const BADGES = { changes: "≠ changes the function", redraws: "= only redraws it", "": "the start" };

function tell(n) {
  const change = { changes: "This step changes the function.", redraws: "The function stays the same, number for number: only the drawing and the code change.", "": "" }[n.change];
  return [`Step ${n.position} of ${n.frames}. ${n.title}.`, n.say, change, `${spaced(n.weights)} weights; to choose: ${n.choose}.`].filter(Boolean);
}

function draw(picture, n, width, state) {
  picture.text("title", 0, 10, `${n.position}. ${n.title}`, "title");
  drawBadge(picture, n, 34);
  drawBlock(picture, n.diagram, width, 62);
  drawStrip(picture, n, width, 318, state.revealed ? state.seen : -1);
  return 318 + 112;
}

// Not by colour alone: a filled box with ≠, an outlined one with =.
function drawBadge(picture, n, y) {
  const words = BADGES[n.change], wide = words.length * 7.4 + 18;
  picture.rect(1, "badge", 0, y - 11, wide, 22, n.change === "changes" ? "f-ink s-ink thin" : "f-card s-ink thin", { rx: 11 });
  picture.text("badge-words", wide / 2, y, words, n.change === "changes" ? "f-card strong" : "strong", "middle");
}

// Boxes in lanes, what merges them, what follows, and the shortcut round it all.
function drawBlock(picture, d, width, top) {
  const narrow = width < 500, box = narrow ? 42 : 64;
  const lanes = d.repeated > 1 ? [d.lanes[0], d.lanes[0], null, d.lanes[0]] : d.lanes;
  const tall = lanes.map(lane => (lane ? PITCH : 24)), height = tall.reduce((a, b) => a + b, 0);
  const centre = top + 138, first = centre - height / 2;
  const middles = lanes.map((_, i) => first + tall.slice(0, i).reduce((a, b) => a + b, 0) + tall[i] / 2);
  const deepest = Math.max(...d.lanes.map(lane => lane.length)), trunk = d.shortcut ? 42 : 34;
  const fixed = trunk + (deepest + d.tail.length) * box + (d.merge ? 18 + (d.tail.length || d.shortcut ? 30 : 0) : 0) + (d.shortcut ? 30 : 0) + 40;
  const gap = Math.max(6, Math.min(88, (width - fixed) / (deepest + d.tail.length + (d.merge ? 1 : 0) + (d.shortcut ? 1 : 0))));
  const joint = (key, path, names = "s-ink thin") => picture.put(0, key, "path", { d: path, class: `f-none ${names}` });
  picture.text("in", 0, centre - 10, d.input);
  joint("in-line", `M0 ${centre}H${trunk}`);
  joint("trunk", `M${trunk} ${middles[0]}V${middles[middles.length - 1]}`);
  const ends = lanes.map((lane, i) => {
    if (!lane) {
      picture.text("dots", trunk + 12, middles[i], `⋯ ×${d.repeated}`);
      return trunk;
    }
    joint(`lane${i}`, `M${trunk} ${middles[i]}H${trunk + lane.length * (gap + box)}`);
    lane.forEach((node, j) => drawNode(picture, d.merge || j < 2 ? `box${i}-${j}` : "tail0", node, trunk + gap + j * (gap + box), middles[i], box));
    return trunk + lane.length * (gap + box);
  });
  let x = Math.max(...ends);
  if (d.merge) x = drawMerge(picture, d, lanes, middles, ends, x + Math.max(gap, 13), centre, joint);
  d.tail.forEach((node, i) => {
    joint(`tail-line${i}`, `M${x} ${centre}h${gap}`);
    drawNode(picture, `tail${i}`, node, x + gap, centre, box);
    x += gap + box;
  });
  if (d.shortcut) {
    const plus = Math.min(width - 46, x + gap + 12), over = first - 16;
    joint("last", `M${x} ${centre}H${plus - 10}`);
    joint("shortcut", `M${trunk - 8} ${centre}V${over}H${plus}V${centre - 10}`, "s-sum");
    picture.text("identity", (trunk + plus) / 2, over - 12, "shortcut: the input, unchanged", "f-sum", "middle");
    drawPlus(picture, "block-plus", plus, centre);
    x = plus + 10;
  }
  joint("out-line", `M${x} ${centre}H${width - 8}`);
  picture.put(3, "head", "path", { d: `M${width - 1} ${centre}l-9 -4.5v9z`, class: "f-ink" });
  picture.text("out", width - 2, centre - 14, d.output, "", "end");
}

// A grouped layer is cut from side to side, between its lines of lettering.
function drawNode(picture, key, node, x, y, box) {
  const [kernel, channels] = node.label.split(/, | /), blue = node.kind === "spatial", tall = node.groups > 1 ? 60 : TALL, half = node.groups > 1 ? 7.5 : 9;
  picture.rect(1, key, x, y - tall / 2, box, tall, `${{ spatial: "f-path", pointwise: "f-pale", pool: "f-card" }[node.kind]} s-ink thin`);
  if (node.groups > 1) [1, 2, 3].forEach(i => picture.rect(2, `${key}-cut${i}`, x - 1, y - tall / 2 + i * tall / 4 - 1, box + 2, 2, "f-card"));
  if (node.groups > 1) picture.text(`${key}-note`, x + box / 2, y + tall / 2 + 12, node.note, "mono", "middle");
  picture.text(`${key}-kernel`, x + box / 2, y - half, kernel, blue ? "f-on-path strong" : "strong", "middle");
  picture.text(`${key}-channels`, x + box / 2, y + half, channels, blue ? "f-on-path" : "", "middle");
}

// A flat bracket where channels stand side by side, a plus where maps are added.
function drawMerge(picture, d, lanes, middles, ends, x, centre, joint) {
  lanes.forEach((lane, i) => lane && joint(`merge${i}`, `M${ends[i]} ${middles[i]}H${x}`));
  const top = middles[0], bottom = middles[middles.length - 1];
  if (d.merge === "sum") {
    joint("merge-trunk", `M${x} ${top}V${bottom}`);
    drawPlus(picture, "paths-plus", x, centre);
  } else picture.rect(3, "bracket", x - 2, top - 14, 4, bottom - top + 28, "f-ink");
  const after = d.tail.length || d.shortcut, start = x + (d.merge === "sum" ? 10 : 2);
  if (after) {
    joint("merged", `M${start} ${centre}h30`);
    picture.text("merged-words", start + 15, centre - 12, d.merged, "", "middle");
  }
  return after ? start + 30 : start;
}

function drawPlus(picture, key, x, y) {
  picture.put(3, key, "circle", { cx: x, cy: y, r: 10, class: "f-card s-sum" });
  picture.put(4, `${key}-lines`, "path", { d: `M${x - 5} ${y}h10M${x} ${y - 5}v10`, class: "f-none s-sum" });
}

// All frames at once: the weights of those seen so far as columns, with ≠ or = for what the step does.
function drawStrip(picture, n, width, top, seen) {
  const step = width / n.frames, base = top + 74;
  picture.text("strip", 0, top, seen < 0 ? "" : "weights of the steps so far", "strong");
  data.frames.forEach((frame, i) => {
    const now = i + 1 === n.position, tall = 46 * frame.weights / n.most, x = i * step + step / 2;
    picture.text(`number${i}`, x, base + 12, i + 1, now ? "strong" : "", "middle");
    if (i <= seen) {
      picture.rect(1, `column${i}`, x - step * 0.32, base - tall, step * 0.64, tall, `${now ? "f-path" : "f-weight"} ${now ? "s-ink" : ""}`);
      picture.text(`weights${i}`, x, base - tall - 9, `${Math.round(frame.weights / 1000)}k`, now ? "strong f-path" : "f-quiet", "middle");
      picture.text(`sign${i}`, x, base + 30, { changes: "≠", redraws: "=", "": "" }[frame.change], "strong", "middle");
    } else picture.rect(1, `column${i}`, x - step * 0.32, base - 3, step * 0.64, 3, "f-pale");
    picture.rect(4, `tap${i}`, i * step, top + 8, step, 100, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ frame: i }) });
  });
}

const frames = data.frames.length;
const steps = make("fieldset", {}, make("legend", {}, "Go on"));
[["Previous", -1], ["Next", 1]].forEach(([label, by]) => {
  const button = make("button", { type: "button" }, label);
  button.addEventListener("click", () => {
    const { state, set } = root.explorer;
    set({ frame: Math.max(0, Math.min(frames - 1, state.frame + by)) });
  });
  steps.append(button);
});
bring({
  state: { frame: 0, seen: 0 }, model, draw, tell,
  settle(state) { state.seen = Math.max(state.seen, state.frame); },   // a step's sign stays hidden until one was there
  waiting: "The first of eight steps: Inception’s module 3a. What the steps change shows after your answer, or as you go on.",
  hint: "The picture can be clicked: the row of numbers leads to any step.",
  longest: () => data.frames.map((_, frame) => ({ frame })),
  before: [
    prediction("Between steps 5 and 6, the 32 last 1×1s become one layer. Does the function change?", [["yes", "yes"], ["no", "no"]], "no",
      `It is the same function: a sum of 32 products is one product of stacked matrices. Both have ${spaced(data.frames[4].weights)} weights.`,
      { frame: 5, seen: frames - 1 }),
    slider("frame", "Step", () => frames - 1, state => `${state.frame + 1} of ${frames}`),
  ],
  after: [{ element: steps, refresh: ({ frame }) => [...steps.querySelectorAll("button")].forEach((button, i) =>
    button.setAttribute("aria-disabled", frame === [0, frames - 1][i])) }],
});
