// The week as a grid of hours, and airings moved and drawn out over days by hand. Without this the days are plain lists.
import { watchDrags } from "../drag.js";
import "../styles/calendar.css";

const STEP = 5; // minutes: one row of the grid, and how finely an airing is moved
const SHOWN_AT_LEAST = 40; // minutes: a shorter airing is drawn this high, so that its title can be read
const LANES = 12; // columns of a day: as many airings side by side can be told apart
const DESK = matchMedia("(min-width: 60rem)");

const weekOf = (root) => root.querySelector(".mode-week .week");
const number = (node, name) => Number(node.dataset[name]);
const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

// Airings that overlap stand side by side: each in the first lane that is free when it begins, all as wide as they can be.
function lanes(slots) {
  const inOrder = [...slots].sort((a, b) => number(a, "minute") - number(b, "minute"));
  const ends = (slot) => number(slot, "minute") + Math.max(number(slot, "minutes"), SHOWN_AT_LEAST);
  let together = [];
  let free = [];
  const place = () => {
    const wide = Math.max(1, Math.floor(LANES / free.length));
    for (const [slot, lane] of together) slot.style.gridColumn = `${Math.min(lane * wide, LANES - wide) + 1} / span ${wide}`;
    [together, free] = [[], []];
  };
  for (const slot of inOrder) {
    const begins = number(slot, "minute");
    if (free.every((end) => end <= begins)) place();
    let lane = free.findIndex((end) => end <= begins);
    if (lane < 0) lane = free.length;
    free[lane] = ends(slot);
    together.push([slot, lane]);
  }
  if (together.length) place();
}

function layOut() {
  const week = weekOf(document);
  if (!week) return;
  week.classList.toggle("timed", DESK.matches);
  const placed = [...week.querySelectorAll("[data-minute]")];
  const earliest = Math.min(5 * 60, ...placed.filter((each) => each.matches(".slot")).map((slot) => number(slot, "minute")));
  const from = Math.floor(earliest / 60) * 60;
  week.dataset.from = from;
  for (const node of placed) {
    const row = (number(node, "minute") - from) / STEP + 1;
    const length = Math.max(number(node, "minutes") || 60, SHOWN_AT_LEAST);
    const last = Math.min(row + length / STEP, (24 * 60 - from) / STEP + 1);
    node.hidden = row < 1;
    node.style.gridRow = DESK.matches && row >= 1 ? `${Math.floor(row)} / ${Math.ceil(last)}` : "";
    node.style.gridColumn = "";
  }
  if (DESK.matches) week.querySelectorAll(".slots").forEach((day) => lanes(day.querySelectorAll(".slot")));
}

// Where the pointer would put the airing: in the grid of hours a day and a time, never before its midnight nor after it; in a
// month or a list a day, and its time stays. Days that are over are no place to go.
function aim({ slot, home, at, grip, stretches }) {
  const week = slot.closest(".timed");
  const day = week
    ? [...week.querySelectorAll(".calendar-day")].find((each) => within(each.getBoundingClientRect(), at.x))
    : document.elementFromPoint(at.x, at.y)?.closest("[data-calendar] .calendar-day");
  if (!day) return undefined;
  if (day.matches(".is-past") || (stretches && day.dataset.day < home.dataset.day)) return null;
  const written = `${day.querySelector(".day-name").textContent} ${day.querySelector(".day-number").textContent}`;
  if (stretches) return { day, said: `→ ${written}` };
  let time = slot.dataset.local.slice(11);
  if (week) {
    const slots = day.querySelector(".slots").getBoundingClientRect();
    const from = number(week, "from");
    const minute = Math.round((((at.y - grip.y - slots.top) / slots.height) * (24 * 60 - from) + from) / STEP) * STEP;
    if (minute !== number(slot, "minute")) time = `${clock(Math.min(Math.max(minute, 0), 24 * 60 - STEP))}:00`;
  }
  return { day, to: `${day.dataset.day}T${time}`, said: `${time.slice(0, 5)} · ${written}` };
}

const within = (box, x) => x >= box.left && x < box.right;

function drop({ slot, stretches, home, aimed }) {
  if (stretches && aimed.day !== home) ask(slot, ["stretch"], { last_day: aimed.day.dataset.day });
  else if (!stretches && aimed.to !== slot.dataset.local) ask(slot, ["move"], { to: aimed.to });
}

// Asks for what is still open of a move, a stretch, or either.
function ask(slot, kinds, chosen = {}) {
  const dialog = document.querySelector("[data-rearrange]");
  const { view, shown, area } = document.querySelector("[data-calendar]").dataset;
  const { schedule, version, at, local, title } = slot.dataset;
  const known = { schedule, version, at, view, shown, area, to: local, last_day: local.slice(0, 10), ...chosen };
  for (const form of dialog.querySelectorAll("form")) {
    form.hidden = !kinds.some((kind) => form.matches(`[data-${kind}]`));
    for (const [name, value] of Object.entries(known)) if (form.elements[name]) form.elements[name].value = value;
    form.querySelector("[data-title]").textContent = title;
  }
  // Seconds are shown where there are any.
  const { to } = dialog.querySelector("[data-move]").elements;
  to.step = known.to.endsWith(":00") ? 60 : 1;
  if (to.step === "60") to.value = known.to.slice(0, 16);
  dialog.querySelector("[name=last_day]").min = local.slice(0, 10);
  const once = "once" in slot.dataset;
  for (const each of dialog.querySelectorAll("[data-series]")) each.hidden = once;
  for (const each of dialog.querySelectorAll("[data-single]")) each.hidden = !once;
  dialog.setAttribute("aria-labelledby", `rearrange-${kinds[0]}`);
  dialog.showModal();
}

const offer = (slot) => ask(slot, ["move", "stretch"]);

// What comes back is read: a question over the page, an answer with the focus.
function arrive() {
  layOut();
  const question = document.querySelector("[data-question]:not(:modal)");
  if (question) {
    question.close();
    question.showModal();
  }
  const note = document.querySelector("#calendar [data-focus]");
  note?.removeAttribute("data-focus");
  note?.focus();
}

arrive();
DESK.addEventListener("change", layOut);
if (document.querySelector("[data-rearrange]")) watchDrags({ aim, drop, rest: offer });
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  const more = event.target.closest("[data-more]");
  if (more) offer(more.closest("[data-movable]"));
});
document.addEventListener("htmx:after:process", () => {
  document.querySelector("[data-rearrange][open]")?.close();
  arrive();
});
