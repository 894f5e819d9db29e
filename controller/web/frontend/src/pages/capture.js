// Runs beside the sound card: gathers what the microphone brings into frames of 20 ms. Loaded as an AudioWorklet.

const FRAME = 960;

class Capture extends AudioWorkletProcessor {
  frame = new Float32Array(FRAME);
  filled = 0;

  process([[channel]]) {
    if (!channel) return true;
    for (const sample of channel) {
      this.frame[this.filled++] = sample;
      if (this.filled < FRAME) continue;
      this.port.postMessage(this.frame, [this.frame.buffer]);
      this.frame = new Float32Array(FRAME);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("capture", Capture);
