// Playing and scrubbing: buttons, scrubber and time of a player.

import { clockTime, fillRange, icon, iconButton, el } from "./dom.js";

/**
 * Fills `root` with the controls of `player`. Returns {update}: to be called when its source has changed.
 * `go(frame)` shows a frame; `extra` are elements that stand at the end.
 */
export function makeTransport(root, player, { go, extra = [] }) {
  const play = iconButton("play", "Play (space)", () => (player.playing ? player.pause() : player.play()), { class: "icon-button play" });
  const back = iconButton("back", "One frame back (,)", () => step(-1));
  const next = iconButton("next", "One frame on (.)", () => step(1));
  const scrub = el("input", {
    type: "range", class: "scrub", min: "0", max: "0", step: "1", value: "0", "aria-label": "Frame",
    oninput: () => {
      player.pause();
      go(Number(scrub.value));
    },
  });
  const time = el("span", { class: "time" });
  const rate = el("span", { class: "muted small", "aria-live": "off" });
  root.append(play, back, next, scrub, time, el("span", { class: "spring" }), rate, ...extra);

  const step = (by) => {
    player.pause();
    const last = (player.source?.frames ?? 1) - 1;
    go(Math.min(last, Math.max(0, player.frame + by)));
  };

  const show = () => {
    const { source, frame } = player;
    if (!source) return;
    scrub.value = String(frame);
    fillRange(scrub);
    const at = clockTime(frame / source.fps);
    scrub.setAttribute("aria-valuetext", `frame ${frame} of ${source.frames}, ${at}`);
    time.replaceChildren(el("span", {}, at), el("span", { class: "muted" }, `${frame} / ${source.frames - 1}`));
    rate.textContent = player.playing ? `${Math.round(player.rate)} frames/s` : "";
  };

  const update = () => {
    const { source } = player;
    root.hidden = !source;
    if (!source) return;
    const still = source.frames < 2;
    for (const part of [play, back, next, scrub, time]) part.hidden = still;
    scrub.max = String(source.frames - 1);
    show();
  };

  player.addEventListener("frame", show);
  player.addEventListener("playing", () => {
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    const label = player.playing ? "Pause (space)" : "Play (space)";
    play.setAttribute("aria-label", label);
    play.title = label;
    show();
  });
  return { update, step };
}
