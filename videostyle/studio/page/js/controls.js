// Strength, canvas, strokes, seed and colour: of the whole clip, or of the key frame that is chosen.

import { byId, el, fillRange, iconButton } from "./dom.js";
import { valueAt } from "./look.js";

const shown = (value) => `${Math.round(value * 100)} %`;
const times = (value) => `${Number(value.toFixed(2))}×`;

// Strokes double from step to step, so the slider holds their logarithm.
const CONTROLS = [
  { name: "strength", label: "Strength", low: 0, high: 1, step: 0.01, text: shown, usual: () => 1, hint: "0 leaves the picture as it is" },
  { name: "canvas", label: "Canvas", low: 0, high: 1, step: 0.01, text: shown, usual: (store) => store.styleOf(store.look.style)?.canvas ?? 1, none: true, hint: "How much is painted where the scene shows nothing, as in skies" },
  { name: "stroke_size", label: "Strokes", low: -1, high: 2, step: 0.05, text: times, usual: (store) => store.clip?.usual_stroke_size ?? 1, none: true, out: (at) => Number((2 ** at).toFixed(2)), in: (value) => Math.log2(value), hint: "Size of the strokes" },
  { name: "colour", label: "Clip's colours", low: 0, high: 1, step: 0.01, text: shown, usual: () => 0, hint: "0 the painting's colours, 100 % the clip's own" },
];

export class Controls {
  constructor(store) {
    this.store = store;
    this.rows = CONTROLS.map((control) => this.#row(control));
    this.mix = this.#mixRow();
    this.mode = this.#modeRow();
    byId("controls").append(this.mix.row, ...this.rows.map(({ row }) => row), this.mode.row, this.#seedRow());
    store.on("look styles frame selectedKey config", () => this.#update());
    this.#update();
  }

  #row(control) {
    const id = `control-${control.name}`;
    const input = el("input", { type: "range", id, min: String(control.low), max: String(control.high), step: String(control.step), "aria-describedby": `${id}-hint` });
    const output = el("output", { for: id });
    const reset = iconButton("undo", `${control.label}: as usual`, () => this.#set(control, control.none ? null : control.usual(this.store), ""), { class: "icon-button reset" });
    input.addEventListener("input", () => this.#set(control, control.out ? control.out(Number(input.value)) : Number(input.value), control.name));
    input.addEventListener("change", () => this.store.settle());
    const row = el("div", { class: "control", title: control.hint }, el("label", { for: id }, control.label), input, output, reset, el("span", { id: `${id}-hint`, class: "unseen" }, control.hint));
    return { control, row, input, output };
  }

  /** Sets a value: of the chosen key frame if that is for this control, else of the whole clip. */
  #set(control, value, edit) {
    const { store } = this;
    if (store.key?.property === control.name && value !== null) store.changeKey(store.selectedKey, { value }, edit);
    else store.change({ [control.name]: value }, edit);
  }

  #mixRow() {
    const input = el("input", { type: "range", id: "control-mix", min: "0.05", max: "0.95", step: "0.05" });
    const label = el("label", { for: "control-mix" }, "Mix");
    const output = el("output", { for: "control-mix" });
    input.addEventListener("input", () => this.store.change({ mix: { ...this.store.look.mix, share: Number(input.value) } }, "mix"));
    input.addEventListener("change", () => this.store.settle());
    const row = el("div", { class: "control changed" }, label, input, output, iconButton("close", "End the mix", () => this.store.change({ mix: null }), { class: "icon-button reset" }));
    return { row, input, output };
  }

  #modeRow() {
    const choices = [["luminance", "of each pixel"], ["mean", "on the whole"], ["histogram", "as frequent"]];
    const select = el("select", { id: "control-mode", onchange: () => this.store.change({ colour_mode: select.value }) }, choices.map(([value, text]) => el("option", { value }, text)));
    const row = el("div", { class: "control" }, el("label", { for: "control-mode" }, "Colours kept"), el("div", { class: "wide" }, select));
    return { row, select };
  }

  #seedRow() {
    this.seed = el("input", { type: "number", id: "control-seed", min: "0", step: "1", value: "0" });
    this.seed.addEventListener("change", () => this.store.change({ seed: Math.max(0, Math.min(this.store.config?.seed_max ?? 2 ** 31 - 1, Math.round(Number(this.seed.value) || 0))) }));
    const dice = iconButton("dice", "Another painting (e)", () => this.another());
    return el("div", { class: "control", title: "Another number gives another painting of the same clip" }, el("label", { for: "control-seed" }, "Painting no."), el("div", { class: "wide row" }, this.seed, dice));
  }

  /** The next seed: other strokes in even areas. */
  another() {
    this.store.change({ seed: this.store.look.seed + 1 });
  }

  #update() {
    const { store } = this;
    const { look, key, frame, fps } = store;
    for (const { control, row, input, output } of this.rows) {
      const usual = control.usual(store);
      const edited = key?.property === control.name;
      const moves = look.keys.some((one) => one.property === control.name);
      const value = edited ? key.value : (look[control.name] ?? usual);
      const current = moves && !edited ? valueAt(look, control.name, frame, fps, usual) : value;
      input.value = String(control.in ? control.in(value) : value);
      input.setAttribute("aria-valuetext", control.text(value));
      fillRange(input);
      output.textContent = moves && !edited && Math.abs(current - value) > 0.004 ? `${control.text(current)} ◆` : control.text(value);
      row.classList.toggle("changed", control.none ? look[control.name] !== null : look[control.name] !== usual);
    }
    this.mix.row.hidden = !look.mix;
    if (look.mix) {
      this.mix.input.value = String(look.mix.share);
      this.mix.output.textContent = shown(look.mix.share);
      this.mix.input.setAttribute("aria-valuetext", `${shown(look.mix.share)} ${store.titleOf(look.mix.style)}`);
      this.mix.row.title = `${store.titleOf(look.style)} and ${store.titleOf(look.mix.style)}`;
      fillRange(this.mix.input);
    }
    this.mode.row.hidden = !(look.colour > 0 || look.keys.some((one) => one.property === "colour"));
    this.mode.select.value = look.colour_mode;
    if (document.activeElement !== this.seed) this.seed.value = String(look.seed);
    const scope = byId("controls-scope");
    scope.hidden = !key;
    if (key) scope.replaceChildren(`key frame ${key.frame}`, iconButton("close", "Adjust the whole clip again", () => store.set({ selectedKey: null }), { class: "icon-button small" }));
  }
}
