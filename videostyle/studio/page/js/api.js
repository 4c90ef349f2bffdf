// Everything that is asked of the server: one function for each kind of question, and the stream of events.

/** A refusal of the server, as it says it: what, why, what to do. */
export class ApiError extends Error {
  constructor(status, body) {
    const { what = `the server answered ${status}`, why = "", hint = "", code = "", setting = null } = body?.error ?? {};
    super([what, why].filter(Boolean).join(": ") + (hint ? `; ${hint}` : ""));
    this.status = status;
    this.code = code;
    this.setting = setting;
  }

  /** Whether a newer request took this one's place: nobody needs to hear of it. */
  get overtaken() {
    return this.code === "overtaken";
  }
}

export const isAbort = (error) => error?.name === "AbortError" || error?.overtaken === true;

async function answered(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, body);
}

async function ask(path, { method = "GET", body, signal } = {}) {
  const options = { method, signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  try {
    return await answered(await fetch(path, options));
  } catch (error) {
    if (error instanceof ApiError || error.name === "AbortError") throw error;
    throw new ApiError(0, { error: { what: "the server does not answer", hint: "is `videostyle studio` still running?", code: "offline" } });
  }
}

const json = async (path, options) => (await ask(path, options)).json();
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)).toString();

export const config = () => json("/api/config");
export const styles = async () => (await json("/api/styles")).styles;
export const files = (folder, path = "") => json(`/api/files?${query({ folder, path })}`);
export const clip = (id, signal) => json(`/api/clip?${query({ id })}`, { signal });
export const shots = (id, signal) => json(`/api/shots?${query({ id })}`, { signal });
export const plan = (body) => json("/api/plan", { method: "POST", body });
export const command = (body, signal) => json("/api/command", { method: "POST", body, signal });
export const writeJob = (body) => json("/api/job/write", { method: "POST", body });
export const readJob = (body) => json("/api/job/read", { method: "POST", body });
export const jobs = () => json("/api/jobs");
export const addJob = (body) => json("/api/jobs", { method: "POST", body });
export const removeJob = (id) => json(`/api/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
export const tellJob = (id, verb) => json(`/api/jobs/${encodeURIComponent(id)}/${verb}`, { method: "POST", body: {} });
export const orderJobs = (ids) => json("/api/jobs/order", { method: "POST", body: { ids } });
export const pauseQueue = (paused) => json(`/api/jobs/${paused ? "pause" : "resume"}`, { method: "POST", body: {} });
export const live = () => json("/api/live");
export const startLive = (body) => json("/api/live", { method: "POST", body });
export const setLive = (body) => json("/api/live/set", { method: "POST", body });
export const stopLive = () => json("/api/live", { method: "DELETE" });

export const frameUrl = (id, frame, size, format = "jpeg") => `/api/frame?${query({ id, frame, size, format })}`;
export const mediaUrl = (id, download = false) => `/api/media?${query({ id, download: download ? 1 : undefined })}`;

/** A decoded frame of a file, as a Blob. */
export async function frame(id, number, size, { signal, view, sequence } = {}) {
  const url = `/api/frame?${query({ id, frame: number, size, format: "jpeg", view, sequence })}`;
  const response = await ask(url, { signal });
  return { picture: await response.blob(), frame: Number(response.headers.get("X-Frame") ?? number), time: Number(response.headers.get("X-Time") ?? NaN) };
}

/** A painted frame, as a Blob; `plan` says how near it is to what a render paints. */
export async function preview(body, signal) {
  const response = await ask("/api/preview", { method: "POST", body, signal });
  return { picture: await response.blob(), plan: response.headers.get("X-Plan") ?? "", milliseconds: Number(response.headers.get("X-Milliseconds") ?? 0) };
}

/** The frame in many styles: calls `each` with every line of the answer as it arrives. */
export async function grid(body, each, signal) {
  const response = await ask("/api/grid", { method: "POST", body, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.trim()) each(JSON.parse(line));
  }
}

/** A painted frame for one of the browser's camera. */
export async function liveFrame(jpeg, signal) {
  const response = await answered(await fetch("/api/live/frame", { method: "POST", body: jpeg, headers: { "Content-Type": "image/jpeg" }, signal }));
  return response.blob();
}

/** Sends a file to the studio's work folder; `progress` hears the share that has arrived, 0 to 1. */
export function upload(file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much of a request has been sent
    request.open("POST", `/api/uploads?${query({ name: file.name })}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(new ApiError(request.status, request.response)));
    request.onerror = () => reject(new ApiError(0, { error: { what: `cannot send '${file.name}'`, why: "the connection broke, or the file is too large", hint: "try again" } }));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/**
 * One question at a time, the newest wins: a new call ends the one before it, here by its signal, and at the server by
 * the sequence number of its view.
 */
export class Newest {
  constructor(view) {
    this.view = `${view}-${crypto.randomUUID?.().slice(0, 8) ?? Math.random().toString(36).slice(2, 10)}`; // tabs do not overtake each other
    this.sequence = 0;
    this.controller = null;
  }

  /** Calls `question(signal, {view, sequence})`; gives its answer, or undefined if a newer call has taken its place. */
  async ask(question) {
    this.stop();
    const controller = (this.controller = new AbortController());
    this.sequence += 1;
    try {
      const answer = await question(controller.signal, { view: this.view, sequence: this.sequence });
      return this.controller === controller ? answer : undefined;
    } catch (error) {
      if (isAbort(error) || this.controller !== controller) return undefined;
      throw error;
    } finally {
      if (this.controller === controller) this.controller = null;
    }
  }

  stop() {
    this.controller?.abort();
    this.controller = null;
  }

  get busy() {
    return this.controller !== null;
  }
}

/**
 * The server's events, as `listen(name, function)`. The connection is closed while the page cannot be seen, as a browser
 * keeps few of them for all tabs together, and opened again when it can; then the server sends the jobs anew.
 */
export class Events extends EventTarget {
  constructor(names) {
    super();
    this.names = names;
    this.source = null;
    this.connected = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    addEventListener("pagehide", () => this.close());
    this.open();
  }

  open() {
    if (this.source || document.hidden) return;
    this.source = new EventSource("/api/events");
    this.source.onopen = () => this.tell(true);
    this.source.onerror = () => {
      this.tell(false);
      if (this.source?.readyState === EventSource.CLOSED) {
        this.close();
        setTimeout(() => this.open(), 1500);
      }
    };
    for (const name of this.names) {
      this.source.addEventListener(name, (event) => this.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(event.data) })));
    }
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  tell(connected) {
    if (this.connected === connected) return;
    this.connected = connected;
    this.dispatchEvent(new CustomEvent("connection", { detail: connected }));
  }

  listen(name, action) {
    this.addEventListener(name, (event) => action(event.detail));
  }
}
