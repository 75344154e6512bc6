// Client of the public HTTP API.

const KEY = "drumline-key";

export class Problem extends Error {
  constructor(kind, title, detail) {
    super(detail ? `${title}: ${detail}` : title);
    this.kind = kind;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

function headers() {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function problemOf(text, status) {
  try {
    const body = JSON.parse(text);
    return new Problem(body.kind, body.title, body.detail);
  } catch {
    return new Problem("unexpected_error", `Unexpected response of the server (HTTP ${status})`, "");
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("unreachable", "The server cannot be reached", "check the connection and try again");
  }
  if (!answer.ok) throw problemOf(await answer.text(), answer.status);
  return answer;
}

export async function models() {
  return (await ask("/v1/models")).json();
}

// Only XMLHttpRequest reports upload progress.
export function send(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/transcriptions?async=true&name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () =>
      request.status === 202 ? resolve(JSON.parse(request.responseText)) : reject(problemOf(request.responseText, request.status));
    request.onerror = () => reject(new Problem("unreachable", "The server cannot be reached", "check the connection and try again"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

export async function finished(job, { onState, signal }) {
  for (;;) {
    let state;
    try {
      state = await (await ask(job.links.self, { signal })).json();
    } catch (error) {
      if (!["unreachable", "replica_lost", "busy", "not_ready", "storage_unavailable"].includes(error.kind)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2000)); // the job goes on without us
      continue;
    }
    onState(state);
    if (state.status === "done") return state;
    if (state.status === "failed") throw new Problem(state.problem.kind, state.problem.title, state.problem.detail);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

export async function state(id) {
  return (await ask(`/v1/transcriptions/${encodeURIComponent(id)}`)).json();
}

export async function audio(job) {
  return (await ask(`${job.links.self}/audio`)).arrayBuffer();
}

// A saved edit, the newest without a version.
export async function edit(job, version = 0) {
  return (await ask(`${job.links.self}/edit?version=${version}`)).json();
}

export async function saveEdit(job, content) {
  const body = JSON.stringify(content);
  return (await ask(`${job.links.self}/edit`, { method: "PUT", body, headers: { "Content-Type": "application/json" }, keepalive: body.length < 60_000 })).json();
}

export async function history(job) {
  return (await ask(`${job.links.self}/edits`)).json();
}

export async function cancel(job) {
  await ask(job.links.self, { method: "DELETE" });
}

export function resultPath(job, format, parameters) {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(parameters)) if (value !== "") query.set(name, value);
  return `${job.links.result}?${query}`;
}

export async function hits(job, parameters, signal) {
  return (await ask(resultPath(job, "json", parameters), { signal })).json();
}

export async function download(job, format, parameters) {
  const answer = await ask(resultPath(job, format, parameters));
  const name = decodeURIComponent(answer.headers.get("Content-Disposition").split("UTF-8''").pop());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
