// Worker: time-stretching without change of pitch by overlap-add at the best offset (WSOLA; Verhelst and Roelands 1993).

const FRAME = 2048;
const HOP = FRAME / 2;
const SEARCH = 400;
const COARSE = 8;

function mono(channels) {
  const sum = channels[0].slice();
  for (const other of channels.slice(1)) for (let n = 0; n < sum.length; n++) sum[n] += other[n];
  return sum;
}

function likeness(signal, a, b, stride) {
  let sum = 0;
  for (let n = 0; n < HOP; n += stride) sum += (signal[a + n] ?? 0) * (signal[b + n] ?? 0);
  return sum;
}

// The start near `wanted` that continues the frame before best.
function bestStart(signal, follows, wanted) {
  let best = wanted;
  let most = -Infinity;
  const consider = (from, to, by, stride) => {
    for (let start = from; start <= to; start += by) {
      if (start < 0 || start + FRAME > signal.length) continue;
      const found = likeness(signal, follows, start, stride);
      if (found > most) [most, best] = [found, start];
    }
  };
  consider(wanted - SEARCH, wanted + SEARCH, COARSE, COARSE);
  const coarse = best;
  most = -Infinity;
  consider(coarse - COARSE, coarse + COARSE, 1, 2);
  return best;
}

export function stretched(channels, speed) {
  const length = channels[0].length;
  const out = channels.map(() => new Float32Array(Math.ceil(length / speed)));
  const window = Float32Array.from({ length: FRAME }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME));
  const signal = mono(channels);
  let start = 0;
  for (let at = 0; at < out[0].length; at += HOP) {
    const wanted = Math.round(at * speed);
    start = at === 0 ? 0 : Math.max(0, bestStart(signal, start + HOP, wanted));
    channels.forEach((channel, index) => {
      const target = out[index];
      for (let n = 0; n < FRAME && at + n < target.length; n++) {
        const gain = at === 0 && n < HOP ? 1 : window[n];
        target[at + n] += gain * (channel[start + n] ?? 0);
      }
    });
  }
  return out;
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope)
  self.onmessage = ({ data: { id, channels, speed } }) => {
    const found = stretched(channels, speed);
    self.postMessage({ id, channels: found }, found.map((each) => each.buffer));
  };
