// Choosing targets. The boxes of the form are the truth, in the tree and in the chips; a box of the tree has a chip without
// a box, so that whatever is chosen is seen, and can be left out, in one place.

const LISTED = "input[type=checkbox]:is([name=area], [name=group], [name=device])";

const COUNTED = new Set(["issuer", "area", "group", "device", "polygon"]);

const chipsOf = (picker) => picker.querySelector("[data-chips]");
const chipOf = (picker, kind, key) =>
  chipsOf(picker).querySelector(`:scope > li[data-kind="${kind}"][data-key="${CSS.escape(key)}"]:not([data-mirror])`);
const listed = (picker) => [...picker.querySelectorAll(LISTED)].filter((box) => !box.closest("[data-chips]"));
const boxOf = (picker, kind, key) => listed(picker).find((box) => box.name === kind && box.value === key);
const ownBox = (item) => item?.querySelector(":scope > label input[type=checkbox]");
const nameOf = (box) => box.closest("label").querySelector("span").textContent;

/** Whether a place above it in the tree is ticked. */
function covered(box) {
  const above = ownBox(box.closest("li")?.parentElement?.closest("li"));
  return Boolean(above?.checked);
}

function chip(picker, { kind, key, name, value = key, mirror = false }) {
  const item = document.createElement("li");
  Object.assign(item.dataset, { kind, key }, mirror ? { mirror: "yes" } : {});
  const label = document.createElement(mirror ? "span" : "label");
  const text = Object.assign(document.createElement("span"), { textContent: name });
  if (!mirror) label.append(Object.assign(document.createElement("input"), { type: "checkbox", name: kind, value, checked: true }));
  label.append(text);
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  button.setAttribute("aria-label", chipsOf(picker).dataset.remove.replace("{name}", name));
  item.append(label, button);
  return item;
}

/** Show in chips what the boxes say. */
function show(picker) {
  const chips = chipsOf(picker);
  for (const item of chips.querySelectorAll(":scope > li:not([data-mirror])")) {
    const box = boxOf(picker, item.dataset.kind, item.dataset.key);
    if (!box) continue; // a part of the tree that came later
    box.checked = true;
    item.remove();
  }
  const ticked = listed(picker).filter((box) => box.checked && !covered(box));
  const shown = [...chips.querySelectorAll(":scope > li[data-mirror]")];
  const same = shown.length === ticked.length && shown.every(({ dataset }, at) => dataset.kind === ticked[at].name && dataset.key === ticked[at].value);
  if (same) return; // whoever stands on one of them stays there
  shown.forEach((item) => item.remove());
  chips.prepend(...ticked.map((box) => chip(picker, { kind: box.name, key: box.value, name: nameOf(box), mirror: true })));
}

function changed(picker) {
  show(picker);
  picker.dispatchEvent(new CustomEvent("loa:chosen", { bubbles: true }));
}

/** All that is chosen by name, what lies in a chosen place left out. */
export const addressed = (picker) =>
  [...chipsOf(picker).querySelectorAll(":scope > li:not([data-kind=polygon])")].map((item) => ({
    kind: item.dataset.kind,
    key: item.dataset.key,
    name: item.querySelector("span").firstChild.textContent.trim(),
  }));

export const chosen = (picker, kind, key) => Boolean(boxOf(picker, kind, key)?.checked || chipOf(picker, kind, key));

/** Choose something, or leave it out. */
export function choose(picker, { kind, key, name, on }) {
  const box = boxOf(picker, kind, key);
  if (box) {
    box.checked = on;
    box.dispatchEvent(new Event("change", { bubbles: true })); // the tree ticks what lies below, then `changed`
    return;
  }
  if (!on) chipOf(picker, kind, key)?.remove();
  else if (!chipOf(picker, kind, key)) chipsOf(picker).append(chip(picker, { kind, key, name }));
  changed(picker);
}

/** What was drawn, as GeoJSON text; empty where nothing is. */
export const drawing = (picker) => chipOf(picker, "polygon", "")?.querySelector("input").value ?? "";

export function draw(picker, value) {
  chipOf(picker, "polygon", "")?.remove();
  const chips = chipsOf(picker);
  if (value) chips.append(chip(picker, { kind: "polygon", key: "", name: chips.dataset.drawn, value }));
  changed(picker);
}

function remove(picker, item) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const at = next && [next.dataset.kind, next.dataset.key];
  const { kind, key } = item.dataset;
  if (kind === "polygon") draw(picker, "");
  else choose(picker, { kind, key, on: false });
  const chips = chipsOf(picker);
  const left = at && chips.querySelector(`li[data-kind="${at[0]}"][data-key="${CSS.escape(at[1])}"] button`);
  (left ?? chips).focus();
}

function take(picker, button) {
  const { kind, key, name } = button.dataset;
  const search = picker.querySelector("[data-search]");
  choose(picker, { kind, key, name, on: true });
  button.closest("[data-found]").replaceChildren();
  search.value = "";
  search.focus();
}

/** Bring a style and a script once, when they are needed. */
function bring(style, script) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: style }));
  return new Promise((done, failed) => {
    document.head.append(Object.assign(document.createElement("script"), { src: script, onload: done, onerror: failed }));
  });
}

export function watchTargets() {
  const all = () => document.querySelectorAll("[data-targets]").forEach(show);
  all();
  window.addEventListener("pageshow", all); // a browser that goes back ticks boxes by itself
  document.addEventListener("htmx:after:swap", all);
  document.addEventListener("htmx:after:process", all); // the trees have settled
  document.addEventListener("htmx:config:request", ({ target, detail }) => {
    if (!target.matches?.("[data-reached]")) return;
    const { body } = detail.ctx.request; // of the form only what is counted: a recording stays here
    for (const name of new Set(body.keys())) if (!COUNTED.has(name)) body.delete(name);
  });
  document.addEventListener("change", ({ target }) => {
    const picker = target.closest?.("[data-targets]");
    if (picker && target.matches(LISTED)) changed(picker);
  });
  document.addEventListener("click", ({ target }) => {
    const picker = target.closest?.("[data-targets]");
    const chipButton = target.closest?.("[data-chips] button");
    const found = target.closest?.("[data-found] button");
    if (picker && chipButton) remove(picker, chipButton.closest("li"));
    if (picker && found) take(picker, found);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("[data-search]")) return;
    event.preventDefault();
    event.target.closest("[data-targets]").querySelector("[data-found] button")?.click();
  });
  let asked;
  document.addEventListener("toggle", ({ target: details }) => {
    if (!details.matches?.("[data-target-map]") || !details.open) return;
    const { style, script } = details.dataset;
    asked ??= bring(style, script);
    asked.then(
      () => details.dispatchEvent(new CustomEvent("loa:target-map", { bubbles: true })),
      () => {
        asked = undefined;
        const tip = details.querySelector("[data-tip]");
        tip.textContent = tip.dataset.trouble;
      },
    );
  }, true);
}
