// How the machine was, as lines. The figures stand in the page as a table too: the lines are for the eye.
import "./speaker.css";
import uPlot from "uplot";

const HEIGHT = 120;
const SCALE = { uptime_s: 1 / 3600, used_bytes: 1e-6 };
const BARS = new Set(["used_bytes"]);
const words = document.documentElement.lang;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function drawn(figure, points, zone) {
  const key = figure.dataset.chart;
  const at = points.map((point) => Date.parse(point.at) / 1000);
  const values = points.map((point) => (point[key] === null ? null : point[key] * (SCALE[key] ?? 1)));
  const box = figure.querySelector("div");
  const axis = { stroke: token("--ink-soft"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
  const number = new Intl.NumberFormat(words, { maximumFractionDigits: 1 });
  const options = {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), zone),
    axes: [
      { ...axis, space: 60, values: (_, ticks) => ticks.map((s) => written(s, at, zone)) },
      { ...axis, size: 48, space: 28, values: (_, ticks) => ticks.map((each) => number.format(each)) },
    ],
    series: [
      {},
      {
        stroke: token("--brand"),
        width: 2,
        fill: BARS.has(key) ? token("--brand-wash") : undefined,
        paths: BARS.has(key) ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: false, filter: () => alone(values) },
        spanGaps: false,
      },
    ],
  };
  return new uPlot(options, [at, values], box);
}

const DAY_S = 86_400;
function written(s, at, zone) {
  const short = at.at(-1) - at[0] <= DAY_S;
  const how = short ? { hour: "2-digit", minute: "2-digit", hour12: false } : { day: "numeric", month: "numeric" };
  return new Intl.DateTimeFormat(words, { ...how, timeZone: zone }).format(s * 1000);
}

/** What was heard between two silences: no line leads there, a dot shows it. */
function alone(values) {
  const silent = (n) => (values[n] ?? null) === null;
  return [...values.keys()].filter((n) => !silent(n) && silent(n - 1) && silent(n + 1));
}

async function show(section) {
  const answer = await fetch(section.dataset.health);
  if (!answer.ok) return;
  const { points } = await answer.json();
  const figures = [...section.querySelectorAll("[data-chart]")];
  let charts = [];
  const draw = () => {
    charts.forEach((chart) => chart.destroy());
    charts = figures.map((figure) => drawn(figure, points, section.dataset.zone));
  };
  draw();
  section.dataset.drawn = "yes";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => charts.forEach((chart, n) => chart.setSize({ width: figures[n].querySelector("div").clientWidth, height: HEIGHT }))).observe(section);
}

for (const section of document.querySelectorAll("[data-health]")) show(section).catch(() => {}); // the table stands there
