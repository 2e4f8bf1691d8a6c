"use strict";
// Everything on the page is there without this script. It adds sorting, filtering and copies of tables, series that can
// be hidden, one cursor through all charts over time, and enlargement; and it adds its own controls.

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
const svgMake = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

// Tables: sorting by a click on a head, a filter, and what is shown as CSV.
const keyOf = (row, column) => {
  const cell = row.cells[column];
  const data = cell.querySelector("data");
  const number = data ? Number(data.value) : NaN;
  return Number.isNaN(number) ? cell.textContent.trim() : number;
};
const compare = (x, y) => {
  if (typeof x === "number" && typeof y === "number") return x - y;
  if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
  return x < y ? -1 : x > y ? 1 : 0;
};
const sortable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button", textContent: head.textContent, title: "Sort by this column" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => compare(keyOf(a, column), keyOf(b, column)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
};
const field = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const csvOf = (table) => {
  const text = (cell) => {
    const data = cell.querySelector("data");
    if (data) return data.value;
    const copy = cell.cloneNode(true);
    for (const extra of copy.querySelectorAll("small, .here")) extra.remove();
    const plain = copy.textContent.trim();
    // A spreadsheet would take these for formulas.
    return /^[=+\-@]/.test(plain) ? `'${plain}` : plain;
  };
  const rows = [...table.rows].filter((row) => !row.hidden);
  return rows.map((row) => [...row.cells].map((cell) => field(text(cell))).join(",")).join("\n") + "\n";
};
for (const table of document.querySelectorAll("table.sortable")) {
  sortable(table);
  const tools = make("div", { className: "controls" });
  const name = table.caption.firstChild.textContent.trim();
  if (table.tBodies[0].rows.length > 8) {
    const input = make("input", { type: "search" });
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    tools.append(make("label", {}, "Filter rows ", input));
  }
  const save = make("button", { type: "button", textContent: "CSV of what is shown", className: "csv" });
  save.setAttribute("aria-label", `CSV of what is shown: ${name}`);
  save.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv" }));
    make("a", { href: address, download: `${table.id}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
  tools.append(save);
  table.closest(".scroll").before(tools);
}

// What is copied elsewhere, beside its heading; a page that may not write to the clipboard shows no such button.
if (navigator.clipboard) {
  for (const text of document.querySelectorAll("details > pre")) {
    const name = text.parentElement.querySelector("summary").textContent.trim();
    const button = make("button", { type: "button", textContent: "Copy", className: "copy" });
    button.setAttribute("aria-label", `Copy: ${name}`);
    const told = make("output");
    button.addEventListener("click", () =>
      navigator.clipboard.writeText(text.textContent).then(
        () => (told.textContent = "Copied."),
        () => (told.textContent = "The browser does not allow it: select the text and copy it."),
      ),
    );
    text.before(make("div", { className: "controls" }, button, told));
  }
}

// Addresses are typed and cut by people: what is no address within this page shows the page as it is.
const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
};

// Charts: series on and off. What is hidden stands in the address, so that a link shows the same.
const known = new Set([...document.querySelectorAll("figure [data-k]")].map((part) => part.dataset.k));
const asked = (location.hash.split("?hide=")[1] || "").split(",").map(decoded);
const hidden = new Set(asked.filter((name) => known.has(name)));
const showSeries = () => {
  for (const part of document.querySelectorAll("figure [data-k]")) {
    part.classList.toggle("off", hidden.has(part.dataset.k));
  }
  for (const box of document.querySelectorAll(".controls input[data-series]")) {
    box.checked = !hidden.has(box.dataset.series);
  }
};
const toggles = (figure, bar) => {
  const names = [...new Set([...figure.querySelectorAll("[data-k]")].map((part) => part.dataset.k))];
  if (names.length < 2 || names.length > 12) return;
  const group = make("fieldset", { className: "series" }, make("legend", { textContent: "Series" }));
  for (const name of names) {
    const box = make("input", { type: "checkbox", checked: true });
    box.dataset.series = name;
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(name);
      else hidden.add(name);
      const list = [...hidden].map(encodeURIComponent).join(",");
      history.replaceState(null, "", `#${figure.id}${list ? `?hide=${list}` : ""}`);
      showSeries();
    });
    group.append(make("label", {}, box, ` ${name}`));
  }
  bar.append(group);
};

// Charts: enlargement within their own scrolling box.
const zoom = (figure, bar) => {
  const svg = figure.querySelector("svg");
  let times = 1;
  const set = (to) => {
    times = Math.min(4, Math.max(1, to));
    svg.style.minWidth = times === 1 ? "" : `${1000 * times}px`;
    svg.style.maxWidth = times === 1 ? "" : "none";
    less.disabled = times === 1;
    more.disabled = times === 4;
  };
  const label = figure.querySelector(".chart").getAttribute("aria-label");
  const button = (text, name, change) => {
    const made = make("button", { type: "button", textContent: text });
    made.setAttribute("aria-label", `${name}: ${label}`);
    made.addEventListener("click", () => set(change(times)));
    return made;
  };
  const more = button("Enlarge", "Enlarge", (now) => now * 2);
  const less = button("Reduce", "Reduce", (now) => now / 2);
  less.disabled = true;
  bar.append(more, less);
};

