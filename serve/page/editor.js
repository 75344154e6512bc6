// Editing on the lanes by keyboard, mouse and touch. All changes go through `Score`; nothing here draws.

import { LANES, laneOf } from "./drums.js";
import * as grid from "./grid.js";
import { geometry, isDoubtful } from "./picture.js";

const NEAR_PX = 7;
const DRAG_PX = 3;
const FINE_S = 0.001;
const VELOCITY_STEP = 0.1;
const ACCENT = 1;
const GHOST = 0.25;
const HOLD_MS = 500;

export class Editor {
  // `host`: score, player, duration(), view(), seek(seconds), note(), setNote(note), changed(), say(text), hasWave()
  constructor(canvas, host) {
    this.canvas = canvas;
    this.host = host;
    this.lane = LANES.length - 1; // row of the lane cursor
    this.clip = [];
    this.taps = [];
    this.box = null;
    this.touches = new Map(); // of fingers, by pointer
    this._addPointerHandlers();
  }

  get score() {
    return this.host.score();
  }

  get cursor() {
    return this.host.player.position;
  }

  // Returns whether the key did something.
  key(event) {
    const { key, shiftKey: shift, altKey: alt } = event;
    const control = event.ctrlKey || event.metaKey;
    const action = control ? this._controlAction(key.toLowerCase(), shift) : alt ? this._altAction(key, shift) : this._plainAction(key, shift);
    if (!action) return false;
    action();
    this.host.changed();
    return true;
  }

  _controlAction(key, shift) {
    return {
      z: () => this.travel(shift ? "redo" : "undo"),
      y: () => this.travel("redo"),
      a: () => this.selectAll(),
      c: () => this.copy(),
      x: () => this.cut(),
      v: () => this.paste(),
      d: () => this.repeatBar(),
      s: () => this.host.save(),
    }[key];
  }

  _altAction(key, shift) {
    const moved = (direction) => () => (shift ? this.score.move(this._keys(), direction * FINE_S) : this.moveByGrid(direction));
    return {
      ArrowLeft: moved(-1),
      ArrowRight: moved(1),
      ArrowUp: () => this.score.changeLane(this._keys(), -1),
      ArrowDown: () => this.score.changeLane(this._keys(), 1),
    }[key];
  }

  _plainAction(key, shift) {
    const row = LANES.findIndex((lane) => lane.key === key);
    if (row >= 0) return () => this.toggle(row);
    return {
      ArrowLeft: () => this.step(-1, shift),
      ArrowRight: () => this.step(1, shift),
      ArrowUp: () => this.setLane(this.lane - 1),
      ArrowDown: () => this.setLane(this.lane + 1),
      Enter: () => this.toggle(this.lane),
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      Escape: () => this.score.select([]),
      "]": () => this.score.setVelocity(this._keys(), (velocity) => velocity + VELOCITY_STEP),
      "[": () => this.score.setVelocity(this._keys(), (velocity) => velocity - VELOCITY_STEP),
      a: () => this.score.setVelocity(this._keys(), (velocity) => (velocity === ACCENT ? 0.8 : ACCENT)),
      g: () => this.score.setVelocity(this._keys(), (velocity) => (velocity === GHOST ? 0.8 : GHOST)),
      n: () => this.nextDoubtful(1),
      N: () => this.nextDoubtful(-1),
      j: () => this.nextHit(1),
      k: () => this.nextHit(-1),
      y: () => this.confirm(),
      q: () => this.score.snapTo(this._keys(), (time) => grid.snap(this.score.beats, this.host.note(), time)),
      l: () => this.loop(),
      L: () => this.host.player.setLoop(null),
      ",": () => this.changeNote(-1),
      ".": () => this.changeNote(1),
      r: () => this.setBeats(grid.barAt(this.score.beats, this.cursor), "a bar starts here"),
      h: () => this.setBeats(grid.halved(this.score.beats), "half the tempo"),
      d: () => this.setBeats(grid.doubled(this.score.beats), "twice the tempo"),
      "<": () => this.setBeats(grid.shifted(this.score.beats, -0.005), "beats 5 ms earlier"),
      ">": () => this.setBeats(grid.shifted(this.score.beats, 0.005), "beats 5 ms later"),
      t: () => this.tap(),
    }[key];
  }

