// A shape that somebody taps, corner by corner.
import { L, token } from "./map.js";

const CORNERS_MIN = 3;
const CORNER_PX = 22; // so near to the first corner closes the shape: a finger's width

/** Calls `changed(drawing)` whenever the shape, or the way to it, is another. */
export class Drawing {
  constructor(map, changed) {
    this.map = map;
    this.changed = changed;
    this.layer = L.layerGroup().addTo(map);
    this.corners = [];
    this.closed = false;
    this.active = false;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
  }

  /** Take over a shape; one that is no polygon is left alone. */
  take(text) {
    this.corners = [];
    this.closed = false;
    try {
      const { type, coordinates } = JSON.parse(text);
      if (type === "Polygon") this.corners = coordinates[0].slice(0, -1).map(([lon, lat]) => L.latLng(lat, lon));
      this.closed = this.corners.length > 0;
    } catch {
      this.corners = [];
    }
    this.show();
  }

  /** Go on drawing: what was closed is open again, with its corners. */
  begin() {
    this.closed = false;
    this.active = true;
    this.map.doubleClickZoom.disable();
    this.update();
  }

  end() {
    this.active = false;
    this.map.doubleClickZoom.enable();
    this.update();
  }

  tap(at) {
    if (this.canClose && this.near(at, this.corners[0])) return this.shut();
    if (this.corners.length && this.near(at, this.corners.at(-1), 2)) return; // a finger that taps twice
    this.corners.push(at);
    this.update();
  }

  near(at, corner, px = CORNER_PX) {
    return this.map.latLngToContainerPoint(at).distanceTo(this.map.latLngToContainerPoint(corner)) <= px;
  }

  get canClose() {
    return !this.closed && this.corners.length >= CORNERS_MIN;
  }

  undo() {
    this.corners.pop();
    this.update();
  }

  shut() {
    if (!this.canClose) return;
    this.closed = true;
    this.end();
  }

  clear() {
    this.corners = [];
    this.closed = false;
    this.update();
  }

  /** As GeoJSON; null until it is closed. */
  get shape() {
    if (!this.closed) return null;
    const ring = this.corners.map(({ lat, lng }) => [Number(lng.toFixed(6)), Number(lat.toFixed(6))]);
    return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
  }

  update() {
    this.show();
    this.changed(this);
  }

  show() {
    this.layer.clearLayers();
    const colour = token("--bad");
    const line = { color: colour, weight: 3, interactive: false };
    if (this.closed) this.layer.addLayer(L.polygon(this.corners, { ...line, fillOpacity: 0.15, dashArray: "8 6" }));
    else if (this.corners.length) this.layer.addLayer(L.polyline(this.corners, line));
    if (this.closed) return;
    this.corners.forEach((corner, place) =>
      this.layer.addLayer(L.circleMarker(corner, { ...line, radius: place ? 5 : 10, fillColor: token("--surface"), fillOpacity: 1 })),
    );
  }
}
