// What is split? The three layers of a block, with a row for every middle channel, and numbers that flow through them.

const A = 0, B = 10, C = 20;   // where the forms stand on the way

// A run is [first, length] of neighbouring channels.
const rangeOf = ([first, length]) => Array.from({ length }, (_, i) => first + i);
const overlap = ([first, length], set) => {
  const inside = set.filter(channel => channel >= first && channel < first + length);
  return inside.length ? [inside[0], inside.length] : null;
};
const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);
const relu = value => Math.max(0, value);

// ---------------------------------------------------------------- the block, written in each of its forms

// A 1×1 on a 3×3 map, then a 3×3 at its middle pixel, a ReLU after each: the d numbers of one path, or of all of them.
const oneByOne = (image, rows) => rows.map(row => image[0].map((_, pixel) => relu(dot(row, image.map(channel => channel[pixel])))));
const threeByThree = (maps, kernels) => kernels.map(row => relu(row.reduce((sum, kernel, i) => sum + dot(kernel, maps[i]), 0)));

const ownRows = ({ paths, width }) => rangeOf([0, paths]).map(path => rangeOf([path * width, width]));
const pathOf = (image, own) => threeByThree(oneByOne(image, own.map(row => data.first[row])), own.map(row => own.map(column => data.spatial[row][column])));

// Form A: every path by itself, its own last 1×1 included; then the sum.
function formA(image, size) {
  const given = ownRows(size).map(own => {
    const middle = pathOf(image, own);
    return data.last.map(row => dot(own.map(column => row[column]), middle));
  });
  return given.reduce((sum, path) => sum.map((value, i) => value + path[i]));
}

// Form B: the paths side by side, then one 1×1.
function formB(image, size) {
  const middle = ownRows(size).flatMap(own => pathOf(image, own));
  return data.last.map(row => dot(row, middle));
}

// Form C: one 1×1, one 3×3 in groups, one 1×1.
function formC(image, { paths, width }) {
  const maps = oneByOne(image, data.first);
  const middle = data.spatial.map((row, out) => {
    const start = Math.floor(out / width) * width;   // the first channel of its group
    return relu(rangeOf([start, width]).reduce((sum, column) => sum + dot(row[column], maps[column]), 0));
  });
  return data.last.map(row => dot(row, middle));
}

// The counter-case: every path reads its share of the inputs and writes its share of the outputs.
function inputSplit(image, size) {
  const share = size.inputs / size.paths;
  return ownRows(size).flatMap((own, path) => {
    const mine = image.slice(path * share, (path + 1) * share);
    const maps = oneByOne(mine, own.map(row => data.first[row].slice(path * share, (path + 1) * share)));
    const middle = threeByThree(maps, own.map(row => own.map(column => data.spatial[row][column])));
    return data.last.slice(path * share, (path + 1) * share).map(row => dot(own.map(column => row[column]), middle));
  });
}

// The products that one output adds up, one for every middle channel that it reads.
function productsOf(image, size, output, cut) {
  const share = size.inputs / size.paths;
  return ownRows(size).flatMap((own, path) => {
    if (cut && path !== Math.floor(output / share)) return own.map(() => null);
    const mine = cut ? image.map((channel, i) => (Math.floor(i / share) === path ? channel : channel.map(() => 0))) : image;
    const middle = pathOf(mine, own);
    return own.map((row, i) => [data.last[output][row], middle[i]]);
  });
}

function flow(size, sample, output, cut) {
  if (size.inputs !== data.images[0].length) return { outputs: null };
  const image = data.images[sample], forms = { A: formA(image, size), B: formB(image, size), C: formC(image, size) };
  const split = inputSplit(image, size), shown = cut ? split : null;
  return { forms, split, output, products: productsOf(image, size, output, cut), outputs: shown };
}

// ---------------------------------------------------------------- every number of a state

