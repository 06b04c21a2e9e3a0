"use strict";
// a plot whose points are coloured in groups, with a menu of what by, and a switch for each group
const colouredPlot = ({ view, groupsOf, draw, redraw }) => {
  const section = document.getElementById(view), plot = section.querySelector(".plot"), legend = section.querySelector(".legend");
  const menu = element("select", { "aria-label": "Colour by" },
    ...Object.entries(colours.ways).map(([way, { label: name }]) => element("option", { value: way }, name)));
  const switches = element("div", { class: "list", role: "group", "aria-label": "Groups shown" });
  legend.append(element("label", {}, "Colour by ", menu), switches);
  let groups = [], hidden = new Set();

  const show = () => draw(plot, groups, (group) => !hidden.has(group.key));
  const listSwitches = () => {
    const theme = colours.theme();
    switches.replaceChildren(...[...groups].reverse().map((group) => {
      const dot = element("i", { class: "dot", "aria-hidden": "true" });
      dot.style.background = group.colour(theme);
      return element("button", {
        type: "button", class: "switch", "aria-pressed": "true", "data-key": String(group.key),
        onclick: ({ currentTarget }) => {
          hidden.delete(group.key) || hidden.add(group.key);
          currentTarget.setAttribute("aria-pressed", String(!hidden.has(group.key)));
          redraw(plot, groups, (one) => !hidden.has(one.key));
        },
      }, dot, element("span", {}, group.name), element("small", {}, String(group.items.length)));
    }));
  };
  const colourBy = () => {
    groups = groupsOf(menu.value);
    hidden = new Set();
    listSwitches();
    show();
  };
  menu.addEventListener("change", () => {
    colouredPlots.forEach((other) => other.choose(menu.value));
    colourBy();
  });
  const shown = () => { // drawn when it is first looked at, and again when the theme or the menu changed meanwhile
    const wanted = `${menu.value} ${colours.theme()}`;
    if (plot.dataset.drawn === wanted) return;
    const [way] = (plot.dataset.drawn ?? "").split(" ");
    plot.dataset.drawn = wanted;
    if (way === menu.value) { listSwitches(); show(); } else colourBy();
  };
  menu.addEventListener("change", () => { plot.dataset.drawn = `${menu.value} ${colours.theme()}`; });
  document.addEventListener("themechange", () => { if (!section.hidden) shown(); });
  const one = { view, shown, choose: (way) => { menu.value = way; }, groups: () => groups };
  colouredPlots.push(one);
  return one;
};
const colouredPlots = [];
const still = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: true, doubleClick: false };
const bare = { margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, hovermode: "closest", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const songMap = (() => {
  const plot = document.getElementById("map-plot");
  const x = (row) => library.place[2 * row], y = (row) => library.place[2 * row + 1];
  const size = library.count > 20000 ? 3.5 : library.count > 3000 ? 5 : library.count > 600 ? 8 : 11;
  let chosen = null, ready = false;

  const trace = (group, theme, visible) => ({
    type: "scattergl", mode: "markers", hoverinfo: "none", visible,
    x: Float32Array.from(group.items, x), y: Float32Array.from(group.items, y),
    marker: { size, color: group.colour(theme), opacity: group.key === null ? 0.55 : 0.85 },
  });
  const extent = (axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let at = axis; at < library.place.length; at += 2) [low, high] = [Math.min(low, library.place[at]), Math.max(high, library.place[at])];
    return { middle: (low + high) / 2, half: Math.max(high - low, 1000) / 2 };
  };
  const [wide, tall] = [extent(0), extent(1)];
  const around = () => { // the whole map with a margin, beside the legend, in the proportions of its frame
    const legend = plot.parentElement.querySelector(".legend").offsetWidth;
    const { clientWidth: width, clientHeight: height } = plot;
    const scale = 1.1 * Math.max(wide.half / (width - legend), tall.half / height); // half the songs' extent to a pixel
    const left = wide.middle - scale * (width + legend);
    return { "xaxis.range": [left, left + 2 * scale * width], "yaxis.range": [tall.middle - scale * height, tall.middle + scale * height] };
  };
  const draw = (_, groups, shown) => {
    const theme = colours.theme(), axis = { visible: false };
    const { "xaxis.range": across, "yaxis.range": up } = ready
      ? { "xaxis.range": plot.layout.xaxis.range, "yaxis.range": plot.layout.yaxis.range } : around();
    Plotly.react(plot, groups.map((group) => trace(group, theme, shown(group))), {
      ...bare, dragmode: "pan", hoverdistance: 12, shapes: marks(), annotations: names(),
      xaxis: { ...axis, range: across }, yaxis: { ...axis, range: up, scaleanchor: "x" },
    }, still);
    if (ready) return;
    ready = true;
    plot.on("plotly_hover", ({ points: [point], event }) => {
      const row = rowOf(point);
      showHint(event, library.title[row], library.artist.of(row), starWords(row));
    });
    plot.on("plotly_unhover", () => showHint(null));
    plot.on("plotly_click", ({ points: [point] }) => playSong(rowOf(point)));
    plot.on("plotly_doubleclick", () => Plotly.relayout(plot, around()));
  };
  const rowOf = ({ curveNumber, pointNumber }) => coloured.groups()[curveNumber].items[pointNumber];

  const ring = (row, pixels, width) => ({
    type: "circle", xref: "x", yref: "y", xsizemode: "pixel", ysizemode: "pixel", xanchor: x(row), yanchor: y(row),
    x0: -pixels, x1: pixels, y0: -pixels, y1: pixels, line: { color: ink("--ink"), width },
  });
  const marks = () => (chosen ? [ring(chosen.row, size / 2 + 5, 2.5), ...chosen.near.map((row) => ring(row, size / 2 + 3, 1))] : []);
  const names = () => (chosen ? [{
    x: x(chosen.row), y: y(chosen.row), text: label(library.title[chosen.row]), showarrow: false, yshift: size / 2 + 18,
    font: { size: 13, color: ink("--ink") }, bgcolor: ink("--paper"), borderpad: 3, opacity: 0.92,
  }] : []);
  document.addEventListener("songchosen", ({ detail }) => {
    chosen = detail;
    if (!ready) return;
    const [[left, right], [low, high]] = [plot.layout.xaxis.range, plot.layout.yaxis.range];
    const seen = x(detail.row) > left && x(detail.row) < right && y(detail.row) > low && y(detail.row) < high;
    const half = [(right - left) / 2, (high - low) / 2];
    const there = seen ? {} : {
      "xaxis.range": [x(detail.row) - half[0], x(detail.row) + half[0]],
      "yaxis.range": [y(detail.row) - half[1], y(detail.row) + half[1]] };
    Plotly.relayout(plot, { shapes: marks(), annotations: names(), ...there });
  });
  plot.addEventListener("keydown", (event) => {
    const [[left, right], [low, high]] = [plot.layout.xaxis.range, plot.layout.yaxis.range];
    const [width, height] = [right - left, high - low];
    const moved = (over, up, zoom) => ({
      "xaxis.range": [left + width * (over + zoom), right + width * (over - zoom)],
      "yaxis.range": [low + height * (up + zoom), high + height * (up - zoom)] });
    const to = {
      ArrowLeft: [-0.15, 0, 0], ArrowRight: [0.15, 0, 0], ArrowUp: [0, 0.15, 0], ArrowDown: [0, -0.15, 0],
      "+": [0, 0, 0.15], "=": [0, 0, 0.15], "-": [0, 0, -0.2],
    }[event.key];
    if (!to && event.key !== "0") return;
    event.preventDefault();
    Plotly.relayout(plot, to ? moved(...to) : around());
  });
  const redraw = (_, groups, shown) => Plotly.restyle(plot, { visible: groups.map(shown) });
  const coloured = colouredPlot({ view: "map", groupsOf: colours.ofSongs, draw, redraw });
  return coloured;
})();
