// The state of the page: what is looked at, and what it is painted with. Views listen to the names that they show.

import { newLook } from "./look.js";

const STEPS = 100; // changes that can be taken back

export class Store extends EventTarget {
  constructor() {
    super();
    this.clip = null; // as /api/clip says
    this.frame = 0;
    this.look = newLook();
    this.shots = null;
    this.playing = false;
    this.selectedKey = null; // id
    this.selectedRegion = null; // id
    this.styles = [];
    this.config = null;
    this.past = [];
    this.future = [];
    this.lastEdit = "";
  }

  /** Sets values, and tells those who listen to any of their names. */
  set(values) {
    const changed = Object.keys(values).filter((name) => this[name] !== values[name]);
    Object.assign(this, values);
    for (const name of changed) this.dispatchEvent(new Event(name));
  }

  /** Calls `action` when one of the names changes. */
  on(names, action) {
    for (const name of names.split(" ")) this.addEventListener(name, action);
  }

  /**
   * Changes the look; it can be taken back. Changes of the same `edit` one after the other, as a slider that is dragged,
   * are taken back together.
   */
  change(values, edit = "") {
    if (!edit || edit !== this.lastEdit) this.past.push(this.look);
    if (this.past.length > STEPS) this.past.shift();
    this.future = [];
    this.lastEdit = edit;
    this.set({ look: { ...this.look, ...values } });
  }

  /** Ends an edit: the next change is a step of its own. */
  settle() {
    this.lastEdit = "";
  }

  undo() {
    if (!this.past.length) return false;
    this.future.push(this.look);
    this.lastEdit = "";
    this.set({ look: this.past.pop() });
    return true;
  }

  redo() {
    if (!this.future.length) return false;
    this.past.push(this.look);
    this.lastEdit = "";
    this.set({ look: this.future.pop() });
    return true;
  }

  get region() {
    return this.look.regions.find((region) => region.id === this.selectedRegion) ?? null;
  }

  get key() {
    return this.look.keys.find((key) => key.id === this.selectedKey) ?? null;
  }

  changeRegion(id, values, edit = "") {
    this.change({ regions: this.look.regions.map((region) => (region.id === id ? { ...region, ...values } : region)) }, edit);
  }

  changeKey(id, values, edit = "") {
    this.change({ keys: this.look.keys.map((key) => (key.id === id ? { ...key, ...values } : key)) }, edit);
  }

  get fps() {
    return this.clip?.fps || 25;
  }

  get frames() {
    return this.clip?.still ? 1 : Math.max(1, this.clip?.frames ?? 1);
  }

  styleOf(name) {
    return this.styles.find((style) => style.name === name) ?? null;
  }

  /** The title of a style's painting, or its name. */
  titleOf(name) {
    return this.styleOf(name)?.painting || name;
  }
}
