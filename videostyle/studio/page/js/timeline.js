// Shots as pictures, and a lane of key frames for each thing that changes along the clip.

import { announce, byId, clockTime, el, icon, iconButton, fillRange } from "./dom.js";
import { frameUrl } from "./api.js";
import { LANE_NAMES, PROPERTIES, boxAt, newId, valueAt } from "./look.js";

const OPEN_KEY = "videostyle-timeline-open";
const SVG = "http://www.w3.org/2000/svg";

export class Timeline {
  constructor(store, { go, save, load }) {
    this.store = store;
    this.go = go;
    this.copied = null;
    this.root = byId("timeline");
    this.toggle = el("button", { type: "button", class: "toggle", "aria-expanded": "true", "aria-controls": "lanes", onclick: () => this.#open(!this.isOpen) }, icon("down"), el("h2", {}, "Timeline"));
    this.tracks = el("div", { class: "tracks" });
    this.shots = el("div", { class: "lane shots" });
    this.lanes = {};
    this.playhead = el("div", { class: "playhead" });
    this.editor = el("div", { class: "key-editor", hidden: true, role: "group", "aria-label": "Chosen key frame" });
    const head = el("div", { class: "timeline-head" }, this.toggle,
      el("button", { type: "button", class: "button quiet small", title: "Add a key frame of the strength here (k)", onclick: () => this.add("strength") }, icon("plus"), "Key frame"),
      el("button", { type: "button", class: "button quiet small", title: "Save as a job file, which videostyle batch reads", onclick: save }, "Save"),
      el("button", { type: "button", class: "button quiet small", title: "Load a job file", onclick: load }, "Load"));
    this.tracks.append(el("div", { class: "lane-head" }, "Shots"), this.shots);
    this.laneRows = [];
    for (const property of [...PROPERTIES, "region"]) {
      const lane = el("div", { class: "lane", "data-lane": property, ondblclick: (event) => this.#addAt(event, property) });
      const headed = el("div", { class: "lane-head" }, LANE_NAMES[property], iconButton("plus", `Add a key frame: ${LANE_NAMES[property]}`, () => this.add(property), { class: "icon-button small" }));
      this.lanes[property] = lane;
      this.laneRows.push(headed, lane);
      this.tracks.append(headed, lane);
    }
    this.tracks.id = "lanes";
    this.tracks.append(el("div", { class: "playhead-area" }, this.playhead));
    this.root.append(head, this.tracks, this.editor);
    store.on("clip look selectedKey styles", () => this.#update());
    store.on("shots clip", () => this.#drawShots());
    store.on("frame clip", () => this.#movePlayhead());
    const remembered = localStorage.getItem(OPEN_KEY);
    this.#open(remembered === "yes", false);
    this.#update();
  }

  #open(open, remember = true) {
    this.isOpen = open;
    this.toggle.setAttribute("aria-expanded", String(open));
    for (const part of this.laneRows) part.hidden = !open;
    if (remember) localStorage.setItem(OPEN_KEY, open ? "yes" : "no");
  }

  #share(frame) {
    return `${(frame / Math.max(1, this.store.frames - 1)) * 100}%`;
  }

  #frameAt(event, lane) {
    const bounds = lane.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - bounds.left) / bounds.width));
    return Math.round(share * (this.store.frames - 1));
  }

  #addAt(event, property) {
    if (event.target.closest(".key")) return;
    this.go(this.#frameAt(event, this.lanes[property]));
    this.add(property);
  }

  /** Puts a key frame at the frame that is shown, with the value that holds there. */
  add(property) {
    const { store } = this;
    if (!store.clip || store.frames < 2) return;
    if (property === "region") {
      this.#addPlace();
      return;
    }
    const { frame, look, fps } = store;
    const there = look.keys.find((key) => key.property === property && key.frame === frame);
    if (there) {
      store.set({ selectedKey: there.id });
      return;
    }
    const usual = { style: look.style, strength: 1, canvas: store.styleOf(look.style)?.canvas ?? 1, colour: 0 }[property];
    const value = valueAt(look, property, frame, fps, usual);
    const key = { id: newId(), frame, property, value: typeof value === "number" ? Number(value.toFixed(2)) : value, ease: 1, curve: "smooth", snap: false };
    store.change({ keys: [...look.keys, key] });
    store.set({ selectedKey: key.id });
    announce(`Key frame added: ${this.#describe(key)}`);
  }

  /** Gives the chosen rectangle a place at this frame. */
  #addPlace() {
    const { store } = this;
    const region = store.region?.kind === "rectangle" ? store.region : store.look.regions.find((one) => one.kind === "rectangle");
    if (!region) {
      announce("Draw a rectangle on the picture first.");
      return;
    }
    const box = boxAt(region, store.frame);
    const moves = [...region.moves.filter((move) => move.frame !== store.frame), { frame: store.frame, box }].sort((a, b) => a.frame - b.frame);
    store.set({ selectedRegion: region.id });
    store.changeRegion(region.id, { moves });
  }

