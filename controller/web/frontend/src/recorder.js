// Record here, or choose or drop a file; hear it, see it, cut its ends. A recording then goes the way of any chosen file:
// whole, with what is to be heard of it beside it in seconds.
const FORM = ":is(#compose, #raise)"; // what announces, and what raises an alert
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const VOICE = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const PEAKS = 200;
const DRAWN_MAX_BYTES = 20_000_000; // decoded, an hour would fill a phone's memory
const RECORD_MAX_S = 3 * 3600;
const SOFT_BELOW = 0.05; // of full scale: a voice an arm's length away reaches 0.2
const SOFT_AFTER_S = 3;

const find = (name) => document.querySelector(`${FORM} [data-${name}]`);
const field = (name) => document.querySelector(`${FORM} [name=${name}]`);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

let taking; // the recording under way
let take; // the file of the form, kept while the form is swapped for a newer one

/** A recording of before, with the ends that the form has for it. */
export function bring(file) {
  if (!file) return;
  fill(field("file"), file);
  present(file);
}

function choose(file) {
  document.querySelector(`${FORM} [name=source][value=file]`).checked = true;
  fill(field("file"), file);
  field("file").dispatchEvent(new Event("change", { bubbles: true }));
}

function fill(input, file) {
  const carried = new DataTransfer();
  carried.items.add(file);
  input.files = carried.files;
}

async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: VOICE });
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  context.createMediaStreamSource(stream).connect(analyser);
  const recorder = new MediaRecorder(stream, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)), audioBitsPerSecond: 96_000 });
  const pieces = [];
  const samples = new Float32Array(analyser.fftSize);
  const begun = performance.now();
  let loudest = 0;

  const follow = () => {
    if (recorder.state === "inactive") return;
    analyser.getFloatTimeDomainData(samples);
    const peak = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    const seconds = (performance.now() - begun) / 1000;
    loudest = Math.max(loudest, peak);
    if (find("level")) {
      find("level").value = peak;
      find("clock").textContent = clock(seconds);
      find("soft").hidden = seconds < SOFT_AFTER_S || loudest >= SOFT_BELOW;
    }
    if (seconds >= RECORD_MAX_S) recorder.stop();
    else requestAnimationFrame(follow);
  };
  recorder.addEventListener("dataavailable", ({ data }) => data.size && pieces.push(data));
  recorder.addEventListener("stop", () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
    taking = undefined;
    show();
    if (!pieces.length || !find("recorder")) return;
    const type = recorder.mimeType.split(";")[0];
    const at = new Date().toLocaleString("sv").replace(/:/g, "-").slice(0, 16);
    choose(new File(pieces, `${find("recorder").dataset.name} ${at}.${type.split("/")[1]}`, { type }));
  });
  recorder.start(1000);
  taking = recorder;
  show();
  follow();
}

// What the buttons say depends on whether something is being recorded, or was.
function show() {
  const box = find("recorder");
  if (!box) return;
  box.dataset.state = taking ? "recording" : take ? "taken" : "idle";
  find("denied").hidden = true;
}

async function press() {
  if (taking) return taking.stop();
  try {
    await record();
  } catch {
    find("denied").hidden = false;
  }
}

async function measured(file, audio) {
  if (file.size > DRAWN_MAX_BYTES) {
    if (!audio.readyState) await new Promise((done) => ["loadedmetadata", "error"].forEach((name) => audio.addEventListener(name, done, { once: true })));
    return { duration: audio.duration, peaks: [] };
  }
  const context = new OfflineAudioContext(1, 1, 16_000);
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const samples = sound.getChannelData(0);
  const step = samples.length / PEAKS;
  const peaks = Array.from({ length: PEAKS }, (_, at) => {
    let most = 0;
    for (let index = Math.floor(at * step); index < (at + 1) * step; index += 1) most = Math.max(most, Math.abs(samples[index] ?? 0));
    return Math.round(100 * most);
  });
  return { duration: sound.duration, peaks };
}

function outline(peaks) {
  const tops = peaks.map((peak, at) => `${at} ${50 - Math.max(1, peak) / 2}`);
  const bottoms = peaks.map((peak, at) => `${at} ${50 + Math.max(1, peak) / 2}`).reverse();
  return peaks.length ? `M${[...tops, ...bottoms].join("L")}Z` : "";
}

