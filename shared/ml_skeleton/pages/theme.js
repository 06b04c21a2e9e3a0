"use strict";
// the theme of the system, or the one that was chosen; a page redraws what it drew itself on "themechange"
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"], key = "ml_skeleton theme";
  const changed = () => document.dispatchEvent(new Event("themechange"));
  const remembered = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem(key, theme); } catch { /* a browser that keeps nothing */ } };
  const show = (theme) => {
    root.dataset.theme = theme;
    if (button) button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
    button?.setAttribute("aria-label", `Theme: ${theme}`);
  };
  show(themes.includes(remembered()) ? remembered() : "auto");
  button?.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    show(next);
    remember(next);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
})();
