// Rows in view are kept up to date; a row elsewhere is when it comes into view. Two thousand rows cost what forty do.
const EVERY_MS = 3000;
const AFTER_SCROLL_MS = 400;
const IN_VIEW_MAX = 40;

function inView() {
  const rows = document.querySelector("#speaker-rows")?.children ?? [];
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].getBoundingClientRect().bottom < 0) low = middle + 1;
    else high = middle;
  }
  const seen = [];
  for (let at = low; at < rows.length && seen.length < IN_VIEW_MAX; at++) {
    if (rows[at].getBoundingClientRect().top > innerHeight) break;
    if (rows[at].dataset.speaker) seen.push(rows[at]);
  }
  return seen;
}

async function refresh() {
  const rows = new Map(inView().map((row) => [row.dataset.speaker, row]));
  if (!rows.size || document.hidden) return;
  const answer = await fetch(`/parts/speakers/rows?${new URLSearchParams({ ids: [...rows.keys()].join(",") })}`);
  if (!answer.ok || answer.redirected) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  for (const row of fresh.content.querySelectorAll("[data-speaker]")) {
    const old = rows.get(row.dataset.speaker);
    if (!old?.isConnected || old.outerHTML === row.outerHTML) continue;
    const focused = old.contains(document.activeElement);
    old.replaceWith(row);
    if (focused) row.querySelector("a").focus();
  }
}

let due;
function soon(inMs) {
  due ??= setTimeout(() => {
    due = undefined;
    refresh().catch(() => {}); // the link's own sign tells that the server is away; the next hint asks again
  }, inMs);
}

document.body.addEventListener("loa:speakers", () => soon(EVERY_MS));
document.addEventListener("scroll", () => soon(AFTER_SCROLL_MS), { passive: true });
