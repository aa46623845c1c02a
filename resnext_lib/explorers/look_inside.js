// Look inside a ResNeXt: the trained network at work on a picture. network.js computes, this file shows and listens.

const network = readNetwork(data), PATHS = data.paths, blocks = network.blocks, whole = blocks.map(() => true);
const nobody = blocks.map(() => []);
const moments = Object.fromEntries(Object.entries(data.moments).map(([name, { mean, covariance }]) =>
  [name, { mean: halves(mean), covariance: halves(covariance) }]));
const pictures = data.shown.labels.map((label, i) => ({ label, pixels: bytes(data.shown.pixels).subarray(784 * i, 784 * (i + 1)) }));
const presets = data.presets.map(({ label, paths, norms }) => ({ label, paths, norms: readPreset(reader(halves(norms))) }));
const sheet = Uint8Array.from(pictures[0].pixels);   // what is on the drawing field
const rangeOf = count => Array.from({ length: count }, (_, i) => i);

function readPreset(take) {
  return blocks.map(({ outputs, bn3 }) => ({ ...bn3, mean: take(outputs), variance: take(outputs) }));
}

// ------------------------------------------------------------------ numbers

// The norms after the sums, and what the page says of them: measured anew where that is known for what is off.
function normsFor({ off, shortcuts, statistics, preset }) {
  const changed = rangeOf(blocks.length).filter(k => off[k].length), none = blocks.map(() => null);
  if (!changed.length) return { kind: "whole", norms: none };
  if (statistics === "kept") return { kind: "kept", norms: none };
  if (presets[preset]) return { kind: "renewed", norms: presets[preset].norms };
  const [k] = changed, known = moments[blocks[k].name];
  if (changed.length > 1 || !shortcuts.every(Boolean) || !known) return { kind: "unknown", norms: none };
  const on = rangeOf(PATHS).map(p => !off[k].includes(p));
  return { kind: "renewed", norms: none.map((_, j) => (j === k ? normWithout(blocks[k], on, known) : null)) };
}

const everything = { on: blocks.map(() => Array(PATHS).fill(true)), shortcuts: whole, norms: blocks.map(() => null) };
const remembered = new Map();   // answers with everything on, by picture

function intact(pixels, shares) {
  const key = pixels.join();
  if (remembered.size > 200) remembered.clear();   // every point of a stroke makes a picture
  if (!remembered.has(key)) remembered.set(key, shares || softmax(run(network, pixels, "C", everything).logits));
  return remembered.get(key);
}

// Between the reader's moves, so that choosing a picture while something is off does not have to wait for both answers.
function lookAhead([picture, ...rest]) {
  if (picture) setTimeout(() => { intact(picture.pixels); lookAhead(rest); }, 100);
}

// Every number on show. Form C gives the answer; the other two are computed while they are shown.
function model(state, pixels = sheet) {
  const { kind, norms } = normsFor(state), block = blocks[state.block];
  const on = state.off.map(list => rangeOf(PATHS).map(p => !list.includes(p)));
  const choice = { on, shortcuts: state.shortcuts, norms };
  const forms = Object.fromEntries((state.revealed && state.unfolded ? ["A", "B", "C"] : ["C"]).map(form => [form, run(network, pixels, form, choice)]));
  const { logits, inputs } = forms.C, shares = softmax(logits), x = inputs[state.block];
  const h = middle(x, block), norm = norms[state.block] || block.bn3;
  const terms = rangeOf(PATHS).map(p => term(h, block, p, norm)), passed = shortcut(x, block);
  const added = terms.map(strength), passing = strength(passed);
  const apart = form => Math.max(...forms[form].logits.map((value, i) => Math.abs(value - logits[i])));
  const complete = kind === "whole" && state.shortcuts.every(Boolean);
  return { logits, shares, intact: intact(pixels, complete && shares), answer: shares.indexOf(Math.max(...shares)), kind, block: state.block,
    reads: block.inputs, width: block.width, d: block.width / PATHS, writes: block.outputs, side: x.side,
    x, h, terms, added, passed, passing, result: inputs[state.block + 1], sizes: added.map(size), passes: size(passing),
    forms: Object.fromEntries(Object.entries(forms).map(([form, found]) => [form, { logits: found.logits, calls: found.calls, apart: apart(form) }])),
    ...counted(state) };
}

