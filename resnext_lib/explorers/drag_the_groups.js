// Drag the groups: two 3×3 layers, one below the other, cut into g groups. An edge is a kernel.

const all = data.channels, channels = Array.from({ length: all }, (_, i) => i);

// Where a channel goes in a shuffle: the first of every group, then the second of every group, and so on.
const shuffled = (channel, groups) => (channel % (all / groups)) * groups + Math.floor(channel / (all / groups));

function model({ step, shuffle, follow }) {
  const groups = data.stops[step], width = all / groups, group = channel => Math.floor(channel / width);
  const layer = set => channels.filter(out => set.some(from => group(from) === group(out)));
  const move = set => (shuffle === "on" ? set.map(channel => shuffled(channel, groups)).sort((a, b) => a - b) : set);
  const after = [input => layer([input]), input => layer(move(layer([input])))];
  const meets = after.map(reached => channels.map(input => reached(input)));   // for every input the outputs that it reaches
  const weights = 9 * all * width;
  return { groups, width, weights, macs: weights * data.side ** 2, dense: 9 * all * all * data.side ** 2, meets, follow, shuffle: shuffle === "on",
    first: meets[0][follow], moved: move(meets[0][follow]), second: meets[1][follow],
    pairs: meets.map(inputs => inputs.reduce((sum, outputs) => sum + outputs.length, 0)), most: all * all };
}

function tell(n) {
  const part = n.groups === 1 ? "" : `, 1/${n.groups} of the dense layer’s`;
  const never = n.most - n.pairs[1];
  return [`${named(n)}: an output reads ${n.width} of ${all} inputs.`,
    `A layer has ${spaced(n.weights)} weights and does ${spaced(n.macs)} multiply-adds on a ${data.side}×${data.side} map${part}.`,
    `After two layers ${n.shuffle ? "with a shuffle between them " : ""}input ${n.follow + 1} has reached ${n.second.length} of ${all} outputs, and ${never ? `${never} of ${n.most} pairs of channels never meet` : "every pair of channels meets"}.`];
}

const named = n => (n.groups === 1 ? `1 group of ${n.width} channels` : `${n.groups} groups of ${n.width} channel${n.width > 1 ? "s" : ""}`);

function draw(picture, n, width, { revealed }) {
  const narrow = width < 500, wide = narrow ? width : width * 0.62;
  drawLayers(picture, n, wide, revealed);
  const side = narrow ? (width - 24) / 2 : 112;
  ["after one layer", "after two layers"].forEach((title, i) =>
    drawMeetings(picture, revealed && n, i, title, narrow ? i * (side + 24) : width - side - 60, narrow ? 276 : i * 166, side));
  const top = narrow ? 276 + side + 62 : 344;
  drawCounter(picture, revealed && n, width, top);
  return top + 62;
}

// Rows of channels, with a gap between groups; a followed channel and all that it reaches is blue.
function drawLayers(picture, n, width, revealed) {
  const left = 62, gap = n.groups > 1 ? Math.min(10, 40 / (n.groups - 1)) : 0, step = (width - left - gap * (n.groups - 1)) / all;
  const x = channel => left + channel * step + Math.floor(channel / n.width) * gap + step / 2;
  const rows = [["input", 20, [n.follow]], ["layer 1", 104, n.first], ["", 158, n.moved], ["layer 2", 242, n.second]];
  const edges = (key, pairs, [above, below], names) => picture.put(names.includes("s-path") ? 2 : 0, key, "path",
    { d: pairs.map(([from, to]) => `M${x(from).toFixed(1)} ${above + 8}L${x(to).toFixed(1)} ${below - 8}`).join("") || "M0 0", class: `f-none ${names}` });
  const kernels = channels.flatMap(from => channels.filter(to => Math.floor(from / n.width) === Math.floor(to / n.width)).map(to => [from, to]));
  const between = channels.map(from => [from, n.shuffle ? shuffled(from, n.groups) : from]);
  [[kernels, [n.follow]], [between, n.first], [kernels, n.moved]].forEach(([pairs, sources], i) => {
    const ends = [rows[i][1], rows[i + 1][1]];
    edges(`edges${i}`, pairs, ends, "s-weight thin");
    if (revealed) edges(`followed${i}`, pairs.filter(([from]) => sources.includes(from)), ends, "s-path");
  });
  rows.forEach(([label, y, reached], row) => {
    picture.text(`row${row}`, 0, y, row === 2 && n.shuffle ? "shuffled" : label, "f-quiet");
    channels.forEach(channel => picture.rect(3, `channel${row}-${channel}`, x(channel) - step / 2 + 1, y - 8, step - 2, 16,
      revealed && reached.includes(channel) ? "f-path s-ink thin" : "f-card s-ink thin", row ? {} : { "data-set": JSON.stringify({ follow: channel }) }));
  });
}

