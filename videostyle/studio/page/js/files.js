// Choosing a file from the folders that the user named, and dropping one onto the page.

import * as api from "./api.js";
import { announce, byId, el, icon, iconButton, spokenSize, toast } from "./dom.js";

const ICONS = { folder: "folder", video: "film", picture: "picture", job: "file" };

/** The rows of a folder; `choose(entry)` is called with a file, `enter(folder, path)` with a folder. */
function rows(folder, listing, kinds, choose, enter) {
  const shown = listing.entries.filter((entry) => entry.kind === "folder" || kinds.includes(entry.kind));
  if (!shown.length) return el("p", { class: "muted" }, "There is nothing of that kind in this folder.");
  return el("ul", { class: "file-list" }, shown.map((entry) => {
    const pictured = entry.kind === "video" || entry.kind === "picture";
    const image = pictured
      ? el("img", { alt: "", loading: "lazy", src: api.frameUrl(entry.id, 0, 128), onerror: (event) => event.target.replaceWith(el("span", { class: "file-icon" }, icon(ICONS[entry.kind]))) })
      : el("span", { class: "file-icon" }, icon(ICONS[entry.kind] ?? "file"));
    const open = () => (entry.kind === "folder" ? enter(folder, entry.path) : choose(entry));
    return el("li", {}, el("button", { type: "button", class: "file-row", onclick: open }, image, el("span", { class: "name" }, entry.name), el("span", { class: "muted small" }, entry.kind === "folder" ? "" : spokenSize(entry.size))));
  }));
}

/** A dialog in which a file is chosen: gives its entry, or null. `kinds` are "video", "picture", "job". */
export function chooseFile(store, title, kinds) {
  const dialog = byId("files");
  return new Promise((resolve) => {
    let chosen = null;
    const body = el("div", { class: "dialog-body" });
    const finish = (entry) => {
      chosen = entry;
      dialog.close();
    };
    const enter = async (folder, path = "") => {
      try {
        const listing = await api.files(folder.id, path);
        const parts = path.split("/").filter(Boolean);
        const crumbs = el("nav", { class: "crumbs", "aria-label": "Folder" },
          store.config.folders.map((one) => el("button", { type: "button", class: "button quiet small", "aria-current": one.id === folder.id ? "true" : null, onclick: () => enter(one) }, one.name)),
          parts.map((part, place) => [el("span", { class: "muted" }, "/"), el("button", { type: "button", class: "button quiet small", onclick: () => enter(folder, parts.slice(0, place + 1).join("/")) }, part)]));
        body.replaceChildren(crumbs, rows(folder, listing, kinds, finish, enter));
      } catch (error) {
        body.replaceChildren(el("p", {}, error.message));
      }
    };
    const accept = kinds.includes("video") ? "video/*,image/*" : kinds.includes("picture") ? "image/*" : ".toml";
    const input = el("input", { type: "file", accept, hidden: true, "aria-label": "A file of this computer", onchange: async () => {
      const uploaded = input.files[0] && (await uploadFile(input.files[0]));
      if (uploaded) finish(uploaded);
    } });
    const foot = kinds.includes("job") ? [] : [el("button", { type: "button", class: "button", onclick: () => input.click() }, "From elsewhere …"), el("span", { class: "muted small" }, "is copied into the studio's work folder"), input];
    dialog.replaceChildren(
      el("div", { class: "dialog-head" }, el("h2", { id: "files-title" }, title), iconButton("close", "Close", () => dialog.close())),
      body, foot.length ? el("div", { class: "dialog-foot" }, foot) : "");
    dialog.onclose = () => resolve(chosen);
    dialog.showModal();
    enter(store.config.folders[0]);
  });
}

/** Sends a file to the work folder with its progress shown: gives its entry, or null. */
export async function uploadFile(file) {
  const bar = el("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
  const stop = new AbortController();
  const note = el("div", { class: "toast", role: "status" }, el("span", {}, `Sending ${file.name}`, bar), iconButton("close", "Stop sending", () => stop.abort()));
  byId("toasts").append(note);
  try {
    const entry = await api.upload(file, (share) => (bar.value = share), stop.signal);
    announce(`${file.name} has arrived`);
    return entry;
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, "error");
    return null;
  } finally {
    note.remove();
  }
}

/** Takes files that are dropped anywhere on the page. */
export function acceptDrops(action) {
  const sign = byId("drop");
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    sign.hidden = false;
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    sign.hidden = depth === 0;
  });
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    sign.hidden = true;
    const [file] = event.dataTransfer.files;
    const uploaded = file && (await uploadFile(file));
    if (uploaded) action(uploaded);
  });
}

/** Files of the first folder on the welcome page. */
export async function showWelcome(store, open) {
  const root = byId("welcome-files");
  const named = store.config.folders.filter((folder) => folder.kind === "named");
  for (const folder of named.slice(0, 1)) {
    const enter = async (one, path = "") => {
      try {
        const listing = await api.files(one.id, path);
        const up = path ? el("button", { type: "button", class: "button quiet small", onclick: () => enter(one, listing.parent ?? "") }, "Up") : "";
        root.replaceChildren(el("div", { class: "panel-head" }, el("h2", {}, path ? `${one.name}/${path}` : one.name), up), rows(one, listing, ["video", "picture"], open, enter));
      } catch (error) {
        root.replaceChildren(el("p", { class: "muted" }, error.message));
      }
    };
    await enter(folder);
  }
}
