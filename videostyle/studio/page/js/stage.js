// The picture: original and painting on one canvas, and the clip line between them; zoom and pan.

import { el, iconButton } from "./dom.js";

const LARGEST_ZOOM = 16;
const STEP = 0.02; // of the clip line, for an arrow key

export class Stage {
  /**
   * @param root element that is filled; @param names what stands left and right of the line.
   */
  constructor(root, names = ["Original", "Painted"]) {
    this.root = root;
    this.names = names;
    this.before = null; // ImageBitmap
    this.after = null;
    this.split = 0.5;
    this.zoom = 1;
    this.offset = [0, 0]; // of the picture's middle from the stage's, in CSS pixels
    this.size = [16, 9]; // of the picture
    this.pointers = new Map();
    this.tool = null; // {down, move, up}: takes the pointer instead, in shares of the picture; `down` may give false
    this.peeking = false;
    this.canvas = el("canvas", { class: "stage-canvas", role: "img", "aria-label": "The picture: original left of the clip line, painting right of it" });
    this.overlay = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.overlay.setAttribute("class", "stage-overlay");
    this.overlay.setAttribute("aria-hidden", "true");
    this.line = el("div", {
      class: "clip-line", role: "slider", tabindex: "0", "aria-label": "Clip line between original and painting",
      "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100", onkeydown: (event) => this.#lineKey(event),
    }, el("span", { class: "clip-knob" }));
    this.tags = names.map((name, side) => el("span", { class: `stage-tag ${side ? "stage-tag-right" : ""}`, "aria-hidden": "true" }, name));
    this.status = el("span", { class: "stage-status", hidden: true });
    this.tools = el("div", { class: "stage-tools", role: "group", "aria-label": "Zoom" },
      iconButton("minus", "Zoom out (-)", () => this.zoomBy(1 / 1.5)),
      (this.zoomText = el("button", { type: "button", class: "zoom-text", title: "Fit the picture (0)", "aria-label": "Fit the picture", onclick: () => this.fit() }, "Fit")),
      iconButton("plus", "Zoom in (+)", () => this.zoomBy(1.5)));
    root.append(this.canvas, this.overlay, ...this.tags, this.status, this.line, this.tools);
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, (event) => this.#up(event));
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    root.addEventListener("dblclick", (event) => {
      if (event.target.closest(".stage-tools, .clip-line") || this.tool) return;
      if (this.zoom > 1) this.fit();
      else this.zoomBy(Math.max(2, this.size[0] / this.#fitted()[0]), [event.clientX, event.clientY]);
    });
    new ResizeObserver(() => this.draw()).observe(root);
    this.setSplit(0.5);
  }

  /** Shows a pair of pictures; null leaves that side as it is. */
  show(before, after, size = null) {
    if (before && before !== this.before) {
      this.before?.close();
      this.before = before;
    }
    if (after && after !== this.after) {
      this.after?.close();
      this.after = after;
    }
    if (size) {
      this.size = size;
      this.root.style.setProperty("--ratio", String(size[0] / size[1]));
    }
    this.draw();
  }

  clear() {
    this.before?.close();
    this.after?.close();
    this.before = this.after = null;
    this.fit();
  }

  /** Text at the foot of the picture, as "painting"; "" hides it. */
  say(text, busy = false) {
    this.status.hidden = !text;
    this.status.textContent = text;
    this.status.classList.toggle("busy", busy);
  }

  setSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    const percent = Math.round(this.split * 100);
    this.line.setAttribute("aria-valuenow", String(percent));
    this.line.setAttribute("aria-valuetext", `${percent} % ${this.names[0].toLowerCase()}, ${100 - percent} % ${this.names[1].toLowerCase()}`);
    this.draw();
  }

  /** Shows the original alone while a key or button is held. */
  peek(on) {
    this.peeking = on;
    this.draw();
  }

  #fitted() {
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    const scale = Math.min(width / this.size[0], height / this.size[1]);
    return [this.size[0] * scale, this.size[1] * scale];
  }

  /** Left, top, width and height of the picture on the stage, in CSS pixels. */
  place() {
    const [width, height] = this.#fitted().map((side) => side * this.zoom);
    const left = (this.root.clientWidth - width) / 2 + this.offset[0];
    const top = (this.root.clientHeight - height) / 2 + this.offset[1];
    return { left, top, width, height };
  }

  fit() {
    this.zoom = 1;
    this.offset = [0, 0];
    this.draw();
  }

  /** Zooms about a point of the window; the middle of the stage without one. */
  zoomBy(factor, point = null) {
    const bounds = this.root.getBoundingClientRect();
    const [x, y] = point ? [point[0] - bounds.left - bounds.width / 2, point[1] - bounds.top - bounds.height / 2] : [0, 0];
    const zoom = Math.min(LARGEST_ZOOM, Math.max(1, this.zoom * factor));
    const by = zoom / this.zoom;
    this.offset = [x - (x - this.offset[0]) * by, y - (y - this.offset[1]) * by];
    this.zoom = zoom;
    this.draw();
  }

  panBy(x, y) {
    this.offset = [this.offset[0] + x, this.offset[1] + y];
    this.draw();
  }