// How many test pictures are right with what is off, where the library has counted them: [kept, measured anew].
function counted({ off, shortcuts, preset }) {
  const test = data.test, paths = off.flatMap((list, k) => list.map(p => [k, p])), cut = rangeOf(blocks.length).filter(k => !shortcuts[k]);
  if (paths.length === 0 && cut.length === 1) return { right: [test.without[blocks[cut[0]].name].shortcut] };
  if (presets[preset]) return { right: data.presets[preset].right };
  if (paths.length === 1 && cut.length === 0) return { right: test.without[blocks[paths[0][0]].name].paths[paths[0][1]] };
  return { right: null };
}

// ------------------------------------------------------------------ words

const percent = share => `${(100 * share).toFixed(1)} %`;
const listed = list => (list.length > 4 ? `${list.length} paths` : list.length > 1 ? `paths ${list.map(p => p + 1).join(", ")}` : `path ${list[0] + 1}`);

function missing({ off, shortcuts, preset }) {
  if (presets[preset]) return presets[preset].label;
  const changed = rangeOf(blocks.length).filter(k => off[k].length), cut = rangeOf(blocks.length).filter(k => !shortcuts[k]), parts = [];
  if (changed.length === 1) parts.push(`${listed(off[changed[0]])} of block ${changed[0] + 1}`);
  if (changed.length > 1) parts.push(`${off.flat().length} paths in ${changed.length} blocks`);
  if (cut.length) parts.push(cut.length === 1 ? `the shortcut of block ${cut[0] + 1}` : `${cut.length} of the six shortcuts`);
  return parts.join(" and ");
}

const STATISTICS = {
  whole: "",
  renewed: "The batch norm after the sum has statistics for what is left.",
  kept: "The batch norm after the sum still has statistics of all 16 paths.",
  unknown: "The statistics are not re-estimated for this combination.",
};

function tell(n, state) {
  const name = data.classes[n.answer], before = n.intact.indexOf(Math.max(...n.intact)), gone = missing(state);
  const now = `The network says ${name}, ${percent(n.shares[n.answer])}`;
  if (!gone) {
    const truth = state.drawn ? "" : ` Fashion-MNIST calls this picture ${data.classes[pictures[state.picture].label]}.`;
    return [`${now}.`, `Everything is on.${truth}`];
  }
  const then = `With everything on it says ${data.classes[before]}, ${percent(n.intact[before])}.`;
  return [`${now}, without ${gone}.`, then, STATISTICS[n.kind], tellRight(n, state)].filter(Boolean);
}

function tellRight({ right, kind }) {
  if (!right) return "";
  const count = right[kind === "renewed" ? 1 : 0], other = right[kind === "renewed" ? 0 : 1];
  const kept = other === undefined ? "" : kind === "renewed" ? ` (${spaced(other)} with the old statistics)` : ` (${spaced(other)} with statistics re-estimated)`;
  return `Of ${spaced(data.test.pictures)} test pictures ${spaced(count)} are then right${kept}, with everything on ${spaced(data.test.right)}.`;
}

function tellPath(n, p) {
  if (p === PATHS) return `The shortcut of block ${n.block + 1} hands ${n.reads === n.writes ? "the input on as it is" : "on what one 1×1 makes of the input"}. It is added after the batch norm.`;
  if (p < 0) return `Every path reads all ${n.reads} maps of the input. Only the middle is split: of its ${n.width} maps each path has ${n.d} of its own. What the paths write into all ${n.writes} maps is added up.`;
  return `Path ${p + 1} reads all ${n.reads} maps of the input. Its 3×3 sees only its own ${n.d} of the ${n.width} maps in the middle. What it writes goes into all ${n.writes} maps of the sum.`;
}

const WHY = {
  A: "Form A runs the paths one by one and adds what they write.",
  B: "Form B lays the paths’ middle maps side by side. One 1×1 reads them all, and adding up is what a 1×1 does anyway.",
  C: "Form C stacks the first 1×1s into one as well, for they all read the same input. The 3×3 in groups is the only place where something is split.",
};

function tellForms({ forms, answer }, form) {
  const most = Math.max(forms.A.apart, forms.B.apart);
  const name = data.classes[answer];
  const apart = most === 0 ? "All ten logits are the same to the last digit" : `None of the ten logits differs by more than ${most.toFixed(7)}`;
  return [WHY[form], `${apart}: the same products, added in another order. For ${name}: A ${forms.A.logits[answer].toFixed(7)}, B ${forms.B.logits[answer].toFixed(7)}, C ${forms.C.logits[answer].toFixed(7)}.`];
}

