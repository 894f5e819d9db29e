// From the microphone to frames of 20 ms: Opus where the browser encodes it (WebCodecs), else samples for the centre to encode.

const OPUS_HZ = 48_000;
const PCM_HZ = 16_000;
const FRAME_US = 20_000;
const BITS_PER_S = 32_000;
const SILENT_DBOV = 127;
const HEAD_BYTES = 5;

export const encodes = () => "AudioEncoder" in window;
export const FORMAT = () => (encodes() ? "opus" : "pcm_s16le_16000");

// Level in −dBov (RFC 6464), the clock of this page in ms, the sound. By the clock the centre tells what came late.
function framed(dbov, size) {
  const frame = new Uint8Array(HEAD_BYTES + size);
  const head = new DataView(frame.buffer);
  head.setUint8(0, dbov);
  head.setUint32(1, performance.now() >>> 0);
  return frame;
}

// Gives the level of each frame back to whoever takes its packet.
function opus(send) {
  const levels = [];
  let at = 0;
  const encoder = new AudioEncoder({
    output: (chunk) => {
      const frame = framed(levels.shift() ?? SILENT_DBOV, chunk.byteLength);
      chunk.copyTo(frame.subarray(HEAD_BYTES));
      send(frame);
    },
    error: (error) => console.error(error),
  });
  encoder.configure({
    codec: "opus",
    sampleRate: OPUS_HZ,
    numberOfChannels: 1,
    bitrate: BITS_PER_S,
    opus: { frameDuration: FRAME_US },
  });
  return {
    take(samples, dbov) {
      if (encoder.state !== "configured") return; // a frame that was on its way when the microphone was closed
      levels.push(dbov);
      const sound = new AudioData({
        format: "f32-planar",
        sampleRate: OPUS_HZ,
        numberOfFrames: samples.length,
        numberOfChannels: 1,
        timestamp: at,
        data: samples,
      });
      at += FRAME_US;
      encoder.encode(sound);
      sound.close();
    },
    close: () => encoder.state === "configured" && encoder.close(),
  };
}

function pcm(send) {
  return {
    take(samples, dbov) {
      const frame = framed(dbov, 2 * samples.length);
      const sound = new DataView(frame.buffer, HEAD_BYTES);
      samples.forEach((each, at) => sound.setInt16(2 * at, Math.max(-1, Math.min(1, each)) * 32_767, true));
      send(frame);
    },
    close() {},
  };
}

export class Voice {
  muted = false;

  static async open(stream, worklet, send, level) {
    const voice = new Voice();
    voice.stream = stream;
    // Without an encoder the microphone's own rate is left as it is: older browsers connect no other to it.
    voice.context = new AudioContext(encodes() ? { sampleRate: OPUS_HZ, latencyHint: "interactive" } : { latencyHint: "interactive" });
    await voice.context.audioWorklet.addModule(worklet);
    voice.out = encodes() ? opus(send) : pcm(send);
    const node = new AudioWorkletNode(voice.context, "capture", {
      numberOfOutputs: 0,
      processorOptions: { rateHz: encodes() ? OPUS_HZ : PCM_HZ },
    });
    node.port.onmessage = ({ data }) => voice.take(data, level);
    voice.context.createMediaStreamSource(stream).connect(node);
    await voice.context.resume();
    return voice;
  }

  take(samples, level) {
    if (this.muted) samples.fill(0);
    const power = samples.reduce((sum, each) => sum + each * each, 0) / samples.length;
    const dbov = Math.max(0, Math.min(SILENT_DBOV, Math.round(-10 * Math.log10(power + 1e-13))));
    level(dbov);
    this.out.take(samples, dbov);
  }

  async close() {
    this.stream.getTracks().forEach((track) => track.stop());
    this.out?.close();
    await this.context?.close();
  }
}
