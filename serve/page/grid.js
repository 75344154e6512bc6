// Grid of beats: snapping, steps by notes and bars, and changes of the beats themselves.

export const NOTES = [4, 8, 12, 16, 24, 32, 48, 64];

// Lines of the grid between two times: {time_s, level}, where level 0 is a bar, 1 a beat, 2 a part of a beat.
export function lines(beats, note, from_s, to_s) {
  const found = [];
  const parts = note ? Math.max(1, note / 4) : 1;
  for (let index = 0; index < beats.length; index++) {
    const here = beats[index].time_s;
    const next = beats[index + 1]?.time_s ?? here + (here - (beats[index - 1]?.time_s ?? here - 0.5));
    if (next < from_s || here > to_s) continue;
    for (let part = 0; part < parts; part++) {
      const time_s = here + ((next - here) * part) / parts;
      if (time_s >= from_s && time_s <= to_s) found.push({ time_s, level: part ? 2 : beats[index].position === 1 ? 0 : 1 });
    }
  }
  return found;
}

// The nearest line; the time itself without a grid.
export function snap(beats, note, time_s) {
  if (!note || beats.length < 2) return time_s;
  let best = time_s;
  let distance = Infinity;
  for (const line of lines(beats, note, time_s - 2, time_s + 2)) {
    if (Math.abs(line.time_s - time_s) < distance) {
      best = line.time_s;
      distance = Math.abs(line.time_s - time_s);
    }
  }
  return distance < 2 ? best : time_s;
}

// The next line in a direction, or a step in seconds without a grid.
export function step(beats, note, time_s, direction, { bars = false, plain_s = 1 } = {}) {
  const all = beats.length < 2 || (!note && !bars) ? [] : lines(beats, note || 4, time_s - 20, time_s + 20);
  const candidates = all.filter((line) => !bars || line.level === 0).map((line) => line.time_s);
  const ahead = candidates.filter((each) => (direction > 0 ? each > time_s + 1e-4 : each < time_s - 1e-4));
  if (!ahead.length) return Math.max(0, time_s + direction * plain_s);
  return direction > 0 ? ahead[0] : ahead[ahead.length - 1];
}

// The bar around a time: [start, end].
export function barAround(beats, time_s) {
  const starts = beats.filter((beat) => beat.position === 1).map((beat) => beat.time_s);
  const index = starts.findLastIndex((start) => start <= time_s + 1e-4);
  if (index < 0 || starts.length < 2) return [time_s, time_s + 2];
  const length = index + 1 < starts.length ? starts[index + 1] - starts[index] : starts[index] - starts[index - 1];
  return [starts[index], starts[index] + length];
}

function nearest(beats, time_s) {
  let best = 0;
  beats.forEach((beat, index) => {
    if (Math.abs(beat.time_s - time_s) < Math.abs(beats[best].time_s - time_s)) best = index;
  });
  return best;
}

export function meterOf(beats) {
  return Math.max(1, ...beats.map((beat) => beat.position));
}

function renumbered(beats, first, meter) {
  return beats.map((beat, index) => ({ time_s: beat.time_s, position: ((((index - first) % meter) + meter) % meter) + 1 }));
}

// Bars begin at the beat nearest to a time.
export function barAt(beats, time_s, meter = meterOf(beats)) {
  return renumbered(beats, nearest(beats, time_s), meter);
}

export function halved(beats) {
  const first = Math.max(0, beats.findIndex((beat) => beat.position === 1));
  const meter = meterOf(beats);
  const kept = beats.filter((_, index) => (index - first) % 2 === 0);
  return renumbered(kept, kept.indexOf(beats[first]), meter);
}

export function doubled(beats) {
  const meter = meterOf(beats);
  const first = Math.max(0, beats.findIndex((beat) => beat.position === 1));
  const all = beats.flatMap((beat, index) => {
    const next = beats[index + 1];
    return next ? [beat, { time_s: (beat.time_s + next.time_s) / 2, position: 1 }] : [beat];
  });
  return renumbered(all, 2 * first, meter);
}

export function shifted(beats, seconds) {
  return beats.map((beat) => ({ ...beat, time_s: beat.time_s + seconds })).filter((beat) => beat.time_s >= 0);
}

// One beat moved; its neighbours up to the next bar lines give way evenly.
export function beatMoved(beats, index, time_s) {
  const low = beats.findLastIndex((beat, each) => each < index && beat.position === 1);
  const after = beats.findIndex((beat, each) => each > index && beat.position === 1);
  const start = Math.max(0, low);
  const end = after < 0 ? beats.length - 1 : after;
  const clipped = Math.max(beats[start].time_s + 0.02 * (index - start), Math.min(time_s, beats[end].time_s - 0.02 * (end - index)));
  return beats.map((beat, each) => {
    if (each <= start || each >= end || index === start || index === end) return each === index ? { ...beat, time_s } : beat;
    const [from, to, at, span] = each <= index ? [beats[start].time_s, clipped, each - start, index - start] : [clipped, beats[end].time_s, each - index, end - index];
    return { ...beat, time_s: from + ((to - from) * at) / span };
  });
}

// Beats at a steady tempo through taps: times of taps, in order.
export function tapped(taps, duration_s, meter) {
  const gaps = taps.slice(1).map((time, index) => time - taps[index]);
  const gap = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)];
  const offset = taps.reduce((sum, time, index) => sum + time - index * gap, 0) / taps.length;
  const first = offset - Math.floor(offset / gap) * gap;
  const count = Math.floor((duration_s - first) / gap) + 1;
  const beats = Array.from({ length: count }, (_, index) => ({ time_s: first + index * gap, position: 1 }));
  return renumbered(beats, Math.round((offset - first) / gap), meter);
}
