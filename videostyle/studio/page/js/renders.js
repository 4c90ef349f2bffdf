// The queue: what is rendered, what waits, and each result beside its original.

import * as api from "./api.js";
import { announce, byId, clockTime, copyText, el, iconButton, spokenTime } from "./dom.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { makeTransport } from "./transport.js";

const STATES = { waiting: "waiting", running: "running", paused: "paused", done: "done", failed: "failed", cancelled: "cancelled" };
const KINDS = { render: "Render", train: "Training", evaluate: "Report" };
const COMPARED = 1280; // longest side at which a result is looked at

export class Renders {
  constructor(store, jobs, openView) {
    this.store = store;
    this.jobs = jobs;
    this.openView = openView;
    this.rows = new Map();
    this.dragged = null;
    this.pauseAll = el("button", { type: "button", class: "button small", onclick: () => jobs.tell(() => api.pauseQueue(!jobs.paused)) }, "Pause the queue");
    this.list = el("ol", { class: "job-list", "aria-label": "Queue" });
    this.none = el("div", { class: "none" }, el("p", {}, "Nothing has been rendered yet."), el("a", { class: "button primary", href: "#look" }, "Choose a look"));
    this.viewer = el("div", { class: "viewer" });
    this.stageRoot = el("div", { class: "stage" });
    this.bar = el("div", { class: "transport", role: "group", "aria-label": "Playing the result" });
    this.caption = el("div", { class: "viewer-caption" });
    this.viewer.append(this.stageRoot, this.bar, this.caption);
    byId("view-renders").append(
      el("div", { class: "queue" }, el("div", { class: "panel-head" }, el("h1", { id: "renders-title" }, "Renders"), this.pauseAll),
        el("p", { class: "muted small" }, "One at a time on this machine; the rest waits. Previews go on."), this.none, this.list), this.viewer);
    this.stage = new Stage(this.stageRoot, ["Original", "Painted"]);
    this.player = new Player(this.stage, "result");
    this.transport = makeTransport(this.bar, this.player, { go: (frame) => this.player.show(frame) });
    this.player.addEventListener("busy", ({ detail }) => this.stage.say(detail ? "reading" : "", true));
    this.player.addEventListener("failed", ({ detail }) => this.stage.say(detail.message));
    this.viewer.hidden = true;
    jobs.addEventListener("change", () => this.#update());
    this.#update();
  }

  #update() {
    const { jobs } = this;
    const badge = byId("queue-badge");
    badge.hidden = jobs.active.length === 0;
    badge.textContent = String(jobs.active.length);
    badge.setAttribute("aria-label", `${jobs.active.length} in the queue`);
    this.pauseAll.textContent = jobs.paused ? "Resume the queue" : "Pause the queue";
    this.pauseAll.hidden = !jobs.active.length && !jobs.paused;
    this.none.hidden = jobs.list.length > 0;
    const shown = [...jobs.active, ...jobs.list.filter((job) => !jobs.active.includes(job)).sort((a, b) => (b.finished ?? 0) - (a.finished ?? 0))];
    const ids = new Set(shown.map((job) => job.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.root.remove();
      this.rows.delete(id);
    }
    shown.forEach((job, place) => {
      let row = this.rows.get(job.id);
      if (!row) {
        row = this.#row(job);
        this.rows.set(job.id, row);
      }
      if (this.list.children[place] !== row.root) this.list.insertBefore(row.root, this.list.children[place] ?? null);
      this.#fill(row, job);
    });
    if (this.shown && !ids.has(this.shown)) this.close();
  }

  #row(job) {
    const row = {
      picture: el("img", { class: "job-picture", alt: "", loading: "lazy", src: api.frameUrl(job.input, 0, 160), onerror: (event) => event.target.classList.add("gone") }),
      title: el("h3", {}), state: el("span", { class: "state" }), bar: el("progress", { max: 1 }), facts: el("p", { class: "muted small facts" }),
      trouble: el("p", { class: "trouble small" }), buttons: el("div", { class: "job-buttons" }), was: "",
    };
    row.root = el("li", { class: "job", "data-job": job.id },
      row.picture, el("div", { class: "job-body" }, el("div", { class: "job-title" }, row.title, row.state), row.bar, row.facts, row.trouble, row.buttons));
    row.root.addEventListener("dragstart", () => (this.dragged = job.id));
    row.root.addEventListener("dragend", () => (this.dragged = null));
    row.root.addEventListener("dragover", (event) => this.dragged && event.preventDefault());
    row.root.addEventListener("drop", (event) => {
      if (!this.dragged) return;
      event.preventDefault();
      this.#place(this.dragged, job.id);
    });
    return row;
  }

