// Web app: upload a song, see and correct its hits on lanes, play them, download every format from the edited state.

import * as api from "./api.js";
import { DRUMS, drumOf } from "./drums.js";
import { Editor } from "./editor.js";
import { NOTES } from "./grid.js";
import { clock, drawOverview, drawPicture } from "./picture.js";
import { Player } from "./player.js";
import { Saver } from "./saver.js";
import { Score } from "./score.js";
import { monoOf, Spectrogram } from "./spectrum.js";

const DRUM_TITLES = { kick: "kick", snare: "snare", tom: "toms", hihat: "hi-hat", ride: "ride", crash: "crash" };
const CLOSEST_S = 0.05; // shortest stretch that is drawn
const $ = (id) => document.getElementById(id);

const player = new Player();
const song = { job: null, name: "", transcription: null, score: null, saver: null, mono: null, spectrogram: null, duration: 0 };
let shown_s = 8; // length of the stretch that is drawn
let note = 16; // of the grid; 0 is none
let working = null; // aborts the upload or the waiting
let decoding = null; // aborts the decoding that a newer one replaces
let stale = true;

const editor = new Editor($("picture"), {
  player,
  score: () => song.score,
  duration: () => song.duration,
  view,
  seek,
  note: () => note,
  setNote,
  zoom,
  save: () => song.saver?.save(),
  changed: () => (stale = true),
  say: (text) => ($("said").textContent = text),
  hasWave: () => Boolean(song.mono),
});

function show(id, visible) {
  $(id).hidden = !visible;
}

function showProblem(error) {
  if (error?.name === "AbortError") return;
  if (!(error instanceof api.Problem)) console.error(error);
  $("problem").textContent = error.message;
  show("problem", true);
  if (error.kind === "key_required") {
    show("key-field", true);
    $("key").focus();
  }
}

function begin(name) {
  working?.abort();
  const controller = (working = new AbortController());
  player.pause();
  show("problem", false);
  show("result", false);
  show("working", true);
  $("drop").classList.add("small");
  $("song").textContent = name;
  return controller;
}

async function transcribe(file) {
  await song.saver?.save(); // what was edited before
  const controller = begin(file.name);
  try {
    showStep("Uploading", 0);
    const job = await api.send(file, { onProgress: (share) => showStep("Uploading", share), signal: controller.signal });
    history.replaceState(null, "", `#${job.id}`);
    await follow(job, controller, () => file.arrayBuffer());
  } catch (error) {
    showProblem(error);
  } finally {
    if (working === controller) show("working", false);
  }
}

// A song by its id in the address: after a reload, or in another browser.
async function reopen(id) {
  const controller = begin("");
  try {
    showStep("Opening", 0);
    const job = await api.state(id);
    $("song").textContent = job.name;
    await follow(job, controller, () => api.audio(job));
  } catch (error) {
    if (error.kind === "not_found") history.replaceState(null, "", location.pathname);
    showProblem(error);
  } finally {
    if (working === controller) show("working", false);
  }
}

async function follow(job, controller, audio) {
  $("cancel").onclick = () => {
    controller.abort();
    history.replaceState(null, "", location.pathname);
    api.cancel(job).catch(showProblem);
  };
  const onState = (state) => showStep(state.status === "waiting" ? "Waiting" : `Transcribing ${Math.round(100 * state.progress)} %`, state.progress);
  const state = await api.finished(job, { onState, signal: controller.signal });
  showStep("Drawing", 1);
  await open(job, state, audio);
}

function showStep(step, share) {
  $("step").textContent = step;
  $("progress").value = share;
}

