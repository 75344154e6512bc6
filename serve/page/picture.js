// Canvas drawings: overview of the recording, and hits on lanes around the playing position.

import { LANES, laneOf } from "./drums.js";
import { lines } from "./grid.js";
import { peaks } from "./spectrum.js";

const WAVE = 64;
const SPECTRUM = 128;
const GAP = 8;
const NARROW = 74; // of the lanes' names on a phone, without their keys

function prepared(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const { width, height } = canvas.getBoundingClientRect();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

function wave(context, found, { left, top, width, height }) {
  const middle = top + height / 2;
  const count = found.length / 2;
  for (let column = 0; column < count; column++) {
    const high = found[2 * column + 1] * (height / 2);
    const low = found[2 * column] * (height / 2);
    context.fillRect(left + (column * width) / count, middle - high, Math.max(0.5, width / count), Math.max(1, high - low));
  }
}

export function drawOverview(canvas, { mono, duration, position, view }) {
  const { context, width, height } = prepared(canvas);
  const colour = colours();
  if (mono) {
    canvas.peaks = canvas.peaks?.mono === mono && canvas.peaks.width === width ? canvas.peaks
      : { mono, width, found: peaks(mono, 0, mono.length, Math.floor(width)) };
    context.fillStyle = colour("quiet");
    wave(context, canvas.peaks.found, { left: 0, top: 3, width, height: height - 6 });
  }
  const toX = (seconds) => (seconds / duration) * width;
  context.fillStyle = colour("accent");
  context.globalAlpha = 0.18;
  context.fillRect(toX(view.start), 0, toX(view.end) - toX(view.start), height);
  context.globalAlpha = 1;
  context.fillRect(toX(position) - 1, 0, 2, height);
}

export function labelWidth(width) {
  return width < 500 ? NARROW : 92;
}

const DOUBTFUL = 0.6; // hits of a lower confidence are hollow

export function isDoubtful(hit) {
  return hit.confidence !== undefined && hit.confidence !== null && hit.confidence < DOUBTFUL;
}

// Where things are on the picture: x and y of times and lanes, and back.
export function geometry(canvas, view, hasWave) {
  const { width, height } = canvas.getBoundingClientRect();
  const left = labelWidth(width);
  const inner = width - left;
  const seconds = view.end - view.start;
  const top = hasWave ? 4 + WAVE + GAP + SPECTRUM + GAP : 4;
  const laneHeight = (height - top - 20) / LANES.length;
  return {
    left,
    inner,
    top,
    laneHeight,
    toX: (time) => left + ((time - view.start) / seconds) * inner,
    toTime: (x) => view.start + ((x - left) / inner) * seconds,
    toRow: (y) => Math.floor((y - top) / laneHeight),
    secondsPerPixel: seconds / inner,
  };
}

export function drawPicture(canvas, { mono, rate, spectrogram, hits, beats, note, selection, lane, box, loop, position, view }) {
  const { context, width, height } = prepared(canvas);
  const colour = colours();
  const { left, inner, toX, ...place } = geometry(canvas, view, Boolean(mono));
  if (inner <= 0) return; // not laid out yet

  let top = 4;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  if (mono) {
    context.fillStyle = colour("quiet");
    context.fillText("Waveform", 8, top + WAVE / 2);
    wave(context, peaks(mono, view.start * rate, view.end * rate, Math.floor(inner)), { left, top, width: inner, height: WAVE });
    top += WAVE + GAP;
    context.fillStyle = colour("quiet");
    context.fillText("Spectrum", 8, top + SPECTRUM / 2);
    drawSpectrum(context, spectrogram, rate, view, { left, top, width: inner, height: SPECTRUM }, colour("ink"));
    top += SPECTRUM + GAP;
  }

  const { laneHeight } = place;
  if (loop) {
    context.fillStyle = colour("accent");
    context.globalAlpha = 0.12;
    context.fillRect(Math.max(left, toX(loop.start)), 0, Math.min(width, toX(loop.end)) - Math.max(left, toX(loop.start)), height - 18);
    context.globalAlpha = 1;
  }
  for (const line of lines(beats, inner / (view.end - view.start) > 120 ? note : 4, view.start, view.end)) {
    context.fillStyle = colour(line.level === 0 ? "bar" : "faint");
    context.fillRect(toX(line.time_s), top, line.level === 0 ? 1.5 : 1, line.level === 2 ? LANES.length * laneHeight : height - 18 - top);
  }
  LANES.forEach((each, row) => {
    const middle = top + (row + 0.5) * laneHeight;
    if (row === lane) {
      context.fillStyle = colour("accent");
      context.globalAlpha = 0.1;
      context.fillRect(0, middle - laneHeight / 2, width, laneHeight);
      context.globalAlpha = 1;
    }
    context.fillStyle = colour("faint");
    context.fillRect(left, middle, inner, 1);
    context.fillStyle = colour(each.drum);
    context.fillRect(0, middle - laneHeight / 2 + 2, 3, laneHeight - 4);
    context.fillStyle = colour("ink");
    context.fillText(each.title, 8, middle);
    if (left > NARROW) {
      context.fillStyle = colour("quiet");
      context.textAlign = "right";
      context.fillText(each.key.toUpperCase(), left - 6, middle);
      context.textAlign = "left";
    }
  });

  context.save();
  context.beginPath();
  context.rect(left, 0, inner, height);
  context.clip();
  const rows = new Map(LANES.map((each, row) => [each.label, row]));
  for (const hit of hits) {
    if (hit.time_s < view.start - 0.1 || hit.time_s > view.end + 0.1) continue;
    const row = rows.get(laneOf(hit.class));
    if (row === undefined) continue;
    const size = (laneHeight - 3) * (0.35 + 0.65 * (hit.velocity ?? 0.8));
    const middle = top + (row + 0.5) * laneHeight;
    const x = toX(hit.time_s);
    context.fillStyle = context.strokeStyle = colour(LANES[row].drum);
    if (isDoubtful(hit)) {
      context.fillStyle = colour("paper");
      context.fillRect(x - 2.5, middle - size / 2, 5, size);
      context.lineWidth = 1.5;
      context.strokeRect(x - 2.5, middle - size / 2, 5, size);
    } else context.fillRect(x - 2, middle - size / 2, 4, size);
    if (selection.has(hit.key)) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      context.strokeRect(x - 5, middle - laneHeight / 2 + 1, 10, laneHeight - 2);
    }
  }
  if (box) {
    context.strokeStyle = colour("ink");
    context.lineWidth = 1;
    context.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  }
  drawSeconds(context, view, toX, height, colour("quiet"), inner);
  context.fillStyle = colour("ink");
  context.fillRect(toX(position) - 0.75, 0, 1.5, height - 18);
  context.restore();
}

