"use strict";
// Centers near a ZIP code, and up to four side by side. The lists by state do without this script.
const ZIP_AREAS = {};
const CELLS = {};
let cellNames = new Set();
function zipArea(area, found) { ZIP_AREAS[area] = found; }
function centerCell(name, found) { CELLS[name] = found; }
function centerCells(_, names) { cellNames = new Set(names); }
(() => {
  const here = document.currentScript.dataset;
  const words = JSON.parse(document.getElementById("words").textContent);
  const t = words.texts;
  const CELLS_PER_DEGREE = 1;
  const RINGS = [15, 30, 60, 120, 300];
  const STEP = 20;
  const MOST = 4;
  const loaded = {};
  const chosen = new Map();
  let hits = [];
  let shown = 0;

  const find = (id) => document.getElementById(id);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }
  // A script tag, not a request by script: this works for a page opened from a folder.
  function load(name) {
    loaded[name] ??= new Promise((done) => {
      const tag = make("script", { src: `${here.root}patients/data/${name}.js` });
      tag.onload = tag.onerror = () => done();
      document.head.append(tag);
    });
    return loaded[name];
  }
  function milesBetween([a, b], [c, d]) {
    const rad = Math.PI / 180;
    const h =
      Math.sin(((c - a) * rad) / 2) ** 2 +
      Math.cos(a * rad) * Math.cos(c * rad) * Math.sin(((d - b) * rad) / 2) ** 2;
    return 2 * 3958.8 * Math.asin(Math.sqrt(h));
  }
  function cellsAround([latitude, longitude], miles) {
    const high = miles / 69;
    const wide = high / Math.max(Math.cos(latitude * Math.PI / 180), 0.2);
    const cell = (degrees) => Math.floor(degrees * CELLS_PER_DEGREE);
    const names = [];
    for (let y = cell(latitude - high); y <= cell(latitude + high); y += 1)
      for (let x = cell(longitude - wide); x <= cell(longitude + wide); x += 1)
        if (cellNames.has(`${y}_${x}`)) names.push(`${y}_${x}`);
    return names;
  }
  function unpack(row, from) {
    const [ccn, name, address, phone, at, page, stars, stations, offers, standings] = row;
    const miles = milesBetween(from, at);
    return { ccn, name, address, phone, page, stars, stations, offers, standings, miles };
  }
  async function search(zip, wanted) {
    const area = zip.slice(0, 2);
    await load(`zip/${area}`);
    const from = ZIP_AREAS[area]?.[zip.slice(2)];
    if (!from) return null;
    await load("cells");
    let found = [];
    for (const ring of RINGS) {
      const names = cellsAround(from, ring);
      await Promise.all(names.map((name) => load(`centers/${name}`)));
      found = names
        .flatMap((name) => CELLS[name] || [])
        .map((row) => unpack(row, from))
        .filter((center) => center.miles <= ring && wanted.every((n) => center.offers[n]));
      if (found.length >= STEP) break;
    }
    return found.sort((a, b) => a.miles - b.miles || (a.ccn < b.ccn ? -1 : 1));
  }
  const distance = ({ miles }) =>
    miles === 0 ? t.same_zip
    : miles < 1 ? t.under_mile
    : Math.round(miles) === 1 ? t.one_mile
    : fill(t.miles, { miles: Math.round(miles) });
  // Screen readers would speak each sign; the words beside it say the same.
  const hide = (signs) => make("span", { "aria-hidden": "true" }, signs);
  const stars = (center) =>
    center.stars
      ? [hide("★".repeat(center.stars) + "☆".repeat(5 - center.stars)), ` ${fill(t.stars_of, center)}`]
      : [t.stars_none];
  const offer = (value) => (value === true ? t.yes : value === false ? t.no : t.unknown);
  function counts(center) {
    const flags = center.standings.filter((standing) => typeof standing === "string");
    if (!flags.length) return center.standings.some((value) => value !== null) ? "" : t.none_reported;
    const count = (word) => flags.filter((flag) => flag === word).length;
    const text = flags.length === 1 ? t.counts_one : t.counts;
    return fill(text, { count: flags.length, better: count("better"), worse: count("worse") });
  }
  function link(center) {
    return make("a", { href: `${here.home}${center.page}#f${center.ccn}` }, center.name);
  }
  function showHits(count) {
    const list = find("hits");
    for (const center of hits.slice(shown, count)) {
      const box = make("input", { type: "checkbox", "aria-label": fill(t.compare_name, center) });
      box.dataset.ccn = center.ccn;
      box.checked = chosen.has(center.ccn);
      box.addEventListener("change", () => choose(center, box));
      const has = words.offers.filter((_, n) => center.offers[n]).map((name) => t[name]);
      if (center.stations) has.push(`${t.stations}: ${center.stations}`);
      list.append(
        make("li", {},
          make("h3", {}, link(center)),
          make("p", {}, `${distance(center)}. ${center.address}`, center.phone ? `. ${center.phone}` : ""),
          make("p", {}, ...stars(center), `. ${counts(center)}`),
          make("p", { class: "small" }, has.join("; ")),
          make("label", { class: "check" }, box, ` ${t.compare}`)),
      );
    }
    shown = Math.min(count, hits.length);
    find("more").hidden = shown >= hits.length;
    find("status").textContent = fill(shown === 1 ? t.found_one : t.found, { zip: find("zip").value, count: shown });
  }
  function choose(center, box) {
    if (box.checked && chosen.size >= MOST) {
      box.checked = false;
      find("compare-status").textContent = t.compare_full;
      return;
    }
    if (box.checked) chosen.set(center.ccn, center);
    else chosen.delete(center.ccn);
    find("compare-status").textContent = "";
    showSide();
  }
  function remove(center) {
    chosen.delete(center.ccn);
    const box = document.querySelector(`#hits input[data-ccn="${center.ccn}"]`);
    if (box) box.checked = false;
    showSide();
    (chosen.size ? find("side-title") : find("zip")).focus();
  }
  function standing(value, [, , nation]) {
    if (value === null) return t.not_reported;
    if (typeof value === "string")
      return make("span", { class: `cat ${value}` }, hide(words.signs[value]), ` ${t[value]}`);
    const share = value === 0.5 ? t.under_percent : fill(t.percent, { value });
    const all = nation === 0.5 ? t.nation_under : fill(t.nation, { value: nation });
    return `${share}, ${all}`;
  }
  function showSide() {
    const centers = [...chosen.values()];
    find("side").hidden = find("go").hidden = !centers.length;
    find("go-side").textContent = fill(t.compare_go, { count: centers.length });
    const row = (name, note, read) =>
      make("tr", {},
        make("th", { scope: "row" }, name, ...(note ? [make("span", {}, note)] : [])),
        ...centers.map((center) => make("td", {}, ...[read(center)].flat())));
    const head = make("tr", {},
      make("th", { scope: "col" }, t.what),
      ...centers.map((center) => {
        const button = make("button", { type: "button", "aria-label": fill(t.remove, center) }, "✕");
        button.addEventListener("click", () => remove(center));
        return make("th", { scope: "col" }, link(center), " ", button);
      }));
    const rows = [
      row(t.distance, "", distance),
      row(t.address, "", (center) => center.address),
      row(t.phone, "", (center) => center.phone || t.unknown),
      row(t.stars, "", stars),
      ...words.offers.map((name, n) => row(t[name], "", (center) => offer(center.offers[n]))),
      row(t.stations, "", (center) => String(center.stations ?? t.unknown)),
      ...words.measures.flatMap((measure, n) => {
        if (centers.every((center) => center.standings[n] === null)) return [];
        const better = measure[2] === null || !measure[3] ? "" : ` ${t[measure[3]]}`;
        return [row(measure[0], measure[1] + better, (center) => standing(center.standings[n], measure))];
      }),
    ];
    find("side-table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }
  find("no-script").hidden = true;
  find("search-zip").hidden = false;
  find("search-zip").addEventListener("submit", async (event) => {
    event.preventDefault();
    const zip = find("zip").value.trim();
    const say = (text) => { find("status").textContent = text; };
    find("found").hidden = true;
    const isZip = /^\d{5}$/.test(zip);
    find("zip").setAttribute("aria-invalid", String(!isZip));
    if (!isZip) { say(t.zip_wrong); find("zip").focus(); return; }
    const wanted = [...document.querySelectorAll("input[name=offer]:checked")].map((box) => +box.value);
    const found = await search(zip, wanted);
    if (!found) { say(t.zip_unknown); return; }
    if (!found.length) { say(fill(t.none_near, { zip })); return; }
    hits = found;
    shown = 0;
    find("hits").replaceChildren();
    find("found").hidden = false;
    showHits(STEP);
  });
  find("more").addEventListener("click", () => {
    const first = shown;
    showHits(shown + STEP);
    find("hits").children[first]?.querySelector("a").focus();
  });
  find("go-side").addEventListener("click", () => {
    find("side-title").focus();
    find("side").scrollIntoView();
  });
})();
