// Light or dark: as the system says, until the user says otherwise.

import { byId, icon } from "./dom.js";

const KEY = "videostyle-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

function show() {
  const button = byId("theme");
  button.setAttribute("aria-pressed", String(isDark()));
  button.replaceChildren(icon(isDark() ? "sun" : "moon"));
}

/** Changes between light and dark. */
export function toggleTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(KEY, theme);
  show();
}

/** Takes the choice of earlier visits. */
export function startTheme() {
  const kept = localStorage.getItem(KEY);
  if (kept) document.documentElement.dataset.theme = kept;
  byId("theme").addEventListener("click", toggleTheme);
  system.addEventListener("change", show);
  show();
}
