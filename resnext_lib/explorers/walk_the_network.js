// Walk the network: ResNet-50 and ResNeXt-50 side by side, stage by stage. Costs come from live networks at 224×224.

const SIDE = 224;

// Convolutions run once for every position of the map, the last linear layer once for an image.
const at = (cost, size, unit) => (unit === "weights" ? cost.parameters : Math.round(cost.convolutions * (size / SIDE) ** 2) + cost.linear);

function model({ stop, size, unit }) {
  const networks = data.networks.map(({ name, stages, spatial }) => {
    const values = stages.map(stage => at(stage.cost, size, unit)), here = stages[stop];
    return { name, spatial, values, total: values.reduce((a, b) => a + b, 0), stage: here,
      ordinary: here.ordinary && at(here.ordinary, size, "macs"), first: here.first && at(here.first, size, "macs"),
      layers: here.layers.map(layer => ({ ...layer, value: at(layer.cost, size, unit) })) };
  });
  const maps = data.networks[0].stages.map(stage => stage.map * size / SIDE || 1);
  return { networks, maps, map: maps[stop], unit, size, stop, most: Math.max(...networks.flatMap(n => n.values)) };
}

const unitName = unit => (unit === "weights" ? "parameters" : "multiply-adds");

function tell(n) {
  const [old, now] = n.networks, { name, blocks, paths, width } = now.stage;
  const first = `${name}: ${spaced(old.values[n.stop])} ${unitName(n.unit)} in ResNet-50, ${spaced(now.values[n.stop])} in ResNeXt-50.`;
  const all = `The whole networks: ${spaced(old.total)} and ${spaced(now.total)}.`;
  if (!blocks) return [first, n.stop === 0 ? "The two stems are the same." : "The two heads are the same.", all];
  const shape = `${blocks} blocks on ${n.map}×${n.map} maps; C stays ${paths}, and d is ${width} here.`;
  const cost = `An ordinary block takes ${spaced(old.ordinary)} or ${spaced(now.ordinary)} multiply-adds, the same in every stage.`;
  return [first, shape, cost, `The first block, which changes the shape, takes ${spaced(old.first)} or ${spaced(now.first)}.`, all];
}

function draw(picture, n, width, { revealed }) {
  picture.text("row", 0, 8, width < 500 ? "height: the map’s side; width: channels (log)" : "six stops: height is the map’s side, width the number of channels (log scale)", "f-quiet");
  drawStages(picture, n, width, 22);
  n.networks.forEach((network, i) => drawInside(picture, network, n, i, width, 182 + i * 112, revealed));
  drawBars(picture, n, width, 416, revealed);
  return 416 + 6 * 50 + 6;
}

// What both networks share: maps and output channels.
function drawStages(picture, n, width, top) {
  const step = width / n.maps.length, floor = top + 92;
  data.networks[0].stages.forEach((stage, i) => {
    const tall = Math.max(3, n.maps[i] * 0.56), wide = 3.6 * Math.log2(stage.output), x = i * step + step / 2, on = i === n.stop;
    picture.rect(1, `stage${i}`, x - wide / 2, floor - tall, wide, tall, on ? "f-path s-ink" : "f-pale s-ink thin");
    picture.text(`stage-name${i}`, x, floor + 14, stage.name, on ? "strong f-path" : "", "middle");
    picture.text(`stage-map${i}`, x, floor + 31, width < 500 ? n.maps[i] : `${n.maps[i]}×${n.maps[i]}`, "f-quiet", "middle");
    picture.rect(4, `stage-tap${i}`, i * step, top, step, 128, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ stop: i }) });
  });
}

