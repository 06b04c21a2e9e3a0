"use strict";
// elements are made here, from texts alone: no text of a tag is ever read as HTML
const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

const fill = (parent, ...children) => parent.replaceChildren(...children.filter((child) => child !== null));

// plotly reads a few tags in labels
const label = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%\{/g, "%&#123;");

// a bar from 0 to 5 stars: the interval, what is expected (a dot) and what was given (a bar)
const starBar = (row) => {
  const [low, high] = library.interval(row), given = library.given(row);
  const bar = element("span", { class: "stars", "aria-hidden": "true" });
  const mark = (name, left, width) => {
    const one = element("i", { class: name });
    one.style.left = `${left * 20}%`;
    if (width !== undefined) one.style.width = `${width * 20}%`;
    bar.append(one);
  };
  mark("between", low, high - low);
  if (given !== null) mark("given", given);
  mark("expected", library.expected(row));
  return bar;
};

const starWords = (row) => {
  const [low, high] = library.interval(row), given = library.given(row);
  const expected = `${library.expected(row).toFixed(1)} ★ expected, ${low.toFixed(1)} to ${high.toFixed(1)} likely`;
  return given === null ? expected : `you gave ${given} ★, ${expected}`;
};

// a song in a list; Enter or a click plays it, the arrow keys go to the next
const songButton = (row, queue, remark = "", extra = null) => element("button", {
  type: "button", class: "song", "data-row": row, onclick: () => playSong(row, queue),
  "aria-label": `Play ${library.title[row]}, ${library.artist.of(row)}; ${starWords(row)}${remark ? `; ${remark}` : ""}`,
}, element("span", { class: "name" }, element("b", {}, library.title[row]), element("small", {}, library.artist.of(row))),
extra, starBar(row), element("span", { class: "remark" }, remark || library.expected(row).toFixed(1)));

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const list = event.target.closest?.(".list, [role=tablist]");
  if (!step || !list || event.target.tagName !== "BUTTON") return;
  const buttons = [...list.querySelectorAll("button")];
  const next = buttons[buttons.indexOf(event.target) + step];
  event.preventDefault();
  next?.focus();
});
