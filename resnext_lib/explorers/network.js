// The trained network, layer by layer, as the library writes it. A stack of maps is { channels, side, values },
// map after map; every number is stored as a float32, as torch stores it. What only changes numbers one by one
// (batchNorm, relu, add) writes over the stack that it is given: in the network nobody needs that stack any more.

let calls = 0;   // of convolutions

function emptyStack(channels, side) {
  return { channels, side, values: new Float32Array(channels * side * side) };
}

// y[o] += Σ over i of w[o, i] · x[i]: every output reads every input. Two outputs at a time and two or four inputs, which
// takes less than half the time: a number that is fetched serves twice, and one storing serves all that is added.
function conv1x1(x, { outputs, values }, y = emptyStack(outputs, x.side)) {
  calls += 1;
  const inputs = x.channels % 4 ? 2 : 4, addSome = inputs === 2 ? addTwo : addFour;
  for (let o = 0; o < outputs; o += 2)
    for (let i = 0; i < x.channels; i += inputs) addSome(y, o, x, i, values, o * x.channels + i, (o + 1) * x.channels + i);
  return y;
}

// y[o] += w[j] · x[i] + w[j + 1] · x[i + 1], and y[o + 1] the same with weights from w[k] on.
function addTwo(y, o, x, i, w, j, k) {
  const places = x.side * x.side, from = x.values, to = y.values, here = o * places, next = here + places;
  const first = i * places, second = first + places, j0 = w[j], j1 = w[j + 1], k0 = w[k], k1 = w[k + 1];
  for (let p = 0; p < places; p++) {
    const a = from[first + p], b = from[second + p];
    to[here + p] += j0 * a + j1 * b;
    to[next + p] += k0 * a + k1 * b;
  }
}

function addFour(y, o, x, i, w, j, k) {
  const places = x.side * x.side, from = x.values, to = y.values, here = o * places, next = here + places;
  const first = i * places, second = first + places, third = second + places, fourth = third + places;
  const j0 = w[j], j1 = w[j + 1], j2 = w[j + 2], j3 = w[j + 3], k0 = w[k], k1 = w[k + 1], k2 = w[k + 2], k3 = w[k + 3];
  for (let p = 0; p < places; p++) {
    const a = from[first + p], b = from[second + p], c = from[third + p], d = from[fourth + p];
    to[here + p] += j0 * a + j1 * b + j2 * c + j3 * d;
    to[next + p] += k0 * a + k1 * b + k2 * c + k3 * d;
  }
}

// y[o, r, c] = Σ over i, a, b of w[o, i, a, b] · x[i, stride·r + a, stride·c + b], for a and b from −1 to 1, where i runs
// over the channels of o's own group only. Outside the map x is 0.
function conv3x3(x, weight, groups = 1, stride = 1) {
  calls += 1;
  const y = emptyStack(weight.outputs, Math.ceil(x.side / stride)), framed = withZerosAround(x);
  const read = x.channels / groups, written = weight.outputs / groups;
  for (let o = 0; o < weight.outputs; o++) {
    const first = Math.floor(o / written) * read;
    for (let i = 0; i < read; i++) addNine(y, o, framed, first + i, weight.values, 9 * (o * read + i), stride);
  }
  return y;
}

function withZerosAround(x) {
  const y = emptyStack(x.channels, x.side + 2);
  for (let i = 0; i < x.channels; i++)
    for (let r = 0; r < x.side; r++) {
      const row = (i * x.side + r) * x.side;
      y.values.set(x.values.subarray(row, row + x.side), (i * y.side + r + 1) * y.side + 1);
    }
  return y;
}