function drawSpectrum(context, spectrogram, rate, view, box, ink) {
  const columns = Math.min(600, Math.floor(box.width));
  const image = new ImageData(columns, spectrogram.bands);
  const [red, green, blue] = ink.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  for (let column = 0; column < columns; column++) {
    const time = view.start + ((column + 0.5) / columns) * (view.end - view.start);
    const levels = spectrogram.columnAt(time * rate);
    for (let band = 0; band < spectrogram.bands; band++) {
      const pixel = 4 * ((spectrogram.bands - 1 - band) * columns + column);
      image.data[pixel] = red;
      image.data[pixel + 1] = green;
      image.data[pixel + 2] = blue;
      image.data[pixel + 3] = (levels[band] * levels[band]) / 255;
    }
  }
  const offscreen = new OffscreenCanvas(columns, spectrogram.bands);
  offscreen.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(offscreen, box.left, box.top, box.width, box.height);
}

function drawSeconds(context, view, toX, height, colour, inner) {
  const seconds = view.end - view.start;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60].find((each) => (each / seconds) * inner > 56) ?? 120;
  context.fillStyle = colour;
  context.textAlign = "center";
  for (let time = Math.ceil(view.start / step) * step; time <= view.end; time += step) {
    context.fillRect(toX(time), height - 18, 1, 4);
    const within = toX(time) - toX(view.start);
    if (within > 14 && within < inner - 20) context.fillText(clock(time, step < 1 ? 1 : 0), toX(time), height - 8);
  }
  context.textAlign = "left";
}

export function clock(seconds, decimals) {
  const rounded = Number(seconds.toFixed(decimals));
  const minutes = Math.floor(rounded / 60);
  return `${minutes}:${(rounded - 60 * minutes).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0")}`;
}
