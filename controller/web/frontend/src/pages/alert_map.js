// Whom an alert addresses, and how far it has come, on a map.
import "../styles/alert_map.css";
import { everything, L, makeMap, Marks, outlineLayer, tell, token } from "../map/map.js";

const EVERY_MS = 1000;
const MANY = 500;
const MANY_EVERY_MS = 10_000; // what thousands say weighs some hundred kilobytes
const CLOSE = 16;

const section = document.querySelector("[data-alert-map]");
const box = section.querySelector("[data-map]");
const legend = [...section.querySelectorAll(".legend li")];

function card(speaker, released) {
  const content = document.querySelector("#map-popup").content.cloneNode(true);
  const slot = (name) => content.querySelector(`[data-slot=${name}]`);
  const meant = legend.find(({ dataset }) => dataset.tone === speaker.tone && dataset.when === (released ? "released" : "draft"));
  slot("name").textContent = speaker.name;
  slot("place").textContent = speaker.place;
  slot("state").textContent = meant?.querySelector("span").textContent ?? "";
  slot("state").classList.add(`tone-${speaker.tone}`);
  slot("link").href = `/speakers/${encodeURIComponent(speaker.id)}`;
  return content;
}

async function ask(drawn) {
  const answer = await fetch(`${section.dataset.alertMap}?drawn=${drawn}`);
  if (!answer.ok || answer.redirected) throw new Error("no map");
  return answer.json();
}

async function begin() {
  let { speakers, outlines, polygon, released } = await ask(true);
  const all = everything(outlines, speakers);
  const drawn = polygon && L.geoJSON(polygon, { style: { color: token("--bad"), weight: 3, dashArray: "8 6", fillOpacity: 0.12 }, interactive: false });
  if (drawn) all.extend(drawn.getBounds());
  if (!all.isValid()) {
    section.querySelector("[data-nowhere]").hidden = false;
    box.hidden = true;
    return;
  }
  const map = makeMap(box);
  outlineLayer(outlines, { chosen: () => true }).addTo(map);
  drawn?.addTo(map);
  map.fitBounds(all, { padding: [24, 24], maxZoom: CLOSE, animate: false });
  const marks = new Marks(map, (those, at) => tell(map, at, those.map((each) => card(each, released))));
  const show = () => {
    marks.show(speakers);
    for (const item of legend) {
      const count = speakers.filter(({ tone }) => tone === item.dataset.tone).length;
      item.hidden = item.dataset.when !== (released ? "released" : "draft") || !count;
      item.querySelector("b").textContent = count.toLocaleString(document.documentElement.lang);
    }
  };
  show();

  const refresh = async () => {
    const fresh = await ask(false);
    const known = new Set(speakers.map(({ id }) => id));
    if (Object.keys(fresh.tones).every((id) => known.has(id))) {
      speakers = speakers.filter(({ id }) => fresh.tones[id]).map((each) => ({ ...each, tone: fresh.tones[each.id] }));
      ({ released } = fresh);
    } else ({ speakers, released } = await ask(true)); // one has joined, or a draft has become an alert
    show();
  };
  let due;
  document.body.addEventListener("loa:alerts", () => {
    due ??= setTimeout(() => {
      due = undefined;
      if (!document.hidden) refresh().catch(() => {}); // the link's own sign tells that the server is away
    }, speakers.length > MANY ? MANY_EVERY_MS : EVERY_MS);
  });
  box.dataset.drawn = "yes";
}

begin().catch(() => (section.hidden = true)); // figures and lists say the same