// y[o, r, c] += the nine weights from w[k] on · the nine places of x[i] around it.
function addNine(y, o, x, i, w, k, stride) {
  const from = x.values, to = y.values, above = -x.side, below = x.side;
  const [w0, w1, w2, w3, w4, w5, w6, w7, w8] = w.subarray(k, k + 9);
  for (let r = 0; r < y.side; r++)
    for (let c = 0; c < y.side; c++) {
      const p = (i * x.side + stride * r + 1) * x.side + stride * c + 1;
      to[(o * y.side + r) * y.side + c] += w0 * from[p + above - 1] + w1 * from[p + above] + w2 * from[p + above + 1]
        + w3 * from[p - 1] + w4 * from[p] + w5 * from[p + 1] + w6 * from[p + below - 1] + w7 * from[p + below] + w8 * from[p + below + 1];
    }
}

// (x − mean) / √(variance + ε) · weight + bias, channel by channel.
function batchNorm(x, { mean, variance, weight, bias }) {
  const places = x.side * x.side, values = x.values;
  for (let o = 0; o < x.channels; o++) {
    const centre = mean[o], factor = weight[o] / Math.sqrt(variance[o] + 1e-5), shift = bias[o];
    for (let p = o * places; p < (o + 1) * places; p++) values[p] = (values[p] - centre) * factor + shift;
  }
  return x;
}

function relu(x) {
  const values = x.values;
  for (let p = 0; p < values.length; p++) if (values[p] < 0) values[p] = 0;
  return x;
}

function add(x, other) {
  const values = x.values, more = other.values;
  for (let p = 0; p < values.length; p++) values[p] += more[p];
  return x;
}

function concatenate(stacks) {
  const y = emptyStack(stacks.reduce((sum, x) => sum + x.channels, 0), stacks[0].side);
  let start = 0;
  for (const x of stacks) {
    y.values.set(x.values, start);
    start += x.values.length;
  }
  return y;
}

// Neighbouring maps of a stack.
const slice = (x, first, count) => ({ channels: count, side: x.side,
  values: x.values.subarray(first * x.side * x.side, (first + count) * x.side * x.side) });

// Every second row and column: what a 1×1 of stride 2 reads.
function everySecond(x) {
  const y = emptyStack(x.channels, Math.ceil(x.side / 2));
  for (let i = 0; i < x.channels; i++)
    for (let r = 0; r < y.side; r++)
      for (let c = 0; c < y.side; c++) y.values[(i * y.side + r) * y.side + c] = x.values[(i * x.side + 2 * r) * x.side + 2 * c];
  return y;
}

// The mean of each map.
function averagePool(x) {
  const places = x.side * x.side;
  return Array.from({ length: x.channels }, (_, i) => slice(x, i, 1).values.reduce((sum, value) => sum + value, 0) / places);
}

const linear = (x, weight, bias) => bias.map((start, o) => x.reduce((sum, value, i) => sum + weight.values[o * x.length + i] * value, start));

// ------------------------------------------------------------------ the three forms of a block, up to the sum
// `on[p]` says whether path p is added. Each form has code of its own; they must give the same sum.

// Form A: every path has three layers of its own, and what they write is added up.
function formA(x, block, on) {
  const sum = emptyStack(block.outputs, Math.ceil(x.side / block.stride));
  block.path.forEach((path, p) => {
    if (on[p]) conv1x1(middleOfPath(x, path, block), path.conv3, sum);
  });
  return sum;
}

// Form B: what the paths have in the middle is laid side by side, and one 1×1 reads it all.
function formB(x, block, on) {
  return conv1x1(concatenate(block.path.map(path => middleOfPath(x, path, block))), withoutPaths(block, on));
}

// Form C: one 1×1, one grouped 3×3, one 1×1.
function formC(x, block, on) {
  return conv1x1(middle(x, block), withoutPaths(block, on));
}

const FORMS = { A: formA, B: formB, C: formC };

function middleOfPath(x, path, block) {
  const h = relu(batchNorm(conv1x1(x, path.conv1), path.bn1));
  return relu(batchNorm(conv3x3(h, path.conv2, 1, block.stride), path.bn2));
}