async function open(job, state, audio) {
  Object.assign(song, { job, name: state.name, duration: state.duration_s, mono: null, spectrogram: null });
  for (const [id, value] of [["sensitivity", 0], ["preset", ""], ["speed", 1]]) $(id).value = value;
  showControls();
  song.transcription = await api.hits(job, parameters());
  song.score = new Score(song.transcription.hits, beatsOf(song.transcription));
  song.score.addEventListener("change", onScore);
  song.score.addEventListener("selection", () => (stale = true));
  await openEdit(job, state.edit_version);
  try {
    await player.open(await audio());
    song.mono = monoOf(player.buffer);
    song.spectrogram = new Spectrogram(song.mono, player.buffer.sampleRate);
  } catch (error) {
    const cause = error instanceof api.Problem ? error.message : "this browser cannot play this kind of file";
    showProblem(new api.Problem("", "Hits are shown without waveform and playback", cause));
  }
  onScore();
  $("title").textContent = song.name;
  $("position").max = song.duration;
  $("play").disabled = !song.mono;
  show("result", true);
  $("title").focus();
}

function beatsOf(transcription) {
  return (transcription.tempo?.beats ?? []).map(([time_s, position]) => ({ time_s, position }));
}

// The saved edit, and what the browser kept of changes that did not reach the server.
async function openEdit(job, version) {
  song.saver = new Saver(job, song.score, showSaving);
  $("saved").textContent = "";
  show("conflict", false);
  const saved = version ? await api.edit(job, version) : null;
  const unsaved = song.saver.unsaved();
  if (saved) {
    song.saver.version = saved.version;
    load(saved);
    $("saved").textContent = `Version ${saved.version}`;
  }
  if (!unsaved) return;
  if (unsaved.base === song.saver.version) {
    load(unsaved);
    song.saver._changed();
  } else song.saver.setAside();
}

// A loaded content is where undo ends.
function load(content) {
  const fresh = new Score(content.hits, content.beats.length ? content.beats : song.score.beats);
  song.score.state = { ...fresh.state, beatsEdited: content.beats.length > 0 };
}

function showSaving(state, detail) {
  const words = { changed: "Not saved yet", saving: "Saving…", saved: `Saved (version ${detail?.version})`, unsaved: `Not saved: ${detail?.message}; kept in this browser, trying again` };
  if (state === "conflict") show("conflict", true);
  else $("saved").textContent = words[state];
}

function onScore() {
  player.setHits(song.score.hits);
  $("undo").disabled = !song.score.past.length;
  $("redo").disabled = !song.score.future.length;
  showSummary();
  stale = true;
}

function parameters() {
  return { sensitivity: Number($("sensitivity").value), preset: $("preset").value };
}

// Decodes anew. Before any edit the result is simply shown; afterwards it replaces the hits as a step to undo.
async function decode() {
  decoding?.abort();
  decoding = new AbortController();
  const transcription = await api.hits(song.job, parameters(), decoding.signal);
  song.transcription = transcription;
  if (isEdited()) song.score.replace(transcription.hits, []);
  else {
    song.score.state = new Score(transcription.hits, beatsOf(transcription)).state;
    onScore();
  }
}

function isEdited() {
  return song.score.past.length > 0 || song.saver.version > 0;
}

function showSummary() {
  const counts = Object.fromEntries(DRUMS.map((drum) => [drum, 0]));
  for (const hit of song.score.hits) counts[drumOf(hit.class)] = (counts[drumOf(hit.class)] ?? 0) + 1;
  const found = DRUMS.filter((drum) => counts[drum]).map((drum) => `${DRUM_TITLES[drum]} ${counts[drum]}`);
  const { model, version } = song.transcription.transcriber;
  $("summary").textContent =
    `${song.score.hits.length} hits in ${clock(song.duration, 0)}: ${found.join(", ") || "none"}. ${model} ${version}.`;
}

function showControls() {
  const sensitivity = Number($("sensitivity").value);
  $("sensitivity-value").textContent = (sensitivity > 0 ? "+" : "") + sensitivity.toFixed(1);
  $("speed-value").textContent = `${Math.round(100 * $("speed").value)} %`;
}

function view() {
  const length = Math.min(shown_s, song.duration);
  const start = Math.max(0, Math.min(song.duration - length, player.position - length / 3));
  return { start, end: start + length };
}

