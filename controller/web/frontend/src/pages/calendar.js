// The week as a grid of hours, where airings are moved with the pointer. Without this the days are plain lists.
import "../styles/calendar.css";

const STEP = 5; // minutes: one row of the grid, and how finely an airing is moved
const SHOWN_AT_LEAST = 40; // minutes: a shorter airing is drawn this high, so that its title can be read
const LANES = 12; // columns of a day: as many airings side by side can be told apart
const CLICK = 4; // pixels: less is a click on the link
const DESK = matchMedia("(min-width: 60rem)");

const weekOf = (root) => root.querySelector(".mode-week .week");
const number = (node, name) => Number(node.dataset[name]);
const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const written = (day) => day.split("-").reverse().join("/");

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

function under(week, x) {
  return [...week.querySelectorAll(".calendar-day")].find((day) => {
    const box = day.getBoundingClientRect();
    return x >= box.left && x < box.right;
  });
}

// Where the pointer would put the airing: never before its day's midnight, nor after it.
function place(drag, event) {
  const day = under(drag.week, event.clientX) ?? drag.day;
  const slots = day.querySelector(".slots").getBoundingClientRect();
  const from = number(drag.week, "from");
  const perMinute = slots.height / (24 * 60 - from);
  const top = event.clientY - drag.grip - slots.top;
  const minute = Math.round((top / perMinute + from) / STEP) * STEP;
  return { day, minute: Math.min(Math.max(minute, 0), 24 * 60 - STEP) };
}

function open(kind, slot, when, fields) {
  const dialog = document.querySelector("[data-rearrange]");
  const calendar = document.querySelector("[data-calendar]");
  for (const form of dialog.querySelectorAll("form")) form.hidden = !form.matches(`[data-${kind}]`);
  const form = dialog.querySelector(`[data-${kind}]`);
  const { schedule, version, at } = slot.dataset;
  const { view, shown, area } = calendar.dataset;
  for (const [name, value] of Object.entries({ schedule, version, at, view, shown, area, ...fields })) {
    form.elements[name].value = value;
  }
  form.querySelector("[data-title]").textContent = slot.dataset.title;
  form.querySelector("[data-when]").textContent = when;
  const once = "once" in slot.dataset;
  for (const each of dialog.querySelectorAll("[data-series]")) each.hidden = once;
  for (const each of dialog.querySelectorAll("[data-single]")) each.hidden = !once;
  dialog.showModal();
}

let drag = null;

function begin(event) {
  const slot = event.target.closest?.("[data-movable]");
  const week = slot?.closest(".timed");
  if (!week || event.button !== 0) return;
  const grip = event.clientY - slot.getBoundingClientRect().top;
  const stretches = event.target.matches("[data-edge]");
  drag = { slot, week, grip, stretches, day: slot.closest(".calendar-day"), x: event.clientX, y: event.clientY, moved: false };
}

function go(event) {
  if (!drag) return;
  if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < CLICK) return;
  if (!drag.moved) drag.slot.setPointerCapture(event.pointerId);
  drag.moved = true;
  const { day, minute } = place(drag, event);
  for (const each of drag.week.querySelectorAll(".calendar-day")) {
    const inside = drag.stretches && each.dataset.day >= drag.day.dataset.day && each.dataset.day <= day.dataset.day;
    each.classList.toggle("is-aim", inside || (!drag.stretches && each === day));
  }
  if (drag.stretches) return;
  drag.slot.classList.add("is-dragged");
  drag.slot.style.translate = `${event.clientX - drag.x}px ${event.clientY - drag.y}px`;
  drag.slot.querySelector("time").textContent = clock(minute);
}

function settle() {
  if (!drag) return;
  drag.slot.classList.remove("is-dragged");
  drag.slot.style.translate = "";
  drag.slot.querySelector("time").textContent = clock(number(drag.slot, "minute"));
  drag.week.querySelectorAll(".is-aim").forEach((each) => each.classList.remove("is-aim"));
  drag = null;
}

function end(event) {
  if (!drag) return;
  const { slot, moved, stretches, day: home } = drag;
  const { day, minute } = place(drag, event);
  settle();
  if (!moved) return;
  // What ends a drag is no click on the link below it.
  const over = new AbortController();
  addEventListener("click", (click) => click.preventDefault(), { capture: true, signal: over.signal });
  setTimeout(() => over.abort(), 0);
  if (stretches && day.dataset.day > home.dataset.day) {
    open("stretch", slot, written(day.dataset.day), { last_day: day.dataset.day });
  } else if (!stretches && (day !== home || minute !== number(slot, "minute"))) {
    const to = `${day.dataset.day}T${clock(minute)}:00`;
    open("move", slot, `${clock(minute)} ${written(day.dataset.day)}`, { to });
  }
}

layOut();
DESK.addEventListener("change", layOut);
document.addEventListener("pointerdown", begin);
document.addEventListener("pointermove", go);
document.addEventListener("pointerup", end);
document.addEventListener("pointercancel", settle);
document.addEventListener("keydown", (event) => event.key === "Escape" && settle());
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.closest("[data-print]")) print();
});
document.addEventListener("htmx:after:process", () => {
  layOut();
  document.querySelector("[data-rearrange][open]")?.close();
});