// Inside the stop: the layers of an ordinary block, with the cost of each.
function drawInside(picture, network, n, row, width, top, revealed) {
  const { stage, layers } = network, left = 34, right = 44, step = (width - left - right) / layers.length;
  const box = Math.min(step - 14, 150), y = top + 52;
  picture.text(`inside${row}`, 0, top + 10, `${network.name}${stage.blocks ? `, an ordinary block of ${stage.name}` : ""}`, "strong");
  picture.put(0, `wire${row}`, "path", { d: `M0 ${y}H${width - 8}`, class: "f-none s-ink thin" });
  picture.put(3, `head${row}`, "path", { d: `M${width - 1} ${y}l-9 -4.5v9z`, class: "f-ink" });
  picture.text(`in${row}`, 0, y - 12, stage.input);
  picture.text(`out${row}`, width - 2, y - 12, stage.output, "", "end");
  layers.forEach((layer, i) => {
    const x = left + i * step + (step - box) / 2, blue = layer.spatial && row === 1;
    const cut = layer.groups > 1, half = cut ? 28 : 22, line = cut ? 7 : 10;
    if (row) picture.rect(1, `layer${row}-${i}`, x, y - half, box, 2 * half, `${blue ? "f-path" : layer.spatial ? "f-card" : "f-pale"} s-ink thin`);
    else {   // ResNet is hatched, round its lettering
      picture.hatched(1, `layer${row}-${i}`, x, y - half, box, 2 * half);
      picture.rect(2, `ground${row}-${i}`, x + 6, y - half + 4, box - 12, 2 * half - 8, "f-card");
    }
    if (cut) [-1, 0, 1].forEach(at => picture.rect(2, `cut${row}-${i}-${at}`, x - 1, y + 14 * at - 1, box + 2, 2, "f-card"));
    picture.text(`kernel${row}-${i}`, x + box / 2, y - line, layer.kernel, blue ? "f-on-path strong" : "strong", "middle");
    picture.text(`channels${row}-${i}`, x + box / 2, y + line, layer.groups > 1 ? `${layer.groups}×${layer.channels / layer.groups}` : layer.channels, blue ? "f-on-path" : "", "middle");
    if (revealed) picture.text(`cost${row}-${i}`, x + box / 2, y + 36, spaced(layer.value), blue ? "f-path strong" : "f-quiet", "middle");
  });
}

// ResNet hatched, ResNeXt filled: not by colour alone. Before the answer every pair of bars is an empty frame.
function drawBars(picture, n, width, top, revealed) {
  const left = 54, scale = (width - left - 4) / n.most;
  picture.text("bars", 0, top - 4, !revealed ? unitName(n.unit) : width < 500 ? `${unitName(n.unit)} (ResNet-50 hatched)` : `${unitName(n.unit)}: ResNet-50 hatched, ResNeXt-50 filled`, "strong");
  data.networks[0].stages.forEach((stage, i) => {
    const y = top + 12 + i * 50, on = i === n.stop;
    picture.text(`bar-name${i}`, 0, y + 20, stage.name, on ? "strong f-path" : "");
    if (!revealed) picture.rect(1, `bar-frame${i}`, left, y, width - left - 4, 38, "f-card s-line dashed");
    else n.networks.forEach((network, row) => {
      const value = network.values[i], wide = Math.max(1, value * scale), inside = wide > 110;
      if (row) picture.rect(1, `bar${row}-${i}`, left, y + row * 20, wide, 18, "f-path s-ink thin");
      else picture.hatched(1, `bar${row}-${i}`, left, y, wide, 18);
      picture.text(`bar-value${row}-${i}`, inside ? left + wide - 6 : left + wide + 6, y + row * 20 + 9.5, spaced(value), inside && row ? "f-on-path" : "halo", inside ? "end" : "start");
    });
    picture.rect(4, `bar-tap${i}`, 0, y - 4, width, 48, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ stop: i }) });
  });
}

const [old, now] = data.networks;
bring({
  state: { stop: 0, step: 3, size: 224, unit: "weights" }, model, draw, tell,
  waiting: "Both networks begin with the same stem. The counts show after your answer or your first move.",
  hint: "The picture can be clicked: a stage, or its pair of bars, goes to that stop.",
  longest: () => old.stages.flatMap((_, stop) => ["weights", "macs"].map(unit => ({ stop, unit, size: 320 }))),
  settle(state, changes) { if ("step" in changes) state.size = 128 + 32 * state.step; },
  before: [
    prediction("ResNeXt-50 has wider layers than ResNet-50. Does it have more 3×3 weights in its blocks?", [["more", "more"], ["same", "as many"], ["fewer", "fewer"]], "fewer",
      `It has ${spaced(now.spatial)} instead of ${spaced(old.spatial)}: twice the width costs four times, and 32 groups save a factor of 32, which leaves one eighth.`,
      { stop: 2, unit: "weights" }),
    slider("stop", "Stop", () => old.stages.length - 1, state => old.stages[state.stop].name),
  ],
  after: [
    choice("unit", "Count", [["weights", "parameters"], ["macs", "multiply-adds"]]),
    slider("step", "Image", () => 6, state => `${state.size}×${state.size}`),
  ],
});