// The longest that can be said in each place, for which room is kept so that nothing below it jumps.
function longest() {
  const sure = shown.shares.map((_, i) => Number(i === 1)), numbers = { logits: sure.map(() => -18.123456), apart: 0.0000012, calls: 291 };
  const worst = { ...shown, answer: 1, shares: sure, intact: sure, right: [1799, 1799], block: 5, reads: 256, width: 128, d: 8, writes: 256,
    forms: { A: numbers, B: numbers, C: numbers } };
  const many = { ...state, preset: "own", off: nobody.map(() => [8, 9]), shortcuts: whole.map((_, k) => k > 1) };
  const states = [many, { ...many, off: nobody.map((_, k) => (k ? [] : [12, 13, 14, 15])) }, ...presets.map((_, preset) => ({ ...many, preset }))];
  return {
    output: ["renewed", "kept", "unknown"].flatMap(kind => states.map(one => tell({ ...worst, kind }, one).join(" "))),
    told: [-1, PATHS - 1, PATHS].map(p => tellPath(worst, p)),
    why: Object.keys(WHY).map(form => tellForms(worst, form).join(" ")),
  };
}

// The block as code, in lines: which of them belong to a path, and which to the shortcut.
function codeOf(form, n) {
  const { reads, width, d, writes } = n, same = reads === writes && n.block % 2 === 1;
  const end = [`out = relu(norm(y) + ${same ? "x" : "project(x)"})`, "shortcut"];
  if (form === "A") return [["y = 0", ""], [`for path in paths:`, "path"], [`    h = path.conv1x1(x)    # ${reads} → ${d}`, "path"],
    [`    h = path.conv3x3(h)    # ${d} → ${d}`, "path"], [`    y += path.conv1x1(h)   # ${d} → ${writes}`, "path"], end];
  if (form === "B") return [["for path in paths:", "path"], [`    h = path.conv1x1(x)    # ${reads} → ${d}`, "path"],
    [`    h = path.conv3x3(h)    # ${d} → ${d}`, "path"], [`h = concatenate(paths)     # ${width}`, ""], [`y = conv1x1(h)             # ${width} → ${writes}`, ""], end];
  return [[`h = conv1x1(x)             # ${reads} → ${width}`, ""], ["h = conv3x3(h, groups=16)", "path"], [`                           # ${width} → ${width}`, "path"],
    [`y = conv1x1(h)             # ${width} → ${writes}`, ""], ["", ""], end];
}

// ------------------------------------------------------------------ painting

const probes = ["card", "ink"].map(name => {
  const probe = make("i", { class: "tone", "aria-hidden": "true" });
  probe.style.color = `var(--${name})`;
  return probe;
});

// What the page says of colours, as red, green, blue, and of widths, in pixels. show() asks for it once, before it writes:
// in between, the browser would have to lay out the page twice.
const tones = {}, rooms = {};

function readThePage() {
  [tones.card, tones.ink] = probes.map(probe => getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number));
  const [path, passes] = [0, PATHS].map(p => board.parts[p].bar.parentElement.clientWidth);
  Object.assign(rooms, { path, passes, form: form.clientWidth });
}

// Maps side by side in rows of `columns`, one dot between them; 0 is the card's colour and `most` is ink.
function paint(canvas, { channels, side, values }, columns, most) {
  const step = side + 1, rows = Math.ceil(channels / columns), from = tones.card, to = tones.ink;
  canvas.width = columns * step - 1;
  canvas.height = rows * step - 1;
  const context = canvas.getContext("2d", { willReadFrequently: true }), image = context.createImageData(canvas.width, canvas.height), dots = image.data;
  for (let i = 0; i < channels; i++)
    for (let r = 0; r < side; r++)
      for (let c = 0; c < side; c++) {
        const share = Math.min(1, Math.max(0, values[(i * side + r) * side + c] / most));
        const dot = 4 * ((Math.floor(i / columns) * step + r) * canvas.width + i % columns * step + c);
        for (let k = 0; k < 3; k++) dots[dot + k] = from[k] + share * (to[k] - from[k]);
        dots[dot + 3] = 255;
      }
  context.putImageData(image, 0, 0);
}

