// The losses of a training as lines that fall: each in parts of what it was at first, on a logarithmic scale.

import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const NAMES = ["total", "content", "style", "temporal"];
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 220, 46, 24];

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
  const lines = NAMES.map((name, at) => ({ name, values: smoothed(losses.map((row) => row[at + 1]), Math.ceil(losses.length / 30)) }))
    .filter(({ values }) => values[0] > 0)
    .map(({ name, values }) => ({ name, values: values.map((value) => value / values[0]) }));
  const positive = lines.flatMap(({ values }) => values).filter((value) => value > 0);
  const [low, high] = [Math.min(...positive, 0.5), Math.max(...positive, 1.05)].map(Math.log10);
  const reach = high - low;
  const x = (step) => LEFT + (step / last) * (WIDTH - LEFT - 8);
  const y = (value) => 8 + (1 - (Math.log10(Math.max(value, 10 ** low)) - low) / reach) * (HEIGHT - BOTTOM - 12);
  for (const part of [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].filter((one) => Math.log10(one) >= low && Math.log10(one) <= high)) {
    svg.append(node("line", { x1: LEFT, x2: WIDTH - 8, y1: y(part), y2: y(part), class: "chart-grid" }));
    svg.append(node("text", { x: LEFT - 6, y: y(part) + 4, class: "chart-text", "text-anchor": "end" }, `${part * 100} %`));
  }
  svg.append(node("line", { x1: LEFT, x2: WIDTH - 8, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "chart-axis" }));
  for (const step of [0, Math.round(last / 2), last]) svg.append(node("text", { x: x(step), y: HEIGHT - 7, class: "chart-text", "text-anchor": step === last ? "end" : step ? "middle" : "start" }, String(step)));
  for (const { name, values } of lines) svg.append(node("path", { class: `chart-line chart-${name}`, d: `M${values.map((value, at) => `${x(losses[at][0]).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}` }));
  const shown = (value) => `${Number((value * 100).toPrecision(2))} %`;
  const told = lines.map(({ name, values }) => `${name} ${shown(values.at(-1))}`);
  svg.setAttribute("aria-label", `Losses over ${losses.at(-1)[0]} steps, in parts of what they were at first: ${told.join(", ")}`);
  const legend = el("figcaption", { class: "legend" }, lines.map(({ name }, at) => el("span", { class: `legend-${name}` }, told[at])));
  return el("figure", { class: "chart-figure" }, svg, legend);
}
