// Shows the codes that begin with the number typed, or whose name or page says every word that is, and counts them.
"use strict";
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
const pages = new Map(CODES.map(([code, name, words]) => [code, plain(`${code} ${name} ${words}`)]));
const query = document.getElementById("query");
const count = document.getElementById("count");

function search() {
  const words = plain(query.value).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const item of document.querySelectorAll("[data-code]")) {
    const code = item.dataset.code;
    item.hidden = !words.every((word) => (/^[\d.]+$/.test(word) ? code.startsWith(word) : pages.get(code).includes(word)));
    found += !item.hidden;
  }
  for (const part of document.querySelectorAll("main > section")) {
    part.hidden = words.length > 0 && !part.querySelector("[data-code]:not([hidden])");
  }
  count.textContent = !words.length ? "" : found ? count.dataset.some.replace("{count}", found) : count.dataset.none;
}

query.addEventListener("input", search);
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const first = document.querySelector("[data-code]:not([hidden]) a");
  if (first) location.href = first.href;
});
search();
