// The losses of a training as lines that fall, on a logarithmic scale.

import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const NAMES = ["total", "content", "style", "temporal"];
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 220, 40, 24];

const node = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Mean over neighbours, so that the course can be seen through the noise of single steps. */
export function smoothed(values, width) {
  return values.map((_, place) => {
    const near = values.slice(Math.max(0, place - width), place + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

/** A figure with a line for each loss; `losses` are [step, total, content, style, temporal]. */
export function lossChart(losses, steps) {
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img" });
  if (losses.length < 2) {
    svg.append(node("text", { x: WIDTH / 2, y: HEIGHT / 2, class: "chart-text", "text-anchor": "middle" }, "The losses appear with the first steps."));
    svg.setAttribute("aria-label", "No losses yet");
    return el("figure", { class: "chart-figure" }, svg);
  }
  const last = Math.max(steps ?? 0, losses.at(-1)[0]);
  const lines = NAMES.map((name, at) => ({ name, values: smoothed(losses.map((row) => row[at + 1]), Math.ceil(losses.length / 30)) })).filter(({ values }) => values.some((value) => value > 0));
  const positive = lines.flatMap(({ values }) => values).filter((value) => value > 0);
  const [low, high] = [Math.min(...positive), Math.max(...positive)].map(Math.log10);
  const reach = Math.max(0.3, high - low);
  const x = (step) => LEFT + (step / last) * (WIDTH - LEFT - 8);
  const y = (value) => 8 + (1 - (Math.log10(Math.max(value, 10 ** low)) - low) / reach) * (HEIGHT - BOTTOM - 12);
  for (let power = Math.ceil(low); power <= high; power += 1) {
    svg.append(node("line", { x1: LEFT, x2: WIDTH - 8, y1: y(10 ** power), y2: y(10 ** power), class: "chart-grid" }));
    svg.append(node("text", { x: LEFT - 6, y: y(10 ** power) + 4, class: "chart-text", "text-anchor": "end" }, String(Number((10 ** power).toPrecision(1)))));
  }
  svg.append(node("line", { x1: LEFT, x2: WIDTH - 8, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "chart-axis" }));
  for (const step of [0, Math.round(last / 2), last]) svg.append(node("text", { x: x(step), y: HEIGHT - 7, class: "chart-text", "text-anchor": step === last ? "end" : step ? "middle" : "start" }, String(step)));
  for (const { name, values } of lines) svg.append(node("path", { class: `chart-line chart-${name}`, d: `M${values.map((value, at) => `${x(losses[at][0]).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}` }));
  const [first, now] = [lines[0].values[0], lines[0].values.at(-1)];
  svg.setAttribute("aria-label", `Losses over ${losses.at(-1)[0]} steps: in total from ${first.toPrecision(3)} to ${now.toPrecision(3)}`);
  const legend = el("figcaption", { class: "legend" }, lines.map(({ name, values }) => el("span", { class: `legend-${name}` }, `${name} ${values.at(-1).toPrecision(3)}`)));
  return el("figure", { class: "chart-figure" }, svg, legend);
}
