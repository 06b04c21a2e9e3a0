"use strict";
// the playlists, the table of all songs, and the box that finds one
(() => {
  const names = document.getElementById("playlist-names"), tracks = document.getElementById("tracks");
  const showPlaylist = (playlist) => {
    [...names.children].forEach((one, place) => one.setAttribute("aria-pressed", String(library.playlists[place] === playlist)));
    const rows = playlist.tracks.map(([row]) => row);
    tracks.replaceChildren(...rows.map((row, place) => songButton(row, rows, "", element("span", { class: "album" }, library.album.of(row)))));
    [...tracks.children].forEach((one, place) => one.prepend(element("span", { class: "rank" }, String(place + 1))));
  };
  names.append(...library.playlists.map((playlist) => element("button", {
    type: "button", class: "chip", "aria-pressed": "false", onclick: () => showPlaylist(playlist),
  }, playlist.title, element("small", {}, String(playlist.tracks.length)))));
  if (library.playlists.length) showPlaylist(library.playlists[0]);
  else tracks.append(element("p", { class: "facts" }, "No playlist lies in this folder yet."));

  // a table of everything: the map for those who cannot see it
  const STEP = 200;
  const table = document.getElementById("table"), body = table.tBodies[0], more = document.getElementById("more");
  const columns = [
    ["Title", (row) => library.title[row]], ["Artist", library.artist.of], ["Album", library.album.of], ["Genre", library.genre.of],
    ["Year", (row) => library.year[row] || null], ["Yours", library.given], ["Expected", library.expected],
  ];
  let rows = [], shown = STEP, sorted = { column: 6, down: true }, wanted = "";
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  const isEmpty = (value) => value === null || value === "";
  const sort = () => {
    const value = columns[sorted.column][1], sign = sorted.down ? -1 : 1;
    rows = library.find(wanted).map((row) => [row, value(row)]).sort(([, a], [, b]) =>
      isEmpty(a) - isEmpty(b) || (isEmpty(a) ? 0 : sign * compare(a, b))).map(([row]) => row);
  };
  const fill = () => {
    body.replaceChildren(...rows.slice(0, shown).map((row) => element("tr", {}, ...columns.map(([, value], column) => {
      const text = value(row) === null ? "" : typeof value(row) === "number" && column === 6 ? value(row).toFixed(1) : String(value(row));
      if (column) return element("td", {}, text);
      return element("th", { scope: "row" }, element("button", {
        type: "button", class: "plain", "data-row": row, onclick: () => playSong(row, rows.slice(0, shown)) }, text));
    }))));
    more.hidden = rows.length <= shown;
    document.getElementById("count").textContent = `${rows.length} of ${library.count} songs${rows.length > shown ? `, the first ${shown}` : ""}`;
  };
  const heads = columns.map(([name], column) => element("th", { scope: "col", "aria-sort": "none" }, element("button", {
    type: "button", class: "plain", onclick: () => {
      sorted = { column, down: sorted.column === column ? !sorted.down : column > 4 };
      showTable(wanted);
    } }, name)));
  table.tHead.rows[0].append(...heads);
  more.addEventListener("click", () => { shown += STEP; fill(); });
  const showTable = (text) => {
    [wanted, shown] = [text, STEP];
    heads.forEach((head, column) => head.setAttribute("aria-sort", column !== sorted.column ? "none" : sorted.down ? "descending" : "ascending"));
    sort();
    fill();
  };
  document.addEventListener("viewchosen", ({ detail }) => { if (detail === "songs") showTable(search.value); });

  const search = document.getElementById("search"), found = document.getElementById("found");
  const MOST = 30;
  const close = () => {
    found.hidden = true;
    search.setAttribute("aria-expanded", "false");
  };
  search.addEventListener("input", () => {
    if (!document.getElementById("songs").hidden) return showTable(search.value);
    const rows = search.value.trim() ? library.find(search.value) : [];
    const shownRows = rows.slice(0, MOST);
    found.replaceChildren(...shownRows.map((row) => songButton(row, shownRows)));
    if (search.value.trim()) {
      found.append(element("p", { class: "facts" }, rows.length > MOST ? `${rows.length} songs; the view Songs lists them all` : rows.length ? "" : "No song is called that."));
    }
    found.hidden = !search.value.trim();
    search.setAttribute("aria-expanded", String(!found.hidden));
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    const first = found.querySelector("button");
    if (found.hidden || !first || !["ArrowDown", "Enter"].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Enter") { first.click(); close(); } else first.focus();
  });
  found.addEventListener("click", close);
  found.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); search.focus(); } });
  document.addEventListener("pointerdown", ({ target }) => { if (!target.closest(".finder")) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    event.preventDefault();
    search.focus();
  });
})();
