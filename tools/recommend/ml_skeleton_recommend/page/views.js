"use strict";
// one view at a time; its name stays in the address, so that a reload shows it again
(() => {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const show = (view) => {
    tabs.forEach((tab) => {
      const chosen = tab.getAttribute("aria-controls") === view;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    });
    showHint(null);
    colouredPlots.find((one) => one.view === view)?.shown();
    document.dispatchEvent(new CustomEvent("viewchosen", { detail: view }));
  };
  tabs.forEach((tab) => {
    const view = tab.getAttribute("aria-controls");
    tab.addEventListener("click", () => { history.replaceState(null, "", `#${view}`); show(view); });
    tab.addEventListener("focus", () => { if (tab.getAttribute("aria-selected") === "false") tab.click(); });
  });
  const views = tabs.map((tab) => tab.getAttribute("aria-controls"));
  const wanted = () => views.find((view) => `#${view}` === location.hash);
  addEventListener("hashchange", () => { if (wanted()) show(wanted()); });
  show(wanted() ?? (library.playlists.length ? "playlists" : "map"));
  const first = library.playlists[0]?.tracks[0]?.[0];
  if (first !== undefined) showSong(first);
})();
