// Playback of the recording and a click per hit on one audio clock. Lower speed lowers the pitch, as on tape.

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
    this.buffer = await this.context.decodeAudioData(data);
  }

  play() {
    if (!this.buffer || this.playing) return;
    this._prepare();
    this.context.resume();
    if (this.offset >= this.duration - 0.05) this.offset = 0;
    this.started = this.context.currentTime + 0.05;
    this.source = this.context.createBufferSource();
    this.source.buffer = this.buffer;
    this.source.playbackRate.value = this.speed;
    this.source.connect(this.song);
    this.source.start(this.started, this.offset);
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

  setSpeed(speed) {
    this._restart(() => (this.speed = speed));
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
    if (position >= this.duration) {
      this.pause();
      return;
    }
    const until = position + AHEAD_S * this.speed;
    for (const hit of this.hits) {
      if (hit.time_s <= this.clicked) continue;
      if (hit.time_s > until) break;
      const sound = this.context.createBufferSource();
      const level = this.context.createGain();
      sound.buffer = this.sounds[drumOf(hit.class)] ?? this.sounds.snare;
      level.gain.value = 0.3 + 0.7 * (hit.velocity ?? 0.8);
      sound.connect(level).connect(this.click);
      sound.start(this.started + (hit.time_s - this.offset) / this.speed);
      sound.onended = () => this.sounding.delete(sound);
      this.sounding.add(sound);
    }
    this.clicked = until;
  }
}