  #describe(key) {
    const value = typeof key.value === "number" ? `${Math.round(key.value * 100)} %` : this.store.titleOf(key.value);
    return `${LANE_NAMES[key.property] ?? key.property} ${value} at ${clockTime(key.frame / this.store.fps)}, frame ${key.frame}`;
  }

  #update() {
    const { store } = this;
    this.root.hidden = !store.clip || store.frames < 2;
    if (store.look.keys.length && !this.hadKeys) this.#open(true, false);
    this.hadKeys = store.look.keys.length > 0;
    const focused = document.activeElement?.closest?.(".key")?.dataset.key;
    for (const [property, lane] of Object.entries(this.lanes)) {
      lane.replaceChildren();
      if (!store.clip) continue;
      if (property === "region") this.#regionKeys(lane);
      else {
        if (property === "style") this.#styleSpans(lane);
        else this.#curve(lane, property);
        for (const key of store.look.keys.filter((one) => one.property === property)) lane.append(this.#keyButton(key, lane));
      }
    }
    this.#edit();
    if (focused) this.tracks.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #keyButton(key, lane) {
    const { store } = this;
    const button = el("button", {
      type: "button", class: "key", "data-key": key.id, "aria-pressed": String(store.selectedKey === key.id), title: this.#describe(key),
      "aria-label": `Key frame: ${this.#describe(key)}`, "aria-keyshortcuts": "ArrowLeft ArrowRight Delete Control+C Control+V",
      onclick: (event) => event.detail === 0 && this.#choose(key),
      onkeydown: (event) => this.#keyPress(event, key),
    });
    button.style.left = this.#share(key.frame);
    this.#drag(button, lane, {
      choose: () => this.#choose(key),
      move: (frame) => {
        store.changeKey(key.id, { frame }, `drag-${key.id}`);
        this.go(frame);
      },
    });
    return button;
  }

  #choose({ id }) {
    this.store.set({ selectedKey: id });
    this.go(this.store.key.frame);
  }

  /** Lets a mark be dragged along its lane; a click alone chooses it. */
  #drag(button, lane, { choose, move }) {
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const begun = event.clientX;
      let moved = false;
      const onmove = (at) => {
        if (!moved && Math.abs(at.clientX - begun) < 3) return;
        moved = true;
        move(this.#frameAt(at, lane));
      };
      const onend = () => {
        removeEventListener("pointermove", onmove);
        removeEventListener("pointerup", onend);
        removeEventListener("pointercancel", onend);
        this.store.settle();
        choose();
        this.tracks.querySelector(`[data-key="${button.dataset.key}"]`)?.focus();
      };
      addEventListener("pointermove", onmove);
      addEventListener("pointerup", onend);
      addEventListener("pointercancel", onend);
    });
  }

  #keyPress(event, key) {
    const { store } = this;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const control = event.ctrlKey || event.metaKey;
    if (event.key in steps && !control) {
      const frame = Math.min(store.frames - 1, Math.max(0, key.frame + steps[event.key] * (event.shiftKey ? 10 : 1)));
      store.changeKey(key.id, { frame }, `nudge-${key.id}`);
      this.#choose(key);
      announce(`Frame ${frame}`);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(key.id);
    else if (control && event.key.toLowerCase() === "c") this.copy(key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  copy(key = this.store.key) {
    if (!key) return false;
    this.copied = key;
    announce(`Copied: ${this.#describe(key)}. Ctrl+V puts it at the frame that is shown.`);
    return true;
  }

  /** Puts the copied key frame at the frame that is shown. */
  paste() {
    const { store } = this;
    if (!this.copied || !store.clip) return false;
    const key = { ...this.copied, id: newId(), frame: store.frame };
    store.change({ keys: [...store.look.keys.filter((one) => one.property !== key.property || one.frame !== key.frame), key] });
    store.set({ selectedKey: key.id });
    announce(`Put: ${this.#describe(key)}`);
    return true;
  }

  remove(id = this.store.selectedKey) {
    const key = this.store.look.keys.find((one) => one.id === id);
    if (!key) return;
    this.store.change({ keys: this.store.look.keys.filter((one) => one.id !== id) });
    this.store.set({ selectedKey: null });
    announce(`Deleted: ${this.#describe(key)}`);
    this.lanes[key.property]?.previousElementSibling?.querySelector("button")?.focus();
  }

  /** Which style holds from where to where. */
  #styleSpans(lane) {
    const { look, frames } = this.store;
    const keys = look.keys.filter((key) => key.property === "style").sort((a, b) => a.frame - b.frame);
    const starts = [{ frame: 0, value: look.style }, ...keys];
    starts.forEach((start, place) => {
      const end = starts[place + 1]?.frame ?? frames - 1;
      if (end <= start.frame && place < starts.length - 1) return;
      const span = el("div", { class: "span" }, this.store.titleOf(start.value));
      span.style.left = this.#share(start.frame);
      span.style.width = this.#share(end - start.frame);
      lane.append(span);
    });
  }

  /** The course of a number along the clip. */
  #curve(lane, property) {
    const { look, frames, fps } = this.store;
    if (!look.keys.some((key) => key.property === property)) return;
    const usual = { strength: 1, canvas: this.store.styleOf(look.style)?.canvas ?? 1, colour: 0 }[property];
    const points = Array.from({ length: 161 }, (_, place) => {
      const frame = (place / 160) * (frames - 1);
      return `${(place / 160) * 100} ${22 - valueAt(look, property, frame, fps, usual) * 18}`;
    });
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 26");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${points.join("L")}`);
    svg.append(path);
    lane.append(svg);
  }

  /** Places of rectangles that move. */
  #regionKeys(lane) {
    const { store } = this;
    for (const region of store.look.regions) {
      for (const move of region.moves) {
        const change = (moves) => store.changeRegion(region.id, { moves: moves.sort((a, b) => a.frame - b.frame) }, `place-${region.id}`);
        const others = region.moves.filter((one) => one !== move);
        const at = (frame) => {
          if (!others.some((one) => one.frame === frame)) change([...others, { ...move, frame }]);
          this.go(frame);
        };
        const choose = () => {
          store.set({ selectedRegion: region.id });
          this.go(move.frame);
        };
        const button = el("button", {
          type: "button", class: "key", "data-key": `${region.id}-${move.frame}`, "aria-label": `Place of the rectangle at frame ${move.frame}`, title: `Place of the rectangle at frame ${move.frame}`,
          "aria-pressed": "false", onclick: (event) => event.detail === 0 && choose(),
          onkeydown: (event) => {
            const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (by) at(Math.min(store.frames - 1, Math.max(0, move.frame + by)));
            else if (event.key === "Delete" || event.key === "Backspace") change(others);
            else return;
            event.preventDefault();
            event.stopPropagation();
          },
        });
        button.style.left = this.#share(move.frame);
        let last = move.frame;
        this.#drag(button, lane, { choose, move: (frame) => {
          const region_now = store.look.regions.find((one) => one.id === region.id);
          if (frame !== last && !region_now.moves.some((one) => one.frame === frame)) {
            change(region_now.moves.map((one) => (one.frame === last ? { ...one, frame } : one)));
            last = frame;
          }
        } });
        lane.append(button);
      }
    }
  }

  #drawShots() {
    const { clip, frames } = this.store;
    const found = this.store.shots?.shots;
    const shots = found?.length ? found : clip ? [{ first: 0, last: frames - 1, middle: Math.floor(frames / 2) }] : [];
    this.shots.replaceChildren(...shots.map((shot, place) => {
      const label = `Shot ${place + 1}: from ${clockTime(shot.first / this.store.fps)}`;
      const button = el("button", { type: "button", class: "shot", title: label, "aria-label": label, onclick: () => this.go(shot.first) });
      const middle = shot.middle ?? Math.floor((shot.first + shot.last) / 2);
      button.style.left = `${(shot.first / frames) * 100}%`;
      button.style.width = `${((shot.last + 1 - shot.first) / frames) * 100}%`;
      button.style.backgroundImage = `url("${frameUrl(clip.id, middle, 120)}")`;
      return button;
    }));
  }

  /** Goes to the beginning of the shot before or after. */
  jumpShot(by) {
    const starts = (this.store.shots?.shots ?? []).map((shot) => shot.first);
    const { frame } = this.store;
    const to = by > 0 ? starts.find((start) => start > frame) : starts.filter((start) => start < frame).at(-1);
    if (to !== undefined) this.go(to);
  }

  #movePlayhead() {
    this.playhead.style.left = this.#share(this.store.frame);
  }

  /** Fields of the chosen key frame. */
  #edit() {
    const { store } = this;
    const { key } = store;
    if (key && this.editor.contains(document.activeElement) && this.edited === key.id && document.activeElement.type !== "checkbox" && document.activeElement.tagName !== "SELECT") return;
    this.edited = key?.id;
    this.editor.hidden = !key;
    if (!key) return;
    const change = (values, edit = "") => store.changeKey(key.id, values, edit);
    const field = (text, input) => el("label", { class: "field" }, el("span", { class: "label" }, text), input);
    const frame = el("input", { type: "number", min: "0", max: String(store.frames - 1), value: String(key.frame), onchange: () => {
      change({ frame: Math.min(store.frames - 1, Math.max(0, Math.round(Number(frame.value)))) });
      this.go(Number(frame.value));
    } });
    let value;
    if (key.property === "style") value = el("select", { onchange: () => change({ value: value.value }) }, store.styles.map((style) => el("option", { value: style.name, selected: style.name === key.value }, style.painting || style.name)));
    else {
      value = el("input", { type: "range", min: "0", max: "1", step: "0.01", value: String(key.value), "aria-valuetext": `${Math.round(key.value * 100)} %` });
      value.addEventListener("input", () => {
        fillRange(value);
        value.setAttribute("aria-valuetext", `${Math.round(value.value * 100)} %`);
        change({ value: Number(value.value) }, `value-${key.id}`);
      });
      value.addEventListener("change", () => store.settle());
      fillRange(value);
    }
    const ease = el("input", { type: "number", min: "0", max: "3600", step: "0.1", value: String(key.ease), onchange: () => change({ ease: Math.max(0, Number(ease.value) || 0) }) });
    const curve = el("select", { onchange: () => change({ curve: curve.value }) }, (store.config?.ease_curves ?? ["smooth"]).map((name) => el("option", { value: name, selected: name === key.curve }, name)));
    const snap = el("input", { type: "checkbox", checked: key.snap, onchange: () => change({ snap: snap.checked }) });
    this.editor.replaceChildren(
      el("strong", {}, LANE_NAMES[key.property] ?? key.property), field("frame", frame), field("value", value), field("takes, s", ease), field("course", curve),
      el("label", { class: "check small", title: "Moved to the nearest cut, if there is one within a second" }, snap, "at the cut"), el("span", { class: "spring" }),
      iconButton("copy", "Copy this key frame (Ctrl+C)", () => this.copy(key), { class: "icon-button small" }),
      iconButton("trash", "Delete this key frame (Delete)", () => this.remove(key.id), { class: "icon-button small" }),
      iconButton("close", "Done", () => store.set({ selectedKey: null }), { class: "icon-button small" }));
  }
}