function model({ at, cut: counter, size, follow, index, sample }) {
  const here = data.sizes[size], { inputs, paths, width } = here, outputs = inputs, middle = paths * width, cut = counter === "yes";
  const rows = [...Array(middle).keys()], lane = row => Math.floor(row / width);
  const share = inputs / paths;
  const whole = row => (cut ? [lane(row) * share, share] : [0, inputs]);
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
  // How far the paths' layers stand apart: the last 1×1s close up from A to B, the others from B to C.
  const early = at <= B ? 1 : (C - at) / (C - B), late = at < B ? (B - at) / (B - A) : 0, open = [early, early, late];
  const form = at < B ? "A" : at < C ? "B" : "C";   // whose code computes what is drawn
  const phase = at === A ? 0 : at < B ? 1 : at === B ? 2 : at < C ? 3 : 4;   // a name would not do: it is translated
  const numbers = flow(here, sample, follow === "output" ? index : reached[0], cut);
  if (numbers.forms && !cut) numbers.outputs = numbers.forms[form];
  return { inputs, outputs, middle, paths, width, weights, open, separate: open.map(part => part > 0), read, first, second, reached, cut, form,
    phase, place: cut ? "All layers split" : ["Form A", "Between A and B", "Form B", "Between B and C", "Form C"][phase],
    numbers, changed: numbers.outputs ? numbers.outputs.filter((value, i) => value !== numbers.forms.A[i]).length : null,
    total: weights[0] + weights[1] + weights[2], touched: new Set(first.map(lane)).size,
    filled: middle * width, pairs: middle * middle,
    rows: rows.map(row => ({ lane: lane(row), runs: runs.map(run => run(row)), followed: followed.map(part => part(row)) })) };
}

function tell(n, { follow, index }) {
  const reach = {
    path: `Path ${index + 1} of ${n.paths} reads ${n.read.length} of ${n.inputs} inputs, uses ${n.second.length} of ${n.middle} middle channels and reaches ${n.reached.length} of ${n.outputs} outputs.`,
    input: `Input ${index + 1} is read by ${n.touched} of ${n.paths} paths and reaches ${n.reached.length} of ${n.outputs} outputs.`,
    middle: `Middle channel ${index + 1} reads ${n.read.length} of ${n.inputs} inputs, and the 3×3 mixes it with its own path only: ${n.second.length} of ${n.middle} channels.`,
    output: `Output ${index + 1} adds up ${n.touched} of ${n.paths} paths, and so depends on ${n.read.length} of ${n.inputs} inputs.`,
  }[follow];
  const sum = `${n.weights.map(spaced).join(" + ")} = ${spaced(n.total)} weights.`;
  return [reach, `${n.place}: ${sum}`, meaning(n)];
}

function meaning(n) {
  if (n.cut && n.paths === 1) return "With one path there is nothing to split.";
  const kept = n.numbers.outputs ? `All ${n.outputs} outputs are what they were in form A.` : "";
  if (n.cut) return `This is not ResNeXt: each path reads a share of the inputs and writes a share of the outputs, so the paths never meet.${n.changed === null ? "" : ` ${n.changed} of ${n.outputs} outputs are other numbers.`}`;
  const middle = `The split is in the middle: the 3×3 has ${spaced(n.filled)} of ${spaced(n.pairs)} pairs of channels.`;
  const sentences = [
    "Every path has three layers of its own, and a plus adds their results: an output is a sum of brackets, one for each path.",
    `The last 1×1s are closing up, and the brackets go. The products in them stay. ${kept}`,
    `The paths’ last 1×1s are one layer, which adds the same products without the brackets. No weight was added, and none moved past another. ${kept}`,
    `The first 1×1s are closing up, for they all read the same inputs; and the 3×3s, each of which still reads its own path only. ${kept}`,
    `All three are single layers now: the first 1×1s read the same inputs, so they could be stacked. ${middle} ${kept}`,
  ][n.phase];
  return sentences.trim();   // a large block has no outputs to speak of
}

// The picture before the answer: the weights, and nothing that is followed through them.
const unfollowed = n => ({ ...n, read: [], first: [], second: [], reached: [], rows: n.rows.map(row => ({ ...row, followed: [null, null, null] })) });

