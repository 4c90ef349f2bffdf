// Saving the look as a job file, the TOML that `videostyle batch` reads, and loading one.

import * as api from "./api.js";
import { byId, copyText, el, iconButton, toast } from "./dom.js";
import { chooseFile } from "./files.js";
import { fromSettings, toSettings } from "./look.js";

/** Shows the TOML, to be copied or saved into a folder that the user named. */
export async function saveJob(store) {
  const { clip, look, fps, config } = store;
  if (!clip) return;
  const body = { id: clip.id, settings: toSettings(look, fps) };
  let written;
  try {
    written = await api.writeJob(body);
  } catch (error) {
    toast(error.message, "error");
    return;
  }
  const dialog = byId("files");
  const folders = config.folders.filter((folder) => folder.kind !== "uploads");
  const folder = el("select", { "aria-label": "Folder" }, folders.map((one) => el("option", { value: one.id }, one.name)));
  const name = el("input", { type: "text", "aria-label": "Name of the file", value: `${clip.name.replace(/\.[^.]*$/, "")}.toml`, spellcheck: "false" });
  const overwrite = el("input", { type: "checkbox", id: "job-overwrite" });
  const save = async () => {
    try {
      const answer = await api.writeJob({ ...body, file: `${folder.value}/${name.value}`, overwrite: overwrite.checked });
      dialog.close();
      toast(`Saved: ${answer.file}`);
    } catch (error) {
      toast(error.message, "error");
      dialog.append(byId("toasts")); // a modal dialog lies over everything that is outside it
    }
  };
  dialog.onclose = () => document.body.append(byId("toasts"));
  dialog.replaceChildren(
    el("div", { class: "dialog-head" }, el("h2", { id: "files-title" }, "Save as a job file"), iconButton("close", "Close", () => dialog.close())),
    el("div", { class: "dialog-body" }, el("p", { class: "muted small" }, "videostyle batch reads it."), el("pre", { class: "toml mono", tabindex: "0" }, written.toml)),
    el("div", { class: "dialog-foot" }, folder, name, el("label", { class: "check small", for: "job-overwrite" }, overwrite, "replace"), el("button", { type: "button", class: "button", onclick: () => copyText(written.toml) }, "Copy"), el("button", { type: "button", class: "button primary", onclick: save }, "Save")));
  dialog.showModal();
}

/** Takes the look of a job file; of the clip that is open, if the file names it, else of its first. */
export async function loadJob(store, openClip) {
  const entry = await chooseFile(store, "Load a job file", ["job"]);
  if (!entry) return;
  try {
    const { clips } = await api.readJob({ file: entry.id });
    const found = clips.find((clip) => clip.id === store.clip?.id) ?? clips[0];
    if (found.id && found.id !== store.clip?.id) await openClip(found.id);
    const settings = { ...found.settings, style: found.styles?.[0] ?? found.settings.style };
    store.change(fromSettings(settings, store.fps));
    store.set({ selectedKey: null, selectedRegion: null });
    toast(`Loaded: ${entry.name}`);
  } catch (error) {
    toast(error.message, "error");
  }
}
