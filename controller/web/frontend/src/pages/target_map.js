// Targets chosen by tapping, and a shape drawn; comes when somebody opens the map.
import "../styles/target_map.css";
import { Drawing } from "../map/drawing.js";
import { inside } from "../map/inside.js";
import { everything, L, makeMap, Marks, outlineLayer } from "../map/map.js";
import { choose, chosen, draw, drawing } from "../targets.js";

const CLOSE = 17;
const FINGER_PX = 40; // what is smaller on the screen is not meant by a tap

const begun = new WeakSet();

async function begin(details) {
  if (begun.has(details)) return;
  begun.add(details);
  const picker = details.closest("[data-targets]");
  const box = details.querySelector("[data-map]");
  const tip = details.querySelector("[data-tip]");
  const answer = await fetch(details.dataset.feed);
  if (!answer.ok || answer.redirected) throw new Error("no map");
  const { speakers, outlines } = await answer.json();
  const map = makeMap(box);
  const all = everything(outlines, speakers);
  if (all.isValid()) map.fitBounds(all, { padding: [24, 24], maxZoom: CLOSE, animate: false });
  else map.setView([16, 106.5], 5);

  const isChosen = (code) => chosen(picker, "area", code);
  const layer = outlineLayer(outlines, { chosen: isChosen }).addTo(map);
  const marks = new Marks(map, (those) => {
    const on = !those.every(({ id }) => chosen(picker, "device", id));
    those.forEach(({ id, name }) => choose(picker, { kind: "device", key: id, name, on }));
  });

  const tools = picker.querySelector("[data-draw]");
  const shape = new Drawing(map, ({ shape: drawn }) => {
    const text = drawn ? JSON.stringify(drawn) : "";
    if (text !== drawing(picker)) draw(picker, text);
    say();
  });
  const say = () => {
    const words = shape.active ? "drawing" : all.isValid() ? "choosing" : "nowhere";
    if (tip.textContent !== tip.dataset[words]) tip.textContent = tip.dataset[words];
    marks.passes = shape.active;
    box.classList.toggle("drawing", shape.active);
    box.dataset.corners = shape.corners.length;
    if (!tools) return;
    tools.setAttribute("aria-pressed", shape.active);
    const has = (name, there) => (details.querySelector(`[data-${name}]`).hidden = !there);
    has("undo", shape.active && shape.corners.length);
    has("shut", shape.active && shape.canClose);
    has("clear", shape.corners.length);
  };

  const redraw = () => {
    layer.setStyle(layer.options.style);
    const drawn = shape.shape;
    const reached = ({ id, areas, lat, lon }) =>
      chosen(picker, "device", id) || areas.some(isChosen) || Boolean(drawn && inside({ lat, lon }, drawn));
    marks.show(speakers.map((each) => ({ ...each, tone: reached(each) ? "good" : "off" })));
  };

  map.on("click", ({ latlng }) => {
    if (shape.active) return shape.tap(latlng);
    const here = outlines.features.filter(({ geometry }) => inside(latlng, geometry)); // the wider before those in them
    const taken = here.findLast(({ properties }) => isChosen(properties.code));
    const meant = taken ?? here.findLast(({ geometry }) => onScreen(map, geometry) >= FINGER_PX) ?? here.at(0);
    if (meant) choose(picker, { kind: "area", key: meant.properties.code, name: meant.properties.name, on: !taken });
  });
  const button = (name, does) => details.querySelector(`[data-${name}]`)?.addEventListener("click", does);
  button("draw", () => (!shape.active ? shape.begin() : shape.canClose ? shape.shut() : shape.end()));
  button("undo", () => shape.undo());
  button("shut", () => shape.shut());
  button("clear", () => shape.clear());
  picker.addEventListener("loa:chosen", () => {
    const text = drawing(picker);
    const drawn = shape.shape ? JSON.stringify(shape.shape) : "";
    if (drawn && !text) shape.take(""); // its chip was removed
    say();
    redraw();
  });

  shape.take(drawing(picker));
  say();
  redraw();
  box.dataset.drawn = "yes";
}

function onScreen(map, geometry) {
  const bounds = L.geoJSON(geometry).getBounds();
  const size = map.latLngToLayerPoint(bounds.getSouthEast()).subtract(map.latLngToLayerPoint(bounds.getNorthWest()));
  return Math.max(size.x, size.y);
}

document.addEventListener("loa:target-map", ({ target }) =>
  begin(target).catch(() => {
    begun.delete(target);
    const tip = target.querySelector("[data-tip]");
    tip.textContent = tip.dataset.trouble;
  }),
);