function middle(x, block) {
  const h = relu(batchNorm(conv1x1(x, block.conv1), block.bn1));
  return relu(batchNorm(conv3x3(h, block.conv2, block.path.length, block.stride), block.bn2));
}

// The last 1×1 with zeros where it would read a path that is off.
function withoutPaths({ conv3, width, path }, on) {
  if (on.every(Boolean)) return conv3;
  const d = width / path.length;
  return { outputs: conv3.outputs, values: conv3.values.map((w, k) => (on[Math.floor(k % width / d)] ? w : 0)) };
}

// ------------------------------------------------------------------ the network

function shortcut(x, { downsample, stride }) {
  return downsample ? batchNorm(conv1x1(stride === 2 ? everySecond(x) : x, downsample.conv), downsample.norm) : x;
}

// The answer to 784 bytes. `choice` says for every block which paths are added (`on`), whether the shortcut is (`shortcuts`),
// and the norm after the sum where it is not the trained one (`norms`). `inputs` are the maps before every block.
function run(network, pixels, form, { on, shortcuts, norms }) {
  const picture = { channels: 1, side: 28, values: Float32Array.from(pixels, pixel => (pixel / 255 - network.mean) / network.spread) };
  calls = 0;
  let x = relu(batchNorm(conv3x3(picture, network.conv1, 1, 2), network.bn1));
  const inputs = [];
  network.blocks.forEach((block, k) => {
    inputs.push(x);
    const y = batchNorm(FORMS[form](x, block, on[k]), norms[k] || block.bn3);
    x = relu(shortcuts[k] ? add(y, shortcut(x, block)) : y);
  });
  return { inputs: [...inputs, x], logits: linear(averagePool(x), network.fc, network.bias), calls };
}

// Shares that add up to 1.
function softmax(logits) {
  const most = Math.max(...logits), powers = logits.map(value => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
}

// What a path adds to the sum of its block, times the factor that the norm after the sum gives it.
function term(h, block, p, { variance, weight }) {
  const d = block.width / block.path.length, none = new Float64Array(block.outputs);
  return batchNorm(conv1x1(slice(h, p * d, d), block.path[p].conv3), { mean: none, variance, weight, bias: none });
}

// Where on the map a term is large: the root mean square over its channels.
function strength({ channels, side, values }) {
  const places = side * side, found = new Float32Array(places);
  for (let i = 0; i < channels; i++)
    for (let p = 0; p < places; p++) found[p] += values[i * places + p] ** 2 / channels;
  return { channels: 1, side, values: found.map(Math.sqrt) };
}

// Root mean square. That of a term’s strengths is the term’s own.
function size({ values }) {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares / values.length);
}

// The norm after the sum of a block with some paths off: mean and variance that the sum then has over the training
// pictures. The sum is W h, so its mean is W·mean(h), and its variance the diagonal of W·covariance(h)·Wᵀ.
function normWithout(block, on, { mean, covariance }) {
  const weight = withoutPaths(block, on).values, { width, outputs, bn3 } = block;
  const found = { ...bn3, mean: new Float64Array(outputs), variance: new Float64Array(outputs) };
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < width; i++) {
      const w = weight[o * width + i];
      found.mean[o] += w * mean[i];
      // The triangle below the diagonal counts twice.
      let products = covariance[i * (i + 1) / 2 + i] * w / 2;
      for (let j = 0; j < i; j++) products += covariance[i * (i + 1) / 2 + j] * weight[o * width + j];
      found.variance[o] += 2 * w * products;
    }
    found.variance[o] = Math.max(0, found.variance[o]);
  }
  return found;
}

// ------------------------------------------------------------------ reading the weights

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const place = Object.fromEntries([...LETTERS].map((letter, k) => [letter.charCodeAt(0), k]));