  #fill(row, job) {
    row.title.textContent = job.title;
    row.title.title = job.title;
    row.state.textContent = job.state === "running" && job.phase ? job.phase : STATES[job.state];
    row.state.className = `state state-${job.state}`;
    const share = job.total ? job.done / job.total : null;
    row.bar.hidden = !["running", "paused"].includes(job.state);
    row.bar.setAttribute("aria-label", `Progress of ${job.title}`);
    if (share === null) row.bar.removeAttribute("value");
    else row.bar.value = share;
    const unit = job.kind === "train" ? "steps" : "frames";
    const facts = [];
    if (job.state === "running" && share !== null) facts.push(`${Math.round(share * 100)} %, ${job.done} of ${job.total} ${unit}`);
    if (job.state === "running" && job.seconds_left) facts.push(`about ${spokenTime(job.seconds_left)} left`);
    if (job.state === "running" && job.rate) facts.push(`${job.rate.toFixed(1)} ${unit}/s`);
    if (job.state === "paused" && share !== null) facts.push(`stopped at ${Math.round(share * 100)} %`);
    if (job.state === "done") facts.push(`${spokenTime(job.seconds)}${job.resumed ? `, ${job.resumed} frames were there already` : ""}`);
    row.facts.textContent = facts.join(" · ");
    const trouble = job.error ? [job.error.what, job.error.why].filter(Boolean).join(": ") + (job.error.hint ? `; ${job.error.hint}` : "") : job.warnings.join("; ");
    row.trouble.textContent = trouble;
    row.trouble.hidden = !trouble;
    row.root.classList.toggle("shown", this.shown === job.id);
    const waiting = job.state === "waiting" || job.state === "paused";
    row.root.draggable = waiting;
    const looks = [job.state, job.report, job.result, this.shown === job.id, job.report_job && this.jobs.get(job.report_job)?.state].join();
    if (looks === row.was) return; // buttons keep the focus while progress runs
    row.was = looks;
    const focused = row.buttons.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    row.buttons.replaceChildren(...this.#buttons(job, waiting));
    if (focused) (row.buttons.querySelector(`[aria-label="${CSS.escape(focused)}"]`) ?? row.buttons.querySelector("button"))?.focus();
  }

