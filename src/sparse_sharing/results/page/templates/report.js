"use strict";
// Theme: what the reader chose, else what the system prefers.
const root = document.documentElement;
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
root.dataset.theme = prefersDark.matches ? "dark" : "light";
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  drawAll();
});
prefersDark.addEventListener("change", (event) => {
  root.dataset.theme = event.matches ? "dark" : "light";
  drawAll();
});

// Charts: drawn when they come near the window, in the colours of the theme.
const views = new Map();
const dark = JSON.parse(document.getElementById("dark").textContent);
const variable = (name) => getComputedStyle(root).getPropertyValue(name).trim();
function themed(spec) {
  const ink = variable("--ink"), soft = variable("--soft"), line = variable("--line");
  const config = {
    background: "transparent", font: "system-ui, sans-serif", view: { stroke: null },
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
      labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 220 },
    text: { color: ink }, rule: { color: soft }, line: { strokeWidth: 2 },
  };
  return { ...spec, config };
}
// Data: gzip in base64, unpacked when it is needed.
async function unpack(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
async function draw(figure) {
  const specs = JSON.parse(await unpack(figure.querySelector("script.specs")));
  for (const [index, spec] of specs.entries()) {
    const place = figure.querySelector(`.drawing[data-panel="${index}"]`);
    let text = JSON.stringify(themed(spec)).replaceAll("currentColor", variable("--ink"));
    if (root.dataset.theme === "dark") {
      for (const [light, bright] of Object.entries(dark)) text = text.replaceAll(light, bright);
    }
    const drawn = await vegaEmbed(place, JSON.parse(text), { actions: false, renderer: "svg", loader: { http: false } });
    views.get(place)?.finalize();
    views.set(place, drawn.view);
    place.firstElementChild?.setAttribute("aria-hidden", "true");
  }
  figure.dataset.drawn = root.dataset.theme;
}
const figures = [...document.querySelectorAll("figure.chart")];
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting && entry.target.dataset.drawn !== root.dataset.theme) draw(entry.target);
  }
}, { rootMargin: "800px" });
function drawAll() {
  for (const figure of figures) { watcher.unobserve(figure); watcher.observe(figure); }
}
drawAll();

// Paper is light, and shows every figure that is not folded, seen or not.
const isFolded = (figure) => figure.closest("details:not([open])");
let screenTheme;
window.addEventListener("beforeprint", () => {
  screenTheme = root.dataset.theme;
  root.dataset.theme = "light";
  figures.filter((figure) => !isFolded(figure) && figure.dataset.drawn !== "light").forEach(draw);
});
window.addEventListener("afterprint", () => {
  root.dataset.theme = screenTheme;
  drawAll();
});

// A folded section that a link leads to opens; a dataset in the first column of the overview is such a link.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.querySelector("details.whole");
  if (folded) { folded.open = true; target.scrollIntoView(); }
}
window.addEventListener("hashchange", openTarget);
document.querySelectorAll("#overview tbody tr").forEach((row) => {
  const link = document.createElement("a");
  link.href = `#dataset-${row.cells[0].textContent}`;
  link.textContent = row.cells[0].textContent;
  row.cells[0].replaceChildren(link);
});
openTarget();

// A table wider than its place says so.
function hint() {
  for (const scroll of document.querySelectorAll(".scroll")) {
    scroll.previousElementSibling.hidden = scroll.scrollWidth <= scroll.clientWidth;
  }
}
hint();
window.addEventListener("resize", hint);
document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", hint));

// Files to take away.
function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name.replace(/[^A-Za-z0-9_-]+/g, "-");
  link.download = `${link.download}.${type === "image/svg+xml" ? "svg" : "csv"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
document.querySelectorAll("button.csv").forEach((button) => button.addEventListener("click", async () => {
  const item = button.closest("[data-name]");
  save(item.dataset.name, "text/csv", await unpack(item.querySelector("script.data")));
}));
document.querySelectorAll("button.svg").forEach((button) => button.addEventListener("click", async () => {
  const figure = button.closest("figure");
  if (!figure.dataset.drawn) await draw(figure);
  const place = figure.querySelector(`.drawing[data-panel="${button.dataset.panel}"]`);
  save(`${figure.dataset.name}-${button.dataset.title}`, "image/svg+xml", await views.get(place).toSVG());
}));

// Tables: a click on a heading sorts, a second one turns round.
function sortBy(heading) {
  const table = heading.closest("table"), column = [...heading.parentElement.children].indexOf(heading);
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  table.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const numeric = heading.classList.contains("number");
  const number = (text) => { const value = parseFloat(text.replace("\u2212", "-").replaceAll(",", "")); return isNaN(value) ? -Infinity : value; };
  const key = (row) => { const text = row.children[column].textContent; return numeric ? number(text) : text; };
  const compare = (a, b) => (numeric ? a - b || 0 : a.localeCompare(b, undefined, { numeric: true }));
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a), key(b)));
  table.tBodies[0].append(...(ascending ? rows : rows.reverse()));
}
document.querySelectorAll("thead button").forEach((button) => button.addEventListener("click", () => sortBy(button.parentElement)));
