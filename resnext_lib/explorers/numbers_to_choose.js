// Numbers to choose: nine Inception modules with six widths each, and ResNeXt-50, whose blocks follow from C and d.

const total = values => values.reduce((a, b) => a + b, 0);

// Parameters with biases. The reductions (1 and 3) stay inside the module; the other widths are what it gives out.
function moduleOf(input, [one, reduce3, three, reduce5, five, pool]) {
  return { input, output: one + three + five + pool,
    parameters: input * (one + reduce3 + reduce5 + pool) + 9 * reduce3 * three + 25 * reduce5 * five + one + reduce3 + three + reduce5 + five + pool };
}

function row(widths) {
  let input = data.input;
  return widths.map(own => {
    const found = moduleOf(input, own);
    input = found.output;
    return found;
  });
}

// The blocks of a ResNeXt-50: convolutions and batch norms, the projection in the first block of a stage.
function resnext(c, d) {
  const blocks = data.stages.flatMap((count, stage) => Array.from({ length: count }, (_, i) => {
    const middle = c * d * 2 ** stage, output = 256 * 2 ** stage, input = i ? output : stage ? output / 2 : data.entry;
    const projection = i ? 0 : input * output + 2 * output;
    return { middle, parameters: input * middle + 9 * middle * middle / c + middle * output + 4 * middle + 2 * output + projection };
  }));
  return { blocks, parameters: total(blocks.map(block => block.parameters)) };
}

const original = row(data.widths);

function model({ module, widths, c, d }) {
  const modules = row(widths), paths = data.paths[c];
  return { module, widths, modules, parameters: total(modules.map(one => one.parameters)), numbers: total(widths.map(own => own.length)),
    changed: data.names.filter((_, i) => modules[i].parameters !== original[i].parameters), c: paths, d, resnext: resnext(paths, d) };
}

const listed = names => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names[0]);

function tell(n) {
  const here = n.modules[n.module];
  const changed = n.changed.length ? `Against GoogLeNet’s table the parameters of ${listed(n.changed)} have changed.` : "These are the numbers of GoogLeNet’s table.";
  return [`${data.names.length} modules with ${data.labels.length} widths each: ${n.numbers} numbers, and ${spaced(n.parameters)} parameters.`,
    `Module ${data.names[n.module]} reads ${spaced(here.input)} channels, gives out ${spaced(here.output)} and has ${spaced(here.parameters)} parameters.`, changed,
    `ResNeXt-50 has 2 numbers: ${n.c} paths, ${n.d} wide in the first stage. All ${n.resnext.blocks.length} blocks follow, with ${spaced(n.resnext.parameters)} parameters.`];
}

const short = value => (value < 1e6 ? `${Math.round(value / 1e3)}k` : `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)}M`);

function draw(picture, n, width, { revealed }) {
  picture.text("googlenet", 0, 10, "GoogLeNet: a bar for each width", "strong");
  drawModules(picture, n, width, 24, revealed);
  picture.text("resnext", 0, 204, "ResNeXt-50: each block’s middle", "strong");
  drawBlocks(picture, n, width, 218, revealed);
  return 218 + 104;
}

// Nine times six bars. The chosen module is blue; a count that differs from GoogLeNet's has a dashed frame.
function drawModules(picture, n, width, top, revealed) {
  const column = width / n.modules.length, bar = (column - 5) / data.labels.length, floor = top + 112;
  n.modules.forEach((one, i) => {
    const x = i * column, on = i === n.module;
    n.widths[i].forEach((value, place) => {
      const tall = 112 * value / 512;
      picture.rect(1, `width${i}-${place}`, x + 2 + place * bar, floor - tall, bar - 0.5, tall, on ? "f-path s-ink thin" : "f-weight");
    });
    picture.text(`module${i}`, x + column / 2, floor + 14, data.names[i], on ? "strong f-path" : "", "middle");
    if (revealed) {
      const changed = n.changed.includes(data.names[i]);
      if (changed) picture.rect(0, `changed${i}`, x + 0.75, floor + 24, column - 1.5, 20, "f-none s-ink thin dashed");
      picture.text(`parameters${i}`, x + column / 2, floor + 34, short(one.parameters), changed ? "strong" : "f-quiet", "middle");
    }
    picture.rect(4, `tap${i}`, x, top, column, 150, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ module: i }) });
  });
}

// Sixteen bars that move together; a bar that would not fit is cut off and says so.
function drawBlocks(picture, n, width, top, revealed) {
  const column = width / n.resnext.blocks.length, floor = top + 76;
  n.resnext.blocks.forEach(({ middle }, i) => {
    const tall = Math.min(62, 62 * middle / 1024);
    picture.rect(1, `block${i}`, i * column + 2, floor - tall, column - 4, tall, "f-path s-ink thin");
  });
  if (revealed) picture.text("block-words", 0, floor + 18, `${short(n.resnext.parameters)} parameters from C: ${n.c} and d: ${n.d}`, "f-quiet");
  if (n.resnext.blocks.some(block => block.middle > 1024)) picture.text("goes-on", width, top + 4, "goes on ↑", "strong", "end");
}

const back = make("fieldset", {}, make("legend", {}, "All widths"));
const button = make("button", { type: "button" }, "as in GoogLeNet’s table");
button.addEventListener("click", () => root.explorer.set({ widths: data.widths.map(own => [...own]) }));
back.append(button);

const channels = name => state => `${state[name]} channels`;
bring({
  state: { module: 0, widths: data.widths.map(own => [...own]), ...Object.fromEntries(data.widths[0].map((value, i) => [`w${i}`, value])), c: data.paths.indexOf(32), d: 4 },
  model, draw, tell,
  waiting: "GoogLeNet’s modules one after another, with their widths as bars, and the blocks of ResNeXt-50. What depends on what shows after your answer or your first move.",
  hint: "The picture can be clicked: a module of GoogLeNet gets the sliders below.",
  longest: () => data.names.map((_, module) => ({ module, widths: data.widths.map(own => own.map(value => value + 8)), c: data.paths.length - 1, d: 64 })),
  settle(state, changes) {
    state.widths = state.widths.map(own => [...own]);
    data.labels.forEach((_, i) => {
      if (`w${i}` in changes) state.widths[state.module][i] = changes[`w${i}`];
      state[`w${i}`] = state.widths[state.module][i];
    });
  },
  before: [
    prediction("The 3×3 of module 3a is made to give out more channels. In which modules does the number of weights change?",
      [["own", "in 3a only"], ["next", "in 3a and 3b"], ["all", "in all nine"]], "next",
      "3b reads what 3a gives out, so its layers grow as well. What 3b gives out is written down by hand, and so is all the rest: nothing else follows.",
      { module: 0, w2: 256 }),
    slider("module", "Module", () => data.names.length - 1, state => data.names[state.module]),
  ],
  after: [
    slider("c", "ResNeXt-50: paths C", () => data.paths.length - 1, state => `${data.paths[state.c]}`),
    slider("d", "ResNeXt-50: width d", () => 64, state => `${state.d}`, 1),
    ...data.labels.map((label, i) => slider(`w${i}`, label, () => 512, channels(`w${i}`), 8, 8)),
    back,
  ],
});