async function present(file) {
  const audio = find("take");
  if (take) URL.revokeObjectURL(take.url);
  take = { file, url: URL.createObjectURL(file) };
  audio.src = take.url;
  show();
  const mine = take;
  // A browser may not know a format that the server does: then there is nothing to hear or to cut, and it is sent as it is.
  Object.assign(mine, await measured(file, audio).catch(() => ({ duration: NaN, peaks: [] })));
  if (take === mine) draw();
}

function draw() {
  const box = find("trim");
  if (!box || !take) return;
  if (find("take").src !== take.url) find("take").src = take.url;
  box.hidden = !Number.isFinite(take.duration);
  if (box.hidden) return;
  const [from, to] = [find("from"), find("to")];
  for (const end of [from, to]) end.max = take.duration.toFixed(1);
  from.value = field("trim_from_s").value || 0;
  to.value = field("trim_to_s").value || to.max;
  box.querySelector("path").setAttribute("d", outline(take.peaks));
  box.querySelector("svg").toggleAttribute("hidden", !take.peaks.length);
  tell();
}

function tell() {
  const [from, to] = [Number(find("from").value), Number(find("to").value)];
  const kept = find("kept");
  kept.textContent = kept.dataset.kept.replace("{from}", clock(from)).replace("{to}", clock(to)).replace("{length}", clock(to - from));
  for (const [name, at] of [["from", from], ["to", to]]) find(name).setAttribute("aria-valuetext", clock(at));
  const [before, after] = find("trim").querySelectorAll("rect");
  before.setAttribute("width", (PEAKS * from) / take.duration);
  after.setAttribute("x", (PEAKS * to) / take.duration);
}

// An end never passes the other: half a second is the shortest that can be aired.
function cut(moved) {
  const [from, to] = [find("from"), find("to")];
  if (moved === from) from.value = Math.min(from.value, Math.max(0, to.value - 0.5));
  else to.value = Math.max(to.value, Math.min(to.max, Number(from.value) + 0.5));
  field("trim_from_s").value = Number(from.value) ? from.value : "";
  field("trim_to_s").value = to.value === to.max ? "" : to.value;
  tell();
}

export function watchRecorder() {
  document.addEventListener("click", (event) => event.target.closest?.(`${FORM} [data-record]`) && press());
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.(`${FORM} [name=file]`) || !target.files.length) return;
    field("trim_from_s").value = field("trim_to_s").value = "";
    present(target.files[0]);
  });
  document.addEventListener("input", ({ target }) => target.matches?.(`${FORM} :is([data-from], [data-to])`) && cut(target));

  // Only what is kept is played.
  const listening = (event) => (event.target.matches?.(`${FORM} [data-take]`) ? event.target : undefined);
  const kept = (audio, play) => {
    const [from, to] = [Number(find("from").value), Number(find("to").value)];
    if (audio.currentTime >= to - 0.05 && !play) audio.pause();
    else if (play && (audio.currentTime < from || audio.currentTime >= to - 0.05)) audio.currentTime = from;
  };
  const follows = (event, play) => listening(event) && !find("trim").hidden && kept(event.target, play);
  document.addEventListener("play", (event) => follows(event, true), { capture: true });
  document.addEventListener("timeupdate", (event) => follows(event, false), { capture: true });

  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files") || !find("recorder")) return;
    event.preventDefault();
    document.querySelector(FORM).classList.add("dropping");
  });
  const left = () => document.querySelector(FORM)?.classList.remove("dropping");
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && left());
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length || !find("recorder")) return;
    event.preventDefault();
    left();
    choose(event.dataTransfer.files[0]);
  });

  // A form that came back is a new one: what was taken goes on in it, and ends with what was sent.
  document.addEventListener("htmx:after:process", () => {
    const input = field("file");
    if (!input) return;
    if (document.querySelector(`${FORM} [data-sent]`)) take = undefined;
    else if (take && !input.files.length) {
      fill(input, take.file);
      draw();
    }
    show();
  });
}
