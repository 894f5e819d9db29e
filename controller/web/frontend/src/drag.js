// Airings taken in hand: by a mouse at once, by a finger once it rests, so that the page still scrolls and a tap still opens.
const CLICK = 4; // pixels that a mouse may move within a click
const WANDER = 10; // pixels that a finger may move while it rests
const REST_MS = 400;
const EDGE = 80; // pixels from the window's edge, within which the page scrolls along
const PACE = 16; // pixels a frame, at the edge itself

let drag = null;

// `aim` tells where it would go: null is no place for it, undefined no place at all, where it stays aimed as it was.
// `drop` and `rest` are told what came of it.
export function watchDrags({ aim, drop, rest }) {
  function begin(event) {
    if (drag || event.button !== 0 || !event.isPrimary || event.target.closest?.("[data-more]")) return;
    const slot = event.target.closest?.("[data-movable]");
    if (!slot) return;
    const box = slot.getBoundingClientRect();
    drag = {
      slot,
      home: slot.closest(".calendar-day"),
      stretches: event.target.matches("[data-edge]"),
      finger: event.pointerType === "touch",
      pointer: event.pointerId,
      from: { x: event.clientX, y: event.clientY },
      at: { x: event.clientX, y: event.clientY },
      grip: { x: event.clientX - box.left, y: event.clientY - box.top },
      ghost: null,
      aimed: null,
    };
    if (drag.finger) drag.timer = setTimeout(lift, REST_MS);
  }

  function lift() {
    const { slot, finger, pointer, stretches } = drag;
    const ghost = document.createElement("div");
    ghost.className = `drag-ghost ${stretches ? "is-stretch" : ""} ${[...slot.classList].filter((name) => name.startsWith("tone-")).join(" ")}`;
    ghost.setAttribute("aria-hidden", "true");
    ghost.append(document.createElement("strong"), document.createElement("span"));
    ghost.lastChild.textContent = slot.dataset.title;
    ghost.style.maxInlineSize = `${Math.max(slot.offsetWidth, 160)}px`;
    document.body.append(ghost);
    drag.ghost = ghost;
    slot.classList.add("is-lifted");
    document.documentElement.classList.add("is-dragging");
    if (!finger) slot.setPointerCapture(pointer);
    show();
    requestAnimationFrame(scrollAlong);
  }

  function show() {
    const aimedNow = aim(drag);
    if (aimedNow !== undefined) drag.aimed = aimedNow;
    const { aimed, stretches, home, ghost, at, grip, finger } = drag;
    for (const each of document.querySelectorAll("[data-calendar] .calendar-day")) {
      const between = aimed && each.dataset.day >= home.dataset.day && each.dataset.day <= aimed.day.dataset.day;
      each.classList.toggle("is-aim", Boolean(stretches ? between : aimed?.day === each));
    }
    ghost.firstChild.textContent = aimed?.said ?? "";
    // Above the finger, where it can be seen.
    const left = Math.min(at.x - Math.min(grip.x, 80), innerWidth - ghost.offsetWidth - 4);
    const top = finger ? at.y - ghost.offsetHeight - 24 : at.y - Math.min(grip.y, 24);
    ghost.style.translate = `${Math.max(left, 4)}px ${Math.max(top, 4)}px`;
  }

  function scrollAlong() {
    if (!drag?.ghost) return;
    const above = EDGE - drag.at.y;
    const below = drag.at.y - (innerHeight - EDGE);
    const nearest = Math.min(Math.max(above, below, 0), EDGE);
    if (nearest > 0) {
      scrollBy({ top: (above > below ? -1 : 1) * Math.ceil((PACE * nearest) / EDGE), behavior: "instant" });
      show();
    }
    requestAnimationFrame(scrollAlong);
  }

  function go(event) {
    if (event.pointerId !== drag?.pointer) return;
    drag.at = { x: event.clientX, y: event.clientY };
    const far = Math.hypot(drag.at.x - drag.from.x, drag.at.y - drag.from.y);
    if (drag.ghost) show();
    else if (drag.finger && far > WANDER) settle();
    else if (!drag.finger && far >= CLICK) lift();
    if (drag?.ghost && far > WANDER) drag.moved = true;
  }

  function settle() {
    if (!drag) return;
    clearTimeout(drag.timer);
    drag.ghost?.remove();
    drag.slot.classList.remove("is-lifted");
    document.documentElement.classList.remove("is-dragging");
    document.querySelectorAll(".calendar-day.is-aim").forEach((each) => each.classList.remove("is-aim"));
    drag = null;
  }

  function end(event) {
    if (event.pointerId !== drag?.pointer) return;
    const ended = drag;
    settle();
    if (!ended.ghost) {
      // The edge lies over the link: where it is only tapped, it opens what lies below it.
      if (ended.stretches) ended.slot.querySelector("a")?.click();
      return;
    }
    // What ends a drag is no click on the link below it.
    const over = new AbortController();
    addEventListener("click", (click) => click.preventDefault(), { capture: true, signal: over.signal });
    setTimeout(() => over.abort(), 0);
    if (ended.finger && !ended.moved) rest(ended.slot);
    else if (ended.aimed) drop(ended);
  }

  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", go);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", (event) => event.pointerId === drag?.pointer && settle());
  document.addEventListener("keydown", (event) => event.key === "Escape" && settle());
  // A finger that has lifted something scrolls no more, and opens no menu of the browser's.
  document.addEventListener("touchmove", (event) => drag?.ghost && event.preventDefault(), { passive: false });
  document.addEventListener("contextmenu", (event) => drag?.finger && event.preventDefault());
}
