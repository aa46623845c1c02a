// What every explorer uses: native controls, a keyed picture, a status sentence. No state is kept outside `root`.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const spaced = number => number.toLocaleString("en-US");

// Radios: `options` are [value, label]. Every control has `refresh(state)`, which shows the state.
function choice(name, legend, options) {
  const inputs = options.map(([value]) => make("input", { type: "radio", name, value }));
  const labels = options.map(([, label], i) => make("label", { class: "choice" }, inputs[i], label));
  const element = make("fieldset", {}, make("legend", {}, legend), ...labels);
  return { element, refresh: state => inputs.forEach(input => { input.checked = input.value === String(state[name]); }) };
}

// A range over whole numbers. `most(state)` is its end, `say(state)` the words for its value.
function slider(name, label, most, say, least = 0, step = 1) {
  const input = make("input", { type: "range", name, min: least, step });
  const words = make("span");
  const element = make("label", { class: "wide" }, label, words, input);
  return { element, refresh(state) {
    input.max = most(state);
    input.value = state[name];
    words.textContent = say(state);
    input.setAttribute("aria-valuetext", say(state));
  } };
}

function menu(name, label, options) {
  const select = make("select", { name }, ...options.map(([value, text]) => make("option", { value }, text)));
  const element = make("label", { class: "wide" }, label, select);
  return { element, refresh: state => { select.value = state[name]; } };
}

// A question before the answer. It can be skipped: nothing waits for it. `shows` is the state in which the picture answers.
// Below the words of the answer lies, unseen, their longest form, so that they find their room when they come.
function prediction(question, options, right, why, shows) {
  const answer = make("output", { class: "answer", "aria-live": "polite" }), nothing = "Choose one of the answers first.";
  const room = make("span", { class: "room", "aria-hidden": "true" }, make("span", {}, nothing), make("span", {}, ["Not quite.", why].join(" ")));
  const check = make("button", { type: "button" }, "Check");
  const control = choice("prediction", question, options);
  control.element.append(make("div", { class: "own-row" }, check, make("div", { class: "answer-room" }, room, answer)));
  check.addEventListener("click", () => {
    const chosen = control.element.querySelector("input:checked");
    const verdict = chosen && (chosen.value === String(right) ? "Right." : "Not quite.");
    answer.textContent = chosen ? `${verdict} ${why}` : nothing;
    if (chosen) root.explorer.set(shows);
  });
  return control.element;
}

// The table holds the answer: the script folds it, and says so until the question is answered or something is moved.
const numbers = root.querySelector("details"), numbersTitle = numbers.querySelector("summary");

function foldNumbers() {
  numbers.open = false;
}

function offerNumbers(revealed) {
  numbersTitle.textContent = `The numbers as a table${revealed ? "" : " (with the answer)"}`;
}

// A picture whose parts have names: a part that stays is moved, so it can slide; a new one fades in.
function scene(svg) {
  const layers = [0, 1, 2, 3, 4].map(() => svg.appendChild(document.createElementNS(svg.namespaceURI, "g")));
  const kept = new Map();
  let used = new Set();
  return {
    put(layer, key, tag, attributes, text) {
      if (!kept.has(key)) {
        kept.set(key, layers[layer].appendChild(document.createElementNS(svg.namespaceURI, tag)));
        kept.get(key).classList.add("new");
      } else kept.get(key).classList.remove("new");
      const { class: names = "", ...others } = attributes, element = kept.get(key);
      element.setAttribute("class", `${names} ${element.classList.contains("new") ? "new" : ""}`);
      for (const [name, value] of Object.entries(others)) element.setAttribute(name, value);
      if (text !== undefined) element.textContent = text;
      used.add(key);
    },
    rect(layer, key, x, y, width, height, names, more = {}) {
      this.put(layer, key, "rect", { x, y, width: Math.max(0, width), height, class: names, ...more });
    },
    // ResNet's box: strokes from edge to edge on the card.
    hatched(layer, key, x, y, width, height, names = "") {
      this.rect(layer, key, x, y, width, height, `f-card s-ink thin ${names}`);
      let strokes = "";
      for (let at = 6; at < width + height; at += 6)
        strokes += `M${x + Math.max(0, at - height)} ${y + Math.min(height, at)}L${x + Math.min(width, at)} ${y + Math.max(0, at - width)}`;
      this.put(layer, `${key}-hatch`, "path", { d: strokes || "M0 0", class: "f-none s-weight" });
    },
    text(key, x, y, words, names = "", anchor = "start") {
      this.put(4, key, "text", { transform: `translate(${x} ${y})`, "text-anchor": anchor, class: names }, words);
    },
    finish() {
      for (const [key, element] of kept) if (!used.has(key)) { element.remove(); kept.delete(key); }
      used = new Set();
    },
  };
}

