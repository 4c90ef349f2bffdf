// Starts the page: reads what the server has, makes the views, and gives keys to what they do.

import * as api from "./api.js";
import { CommandBar } from "./command.js";
import { Controls } from "./controls.js";
import { announce, byId, isTyping, toast } from "./dom.js";
import { acceptDrops, chooseFile, showWelcome } from "./files.js";
import { showHelp } from "./help.js";
import { loadJob, saveJob } from "./job_files.js";
import { Jobs } from "./jobs.js";
import { Live } from "./live.js";
import { newLook, toSettings } from "./look.js";
import { LookView } from "./look_view.js";
import { Regions } from "./regions.js";
import { Renders } from "./renders.js";
import { Store } from "./store.js";
import { StyleGrid } from "./styles.js";
import { startTheme, toggleTheme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { Train } from "./train.js";

const VIEWS = ["look", "renders", "train", "live"];
const FIRST_STYLE = "great-wave";

startTheme();
const store = new Store();
const events = new api.Events(["jobs", "job", "shots", "plan", "live"]);
const jobs = new Jobs(events);
const lookView = new LookView(store);
const grid = new StyleGrid(store);
const controls = new Controls(store);
const regions = new Regions(store, lookView.stage);
const timeline = new Timeline(store, { go: (frame) => lookView.go(frame), save: () => saveJob(store), load: () => loadJob(store, openClip) });
new CommandBar(store, { render });
const renders = new Renders(store, jobs, openView);
const train = new Train(store, jobs, { use: useStyle });
const live = new Live(store);

function currentView() {
  const named = location.hash.slice(1);
  return VIEWS.includes(named) ? named : "look";
}

function openView(name) {
  if (currentView() !== name) location.hash = name;
  else showView();
}

function showView() {
  const name = currentView();
  for (const view of VIEWS) {
    byId(`view-${view}`).hidden = view !== name;
    const link = document.querySelector(`.views a[data-view="${view}"]`);
    if (view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name !== "look") lookView.player.pause();
  if (name !== "renders") renders.player.pause();
  live.setVisible(name === "live");
  if (name === "look") grid.paintSoon();
  document.title = `${link_text(name)} - videostyle studio`;
}

const link_text = (name) => name[0].toUpperCase() + name.slice(1);

/** Opens a clip or photo by its file id. */
async function openClip(id) {
  try {
    const clip = await api.clip(id);
    store.set({ shots: null, selectedKey: null, selectedRegion: null });
    const kept = { ...newLook(store.look.style), mix: store.look.mix, strength: store.look.strength, canvas: store.look.canvas, stroke_size: store.look.stroke_size, colour: store.look.colour };
    store.past = [];
    store.future = [];
    store.frame = 0;
    store.look = kept;
    store.set({ clip });
    store.dispatchEvent(new Event("look"));
    byId("file-name").textContent = clip.name;
    localStorage.setItem("videostyle-clip", id);
    announce(`${clip.name} is open`);
    openView("look");
    if (!clip.still) findShots(clip);
  } catch (error) {
    toast(error.message, "error");
  }
}

async function findShots(clip) {
  try {
    takeShots({ id: clip.id, ...(await api.shots(clip.id)) });
  } catch (error) {
    console.warn(error.message);
  }
}

function takeShots(found) {
  if (found.id !== store.clip?.id || found.state !== "ready") return;
  if (found.frames && found.frames !== store.clip.frames) store.set({ clip: { ...store.clip, frames: found.frames } });
  store.set({ shots: found });
}

async function open() {
  const entry = await chooseFile(store, "Open a clip or photo", ["video", "picture"]);
  if (entry) openClip(entry.id);
}

async function render() {
  const { clip, look, fps } = store;
  if (!clip) return;
  const job = await jobs.tell(() => api.addJob({ kind: "render", id: clip.id, settings: toSettings(look, fps) }));
  if (job) openView("renders");
}

async function loadStyles() {
  const styles = await api.styles();
  store.set({ styles });
  if (!store.look.style) {
    store.look.style = (styles.find((style) => style.name === FIRST_STYLE) ?? styles[0])?.name ?? "";
    store.dispatchEvent(new Event("look"));
  }
}

async function useStyle(name) {
  await loadStyles();
  if (name) store.change({ style: name, mix: null });
  openView("look");
}

const undo = () => store.undo();
const redo = () => store.redo();

/** What a key does that no control has taken; true if it does anything. */
function press(event) {
  const { key, shiftKey } = event;
  if (event.ctrlKey || event.metaKey) {
    const commands = { z: shiftKey ? redo : undo, y: redo, o: open, s: () => saveJob(store), c: () => !getSelection().toString() && timeline.copy(), v: () => timeline.paste() };
    return commands[key.toLowerCase()]?.() ?? key.toLowerCase() in commands;
  }
  if (event.altKey) return false;
  if (VIEWS[Number(key) - 1] && currentView() !== "live") return openView(VIEWS[Number(key) - 1]) ?? true;
  const anywhere = { t: toggleTheme, "?": () => showHelp(store.config) };
  if (anywhere[key]) return anywhere[key]() ?? true;
  if (currentView() === "live") return /^[1-9]$/.test(key) ? (live.choose(Number(key) - 1) ?? true) : false;
  const shown = currentView() === "look" ? lookView : currentView() === "renders" && renders.shown ? renders : null;
  if (!shown) return false;
  const { player, stage, transport } = shown;
  const looking = {
    " ": () => (player.playing ? player.pause() : player.play()), ",": () => transport.step(-1), ".": () => transport.step(1),
    Home: () => transport.step(-player.frame), End: () => transport.step((player.source?.frames ?? 1)),
    "+": () => stage.zoomBy(1.5), "=": () => stage.zoomBy(1.5), "-": () => stage.zoomBy(1 / 1.5), 0: () => stage.fit(), o: () => stage.peek(true),
  };
  if (looking[key]) return looking[key]() ?? true;
  if (shown !== lookView) return false;
  const changing = { "<": () => timeline.jumpShot(-1), ">": () => timeline.jumpShot(1), e: () => controls.another(), k: () => timeline.add("strength"), r: render, Delete: () => timeline.remove(), Enter: () => regions.finish(), Escape: letGo };
  return changing[key] ? (changing[key]() ?? true) : false;
}

function letGo() {
  regions.draw(null);
  store.set({ selectedKey: null, selectedRegion: null });
}

addEventListener("keydown", (event) => {
  if (isTyping(event) || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const taken = event.target instanceof Element ? event.target.closest("button, a, input") : null;
  const chosen = taken?.getAttribute("aria-checked") === "true"; // the space bar would do nothing there
  if (taken?.matches("button, a") && !chosen && (event.key === " " || event.key === "Enter")) return;
  if (taken?.matches("input") && (event.key === "Home" || event.key === "End")) return;
  if (taken?.matches("[type=checkbox], [type=radio]") && event.key === " ") return;
  if (press(event) !== false) event.preventDefault();
});
addEventListener("keyup", (event) => {
  if (event.key !== "o") return;
  lookView.stage.peek(false);
  renders.stage.peek(false);
});
addEventListener("hashchange", showView);
byId("open-file").addEventListener("click", open);
byId("welcome-open").addEventListener("click", open);
byId("show-help").addEventListener("click", () => showHelp(store.config));
byId("undo").addEventListener("click", undo);
byId("redo").addEventListener("click", redo);
store.on("look clip", () => {
  byId("undo").disabled = !store.past.length;
  byId("redo").disabled = !store.future.length;
});
acceptDrops((entry) => {
  if (currentView() === "train") train.take(entry);
  else openClip(entry.id);
});
events.listen("connection", (connected) => (byId("offline").hidden = connected));
events.listen("shots", takeShots);
events.listen("plan", (plan) => lookView.onPlan(plan));
events.listen("live", (state) => live.onState(state));
jobs.addEventListener("finished", ({ detail }) => detail.kind === "train" && detail.state === "done" && loadStyles());

showView();
try {
  const config = await api.config();
  store.set({ config });
  await loadStyles();
  const last = localStorage.getItem("videostyle-clip");
  if (config.opened) await openClip(config.opened);
  else {
    byId("welcome").hidden = false;
    byId("view-look").classList.add("empty");
    await showWelcome(store, (entry) => openClip(entry.id));
    if (last && sessionStorage.getItem("videostyle-open") === last) await openClip(last); // the page was reloaded
  }
  live.onState(await api.live());
} catch (error) {
  toast(error.message, "error");
}
store.on("clip", () => store.clip && sessionStorage.setItem("videostyle-open", store.clip.id));
document.documentElement.dataset.ready = "true"; // tests wait for it
