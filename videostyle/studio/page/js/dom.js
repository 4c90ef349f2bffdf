// Small helpers for the document: making elements, telling what happens, writing times.

/** An element with attributes, listeners (onclick: function), and children (elements or text). */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** An icon of the sprite in index.html; hidden from screen readers, which read the label of its button. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button with an icon and no text; `label` is read out and shown as a tooltip. */
export function iconButton(name, label, onclick, extra = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

/** Says something to screen readers, without showing it. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Shows a short message at the head of the page; errors stay until they are closed. */
export function toast(text, kind = "info") {
  const note = el("div", { class: `toast toast-${kind}`, role: kind === "error" ? "alert" : "status" }, el("span", {}, text));
  const close = () => note.remove();
  note.append(iconButton("close", "Close this message", close));
  const shown = byId("toasts");
  [...shown.children].find((other) => other.textContent === text)?.remove(); // the same again
  while (shown.children.length > 2) shown.firstChild.remove();
  shown.append(note);
  if (kind !== "error") setTimeout(close, 5000);
}

/** Seconds as 1:02.40, or 1:00:02.40 from an hour on. */
export function clockTime(seconds) {
  const hundredths = Math.max(0, Math.round(seconds * 100));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(hundredths / 6000);
  const rest = `${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** A duration in words: "40 s", "3 min", "2 h 05 min". */
export function spokenTime(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes in words. */
export function spokenSize(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** A function that waits until it was not called for `delay` milliseconds. */
export function debounced(delay, action) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delay);
  };
}

/** Whether a key press belongs to a control that takes text or arrows itself. */
export function isTyping(event) {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  return target.closest("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog") !== null;
}

/** Moves a range input's coloured part to its value. */
export function fillRange(input) {
  const low = Number(input.min || 0);
  const high = Number(input.max || 100);
  input.style.setProperty("--fill", `${((Number(input.value) - low) / (high - low)) * 100}%`);
}

/** Copies text, and says so. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("The browser does not allow copying here: select the text and press Ctrl+C.", "error");
  }
}
