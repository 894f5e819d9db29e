// What cannot be taken back is confirmed by holding: a slip of the finger does nothing. Without scripts a press does it.

const HOLD_MS = 1200;

export function watchHold() {
  let timer;
  let held;

  const begin = (button) => {
    if (held || !button.form.reportValidity()) return;
    held = button;
    const words = button.querySelector("span");
    button.dataset.rest = words.textContent;
    words.textContent = button.dataset.hold;
    button.classList.add("holding");
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
    held.querySelector("span").textContent = held.dataset.rest;
    held = undefined;
  };

  const of = (event) => event.target.closest?.("[data-hold]");
  document.addEventListener("pointerdown", (event) => of(event) && event.button === 0 && begin(of(event)));
  for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, end);
  document.addEventListener("keydown", (event) => of(event) && [" ", "Enter"].includes(event.key) && !event.repeat && begin(of(event)));
  document.addEventListener("keyup", end);
  document.addEventListener("click", (event) => of(event) && event.preventDefault());
  document.addEventListener("contextmenu", (event) => of(event) && event.preventDefault());
}
