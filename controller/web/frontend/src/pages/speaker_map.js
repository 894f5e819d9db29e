// Where the speakers stand and how they are.
import "../styles/speaker_map.css";
import { everything, makeMap, Marks, outlineLayer, tell, TONES } from "../map/map.js";
import { plain } from "../map/plain.js";

const FEED = "/parts/speakers/map.json";
const EVERY_MS = 3000;
const MANY = 500;
const MANY_EVERY_MS = 15_000; // a feed of thousands weighs some hundred kilobytes
const FOUND_MAX = 8;
const CLOSE = 17;

const section = document.querySelector("[data-speaker-map]");
const box = section.querySelector("[data-map]");
const chips = [...section.querySelectorAll("button[data-tone]")];
const names = new Map(chips.map((chip) => [chip.dataset.tone, chip.querySelector("span").textContent]));

function card(speaker) {
  const content = document.querySelector("#map-popup").content.cloneNode(true);
  const slot = (name) => content.querySelector(`[data-slot=${name}]`);
  slot("name").textContent = speaker.name;
  slot("place").textContent = speaker.place;
  slot("state").textContent = names.get(speaker.tone);
  slot("state").classList.add(`tone-${speaker.tone}`);
  slot("cause").textContent = speaker.cause;
  if (speaker.since) slot("since").querySelector("time").textContent = speaker.since;
  else slot("since").remove();
  slot("link").href = `/speakers/${encodeURIComponent(speaker.id)}`;
  return content;
}

async function begin() {
  const answer = await fetch(FEED);
  if (!answer.ok || answer.redirected) return;
  let { speakers, outlines } = await answer.json();
  const map = makeMap(box);
  outlineLayer(outlines).addTo(map);
  map.fitBounds(everything(outlines, speakers), { padding: [24, 24], maxZoom: CLOSE });
  const marks = new Marks(map, (those, at) => tell(map, at, those.map(card)));

  const wanted = new Set();
  const redraw = () => {
    for (const chip of chips) {
      const count = speakers.filter(({ tone }) => tone === chip.dataset.tone).length;
      chip.querySelector("b").textContent = count.toLocaleString(document.documentElement.lang);
      chip.setAttribute("aria-pressed", wanted.has(chip.dataset.tone));
      chip.closest("li").hidden = !count && !wanted.has(chip.dataset.tone);
    }
    marks.show(wanted.size ? speakers.filter(({ tone }) => wanted.has(tone)) : speakers);
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      if (!wanted.delete(chip.dataset.tone)) wanted.add(chip.dataset.tone);
      redraw();
    });
  }
  redraw();
  searching(map, () => speakers, (speaker) => {
    map.setView([speaker.lat, speaker.lon], CLOSE, { animate: false });
    marks.tapped([speaker], [speaker.lat, speaker.lon]);
  });

  let due;
  document.body.addEventListener("loa:speakers", () => {
    due ??= setTimeout(async () => {
      due = undefined;
      if (document.hidden) return;
      try {
        const fresh = await fetch(`${FEED}?outlined=false`);
        if (!fresh.ok || fresh.redirected) return;
        ({ speakers } = await fresh.json());
        redraw();
      } catch {} // the link's own sign tells that the server is away; the next hint asks again
    }, speakers.length > MANY ? MANY_EVERY_MS : EVERY_MS);
  });
  section.dataset.drawn = "yes";
}

function searching(map, speakers, chosen) {
  const form = section.querySelector(".map-search");
  const input = form.querySelector("input");
  const list = form.querySelector(".map-found");
  const pick = (speaker) => {
    list.hidden = true;
    chosen(speaker);
  };
  const found = () => {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const has = (each) => words.every((word) => plain(`${each.name} ${each.id} ${each.place}`).includes(word));
    return speakers().filter(has).sort((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone)).slice(0, FOUND_MAX);
  };
  input.addEventListener("input", () => {
    const these = found();
    list.replaceChildren(...these.map((speaker) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: `${speaker.name} · ${speaker.place}` });
      button.addEventListener("click", () => pick(speaker));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
    list.hidden = !these.length;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [first] = found();
    if (first) pick(first);
  });
}

if (box) begin().catch(() => {}); // the list stands below