// Bring the figure to life. `model(state)` gives every number, `draw` paints them, `tell` says them.
// Until the question is checked or something is moved, `revealed` is false: the picture answers nothing, and the status
// says `waiting`. `first` is where the first move starts from, `hint` what a tap on the picture does (words, or words of the state), and `longest()` lists
// states with the longest sentences, for which room is kept so that nothing below the status jumps. `direct` names sliders
// whose drag is itself the motion.
function bring({ state, model, draw, tell, waiting, hint, longest, first = {}, before = [], after = [], direct = [], settle = () => {} }) {
  state.revealed = false;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("role", "img");
  const output = make("output", { "aria-live": "polite" });
  const elements = list => list.map(control => control.element || control);
  const hintLine = make("p", { class: "hint" });
  const form = make("form", { autocomplete: "off" }, ...elements(before), svg, hintLine, output, ...elements(after));
  // JupyterLab would take the arrow keys and letters; it looks for this on the control that has the focus.
  form.querySelectorAll("input, select, button").forEach(control => { control.dataset.lmSuppressShortcuts = "true"; });
  const picture = scene(svg);
  const fill = (element, [first, ...rest]) => element.replaceChildren(rest.length ? make("b", {}, first) : first, " ", rest.join(" "));
  const roomy = matchMedia("(min-width: 700px)");
  let longestStatus = 0, longestHint = 0;
  // Where there is room for it nothing may ever jump; on a phone three lines are enough before the first answer.
  const reserve = () => {
    output.style.minHeight = state.revealed || roomy.matches ? `${longestStatus}px` : "4.2em";
    hintLine.style.minHeight = roomy.matches ? `${longestHint}px` : "";
  };
  function keepRoom() {
    const probe = form.appendChild(make("div", { class: "probe" }));
    probe.style.width = `${output.clientWidth}px`;
    const heights = longest().map(one => { fill(probe, tell(model(one), one)); return probe.offsetHeight; });
    longestStatus = Math.max(...heights);
    probe.classList.add("hint");
    probe.textContent = typeof hint === "function" ? hint({ ...state, revealed: true }) : hint;
    longestHint = probe.offsetHeight;
    probe.remove();
  }
  function show() {
    const padding = 2 * parseFloat(getComputedStyle(form).paddingLeft);
    const numbers = model(state), width = Math.max(260, Math.min(720, form.clientWidth - padding));
    const sentences = state.revealed ? tell(numbers, state) : [waiting];
    [...before, ...after].forEach(control => control.refresh && control.refresh(state));
    const height = draw(picture, numbers, width, state);
    picture.finish();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.maxWidth = `${width}px`;
    svg.setAttribute("aria-label", sentences.join(" "));
    offerNumbers(state.revealed);
    reserve();
    hintLine.textContent = typeof hint === "function" ? hint(state) : hint;
    fill(output, sentences);
    root.dataset.state = JSON.stringify(state);
  }
  function set(changes, slides = true) {
    Object.assign(state, state.revealed ? {} : first, changes, { revealed: true });
    settle(state, changes);
    root.classList.toggle("moving", slides);
    show();
  }
  function listen(event) {
    const { name, value } = event.target;
    if (!(name in state)) return;
    output.setAttribute("aria-busy", event.type === "input");   // speak when the slider is let go
    set({ [name]: typeof state[name] === "number" ? Number(value) : value }, !direct.includes(name));
  }
  form.addEventListener("input", listen);
  form.addEventListener("change", listen);
  form.addEventListener("submit", event => event.preventDefault());
  svg.addEventListener("click", event => {
    const part = event.target.closest("[data-set]");
    if (part) set(JSON.parse(part.dataset.set));
  });
  foldNumbers();
  root.classList.add("alive");
  root.prepend(form);
  root.explorer = { model, set, state };
  let room = -1;
  new ResizeObserver(() => {
    if (room === form.clientWidth) return;   // another height is our own doing, and must not cut a move short
    room = form.clientWidth;
    root.classList.remove("moving");
    keepRoom();
    show();
  }).observe(form);
  show();
}
