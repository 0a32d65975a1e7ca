"use strict";
// Sorting, filtering and searching. Every page can be read without this script.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const read = (row) => row.children[column].textContent.trim();
      const number = (text) => parseFloat(text.replace(/[,%]/g, ""));
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [read(a), read(b)];
        const [m, n] = [number(x), number(y)];
        const order = Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m - n;
        return falling ? -order : order;
      });
      body.append(...rows);
    });
  });
}
for (const input of document.querySelectorAll("input[data-filter]")) {
  input.closest("label").hidden = false;
  const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
const search = document.getElementById("search");
if (search && typeof FACILITIES !== "undefined") {
  search.hidden = false;
  const hits = document.getElementById("hits");
  document.getElementById("query").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length
      ? FACILITIES.filter((row) => words.every((word) => row.join(" ").toLowerCase().includes(word)))
      : [];
    document.getElementById("found").textContent = words.length ? `${found.length} found` : "";
    hits.replaceChildren(
      ...found.slice(0, 50).map(([ccn, name, city, state]) => {
        const link = document.createElement("a");
        link.href = `${ccn}.html`;
        link.textContent = name || ccn;
        const item = document.createElement("li");
        item.append(link, `, ${city} ${state} (${ccn})`);
        return item;
      }),
    );
  });
}
// Paper cannot be opened: what is folded is printed too.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