// Which pairs of channels meet: a row for every output, a column for every input. What is white never meets.
// Before the answer the frames stand empty.
function drawMeetings(picture, n, layer, title, left, top, side) {
  picture.text(`meet-title${layer}`, left, top + 10, title, "strong");
  picture.rect(0, `meet-frame${layer}`, left, top + 24, side, side, `f-card s-ink thin${n ? "" : " dashed"}`);
  if (!n) return picture.text(`meet-unknown${layer}`, left + side / 2, top + 24 + side / 2, "?", "f-quiet", "middle");
  const cell = side / all, squares = inputs => inputs.flatMap(input => n.meets[layer][input].map(out =>
    `M${(left + input * cell).toFixed(2)} ${(top + 24 + out * cell).toFixed(2)}h${cell.toFixed(2)}v${cell.toFixed(2)}h-${cell.toFixed(2)}z`)).join("");
  picture.put(1, `meet${layer}`, "path", { d: squares(channels.filter(input => input !== n.follow)), class: "f-weight" });
  picture.put(2, `meet-followed${layer}`, "path", { d: squares([n.follow]), class: "f-path s-ink thin" });
  picture.text(`meet-pairs${layer}`, left, top + 24 + side + 13, `${n.pairs[layer]} of ${n.most} pairs`, "f-quiet");
}

// The multiplications of one layer beside those of the dense one, which keeps its length.
function drawCounter(picture, n, width, top) {
  picture.text("counter", 0, top, n ? `multiply-adds of a layer: ${spaced(n.macs)}` : "multiply-adds of a layer", "strong");
  picture.rect(0, "dense", 0.75, top + 14, width - 1.5, 26, `f-card s-ink thin${n ? "" : " dashed"}`);
  if (!n) return;
  picture.rect(1, "macs", 0.75, top + 14, (width - 1.5) * n.macs / n.dense, 26, "f-path s-ink thin");
  picture.text("share", width, top + 52, n.groups === 1 ? "the dense layer" : `1/${n.groups} of the dense layer`, "f-quiet", "end");
}

bring({
  state: { step: 0, shuffle: "off", follow: 0 }, model, draw, tell,
  waiting: "Two layers without groups: every output reads every input. What is left of that with groups shows after your answer or your first move.",
  hint: ({ revealed }) => `The picture can be clicked: a channel of the top row is followed. A line is a kernel.${revealed ? " In the squares a row is an output and a column an input." : ""}`,
  longest: () => data.stops.flatMap((_, step) => ["off", "on"].map(shuffle => ({ step, shuffle, follow: all - 1 }))),
  before: [
    prediction(`Two 3×3s of ${all} channels stand one after the other, with a shuffle between them. Into how many groups can both be cut, so that every input still gets to every output?`,
      [[2, "at most 2"], [4, "at most 4"], [8, "at most 8"]], 4,
      "With 4 groups an input reaches the 4 channels of its group, the shuffle deals them to the 4 groups of the second layer, and each group has 4 outputs. With 8 groups it is 2 channels, 2 groups, 2 outputs each.",
      { step: data.stops.indexOf(4), shuffle: "on" }),
    slider("step", "Groups", () => data.stops.length - 1, state => `${data.stops[state.step]} group${state.step ? "s" : ""} of ${all / data.stops[state.step]}`),
  ],
  after: [
    choice("shuffle", "Between the two layers", [["off", "nothing"], ["on", "a shuffle of the channels"]]),
    slider("follow", "Follow", () => all - 1, state => `input ${state.follow + 1} of ${all}`),
  ],
});
