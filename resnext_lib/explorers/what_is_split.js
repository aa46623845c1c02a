// What is split? The three layers of a block, with a row for every middle channel.

const FORMS = { A: "Form A", B: "Form B", C: "Form C", split: "Input split" };

// A run is [first, length] of neighbouring channels.
const overlap = ([first, length], set) => {
  const inside = set.filter(channel => channel >= first && channel < first + length);
  return inside.length ? [inside[0], inside.length] : null;
};

function model({ form, size, follow, index }) {
  const { inputs, paths, width } = data.sizes[size], outputs = inputs, middle = paths * width;
  const rows = [...Array(middle).keys()], lane = row => Math.floor(row / width);
  const share = inputs / paths;
  const whole = row => (form === "split" ? [lane(row) * share, share] : [0, inputs]);
  const runs = [whole, row => [lane(row) * width, width], whole];   // which columns a row has weights for
  const columnsOf = (layer, set) => [...new Set(set.flatMap(row => rangeOf(runs[layer](row))))].sort((a, b) => a - b);
  const rowsOf = (layer, set) => rows.filter(row => overlap(runs[layer](row), set));
  // The channels that the followed thing comes from and goes to, on each side of each layer.
  let first, second, read, reached;
  if (follow === "output") {
    reached = [index];
    second = rowsOf(2, reached);
    first = columnsOf(1, second);
    read = columnsOf(0, first);
  } else {
    first = follow === "path" ? rows.filter(row => lane(row) === index) : follow === "input" ? rowsOf(0, [index]) : [index];
    second = rowsOf(1, first);
    read = follow === "input" ? [index] : columnsOf(0, first);
    reached = columnsOf(2, second);
  }
  const followed = [row => first.includes(row) && overlap(runs[0](row), read),
    row => second.includes(row) && overlap(runs[1](row), first),
    row => second.includes(row) && overlap(runs[2](row), reached)];
  const weights = runs.map((run, layer) => rows.reduce((sum, row) => sum + run(row)[1], 0) * [1, 9, 1][layer]);
  const separate = form === "A" ? [true, true, true] : form === "B" ? [true, true, false] : [false, false, false];
  return { inputs, outputs, middle, paths, width, weights, separate, read, first, second, reached,
    total: weights[0] + weights[1] + weights[2], touched: new Set(first.map(lane)).size,
    filled: middle * width, pairs: middle * middle,
    rows: rows.map(row => ({ lane: lane(row), runs: runs.map(run => run(row)), followed: followed.map(part => part(row)) })) };
}

function rangeOf([first, length]) {
  return Array.from({ length }, (_, i) => first + i);
}

function tell(n, { form, follow, index }) {
  const reach = {
    path: `Path ${index + 1} of ${n.paths} reads ${n.read.length} of ${n.inputs} inputs, uses ${n.second.length} of ${n.middle} middle channels and reaches ${n.reached.length} of ${n.outputs} outputs.`,
    input: `Input ${index + 1} is read by ${n.touched} of ${n.paths} paths and reaches ${n.reached.length} of ${n.outputs} outputs.`,
    middle: `Middle channel ${index + 1} reads ${n.read.length} of ${n.inputs} inputs, and the 3×3 mixes it with its own path only: ${n.second.length} of ${n.middle} channels.`,
    output: `Output ${index + 1} adds up ${n.touched} of ${n.paths} paths, and so depends on ${n.read.length} of ${n.inputs} inputs.`,
  }[follow];
  const sum = `${n.weights.map(spaced).join(" + ")} = ${spaced(n.total)} weights.`;
  const meaning = {
    A: "Every path has three layers of its own, and a plus adds their results.",
    B: "The paths’ last 1×1s have closed up into one layer. No weight was added, and none moved past another.",
    C: `All three are single layers now. The split is in the middle: the 3×3 has ${spaced(n.filled)} of ${spaced(n.pairs)} pairs of channels.`,
    split: n.paths > 1 ? "The paths never meet, block after block. This is not ResNeXt." : "With one path there is nothing to split.",
  }[form];
  return [reach, `${FORMS[form]}: ${sum}`, meaning];
}

// The picture before the answer: the weights, and nothing that is followed through them.
const unfollowed = n => ({ ...n, read: [], first: [], second: [], reached: [], rows: n.rows.map(row => ({ ...row, followed: [null, null, null] })) });

