// What our maps have in common: the ground, outlines of areas, and marks that tell states by colour and shape.
import "./map.css";
import L from "leaflet";
import { clustered } from "./cluster.js";

export { L };
export const TONES = ["bad", "away", "warn", "wait", "air", "good", "off"]; // the worst first
const CELL_PX = 44;
const RADIUS_PX = 11;
const GROUP_RADIUS_PX = 16;
const ZOOM_MAX = 18;
const TAU = 2 * Math.PI;

export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

export function makeMap(box) {
  const map = L.map(box, {
    preferCanvas: true,
    maxZoom: ZOOM_MAX,
    zoomControl: false,
    zoomAnimation: !still,
    fadeAnimation: !still,
    inertia: !still,
  });
  L.control.zoom({ zoomInTitle: box.dataset.zoomIn, zoomOutTitle: box.dataset.zoomOut }).addTo(map);
  map.attributionControl.setPrefix(false);
  map.on("popupopen", ({ popup }) => popup.getElement().querySelector(".leaflet-popup-close-button").setAttribute("aria-label", box.dataset.close));
  if (box.dataset.tiles) {
    const attribution = document.createElement("span");
    attribution.textContent = box.dataset.attribution;
    L.tileLayer(box.dataset.tiles, { maxZoom: ZOOM_MAX, attribution: attribution.innerHTML }).addTo(map);
  }
  return map;
}

const ZOOM_PX = 60;
const CARD_PX = 260; // so much of a card is seen without rolling, half as much again where the map is high enough

/** Cards beside a mark, within the map of a phone and clear of its zoom. */
export function tell(map, at, cards) {
  const content = document.createElement("div");
  content.className = "cards";
  content.append(...cards);
  const { x, y } = map.getSize();
  const maxWidth = Math.min(300, x - 2 * ZOOM_PX);
  const maxHeight = Math.max(CARD_PX, Math.min(1.5 * CARD_PX, y - ZOOM_PX));
  L.popup({ maxHeight, minWidth: 0, maxWidth, autoPanPaddingTopLeft: [ZOOM_PX, 8] }).setLatLng(at).setContent(content).openOn(map);
}

/** Outlines of areas; `chosen(code)` are filled. */
export function outlineLayer(features, { chosen = () => false, tapped } = {}) {
  const style = ({ properties }) => ({
    color: token(chosen(properties.code) ? "--brand" : "--line-strong"),
    weight: chosen(properties.code) ? 3 : 1.5,
    dashArray: properties.hull ? "6 5" : null,
    fillColor: token("--brand"),
    fillOpacity: chosen(properties.code) ? 0.22 : 0.04,
  });
  return L.geoJSON(features, {
    style,
    interactive: Boolean(tapped),
    onEachFeature: (feature, layer) => tapped && layer.on("click", (event) => tapped(feature.properties, event)),
  });
}

/** A shape of its own for each state, for those who do not tell colours apart. */
function traced(ctx, tone, { x, y }, r) {
  const corners = { bad: [8, Math.PI / 8], away: [4, Math.PI / 4], warn: [3, -Math.PI / 2], air: [4, 0] }[tone];
  ctx.beginPath();
  if (!corners) ctx.arc(x, y, r, 0, TAU);
  else {
    const [count, turn] = corners;
    const out = count < 8 ? r * 1.3 : r * 1.1;
    for (let n = 0; n < count; n++) {
      const angle = turn + (TAU * n) / count;
      ctx.lineTo(x + out * Math.cos(angle), y + out * Math.sin(angle));
    }
    ctx.closePath();
  }
}

const HOLLOW = new Set(["off", "wait"]);
const SIGN = { bad: "×", away: "?", off: "–", warn: "!", wait: "…", air: "♪", good: "✓" };

const Mark = L.CircleMarker.extend({
  _updatePath() {
    const renderer = this._renderer;
    if (!renderer._drawing || this._empty()) return;
    const { tone, count } = this.options;
    const ctx = renderer._ctx;
    const colour = token(`--${tone}`);
    const hollow = HOLLOW.has(tone);
    ctx.save();
    traced(ctx, tone, this._point, this._radius);
    ctx.fillStyle = hollow ? token("--surface") : colour;
    ctx.strokeStyle = hollow ? colour : token("--surface");
    ctx.lineWidth = hollow ? 3 : 2;
    ctx.setLineDash(tone === "off" ? [4, 3] : []);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = hollow ? colour : token("--surface");
    ctx.font = `700 ${count > 999 ? 10 : 13}px ${token("--face")}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(count > 1 ? String(count) : SIGN[tone], this._point.x, this._point.y + (tone === "warn" ? 2 : 1));
    ctx.restore();
  },
});

/** Speakers of `{lat, lon, tone, …}` on the map, gathered where they would overlap; `tapped(speaker, at)` is one alone. */
export class Marks {
  constructor(map, tapped) {
    this.map = map;
    this.tapped = tapped;
    this.layer = L.layerGroup().addTo(map);
    this.speakers = [];
    this.passes = false; // whether taps are the map's own, as while somebody draws
    map.on("moveend", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(speakers) {
    this.speakers = speakers;
    this.draw();
  }

  draw() {
    const { map } = this;
    const zoom = map.getZoom();
    if (zoom === undefined) return;
    const view = map.getBounds().pad(0.2);
    const points = [];
    for (const speaker of this.speakers) {
      if (!view.contains([speaker.lat, speaker.lon])) continue;
      const { x, y } = map.project([speaker.lat, speaker.lon], zoom);
      points.push({ x, y, rank: TONES.indexOf(speaker.tone), speaker });
    }
    this.layer.clearLayers();
    const cells = clustered(points, CELL_PX).sort((a, b) => b.worst.rank - a.worst.rank); // the worst on top
    for (const { x, y, worst, members } of cells) {
      const at = members.length === 1 ? [worst.speaker.lat, worst.speaker.lon] : map.unproject([x, y], zoom);
      const mark = new Mark(at, {
        radius: members.length > 1 ? GROUP_RADIUS_PX : RADIUS_PX,
        tone: worst.speaker.tone,
        count: members.length,
        bubblingMouseEvents: false,
      });
      mark.on("click", ({ latlng }) => (this.passes ? map.fire("click", { latlng }) : this.open(members, at)));
      this.layer.addLayer(mark);
    }
    map.getContainer().dataset.marks = cells.map(({ worst, members }) => `${worst.speaker.tone} ${members.length}`).join(", ");
  }

  /** One speaker tells of itself; several come apart, until they stand on one spot. */
  open(members, at) {
    const bounds = L.latLngBounds(members.map(({ speaker }) => [speaker.lat, speaker.lon]));
    if (members.length === 1 || this.map.getZoom() >= this.map.getMaxZoom()) this.tapped(members.map(({ speaker }) => speaker), at);
    else this.map.fitBounds(bounds, { maxZoom: Math.max(this.map.getZoom() + 2, this.map.getBoundsZoom(bounds)), padding: [40, 40] });
  }
}

export function everything(outlines, speakers) {
  const bounds = L.geoJSON(outlines).getBounds();
  for (const { lat, lon } of speakers) bounds.extend([lat, lon]);
  return bounds;
}