  #buttons(job, waiting) {
    const tell = (verb) => () => this.jobs.tell(() => api.tellJob(job.id, verb));
    const button = (text, action, kind = "") => el("button", { type: "button", class: `button small ${kind}`, "aria-label": `${text}: ${job.title}`, onclick: action }, text);
    const made = [];
    if (job.state === "done" && job.kind === "render") {
      made.push(button("Compare", () => this.show(job), "primary"));
      made.push(el("a", { class: "button small", href: api.mediaUrl(job.output, true), "aria-label": `Download: ${job.title}` }, "Download"));
      const report = job.report_job && this.jobs.get(job.report_job);
      if (job.report) made.push(el("a", { class: "button small", href: job.report, target: "_blank", rel: "noopener", "aria-label": `Report: ${job.title}` }, "Report"));
      else if (!report || ["failed", "cancelled"].includes(report.state)) made.push(button("Measure", () => this.jobs.tell(() => api.addJob({ kind: "evaluate", job: job.id }))));
    }
    if (job.state === "done" && job.kind === "evaluate" && job.report) made.push(el("a", { class: "button small primary", href: job.report, target: "_blank", rel: "noopener", "aria-label": `Report: ${job.title}` }, "Open the report"));
    if (job.kind === "train" && job.state !== "cancelled") made.push(button("Look at it", () => this.openView("train")));
    if (job.state === "running" && job.kind === "render") made.push(button("Pause", tell("pause")));
    if (job.state === "running" && job.kind === "train") made.push(button("Stop and keep", tell("stop")));
    if (job.state === "paused") made.push(button("Resume", tell("resume"), "primary"));
    if (["failed", "cancelled"].includes(job.state)) made.push(button("Retry", tell("retry")));
    if (["waiting", "running", "paused"].includes(job.state)) made.push(button("Cancel", tell("cancel")));
    if (waiting) made.push(iconButton("up", `Sooner: ${job.title}`, () => this.#shift(job.id, -1)), iconButton("down", `Later: ${job.title}`, () => this.#shift(job.id, 1)));
    made.push(iconButton("copy", `Copy the command: ${job.title}`, () => copyText(job.command)));
    if (["done", "failed", "cancelled"].includes(job.state)) made.push(iconButton("trash", `Take off the list: ${job.title}`, () => this.jobs.tell(() => api.removeJob(job.id))));
    return made;
  }

  get #waiting() {
    return this.jobs.active.filter((job) => job.state !== "running").map((job) => job.id);
  }

  #shift(id, by) {
    const ids = this.#waiting;
    const from = ids.indexOf(id);
    const to = from + by;
    if (to < 0 || to >= ids.length) return;
    [ids[from], ids[to]] = [ids[to], ids[from]];
    announce(`Now number ${to + 1} of those that wait`);
    this.jobs.tell(() => api.orderJobs(ids));
  }

  #place(id, before) {
    const ids = this.#waiting;
    const from = ids.indexOf(id);
    const to = ids.indexOf(before);
    if (from < 0 || to < 0 || from === to) return;
    ids.splice(from, 1);
    ids.splice(to, 0, id);
    this.jobs.tell(() => api.orderJobs(ids));
  }

  /** Shows a result beside its original, under the same slider. */
  async show(job) {
    try {
      const [before, after] = await Promise.all([api.clip(job.input), api.clip(job.output)]);
      const frames = Math.max(1, Math.min(before.still ? 1 : before.frames, after.still ? 1 : after.frames));
      const scale = Math.min(1, COMPARED / Math.max(after.width, after.height));
      this.shown = job.id;
      this.viewer.hidden = false;
      byId("view-renders").classList.add("viewing");
      this.player.open({
        frames, fps: before.fps || 25, beforeKey: `${job.input}|${job.id}`, key: job.output, size: [Math.round(after.width * scale), Math.round(after.height * scale)],
        before: (frame, signal) => api.frame(job.input, frame, COMPARED, { signal }),
        after: (frame, signal) => api.frame(job.output, frame, COMPARED, { signal }),
      }, Math.min(this.player.frame, frames - 1));
      this.transport.update();
      this.caption.replaceChildren(el("h2", {}, job.title), el("span", { class: "muted small" }, `${after.width} × ${after.height}, ${frames > 1 ? clockTime(frames / (before.fps || 25)) : "still"}`), iconButton("close", "Close the result", () => this.close()));
      this.#update();
      this.stage.line.focus({ preventScroll: true });
      this.viewer.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.jobs.tell(() => Promise.reject(error));
    }
  }

  close() {
    this.shown = null;
    this.player.pause();
    this.viewer.hidden = true;
    byId("view-renders").classList.remove("viewing");
    this.#update();
  }
}
