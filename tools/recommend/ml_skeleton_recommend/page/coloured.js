"use strict";
// a plot whose points are coloured in groups, with a menu of what by, and a switch for each group
const takenByLegend = (plot) => { // pixels from the left, or from the top where that would leave too narrow a plot
  const { offsetWidth, offsetHeight } = plot.parentElement.querySelector(".legend");
  return offsetWidth < 0.4 * plot.clientWidth ? [offsetWidth, 0] : [0, offsetHeight];
};
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
  colouredPlots.push({ view, shown, choose: (way) => { menu.value = way; } });
};
const colouredPlots = [];
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
