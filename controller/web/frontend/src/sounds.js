// One sound at a time: who presses play on another player has heard enough of the first.
export function playOneAtATime() {
  document.addEventListener(
    "play",
    (event) => {
      for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
    },
    { capture: true },
  );
}
