// Whether a place lies in a GeoJSON shape. Pure.

const inRing = (lon, lat, ring) => {
  let inside = false;
  for (let here = 0, before = ring.length - 1; here < ring.length; before = here++) {
    const [x, y] = ring[here];
    const [u, v] = ring[before];
    if (y > lat !== v > lat && lon < ((u - x) * (lat - y)) / (v - y) + x) inside = !inside;
  }
  return inside;
};
const inRings = (lon, lat, [outer, ...holes]) => inRing(lon, lat, outer) && !holes.some((hole) => inRing(lon, lat, hole));

/** @param shape a Polygon or MultiPolygon. */
export function inside({ lat, lon, lng = lon }, shape) {
  const parts = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
  return parts.some((rings) => inRings(lng, lat, rings));
}