  travel(direction) {
    this.score[direction]();
    this.host.say(direction === "undo" ? "Undone" : "Done again");
  }

  step(direction, bars) {
    const { duration } = this.host;
    const to = grid.step(this.score.beats, this.host.note(), this.cursor, direction, { bars, plain_s: bars ? 5 : 1 });
    this.host.seek(Math.min(duration(), to));
  }

  setLane(row) {
    this.lane = Math.max(0, Math.min(LANES.length - 1, row));
    this.host.say(LANES[this.lane].title);
  }

  // Places a hit of a lane at the cursor, or removes the one that is there.
  toggle(row) {
    this.lane = row;
    const { label, title } = LANES[row];
    const time_s = this.host.player.playing ? this.cursor : grid.snap(this.score.beats, this.host.note(), this.cursor);
    const there = this.score.at(time_s, label, 0.015);
    if (there) {
      this.score.remove([there.key]);
      this.host.say(`${title} removed`);
    } else this.add(time_s, label, title);
  }

  add(time_s, label, title = LANES.find((lane) => lane.label === label).title) {
    const hit = this.score.add(Math.min(time_s, this.host.duration()), label);
    if (!this.host.player.playing) this.host.player.preview(label);
    this.host.say(`${title} at ${hit.time_s.toFixed(3)} s`);
  }

  remove() {
    const count = this.score.selection.size;
    this.score.remove(this._keys());
    this.host.say(`${count} removed`);
  }

  selectAll() {
    this.score.select(this.score.hits.map((hit) => hit.key));
    this.host.say(`${this.score.hits.length} selected`);
  }

  copy() {
    const [start] = grid.barAround(this.score.beats, this.score.selected[0]?.time_s ?? this.cursor);
    this.clip = this.score.copy(start);
    this.host.say(`${this.clip.length} copied`);
  }

  cut() {
    this.copy();
    this.score.remove(this._keys());
  }

  // At the bar of the cursor, so that what was in a bar lies as it did.
  paste() {
    const [start] = grid.barAround(this.score.beats, this.cursor);
    this.score.paste(this.clip, start);
    this.host.say(`${this.clip.length} pasted`);
  }

  // The bar of the cursor once more, one bar later.
  repeatBar() {
    const [start, end] = grid.barAround(this.score.beats, this.cursor);
    this.score.select(this.score.hits.filter((hit) => hit.time_s >= start - 0.01 && hit.time_s < end - 0.01).map((hit) => hit.key));
    const clip = this.score.copy(start);
    this.score.paste(clip, end);
    this.host.seek(end);
    this.host.say("bar repeated");
  }

  moveByGrid(direction) {
    const first = this.score.selected[0];
    if (!first) return;
    const to = grid.step(this.score.beats, this.host.note(), first.time_s, direction, { plain_s: 0.01 });
    this.score.move(this._keys(), to - first.time_s);
  }

  nextHit(direction) {
    this._goTo(this._following(this.score.hits, direction));
  }

  nextDoubtful(direction) {
    const found = this._following(this.score.hits.filter(isDoubtful), direction);
    if (found) this._goTo(found);
    else this.host.say(direction > 0 ? "no doubtful hit after this" : "no doubtful hit before this");
  }

  // Right as it is: the next doubtful one follows.
  confirm() {
    this.score.confirm(this._keys());
    this.nextDoubtful(1);
  }

  _following(hits, direction) {
    const from = this.score.selected[0] ?? { time_s: this.cursor - 1e-6 * direction, key: -1 };
    return direction > 0
      ? hits.find((hit) => hit.time_s > from.time_s || (hit.time_s === from.time_s && hit.key > from.key))
      : hits.findLast((hit) => hit.time_s < from.time_s || (hit.time_s === from.time_s && hit.key < from.key));
  }

