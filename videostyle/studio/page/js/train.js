// A style of one's own: drop a painting, watch it being learnt, stop when it is good enough.

import * as api from "./api.js";
import { lossChart } from "./chart.js";
import { commandLine } from "./command.js";
import { byId, debounced, el, fillRange, icon, iconButton, spokenTime, toast } from "./dom.js";
import { chooseFile } from "./files.js";

export class Train {
  constructor(store, jobs, { use }) {
    this.store = store;
    this.jobs = jobs;
    this.use = use; // paints in a style that was learnt
    this.painting = null; // entry of a file
    this.content = [];
    this.shown = null; // id of the job that is watched
    this.newest = new api.Newest("train");
    this.#build();
    jobs.addEventListener("change", () => this.#update());
    this.updateCommand = debounced(150, () => this.#command());
    this.#update();
  }

  #build() {
    this.picture = el("button", { type: "button", class: "painting-drop", onclick: () => this.choose() });
    this.name = el("input", { type: "text", id: "train-name", maxlength: "60", pattern: "[a-z0-9][a-z0-9\\-]*", spellcheck: "false", autocomplete: "off", placeholder: "sea", oninput: () => this.updateCommand() });
    this.steps = el("select", { id: "train-steps", onchange: () => this.updateCommand() },
      [["120", "a first look: 120 steps"], ["500", "short: 500 steps"], ["1400", "usual: 1400 steps"], ["3000", "long: 3000 steps"]].map(([value, text]) => el("option", { value, selected: value === "1400" }, text)));
    this.stroke = el("input", { type: "range", id: "train-stroke", min: "0.5", max: "2.5", step: "0.1", value: "1", oninput: () => this.#strokeText() });
    this.strokeOut = el("output", { for: "train-stroke" });
    this.network = el("select", { id: "train-network", onchange: () => this.updateCommand() }, [["small", "small: paints faster"], ["medium", "medium"], ["large", "large"]].map(([value, text]) => el("option", { value, selected: value === "medium" }, text)));
    this.begins = el("select", { id: "train-start", onchange: () => this.updateCommand() });
    this.store.on("styles", () => this.#offer());
    this.#offer();
    this.contentList = el("div", { class: "content-list" });
    this.start = el("button", { type: "button", class: "button primary", onclick: () => this.begin(), disabled: true }, "Learn this painting");
    this.line = commandLine();
    const field = (label, id, ...inputs) => el("div", { class: "field" }, el("label", { for: id }, label), ...inputs);
    const form = el("div", { class: "train-form" },
      el("h1", { id: "train-title" }, "Make a style"),
      el("p", { class: "muted" }, "From any picture: a painting, a print, a photo of a wall. Learning takes minutes; the rest of the page goes on."),
      this.picture, field("Name", "train-name", this.name), field("How long", "train-steps", this.steps),
      field("Strokes", "train-stroke", el("div", { class: "row" }, this.stroke, this.strokeOut)), field("Network", "train-network", this.network), field("Begin with", "train-start", this.begins),
      el("div", { class: "field" }, el("span", { class: "label" }, "Learn on these clips and photos as well"), this.contentList,
        el("button", { type: "button", class: "button small quiet", onclick: () => this.addContent() }, icon("plus"), "Add")),
      this.start, el("div", { class: "train-command" }, ...this.line.parts));
    this.progress = el("div", { class: "train-progress" });
    byId("view-train").append(form, this.progress);
    this.#strokeText();
    this.#showPainting();
  }

  #offer() {
    const chosen = this.begins.value || "nearest";
    const choices = [["nearest", "the bundled style that is nearest"], ["base", "no style: takes longer"], ...this.store.styles.map((style) => [style.name, style.painting || style.name])];
    this.begins.replaceChildren(...choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  }

  #strokeText() {
    this.strokeOut.textContent = `${this.stroke.value}×`;
    this.stroke.setAttribute("aria-valuetext", `${this.stroke.value} times as large`);
    fillRange(this.stroke);
    this.updateCommand?.();
  }

  async choose() {
    const entry = await chooseFile(this.store, "Choose a painting", ["picture"]);
    if (entry) this.take(entry);
  }

  /** Takes a picture, as when it is dropped. */
  take(entry) {
    if (entry.kind !== "picture") {
      toast("A painting is a picture: drop a .jpg, .png or .webp.", "error");
      return;
    }
    this.painting = entry;
    const stem = entry.name.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
    if (!this.name.value) this.name.value = stem || "mine";
    this.#showPainting();
    this.updateCommand();
  }

  #showPainting() {
    this.start.disabled = !this.painting;
    this.picture.setAttribute("aria-label", this.painting ? `Painting: ${this.painting.name}. Choose another` : "Choose a painting");
    if (this.painting) this.picture.replaceChildren(el("img", { alt: "", src: api.frameUrl(this.painting.id, 0, 640) }));
    else this.picture.replaceChildren(icon("picture"), el("strong", {}, "Drop a painting here"), el("span", { class: "muted small" }, "or click to choose one"));
  }

  async addContent() {
    const entry = await chooseFile(this.store, "Learn on this clip or photo", ["video", "picture"]);
    if (!entry || this.content.some((one) => one.id === entry.id)) return;
    this.content.push(entry);
    this.#showContent();
  }

  #showContent() {
    this.contentList.replaceChildren(...this.content.map((entry) => el("span", { class: "chip" }, entry.name, iconButton("close", `Without ${entry.name}`, () => {
      this.content = this.content.filter((one) => one !== entry);
      this.#showContent();
    }, { class: "icon-button small" }))));
    this.updateCommand();
  }

  #body() {
    const body = { kind: "train", id: this.painting.id, steps: Number(this.steps.value), stroke: Number(this.stroke.value), network: this.network.value };
    if (this.begins.value !== "nearest") body.start = this.begins.value;
    if (this.name.value) body.name = this.name.value;
    if (this.content.length) body.content = this.content.map((entry) => entry.id);
    return body;
  }

