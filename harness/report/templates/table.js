// The table of all measurements: sorted by a click on a heading, filtered by words and choices. Texts are set as text, never as markup.
const table = (() => {
  "use strict";
  const root = document.getElementById("table");
  if (!root) return null;
  const { columns, rows, same } = JSON.parse(document.getElementById("measurements-data").textContent);
  const alike = Object.values(same).join(" ");
  const texts = rows.map((row) => `${alike} ${row.filter((cell) => cell !== null).join(" ")}`.toLowerCase());
  const STEP = 100;
  const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 8 });
  const byName = new Intl.Collator("en", { numeric: true });
  const wordsInput = document.getElementById("words");
  const choices = new Map();
  let sorted = { column: -1, direction: 1 };
  let limit = STEP;

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function chosen() {
    const words = wordsInput.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...choices].filter(([, select]) => select.value !== "").map(([column, select]) => [column, select.value]);
    const fits = (index) => words.every((word) => texts[index].includes(word)) && wanted.every(([c, v]) => String(rows[index][c]) === v);
    const found = rows.map((_, index) => index).filter(fits);
    return sorted.column < 0 ? found : found.sort(order);
  }

  function order(a, b) {
    const [x, y] = [rows[a][sorted.column], rows[b][sorted.column]];
    if (x === null || y === null) return (x === null) - (y === null) || a - b; // what is missing comes last either way
    const difference = columns[sorted.column].number ? x - y : byName.compare(x, y);
    return sorted.direction * difference || a - b;
  }

  function show() {
    const found = chosen();
    const body = element("tbody");
    for (const index of found.slice(0, limit)) {
      const line = element("tr");
      rows[index].forEach((cell, c) => {
        const text = cell === null ? "" : columns[c].number ? number.format(cell) : cell;
        const made = element("td", undefined, { "data-label": columns[c].name, ...(columns[c].number ? { class: "number" } : {}) });
        String(text).split(/(?<=_)/).forEach((part, p) => made.append(...(p ? [element("wbr")] : []), part)); // names may wrap
        if (columns[c].name === "verdict" && cell !== null) made.classList.add("verdict-cell", cell);
        line.append(made);
      });
      body.append(line);
    }
    root.tBodies[0].replaceWith(body);
    const visible = Math.min(limit, found.length);
    document.getElementById("shown").textContent =
      `${visible.toLocaleString("en")} of ${found.length.toLocaleString("en")} measurements` +
      (found.length < rows.length ? ` that fit (${rows.length.toLocaleString("en")} in all)` : "");
    for (const id of ["more", "all"]) document.getElementById(id).hidden = visible === found.length;
    root.querySelectorAll("th").forEach((head, c) => {
      const state = c !== sorted.column ? "none" : sorted.direction > 0 ? "ascending" : "descending";
      head.setAttribute("aria-sort", state);
    });
  }

  function head() {
    const line = element("tr");
    columns.forEach((column, c) => {
      const button = element("button", column.name, { type: "button" });
      button.addEventListener("click", () => {
        sorted = { column: c, direction: sorted.column === c ? -sorted.direction : 1 };
        show();
      });
      const cell = element("th", undefined, { scope: "col", ...(column.number ? { class: "number" } : {}) });
      cell.append(button);
      line.append(cell);
    });
    root.tHead.append(line);
  }

  function filters() {
    const form = document.getElementById("filters");
    columns.forEach((column, c) => {
      if (!column.filter) return;
      const values = [...new Set(rows.map((row) => row[c]).filter((cell) => cell !== null))];
      if (values.length < 2) return;
      const select = element("select", undefined, { "data-column": column.name });
      select.append(element("option", "all", { value: "" }), ...values.sort(byName.compare).map((v) => element("option", v, { value: v })));
      const label = element("label");
      label.append(element("span", column.name), select);
      form.append(label);
      choices.set(c, select);
    });
    for (const event of ["input", "change"]) form.addEventListener(event, restart);
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function restart() {
    limit = STEP;
    show();
  }

  function quoted(cell) {
    const text = cell === null ? "" : String(cell);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function download() {
    const lines = [[...columns.map((column) => column.name), ...Object.keys(same)], ...chosen().map((index) => [...rows[index], ...Object.values(same)])];
    const blob = new Blob([lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n"], { type: "text/csv" });
    const link = element("a", undefined, { href: URL.createObjectURL(blob), download: "measurements.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function sayWhatIsAlike() {
    const place = document.getElementById("same");
    place.textContent = `All of them: ${Object.entries(same).map(([name, value]) => `${name} ${value}`).join(", ")}.`;
    place.hidden = Object.keys(same).length === 0;
  }

  head();
  sayWhatIsAlike();
  filters();
  show();
  document.getElementById("more").addEventListener("click", () => { limit += STEP; show(); });
  document.getElementById("all").addEventListener("click", () => { limit = Infinity; show(); });
  document.getElementById("download").addEventListener("click", download);
  document.getElementById("clear").addEventListener("click", () => {
    document.getElementById("filters").reset();
    restart();
  });
  return { show };
})();