function draw() {
  requestAnimationFrame(draw);
  if ($("result").hidden || !(stale || player.playing)) return;
  stale = player.playing; // once more after the end
  const position = player.position;
  const { hits, beats, selection } = song.score;
  const rate = player.buffer?.sampleRate;
  const content = { ...song, rate, hits, beats, selection, note, lane: editor.lane, box: editor.box, loop: player.loop, position, view: view() };
  drawOverview($("overview"), content);
  drawPicture($("picture"), content);
  $("clock").textContent = clock(position, shown_s < 1 ? 3 : 1);
  if (document.activeElement !== $("position") || player.playing) $("position").value = position;
  $("position").setAttribute("aria-valuetext", clock(position, 1));
  $("play").textContent = player.playing ? "Pause" : "Play";
  $("loop").setAttribute("aria-pressed", String(Boolean(player.loop)));
}

function seek(seconds) {
  player.seek(Math.max(0, Math.min(song.duration, seconds)));
  stale = true;
}

function toggle() {
  if (player.playing) player.pause();
  else player.play();
  stale = true;
}

function zoom(factor) {
  shown_s = Math.max(CLOSEST_S, Math.min(Math.max(60, song.duration), shown_s * factor));
  stale = true;
}

function setNote(value) {
  note = value;
  $("note").value = value;
  stale = true;
}

function addFileHandlers() {
  const drop = $("drop");
  $("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) transcribe(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  for (const name of ["dragenter", "dragover"])
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) transcribe(file);
  });
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    api.setKey($("key").value);
    show("key-field", false);
    show("problem", false);
    showModels().catch(showProblem);
    if (location.hash.length > 1) reopen(location.hash.slice(1));
  });
  $("example").addEventListener("click", async () => {
    const answer = await fetch("/page/example.ogg");
    transcribe(new File([await answer.blob()], "example.ogg"));
  });
  $("cancel").onclick = () => working?.abort();
}

function addControlHandlers() {
  const edits = {
    undo: () => editor.travel("undo"),
    redo: () => editor.travel("redo"),
    add: () => editor.toggle(editor.lane),
    remove: () => editor.remove(),
    doubtful: () => editor.nextDoubtful(1),
    loop: () => (player.loop ? player.setLoop(null) : editor.loop()),
  };
  for (const [id, action] of Object.entries(edits))
    $(id).addEventListener("click", () => {
      action();
      stale = true;
    });
  $("beat-tools").addEventListener("click", (event) => {
    const { key } = event.target.dataset;
    if (key) editor.key({ key });
  });
  $("play").addEventListener("click", toggle);
  $("narrower").addEventListener("click", () => zoom(1 / 1.5));
  $("wider").addEventListener("click", () => zoom(1.5));
  $("position").addEventListener("input", (event) => seek(Number(event.target.value)));
  $("sensitivity").addEventListener("input", () => {
    showControls();
    if (!isEdited()) decode().catch(showProblem);
  });
  $("sensitivity").addEventListener("change", () => isEdited() && decode().catch(showProblem));
  $("preset").addEventListener("change", () => decode().catch(showProblem));
  $("speed").addEventListener("input", (event) => {
    showControls();
    player.setSpeed(Number(event.target.value));
  });
  player.onStretching = (on) => ($("said").textContent = on ? "Stretching the recording…" : "");
  for (const name of ["song", "click"])
    $(`${name}-level`).addEventListener("input", (event) => player.setLevel(name, Number(event.target.value)));
  $("note").append(...[0, ...NOTES].map((each) => new Option(each ? `1/${each}` : "free", each)));
  $("note").addEventListener("change", (event) => setNote(Number(event.target.value)));
  setNote(note);
  for (const drum of DRUMS) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    box.addEventListener("change", () => player.silent[box.checked ? "delete" : "add"](drum));
    label.append(box, DRUM_TITLES[drum]);
    $("heard").append(label);
  }
  $("overview").addEventListener("pointerdown", (event) => seek((event.offsetX / event.target.clientWidth) * song.duration));
  $("downloads").addEventListener("click", (event) => {
    const { format } = event.target.dataset;
    if (!format) return;
    event.preventDefault();
    save(format).catch(showProblem);
  });
  $("history").addEventListener("pointerdown", () => showHistory().catch(showProblem));
  $("history").addEventListener("focus", () => showHistory().catch(showProblem));
  $("history").addEventListener("change", (event) => takeVersion(Number(event.target.value)).catch(showProblem));
  $("keep-mine").addEventListener("click", () => song.saver.keepMine().then(() => show("conflict", false)).catch(showProblem));
  $("take-theirs").addEventListener("click", () => {
    song.saver.setAside();
    api.state(song.job.id).then((state) => openEdit(song.job, state.edit_version)).then(onScore).catch(showProblem);
  });
  $("delete").addEventListener("click", () => remove().catch(showProblem));
}

