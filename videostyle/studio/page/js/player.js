// Brings pairs of frames, original and painted, onto a stage: the newest asked for, or one after the other.

import { Newest, isAbort } from "./api.js";

const REST = 220; // milliseconds without a change after which a frame is painted exactly
const KEPT = 96e6; // bytes of compressed pictures that are kept

/** Compressed pictures by their key; those that were not used for longest are forgotten first. */
export class PictureCache {
  constructor(limit = KEPT) {
    this.limit = limit;
    this.bytes = 0;
    this.kept = new Map();
  }

  get(key) {
    const blob = this.kept.get(key);
    if (blob) {
      this.kept.delete(key);
      this.kept.set(key, blob);
    }
    return blob;
  }

  has(key) {
    return this.kept.has(key);
  }

  set(key, blob) {
    if (this.kept.has(key)) this.bytes -= this.kept.get(key).size;
    this.kept.set(key, blob);
    this.bytes += blob.size;
    for (const [old, dropped] of this.kept) {
      if (this.bytes <= this.limit) break;
      this.kept.delete(old);
      this.bytes -= dropped.size;
    }
  }
}

/**
 * Shows frames of a source: `{key, frames, fps, size: [w, h], before(frame, signal, order), after(frame, signal, order, quick)}`;
 * both give `{picture: Blob}`. `key` says what `after` depends on, `beforeKey` what `before` does.
 */
export class Player extends EventTarget {
  constructor(stage, name) {
    super();
    this.stage = stage;
    this.cache = new PictureCache();
    this.asks = { before: new Newest(`${name}-before`), after: new Newest(`${name}-after`), play: new Newest(`${name}-play`) };
    this.source = null;
    this.frame = 0;
    this.playing = false;
    this.painted = []; // times at which frames were shown while playing
    this.latency = 0.2; // seconds that a painted frame takes
  }

  /** Takes another source, or the same with another painting, and shows the frame; `quick` as in `show`. */
  open(source, frame = this.frame, quick = false) {
    const another = source?.beforeKey !== this.source?.beforeKey;
    this.source = source;
    if (another) {
      this.stage.clear();
      this.pause();
    }
    if (source) this.show(Math.min(frame, source.frames - 1), quick);
    else this.stage.clear();
  }

  #key(side, frame) {
    return `${side}|${side === "before" ? this.source.beforeKey : this.source.key}|${frame}`;
  }

  async #fetch(side, frame, newest, quick = false) {
    const key = this.#key(side, frame);
    const kept = this.cache.get(key);
    if (kept) return kept;
    const { source } = this;
    const answer = await newest.ask((signal, order) => source[side](frame, signal, order, quick));
    if (!answer) return null;
    if (!quick) this.cache.set(key, answer.picture);
    if (side === "after") this.dispatchEvent(new CustomEvent("painted", { detail: answer }));
    return answer.picture;
  }

  /**
   * Shows a frame: the original as soon as it is there, the painting when it is. A `quick` one is less exact, and painted
   * again when nothing has changed for a moment.
   */
  async show(frame, quick = false) {
    if (!this.source) return;
    clearTimeout(this.settling);
    this.frame = frame;
    this.dispatchEvent(new Event("frame"));
    this.dispatchEvent(new CustomEvent("state", { detail: "painting" }));
    const { source } = this;
    const current = () => this.source === source && this.frame === frame;
    const wait = setTimeout(() => current() && this.dispatchEvent(new CustomEvent("busy", { detail: true })), 150);
    const bring = async (side) => {
      const blob = await this.#fetch(side, frame, this.asks[side], quick && side === "after");
      if (!blob || !current()) return;
      const bitmap = await createImageBitmap(blob);
      if (!current()) return bitmap.close();
      if (side === "before") this.stage.show(bitmap, null, source.size);
      else this.stage.show(null, bitmap, source.size);
    };
    try {
      await Promise.all([bring("before"), bring("after")]);
      if (current()) {
        this.dispatchEvent(new Event("shown"));
        this.dispatchEvent(new CustomEvent("state", { detail: quick ? "quick" : "painted" }));
      }
    } catch (error) {
      if (current() && !isAbort(error)) this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    } finally {
      clearTimeout(wait);
      if (current()) {
        this.dispatchEvent(new CustomEvent("busy", { detail: false }));
        if (quick) this.settling = setTimeout(() => current() && !this.playing && this.show(frame), REST);
      }
    }
  }

  /** Paints the frame anew, as when a plan has made it exact. */
  refresh() {
    if (!this.source) return;
    this.cache = new PictureCache();
    this.show(this.frame);
  }

  play() {
    if (this.playing || !this.source || this.source.frames < 2) return;
    this.playing = true;
    clearTimeout(this.settling);
    this.dispatchEvent(new Event("playing"));
    const begun = performance.now();
    const first = this.frame >= this.source.frames - 1 ? 0 : this.frame;
    const due = () => first + ((performance.now() - begun) / 1000) * this.source.fps;
    this.run = Symbol("run");
    this.#paintAhead(this.run, due);
    this.#display(this.run, due);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.run = null;
    this.asks.play.stop();
    this.dispatchEvent(new Event("playing"));
    this.show(this.frame);
  }

  /** Fetches the next frame that is not there yet and is not due before it can be; each round fills more gaps. */
  async #paintAhead(run, due) {
    while (this.run === run) {
      const { frames, fps } = this.source;
      const from = Math.ceil(due() + this.latency * fps);
      let next = null;
      for (let ahead = 0; ahead < Math.min(frames, fps * 4) && next === null; ahead += 1) {
        const frame = (from + ahead) % frames;
        if (!this.cache.has(this.#key("after", frame)) || !this.cache.has(this.#key("before", frame))) next = frame;
      }
      if (next === null) {
        await new Promise((done) => setTimeout(done, 40));
        continue;
      }
      const asked = performance.now();
      try {
        await Promise.all([this.#fetch("after", next, this.asks.play), this.#fetch("before", next, this.asks.before)]);
      } catch (error) {
        if (this.run !== run) return;
        this.pause();
        this.dispatchEvent(new CustomEvent("failed", { detail: error }));
        return;
      }
      this.latency = 0.7 * this.latency + 0.3 * Math.min(2, (performance.now() - asked) / 1000);
    }
  }

  /** Shows, at each refresh of the screen, the latest pair that is there and due. */
  async #display(run, due) {
    let shown = -1;
    this.painted = [];
    while (this.run === run) {
      const { source } = this;
      const now = Math.floor(due());
      let found = null;
      for (let back = 0; back < source.fps * 2 && now - back > shown && found === null; back += 1) {
        const frame = (((now - back) % source.frames) + source.frames) % source.frames;
        if (this.cache.has(this.#key("after", frame)) && this.cache.has(this.#key("before", frame))) found = [now - back, frame];
      }
      if (found) {
        const blobs = ["before", "after"].map((side) => this.cache.get(this.#key(side, found[1])));
        const pair = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
        if (this.run !== run) return pair.forEach((bitmap) => bitmap.close());
        [shown, this.frame] = found;
        this.stage.show(...pair, source.size);
        this.painted.push(performance.now());
        this.dispatchEvent(new Event("frame"));
      }
      await new Promise(requestAnimationFrame);
    }
  }

  /** Frames a second that are shown while playing. */
  get rate() {
    const now = performance.now();
    this.painted = this.painted.filter((time) => now - time < 2000);
    return this.painted.length / 2;
  }
}
