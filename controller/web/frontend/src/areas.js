// A tick on an area ticks all below it; a tick taken away below leaves the area half chosen.

const boxes = (node) => [...node.querySelectorAll("input[type=checkbox]")];
const own = (node) => node.querySelector(":scope > label input[type=checkbox]");
const children = (node) => [...node.querySelectorAll(":scope > details > ul > li:not([data-later])")];

function settle(node) {
  const below = children(node);
  below.forEach(settle);
  const box = own(node);
  if (!box || below.length === 0) return;
  const all = below.every((child) => own(child)?.checked);
  const some = below.some((child) => own(child)?.checked || own(child)?.indeterminate);
  box.checked = all;
  box.indeterminate = some && !all;
}

function settleTrees() {
  for (const tree of document.querySelectorAll("[data-areas]")) {
    for (const box of tree.querySelectorAll("input[name=area]:checked")) {
      boxes(box.closest("li")).forEach((each) => (each.checked = true));
    }
    tree.querySelectorAll(":scope > li").forEach(settle);
  }
}

export function watchAreas() {
  settleTrees();
  document.addEventListener("htmx:after:swap", (event) => event.target.closest?.("[data-areas]") && settleTrees());
  document.addEventListener("htmx:after:process", settleTrees);
  document.addEventListener("change", (event) => {
    const tree = event.target.closest?.("[data-areas]");
    if (!tree) return;
    boxes(event.target.closest("li")).forEach((each) => (each.checked = event.target.checked));
    tree.querySelectorAll(":scope > li").forEach(settle);
  });
}
