// Where the time goes: one 3×3 in g groups. The counts fall as 1/g; the time was measured.

const stops = data.measured[Object.keys(data.measured)[0]][data.layouts[0]].map(row => row.groups);

function model({ step, layout, threads }) {
  const rows = data.measured[threads][layout], here = rows[step], dense = rows[0];
  return { ...here, rows, share: here.macs / dense.macs, writing: here.written / dense.written,
    faster: 1 / here.time, other: step > 0 && here.kernel !== rows[step - 1].kernel, slower: step > 0 && here.time > rows[step - 1].time };
}

const percent = value => `${(100 * value).toFixed(value < 0.095 ? 1 : 0)} %`;
const counted = groups => `${groups} group${groups > 1 ? "s" : ""}`;

function tell(n, { step }) {
  const routine = `The library ran its routine for ${routineName(n.kernel)}${n.other ? `, another one than with ${counted(stops[step - 1])}` : ""}.`;
  const written = `It writes ${spaced(n.written)} numbers for an image, however many groups there are.`;
  if (n.groups === 1) return [`Without groups the layer does ${spaced(n.macs)} multiply-adds for an image.`, written, routine];
  return [`With ${counted(n.groups)} the layer does 1/${n.groups} of the multiply-adds in ${percent(n.time)} of the time.`,
    `1/${n.groups} would be ${percent(n.share)}.${n.slower ? ` It takes longer than with ${counted(stops[step - 1])}.` : ""}`, written, routine];
}

const ROUTINES = { direct: "direct convolution", depthwise: "one channel a group" };
const routineName = routine => ROUTINES[routine] || routine;

function draw(picture, n, width, { revealed, step }) {
  drawLines(picture, n, width, step, revealed);
  const bars = [["multiply-adds", n.share, 1, "f-weight"], ["numbers written", n.writing, 1, "f-weight"], ["time", n.time, revealed, "f-path"]];
  bars.forEach(([label, share, shown, fill], i) => {
    const y = 254 + i * 46;
    picture.text(`bar-label${i}`, 0, y, shown ? `${label}: ${percent(share)}` : label, "strong");
    picture.rect(0, `whole${i}`, 0.75, y + 11, width - 1.5, 18, `f-card s-ink thin${shown ? "" : " dashed"}`);
    if (!shown) picture.text("unknown", width / 2, y + 20, "?", "f-quiet", "middle");
    else picture.rect(1, `bar${i}`, 0.75, y + 11, (width - 1.5) * share, 18, `${fill} s-ink thin`);
  });
  return 254 + 3 * 46;
}

// Shares of the layer without groups, both axes logarithmic: the promise as a dashed line, the time with a mark for each routine.
function drawLines(picture, n, width, step, revealed) {
  const left = 44, right = 20, top = 30, tall = 170, last = stops.length - 1;
  const x = i => left + (width - left - right) * i / last, y = share => top + tall * Math.log2(1 / share) / Math.log2(stops[last]);
  const line = values => values.map((value, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  picture.text("axis", 0, 10, revealed ? "share of the time (solid), of the multiply-adds (dashed)" : "share of the multiply-adds", "f-quiet");
  [1, 1 / 4, 1 / 16, 1 / 64].forEach((share, i) => {
    picture.put(0, `grid${i}`, "path", { d: `M${left} ${y(share)}H${width - right}`, class: "f-none s-line" });
    picture.text(`share${i}`, left - 8, y(share), share === 1 ? "1" : `1/${1 / share}`, "f-quiet", "end");
  });
  picture.put(1, "promise", "path", { d: line(stops.map(groups => 1 / groups)), class: "f-none s-ink dashed" });
  stops.forEach((groups, i) => {
    picture.text(`stop${i}`, x(i), top + tall + 20, groups, i === step ? "strong f-path" : "", "middle");
    picture.rect(4, `tap${i}`, x(i) - 17, top - 10, 34, tall + 42, "f-none", { "pointer-events": "all", "data-set": JSON.stringify({ step: i }) });
  });
  picture.put(0, "here", "path", { d: `M${x(step)} ${top}V${top + tall + 10}`, class: "f-none s-weight" });
  if (!revealed) return;
  picture.put(2, "time", "path", { d: line(n.rows.map(row => row.time)), class: "f-none s-path" });
  const kinds = [...new Set(n.rows.map(row => row.kernel))];
  n.rows.forEach((row, i) => picture.put(3, `mark${i}`, "path",
    { d: MARKS[kinds.indexOf(row.kernel) % MARKS.length](x(i), y(row.time), i === step ? 8 : 5), class: `${i === step ? "f-path" : "f-card"} s-ink` }));
}

// A mark for each routine: circle, square, diamond.
const MARKS = [
  (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (x, y, r) => `M${x} ${y - 1.3 * r}l${1.3 * r} ${1.3 * r}l${-1.3 * r} ${1.3 * r}l${-1.3 * r} ${-1.3 * r}z`,
];

const threads = Object.keys(data.measured).sort((a, b) => b - a);
const asked = stops.indexOf(64), half = asked - 1, rows = data.measured[threads[0]][data.layouts[1]];
const turn = rows[asked].time / rows[half].time;   // of twice the groups, in the other layout
bring({
  state: { step: 0, layout: data.layouts[0], threads: threads[0] }, model, draw, tell,
  waiting: "The dashed line is what the counts promise. What the clock said shows after your answer or your first move.",
  hint: ({ revealed }) => `The picture can be clicked: a column goes to its number of groups.${revealed ? ` A circle, a square and a diamond are different routines. Measured in batches of ${data.batch} images on ${data.processor}.` : ""}`,
  longest: () => threads.flatMap(one => data.layouts.flatMap(layout => stops.map((_, step) => ({ step, layout, threads: one })))),
  before: [
    prediction(`Laid out channels-last, with the channels of a place side by side: how does the time change from ${stops[half]} to ${stops[asked]} groups?`,
      [["less", "it halves, like the multiply-adds"], ["same", "it stays nearly the same"], ["more", "it grows by more than a quarter"]], turn > 1.25 ? "more" : turn < 0.75 ? "less" : "same",
      `From ${percent(rows[half].time)} of the time with 1 group it goes to ${percent(rows[asked].time)}: ${turn.toFixed(1)} times as long for half the multiply-adds. Groups of 2 channels leave much of the processor idle.`,
      { step: asked, layout: data.layouts[1], threads: threads[0] }),
    slider("step", "Groups", () => stops.length - 1, state => `${stops[state.step]}`),
  ],
  after: [
    choice("layout", "In memory", data.layouts.map(layout => [layout, layout])),
    choice("threads", "Threads", threads.map(one => [one, one])),
  ],
});
