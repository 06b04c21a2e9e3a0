"use strict";
// plays one song after another, and says so where the browser cannot
const player = (() => {
  const audio = document.getElementById("audio"), playing = document.getElementById("playing");
  const kinds = {
    mp3: "audio/mpeg", flac: "audio/flac", ogg: 'audio/ogg; codecs="vorbis"', oga: 'audio/ogg; codecs="vorbis"',
    opus: 'audio/ogg; codecs="opus"', spx: 'audio/ogg; codecs="speex"', m4a: 'audio/mp4; codecs="mp4a.40.2"',
    mp4: 'audio/mp4; codecs="mp4a.40.2"', aac: "audio/aac", wav: "audio/wav", aif: "audio/aiff", aiff: "audio/aiff",
    wma: "audio/x-ms-wma", asf: "audio/x-ms-wma", ape: "audio/x-ape", wv: "audio/x-wavpack", mpc: "audio/x-musepack",
    tta: "audio/x-tta", webm: "audio/webm",
  };
  let queue = [], current = null;
  const unplayable = (row) => {
    const kind = kinds[library.suffix(row)];
    return kind && !audio.canPlayType(kind) ? `This browser cannot play .${library.suffix(row)} files.` : "";
  };
  const say = (row, lack) => {
    playing.replaceChildren(element("b", {}, library.title[row]), ` ${library.artist.of(row)}`);
    if (lack) playing.append(element("em", {}, ` ${lack}`));
  };
  const play = (row, songs) => {
    [current, queue] = [row, songs ?? [row]];
    const lack = unplayable(row);
    say(row, lack);
    audio.src = library.address(row);
    audio.play().catch(() => {}); // refused or not found: the event "error" says which
    document.querySelectorAll("[aria-current]").forEach((one) => one.removeAttribute("aria-current"));
    document.querySelectorAll(`[data-row="${row}"]`).forEach((one) => one.setAttribute("aria-current", "true"));
  };
  const step = (by) => {
    const next = queue[queue.indexOf(current) + by];
    if (next !== undefined) playSong(next, queue);
  };
  audio.addEventListener("ended", () => step(1));
  audio.addEventListener("error", () => {
    const lack = { 2: "The file could not be read.", 3: "The file is damaged.", 4: "The file is not there, or of a kind that this browser cannot play." };
    if (current !== null) say(current, unplayable(current) || lack[audio.error?.code] || "");
  });
  document.getElementById("previous").addEventListener("click", () => step(-1));
  document.getElementById("next").addEventListener("click", () => step(1));
  return { play, unplayable };
})();

const playSong = (row, queue) => {
  player.play(row, queue);
  showSong(row);
};