function draw(picture, numbers, width, { revealed, at }) {
  const n = revealed ? numbers : unfollowed(numbers);
  drawWay(picture, n, at, width);
  const under = drawBlock(picture, n, width, 34, revealed);
  drawOutputs(picture, n, width, under + 8, revealed);
  return under + 8 + (width < 500 ? 254 : 140);
}

// The way from A to C; a tap on a letter goes there.
function drawWay(picture, n, at, width) {
  const from = 26, to = width - 26, where = from + (to - from) * at / C;
  picture.put(0, "way", "path", { d: `M${from} 12H${to}`, class: "f-none s-line" });
  [["A", A], ["B", B], ["C", C]].forEach(([letter, stop]) => {
    const x = from + (to - from) * stop / C, on = stop === at;
    picture.put(2, `stop-${letter}`, "circle", { cx: x, cy: 12, r: 11, class: "f-card s-ink thin" });
    picture.text(`letter-${letter}`, x, 12.5, letter, on ? "f-on-path strong" : "strong", "middle");
    picture.put(4, `tap-${letter}`, "circle", { cx: x, cy: 12, r: 16, class: "f-none", "pointer-events": "all", "data-set": JSON.stringify({ at: stop }) });
  });
  picture.put(3, "marker", "circle", { cx: where, cy: 12, r: [A, B, C].includes(at) ? 11 : 6, class: "f-path s-ink thin" });
}

function drawBlock(picture, n, width, above, revealed) {
  const full = n.middle > 8, left = full ? 4 : width < 500 ? 20 : 56, right = 40, space = width < 500 ? 20 : 44;
  const cell = (width - left - right - 2 * space) / (n.inputs + n.middle + n.outputs);
  const tall = full ? 2 : width < 500 ? 16 : 20, gap = full ? 2 : 9, top = above + 76;
  const lanes = n.paths * n.width * tall + (n.paths - 1) * gap, centre = top + lanes / 2;
  const columns = [n.inputs, n.middle, n.outputs];
  const starts = columns.map((_, layer) => left + layer * space + cell * columns.slice(0, layer).reduce((a, b) => a + b, 0));
  // Where a row lies: lanes keep their distance while the paths have separate layers.
  const place = (row, layer) => {
    const open = n.open[layer] * gap, height = n.middle * tall + (n.paths - 1) * open;
    return centre - height / 2 + row * tall + n.rows[row].lane * open;
  };
  const words = ["inputs", "middle", "outputs"];
  [n.read, n.second, n.reached].forEach((set, layer) => {
    const end = starts[layer] + columns[layer] * cell;
    picture.text(`count${layer}`, (starts[layer] + end) / 2, above + 9, revealed ? `${set.length} of ${columns[layer]}` : "", "strong", "middle");
    picture.text(`word${layer}`, (starts[layer] + end) / 2, above + 26, words[layer], "f-quiet", "middle");
    rangeOf([0, full ? 0 : columns[layer]]).forEach(channel => picture.rect(2, `strip${layer}-${channel}`, starts[layer] + channel * cell + 0.5, above + 40, cell - 1.5, 14,
      set.includes(channel) ? "f-path s-ink thin" : "f-card s-line",
      { "data-set": JSON.stringify({ follow: ["input", "middle", "output"][layer], index: channel }) }));
    if (full) {
      picture.rect(0, `strip${layer}`, starts[layer], above + 40, columns[layer] * cell, 14, "f-card s-line");
      picture.rect(2, `strip${layer}-set`, starts[layer] + set[0] * cell, above + 40, Math.max(1.5, set.length * cell), 14, "f-path");
    }
    picture.text(`name${layer}`, (starts[layer] + end) / 2, top + lanes + 18, ["1×1", "3×3", "1×1"][layer], "strong", "middle");
    picture.text(`weights${layer}`, (starts[layer] + end) / 2, top + lanes + 37, revealed ? spaced(n.weights[layer]) : "", "f-quiet", "middle");
    drawLayer(picture, n, layer, starts[layer], cell, tall, place, full);
  });
  [0, 1, 2].forEach(layer => (layer === 1 || n.cut) && !n.separate[layer] &&
    picture.text(`groups${layer}`, starts[layer] + columns[layer] * cell / 2, top + lanes + 56, `groups=${n.paths}`, "mono", "middle"));
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
    const names = `f-none s-ink${full ? " thin" : ""}${n.cut ? " dashed" : ""}`;
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
    if (!full) ys.forEach((y, lane) => {
      const written = n.rows[lane * n.width].runs[2];
      joint(`sum-${lane}`, starts[2] + (written[0] + written[1]) * cell, far, y, y);
    });
  }
  if (n.separate[2] && n.cut) picture.rect(3, "side-by-side", far - 2, place(0, 2), 4, place(n.middle - 1, 2) + tall - place(0, 2), "f-ink s-ink");
  else if (n.separate[2]) {
    const ys = middles(2);
    joint("trunk", far, far, ys[0], ys[ys.length - 1]);
    picture.put(3, "plus", "circle", { cx: far, cy: centre, r: 10, class: "f-card s-sum" });
    picture.put(4, "plus-lines", "path", { d: `M${far - 5} ${centre}h10M${far} ${centre - 5}v10`, class: "f-none s-sum" });
  }
  joint("out", n.separate[2] ? far + (n.cut ? 2 : 10) : ends[2], ends[2] + 38, centre, centre);
  const x = ends[2] + 40;
  picture.put(3, "head", "path", { d: `M${x} ${centre}l-8 -4v8z`, class: "f-ink" });
}

