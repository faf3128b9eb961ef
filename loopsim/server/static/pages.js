"use strict";

const root = document.documentElement;
const filter = document.getElementById("filter");
const cards = [...document.querySelectorAll("details.card")];

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    target.scrollIntoView();
  }
}

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const off = new Set([...document.querySelectorAll("[data-grade][aria-pressed=false]")].map((b) => b.dataset.grade));
  let found = 0;
  for (const each of document.querySelectorAll("[data-find]")) {
    const fits = words.every((word) => each.dataset.find.includes(word)) && !off.has(each.dataset.of);
    each.hidden = !fits;
    if (fits && each.tagName !== "LI") found += 1;
  }
  for (const part of document.querySelectorAll("main section")) {
    part.hidden = !part.querySelector("details.card:not([hidden])");
  }
  for (const list of document.querySelectorAll("aside ul")) {
    const empty = !list.querySelector("li:not([hidden])");
    list.hidden = empty;
    list.previousElementSibling.hidden = empty;
  }
  document.getElementById("found").textContent = words.length ? `${found} found` : "";
}

function move(step) {
  const shown = cards.filter((card) => !card.hidden && card.offsetParent !== null);
  const at = shown.findIndex((card) => card.contains(document.activeElement));
  const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
  if (next) next.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target === filter;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing) {
    filter.value = "";
    applyFilter();
    filter.blur();
  } else if (typing) {
    return;
  } else if (event.key === "/") {
    event.preventDefault();
    filter.focus();
  } else if (event.key === "j") {
    move(1);
  } else if (event.key === "k") {
    move(-1);
  }
});

document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("loopsim.theme", root.dataset.theme);
});

const all = document.getElementById("all");
if (all) {
  all.addEventListener("click", () => {
    const open = !cards.every((card) => card.open);
    for (const card of cards) card.open = open;
    all.textContent = open ? "Close all" : "Open all";
  });
}

for (const button of document.querySelectorAll("[data-grade]")) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    applyFilter();
  });
}

const contents = document.querySelector(".contents");
if (contents && matchMedia("(max-width: 60rem)").matches) contents.open = false;
filter.addEventListener("input", applyFilter);
addEventListener("hashchange", openTarget);
openTarget();