const largest = values => values.reduce((a, b) => Math.max(a, b), 1e-9);
const CLEAR = 0.6;   // ink begins at this share of the largest value: most values are far below it

// ------------------------------------------------------------------ the parts of the figure

const state = { picture: 0, block: 1, off: nobody, shortcuts: whole, statistics: "renewed", preset: "all", form: "A", pen: "draw", drawn: false, unfolded: false, revealed: false };
let followed = -1;   // a path, PATHS for the shortcut, or −1: what the pointer or the keyboard is on

function thumbnails() {
  const element = make("fieldset", { class: "thumbnails" }, make("legend", {}, "A picture"));
  const inputs = pictures.map(({ label, pixels }, i) => {
    const input = make("input", { type: "radio", name: "picture", value: i, "aria-label": `picture ${i + 1}: ${data.classes[label]}` });
    const canvas = make("canvas", { "aria-hidden": "true" });
    element.append(make("label", { class: "choice" }, input, canvas));
    return { input, canvas, pixels };
  });
  let painted = "";
  return { element, refresh({ picture, drawn }) {
    const colours = JSON.stringify(tones), anew = painted !== colours;
    painted = colours;
    inputs.forEach(({ input, canvas, pixels }, i) => {
      input.checked = i === picture && !drawn;
      if (anew) paint(canvas, { channels: 1, side: 28, values: pixels }, 1, 255);
    });
  } };
}

// 28×28 dots to draw on with mouse, finger or keyboard.
function drawingField() {
  const canvas = make("canvas", { class: "field", tabindex: 0, role: "application",
    "aria-label": "Drawing field of 28 by 28 dots. Arrow keys move the pen, the space bar draws or erases." });
  const at = { x: 14, y: 14 };
  function dab(x, y) {
    for (let r = 0; r < 28; r++)
      for (let c = 0; c < 28; c++) {
        const ink = Math.round(255 * Math.min(1, Math.max(0, 1.9 - Math.hypot(c - x, r - y))));
        sheet[28 * r + c] = state.pen === "draw" ? Math.max(sheet[28 * r + c], ink) : Math.min(sheet[28 * r + c], 255 - ink);
      }
  }
  function stroke(event) {
    const box = canvas.getBoundingClientRect();
    dab((event.clientX - box.left) / box.width * 28 - 0.5, (event.clientY - box.top) / box.height * 28 - 0.5);
    soon({ drawn: true });
  }
  canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); stroke(event); });
  canvas.addEventListener("pointermove", event => { if (canvas.hasPointerCapture(event.pointerId)) stroke(event); });
  canvas.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    at.x = Math.max(0, Math.min(27, at.x + step[0]));
    at.y = Math.max(0, Math.min(27, at.y + step[1]));
    if (event.key !== " ") return show.pen();
    dab(at.x, at.y);
    set({ drawn: true });
  });
  const show = { pen() {
    paint(canvas, { channels: 1, side: 28, values: sheet }, 1, 255);
    if (document.activeElement !== canvas) return;
    const context = canvas.getContext("2d");
    context.strokeStyle = `rgb(${tones.ink.join()})`;
    context.strokeRect(at.x - 0.5, at.y - 0.5, 2, 2);
  } };
  canvas.addEventListener("focus", show.pen);
  canvas.addEventListener("blur", show.pen);
  const button = (words, change) => {
    const element = make("button", { type: "button" }, words);
    element.addEventListener("click", change);
    return element;
  };
  const empty = button("Empty field", () => { sheet.fill(0); set({ drawn: true }); });
  const back = button("Picture back", () => set({ picture: state.picture }));
  const pen = choice("pen", "Draw on it", [["draw", "draw"], ["erase", "erase"]]);
  pen.element.append(empty, back);
  return { element: make("div", { class: "drawing" }, canvas, pen.element), refresh(state) { pen.refresh(state); show.pen(); } };
}