async function save(format) {
  await song.saver.save();
  await api.download(song.job, format, { ...parameters(), ...(song.saver.version ? { edited: true } : {}) });
}

async function showHistory() {
  const versions = await api.history(song.job);
  const chosen = $("history").value;
  const options = versions.map(({ version, saved, num_hits }) => new Option(`${version}: ${num_hits} hits, ${saved.slice(11, 19)}`, version));
  if ($("history").options.length !== options.length + 1) $("history").replaceChildren(new Option("saved versions", ""), ...options);
  $("history").value = chosen;
}

// An older version becomes the present content, as a step that can be undone.
async function takeVersion(version) {
  if (!version) return;
  const { hits, beats } = await api.edit(song.job, version);
  song.score.replace(hits, beats);
  $("history").value = "";
}

async function remove() {
  if (!confirm("Delete the recording and all edits of it from the server?")) return;
  player.pause();
  await api.cancel(song.job);
  song.saver.forget();
  song.saver.blocked = true;
  show("result", false);
  history.replaceState(null, "", location.pathname);
}

function addKeyHandlers() {
  document.addEventListener("keydown", (event) => {
    if ($("result").hidden) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
    // Space plays wherever the focus is; other keys are those of a button, a slider or a link that has it.
    if (event.key !== " " && !control && event.target.closest("input, button, a, summary") && ["Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    const actions = { " ": toggle, Home: () => seek(0), End: () => seek(song.duration), "+": () => zoom(1 / 1.5), "-": () => zoom(1.5) };
    const plain = !control && !event.altKey && actions[event.key];
    if (plain) plain();
    else if (!editor.key(event)) return;
    event.preventDefault();
    stale = true;
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && !$("result").hidden && event.target.closest("button, summary")) event.preventDefault();
  });
}

async function showModels() {
  const about = await api.models();
  const [model] = about.models;
  $("model").textContent = `${model.name} ${model.version} (${model.precision})`;
  $("preset").replaceChildren($("preset").options[0], ...model.presets.map((name) => new Option(name)));
  $("limits").textContent =
    `WAV, FLAC, Ogg, MP3, AIFF; up to ${about.limits.max_upload_mb} MB and ${Math.round(about.limits.max_duration_s / 60)} minutes`;
  const others = about.formats.filter(({ name }) => !["midi", "folder"].includes(name));
  $("formats").replaceChildren(
    ...others.map(({ name, title }) => {
      const link = Object.assign(document.createElement("a"), { className: "button", textContent: title, href: "#" });
      link.dataset.format = name;
      return link;
    }),
  );
}

for (const link of document.querySelectorAll("[data-format]")) link.href = "#";
window.addEventListener("resize", () => (stale = true));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (stale = true));
addFileHandlers();
addControlHandlers();
addKeyHandlers();
showControls();
showModels().catch(showProblem);
if (location.hash.length > 1) reopen(location.hash.slice(1));
draw();
