"use strict";
// The page reads well without this: it only adds filtering, opening, copying and printing.
const all = [...document.querySelectorAll(".scenario")];
const tools = document.getElementById("tools");
const search = document.getElementById("search");
const buttons = [...tools.querySelectorAll("[data-show]")];
const texts = new Map(all.map((each) => [each, each.querySelector("summary").textContent.toLowerCase()]));
let only = "all";

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const each of all) {
    const wanted = (only === "all" || each.dataset.bad === "1") && words.every((word) => texts.get(each).includes(word));
    each.hidden = !wanted;
    count += wanted;
  }
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === only));
  document.getElementById("shown").textContent = `${count} of ${all.length} shown`;
  document.getElementById("none").hidden = count > 0;
}

function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const scenario = target.closest(".scenario");
  if (scenario && scenario.hidden) { only = "all"; search.value = ""; show(); }
  for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  target.scrollIntoView();
}

for (const button of buttons) button.addEventListener("click", () => { only = button.dataset.show; show(); });
search.addEventListener("input", show);
tools.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("open").addEventListener("click", () => { for (const each of all) if (!each.hidden) each.open = true; });
document.getElementById("close").addEventListener("click", () => { for (const each of all) each.open = false; });
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("swap")) {
    const body = button.closest(".body");
    const raw = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(raw));
    body.querySelector(".raw").hidden = !raw;
    body.querySelector(".pretty").hidden = raw;
  } else if (button.classList.contains("copy")) {
    navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent)
      .then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Select and copy it"; });
  }
});
// What went wrong belongs on paper, open or not.
addEventListener("beforeprint", () => {
  for (const each of all) if (each.dataset.bad === "1" && !each.hidden) each.open = true;
  for (const each of document.querySelectorAll(".flagged details")) each.open = true;
});
addEventListener("hashchange", reveal);

tools.hidden = false;
for (const button of document.querySelectorAll(".copy")) button.hidden = !navigator.clipboard;
const bad = all.filter((each) => each.dataset.bad === "1");
if (bad.length) only = "bad";
if (bad.length) bad[0].open = true;
show();
reveal();