  #keepInside() {
    const fitted = this.#fitted();
    const sides = [this.root.clientWidth, this.root.clientHeight];
    this.offset = this.offset.map((offset, axis) => {
      const free = Math.max(0, (fitted[axis] * this.zoom - sides[axis]) / 2);
      return Math.min(free, Math.max(-free, offset));
    });
  }

  draw() {
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    if (!width || !height) return;
    this.#keepInside();
    const density = devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== wide || this.canvas.height !== high) Object.assign(this.canvas, { width: wide, height: high });
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, wide, high);
    const place = this.place();
    const visible = [Math.max(0, place.left), Math.min(width, place.left + place.width)];
    const at = visible[0] + (visible[1] - visible[0]) * this.split;
    context.imageSmoothingEnabled = this.zoom * this.#fitted()[0] < this.size[0] * 4;
    context.imageSmoothingQuality = "high";
    const paint = (picture, from, to) => {
      if (!picture || to <= from) return;
      context.save();
      context.beginPath();
      context.rect(from * density, 0, (to - from) * density, high);
      context.clip();
      context.drawImage(picture, place.left * density, place.top * density, place.width * density, place.height * density);
      context.restore();
    };
    if (this.peeking || !this.after) paint(this.before ?? this.after, 0, width);
    else {
      paint(this.before, 0, at);
      paint(this.after, at, width);
    }
    const empty = !this.before && !this.after;
    this.line.hidden = empty || this.peeking || !this.after;
    this.tools.hidden = empty;
    this.line.style.left = `${at}px`;
    this.line.style.top = `${Math.max(0, place.top)}px`;
    this.line.style.height = `${Math.min(height, place.top + place.height) - Math.max(0, place.top)}px`;
    this.tags.forEach((tag, side) => {
      tag.hidden = empty || !this.after || (this.peeking && side === 1) || (!this.peeking && (side ? visible[1] - at : at - visible[0]) < 76);
      tag.style.top = `${Math.max(0, place.top) + 10}px`;
      if (side) tag.style.right = `${width - visible[1] + 10}px`;
      else tag.style.left = `${visible[0] + 10}px`;
    });
    this.zoomText.textContent = this.zoom > 1 ? `${this.zoom.toFixed(1)}×` : "Fit";
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.onplace?.(place);
  }

  /** Shares of the picture for a point of the window. */
  toPicture(event) {
    const bounds = this.root.getBoundingClientRect();
    const place = this.place();
    return [(event.clientX - bounds.left - place.left) / place.width, (event.clientY - bounds.top - place.top) / place.height];
  }

  #lineTo(event) {
    const bounds = this.root.getBoundingClientRect();
    const place = this.place();
    const visible = [Math.max(0, place.left), Math.min(this.root.clientWidth, place.left + place.width)];
    this.setSplit((event.clientX - bounds.left - visible[0]) / (visible[1] - visible[0]));
  }

  #down(event) {
    if (event.target.closest("button") || (event.button !== 0 && event.pointerType === "mouse")) return;
    this.root.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const onLine = event.target.closest(".clip-line") !== null;
    if (onLine) this.line.focus({ preventScroll: true });
    if (this.pointers.size > 1) this.action = "pinch";
    else if (onLine) this.action = "line";
    else if (this.tool && this.tool.down(this.toPicture(event), event) !== false) this.action = "tool";
    else this.action = this.zoom > 1 ? "pan" : "line";
    this.root.classList.toggle("panning", this.action === "pan");
    if (this.action === "line" && !onLine) this.#lineTo(event);
    event.preventDefault();
  }

  #move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      if (this.tool) this.tool.hover?.(this.toPicture(event));
      return;
    }
    const now = [event.clientX, event.clientY];
    if (this.action === "pinch" && this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      this.zoomBy(apart(now) / Math.max(1, apart(last)), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
      this.panBy((now[0] - last[0]) / 2, (now[1] - last[1]) / 2);
    } else if (this.action === "pan") this.panBy(now[0] - last[0], now[1] - last[1]);
    else if (this.action === "line") this.#lineTo(event);
    else if (this.action === "tool") this.tool?.move(this.toPicture(event), event);
    this.pointers.set(event.pointerId, now);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.action === "tool") this.tool?.up(this.toPicture(event), event);
    if (!this.pointers.size) {
      this.action = null;
      this.root.classList.remove("panning");
    }
  }

  #wheel(event) {
    const scrolls = document.documentElement.scrollHeight > innerHeight + 1; // then the wheel alone scrolls the page
    if (scrolls && !event.ctrlKey) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), [event.clientX, event.clientY]);
  }

  #lineKey(event) {
    const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -0.1, PageUp: 0.1 };
    let split = null;
    if (event.key in steps) split = this.split + steps[event.key] * (event.shiftKey ? 5 : 1);
    else if (event.key === "Home") split = 0;
    else if (event.key === "End") split = 1;
    if (split === null || event.ctrlKey || event.metaKey || event.altKey) return;
    this.setSplit(split);
    event.preventDefault();
    event.stopPropagation();
  }
}
