"use strict";
// what songs and artists are coloured by, and in which colours: seen on light and on dark, and by the colour-blind
const colours = (() => {
  const scale = { // in the order of viridis, without the end that the paper swallows
    light: ["#9fc43a", "#45b06c", "#1f9487", "#2b768c", "#3a5088", "#431b66"],
    dark: ["#5a5aa0", "#41789c", "#31978b", "#4cb96b", "#a2d43f", "#fde725"],
  };
  const different = { // Paul Tol's "muted", lightened for the dark
    light: ["#332288", "#cc6677", "#117733", "#88ccee", "#ddaa33", "#882255", "#44aa99", "#999933", "#aa4499", "#6699cc"],
    dark: ["#9f97ea", "#e88d99", "#56b97c", "#88ccee", "#e6c15a", "#d4709f", "#5cc9b6", "#bdbd55", "#d583d0", "#7fa9dc"],
  };
  const grey = { light: "#c3c8cf", dark: "#4a515c" };
  const halves = (value) => Math.min(4.5, Math.floor(value * 2) / 2);
  const ways = {
    stars: { label: "Predicted stars", value: library.expected, key: halves, name: (key) => `${key}–${key + 0.5} ★` },
    rating: { label: "Your rating", value: library.given, key: Math.round, name: (key) => `${key} ★`, none: "not rated" },
    genre: { label: "Genre", words: library.genre, none: "others or none" },
    artist: { label: "Artist", words: library.artist, none: "others" },
    year: { label: "Year", value: (row) => library.year[row] || null, key: (year) => Math.floor(year / 10) * 10,
      name: (decade) => `${decade}s`, none: "no year" },
  };

  // of the texts, those of the most songs have a colour each; an artist has the commonest of its songs
  const wordKey = ({ words }, rows) => {
    const number = rows.length === 1 ? words.number[rows[0]] : commonest(rows.map((row) => words.number[row]));
    return words.texts[number] && number < different.light.length ? number : null;
  };
  const commonest = (numbers) => {
    const counts = new Map();
    numbers.forEach((number) => counts.set(number, (counts.get(number) ?? 0) + 1));
    return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
  };
  const valueKey = ({ value, key }, rows) => {
    const known = rows.map(value).filter((one) => one !== null);
    return known.length ? key(known.reduce((sum, one) => sum + one, 0) / known.length) : null;
  };

  // groups of songs or artists, the greys first, so that they lie below the others
  const groups = (way, items) => {
    const rule = ways[way], found = new Map();
    items.forEach((rows, item) => {
      const key = rule.words ? wordKey(rule, rows) : valueKey(rule, rows);
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(item);
    });
    const sign = rule.words ? -1 : 1; // the legend shows them from the last to the first: many stars, many songs
    const keys = [...found.keys()].filter((key) => key !== null).sort((a, b) => sign * (a - b));
    const named = keys.map((key) => ({
      key, name: rule.words ? rule.words.texts[key] : rule.name(key), items: found.get(key),
      colour: (theme) => (rule.words ? different[theme][key] : between(scale[theme], ...span(way), key)),
    }));
    const rest = found.has(null) ? [{ key: null, name: rule.none, items: found.get(null), colour: (theme) => grey[theme] }] : [];
    return [...rest, ...named];
  };
  const spans = {}; // of the keys of all songs, so that a colour means the same for songs and for artists
  const span = (way) => {
    const { value, key } = ways[way];
    spans[way] ??= songs.map(([row]) => value(row)).filter((one) => one !== null).map(key)
      .reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
    return spans[way];
  };
  const between = (stops, least, most, key) => {
    const along = (least === most ? 1 : (key - least) / (most - least)) * (stops.length - 1);
    const low = Math.min(Math.floor(along), stops.length - 2);
    const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const [from, to] = [channels(stops[low]), channels(stops[low + 1])];
    return `rgb(${from.map((one, at) => Math.round(one + (to[at] - one) * (along - low))).join(",")})`;
  };

  const theme = () => (getComputedStyle(document.documentElement).colorScheme === "dark"
    || (document.documentElement.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches)
    ? "dark" : "light");
  const songs = Array.from({ length: library.count }, (_, row) => [row]);
  return { ways, theme, ofSongs: (way) => groups(way, songs), ofArtists: (way) => groups(way, library.artists.map((one) => one.songs)) };
})();
