// Small helps for the form; without them it still works, in whole pages.
import { settleTrees } from "./areas.js";
import { announce } from "./live.js";

export function watchCompose() {
  // Ctrl+Enter listens, as the thing one does most often after typing.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.target.closest?.("form[data-compose]")?.querySelector("[data-listen]")?.click();
  });

  // A note to be read takes the focus once; the fresh clip sounds once.
  document.addEventListener("htmx:after:process", () => {
    settleTrees();
    const sending = document.querySelector("#compose[aria-busy=true]") !== null;
    document.querySelectorAll("#compose fieldset").forEach((part) => (part.inert = sending));
    const note = document.querySelector("#compose [data-focus]");
    if (note) {
      note.removeAttribute("data-focus");
      note.focus();
      if (note.classList.contains("done")) announce("day");
    }
    const clip = document.querySelector("#compose audio[data-fresh]");
    if (clip) {
      clip.removeAttribute("data-fresh");
      clip.play().catch(() => {});
    }
  });

  // A request that never reached the server, or came back broken: say so, lose nothing.
  const failed = () => document.querySelectorAll("[data-request-failed]").forEach((note) => (note.hidden = false));
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:before:request", () =>
    document.querySelectorAll("[data-request-failed]").forEach((note) => (note.hidden = true)),
  );
}
