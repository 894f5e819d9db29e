// What cannot be taken back is confirmed by holding: a slip of the finger does nothing. Without scripts a press does it.

const HOLD_MS = 1200;

export function watchHold() {
  let timer;
  let held;
  let rest; // what the button says when nobody holds it

  const show = () => {
    const words = held.querySelector("span");
    if (words.textContent !== held.dataset.hold) rest = words.textContent;
    words.textContent = held.dataset.hold;
    held.classList.add("holding");
  };

  const begin = (button) => {
    if (held || !button.form.reportValidity()) return;
    held = button;
    show();
    timer = setTimeout(() => {
      const done = held;
      end();
      done.form.requestSubmit();
    }, HOLD_MS);
  };

  const end = () => {
    if (!held) return;
    clearTimeout(timer);
    held.classList.remove("holding");
    held.querySelector("span").textContent = rest;
    held = undefined;
  };

  const of = (event) => event.target.closest?.("[data-hold]");
  document.addEventListener("pointerdown", (event) => of(event) && event.button === 0 && begin(of(event)));
  document.addEventListener("pointermove", ({ buttons, clientX, clientY }) => { // whoever slides off thinks better of it
    if (held && buttons && !held.contains(document.elementFromPoint(clientX, clientY))) end();
  });
  for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, end);
  document.addEventListener("keydown", (event) => of(event) && [" ", "Enter"].includes(event.key) && !event.repeat && begin(of(event)));
  document.addEventListener("keyup", end);
  document.addEventListener("click", (event) => of(event) && event.preventDefault());
  document.addEventListener("contextmenu", (event) => of(event) && event.preventDefault());
  document.addEventListener("htmx:after:swap", () => held && show()); // what is fetched anew meanwhile knows of no finger
}
