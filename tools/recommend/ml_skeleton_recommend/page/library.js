"use strict";
// the library, unpacked; a song is its row everywhere
const library = (() => {
  const packed = JSON.parse(document.getElementById("library").textContent);
  const numbers = ({ type, data }) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return new globalThis[`${type}Array`](bytes.buffer);
  };
  const words = ({ texts, of_song }) => {
    const number = numbers(of_song);
    return { texts, number, of: (row) => texts[number[row]] };
  };
  const count = packed.title.length;
  const [artist, album, genre, folder] = ["artist", "album", "genre", "folder"].map((name) => words(packed[name]));
  const [year, songId, start, length, rating, stars, place] =
    ["year", "song_id", "start", "length", "rating", "stars", "place"].map((name) => numbers(packed[name]));
  const neighbours = numbers(packed.neighbours), proximity = numbers(packed.proximity);
  const nearestRated = numbers(packed.nearest_rated), likeness = numbers(packed.likeness);
  const perSong = Math.round(neighbours.length / count), ratedPerSong = Math.round(nearestRated.length / count);
  const part = (rows, percents, size, row) => Array.from({ length: size }, (_, place) => (
    { row: rows[row * size + place], percent: percents[row * size + place] })).filter((near) => near.row < count);

  const artistOf = numbers(packed.artists.of_song);
  const artistPlace = numbers(packed.artists.place), links = numbers(packed.artists.links);
  const artists = Array.from({ length: artistPlace.length / 3 }, (_, number) => ({
    number, songs: [], near: [], place: artistPlace.subarray(3 * number, 3 * number + 3) }));
  artistOf.forEach((number, row) => artists[number]?.songs.push(row));
  for (let link = 0; link < links.length; link += 2) {
    artists[links[link]].near.push(links[link + 1]);
    artists[links[link + 1]].near.push(links[link]);
  }
  artists.forEach((one) => { one.name = artist.of(one.songs[0]); });

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  let haystack = null;
  const find = (text) => {
    haystack ??= packed.title.map((title, row) => plain(`${title}\n${artist.of(row)}\n${album.of(row)}\n${genre.of(row)}`));
    const wanted = plain(text).split(/\s+/).filter(Boolean);
    const rows = [];
    haystack.forEach((hay, row) => { if (wanted.every((word) => hay.includes(word))) rows.push(row); });
    return rows;
  };

  const path = (row) => `${folder.of(row)}/${packed.file[row]}`;
  const address = (row) => {
    const files = packed.odd[row] ?? path(row).split("/").map(encodeURIComponent).join("/"); // odd: no UTF-8
    const from = start[row] ? `#t=${start[row]},${start[row] + length[row]}` : "";
    return (location.protocol === "file:" ? `file://${files}` : `audio/${songId[row]}`) + from;
  };
  return {
    count, title: packed.title, artist, album, genre, year, length, find, path, address, artists, artistOf, place,
    links, playlists: packed.playlists,
    suffix: (row) => packed.file[row].split(".").pop().toLowerCase(),
    given: (row) => (rating[row] === 255 ? null : rating[row] / 2),
    expected: (row) => stars[3 * row] / 100,
    interval: (row) => [stars[3 * row + 1] / 100, stars[3 * row + 2] / 100],
    neighbours: (row) => part(neighbours, proximity, perSong, row),
    nearestRated: (row) => part(nearestRated, likeness, ratedPerSong, row),
  };
})();