// Python's base64.b85encode backwards: five letters are a number in base 85, and four bytes.
function bytes(text) {
  const found = new DataView(new ArrayBuffer(text.length / 5 * 4));
  for (let k = 0; k < text.length; k += 5) {
    let number = 0;
    for (let i = 0; i < 5; i++) number = 85 * number + place[text.charCodeAt(k + i)];
    found.setUint32(k / 5 * 4, number);
  }
  return new Uint8Array(found.buffer);
}

// float16: a sign, five bits of exponent, ten of fraction.
function halves(text) {
  const packed = bytes(text), found = new Float64Array(packed.length / 2);
  for (let k = 0; k < found.length; k++) {
    const bits = packed[2 * k] + 256 * packed[2 * k + 1];
    const exponent = bits >> 10 & 31, fraction = (bits & 1023) / 1024;
    found[k] = (bits >> 15 ? -1 : 1) * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
  }
  return found;
}

// Hands out the numbers of a list one part after another.
function reader(numbers) {
  let start = 0;
  return count => numbers.subarray(start, start += count);
}

// The layers by name: large ones are whole numbers times one scale for each output, small ones float16.
function readLayers(data) {
  const integers = reader(new Int8Array(bytes(data.integers).buffer)), scales = reader(halves(data.scales)), small = reader(halves(data.halves));
  return Object.fromEntries(data.layers.map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b), outputs = shape[0], row = count / outputs;
    if (count < data.eight_bits_from) return [name, { outputs, values: Float32Array.from(small(count)) }];
    const scale = scales(outputs), whole = integers(count), values = new Float32Array(count);
    for (let k = 0; k < count; k++) values[k] = whole[k] * scale[Math.floor(k / row)];
    return [name, { outputs, values }];
  }));
}

function readNorms(data) {
  const numbers = reader(halves(data.norm_numbers));
  return Object.fromEntries(data.norms.map(([name, count]) =>
    [name, { mean: numbers(count), variance: numbers(count), weight: numbers(count), bias: numbers(count) }]));
}

// Form C's layers cut into the paths that forms A and B have: rows of the first two layers, columns of the last.
function cut({ conv1, bn1, conv2, bn2, conv3, width }, paths) {
  const d = width / paths;
  const rows = ({ values, outputs }, p) => ({ outputs: d, values: values.subarray(p * d * values.length / outputs, (p + 1) * d * values.length / outputs) });
  const part = (norm, p) => Object.fromEntries(Object.entries(norm).map(([name, values]) => [name, values.subarray(p * d, (p + 1) * d)]));
  function columns({ values, outputs }, p) {
    const own = new Float32Array(outputs * d);
    for (let o = 0; o < outputs; o++) own.set(values.subarray(o * width + p * d, o * width + (p + 1) * d), o * d);
    return { outputs, values: own };
  }
  return Array.from({ length: paths }, (_, p) => ({ conv1: rows(conv1, p), bn1: part(bn1, p), conv2: rows(conv2, p), bn2: part(bn2, p), conv3: columns(conv3, p) }));
}

function readNetwork(data) {
  const layers = readLayers(data), norms = readNorms(data);
  const blocks = data.blocks.map(([name, stride]) => {
    const of = table => Object.fromEntries([1, 2, 3].map(k => [`${table === layers ? "conv" : "bn"}${k}`, table[`${name}.${table === layers ? "conv" : "bn"}${k}`]]));
    const block = { name, stride, ...of(layers), ...of(norms) };
    const projection = layers[`${name}.downsample.0`];
    Object.assign(block, { width: block.conv1.outputs, outputs: block.conv3.outputs,
      downsample: projection && { conv: projection, norm: norms[`${name}.downsample.1`] } });
    return { ...block, inputs: block.conv1.values.length / block.width, path: cut(block, data.paths) };
  });
  return { mean: data.mean, spread: data.spread, conv1: layers.conv1, bn1: norms.bn1, blocks, fc: layers.fc, bias: data.bias };
}
