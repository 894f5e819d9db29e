// Points that would lie on top of each other become one mark, that of the worst of them. Pure.

/** @param points [{x, y, rank, …}] in pixels; a smaller rank is worse. Returns [{x, y, worst, members}]. */
export function clustered(points, cellPx) {
  const cells = new Map();
  for (const point of points) {
    const key = `${Math.floor(point.x / cellPx)}:${Math.floor(point.y / cellPx)}`;
    const cell = cells.get(key);
    if (cell) cell.push(point);
    else cells.set(key, [point]);
  }
  return [...cells.values()].map((members) => ({
    x: members.reduce((sum, each) => sum + each.x, 0) / members.length,
    y: members.reduce((sum, each) => sum + each.y, 0) / members.length,
    worst: members.reduce((worst, each) => (each.rank < worst.rank ? each : worst)),
    members,
  }));
}
