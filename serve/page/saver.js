// Autosave: each change is kept in the browser at once, and on the server a moment later.

import * as api from "./api.js";

const WAIT_MS = 400;
const RETRY_MS = 4000;

export class Saver {
  constructor(job, score, onState) {
    this.job = job;
    this.score = score;
    this.onState = onState;
    this.version = 0;
    this.dirty = false;
    this.blocked = false;
    this.key = `drumline-edit-${job.id}`;
    score.addEventListener("change", () => this._changed());
  }

  // Changes that never reached the server: {base, hits, beats}, or null.
  unsaved() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  forget() {
    localStorage.removeItem(this.key);
  }

  // Keeps changes that are not taken now under a name of their own.
  setAside() {
    const data = localStorage.getItem(this.key);
    if (data) localStorage.setItem(`${this.key}-${Date.now()}`, data);
    this.forget();
  }

  _changed() {
    this.dirty = true;
    try {
      localStorage.setItem(this.key, JSON.stringify({ base: this.version, ...this.score.content() }));
    } catch {
      // Storage is full or off: the server's copy follows in a moment.
    }
    this.onState("changed");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), WAIT_MS);
  }

  async save() {
    if (this.saving || this.blocked || !this.dirty) return;
    this.saving = true;
    this.dirty = false;
    const content = { base: this.version, ...this.score.content() };
    this.onState("saving");
    try {
      const saved = await api.saveEdit(this.job, content);
      this.version = saved.version;
      if (!this.dirty) this.forget();
      this.onState(this.dirty ? "changed" : "saved", saved);
    } catch (error) {
      this.dirty = true;
      if (error.kind === "edit_conflict") {
        this.blocked = true;
        this.onState("conflict", error);
      } else {
        this.onState("unsaved", error);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.save(), RETRY_MS);
      }
    } finally {
      this.saving = false;
    }
    if (this.dirty && !this.blocked) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), WAIT_MS);
    }
  }

  // After a conflict: what is here becomes the version after the newest one, which stays in the history.
  async keepMine() {
    this.version = (await api.edit(this.job)).version;
    this.blocked = false;
    this.dirty = true;
    await this.save();
  }
}
