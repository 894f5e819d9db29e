// The server says *that* something changed, never what: the page then fetches that part anew. Where the stream does not come
// (a proxy that refuses, cuts or holds it back), the page asks by itself, says so, and tries the stream again each time.
// Ten thousand speakers that all report at once must be heard, however many people watch: each answer says how long the page
// is to rest (Server-Timing). Who looks elsewhere asks for nothing, and for everything when the page is seen again.

const POLL_MS = 15_000;
const SILENT_MS = 40_000; // the server says something every 15 s
const PARTS = ["speakers", "day", "records", "announcements", "approvals", "alerts"];

/** What the speakers cause, by the thousand; what people do is answered at once. */
const RESTING = new Set(["speakers", "day", "records", "alerts"]);
const PRESSES = new Set(["click", "submit"]);

const LONGEST_MS = 10_000;

/** Of the whole page: parts that are fetched at the same word rest for as long as all of them have cost. */
let restsUntil = 0;
const owed = {};

/** Have a part fetched anew: at once, or when the server has rested from its last answer. */
function hint(part) {
  if (document.hidden) return;
  const wait = restsUntil - performance.now();
  if (wait <= 0 || !RESTING.has(part)) announce(part);
  else
    owed[part] ??= setTimeout(() => {
      delete owed[part];
      hint(part);
    }, wait);
}

function rest({ target, detail }) {
  const rests = /\brest;dur=([\d.]+)/.exec(detail.ctx.response?.headers.get("Server-Timing") ?? "");
  if (!rests || !/loa:/.test(target.getAttribute?.("hx-trigger") ?? "")) return;
  const now = performance.now();
  restsUntil = Math.min(Math.max(restsUntil, now) + Number(rests[1]), now + LONGEST_MS);
}

export const announce = (part) => document.body.dispatchEvent(new CustomEvent(`loa:${part}`));
const refresh = () => PARTS.forEach(hint);

function show(state) {
  for (const sign of document.querySelectorAll("[data-link]")) if (sign.dataset.link !== state) sign.dataset.link = state;
}

export function watchLink() {
  const address = document.body.dataset.events;
  if (!address) return;

  let source;
  let silence;
  let live = null; // not known yet

  let out = false; // nobody is signed in here any more

  /** What the page asks for by itself takes nobody away who is typing: it says so. What a person presses leads to the form. */
  const answered = (event) => {
    const { response, sourceEvent } = event.detail.ctx;
    if (response.status === 401 && !PRESSES.has(sourceEvent?.type)) {
      event.preventDefault();
      out = true;
      for (const link of document.querySelectorAll("[data-again]")) link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
      show("out");
    } else if (out && response.status < 400) {
      out = false;
      show(live ? "live" : "polling");
    }
  };

  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      source.close();
      lost();
    }, SILENT_MS);
  };

  const alive = () => {
    listen();
    if (live) return;
    // What changed between the page and its stream was hinted to nobody; of alerts every second counts.
    if (live === null) announce("alerts");
    else refresh();
    live = true;
    if (!out) show("live");
  };

  const lost = () => {
    if (live === false) return;
    live = false;
    if (!out) show("lost");
    ask();
  };

  const open = () => {
    source = new EventSource(address);
    // A stream that is held back opens all the same: it is alive once its first beat has come.
    source.addEventListener("beat", alive);
    source.addEventListener("error", lost);
    for (const part of PARTS) {
      source.addEventListener(part, () => {
        alive();
        hint(part);
      });
    }
    listen();
  };

  // Is it the stream alone that does not come, or everything?
  const ask = async () => {
    const answers = await fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    if (live) return;
    show(!answers ? "lost" : out ? "out" : "polling");
    if (answers) refresh();
  };

  document.addEventListener("htmx:before:response", answered);
  document.addEventListener("htmx:after:request", rest);
  open();
  setInterval(() => {
    if (document.hidden || live !== false) return;
    ask();
    if (source.readyState === EventSource.CLOSED) open();
  }, POLL_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  window.addEventListener("pagehide", () => {
    clearTimeout(silence);
    source.close();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