function draw(picture, numbers, width, { revealed }) {
  const n = revealed ? numbers : unfollowed(numbers);
  const full = n.middle > 8, left = full ? 4 : width < 500 ? 20 : 56, right = 40, space = width < 500 ? 20 : 44;
  const cell = (width - left - right - 2 * space) / (n.inputs + n.middle + n.outputs);
  const tall = full ? 2 : width < 500 ? 16 : 20, gap = full ? 2 : 9, top = 76;
  const lanes = n.paths * n.width * tall + (n.paths - 1) * gap, centre = top + lanes / 2;
  const columns = [n.inputs, n.middle, n.outputs];
  const starts = columns.map((_, layer) => left + layer * space + cell * columns.slice(0, layer).reduce((a, b) => a + b, 0));
  // Where a row lies: lanes keep their distance while the paths have separate layers.
  const place = (row, layer) => {
    const open = n.separate[layer] ? gap : 0, height = n.middle * tall + (n.paths - 1) * open;
    return centre - height / 2 + row * tall + n.rows[row].lane * open;
  };
  const words = ["inputs", "middle", "outputs"];
  [n.read, n.second, n.reached].forEach((set, layer) => {
    const end = starts[layer] + columns[layer] * cell;
    picture.text(`count${layer}`, (starts[layer] + end) / 2, 9, revealed ? `${set.length} of ${columns[layer]}` : "", "strong", "middle");
    picture.text(`word${layer}`, (starts[layer] + end) / 2, 26, words[layer], "f-quiet", "middle");
    rangeOf([0, full ? 0 : columns[layer]]).forEach(channel => picture.rect(2, `strip${layer}-${channel}`, starts[layer] + channel * cell + 0.5, 40, cell - 1.5, 14,
      set.includes(channel) ? "f-path s-ink thin" : "f-card s-line",
      { "data-set": JSON.stringify({ follow: ["input", "middle", "output"][layer], index: channel }) }));
    if (full) {
      picture.rect(0, `strip${layer}`, starts[layer], 40, columns[layer] * cell, 14, "f-card s-line");
      picture.rect(2, `strip${layer}-set`, starts[layer] + set[0] * cell, 40, Math.max(1.5, set.length * cell), 14, "f-path");
    }
    picture.text(`name${layer}`, (starts[layer] + end) / 2, top + lanes + 18, ["1×1", "3×3", "1×1"][layer], "strong", "middle");
    picture.text(`weights${layer}`, (starts[layer] + end) / 2, top + lanes + 37, revealed ? spaced(n.weights[layer]) : "", "f-quiet", "middle");
    drawLayer(picture, n, layer, starts[layer], cell, tall, place, full);
  });
  picture.text("groups", starts[1] + n.middle * cell / 2, top + lanes + 56, n.separate[0] ? "" : `groups=${n.paths}`, "mono", "middle");
  if (!full) rangeOf([0, n.paths]).forEach(lane => {
    const y = place(lane * n.width, 0) + n.width * tall / 2, chosen = n.first.length && n.first.every(row => n.rows[row].lane === lane);
    picture.text(`lane${lane}`, left - 10, y, width < 500 ? lane + 1 : `path ${lane + 1}`, chosen ? "strong f-path" : "f-quiet", "end");
  });
  drawJoints(picture, n, starts, columns, cell, tall, place, centre, full);
  return top + lanes + 66;
}

function drawLayer(picture, n, layer, start, cell, tall, place, full) {
  const { separate, paths, width } = n, columns = [n.inputs, n.middle, n.outputs][layer];
  n.rows.forEach(({ lane, runs, followed }, row) => {
    const y = place(row, layer), [first, length] = runs[layer], part = followed[layer];
    const tap = { "data-set": JSON.stringify({ follow: "path", index: lane }) };
    if (!separate[layer] && !full) picture.rect(0, `empty${layer}-${row}`, start, y, columns * cell, tall, "f-card s-line");
    picture.rect(1, `row${layer}-${row}`, start + first * cell, y, length * cell, tall, full ? "f-weight crisp" : "f-weight", tap);
    picture.rect(2, `followed${layer}-${row}`, start + (part ? part[0] : 0) * cell, y, (part ? Math.max(part[1] * cell, full ? 1.5 : 0) : 0), tall, full ? "f-path crisp" : "f-path", tap);
    if (!full) rangeOf([first, length]).forEach(column => picture.rect(3, `cell${layer}-${row}-${column}`, start + column * cell, y, cell, tall, "f-none s-card", tap));
  });
  // One frame round every layer: C of them while the paths are separate, one when they have closed up.
  rangeOf([0, paths]).forEach(lane => {
    const row = lane * width, [first, length] = n.rows[row].runs[layer];
    const one = !separate[layer], y = one ? place(0, layer) : place(row, layer);
    const height = (one ? n.middle : width) * tall;
    const names = `f-none s-ink${full ? " thin" : ""}${n.total < n.inputs * n.middle * 2 ? " dashed" : ""}`;
    // Above the cells, which come back after the frames when the form changes.
    picture.rect(4, `frame${layer}-${lane}`, start + (one ? 0 : first) * cell, y, (one ? columns : length) * cell, height, names, { "pointer-events": "none" });
  });
}

