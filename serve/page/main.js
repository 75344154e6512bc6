// Web app: upload a song, show its hits on lanes, play them with clicks, re-decode as the slider moves.

import * as api from "./api.js";
import { DRUMS, drumOf } from "./drums.js";
import { clock, drawOverview, drawPicture, labelWidth } from "./picture.js";
import { Player } from "./player.js";
import { monoOf, Spectrogram } from "./spectrum.js";

const DRUM_TITLES = { kick: "kick", snare: "snare", tom: "toms", hihat: "hi-hat", ride: "ride", crash: "crash" };
const $ = (id) => document.getElementById(id);

const player = new Player();
const song = { file: null, job: null, transcription: null, mono: null, spectrogram: null };
let shown_s = 8; // length of the stretch that is drawn
let working = null; // aborts the upload or the waiting
let decoding = null; // aborts the decoding that a newer one replaces
let stale = true;

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

async function transcribe(file) {
  working?.abort();
  const controller = (working = new AbortController());
  player.pause();
  show("problem", false);
  show("result", false);
  show("working", true);
  $("drop").classList.add("small");
  $("song").textContent = file.name;
  song.file = file;
  let job = null;
  try {
    showStep("Uploading", 0);
    job = await api.send(file, { onProgress: (share) => showStep("Uploading", share), signal: controller.signal });
    $("cancel").onclick = () => {
      controller.abort();
      api.cancel(job).catch(showProblem);
    };
    const onState = (state) => showStep(state.status === "waiting" ? "Waiting" : "Transcribing", state.progress);
    const state = await api.finished(job, { onState, signal: controller.signal });
    showStep("Drawing", 1);
    await open(file, job, state);
  } catch (error) {
    showProblem(error);
  } finally {
    if (working === controller) show("working", false);
  }
}

function showStep(step, share) {
  $("step").textContent = step;
  $("progress").value = share;
}

async function open(file, job, state) {
  song.job = job;
  song.duration = state.duration_s;
  song.mono = song.spectrogram = null;
  for (const [id, value] of [["sensitivity", 0], ["preset", ""]]) $(id).value = value;
  showControls();
  await decode();
  try {
    await player.open(await file.arrayBuffer());
    song.mono = monoOf(player.buffer);
    song.spectrogram = new Spectrogram(song.mono, player.buffer.sampleRate);
  } catch {
    showProblem(new api.Problem("", "This browser cannot play this kind of file", "hits are shown without waveform and playback"));
  }
  player.setHits(song.transcription.hits);
  $("title").textContent = file.name;
  $("position").max = song.duration;
  $("play").disabled = !song.mono;
  show("result", true);
  $("title").focus();
  stale = true;
}

function parameters() {
  return { sensitivity: Number($("sensitivity").value), preset: $("preset").value };
}

async function decode() {
  decoding?.abort();
  decoding = new AbortController();
  const started = performance.now();
  song.transcription = await api.hits(song.job, parameters(), decoding.signal);
  player.setHits(song.transcription.hits);
  showSummary(performance.now() - started);
  stale = true;
}

function showSummary(milliseconds) {
  const counts = Object.fromEntries(DRUMS.map((drum) => [drum, 0]));
  for (const hit of song.transcription.hits) counts[drumOf(hit.class)] = (counts[drumOf(hit.class)] ?? 0) + 1;
  const found = DRUMS.filter((drum) => counts[drum]).map((drum) => `${DRUM_TITLES[drum]} ${counts[drum]}`);
  const { model, version } = song.transcription.transcriber;
  $("summary").textContent =
    `${song.transcription.hits.length} hits in ${clock(song.duration, 0)}: ${found.join(", ") || "none"}. ` +
    `${model} ${version}, decoded in ${Math.round(milliseconds)} ms.`;
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
  const rate = player.buffer?.sampleRate;
  const content = { ...song, rate, hits: song.transcription.hits, position, view: view() };
  drawOverview($("overview"), content);
  drawPicture($("picture"), content);
  $("clock").textContent = clock(position, 1);
  if (document.activeElement !== $("position") || player.playing) $("position").value = position;
  $("position").setAttribute("aria-valuetext", clock(position, 1));
  $("play").textContent = player.playing ? "Pause" : "Play";
}

function seek(seconds) {
  player.seek(seconds);
  stale = true;
}

function toggle() {
  if (player.playing) player.pause();
  else player.play();
  stale = true;
}

function zoom(factor) {
  shown_s = Math.max(1, Math.min(60, shown_s * factor));
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
    showModels();
    if (song.file) transcribe(song.file);
  });
  $("cancel").onclick = () => working?.abort();
}

function addControlHandlers() {
  $("play").addEventListener("click", toggle);
  $("narrower").addEventListener("click", () => zoom(1 / 1.5));
  $("wider").addEventListener("click", () => zoom(1.5));
  $("position").addEventListener("input", (event) => seek(Number(event.target.value)));
  $("sensitivity").addEventListener("input", () => {
    showControls();
    decode().catch(showProblem);
  });
  $("preset").addEventListener("change", () => decode().catch(showProblem));
  $("speed").addEventListener("input", (event) => {
    player.setSpeed(Number(event.target.value));
    showControls();
  });
  for (const name of ["song", "click"])
    $(`${name}-level`).addEventListener("input", (event) => player.setLevel(name, Number(event.target.value)));
  $("overview").addEventListener("pointerdown", (event) => seek((event.offsetX / event.target.clientWidth) * song.duration));
  $("downloads").addEventListener("click", (event) => {
    const { format } = event.target.dataset;
    if (!format) return;
    event.preventDefault();
    api.download(song.job, format, parameters()).catch(showProblem);
  });
  addDragHandlers($("picture"));
  document.addEventListener("keydown", (event) => {
    if ($("result").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select") || (event.key === " " && event.target.closest("button, a, summary"))) return;
    const actions = {
      " ": toggle,
      ArrowLeft: () => seek(player.position - (event.shiftKey ? 5 : 1)),
      ArrowRight: () => seek(player.position + (event.shiftKey ? 5 : 1)),
      Home: () => seek(0),
      "+": () => zoom(1 / 1.5),
      "-": () => zoom(1.5),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
}

function addDragHandlers(picture) {
  let from = null;
  picture.addEventListener("pointerdown", (event) => {
    from = { x: event.offsetX, position: player.position };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    if (!from) return;
    const width = picture.clientWidth - labelWidth(picture.clientWidth);
    seek(from.position - ((event.offsetX - from.x) / width) * Math.min(shown_s, song.duration));
  });
  for (const name of ["pointerup", "pointercancel"]) picture.addEventListener(name, () => (from = null));
}

async function showModels() {
  const about = await api.models();
  const [model] = about.models;
  $("model").textContent = `${model.name} ${model.version} (${model.precision})`;
  $("preset").append(...model.presets.map((name) => new Option(name)));
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
showControls();
showModels().catch(showProblem);
draw();
