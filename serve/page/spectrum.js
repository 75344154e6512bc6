// Waveform peaks, and a log-frequency spectrogram computed column by column on demand.

const SIZE = 2048;
const BANDS = 64;
const LOW_HZ = 50;
const HIGH_HZ = 14000;

export function monoOf(buffer) {
  const mono = buffer.getChannelData(0).slice();
  for (let channel = 1; channel < buffer.numberOfChannels; channel++) {
    const other = buffer.getChannelData(channel);
    for (let n = 0; n < mono.length; n++) mono[n] += other[n];
  }
  let peak = 1e-6;
  for (const value of mono) if (Math.abs(value) > peak) peak = Math.abs(value);
  for (let n = 0; n < mono.length; n++) mono[n] /= peak;
  return mono;
}

// The lowest and highest sample of each of `count` stretches between two samples.
export function peaks(mono, first, last, count) {
  const found = new Float32Array(2 * count);
  for (let column = 0; column < count; column++) {
    const start = Math.floor(first + ((last - first) * column) / count);
    const stop = Math.max(start + 1, Math.floor(first + ((last - first) * (column + 1)) / count));
    const step = Math.max(1, Math.floor((stop - start) / 200));
    let low = 0;
    let high = 0;
    for (let n = Math.max(0, start); n < Math.min(mono.length, stop); n += step) {
      if (mono[n] < low) low = mono[n];
      if (mono[n] > high) high = mono[n];
    }
    found[2 * column] = low;
    found[2 * column + 1] = high;
  }
  return found;
}

export class Spectrogram {
  constructor(mono, rate) {
    this.mono = mono;
    this.hop = Math.round(rate / 100);
    this.columns = new Map();
    this.window = Float32Array.from({ length: SIZE }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
    this.edges = Array.from({ length: BANDS + 1 }, (_, band) => {
      const hz = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (band / BANDS);
      return (hz * SIZE) / rate;
    });
    this.real = new Float32Array(SIZE);
    this.imaginary = new Float32Array(SIZE);
  }

  get bands() {
    return BANDS;
  }

  // 0 to 255 for each band, the lowest first, of the column around a sample.
  columnAt(sample) {
    const index = Math.round(sample / this.hop);
    let column = this.columns.get(index);
    if (!column) {
      if (this.columns.size > 20_000) this.columns.clear();
      column = this._column(index * this.hop);
      this.columns.set(index, column);
    }
    return column;
  }

  _column(centre) {
    const { real, imaginary } = this;
    for (let n = 0; n < SIZE; n++) {
      real[n] = (this.mono[centre - SIZE / 2 + n] ?? 0) * this.window[n];
      imaginary[n] = 0;
    }
    transform(real, imaginary);
    const levels = new Uint8ClampedArray(BANDS);
    for (let band = 0; band < BANDS; band++) {
      const first = Math.floor(this.edges[band]);
      const last = Math.max(first + 1, Math.ceil(this.edges[band + 1]));
      let power = 0;
      for (let bin = first; bin < last; bin++) power = Math.max(power, real[bin] ** 2 + imaginary[bin] ** 2);
      const level_db = 10 * Math.log10(power + 1e-9) - 20 * Math.log10(SIZE / 4);
      levels[band] = (255 * (level_db + 66)) / 66;
    }
    return levels;
  }
}

// In place, radix 2.
function transform(real, imaginary) {
  const size = real.length;
  for (let n = 1, reversed = 0; n < size; n++) {
    let bit = size >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (n < reversed) {
      [real[n], real[reversed]] = [real[reversed], real[n]];
      [imaginary[n], imaginary[reversed]] = [imaginary[reversed], imaginary[n]];
    }
  }
  for (let length = 2; length <= size; length <<= 1) {
    const angle = (-2 * Math.PI) / length;
    const half = length >> 1;
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos(angle * k);
      const sine = Math.sin(angle * k);
      for (let start = k; start < size; start += length) {
        const other = start + half;
        const a = real[other] * cosine - imaginary[other] * sine;
        const b = real[other] * sine + imaginary[other] * cosine;
        real[other] = real[start] - a;
        imaginary[other] = imaginary[start] - b;
        real[start] += a;
        imaginary[start] += b;
      }
    }
  }
}