// What comes out at one pixel: as drawn, beside form A's; and how one output comes about.
function drawOutputs(picture, n, width, top, revealed) {
  const { outputs, forms } = n.numbers, narrow = width < 500;
  if (!outputs) {
    picture.text("too-many", 0, top + 10, `${n.outputs} outputs: too many to print here`, "f-quiet");
    return;
  }
  picture.text("outputs", 0, top + 10, revealed ? `the outputs at one pixel ${n.changed ? "≠" : "="} ${n.cut ? "ResNeXt’s" : "form A’s"}` : "the outputs at one pixel", "strong");
  const left = narrow ? 0 : 78, line = narrow ? 8 : 16, cell = (width - left - 1) / line;
  [[outputs, "as drawn"], [forms.A, n.cut ? "ResNeXt’s" : "form A"]].forEach(([values, label], row) => {
    const y = top + 24 + row * (narrow ? 66 : 30);
    picture.text(`outputs-label${row}`, 0, y + (narrow ? 8 : 11), label, "f-quiet");
    values.forEach((value, i) => {
      const x = left + (i % line) * cell, under = y + (narrow ? 18 + 23 * Math.floor(i / line) : 0);
      const chosen = revealed && i === n.numbers.output, other = revealed && value !== forms.A[i];
      picture.rect(2, `output${row}-${i}`, x + 0.5, under, cell - 2, 21, `${chosen && !row ? "f-path" : "f-card"} ${row ? "s-line" : "s-ink thin"}${other ? " dashed" : ""}`,
        { "data-set": JSON.stringify({ follow: "output", index: i }) });
      picture.text(`output-value${row}-${i}`, x + cell / 2, under + 11, revealed ? signed(value) : "", chosen && !row ? "f-on-path strong" : other ? "strong" : row ? "f-quiet" : "", "middle");
    });
  });
  if (revealed) drawProducts(picture, n, width, top + (narrow ? 168 : 96));
}

const signed = value => String(value).replace("-", "−");

