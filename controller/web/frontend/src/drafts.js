// The form saves itself, its recording too, in this browser and for whoever is signed in: an expired session, a closed
// window or an empty battery lose nothing. What was sent is forgotten, and so is what nobody came back to.
import { choose, takeOfForm } from "./recorder.js";

const SAVE_AFTER_MS = 300;
const KEPT_MS = 7 * 24 * 3_600_000;
const TAKE_MAX_BYTES = 100_000_000;
const NEVER = new Set(["accepted", "do", "file", "second_file"]);
const WORTH = ["title", "text", "second_text", "announcement"];

const form = () => document.querySelector("#compose form");
const person = () => document.querySelector("[data-drafts]")?.dataset.drafts;

function shelf(mode, ask) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("loa", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("drafts");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const work = opening.result.transaction("drafts", mode);
      const asked = ask(work.objectStore("drafts"));
      work.oncomplete = () => {
        opening.result.close();
        resolve(asked.result);
      };
      work.onerror = work.onabort = () => reject(work.error);
    };
  });
}

const takes = () => `${person()} take`;
let kept; // the recording that lies on the shelf already: it is big, and written once

async function forget() {
  kept = undefined;
  await shelf("readwrite", (drafts) => (drafts.delete(takes()), drafts.delete(person())));
}

async function save() {
  if (!form()) return;
  const fields = [...new FormData(form())].filter(([name, value]) => !NEVER.has(name) && typeof value === "string");
  const take = takeOfForm();
  const worth = take || fields.some(([name, value]) => WORTH.includes(name) && value.trim());
  if (!worth) return forget();
  const changed = take !== kept && !(take?.size > TAKE_MAX_BYTES);
  await shelf("readwrite", (drafts) => {
    if (changed) drafts.put((kept = take), takes());
    return drafts.put({ at: Date.now(), fields }, person());
  });
}

function put(name, values) {
  const inputs = [...form().querySelectorAll(`[name="${CSS.escape(name)}"]`)];
  if (!inputs.length) {
    // Only parts of the form that come later have these: the sound that was made of the words, and its playlist.
    const input = Object.assign(document.createElement("input"), { type: "hidden", name, value: values[0] });
    (name === "playlist" ? form() : form().querySelector("#listen")).append(input);
  }
  for (const input of inputs) {
    if (["checkbox", "radio"].includes(input.type)) input.checked = values.includes(input.value);
    else input.value = values[0];
  }
}

async function restore() {
  const draft = await shelf("readonly", (drafts) => drafts.get(person()));
  if (!draft) return;
  if (Date.now() - draft.at > KEPT_MS) return forget();
  const fields = new Map();
  for (const [name, value] of draft.fields) fields.set(name, [...(fields.get(name) ?? []), value]);
  if (!fields.has("twice")) form().querySelector("[name=twice]").checked = false;
  const take = await shelf("readonly", (drafts) => drafts.get(takes()));
  if (take) choose((kept = take));
  for (const [name, values] of fields) put(name, values);
  form().querySelector("details.more:has(textarea)")?.toggleAttribute("open", Boolean(fields.get("second_language")?.[0]));
  document.querySelector("[data-restored]").hidden = false;
  form().querySelector("[name=text]").dispatchEvent(new Event("input", { bubbles: true }));
  form().dispatchEvent(new CustomEvent("loa:restored", { bubbles: true }));
}

export function watchDrafts() {
  let timer;
  // A browser that keeps nothing (a private window) only lacks this comfort.
  const quietly = (what) => what().catch(() => {});
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => quietly(save), SAVE_AFTER_MS);
  };
  const atOnce = () => {
    clearTimeout(timer);
    quietly(save);
  };
  for (const name of ["input", "change"]) document.addEventListener(name, (event) => event.target.closest?.("#compose form") && soon());
  document.addEventListener("htmx:before:request", (event) => event.target.closest?.("#compose") && atOnce());
  document.addEventListener("visibilitychange", () => document.hidden && timer && atOnce());
  document.addEventListener("htmx:after:process", () => {
    if (document.querySelector("#compose [data-sent]")) quietly(forget);
    else if (document.querySelector("#listen [name=announcement]")) soon();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-afresh]")) quietly(async () => (await forget(), location.assign("/")));
  });
  if (document.querySelector("#compose [data-sent]")) quietly(forget);
  else if (form()?.dataset.compose === "blank") quietly(restore);
}
