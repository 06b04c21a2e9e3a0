"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const drawn = new Set();

  const themed = (layout) => {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--line");
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
    return {
      margin: { l: 60, r: 20, t: 20, b: 50 },
      hovermode: "closest",
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      ...layout,
      xaxis: { automargin: true, ...axis, ...layout.xaxis },
      yaxis: { ...axis, ...layout.yaxis },
      font: { color: ink, family: "system-ui, sans-serif", size: 12 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hoverlabel: { bgcolor: style.getPropertyValue("--paper"), bordercolor: line, font: { color: ink } },
      autosize: true,
    };
  };

  const themedData = (data) => data.map((trace) => trace.type !== "parcoords" ? trace : {
    ...trace,
    labelfont: { color: getComputedStyle(document.documentElement).getPropertyValue("--ink") },
    tickfont: { color: getComputedStyle(document.documentElement).getPropertyValue("--ink") },
    rangefont: { color: "rgba(0,0,0,0)" },
    unselected: { line: { opacity: 0.08 } },
  });

  const draw = (frame) => {
    const { data, layout } = figures[Number(frame.dataset.figure)];
    const options = { responsive: true, displaylogo: false, displayModeBar: false };
    Plotly.react(frame, themedData(data), themed(layout), options).then(() => {
      if (drawn.has(frame)) return;
      drawn.add(frame);
      frame.on("plotly_click", ({ points }) => showTrial(points[0].customdata));
    });
  };

  // a chart is drawn when it is about to be seen: a page with forty of them opens as fast as one with two
  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    watcher.unobserve(entry.target);
    draw(entry.target);
  }), { rootMargin: "400px" });
  document.querySelectorAll(".chart").forEach((frame) => watcher.observe(frame));
  document.addEventListener("themechange", () => drawn.forEach(draw));

  const table = document.getElementById("trials");
  const trials = [...table.tBodies];
  const state = document.getElementById("state"), words = document.getElementById("words");

  const toggle = (button, open) => {
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "hide" : "show";
    document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
  };

  const showTrial = (number) => {
    const trial = document.getElementById(`trial-${number}`);
    if (!trial) return;
    trial.hidden = false;
    toggle(trial.querySelector(".more"), true);
    trial.scrollIntoView({ block: "center" });
    trial.querySelector("th").focus({ preventScroll: true });
  };

  table.addEventListener("click", ({ target }) => {
    if (target.matches(".more")) toggle(target, target.getAttribute("aria-expanded") === "false");
  });

  const filter = () => {
    const wanted = words.value.toLowerCase();
    let shown = 0;
    for (const trial of trials) {
      const fits = (!state.value || trial.dataset.state === state.value)
        && (!wanted || trial.textContent.toLowerCase().includes(wanted));
      trial.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent = shown === trials.length ? "" : `${shown} of ${trials.length} trials`;
  };
  state.addEventListener("change", filter);
  words.addEventListener("input", filter);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());

  // numbers by size, then texts by letter; what is empty stays last in both directions
  const compare = (a, b) => (Number.isNaN(a.number) || Number.isNaN(b.number)
    ? Number.isNaN(a.number) - Number.isNaN(b.number) || a.text.localeCompare(b.text)
    : a.number - b.number);
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => header.querySelector("button")?.addEventListener("click", () => {
    const down = header.getAttribute("aria-sort") === "ascending";
    headers.forEach((other) => other.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keys = trials.map((trial) => {
      const text = trial.rows[0].cells[column].textContent;
      return { trial, text, number: text === "" ? NaN : Number(text) };
    });
    keys.sort((a, b) => (a.text === "") - (b.text === "") || (down ? compare(b, a) : compare(a, b)));
    table.append(...keys.map(({ trial }) => trial));
  }));
})();
