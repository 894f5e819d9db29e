// Whose session ends in the middle of a form finds it again after signing in, in this window: what was typed and chosen, never
// passwords, codes, files or what the page hides in a form. A page that is shown to somebody signed in proves that what was
// sent has been answered; only what a page without a person followed (the form to sign in, an error) is owed and comes back.
// What is to be announced stays in the browser, until it is sent or seven days have passed: a closed window or an empty
// battery lose none of it.
import { addressed, choose, draw, drawing } from "./targets.js";

const SAVE_AFTER_MS = 300;
const SHELF = "loa form ";
const BACK = "loa back";
const STAYS_MS = 7 * 24 * 3_600_000;
const NEVER = new Set(["password", "file", "submit", "button", "reset", "image"]);

export const person = () => document.querySelector("[data-drafts]")?.dataset.drafts;
const here = () => location.pathname + location.search;
const shelf = () => `${SHELF}${person()} ${here()}`;
const shelves = () => Object.keys(sessionStorage).filter((key) => key.startsWith(SHELF));
const forms = () => [...document.querySelectorAll("main form[method=post]")];
const stays = (form) => "stays" in form.dataset;
const stay = () => `loa draft ${person()}`;
const worth = (form) => [...form.querySelectorAll("[data-worth]")].some(({ value }) => value.trim());
const pickerOf = (form) => form.querySelector("[data-targets]");
const ticked = (input) => ["checkbox", "radio"].includes(input.type);
const touched = new Set();

function nameOf(form) {
  const action = form.getAttribute("action");
  return `${action} ${forms().filter((each) => each.getAttribute("action") === action).indexOf(form)}`;
}

/** What is kept of a form. Its version too: what somebody else changed meanwhile is not overwritten unseen. */
function inputsOf(form) {
  const hidden = (input) => input.type === "hidden" && input.name !== "version" && !("keep" in input.dataset);
  const secret = (input) => NEVER.has(input.type) || input.autocomplete === "one-time-code" || hidden(input);
  return [...form.elements].filter((input) => input.name && !secret(input) && !input.closest("[data-targets]"));
}

function read(form) {
  const picker = pickerOf(form);
  const fields = inputsOf(form).filter((input) => !ticked(input) || input.checked).map(({ name, value, selectedOptions }) => [name, value, selectedOptions?.[0]?.label]);
  return { fields, ...(picker && { targets: addressed(picker), drawn: drawing(picker) }) };
}

function save() {
  const typed = forms().filter((form) => touched.has(nameOf(form)) && (pickerOf(form) || inputsOf(form).some(({ type }) => type !== "hidden")));
  for (const form of typed.filter(stays)) {
    if (worth(form)) localStorage.setItem(stay(), JSON.stringify({ at: Date.now(), draft: read(form) }));
    else forget(form);
  }
  const drafts = typed.filter((form) => !stays(form)).map((form) => [nameOf(form), read(form)]);
  if (drafts.length) sessionStorage.setItem(shelf(), JSON.stringify({ owed: false, drafts }));
  else sessionStorage.removeItem(shelf());
}

/** Tell also whoever keeps more of it (takes.js). */
function forget(form) {
  localStorage.removeItem(stay());
  form.dispatchEvent(new CustomEvent("loa:forgotten", { bubbles: true }));
}

function putTargets(picker, { targets, drawn }) {
  const before = addressed(picker);
  const among = (all, { kind, key }) => all.some((each) => each.kind === kind && each.key === key);
  const off = before.filter((each) => !among(targets, each));
  const on = targets.filter((each) => !among(before, each));
  for (const each of off) choose(picker, { ...each, on: false });
  for (const each of on) choose(picker, { ...each, on: true });
  const redrawn = drawn !== drawing(picker);
  if (redrawn) draw(picker, drawn);
  return redrawn || off.length + on.length > 0;
}

/** What somebody had searched for is offered again: a page itself offers no more than lies near. */
function offer(select, value, label) {
  if (select?.options && label && ![...select.options].some((each) => each.value === value)) select.add(new Option(label, value));
}

function putFields(form, fields) {
  const values = new Map();
  for (const [name, value, label] of fields) {
    values.set(name, [...(values.get(name) ?? []), value]);
    offer(form.elements.namedItem(name), value, label);
  }
  let changed = false;
  for (const input of inputsOf(form)) {
    const kept = values.get(input.name) ?? [];
    const [now, then] = ticked(input) ? [input.checked, kept.includes(input.value)] : [input.value, kept.shift() ?? input.value];
    if (now === then) continue;
    input[ticked(input) ? "checked" : "value"] = then;
    input.closest("details")?.setAttribute("open", "");
    for (const event of ["input", "change"]) input.dispatchEvent(new Event(event, { bubbles: true }));
    changed ||= input.type !== "hidden";
  }
  return changed;
}

