// Playback of the recording and a click per hit on one audio clock. Other speeds keep the pitch (`stretch.js`).

import { clicks, drumOf } from "./drums.js";

const AHEAD_S = 0.15;

export class Player {
  constructor() {
    this.buffer = null;
    this.hits = [];
    this.playing = false;
    this.speed = 1;
    this.offset = 0; // seconds of the recording at which playback started or is paused
    this.levels = { song: 0.8, click: 0.6 };
    this.loop = null; // {start, end} in seconds
    this.silent = new Set(); // drums without clicks
    this.buffers = new Map(); // by speed
    this.onStretching = () => {};
  }

  get duration() {
    return this.buffer ? this.buffer.duration : 0;
  }

  get position() {
    if (!this.playing) return this.offset;
    return Math.min(this.duration, this.offset + Math.max(0, this.context.currentTime - this.started) * this.speed);
  }

  async open(data) {
    this.pause();
    this._prepare();
    this.buffer = null;
    this.offset = 0;
    this.buffers.clear();
    this.speed = 1;
    this.loop = null;
    this.buffer = await this.context.decodeAudioData(data);
    this.buffers.set(1, this.buffer);
  }

  play() {
    if (!this.buffer || this.playing) return;
    this._prepare();
    this.context.resume();
    if (this.offset >= this.duration - 0.05) this.offset = 0;
    this.started = this.context.currentTime + 0.05;
    this.source = this.context.createBufferSource();
    this.source.buffer = this.buffers.get(this.speed);
    this.source.connect(this.song);
    this.source.start(this.started, this.offset / this.speed);
    this.playing = true;
    this.sounding = new Set();
    this.clicked = this.offset - 1e-3;
    this.timer = setInterval(() => this._schedule(), 40);
    this._schedule();
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.position;
    this.playing = false;
    clearInterval(this.timer);
    this.source.stop();
    for (const sound of this.sounding) sound.stop();
  }

  seek(seconds) {
    this._restart(() => (this.offset = Math.max(0, Math.min(this.duration, seconds))));
  }

  // The stretched recording is computed once for each speed, in a worker; until then the old speed goes on.
  async setSpeed(speed) {
    this.wantedSpeed = speed;
    if (!this.buffer) return;
    if (!this.buffers.has(speed)) {
      this.onStretching(true);
      const found = await this._stretched(speed);
      this.buffers.set(speed, found);
      if (this.wantedSpeed === speed) this.onStretching(false);
    }
    if (this.wantedSpeed === speed) this._restart(() => (this.speed = speed));
  }

  _stretched(speed) {
    this.worker ??= new Worker("/page/stretch.js", { type: "module" });
    const id = (this.lastId = (this.lastId ?? 0) + 1);
    const channels = Array.from({ length: this.buffer.numberOfChannels }, (_, index) => this.buffer.getChannelData(index).slice());
    const rate = this.buffer.sampleRate;
    return new Promise((resolve) => {
      const done = ({ data }) => {
        if (data.id !== id) return;
        this.worker.removeEventListener("message", done);
        const found = this.context.createBuffer(data.channels.length, data.channels[0].length, rate);
        data.channels.forEach((each, index) => found.copyToChannel(each, index));
        resolve(found);
      };
      this.worker.addEventListener("message", done);
      this.worker.postMessage({ id, channels, speed }, channels.map((each) => each.buffer));
    });
  }

  setLoop(loop) {
    this.loop = loop;
    if (loop && this.playing && (this.position < loop.start || this.position > loop.end)) this.seek(loop.start);
  }

  // The sound of one drum, heard at once.
  preview(label, velocity = 0.8) {
    this._prepare();
    this.context.resume();
    this._sound(label, velocity, this.context.currentTime);
  }

  setHits(hits) {
    this.hits = hits;
    if (!this.playing) return;
    for (const sound of this.sounding) sound.stop();
    this.clicked = this.position; // clicks after this position are scheduled again
  }

  setLevel(name, value) {
    this.levels[name] = value;
    if (this.context) this[name].gain.setTargetAtTime(value, this.context.currentTime, 0.01);
  }

  _restart(change) {
    const playing = this.playing;
    this.pause();
    change();
    if (playing) this.play();
  }

  _prepare() {
    if (this.context) return;
    this.context = new AudioContext({ sampleRate: 44100 });
    this.sounds = clicks(this.context);
    for (const name of ["song", "click"]) {
      this[name] = this.context.createGain();
      this[name].gain.value = this.levels[name];
      this[name].connect(this.context.destination);
    }
  }

  _schedule() {
    const position = this.position;
    if (this.loop && position >= this.loop.end) {
      this.seek(this.loop.start);
      return;
    }
    if (position >= this.duration) {
      this.pause();
      return;
    }
    const until = Math.min(position + AHEAD_S * this.speed, this.loop?.end ?? Infinity);
    for (const hit of this.hits) {
      if (hit.time_s <= this.clicked) continue;
      if (hit.time_s > until) break;
      if (this.silent.has(drumOf(hit.class))) continue;
      const sound = this._sound(hit.class, hit.velocity ?? 0.8, this.started + (hit.time_s - this.offset) / this.speed);
      sound.onended = () => this.sounding.delete(sound);
      this.sounding.add(sound);
    }
    this.clicked = until;
  }

  _sound(label, velocity, when) {
    const sound = this.context.createBufferSource();
    const level = this.context.createGain();
    sound.buffer = this.sounds[drumOf(label)] ?? this.sounds.snare;
    level.gain.value = 0.3 + 0.7 * velocity;
    sound.connect(level).connect(this.click);
    sound.start(when);
    return sound;
  }
}
