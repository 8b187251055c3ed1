// The theme: what the address asks for (?theme=light), else what was chosen here, else what the
// browser prefers. The colours are in theme.css.

import { stored } from "./unread.js";

const KEY = "sandbox.theme";
const THEMES = ["light", "dark"];

const prefersLight = matchMedia("(prefers-color-scheme: light)");

export const currentTheme = () =>
  document.documentElement.dataset.theme ?? (prefersLight.matches ? "light" : "dark");

export function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(KEY, JSON.stringify({ theme }));
  // What the address asked for is overruled.
  const address = new URL(location.href);
  address.searchParams.delete("theme");
  history.replaceState(null, "", address);
}

export function startTheme() {
  const asked = new URLSearchParams(location.search).get("theme");
  const wanted = [asked, stored(KEY).theme].find((theme) => THEMES.includes(theme));
  if (wanted) document.documentElement.dataset.theme = wanted;
}
