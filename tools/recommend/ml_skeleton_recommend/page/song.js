"use strict";
// beside every view: the chosen song, why it may please, and what sounds like it
const aside = document.getElementById("song");

const showSong = (row) => {
  const facts = [library.album.of(row), library.year[row], library.genre.of(row)].filter(Boolean).join(" · ");
  const rated = library.nearestRated(row), near = library.neighbours(row);
  const artist = library.artists[library.artistOf[row]];
  const lack = player.unplayable(row);
  fill(aside,
    element("h2", {}, library.title[row]),
    element("p", {}, library.artist.of(row)),
    element("p", { class: "facts" }, facts),
    element("div", { class: "scale" }, starBar(row), element("span", { class: "ends" }, element("span", {}, "0"), element("span", {}, "5 ★"))),
    element("p", {}, starWords(row)),
    lack ? element("p", { class: "lack" }, lack) : null,
    ...shareBars(row),
    ...section("Rated songs that sound most like it", rated.map(({ row: other, percent }) =>
      songButton(other, rated.map((one) => one.row), `you: ${library.given(other)} ★, ${percent} %`))),
    ...section("Sounds like", near.map(({ row: other, percent }) =>
      songButton(other, near.map((one) => one.row), `${percent} %`))),
    ...artistPart(artist),
    element("p", { class: "facts" }, library.path(row)),
  );
  document.dispatchEvent(new CustomEvent("songchosen", { detail: { row, near: near.map((one) => one.row) } }));
};

const showArtist = (artist) => {
  aside.replaceChildren(
    element("h2", {}, artist.name),
    ...section("Artists nearby", artist.near.map(artistButton)),
    ...section("Songs", best(artist.songs).map((row, _, rows) => songButton(row, rows))),
  );
  document.dispatchEvent(new CustomEvent("artistchosen", { detail: artist }));
};

const best = (rows) => [...rows].sort((a, b) => library.expected(b) - library.expected(a)).slice(0, 100);
const artistButton = (number) => element("button", {
  type: "button", class: "song", onclick: () => showArtist(library.artists[number]),
}, element("span", { class: "name" }, element("b", {}, library.artists[number].name)),
element("span", { class: "remark" }, `${library.artists[number].songs.length} songs`));
const artistPart = (artist) => (artist ? section("Artists nearby", artist.near.map(artistButton)) : []);
const section = (title, rows) => (rows.length
  ? [element("h3", {}, title), element("div", { class: "list", role: "group", "aria-label": title }, ...rows)] : []);

const shareBars = (row) => library.playlists.flatMap(({ title, tracks }) => {
  const track = tracks.find(([other]) => other === row);
  if (!track?.[2]) return [];
  const shares = Object.entries(track[2]).filter(([, share]) => share >= 0.005);
  const bar = element("div", { class: "shares", "aria-hidden": "true" });
  shares.forEach(([name, share]) => {
    const part = element("i", { class: name });
    part.style.width = `${share * 100}%`;
    bar.append(part);
  });
  const words = shares.map(([name, share]) => `${Math.round(share * 100)} % ${name}`).join(", ");
  return [element("h3", {}, `In “${title}”`), bar, element("p", { class: "facts" }, words)];
});

const showHint = (event, ...texts) => {
  const hint = document.getElementById("hint");
  hint.hidden = !event;
  if (!event) return;
  hint.replaceChildren(...texts.map((text, place) => element(place ? "span" : "b", {}, text)));
  const [width, height] = [hint.offsetWidth, hint.offsetHeight];
  hint.style.left = `${Math.min(event.clientX + 14, innerWidth - width - 8)}px`;
  hint.style.top = `${Math.max(8, event.clientY - height - 10)}px`;
};
