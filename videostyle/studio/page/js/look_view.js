// The view in which a clip is looked at: brings the store's clip, frame and look onto the stage.

import * as api from "./api.js";
import { announce, byId, debounced, el, toast } from "./dom.js";
import { toSettings } from "./look.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { makeTransport } from "./transport.js";

const SIZES = [640, 960, 1280, 1920]; // longest side of what is painted to be looked at
const SIZE_KEY = "videostyle-preview-size";

export class LookView {
  constructor(store) {
    this.store = store;
    this.stage = new Stage(byId("stage"));
    this.player = new Player(this.stage, "look");
    this.size = Number(localStorage.getItem(SIZE_KEY)) || SIZES[0];
    this.sizes = el("select", { "aria-label": "Size of the preview", title: "Longest side of what is painted here; strokes look larger in small previews", onchange: () => {
      this.size = Number(this.sizes.value);
      localStorage.setItem(SIZE_KEY, String(this.size));
      this.repaint();
    } });
    this.transport = makeTransport(byId("transport"), this.player, { go: (frame) => this.go(frame), extra: [this.sizes] });
    this.chip = el("div", { class: "plan-chip", hidden: true });
    this.stage.root.append(this.chip);
    store.on("clip", () => this.#open());
    store.on("look", () => this.repaint());
    this.player.addEventListener("frame", () => {
      if (store.frame !== this.player.frame) store.set({ frame: this.player.frame });
    });
    this.player.addEventListener("playing", () => store.set({ playing: this.player.playing }));
    this.player.addEventListener("busy", ({ detail }) => this.stage.say(detail ? "painting" : "", true));
    this.player.addEventListener("state", ({ detail }) => (this.stage.root.dataset.state = detail)); // "painting", "quick" or "painted"
    this.player.addEventListener("failed", ({ detail }) => this.#failed(detail));
    this.player.addEventListener("painted", ({ detail }) => this.#planned(detail.plan));
    this.player.addEventListener("shown", () => {
      this.told ||= debounced(600, () => announce(`Painted: frame ${store.frame}, ${store.titleOf(store.look.style)}`));
      this.told();
    });
    this.repaintSoon = debounced(40, () => this.#repaint());
  }

  go(frame) {
    if (!this.store.clip) return;
    this.player.show(Math.min(this.store.frames - 1, Math.max(0, Math.round(frame))), true);
  }

  /** Paints the frame as the look is now, a moment later, so that a slider that is dragged asks for less. */
  repaint() {
    if (!this.store.clip || !this.store.look.style || this.#source().key === this.player.source?.key) return;
    this.stage.root.dataset.state = "painting";
    this.repaintSoon();
  }

  #source() {
    const { clip, look, fps, frames } = this.store;
    const settings = toSettings(look, fps);
    const { id } = clip;
    const size = this.size;
    const scale = Math.min(1, size / Math.max(clip.width, clip.height));
    return {
      frames, fps,
      beforeKey: `${id}|${size}`,
      key: `${id}|${size}|${JSON.stringify(settings)}`,
      settings,
      size: [Math.round(clip.width * scale), Math.round(clip.height * scale)],
      before: (frame, signal) => api.frame(id, frame, size, { signal }),
      after: (frame, signal, order, quick) => api.preview({ id, frame, size, format: "jpeg", settings, quick, ...order }, signal),
    };
  }

  #open() {
    const { clip } = this.store;
    byId("welcome").hidden = clip !== null;
    byId("view-look").classList.toggle("empty", clip === null);
    this.chip.hidden = true;
    if (!clip) {
      this.player.open(null);
      this.transport.update();
      return;
    }
    const longest = Math.max(clip.width, clip.height);
    const fitting = SIZES.filter((size) => size < longest);
    if (longest <= SIZES.at(-1)) fitting.push(longest);
    this.sizes.replaceChildren(...fitting.map((size) => el("option", { value: String(size) }, size === longest ? `${size} px, full` : `${size} px`)));
    this.size = fitting.filter((size) => size <= this.size).at(-1) ?? fitting[0];
    this.sizes.value = String(this.size);
    this.sizes.hidden = fitting.length < 2;
    this.player.open(this.#source(), this.store.frame);
    this.transport.update();
  }

  #repaint() {
    if (!this.store.clip) return;
    const source = this.#source();
    if (source.key === this.player.source?.key) return;
    const playing = this.player.playing;
    this.player.open(source, this.player.frame, true);
    if (playing && !this.player.playing) this.player.play();
    this.transport.update();
  }

  #failed(error) {
    this.stage.say("");
    toast(error.message, "error");
  }

  /** Says when a preview is measured on few frames only, and offers to plan the clip, as a render does. */
  #planned(plan) {
    if (plan !== "approximate" || this.store.frames < 2) {
      if (plan) this.chip.hidden = true;
      return;
    }
    if (!this.chip.hidden) return;
    const exact = el("button", { type: "button", onclick: () => this.makeExact() }, "make it exact");
    this.chip.replaceChildren(el("span", { title: "Light and colours are measured on few frames; a render measures whole shots" }, "Approximate:"), exact);
    this.chip.hidden = false;
  }

  async makeExact() {
    const { id, settings } = { id: this.store.clip.id, settings: this.player.source.settings };
    try {
      const plan = await api.plan({ id, settings, size: this.size });
      this.planKey = plan.key;
      this.onPlan(plan);
    } catch (error) {
      toast(error.message, "error");
    }
  }

  /** Hears how far the planning is. */
  onPlan({ key, state, progress }) {
    if (key !== this.planKey) return;
    if (state === "working") this.chip.textContent = `Planning the clip: ${Math.round(progress * 100)} %`;
    else {
      this.planKey = null;
      this.chip.hidden = true;
      if (state === "ready") this.player.refresh();
      else toast("The clip could not be planned.", "error");
    }
  }
}

