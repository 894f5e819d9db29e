// Press, count in, speak. The browser encodes Opus by itself (WebCodecs), so the centre only signs and passes it on.

import "../styles/microphone.css";

const RATE_HZ = 48_000;
const FRAME_US = 20_000;
const BITS_PER_S = 32_000;
const SILENT_DBOV = 127;
const TARGETS_MAX = 16;
const AGAIN_MS = 500;
const BACKLOG_BYTES = 8_000;
const [REFUSED, REPLACED, OVER] = [4403, 4409, 4410];

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

// A ticked place stands for all below it: only the topmost ticks are addressed.
function targets() {
  const found = [];
  const gather = (list) => {
    for (const item of list.children) {
      const box = item.querySelector("input[type=checkbox]");
      const below = item.querySelector("ul");
      if (box?.checked) found.push({ kind: box.name, key: box.value });
      else if (below) gather(below);
    }
  };
  page.querySelectorAll("[data-areas] > ul").forEach(gather);
  return found;
}

class Problem extends Error {}

async function microphone() {
  if (!window.isSecureContext || !("AudioEncoder" in window) || !("AudioWorkletNode" in window)) throw new Problem(text("old"));
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

// From the microphone to encoded frames, each with its level in −dBov (RFC 6464).
class Voice {
  muted = false;
  levels = [];
  at = 0;

  static async open(stream, send, level) {
    const voice = new Voice();
    voice.stream = stream;
    voice.context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    await voice.context.audioWorklet.addModule(page.dataset.worklet);
    voice.encoder = new AudioEncoder({
      output: (chunk) => {
        const frame = new Uint8Array(1 + chunk.byteLength);
        frame[0] = voice.levels.shift() ?? SILENT_DBOV;
        chunk.copyTo(frame.subarray(1));
        send(frame);
      },
      error: (error) => console.error(error),
    });
    voice.encoder.configure({
      codec: "opus",
      sampleRate: RATE_HZ,
      numberOfChannels: 1,
      bitrate: BITS_PER_S,
      opus: { frameDuration: FRAME_US },
    });
    const node = new AudioWorkletNode(voice.context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => voice.take(data, level);
    voice.context.createMediaStreamSource(stream).connect(node);
    await voice.context.resume();
    return voice;
  }

  take(samples, level) {
    if (this.muted) samples.fill(0);
    const power = samples.reduce((sum, each) => sum + each * each, 0) / samples.length;
    const dbov = Math.min(SILENT_DBOV, Math.round(-10 * Math.log10(power + 1e-13)));
    level(dbov);
    this.levels.push(Math.max(0, dbov));
    const sound = new AudioData({
      format: "f32-planar",
      sampleRate: RATE_HZ,
      numberOfFrames: samples.length,
      numberOfChannels: 1,
      timestamp: this.at,
      data: samples,
    });
    this.at += FRAME_US;
    this.encoder.encode(sound);
    sound.close();
  }

  async close() {
    this.stream.getTracks().forEach((track) => track.stop());
    if (this.encoder?.state === "configured") this.encoder.close();
    await this.context?.close();
  }
}

// The connection to the centre: begun again for as long as the session lives there.
class Line {
  open = false;
  over = false;

  constructor(session, news, ended) {
    this.address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live-sessions/${session}/sound`;
    this.news = news;
    this.ended = ended;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.address);
    this.socket.onopen = () => {
      this.open = true;
      part("gap").hidden = true;
    };
    this.socket.onmessage = ({ data }) => {
      const said = JSON.parse(data);
      this.news(said);
      if (said.ended) this.finish(said.ended);
    };
    this.socket.onclose = async ({ code }) => {
      this.open = false;
      if (this.over) return;
      if (code === REPLACED) return this.finish("elsewhere");
      // A session that this process of the service does not know is over: it knows no other's.
      if (code === REFUSED || code === OVER) return this.finish("disconnected");
      part("gap").hidden = false;
      await sleep(AGAIN_MS);
      if (!this.over) this.connect();
    };
  }

  // What cannot leave now is not sent later: nobody wants to hear the past.
  send(frame) {
    if (this.open && this.socket.bufferedAmount < BACKLOG_BYTES) this.socket.send(frame);
  }

  finish(why) {
    if (this.over) return;
    this.over = true;
    this.socket.close();
    this.ended(why);
  }
}

function show(said, began) {
  part("hearing").textContent = text("hearing").replace("{n}", said.hearing).replace("{m}", said.speakers);
  part("names").replaceChildren(
    ...said.not_hearing.map((each) => Object.assign(document.createElement("li"), { textContent: each.name })),
  );
  part("silent").hidden = said.not_hearing.length === 0;
  part("left").textContent = minutes(said.left_s);
  part("elapsed").textContent = minutes(Math.max(0, (performance.now() - began) / 1000));
  part("uncarried").hidden = said.carried;
}

async function countIn(untilMs) {
  page.dataset.state = "counting";
  for (let left = untilMs - performance.now(); left > 0; left = untilMs - performance.now()) {
    part("count").textContent = Math.ceil(left / 1000);
    await sleep(Math.min(left, 100));
  }
}

async function speak(title, chosen) {
  const stream = await microphone();
  let speaking = false;
  let line;
  let voice;
  try {
    voice = await Voice.open(
      stream,
      (frame) => speaking && line.send(frame),
      (dbov) => (part("level").value = Math.max(0, 60 - dbov)),
    );
    const session = await asked("", { title, area_code: page.dataset.area, targets: chosen });
    const began = performance.now() + (Date.parse(session.speak_at) - Date.parse(session.created_at));
    const over = new Promise((ended) => {
      line = new Line(session.id, (said) => show(said, began), ended);
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
    await speak(event.target.elements.title.value.trim() || event.target.elements.title.defaultValue, chosen);
  } catch (error) {
    say("problem", error instanceof Problem ? error.message : text("failed"));
    if (!(error instanceof Problem)) throw error;
  }
});
window.addEventListener("beforeunload", (event) => {
  if (page.dataset.state !== "idle") event.preventDefault();
});