// One output as a sum of products. Form A has a bracket for each path; from A to B the brackets fade.
function drawProducts(picture, n, width, top) {
  const { output, outputs, products } = n.numbers, line = width < 500 ? 4 : 8, slot = width / line;
  picture.put(4, "probe", "text", { class: "mono" }, "");
  const letter = 0.61 * parseFloat(getComputedStyle(root.querySelector("form > svg .mono")).fontSize);   // slides have larger ones
  picture.text("products", 0, top, `output ${output + 1} = ${signed(outputs[output])}, weight · middle channel:`, "strong");
  products.forEach((product, row) => {
    const x = (row % line) * slot, y = top + 22 + 40 * Math.floor(row / line), path = Math.floor(row / n.width);
    if (!product) return;
    const opens = row % n.width === 0, closes = row % n.width === n.width - 1, term = product.map(signed).join("·");
    const names = `mono${n.second.includes(row) && n.second.length < n.middle ? " strong f-path" : ""}`, start = x + 2.2 * letter;
    if (!opens || (row && !n.cut)) picture.text(`plus${row}`, x + 0.4 * letter, y, "+", "mono");
    picture.text(`term${row}`, start, y, term, names);
    const bracket = (key, words, at) => picture.put(4, key, "text", { transform: `translate(${at} ${y})`, class: "mono strong f-sum", opacity: n.cut ? 0 : n.open[2] }, words);
    if (opens) {
      bracket(`opens${row}`, "(", start - 0.9 * letter);
      picture.text(`of-path${row}`, start, y + 17, `path ${path + 1}`, "f-quiet");
    }
    if (closes) bracket(`closes${row}`, ")", start + term.length * letter);
  });
}

const count = state => ({ path: n => n.paths, input: n => n.inputs, middle: n => n.paths * n.width, output: n => n.inputs }[state.follow])(data.sizes[state.size]);
const last = state => count(state) - 1;

bring({
  state: { at: A, cut: "no", size: 2, follow: "path", index: 1, sample: 0 }, model, draw, tell,
  waiting: "A block with 4 paths, every weight a grey cell. What a path reads and reaches shows after your answer or your first move.",
  hint: "The picture can be clicked: a letter goes to its form, a row follows its path, a square its channel. The numbers are those of one pixel, with a ReLU after the first two layers; batch norm, which works channel by channel, is left out.",
  longest: () => ["no", "yes"].flatMap(cut => ["path", "input", "middle", "output"].flatMap(follow =>
    [[2, A], [2, B - 1], [2, B], [2, C - 1], [2, C], [data.sizes.length - 1, B], [data.sizes.length - 1, C]].map(([size, at]) => ({ at, cut, follow, size, index: 0, sample: 0 })))),
  direct: ["at"],
  settle(state, changes) {
    if ("at" in changes && !("cut" in changes)) state.cut = "no";   // only ResNeXt's block has the three forms
    if ("follow" in changes && !("index" in changes)) state.index = Math.min(1, last(state));
    state.index = Math.min(state.index, last(state));
  },
  before: [
    prediction("Take a block with 4 paths, and divide its 16 inputs and 16 outputs among them as well. How many outputs does input 1 reach?", [[4, "4"], [8, "8"], [16, "16"]], 4,
      "Only path 1 reads input 1, and it writes 4 outputs of its own: these are four small blocks side by side. In ResNeXt’s block only the middle is split, and input 1 reaches all 16. The slider goes back to that block.",
      { at: A, cut: "yes", size: 2, follow: "input", index: 0 }),
    slider("at", "From A to C", () => C, state => model(state).place),
  ],
  after: [
    choice("cut", "Which block?", [["no", "ResNeXt’s"], ["yes", "all layers split"]]),
    choice("follow", "Follow", [["path", "a path"], ["input", "an input"], ["middle", "a middle channel"], ["output", "an output"]]),
    slider("index", "Which one", last, state => `${{ path: "path", input: "input", middle: "channel", output: "output" }[state.follow]} ${state.index + 1} of ${count(state)}`),
    slider("sample", "Image", () => data.images.length - 1, state => `${state.sample + 1} of ${data.images.length}`),
    menu("size", "Block", data.sizes.map(({ label }, i) => [i, label])),
  ],
});
