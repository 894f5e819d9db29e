// Small helps for the form; without them it still works, in whole pages.
import { announce } from "./live.js";
import { sendTelling } from "./upload.js";

const TROUBLES = { 403: "refused", 413: "too-large" };

export function watchCompose() {
  // Ctrl+Enter listens, as the thing one does most often after typing.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.target.closest?.("#compose form")?.querySelector("[data-listen]")?.click();
  });

  // A note to be read takes the focus once; the fresh clip sounds once.
  document.addEventListener("htmx:after:process", () => {
    const sending = document.querySelector("#compose[aria-busy=true]") !== null;
    document.querySelectorAll("#compose fieldset").forEach((part) => (part.inert = sending));
    const note = document.querySelector(":is(#compose, #playlist) [data-focus]");
    if (note) {
      note.removeAttribute("data-focus");
      note.focus();
      if (note.closest("#compose") && note.classList.contains("done")) announce("day");
    }
    const clip = document.querySelector("#compose audio[data-fresh]");
    if (clip) {
      clip.removeAttribute("data-fresh");
      clip.play().catch(() => {});
    }
  });

  // A request that never reached the server, or came back broken: say so, lose nothing. What is merely wrong (422) comes
  // back as the form itself.
  const inForm = (event) => event.target.closest?.("#compose") && !event.target.matches("[data-reached]");
  const say = (name) => {
    for (const note of document.querySelectorAll("#compose [data-trouble]")) note.hidden = note.dataset.trouble !== name;
  };
  document.addEventListener("htmx:error", (event) => inForm(event) && say("unanswered"));
  document.addEventListener("htmx:response:error", (event) => {
    const status = event.detail.ctx.response.status;
    if (inForm(event) && status !== 422) say(TROUBLES[status] ?? "unanswered");
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (!inForm(event)) return;
    say("");
    const { ctx } = event.detail;
    const files = ctx.request.body instanceof FormData ? [...ctx.request.body.values()].filter((each) => each.size) : [];
    if (files.length) ctx.fetch = sendTelling(document.querySelector("#compose [data-uploading]"));
  });
}
