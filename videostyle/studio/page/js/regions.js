// Parts of the frame that are painted alone, or otherwise: their list, and drawing them on the picture.

import { byId, el, iconButton } from "./dom.js";
import { boxAt, newRegion, placeBox } from "./look.js";

const DRAWN = ["rectangle", "polygon"];
const NAMES = { rectangle: "Rectangle", polygon: "Polygon", color: "Colour", moving: "What moves", foreground: "What is in front", person: "Persons", faces: "Faces", mask: "Mask file" };
const GRIP = 9; // CSS pixels about a corner that take hold of it
const SMALLEST = 0.02; // side of a rectangle, share of the frame
const SVG = "http://www.w3.org/2000/svg";

const within = (value) => Math.min(1, Math.max(0, value));

export class Regions {
  constructor(store, stage) {
    this.store = store;
    this.stage = stage;
    this.drawing = null; // {kind, points}
    this.root = byId("regions");
    this.list = el("div", {});
    this.kinds = el("select", { "aria-label": "Add a region by kind", onchange: () => this.#addKind() });
    this.buttons = {
      rectangle: iconButton("rectangle", "Draw a rectangle on the picture", () => this.draw("rectangle"), { "aria-pressed": "false" }),
      polygon: iconButton("polygon", "Draw a polygon on the picture", () => this.draw("polygon"), { "aria-pressed": "false" }),
    };
    this.hint = el("p", { class: "muted small", role: "status" });
    this.root.append(el("div", { class: "region-head" }, el("h3", {}, "Regions"), el("div", { class: "region-adds" }, this.kinds, this.buttons.rectangle, this.buttons.polygon)), this.hint, this.list);
    stage.onplace = () => this.#drawShapes();
    store.on("config", () => this.#offer());
    store.on("look selectedRegion styles", () => this.#update());
    store.on("frame", () => this.#drawShapes());
    this.#offer();
    this.#update();
  }

  #offer() {
    const kinds = (this.store.config?.region_kinds ?? []).filter((kind) => !DRAWN.includes(kind) && kind !== "mask");
    this.kinds.replaceChildren(el("option", { value: "" }, "Add …"), ...kinds.map((kind) => el("option", { value: kind }, NAMES[kind] ?? kind)));
  }

  #addKind() {
    if (this.kinds.value) this.#add(newRegion(this.kinds.value));
    this.kinds.value = "";
  }

  #add(region) {
    this.store.change({ regions: [...this.store.look.regions, region] });
    this.store.set({ selectedRegion: region.id });
  }

  #remove(region) {
    this.store.change({ regions: this.store.look.regions.filter((one) => one.id !== region.id) });
    this.store.set({ selectedRegion: null });
  }

  /** Begins to draw, or ends it. */
  draw(kind) {
    this.drawing = this.drawing?.kind === kind || kind === null ? null : { kind, points: [] };
    if (this.drawing) this.store.set({ selectedRegion: null });
    this.#update();
  }

  /** Closes the polygon that is being drawn. */
  finish() {
    if (this.drawing?.kind !== "polygon") return;
    const { points } = this.drawing;
    this.drawing = null;
    if (points.length > 2) this.#add({ ...newRegion("polygon"), points });
    else this.#update();
  }

  #update() {
    const { look, selectedRegion } = this.store;
    for (const [kind, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(this.drawing?.kind === kind));
    const hints = { rectangle: "Drag over the picture.", polygon: "Click corner after corner; click the first again, or press Enter, to close it." };
    this.hint.textContent = this.drawing ? hints[this.drawing.kind] : "";
    this.hint.hidden = !this.drawing;
    this.stage.root.classList.toggle("drawing", this.drawing !== null);
    const region = this.store.region;
    this.stage.tool = this.drawing ? this.#drawTool() : region && DRAWN.includes(region.kind) ? this.#editTool() : null;
    const focus = document.activeElement?.id;
    this.list.replaceChildren(...look.regions.map((one) => this.#item(one, one.id === selectedRegion)));
    if (focus) byId(focus)?.focus();
    this.#drawShapes();
  }

  #item(region, selected) {
    const { store } = this;
    const change = (values) => store.changeRegion(region.id, values);
    const about = { limit: "only here", style: region.style ? store.titleOf(region.style) : "other style", strength: `${Math.round(region.strength * 100)} % strong` }[region.use];
    const name = `${NAMES[region.kind] ?? region.kind}: ${about}${region.invert ? ", inverted" : ""}`;
    const pick = el("button", { type: "button", class: "pick", id: `pick-${region.id}`, "aria-expanded": String(selected), onclick: () => store.set({ selectedRegion: selected ? null : region.id }) }, name);
    const item = el("div", { class: `region-item ${selected ? "selected" : ""}` }, el("div", { class: "region-row" }, pick, iconButton("trash", `Remove: ${name}`, () => this.#remove(region), { class: "icon-button small" })));
    if (!selected) return item;
    const id = (part) => `region-${part}-${region.id}`;
    const use = el("select", { id: id("use"), onchange: () => change({ use: use.value, style: region.style || store.styles.find((style) => style.name !== store.look.style)?.name }) },
      [["limit", "paint only here"], ["style", "another style"], ["strength", "another strength"]].map(([value, text]) => el("option", { value, selected: value === region.use }, text)));
    const more = [el("div", { class: "line" }, el("label", { for: id("use"), class: "unseen" }, "What happens in it"), use)];
    if (region.use === "style") {
      const style = el("select", { id: id("style"), "aria-label": "Style of the region", onchange: () => change({ style: style.value }) }, store.styles.map((one) => el("option", { value: one.name, selected: one.name === region.style }, one.painting || one.name)));
      more[0].append(style);
    }
    if (region.use === "strength") more[0].append(this.#number(id("strength"), "Strength in %", Math.round(region.strength * 100), 0, 100, (value) => change({ strength: value / 100 })));
    const line = el("div", { class: "line" },
      this.#check(id("invert"), "everything but it", region.invert, (invert) => change({ invert })),
      this.#number(id("feather"), "soft edge, px", region.feather ?? 6, 0, 500, (feather) => change({ feather })));
    more.push(line);
    if (region.kind === "rectangle") {
      const box = boxAt(region, store.frame);
      const sides = ["left", "top", "right", "bottom"];
      more.push(el("div", { class: "sides" }, sides.map((side, place) => this.#number(id(side), side, Math.round(box[place] * 100), 0, 100, (value) => change(placeBox(region, store.frame, box.map((old, one) => (one === place ? value / 100 : old)))), true))));
      more.push(this.#check(id("moves"), "moves: each place holds from its frame on", region.moves.length > 0, (moves) => change({ moves: moves ? [{ frame: store.frame, box }] : [], box })));
    }
    if (region.kind === "polygon") more.push(el("span", { class: "muted small" }, region.points.length ? `${region.points.length} corners; drag them on the picture` : "moves, as the job file says"));
    if (region.kind === "color") {
      const color = el("input", { type: "color", id: id("color"), value: region.color, "aria-label": "Which colour", onchange: () => change({ color: color.value }) });
      more.push(el("div", { class: "line" }, color, this.#number(id("within"), "how unlike", region.within, 1, 100, (value) => change({ within: value }))));
    }
    item.append(el("div", { class: "region-more" }, more));
    return item;
  }

  #check(id, text, checked, action) {
    const box = el("input", { type: "checkbox", id, checked, onchange: () => action(box.checked) });
    return el("label", { class: "check small", for: id }, box, text);
  }

  #number(id, text, value, low, high, action, short = false) {
    const input = el("input", { type: "number", id, min: String(low), max: String(high), value: String(value), "aria-label": short ? `${text} in % of the frame` : null });
    input.addEventListener("change", () => action(Math.min(high, Math.max(low, Number(input.value) || 0))));
    return el("label", { class: "check small", for: id }, short ? [`${text}, %`, input] : [input, text]);
  }

  /** What the pointer does while a region is drawn. */
  #drawTool() {
    const { drawing } = this;
    if (drawing.kind === "rectangle") {
      return {
        down: (at) => void (drawing.points = [at, at]),
        move: (at) => {
          drawing.points[1] = at;
          this.#drawShapes();
        },
        up: () => {
          const [a, b] = drawing.points;
          const box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])].map(within);
          this.drawing = null;
          if (box[2] - box[0] >= SMALLEST && box[3] - box[1] >= SMALLEST) this.#add({ ...newRegion("rectangle"), box });
          else this.#update();
        },
      };
    }
    return {
      down: (at) => {
        const first = drawing.points[0];
        if (first && drawing.points.length > 2 && this.#near(first, at)) this.finish();
        else drawing.points.push(at.map(within));
        this.#drawShapes();
      },
      hover: (at) => {
        drawing.next = at;
        this.#drawShapes();
      },
      move: () => {},
      up: () => {},
    };
  }

  #near(corner, at) {
    const { width, height } = this.stage.place();
    return Math.hypot((corner[0] - at[0]) * width, (corner[1] - at[1]) * height) < GRIP * 1.6;
  }

  /** Moves a chosen region, or one of its corners; a pointer that takes hold of neither moves the clip line. */
  #editTool() {
    let hold = null;
    const { id } = this.store.region;
    const edit = `region-${id}-${Date.now()}`;
    return {
      down: (at) => {
        const region = this.store.region;
        if (region.kind === "rectangle") {
          const box = boxAt(region, this.store.frame);
          const corner = [[0, 1], [2, 1], [2, 3], [0, 3]].find(([x, y]) => this.#near([box[x], box[y]], at));
          const inside = at[0] > box[0] && at[0] < box[2] && at[1] > box[1] && at[1] < box[3];
          if (!corner && !inside) return false;
          hold = { at, box, sides: corner ?? null };
        } else {
          const corner = region.points.findIndex((point) => this.#near(point, at));
          if (corner < 0) return false;
          hold = { corner };
        }
        return true;
      },
      move: (at) => {
        const region = this.store.region;
        if (!hold || !region) return;
        if (region.kind === "polygon") {
          const points = region.points.map((point, place) => (place === hold.corner ? at.map(within) : point));
          this.#changeQuietly(id, { points }, edit);
          return;
        }
        let box = [...hold.box];
        if (hold.sides) {
          const [x, y] = hold.sides;
          box[x] = within(x === 0 ? Math.min(at[0], box[2] - SMALLEST) : Math.max(at[0], box[0] + SMALLEST));
          box[y] = within(y === 1 ? Math.min(at[1], box[3] - SMALLEST) : Math.max(at[1], box[1] + SMALLEST));
        } else {
          const [x, y] = [at[0] - hold.at[0], at[1] - hold.at[1]];
          const dx = Math.min(1 - box[2], Math.max(-box[0], x));
          const dy = Math.min(1 - box[3], Math.max(-box[1], y));
          box = [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
        }
        this.#changeQuietly(id, placeBox(region, this.store.frame, box), edit);
      },
      up: () => {
        hold = null;
        this.store.settle();
        this.#update();
      },
    };
  }

  #changeQuietly(id, values, edit) {
    const { tool } = this.stage;
    this.store.changeRegion(id, values, edit);
    this.stage.tool = tool; // the hold goes on, although the list was made anew
  }

  #drawShapes() {
    const { overlay } = this.stage;
    const place = this.stage.place();
    const { look, selectedRegion, frame, clip } = this.store;
    overlay.replaceChildren();
    if (!clip) return;
    const point = ([x, y]) => [place.left + x * place.width, place.top + y * place.height];
    const shape = (corners, kind, closed = true) => {
      const path = document.createElementNS(SVG, closed ? "polygon" : "polyline");
      path.setAttribute("points", corners.map((corner) => point(corner).join(",")).join(" "));
      path.setAttribute("class", kind);
      overlay.append(path);
    };
    const corners = ([left, top, right, bottom]) => [[left, top], [right, top], [right, bottom], [left, bottom]];
    for (const region of look.regions) {
      const shown = region.kind === "rectangle" ? corners(boxAt(region, frame)) : region.points;
      if (!DRAWN.includes(region.kind) || shown.length < 3) continue;
      const chosen = region.id === selectedRegion;
      if (chosen) shape(shown, "region-shadow");
      shape(shown, chosen ? "region-shape" : "region-shape faint");
      if (chosen) shown.forEach((corner) => this.#grip(point(corner)));
    }
    if (this.drawing?.points.length) {
      const { kind, points, next } = this.drawing;
      const drawn = kind === "rectangle" ? corners([...points[0], ...points[1]]) : [...points, ...(next ? [next] : [])];
      shape(drawn, "region-shadow", kind === "rectangle");
      shape(drawn, "region-shape", kind === "rectangle");
      if (kind === "polygon") points.forEach((corner) => this.#grip(point(corner)));
    }
  }

  #grip([x, y]) {
    const grip = document.createElementNS(SVG, "circle");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 5, class: "region-grip" })) grip.setAttribute(name, value);
    this.stage.overlay.append(grip);
  }
}