  _goTo(hit) {
    if (!hit) return;
    this.score.select([hit.key]);
    this.lane = LANES.findIndex((lane) => lane.label === laneOf(hit.class));
    this.host.seek(hit.time_s);
    const doubt = isDoubtful(hit) ? `, confidence ${Math.round(100 * hit.confidence)} %` : "";
    this.host.say(`${LANES[this.lane].title} at ${hit.time_s.toFixed(3)} s${doubt}`);
  }

  loop() {
    const times = this.score.selected.map((hit) => hit.time_s);
    const [start, end] = times.length > 1 ? [Math.min(...times), Math.max(...times) + 0.1] : grid.barAround(this.score.beats, this.cursor);
    this.host.player.setLoop({ start, end: Math.min(end, this.host.duration()) });
    this.host.say("loop set");
  }

  changeNote(direction) {
    const notes = [0, ...grid.NOTES];
    const index = Math.max(0, Math.min(notes.length - 1, notes.indexOf(this.host.note()) + direction));
    this.host.setNote(notes[index]);
  }

  setBeats(beats, words) {
    if (beats.length < 2) return;
    this.score.setBeats(beats);
    this.host.say(words);
  }

  tap() {
    const now = this.cursor;
    if (this.taps.length && (now - this.taps.at(-1) > 2 || now < this.taps.at(-1))) this.taps = [];
    this.taps.push(now);
    if (this.taps.length >= 4) this.setBeats(grid.tapped(this.taps, this.host.duration(), grid.meterOf(this.score.beats)), "beats as tapped");
  }

  _keys() {
    return [...this.score.selection];
  }

  // --- pointer ---

  _geometry() {
    return geometry(this.canvas, this.host.view(), this.host.hasWave());
  }

  _hitAt(place, event) {
    const lane = LANES[place.toRow(event.offsetY)];
    return lane ? this.score.at(place.toTime(event.offsetX), lane.label, NEAR_PX * place.secondsPerPixel) : null;
  }