function answers() {
  const rows = data.classes.map(name => ({ bar: make("i"), ghost: make("b"), words: make("span"), name }));
  const element = make("div", { class: "answers" }, make("p", { class: "heading" }, "The network’s answer", make("span", { class: "dashes" }, " (dashed: all on)")), make("ol", {},
    ...rows.map(({ name, bar, ghost, words }) => make("li", {}, make("span", {}, name), make("span", { class: "track", "aria-hidden": "true" }, bar, ghost), words))));
  const dashes = element.querySelector(".dashes");
  return { element, refresh(state, n) {
    dashes.style.visibility = missing(state) ? "visible" : "hidden";   // it keeps its room
    rows.forEach(({ bar, ghost, words }, i) => {
      bar.style.width = percent(n.shares[i]).replace(" ", "");
      ghost.style.width = percent(n.intact[i]).replace(" ", "");
      ghost.hidden = !missing(state);
      words.textContent = percent(n.shares[i]);
      words.parentElement.classList.toggle("first", i === n.answer);
    });
  } };
}

// The paths of a block, from its input to its output. A lane is a switch, and following it lights what it reads and writes.
function lanes(result) {
  const input = make("canvas", { "aria-hidden": "true" }), output = make("canvas", { "aria-hidden": "true" });
  const above = make("p", { class: "heading" }), below = make("p", { class: "heading" }), told = make("p", { class: "told" });
  const parts = rangeOf(PATHS + 1).map(p => {
    const maps = make("canvas"), adds = make("canvas"), bar = make("i"), mark = make("span", { class: "off" }, "off");
    const words = make("span", { class: "number" }, p < PATHS ? p + 1 : "shortcut");
    const button = make("button", { type: "button", class: p < PATHS ? "lane" : "lane passes", "aria-pressed": "true", tabindex: p ? -1 : 0 },
      words, ...(p < PATHS ? [maps, make("span", { class: "plus", "aria-hidden": "true" }, "+")] : []), adds, make("span", { class: "track" }, bar), mark);
    button.addEventListener("click", () => toggle(p));
    button.addEventListener("pointerenter", () => follow(p));
    button.addEventListener("pointerleave", () => follow(-1));
    button.addEventListener("focus", () => follow(p));
    button.addEventListener("blur", () => follow(-1));
    return { button, maps, adds, bar };
  });
  const group = make("div", { class: "lanes", role: "group", "aria-label": "The block’s paths and its shortcut. Arrow keys go from one to the next, the space bar switches." },
    ...parts.map(({ button }) => button));
  group.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key], here = parts.findIndex(({ button }) => button === document.activeElement);
    if (!step || here < 0) return;
    event.preventDefault();
    const next = parts[Math.max(0, Math.min(PATHS, here + step))].button;
    parts.forEach(({ button }) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  });
  const legend = make("p", { class: "heading" }, "In each lane: the path’s own maps in the middle (a strong dot is a large value), ", make("span", { class: "plus" }, "+"), " where on the picture it adds to the sum, and a bar for how much. All bars have one scale.");
  const element = make("div", { class: "inside" }, above, make("div", { class: "strip" }, input), result, legend, group, below, make("div", { class: "strip" }, output), told);
  return { element, told, parts, refresh(state, n) {
    above.textContent = `Block ${n.block + 1} of ${blocks.length}, its input`;
    below.textContent = state.shortcuts[n.block] ? "Added up with the shortcut: the block’s output" : "Added up without the shortcut: the block’s output";
    const flat = data.small && rooms.form > 560 ? 16 : 4;   // how many times as wide as high
    [[input, n.x], [output, n.result]].forEach(([canvas, maps]) => {
      paint(canvas, maps, Math.ceil(Math.sqrt(flat * maps.channels)), CLEAR * largest(maps.values));
      canvas.style.aspectRatio = flat;
    });
    refreshLanes(parts, state, n);
  } };
}

// One scale for all bars, in pixels: the longest path and the shortcut have to fit into their tracks.
function refreshLanes(parts, state, n) {
  const most = CLEAR * largest(n.h.values), strongest = CLEAR * Math.max(...n.added.map(({ values }) => largest(values)));
  const scale = Math.min(rooms.path / Math.max(...n.sizes, 1e-9), rooms.passes / Math.max(n.passes, 1e-9));
  parts.forEach(({ button, maps, adds, bar }, p) => {
    const passes = p === PATHS, on = passes ? state.shortcuts[n.block] : !state.off[n.block].includes(p), adding = passes ? n.passes : n.sizes[p];
    if (!passes) paint(maps, slice(n.h, p * n.d, n.d), n.d > 4 ? 4 : 2, most);
    paint(adds, passes ? n.passing : n.added[p], 1, passes ? largest(n.passing.values) : strongest);
    bar.style.width = `${Math.floor(adding * scale)}px`;
    button.setAttribute("aria-pressed", on);
    button.setAttribute("aria-label", passes ? `Shortcut, passes on ${adding.toFixed(2)}` : `Path ${p + 1}, adds ${adding.toFixed(2)}`);
  });
}

