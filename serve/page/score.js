// The edited score: hits and beats as immutable states with undo and redo, and what an editor can do to them.

import { LANES, laneOf } from "./drums.js";

const SAME_S = 0.001; // hits of one lane nearer than this are one hit
const EARLIEST_MOVE_S = 1e-6;

let nextKey = 1;

function keyed(hit) {
  return { ...hit, key: nextKey++ };
}

function sorted(hits) {
  return hits.toSorted((a, b) => a.time_s - b.time_s || a.class.localeCompare(b.class));
}

function rounded(seconds) {
  return Math.max(0, Math.round(seconds * 1e6) / 1e6);
}

// Hits with others, which replace those of their lane at their time.
function joined(hits, added) {
  const isReplaced = (hit) => added.some((each) => each.class === hit.class && Math.abs(each.time_s - hit.time_s) < SAME_S);
  return [...hits.filter((hit) => !isReplaced(hit)), ...added];
}

export class Score extends EventTarget {
  constructor(hits, beats) {
    super();
    this.past = [];
    this.future = [];
    this.state = { hits: sorted(hits.map(keyed)), beats: beats.map((beat) => ({ ...beat })), beatsEdited: false };
    this.selection = new Set();
  }

  get hits() {
    return this.state.hits;
  }

  get beats() {
    return this.state.beats;
  }

  get selected() {
    return this.hits.filter((hit) => this.selection.has(hit.key));
  }

  // What is saved: hits without keys, and beats if they were edited.
  content() {
    const hits = this.hits.map(({ time_s, class: label, velocity, confidence }) => ({
      time_s,
      class: label,
      ...(velocity === undefined ? {} : { velocity }),
      ...(confidence === undefined || confidence === null ? {} : { confidence }),
    }));
    return { hits, beats: this.state.beatsEdited ? this.beats : [] };
  }

  undo() {
    this._travel(this.past, this.future);
  }

  redo() {
    this._travel(this.future, this.past);
  }

  select(keys) {
    this.selection = new Set(keys);
    this._tell("selection");
  }

  add(time_s, label, velocity = 0.8) {
    const hit = keyed({ time_s: rounded(time_s), class: label, velocity });
    this._change({ hits: joined(this.hits, [hit]) });
    this.select([hit.key]);
    return hit;
  }

  // The hit of a lane at a time, if there is one within a tolerance.
  at(time_s, label, tolerance_s) {
    let best = null;
    for (const hit of this.hits) {
      const distance = Math.abs(hit.time_s - time_s);
      if (laneOf(hit.class) === label && distance <= tolerance_s && (!best || distance < Math.abs(best.time_s - time_s))) best = hit;
    }
    return best;
  }

  remove(keys) {
    const gone = new Set(keys);
    if (!gone.size) return;
    this._change({ hits: this.hits.filter((hit) => !gone.has(hit.key)) });
    this.select([]);
  }

  // Changes hits; a function gives the new one of each. Hits that a person touched have no confidence of the model's.
  edit(keys, change) {
    const chosen = new Set(keys);
    if (!chosen.size) return;
    const moved = this.hits.filter((hit) => chosen.has(hit.key)).map((hit) => ({ ...hit, confidence: undefined, ...change(hit) }));
    const others = this.hits.filter((hit) => !chosen.has(hit.key));
    this._change({ hits: joined(others, moved) });
  }

  move(keys, seconds) {
    const first = Math.min(...this.hits.filter((hit) => keys.includes(hit.key)).map((hit) => hit.time_s));
    const by = Math.max(seconds, -first);
    if (Math.abs(by) > EARLIEST_MOVE_S) this.edit(keys, (hit) => ({ time_s: rounded(hit.time_s + by) }));
  }

  changeLane(keys, lanes) {
    this.edit(keys, (hit) => {
      const row = LANES.findIndex((lane) => lane.label === laneOf(hit.class));
      return { class: LANES[Math.max(0, Math.min(LANES.length - 1, row + lanes))].label };
    });
  }

  setVelocity(keys, change) {
    this.edit(keys, (hit) => ({ velocity: Math.max(0.05, Math.min(1, Math.round(100 * change(hit.velocity ?? 0.8)) / 100)) }));
  }

  confirm(keys) {
    this.edit(keys, () => ({}));
  }

  snapTo(keys, snap) {
    this.edit(keys, (hit) => ({ time_s: rounded(snap(hit.time_s)) }));
  }

  // Hits relative to a time, to be pasted at another.
  copy(origin_s) {
    return this.selected.map((hit) => ({ offset_s: hit.time_s - origin_s, class: hit.class, velocity: hit.velocity }));
  }

  paste(clip, origin_s) {
    const pasted = clip.map((each) => keyed({ time_s: rounded(origin_s + each.offset_s), class: each.class, velocity: each.velocity }));
    if (!pasted.length) return;
    this._change({ hits: joined(this.hits, pasted) });
    this.select(pasted.map((hit) => hit.key));
  }

  setBeats(beats) {
    this._change({ beats, beatsEdited: true });
  }

  // Another content, as one step that can be undone.
  replace(hits, beats) {
    this._change({ hits: hits.map(keyed), beats: beats.length ? beats : this.beats, beatsEdited: beats.length > 0 });
    this.select([]);
  }

  _change(parts) {
    this.past.push(this.state);
    this.future = [];
    this.state = { ...this.state, ...parts };
    if (parts.hits) this.state.hits = sorted(parts.hits);
    this._tell("change");
  }

  _travel(from, to) {
    if (!from.length) return;
    to.push(this.state);
    this.state = from.pop();
    const keys = new Set(this.hits.map((hit) => hit.key));
    this.selection = new Set([...this.selection].filter((key) => keys.has(key)));
    this._tell("change");
  }

  _tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
