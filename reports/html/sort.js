"use strict";

// The number with which a cell starts, NaN where it is text: "1,234.5 ± 0.1" is 1234.5, "−3ᵃ" −3, "<0.01" 0.01.
function number(text) {
  const found = /^[<>]?([−-]?\d[\d,]*(?:\.\d+)?(?:e[−-]?\d+)?)[^A-Za-z]*$/.exec(text);
  return found ? Number(found[1].replace(/,/g, "").replace(/−/g, "-")) : NaN;
}

function bare(text) {
  return text.replace(/\s+/g, " ").trim();
}

function isMissing(text) {
  return text === "" || text === "–" || text === "undefined";
}

// The places of the texts in order. A column whose values are all numbers is ordered by size, any other by its text;
// what is missing stands last in both directions, and equal values keep their order.
function order(texts, descending) {
  const bared = texts.map(bare);
  const isNumeric = bared.every((text) => isMissing(text) || !Number.isNaN(number(text)));
  const compare = (one, other) => {
    const lacking = isMissing(bared[one]) - isMissing(bared[other]);
    if (lacking || isMissing(bared[one])) return lacking;
    const difference = isNumeric ? number(bared[one]) - number(bared[other]) : bared[one].localeCompare(bared[other]);
    return descending ? -difference : difference;
  };
  return texts.map((_, place) => place).sort(compare);
}

// A row with nothing but a first cell heads the rows below it; rows are sorted below their own heading.
function isHeading(row) {
  return row.cells.length > 1 && Array.from(row.cells).slice(1).every((cell) => bare(cell.textContent) === "");
}

function sortBy(header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentNode.cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = header.closest("table").tBodies[0];
  const groups = [[]];
  for (const row of Array.from(body.rows)) {
    if (isHeading(row)) groups.push([]);
    groups[groups.length - 1].push(row);
  }
  for (const group of groups) {
    const heading = group.length && isHeading(group[0]) ? group.slice(0, 1) : [];
    const rows = group.slice(heading.length);
    const texts = rows.map((row) => row.cells[header.cellIndex].textContent);
    for (const row of [...heading, ...order(texts, descending).map((place) => rows[place])]) body.appendChild(row);
  }
}

if (typeof document !== "undefined") {
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => sortBy(button.parentNode));
  }
}