  async #command() {
    if (!this.painting) {
      this.line.show("videostyle train painting.jpg -o mine");
      return;
    }
    try {
      const answer = await this.newest.ask((signal) => api.command(this.#body(), signal));
      if (answer) this.line.show(answer.command);
    } catch (error) {
      this.line.show("");
      console.warn(error.message);
    }
  }

  async begin() {
    if (!this.name.reportValidity()) return;
    const job = await this.jobs.tell(() => api.addJob(this.#body()));
    if (!job) return;
    this.shown = job.id;
    this.#update();
  }

  #update() {
    const trainings = this.jobs.list.filter((job) => job.kind === "train");
    const job = this.jobs.get(this.shown) ?? trainings.find((one) => ["running", "waiting", "paused"].includes(one.state)) ?? trainings.at(-1);
    if (!job) {
      this.line.code.textContent === "videostyle" && this.#command();
      this.progress.replaceChildren(el("div", { class: "none" }, el("p", {}, "Here the painting grows: a scene, painted again and again while the style is learnt.")));
      return;
    }
    if (this.watched !== job.id) {
      this.watched = job.id;
      this.parts = {
        title: el("h2", { class: "large" }), state: el("p", { class: "muted", role: "status" }), bar: el("progress", { max: 1, "aria-label": "Progress of the training" }),
        look: el("img", { class: "train-look", alt: "A scene, the painting, and the scene painted in it" }), strip: el("div", { class: "strip", role: "list", "aria-label": "Earlier previews", tabindex: "0" }),
        chart: el("div", {}), buttons: el("div", { class: "row" }), trouble: el("p", { class: "trouble" }), count: 0, steps: -1, was: "",
      };
      const { title, state, bar, look, strip, chart, buttons, trouble } = this.parts;
      this.progress.replaceChildren(title, state, bar, trouble, buttons, look, strip, chart);
    }
    this.#fill(job);
  }

  #fill(job) {
    const { parts } = this;
    parts.title.textContent = job.title;
    const facts = [job.state === "running" && job.phase ? job.phase : job.state];
    if (job.total) facts.push(`${job.done} of ${job.total} steps`);
    if (job.state === "running" && job.seconds_left) facts.push(`about ${spokenTime(job.seconds_left)} left`);
    if (job.state === "waiting") facts.push("one job at a time on this machine");
    parts.state.textContent = facts.join(" · ");
    parts.bar.hidden = job.state !== "running";
    if (job.total) parts.bar.value = job.done / job.total;
    else parts.bar.removeAttribute("value");
    parts.trouble.hidden = !job.error;
    parts.trouble.textContent = job.error ? [job.error.what, job.error.why, job.error.hint].filter(Boolean).join("; ") : "";
    if (parts.was !== job.state) {
      parts.was = job.state;
      const tell = (verb) => () => this.jobs.tell(() => api.tellJob(job.id, verb));
      const button = (text, action, kind = "") => el("button", { type: "button", class: `button ${kind}`, onclick: action }, text);
      const made = [];
      if (job.state === "running") made.push(button("Stop early and keep it", tell("stop"), "primary"));
      if (["running", "waiting"].includes(job.state)) made.push(button("Cancel", tell("cancel")));
      if (job.state === "done") made.push(button("Paint with it", () => this.use(job.train?.style), "primary"));
      if (["failed", "cancelled"].includes(job.state)) made.push(button("Retry", tell("retry")));
      parts.buttons.replaceChildren(...made);
    }
    const strip = job.train?.strip ?? [];
    parts.look.hidden = !strip.length && !job.train?.preview;
    const newest = strip.at(-1) ?? job.train?.preview;
    if (newest && parts.look.getAttribute("src") !== newest) parts.look.src = newest;
    for (const url of strip.slice(parts.count)) {
      const show = () => (parts.look.src = url);
      parts.strip.append(el("div", { role: "listitem" }, el("button", { type: "button", class: "strip-cell", "aria-label": `Preview ${parts.count + 1}`, onclick: show }, el("img", { alt: "", src: url, loading: "lazy" }))));
      parts.count += 1;
      parts.strip.scrollLeft = parts.strip.scrollWidth;
    }
    parts.strip.hidden = strip.length < 2;
    const losses = job.train?.losses ?? [];
    if (losses.length !== parts.steps) {
      parts.steps = losses.length;
      parts.chart.replaceChildren(lossChart(losses, job.total));
    }
  }
}
