// Small helps for the form; without them it still works, in whole pages.
import { settleTrees } from "./areas.js";

export function watchCompose() {
  // Ctrl+Enter listens, as the thing one does most often after typing.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.target.closest?.("form[data-compose]")?.querySelector("[data-listen]")?.click();
  });

  document.addEventListener("htmx:after:swap", (event) => {
    settleTrees();
    document.querySelector("#compose [data-focus]")?.focus({ preventScroll: false });
    document.querySelector("#compose audio[data-fresh]")?.play().catch(() => {});
    document.querySelectorAll("#compose audio[data-fresh]").forEach((audio) => audio.removeAttribute("data-fresh"));
  });

  // A request that never reached the server, or came back broken: say so, lose nothing.
  const failed = () => document.querySelectorAll("[data-request-failed]").forEach((note) => (note.hidden = false));
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:before:request", () =>
    document.querySelectorAll("[data-request-failed]").forEach((note) => (note.hidden = true)),
  );
}