  _addPointerHandlers() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this._down(event));
    canvas.addEventListener("pointermove", (event) => this._moved(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this._up(event));
    canvas.addEventListener("dblclick", (event) => this._toggleAt(event));
    canvas.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  // A beat whose line is grabbed above the lanes, or -1.
  _beatAt(place, event) {
    if (event.offsetY >= place.top || event.offsetX < place.left) return -1;
    return this.score.beats.findIndex((beat) => Math.abs(place.toX(beat.time_s) - event.offsetX) <= NEAR_PX);
  }

  _down(event) {
    if (event.pointerType === "touch" && this._pinch(event)) return;
    const place = this._geometry();
    const hit = this._hitAt(place, event);
    const beat = hit ? -1 : this._beatAt(place, event);
    this.drag = { x: event.offsetX, y: event.offsetY, hit, beat, position: this.cursor, moved: false, touch: event.pointerType === "touch", place };
    this.canvas.setPointerCapture(event.pointerId);
    if (this.drag.touch) this.drag.timer = setTimeout(() => this._hold(event), HOLD_MS);
    if (hit && event.shiftKey) {
      const keys = new Set(this.score.selection);
      keys.has(hit.key) ? keys.delete(hit.key) : keys.add(hit.key);
      this.score.select(keys);
    } else if (hit && !this.score.selection.has(hit.key)) this.score.select([hit.key]);
    const row = place.toRow(event.offsetY);
    if (row >= 0 && row < LANES.length) this.lane = row;
    this.host.changed();
  }

  // Two fingers zoom. Returns whether there are two.
  _pinch(event) {
    this.touches.set(event.pointerId, event.offsetX);
    if (this.touches.size < 2) return false;
    if (this.drag) clearTimeout(this.drag.timer);
    this.drag = null;
    const [a, b] = this.touches.values();
    const distance = Math.max(20, Math.abs(a - b));
    if (this.spread) this.host.zoom(this.spread / distance);
    this.spread = distance;
    return true;
  }

  // A long touch adds or removes, as a double click does.
  _hold(event) {
    if (!this.drag || this.drag.moved) return;
    this._toggleAt(event);
    this.drag = null;
  }

  _moved(event) {
    if (this.touches.has(event.pointerId) && this._pinch(event)) return;
    const { drag } = this;
    if (!drag) return;
    const [right, down] = [event.offsetX - drag.x, event.offsetY - drag.y];
    if (!drag.moved && Math.hypot(right, down) < DRAG_PX) return;
    drag.moved = true;
    clearTimeout(drag.timer);
    if (drag.hit || drag.beat >= 0) return; // moved when it is let go
    if (drag.touch) this.host.seek(drag.position - right * drag.place.secondsPerPixel);
    else
      this.box = {
        left: Math.min(drag.x, event.offsetX),
        right: Math.max(drag.x, event.offsetX),
        top: Math.min(drag.y, event.offsetY),
        bottom: Math.max(drag.y, event.offsetY),
      };
    this.host.changed();
  }

  _up(event) {
    this.touches.delete(event.pointerId);
    this.spread = 0;
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    clearTimeout(drag.timer);
    if (drag.hit && drag.moved && event.type === "pointerup") this._drop(event, drag);
    else if (drag.beat >= 0 && drag.moved && event.type === "pointerup") {
      const time_s = this.score.beats[drag.beat].time_s + (event.offsetX - drag.x) * drag.place.secondsPerPixel;
      this.setBeats(grid.beatMoved(this.score.beats, drag.beat, time_s), "beat moved");
    } else if (this.box) {
      this._selectBox(drag.place, event.shiftKey);
      this.box = null;
    } else if (!drag.moved && !drag.hit && event.offsetX > drag.place.left) {
      this.score.select([]);
      this.host.seek(Math.max(0, drag.place.toTime(event.offsetX)));
    }
    this.host.changed();
  }

  // The selection moves with the hit that was dragged; Alt keeps it off the grid.
  _drop(event, { hit, x, y, place }) {
    const wanted = hit.time_s + (event.offsetX - x) * place.secondsPerPixel;
    const to = event.altKey ? wanted : grid.snap(this.score.beats, this.host.note(), wanted);
    const lanes = place.toRow(event.offsetY) - place.toRow(y);
    const keys = this.score.selection.has(hit.key) ? this._keys() : [hit.key];
    if (Math.abs(event.offsetX - x) >= DRAG_PX) this.score.move(keys, to - hit.time_s);
    if (lanes) this.score.changeLane(keys, lanes);
  }

  _selectBox(place, add) {
    const found = this.score.hits.filter((hit) => {
      const x = place.toX(hit.time_s);
      const y = place.top + (LANES.findIndex((lane) => lane.label === laneOf(hit.class)) + 0.5) * place.laneHeight;
      return x >= this.box.left && x <= this.box.right && y >= this.box.top && y <= this.box.bottom;
    });
    this.score.select([...(add ? this.score.selection : []), ...found.map((hit) => hit.key)]);
    this.host.say(`${this.score.selection.size} selected`);
  }

  _toggleAt(event) {
    const place = this._geometry();
    const lane = LANES[place.toRow(event.offsetY)];
    if (!lane || event.offsetX < place.left) return;
    const hit = this._hitAt(place, event);
    const time_s = place.toTime(event.offsetX);
    if (hit) this.score.remove([hit.key]);
    else this.add(event.altKey ? time_s : grid.snap(this.score.beats, this.host.note(), time_s), lane.label);
    this.host.changed();
  }

  _wheel(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) this.host.zoom(1.0015 ** event.deltaY);
    else this.host.seek(this.cursor + (event.deltaX + event.deltaY) * this._geometry().secondsPerPixel);
    this.host.changed();
  }
}
