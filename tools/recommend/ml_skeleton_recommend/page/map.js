"use strict";
// the map of all songs: drag, wheel and keys move it, hovering names a song, a click plays it
const songMap = (() => {
  const plot = document.getElementById("map-plot"), canvas = element("canvas"), context = canvas.getContext("2d", { alpha: false });
  const { place, count } = library;
  const SIZE = count > 20000 ? 3.5 : count > 3000 ? 5 : count > 600 ? 8 : 11, LARGEST = 12; // pixels across a disc
  const NEAR = 12, STILL = 4; // pixels: to a song that is meant, and that a click may move
  const view = { x: 0, y: 0, scale: 0 }; // the place in the middle, and pixels to a step of places
  let layers = [], chosen = null, waiting = false, whole = 1;
  plot.append(canvas);

  const extent = (axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let at = axis; at < place.length; at += 2) [low, high] = [Math.min(low, place[at]), Math.max(high, place[at])];
    return { middle: (low + high) / 2, length: Math.max(high - low, 1000) };
  };
  const [wide, tall] = [extent(0), extent(1)];
  const showAll = () => { // with a margin
    const { clientWidth: width, clientHeight: height } = plot, [left, top] = takenByLegend(plot);
    whole = Math.min((width - left) / wide.length, (height - top) / tall.length) / 1.1;
    Object.assign(view, { scale: whole, x: wide.middle - left / 2 / whole, y: tall.middle + top / 2 / whole });
  };
  const across = (row) => plot.clientWidth / 2 + (place[2 * row] - view.x) * view.scale;
  const down = (row) => plot.clientHeight / 2 - (place[2 * row + 1] - view.y) * view.scale;
  const size = () => Math.min(LARGEST, SIZE * Math.sqrt(Math.max(1, view.scale / whole)));

  const ring = (row, pixels, width) => {
    context.beginPath();
    context.arc(across(row), down(row), size() / 2 + pixels, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.stroke();
  };
  const mark = ({ row, near }) => { // the chosen song, what sounds like it, and its name
    context.strokeStyle = ink("--ink");
    near.forEach((other) => ring(other, 3, 1.25));
    ring(row, 5, 2.5);
    context.font = `13px ${getComputedStyle(plot).fontFamily}`;
    context.textAlign = "center";
    const half = context.measureText(library.title[row]).width / 2 + 5;
    const [x, y] = [Math.max(half, Math.min(across(row), plot.clientWidth - half)), down(row) - size() / 2 - 18];
    context.fillStyle = ink("--paper");
    context.fillRect(x - half, y - 12, 2 * half, 18);
    context.fillStyle = ink("--ink");
    context.fillText(library.title[row], x, y + 1);
  };
  const paint = () => {
    waiting = false;
    const { clientWidth: width, clientHeight: height } = plot, fine = devicePixelRatio || 1;
    if (!width || !height || !view.scale) return;
    if (canvas.width !== Math.round(width * fine) || canvas.height !== Math.round(height * fine)) {
      [canvas.width, canvas.height] = [Math.round(width * fine), Math.round(height * fine)];
    }
    const scale = view.scale * fine;
    discs.paint(context, ink("--paper"), layers, place, (size() / 2) * fine, {
      scale, left: (width / 2) * fine - view.x * scale, top: (height / 2) * fine + view.y * scale });
    context.setTransform(fine, 0, 0, fine, 0, 0);
    if (chosen) mark(chosen);
  };
  const repaint = () => {
    if (!waiting) requestAnimationFrame(paint);
    waiting = true;
  };
  const draw = (_, groups, shown) => {
    const theme = colours.theme();
    if (!view.scale) showAll();
    layers = groups.filter(shown).map((group) => (
      { rows: Uint32Array.from(group.items), colour: group.colour(theme), opacity: group.key === null ? 0.55 : 0.85 }));
    repaint();
  };

  const moveBy = (x, y) => { view.x -= x / view.scale; view.y += y / view.scale; repaint(); };
  const zoom = (factor, x = plot.clientWidth / 2, y = plot.clientHeight / 2) => { // what is at (x, y) stays there
    const to = Math.min(Math.max(view.scale * factor, whole / 2), whole * 400) / view.scale;
    const [right, below] = [x - plot.clientWidth / 2, y - plot.clientHeight / 2];
    view.x += (right - right / to) / view.scale;
    view.y -= (below - below / to) / view.scale;
    view.scale *= to;
    repaint();
  };
  const songAt = (x, y) => { // the nearest one shown, or null
    let [nearest, found] = [NEAR ** 2, null];
    for (const { rows } of layers) {
      for (let at = 0; at < rows.length; at += 1) {
        const far = (across(rows[at]) - x) ** 2 + (down(rows[at]) - y) ** 2;
        if (far < nearest) [nearest, found] = [far, rows[at]];
      }
    }
    return found;
  };
  const hover = (event) => {
    const row = songAt(event.offsetX, event.offsetY);
    plot.style.cursor = row === null ? "grab" : "pointer";
    if (row === null) showHint(null);
    else showHint(event, library.title[row], library.artist.of(row), starWords(row));
  };

  const fingers = new Map(); // pointers that are down, and where
  let moved = 0;
  const spread = () => { const [[a, b], [c, d]] = [...fingers.values()]; return Math.hypot(a - c, b - d); };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (fingers.size === 1) moved = 0;
    plot.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    const from = fingers.get(event.pointerId);
    if (!from) return hover(event);
    const [x, y] = [event.offsetX, event.offsetY], before = fingers.size > 1 ? spread() : 0;
    fingers.set(event.pointerId, [x, y]);
    moved += Math.hypot(x - from[0], y - from[1]);
    if (moved < STILL) return;
    showHint(null);
    plot.style.cursor = "grabbing";
    moveBy((x - from[0]) / fingers.size, (y - from[1]) / fingers.size);
    if (before) zoom(spread() / before, x, y);
  });
  const lift = (event) => {
    const here = fingers.delete(event.pointerId);
    if (!here || event.type !== "pointerup" || moved >= STILL) return;
    const row = songAt(event.offsetX, event.offsetY);
    if (row !== null) playSong(row);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => showHint(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    showHint(null);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => {
    if (songAt(event.offsetX, event.offsetY) !== null) return;
    showAll();
    repaint();
  });
  plot.addEventListener("keydown", (event) => {
    const step = 0.15 * Math.min(plot.clientWidth, plot.clientHeight);
    const to = {
      ArrowLeft: () => moveBy(step, 0), ArrowRight: () => moveBy(-step, 0), ArrowUp: () => moveBy(0, step), ArrowDown: () => moveBy(0, -step),
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: () => { showAll(); repaint(); },
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to();
  });
  document.addEventListener("songchosen", ({ detail }) => {
    chosen = detail;
    const [x, y] = [across(detail.row), down(detail.row)];
    if (view.scale && !(x > 0 && y > 0 && x < plot.clientWidth && y < plot.clientHeight)) {
      [view.x, view.y] = [place[2 * detail.row], place[2 * detail.row + 1]];
    }
    repaint();
  });
  new ResizeObserver(repaint).observe(plot);
  colouredPlot({ view: "map", groupsOf: colours.ofSongs, draw, redraw: draw });
  const at = (row) => [across(row), down(row)];
  const onPage = (row) => { const { x, y } = canvas.getBoundingClientRect(); return [x + across(row), y + down(row)]; };
  return { songAt, at, onPage };
})();