/** A form whose parts the server adds and takes away is drawn by it from what was kept. */
function redraw(form, fields, button) {
  for (const input of inputsOf(form)) input.removeAttribute("name");
  form.append(...fields.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value })));
  document.addEventListener("htmx:after:swap", () => say(forms().find((each) => each.querySelector("[data-redraw]"))), { once: true });
  button.click();
}

function say(form) {
  if (!form) return;
  const said = document.querySelector("[data-brought-back]");
  form.before(said);
  said.hidden = false;
  form.closest("details")?.setAttribute("open", "");
}

function restore(drafts) {
  const found = new Map(forms().map((form) => [nameOf(form), form]));
  for (const [name, draft] of drafts) {
    const form = found.get(name);
    if (!form) continue;
    touched.add(name);
    const button = form.querySelector("[data-redraw]");
    if (button) {
      redraw(form, draft.fields, button);
      continue;
    }
    put(form, draft);
  }
  save();
}

function put(form, draft) {
  const typed = putFields(form, draft.fields);
  const addressed = pickerOf(form) && draft.targets && putTargets(pickerOf(form), draft);
  if (typed || addressed) say(form);
}

function restoreStaying(form) {
  const kept = JSON.parse(localStorage.getItem(stay()));
  if (!kept || form.dataset.stays === "sent" || Date.now() - kept.at > STAYS_MS) return forget(form);
  if (form.dataset.stays !== "blank") return;
  put(form, kept.draft);
  touched.delete(nameOf(form)); // what lies there is whole; here the recording is still to come
  form.dispatchEvent(new CustomEvent("loa:restored", { bubbles: true }));
}

/** Nobody is signed in here: what was typed is owed, and signing in leads back to the page of the form that was sent. */
function owe() {
  for (const key of shelves()) sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(key)), owed: true }));
  const back = sessionStorage.getItem(BACK);
  const next = document.querySelector("form[action='/sign-in'] [name=next]");
  if (!back || next?.value !== "/") return;
  next.value = back;
  for (const link of document.querySelectorAll("a[href^='/sign-in/openid']")) link.href = `/sign-in/openid?next=${encodeURIComponent(back)}`;
}

function begin() {
  sessionStorage.removeItem(BACK);
  const owed = JSON.parse(sessionStorage.getItem(shelf()));
  for (const key of shelves()) if (!JSON.parse(sessionStorage.getItem(key)).owed) sessionStorage.removeItem(key);
  if (owed?.owed) restore(owed.drafts);
  forms().filter(stays).forEach(restoreStaying);
}

export function watchKeep() {
  // A browser that keeps nothing only lacks this comfort.
  const quietly = (what) => {
    try {
      what();
    } catch {}
  };
  if (!person()) return quietly(owe);

  let timer;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => quietly(save), SAVE_AFTER_MS);
  };
  const touch = (form, then) => {
    if (!forms().includes(form)) return;
    touched.add(nameOf(form));
    then();
  };
  const atOnce = () => touched.size && quietly(save);
  const typed = ({ target }) => touch(target.form ?? target.closest?.("form"), soon);
  for (const name of ["input", "change", "loa:chosen"]) document.addEventListener(name, typed);
  document.addEventListener("submit", ({ target }) => {
    if (forms().includes(target)) quietly(() => sessionStorage.setItem(BACK, here()));
    touch(target, atOnce);
  });
  document.addEventListener("htmx:before:request", ({ target }) => target.matches?.("button") && touch(target.form, atOnce));
  document.addEventListener("htmx:after:process", () => touched.size && soon()); // a form that came back gets its recording first
  window.addEventListener("pagehide", atOnce);
  document.addEventListener("visibilitychange", () => document.hidden && atOnce());
  document.addEventListener("click", ({ target }) => {
    if (!target.closest?.("[data-fresh]")) return;
    touched.clear();
    quietly(() => forms().filter(stays).forEach(forget));
    location.replace(here());
  });
  document.addEventListener("DOMContentLoaded", () => setTimeout(() => quietly(begin))); // after htmx and the page's own script
}
