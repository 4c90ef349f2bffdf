// The camera, painted while it runs: the machine's, or the browser's own.

import * as api from "./api.js";
import { commandLine } from "./command.js";
import { announce, byId, debounced, el, fillRange, icon, iconButton, toast } from "./dom.js";

const MOST = 9; // styles that can be switched between
const WIDTH = 640; // of the pictures of the browser's camera

export class Live {
  constructor(store) {
    this.store = store;
    this.state = { state: "off" };
    this.styles = [];
    this.newest = new api.Newest("live-command");
    this.#build();
    store.on("styles", () => this.#offer());
    this.updateCommand = debounced(150, () => this.#command());
  }

  #build() {
    this.source = "camera";
    const choice = (value, text) => el("label", {}, el("input", { type: "radio", name: "live-source", value, checked: value === this.source, onchange: () => {
      this.source = value;
      this.#show();
      this.updateCommand();
    } }), el("span", {}, text));
    this.camera = el("input", { type: "number", id: "live-camera", min: "0", max: "63", value: "0", oninput: () => this.updateCommand() });
    this.cameraField = el("label", { class: "check small", for: "live-camera" }, "number", this.camera);
    this.mirror = el("input", { type: "checkbox", id: "live-mirror", checked: true, onchange: () => this.updateCommand() });
    this.start = el("button", { type: "button", class: "button primary", onclick: () => (this.running ? this.stop() : this.begin()) }, "Start");
    this.chosen = el("div", { class: "live-styles", role: "group", "aria-label": "Styles to switch between" });
    this.picture = el("img", { class: "live-picture", alt: "The camera, painted", hidden: true });
    this.canvas = el("canvas", { class: "live-picture", role: "img", "aria-label": "Your camera, painted", hidden: true });
    this.idle = el("div", { class: "none live-idle" }, icon("camera"), el("p", {}, "Your camera, painted. Nothing leaves this machine."));
    this.facts = el("p", { class: "muted small live-facts", "aria-live": "off" });
    this.sliders = [this.#slider("strength", "Strength", 0, 1, 0.01, 1), this.#slider("canvas", "Canvas", 0, 1, 0.01, 1), this.#slider("stroke_size", "Strokes", 0.5, 4, 0.25, 1)];
    const another = el("button", { type: "button", class: "button small", onclick: () => this.#set({ seed: (this.state.seed ?? 0) + 1 }) }, icon("dice"), "Another painting");
    const full = el("button", { type: "button", class: "button small", onclick: () => this.frame.requestFullscreen?.() }, "Full screen");
    this.frame = el("div", { class: "live-frame" }, this.idle, this.picture, this.canvas);
    this.line = commandLine();
    byId("view-live").append(
      el("div", { class: "live-main" }, this.frame, el("div", { class: "live-foot" }, this.start, this.facts, full)),
      el("aside", { class: "live-side", "aria-label": "Live controls" },
        el("h1", { id: "live-title" }, "Live"),
        el("fieldset", { class: "plain" }, el("legend", { class: "label" }, "Camera of"), el("div", { class: "segmented" }, choice("camera", "this machine"), choice("browser", "this browser")), el("div", { class: "line" }, this.cameraField, el("label", { class: "check small", for: "live-mirror" }, this.mirror, "mirrored"))),
        el("h2", {}, "Styles"), el("p", { class: "muted small" }, `Up to ${MOST}; click one to switch while it runs, or press its number.`), this.chosen,
        el("div", {}, this.sliders.map(({ row }) => row)), another, el("div", { class: "train-command" }, ...this.line.parts)));
    this.#show();
  }

  #slider(name, label, low, high, step, usual) {
    const id = `live-${name}`;
    const input = el("input", { type: "range", id, min: String(low), max: String(high), step: String(step), value: String(usual) });
    const output = el("output", { for: id });
    const text = () => (name === "stroke_size" ? `${Number(input.value)}×` : `${Math.round(input.value * 100)} %`);
    const show = () => {
      output.textContent = text();
      input.setAttribute("aria-valuetext", text());
      fillRange(input);
    };
    const send = debounced(60, () => this.#set({ [name]: Number(input.value) }));
    input.addEventListener("input", () => {
      show();
      send();
      this.updateCommand();
    });
    show();
    return { name, input, usual, row: el("div", { class: "control" }, el("label", { for: id }, label), input, output, el("span", {})) };
  }

  get running() {
    return ["starting", "running"].includes(this.state.state);
  }

  #offer() {
    if (!this.styles.length) {
      // Styles of one's own may be of a network of another size, between which it cannot switch.
      const bundled = this.store.styles.filter((style) => !style.yours).map((style) => style.name);
      this.styles = [...new Set([...bundled.filter((name) => name === this.store.look.style), ...bundled])].slice(0, 4);
    }
    this.#drawStyles();
    this.updateCommand();
  }

  #drawStyles() {
    const { styles } = this.store;
    const current = this.state.style ?? this.styles[0];
    const chips = this.styles.map((name, place) => {
      const style = this.store.styleOf(name);
      const pick = el("button", { type: "button", class: "live-style", "aria-pressed": String(name === current), title: `Key ${place + 1}`, onclick: () => this.choose(place) },
        style?.picture ? el("img", { alt: "", src: style.picture }) : null, el("span", {}, this.store.titleOf(name)));
      const drop = this.styles.length > 1 && !this.running ? iconButton("close", `Without ${this.store.titleOf(name)}`, () => {
        this.styles = this.styles.filter((one) => one !== name);
        this.#offer();
      }, { class: "icon-button small" }) : null;
      return el("div", { class: "live-style-cell" }, pick, drop);
    });
    const left = styles.filter((style) => !this.styles.includes(style.name));
    const add = el("select", { "aria-label": "Add a style", disabled: this.running || this.styles.length >= MOST || !left.length, onchange: () => {
      this.styles.push(add.value);
      this.#offer();
    } }, el("option", { value: "" }, "Add a style …"), left.map((style) => el("option", { value: style.name }, style.painting || style.name)));
    this.chosen.replaceChildren(...chips, add);
  }

  /** Paints in the style of this place in the list. */
  choose(place) {
    const name = this.styles[place];
    if (!name) return;
    if (this.running) this.#set({ style: name });
    else {
      this.styles = [name, ...this.styles.filter((one) => one !== name)];
      this.#offer();
    }
    announce(this.store.titleOf(name));
  }

  #body() {
    const body = { source: this.source, styles: this.styles, mirror: this.mirror.checked };
    if (this.source === "browser") body.fixed_size = true; // it sends as fast as it is answered, so one size is enough, and ready sooner
    if (this.source === "camera") body.camera = Number(this.camera.value) || 0;
    for (const { name, input, usual } of this.sliders) if (Number(input.value) !== usual) body[name] = Number(input.value);
    return body;
  }

  async #command() {
    if (!this.styles.length || !this.visible) return;
    try {
      const answer = await this.newest.ask((signal) => api.command({ kind: "live", ...this.#body() }, signal));
      if (answer) this.line.show(answer.command);
    } catch (error) {
      console.warn(error.message);
    }
  }

  async #set(values) {
    if (!this.running) return;
    try {
      this.onState(await api.setLive(values));
    } catch (error) {
      toast(error.message, "error");
    }
  }

  async begin() {
    try {
      if (this.source === "browser") await this.#openBrowserCamera();
      this.onState(await api.startLive(this.#body()));
      if (this.source === "browser") this.#sendFrames();
    } catch (error) {
      this.#closeBrowserCamera();
      toast(error.name === "NotAllowedError" ? "The browser was not allowed to use the camera: allow it at its address bar, and start again." : error.name === "NotFoundError" ? "This browser finds no camera: plug one in, and start again." : error.message, "error");
    }
  }

  async stop() {
    this.#closeBrowserCamera();
    try {
      this.onState(await api.stopLive());
    } catch (error) {
      toast(error.message, "error");
    }
  }

  async #openBrowserCamera() {
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH } }, audio: false });
    this.video = el("video", { muted: true, playsInline: true });
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  #closeBrowserCamera() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video = null;
  }

  /** Sends the newest picture of the camera, one at a time, and shows each painted one. */
  async #sendFrames() {
    const small = document.createElement("canvas");
    const shown = this.canvas.getContext("2d");
    let count = 0;
    while (this.stream && this.running) {
      const { videoWidth, videoHeight } = this.video;
      const scale = Math.min(1, WIDTH / videoWidth);
      Object.assign(small, { width: Math.round(videoWidth * scale), height: Math.round(videoHeight * scale) });
      const context = small.getContext("2d");
      if (this.mirror.checked) context.setTransform(-1, 0, 0, 1, small.width, 0);
      context.drawImage(this.video, 0, 0, small.width, small.height);
      const jpeg = await new Promise((done) => small.toBlob(done, "image/jpeg", 0.85));
      try {
        const picture = await createImageBitmap(await api.liveFrame(jpeg));
        Object.assign(this.canvas, { width: picture.width, height: picture.height });
        shown.drawImage(picture, 0, 0);
        picture.close();
        this.canvas.dataset.frames = String((count += 1));
      } catch (error) {
        if (error.status !== 429) {
          if (this.running) toast(error.message, "error");
          await this.stop();
          return;
        }
        await new Promise((done) => setTimeout(done, 30));
      }
    }
  }

  /** Hears what the server tells of the live painting. */
  onState(state) {
    const was = this.state.state;
    this.state = state;
    if (state.state === "failed" && was !== "failed") toast(state.error ? [state.error.what, state.error.why, state.error.hint].filter(Boolean).join("; ") : "The live painting ended.", "error");
    if (state.state !== was || !this.running) {
      for (const { name, input } of this.sliders) {
        if (this.running && typeof state[name] === "number") {
          input.value = String(state[name]);
          input.dispatchEvent(new Event("input"));
        }
      }
    }
    if (Array.isArray(state.styles) && state.styles.length && this.running) this.styles = state.styles;
    this.#drawStyles();
    this.#show();
  }

  /** The stream of pictures takes one of the few connections that a browser has: only while it can be seen. */
  setVisible(visible) {
    this.visible = visible;
    if (visible) this.updateCommand();
    this.#show();
  }

  #show() {
    const { running, state } = this;
    const source = running ? (state.source ?? this.source) : this.source;
    this.start.textContent = running ? "Stop" : "Start";
    this.start.classList.toggle("primary", !running);
    const machine = running && source === "camera";
    if (machine && this.visible && !this.picture.getAttribute("src")) this.picture.src = `/api/live/frames?${Date.now()}`;
    if (!machine || !this.visible) this.picture.removeAttribute("src");
    this.picture.hidden = !machine;
    this.canvas.hidden = !(running && source === "browser" && this.stream);
    this.idle.hidden = !this.picture.hidden || !this.canvas.hidden;
    this.cameraField.hidden = this.source !== "camera";
    const facts = [];
    if (state.state === "starting") facts.push("getting ready");
    if (running && state.fps) facts.push(`${state.fps.toFixed(1)} frames/s`);
    if (running && state.delay_ms) facts.push(`${Math.round(state.delay_ms)} ms behind`);
    if (running && state.dropped) facts.push(`${state.dropped} dropped`);
    this.facts.textContent = facts.join(" · ");
  }
}