function formsPanel() {
  const code = make("pre", { tabindex: 0, role: "region", "aria-label": "The block as code" }), why = make("p", { class: "why" });
  const written = choice("form", "The same block, written in three ways", ["A", "B", "C"].map(form => [form, `form ${form}`]));
  const table = make("table"), panel = make("div", { class: "forms" }, written.element, make("p", { class: "hint" }, "Left out: batch norm and ReLU after the first two layers. They work channel by channel, so it does not matter how channels are stacked."), code, make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The three forms side by side" }, table), why);
  const element = make("details", {}, make("summary", {}, "The block as code"), panel);
  element.addEventListener("toggle", () => set({ unfolded: element.open }));
  return { element, refresh(state, n) {
    panel.hidden = !state.revealed;
    if (panel.hidden) return;
    written.refresh(state);
    code.replaceChildren(...codeOf(state.form, n).map(([line, part]) => make("span", { "data-part": part }, `${line}\n`)));
    if (!state.unfolded) return;   // nobody sees the numbers, and forms A and B are not computed
    const top = rangeOf(10).sort((a, b) => n.shares[b] - n.shares[a]).slice(0, 2);
    const cells = (tag, list) => make("tr", {}, ...list.map((cell, i) => make(i ? tag : "th", i ? {} : { scope: tag === "td" ? "row" : "col" }, cell)));
    table.replaceChildren(make("thead", {}, cells("th", ["form", "layer calls", ...top.map(i => `logit of ${data.classes[i]}`)])), make("tbody", {},
      ...Object.entries(n.forms).map(([form, { calls, logits }]) => cells("td", [form, calls, ...top.map(i => logits[i].toFixed(7))]))));
    why.textContent = tellForms(n, state.form).join(" ");
  } };
}

// ------------------------------------------------------------------ the figure

const output = make("output", { "aria-live": "polite" }), bars = answers(), drawing = drawingField();
const board = lanes(make("div", { class: "result" }, bars.element, output));
const steps = data.small ? [] : [
  choice("block", "Which block?", blocks.map((_, k) => [k, k + 1])),
  menu("preset", "Switch off", [["all", "nothing"], ["alone", "this block: all paths but path 1"], ...presets.map(({ label }, i) => [i, label]),
    ["shortcut", "this block’s shortcut"], ["shortcuts", "the shortcuts of all six blocks"], ["one", "one path"], ["own", "my own choice"]]),
  choice("statistics", "Batch norm after the sum", [["renewed", "re-estimated"], ["kept", "as trained"]]),
];
const panels = data.small ? [] : [formsPanel()];
const controls = [thumbnails(), drawing, bars, ...steps, board, ...panels];

function toggle(p) {
  const flip = list => (list.includes(p) ? list.filter(other => other !== p) : [...list, p].sort((a, b) => a - b));
  const here = state.block;
  set(p === PATHS ? { shortcuts: state.shortcuts.map((on, k) => (k === here ? !on : on)), preset: "own" }
    : { off: state.off.map((list, k) => (k === here ? flip(list) : list)), preset: "own" });
}

// Following changes no number: it only lights parts of the picture, and waits with them until the question is answered.
function follow(p) {
  followed = p;
  root.classList.toggle("following", state.revealed && p >= 0);
  board.parts.forEach(({ button }, i) => button.classList.toggle("followed", i === p));
  root.querySelectorAll("pre span").forEach(line => line.classList.toggle("lit", state.revealed && line.dataset.part === (p === PATHS ? "shortcut" : p >= 0 ? "path" : "none")));
  board.told.textContent = state.revealed ? tellPath(shown, p) : "Point at a path, or go to it with the Tab key and the arrows.";
}

// What a choice from the menu switches off.
function settle(changes) {
  if ("picture" in changes) {
    state.drawn = false;
    sheet.set(pictures[state.picture].pixels);
  }
  if (!("preset" in changes) || changes.preset === "own" || "off" in changes) return;
  const { preset, block } = state, list = presets[preset] ? presets[preset].paths : [];
  state.shortcuts = whole.map((_, k) => preset !== "shortcuts" && (preset !== "shortcut" || k !== block));
  state.off = preset === "one" ? nobody.map((_, k) => (k === block ? [2] : [])) : preset === "alone" ? nobody.map((_, k) => (k === block ? rangeOf(PATHS).slice(1) : [])) : nobody.map(() => list);
}

let shown, computed = "", waiting = false;

function show() {
  readThePage();
  const { block, off, shortcuts, statistics, preset, unfolded, revealed } = state;
  const key = JSON.stringify([block, off, shortcuts, statistics, preset, unfolded, revealed, ...sheet]);
  if (key !== computed) shown = model(state);   // a change of theme, of width or of form changes no number
  computed = key;
  controls.forEach(control => control.refresh && control.refresh(state, shown));
  const sentences = state.revealed ? tell(shown, state) : [data.waiting];
  output.replaceChildren(make("b", {}, sentences[0]), ` ${sentences.slice(1).join(" ")}`);
  follow(followed);
  offerNumbers(state.revealed);
  reserve();
  root.dataset.state = JSON.stringify(state);
}

const places = () => [["output", output], ["told", board.told], ["why", form.querySelector(".why")]].filter(([, place]) => place);
const roomy = matchMedia("(min-width: 700px)");
const longestIn = {};   // the height in pixels of the longest that each place can hold

// Where there is room for it nothing may ever jump; on a phone three lines are enough before the first answer.
function reserve() {
  for (const [name, place] of places()) place.style.minHeight = state.revealed || roomy.matches ? `${longestIn[name] || 0}px` : "4.2em";
}

function keepRoom() {
  const sentences = longest();
  for (const [name] of places()) {
    const trial = form.appendChild(make("div", { class: "probe" }));
    trial.style.width = `${form.querySelector(".inside").clientWidth}px`;
    const heights = sentences[name].map(words => { trial.textContent = words; return trial.offsetHeight; });
    trial.remove();
    longestIn[name] = Math.max(...heights) + 2;   // the first sentence of the status is bold
  }
  reserve();
}

function set(changes) {
  // To draw or to unfold is to look, not to answer: what the network says of a picture gives nothing away.
  const looks = !("revealed" in changes) && Object.keys(changes).every(name => ["picture", "drawn", "unfolded"].includes(name));
  Object.assign(state, changes, { revealed: state.revealed || !looks });
  settle(changes);
  show();
}

// A stroke has many points; the network looks once a frame.
function soon(changes) {
  if (waiting) return drawing.refresh(state);
  waiting = true;
  requestAnimationFrame(() => { waiting = false; set(changes); });
}

function listen({ target: { name, value } }) {
  if (name === "pen") state.pen = value;   // a pen taken up is no move yet
  else if (name in state) set({ [name]: ["picture", "block"].includes(name) ? Number(value) : value });
}

const { question, options, right, why, shows } = data.question;
const form = make("form", { autocomplete: "off" }, prediction(question, options, right, why, { ...shows, revealed: true }), ...probes,
  make("div", { class: "bench" }, drawing.element, controls[0].element),
  ...steps.map(({ element }) => element), make("p", { class: "hint" }, "The picture can be clicked: a lane switches its path off and on, and the field can be drawn on."),
  board.element, ...panels.map(({ element }) => element));
form.querySelectorAll("input, select, button, canvas[tabindex], pre").forEach(control => { control.dataset.lmSuppressShortcuts = "true"; });
form.addEventListener("change", listen);
form.addEventListener("submit", event => event.preventDefault());
foldNumbers();
root.classList.add("alive");
root.prepend(form);
root.explorer = { model, set, state, remembered, answer: (pixels, choice) => model({ ...state, unfolded: true, revealed: true, ...choice }, pixels) };

// A change of theme changes the colours of what is painted.
const repaint = new MutationObserver(() => show());
repaint.observe(document.documentElement, { attributeFilter: ["data-theme", "theme", "class"] });
repaint.observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
matchMedia("(forced-colors: active)").addEventListener("change", () => show());
show();
keepRoom();
lookAhead(pictures);
let room = form.clientWidth;
new ResizeObserver(() => {
  if (room === form.clientWidth) return;   // another height is our own doing
  room = form.clientWidth;
  show();
  keepRoom();
}).observe(form);
