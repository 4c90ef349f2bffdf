// The command that would do the same, always in sight, and the button that does it.

import * as api from "./api.js";
import { byId, copyText, debounced, el, icon, toast } from "./dom.js";
import { toSettings } from "./look.js";

/** A line with a command and a button to copy it: {root, show(text)}. */
export function commandLine(...extra) {
  const code = el("code", { tabindex: "0", "aria-label": "Command" }, "videostyle");
  const copy = el("button", { type: "button", class: "button small", "aria-label": "Copy the command", onclick: () => copyText(code.textContent) }, icon("copy"), "Copy");
  return { code, parts: [code, copy, ...extra], show: (text) => (code.textContent = text) };
}

export class CommandBar {
  constructor(store, { render }) {
    this.store = store;
    this.newest = new api.Newest("command");
    const start = el("button", { type: "button", class: "button primary", title: "Render the whole clip (r)", onclick: render }, "Render");
    this.line = commandLine(start);
    byId("command-bar").append(...this.line.parts);
    this.updateSoon = debounced(120, () => this.#update());
    store.on("clip look", () => this.updateSoon());
    store.on("clip", () => (byId("command-bar").hidden = !store.clip));
    byId("command-bar").hidden = true;
  }

  async #update() {
    const { clip, look, fps } = this.store;
    if (!clip || !look.style) return;
    try {
      const answer = await this.newest.ask((signal) => api.command({ id: clip.id, settings: toSettings(look, fps) }, signal));
      if (answer) this.line.show(answer.command);
    } catch (error) {
      toast(error.message, "error");
    }
  }
}