// Charts over time: a cursor that moves through all of them, and the values beneath it.
const digits = (v) => v.toLocaleString("en", Number.isInteger(v) ? {} : { maximumSignificantDigits: 9 });
const units = {
  share: (v) => `${digits(Number((v * 100).toPrecision(9)))} %`,
  bytes: (v) => {
    const names = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let [short, at] = [v, 0];
    while (short >= 1024 && at < names.length - 1) [short, at] = [short / 1024, at + 1];
    return at === 0 ? `${digits(v)} bytes` : `${Number(short.toPrecision(4))} ${names[at]} (${digits(v)} bytes)`;
  },
  rate: (v) => `${digits(v)}/s`,
  seconds: (v) => `${digits(v)} s`,
  number: digits,
};
const clock = (s) => {
  const part = (n) => String(Math.floor(n)).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${part((s / 60) % 60)}:${part(s % 60)}`;
};
const cursors = [];
const timed = (figure, bar) => {
  const svg = figure.querySelector("svg");
  const frames = [...svg.querySelectorAll(".frame")];
  if (frames.length === 0) return;
  const panels = frames.map((frame) => {
    const [left, top, right, bottom] = frame.dataset.area.split(" ").map(Number);
    const line = svgMake("line", { y1: top, y2: bottom, class: "cursor", visibility: "hidden" });
    svg.append(line);
    const values = [];
    for (let next = frame.nextElementSibling; next && !next.matches(".frame"); next = next.nextElementSibling) {
      for (const part of next.dataset.v ? [next] : next.querySelectorAll("[data-v]")) {
        const [list, above] = [part.dataset.v, part.dataset.w || ""].map((text) => text.split(","));
        values.push({ name: part.dataset.k, list, above });
      }
    }
    const { title, band, unit } = frame.dataset;
    return { left, right, line, values, title, band, unit: units[unit] || units.number };
  });
  const [from, to] = frames[0].dataset.span.split(" ").map(Number);
  // The last column may be longer than what is left of the run.
  const length = Number(frames[0].dataset.column);
  const columns = Math.max(1, Math.ceil((to - from) / length - 1e-6));
  const columnAt = (time) => Math.min(columns - 1, Math.floor((time - from) / length));
  const slider = make("input", { type: "range", min: 0, max: columns - 1, step: 1, value: 0 });
  const output = make("output");
  const readout = make("div", { className: "readout", hidden: true });
  const show = (time) => {
    const share = (time - from) / (to - from);
    for (const panel of panels) {
      const x = panel.left + share * (panel.right - panel.left);
      panel.line.setAttribute("x1", x);
      panel.line.setAttribute("x2", x);
      panel.line.setAttribute("visibility", "visible");
    }
    const column = columnAt(time);
    slider.value = column;
    output.textContent = clock(time);
    slider.setAttribute("aria-valuetext", clock(time));
    const told = panels.filter((panel) => panel.values.length > 0);
    readout.hidden = told.length === 0;
    readout.replaceChildren(
      ...told.map((panel) => {
        const at = (list) => (list[column] ? panel.unit(Number(list[column])) : "\u2014");
        const words = panel.values
          .filter((value) => !hidden.has(value.name))
          .map(({ name, list, above }) => `${name} ${at(list)}${panel.band ? `, ${panel.band} ${at(above)}` : ""}`);
        return make("p", {}, make("strong", { textContent: `${panel.title}: ` }), words.join(" \u00b7 "));
      }),
    );
  };
  const move = (time) => cursors.forEach((cursor) => cursor(Math.min(to, Math.max(from, time))));
  cursors.push((time) => time <= to && show(time));
  slider.addEventListener("input", () => move(from + (Number(slider.value) + 0.5) * length));
  svg.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const { left, right } = panels[0];
    if (at.x >= left && at.x <= right) move(from + ((at.x - left) / (right - left)) * (to - from));
  });
  bar.append(make("label", { className: "time" }, "Cursor ", slider), output);
  figure.querySelector(".chart").after(readout);
};
for (const figure of document.querySelectorAll("figure")) {
  if (!figure.querySelector("svg")) continue;
  const bar = make("div", { className: "controls" });
  toggles(figure, bar);
  timed(figure, bar);
  zoom(figure, bar);
  figure.querySelector(".chart").before(bar);
}
showSeries();

// A link to a place inside something closed opens it; a view in the address is not part of the place.
const open = () => {
  const place = location.hash.slice(1).split("?")[0];
  const target = place && document.getElementById(decoded(place));
  const around = target && target.closest("details");
  if (around) around.open = true;
  if (target && location.hash.includes("?")) target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