// What joins the layers: nothing but lines between separate layers, a bracket (concatenate), a plus (sum).
function drawJoints(picture, n, starts, columns, cell, tall, place, centre, full) {
  const middles = layer => rangeOf([0, n.paths]).map(lane => place(lane * n.width, layer) + n.width * tall / 2);
  const ends = starts.map((start, layer) => start + columns[layer] * cell), far = ends[2] + 18;
  const joint = (key, from, to, fromY, toY) => picture.put(0, key, "path", { d: `M${from} ${fromY}L${to} ${toY}`, class: "f-none s-ink thin" });
  [0, 1].forEach(layer => {
    if (!n.separate[layer]) joint(`joint${layer}`, ends[layer], starts[layer + 1], centre, centre);
    else if (!full) middles(layer).forEach((y, lane) => {
      const bracket = layer === 1 && !n.separate[2];
      const blockEnd = layer === 1 ? starts[1] + (lane + 1) * n.width * cell : ends[0];
      const to = layer === 0 ? starts[1] + lane * n.width * cell : bracket ? ends[1] + 8 : starts[2];
      joint(`joint${layer}-${lane}`, blockEnd, to, y, y);
    });
  });
  if (n.separate[1] && !n.separate[2]) {
    const x = ends[1] + 8, top = place(0, 1), height = place(n.middle - 1, 1) + tall - top;
    picture.rect(3, "bracket", x - 2, top, 4, height, "f-ink s-ink");
    joint("joined", x, starts[2], centre, centre);
  }
  if (n.separate[2]) {
    const ys = middles(2);
    if (!full) ys.forEach((y, lane) => joint(`sum-${lane}`, ends[2], far, y, y));
    joint("trunk", far, far, ys[0], ys[ys.length - 1]);
    picture.put(3, "plus", "circle", { cx: far, cy: centre, r: 10, class: "f-card s-sum" });
    picture.put(4, "plus-lines", "path", { d: `M${far - 5} ${centre}h10M${far} ${centre - 5}v10`, class: "f-none s-sum" });
  }
  joint("out", n.separate[2] ? far + 10 : ends[2], ends[2] + 38, centre, centre);
  const x = ends[2] + 40;
  picture.put(3, "head", "path", { d: `M${x} ${centre}l-8 -4v8z`, class: "f-ink" });
}

const count = state => ({ path: n => n.paths, input: n => n.inputs, middle: n => n.paths * n.width, output: n => n.inputs }[state.follow])(data.sizes[state.size]);
const last = state => count(state) - 1;

bring({
  state: { form: "A", size: 0, follow: "path", index: 0 }, first: { size: 2, index: 1 }, model, draw, tell,
  waiting: "Three layers with one path through them, every weight a grey cell. What a path reads shows after your answer or your first move.",
  hint: "The picture can be clicked: a row follows its path, a square above the matrices its channel.",
  longest: () => Object.keys(FORMS).flatMap(form => ["path", "input", "middle", "output"].map(follow => ({ form, follow, size: data.sizes.length - 1, index: 0 }))),
  settle(state, changes) {
    if ("follow" in changes && !("index" in changes)) state.index = Math.min(1, last(state));
    state.index = Math.min(state.index, last(state));
  },
  before: [
    prediction("Take a block with 4 paths. How many of its 16 inputs does path 2 read?", [[4, "4"], [8, "8"], [16, "16"]], 16,
      "Its first 1×1 reads all 16 inputs, as the blue row above the picture shows. 4 is the likely guess, and what “Input split” would give; only the middle is split.",
      { form: "A", size: 2, follow: "path", index: 1 }),
    choice("form", "How are the paths written?", [["A", "Form A"], ["B", "Form B"], ["C", "Form C"], ["split", "Input split (not ResNeXt)"]]),
  ],
  after: [
    choice("follow", "Follow", [["path", "a path"], ["input", "an input"], ["middle", "a middle channel"], ["output", "an output"]]),
    slider("index", "Which one", last, state => `${{ path: "path", input: "input", middle: "channel", output: "output" }[state.follow]} ${state.index + 1} of ${count(state)}`),
    menu("size", "Block", data.sizes.map(({ label }, i) => [i, label])),
  ],
});
