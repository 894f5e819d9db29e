// The server says *that* something changed, never what: the page then fetches that part anew. A missed hint is repaired by
// the slow poll, so a proxy that swallows event streams costs seconds, not truth.

const POLL_MS = 15_000;
const PARTS = ["speakers", "day", "records", "announcements", "approvals", "alerts"];

export const announce = (part) => document.body.dispatchEvent(new CustomEvent(`loa:${part}`));
const refresh = () => PARTS.forEach(announce);

function show(state) {
  for (const sign of document.querySelectorAll("[data-link]")) sign.dataset.link = state;
}

export function watchLink() {
  const address = document.body.dataset.events;
  if (!address) return;

  const source = new EventSource(address);
  let opened = false;
  source.addEventListener("open", () => {
    show("live");
    // What changed between the page and its stream was hinted to nobody; of alerts every second counts.
    if (opened) refresh();
    else announce("alerts");
    opened = true;
  });
  source.addEventListener("error", () => show("lost"));
  for (const part of PARTS) source.addEventListener(part, () => announce(part));

  setInterval(() => {
    if (!document.hidden && source.readyState !== EventSource.OPEN) refresh();
  }, POLL_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
