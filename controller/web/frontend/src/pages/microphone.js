// Press, count in, speak. What the page itself does; `microphone/` has the voice, the line and the quiet hours.

import { Line } from "../microphone/line.js";
import { showQuiet } from "../microphone/quiet.js";
import { FORMAT, Voice, encodes } from "../microphone/voice.js";
import { addressed } from "../targets.js";
import "../styles/microphone.css";

const RATE_HZ = 48_000;
const TARGETS_MAX = 16;
const OPUS_BYTES_PER_S = 8_000;
const PCM_BYTES_PER_S = 34_000;

const page = document.getElementById("microphone");
const part = (name) => page.querySelector(`[data-${name}]`);
const text = (name) => page.dataset[`text${name[0].toUpperCase()}${name.slice(1)}`] ?? "";
const minutes = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function say(name, words) {
  const sign = part(name);
  sign.textContent = words;
  sign.hidden = !words;
}

const targets = () => addressed(page.querySelector("[data-targets]")).map(({ kind, key }) => ({ kind, key }));

class Problem extends Error {}

async function microphone() {
  if (!window.isSecureContext || !("AudioWorkletNode" in window)) throw new Problem(text("old"));
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, sampleRate: RATE_HZ, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new Problem(text(error.name === "NotFoundError" ? "missing" : "denied"));
  }
}

async function asked(path, body) {
  let answer;
  try {
    answer = await fetch(`/api/v1/live-sessions${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Problem(text("failed"));
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(said.errors?.[0]?.message || said.detail || said.title || text("failed"));
  return said;
}

function show(said, began) {
  part("hearing").textContent = text("hearing").replace("{n}", said.hearing).replace("{m}", said.speakers);
  part("names").replaceChildren(
    ...said.not_hearing.map(({ name, because }) =>
      Object.assign(document.createElement("li"), { textContent: `${name} – ${text(`because_${because}`)}` }),
    ),
  );
  part("silent").hidden = said.not_hearing.length === 0;
  part("left").textContent = minutes(said.left_s);
  part("elapsed").textContent = minutes(Math.max(0, (performance.now() - began) / 1000));
  part("uncarried").hidden = said.carried;
  part("another").hidden = !said.not_hearing.some(({ because }) => because === "another_session");
}

async function countIn(untilMs) {
  page.dataset.state = "counting";
  for (let left = untilMs - performance.now(); left > 0; left = untilMs - performance.now()) {
    part("count").textContent = Math.ceil(left / 1000);
    await sleep(Math.min(left, 100));
  }
}

async function speak(title, chosen, withoutQuiet) {
  const stream = await microphone();
  let speaking = false;
  let line;
  let voice;
  try {
    voice = await Voice.open(
      stream,
      page.dataset.worklet,
      (frame) => speaking && line.send(frame),
      (dbov) => (part("level").value = Math.max(0, 60 - dbov)),
    );
    const session = await asked("", {
      title,
      area_code: page.dataset.area,
      targets: chosen,
      sound: FORMAT(),
      without_quiet: withoutQuiet,
    });
    const began = performance.now() + (Date.parse(session.speak_at) - Date.parse(session.created_at));
    const over = new Promise((ended) => {
      line = new Line(session.id, encodes() ? OPUS_BYTES_PER_S : PCM_BYTES_PER_S, {
        news: (said) => show(said, began),
        gap: (lost) => (part("gap").hidden = !lost),
        ended,
      });
    });
    part("end").onclick = () => asked(`/${session.id}/end`, {}).then(() => line.finish("spoken"), (error) => say("problem", error.message));
    part("mute").onclick = () => {
      voice.muted = page.toggleAttribute("data-muted");
      part("mute").setAttribute("aria-pressed", voice.muted);
    };
    await Promise.race([countIn(began), over]);
    speaking = true;
    if (!line.over) page.dataset.state = "live";
    say("done", text(await over));
  } finally {
    page.removeAttribute("data-muted");
    page.dataset.state = "idle";
    stream.getTracks().forEach((track) => track.stop());
    await voice?.close();
  }
}

page.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  say("problem", "");
  say("done", "");
  const chosen = targets();
  try {
    if (chosen.length === 0) throw new Problem(text("none"));
    if (chosen.length > TARGETS_MAX) throw new Problem(text("many"));
    // What is read of the quiet hours is what the press agrees to: a place that fell silent since asks again.
    const known = !part("quiet").hidden;
    await speak(event.target.elements.title.value.trim() || event.target.elements.title.defaultValue, chosen, known);
  } catch (error) {
    say("problem", error instanceof Problem ? error.message : text("failed"));
    lookForQuiet();
    if (!(error instanceof Problem)) throw error;
  }
});

let asking = 0;
async function lookForQuiet() {
  const chosen = targets();
  if (chosen.length > TARGETS_MAX) return;
  const turn = ++asking;
  await showQuiet((name) => (turn === asking ? part(name) : document.createElement("p")), text, chosen);
}
page.addEventListener("loa:chosen", lookForQuiet);
document.addEventListener("visibilitychange", () => document.hidden || lookForQuiet());
lookForQuiet();

window.addEventListener("beforeunload", (event) => {
  if (page.dataset.state !== "idle") event.preventDefault();
});
