"use strict";
// the artists in space: a line between those that sound alike
(() => {
  const plot = document.getElementById("artists-plot");
  const { artists, links } = library;
  const NAMED = 24, NAMED_ON_A_PHONE = 6; // those of the most songs have their name beside them
  const along = (axis) => (number) => artists[number].place[axis];
  const coordinates = (numbers) => ({ x: numbers.map(along(0)), y: numbers.map(along(1)), z: numbers.map(along(2)) });
  const onPhone = () => plot.clientWidth < 600;
  const nearer = (at, by) => ({ x: at.x * by, y: at.y * by, z: at.z * by });
  const eye = () => nearer({ x: 1.35, y: 1.35, z: 0.85 }, onPhone() ? 0.75 : 1);
  let chosen = null, ready = false;

  const lines = (pairs, color, width) => {
    const ends = (axis) => pairs.flatMap(([a, b]) => [artists[a].place[axis], artists[b].place[axis], null]);
    return { type: "scatter3d", mode: "lines", hoverinfo: "skip", x: ends(0), y: ends(1), z: ends(2), line: { color, width } };
  };
  const size = (number) => 5 + Math.min(14, 2 * Math.sqrt(artists[number].songs.length));
  const markers = (group, theme, visible) => ({
    type: "scatter3d", mode: "markers", hoverinfo: "none", visible, ...coordinates(group.items), customdata: group.items,
    marker: { size: group.items.map(size), color: group.colour(theme), opacity: group.key === null ? 0.6 : 0.95, line: { width: 0 } },
  });
  const traces = (groups, shown, visible) => {
    const theme = colours.theme(), pairs = [];
    for (let link = 0; link < links.length; link += 2) pairs.push([links[link], links[link + 1]]);
    const drawn = pairs.filter(([a, b]) => visible.has(a) && visible.has(b));
    const mine = chosen === null ? [] : drawn.filter((pair) => pair.includes(chosen));
    return [
      ...groups.map((group) => markers(group, theme, shown(group))),
      lines(drawn, theme === "dark" ? "#39414c" : "#cdd3da", 1.5),
      lines(mine, ink("--ink"), 4),
    ];
  };
  const names = (visible) => { // as notes: text among the points would be drawn at half its size from the second time on
    const about = chosen === null ? [] : [chosen, ...artists[chosen].near];
    const others = [...artists.keys()].filter((number) => visible.has(number)).slice(0, onPhone() ? NAMED_ON_A_PHONE : NAMED);
    const named = onPhone() && about.length ? about : [...others, ...about]; // there is no room for both
    return [...new Set(named)].map((number) => ({
      x: along(0)(number), y: along(1)(number), z: along(2)(number), text: label(artists[number].name),
      showarrow: false, yshift: 8 + size(number) / 2, font: { size: 12, color: ink("--ink") },
    }));
  };
  const draw = (_, groups, shown) => {
    const visible = new Set(groups.filter(shown).flatMap((group) => group.items));
    const axis = { visible: false, showspikes: false };
    const camera = ready ? plot.layout.scene.camera : { eye: eye() };
    const [left, top] = takenByLegend(plot), domain = { x: [left / plot.clientWidth, 1], y: [0, 1 - top / plot.clientHeight] };
    Plotly.react(plot, traces(groups, shown, visible), {
      margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, hovermode: "closest", paper_bgcolor: "rgba(0,0,0,0)",
      scene: { xaxis: axis, yaxis: axis, zaxis: axis, dragmode: "orbit", aspectmode: "cube", camera, domain, annotations: names(visible) },
    }, { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: true, doubleClick: false });
    if (ready) return;
    ready = true;
    plot.on("plotly_hover", ({ points: [{ customdata }], event }) => {
      const { name, songs } = artists[customdata];
      showHint(event, name, `${songs.length} songs, ${songs.filter((row) => library.given(row) !== null).length} rated`);
    });
    plot.on("plotly_unhover", () => showHint(null));
    plot.on("plotly_click", ({ points: [{ customdata }] }) => showArtist(artists[customdata]));
  };
  let again = () => {};
  const redraw = (_, groups, shown) => { again = () => draw(plot, groups, shown); again(); };
  const first = (_, groups, shown) => redraw(_, groups, shown);
  document.addEventListener("artistchosen", ({ detail }) => { chosen = detail.number; again(); });
  document.addEventListener("songchosen", ({ detail }) => {
    const number = library.artistOf[detail.row];
    if (!artists[number] || number === chosen) return;
    chosen = number;
    if (!document.getElementById("artists").hidden) again();
  });
  plot.addEventListener("keydown", (event) => {
    const at = plot.layout.scene.camera.eye, far = Math.hypot(at.x, at.y);
    const turned = (angle) => ({ ...at, x: far * Math.cos(Math.atan2(at.y, at.x) + angle), y: far * Math.sin(Math.atan2(at.y, at.x) + angle) });
    const to = {
      ArrowLeft: () => turned(-0.15), ArrowRight: () => turned(0.15), ArrowUp: () => ({ ...at, z: at.z + 0.12 }),
      ArrowDown: () => ({ ...at, z: at.z - 0.12 }), "+": () => nearer(at, 0.85), "=": () => nearer(at, 0.85), "-": () => nearer(at, 1.18), 0: eye,
    }[event.key];
    if (!to) return;
    event.preventDefault();
    Plotly.relayout(plot, { "scene.camera.eye": to() });
  });
  colouredPlot({ view: "artists", groupsOf: colours.ofArtists, draw: first, redraw });
})();
