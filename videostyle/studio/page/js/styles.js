// The styles as a grid of the current frame, painted in the order in which they can be seen.

import * as api from "./api.js";
import { byId, debounced, el, iconButton } from "./dom.js";
import { toSettings, valueAt } from "./look.js";

const SIZE = 240; // longest side of a thumbnail
const PATIENCE = 350; // milliseconds without a change before thumbnails are painted again

export class StyleGrid {
  constructor(store) {
    this.store = store;
    this.root = byId("styles");
    this.state = byId("styles-state");
    this.cells = new Map(); // name -> {cell, button, image, thumb, mix, painted: key}
    this.visible = new Set();
    this.newest = new api.Newest("grid");
    this.watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const name = entry.target.dataset.style;
        if (entry.isIntersecting) this.visible.add(name);
        else this.visible.delete(name);
      }
      this.#seen();
    }, { root: null, rootMargin: "60px" });
    this.paintSoon = debounced(PATIENCE, () => this.paint());
    this.reorderSoon = debounced(150, () => this.paint());
    store.on("styles", () => this.#build());
    store.on("clip frame look playing", () => this.paintSoon());
    store.on("look", () => this.#select());
    store.on("clip", () => {
      const { clip } = store;
      if (clip) this.root.style.setProperty("--thumb-ratio", String(Math.min(2.4, Math.max(0.75, clip.width / clip.height))));
      for (const cell of this.cells.values()) this.#forget(cell);
    });
    document.addEventListener("visibilitychange", () => !document.hidden && this.paintSoon());
    this.root.addEventListener("keydown", (event) => this.#key(event));
    // The tab key reaches one style, and its button for mixing; arrows reach the others, with Ctrl without choosing them.
    this.root.addEventListener("focusin", (event) => {
      const name = event.target.dataset.style;
      if (!name) return;
      for (const [other, { mix }] of this.cells) mix.tabIndex = other === name ? 0 : -1;
    });
  }

  #build() {
    this.watcher.disconnect();
    this.visible.clear();
    const old = this.cells;
    this.cells = new Map();
    const made = this.store.styles.map((style) => {
      const kept = old.get(style.name);
      const cell = kept ?? this.#cell(style);
      this.cells.set(style.name, cell);
      return cell.cell;
    });
    this.root.replaceChildren(...made);
    for (const { button } of this.cells.values()) this.watcher.observe(button);
    this.#select();
  }

  #cell(style) {
    const { name, painting, artist, year, picture, yours } = style;
    const image = el("img", { class: "now", alt: "", draggable: false });
    image.hidden = true;
    const thumb = el("span", { class: "thumb empty" }, picture ? el("img", { class: "example", alt: "", src: picture, loading: "lazy" }) : null, image);
    const by = yours ? "your own" : [artist?.replace(/ \(.*/, ""), year].filter(Boolean).join(", ");
    const button = el("button", {
      type: "button", class: "style", role: "radio", "aria-checked": "false", tabindex: "-1", "data-style": name, title: name,
      onclick: () => this.choose(name),
    }, thumb, el("span", { class: "title" }, painting || name), el("span", { class: "artist" }, by));
    const mix = iconButton("mix", `Mix with ${painting || name}`, () => this.#mix(name), { class: "icon-button mix-button", "aria-pressed": "false", tabindex: "-1" });
    return { cell: el("div", { class: "style-cell" }, button, mix), button, image, thumb, mix, painted: null };
  }

  #forget(cell) {
    cell.painted = null;
    cell.image.hidden = true;
    cell.thumb.className = "thumb empty";
  }

  /** Paints in this style: the whole clip, or from the chosen key frame on. */
  choose(name) {
    const { store } = this;
    if (store.key?.property === "style") store.changeKey(store.selectedKey, { value: name });
    else store.change({ style: name, mix: store.look.mix?.style === name ? null : store.look.mix });
  }

  #mix(name) {
    const { look } = this.store;
    const mix = look.mix?.style === name || name === look.style ? null : { style: name, share: look.mix?.share ?? 0.5 };
    this.store.change({ mix });
  }

  #select() {
    const { look, key } = this.store;
    const chosen = key?.property === "style" ? key.value : look.style;
    let found = false;
    for (const [name, { button, mix }] of this.cells) {
      const here = name === chosen;
      found ||= here;
      button.setAttribute("aria-checked", String(here));
      button.tabIndex = here ? 0 : -1;
      button.classList.toggle("mixed", look.mix?.style === name);
      mix.setAttribute("aria-pressed", String(look.mix?.style === name));
      mix.hidden = name === look.style;
    }
    if (!found) this.cells.values().next().value?.button.setAttribute("tabindex", "0");
  }

  #key(event) {
    if (event.target.getAttribute("role") !== "radio" || event.metaKey || event.altKey) return;
    const names = [...this.cells.keys()];
    const at = names.indexOf(event.target.dataset.style);
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const wide = columns > 3 || getComputedStyle(this.root).gridAutoFlow.startsWith("column") ? 1 : columns;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide, Home: -at, End: names.length - 1 - at };
    if (!(event.key in steps)) return;
    const to = names[at + steps[event.key]];
    event.preventDefault();
    event.stopPropagation();
    if (!to) return;
    if (!event.ctrlKey) this.choose(to);
    this.cells.get(to).button.focus();
  }

  /** What a thumbnail depends on, the style left out. */
  #wanted() {
    const { clip, frame, look, fps } = this.store;
    // A thumbnail shows its own style, not the one that a key frame puts in its place.
    const now = Object.fromEntries(["strength", "canvas", "colour"].map((name) => [name, valueAt(look, name, frame, fps, look[name])]));
    const settings = toSettings({ ...look, ...now, mix: null, keys: [] }, fps);
    settings.style = "";
    return { id: clip.id, frame, settings, key: `${clip.id}|${frame}|${JSON.stringify(settings)}` };
  }

  /** Asks again when styles have come into sight that wait behind others. */
  #seen() {
    if (!this.store.clip) return;
    const waiting = [...this.visible].some((name) => this.cells.get(name)?.painted !== this.wantedKey);
    if (waiting) this.reorderSoon();
  }

  async paint() {
    const { store } = this;
    if (!store.clip || store.playing || document.hidden || !this.cells.size || !this.root.offsetParent) return;
    const { id, frame, settings, key } = this.#wanted();
    this.wantedKey = key;
    const stale = [...this.cells.keys()].filter((name) => this.cells.get(name).painted !== key);
    if (!stale.length) return;
    // Those in sight first; the rest only when those are done, as nobody may ever scroll to them.
    const order = [...stale.filter((name) => this.visible.has(name)), ...stale.filter((name) => !this.visible.has(name))];
    for (const name of stale) this.cells.get(name).thumb.classList.add("old");
    settings.style = order[0];
    let left = order.length;
    const show = (line) => {
      const cell = this.cells.get(line.style);
      if (!cell || this.wantedKey !== key) return;
      cell.painted = key;
      left -= 1;
      cell.thumb.classList.remove("old", "empty", "wrong");
      if (line.error) cell.thumb.classList.add("wrong");
      else {
        cell.image.src = line.image;
        cell.image.hidden = false;
      }
      this.state.textContent = left ? `${left} to paint` : "";
    };
    this.state.textContent = `${left} to paint`;
    try {
      await this.newest.ask((signal, place) => api.grid({ id, frame, size: SIZE, settings, styles: order, ...place }, show, signal));
    } catch (error) {
      this.state.textContent = "";
      console.warn(error.message);
    }
  }
}
