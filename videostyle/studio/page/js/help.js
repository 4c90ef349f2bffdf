// The page's keys, and where to read more.

import { byId, el, iconButton } from "./dom.js";

const KEYS = [
  ["Looking", [["Space", "play, pause"], [", .", "a frame back, on"], ["< >", "shot before, after"], ["Home End", "first, last frame"], ["← →", "clip line, when it is chosen"], ["o", "hold: the original alone"], ["+ - 0", "zoom in, out, fit"], ["Arrows", "another style, in the grid (Ctrl: only go there)"], ["e", "another painting"]]],
  ["Timeline", [["k", "key frame of the strength"], ["← →", "move a key frame (Shift: by 10)"], ["Ctrl C", "copy a key frame"], ["Ctrl V", "put it at this frame"], ["Delete", "delete a key frame"], ["Enter", "close a polygon"], ["Esc", "end drawing, let go"]]],
  ["Page", [["1 2 3 4", "look, renders, train, live"], ["r", "render"], ["Ctrl O", "open"], ["Ctrl Z", "undo (Shift: redo)"], ["Ctrl S", "save as a job file"], ["t", "light or dark"], ["?", "this"]]],
];

/** Opens the list of keys. */
export function showHelp(config) {
  const dialog = byId("help");
  const sections = KEYS.map(([title, keys]) => [el("h3", {}, title), el("dl", { class: "keys" }, keys.map(([names, text]) => el("div", {}, el("dt", {}, text), el("dd", {}, names.split(/(?<=\S) (?=\S)/).map((name) => [el("kbd", {}, name), " "])))))]);
  dialog.replaceChildren(
    el("div", { class: "dialog-head" }, el("h2", { id: "help-title" }, "Keys and help"), iconButton("close", "Close", () => dialog.close())),
    el("div", { class: "dialog-body" }, sections, el("p", { class: "muted small" }, "All that this page does, the command line does too: ", el("code", {}, "videostyle help"), ". Scripts can use ", el("a", { href: "/openapi.json", target: "_blank", rel: "noopener" }, "the HTTP interface"), ". Results lie in ", el("code", {}, config?.work_folder ?? "the work folder"), ".")));
  dialog.showModal();
}
