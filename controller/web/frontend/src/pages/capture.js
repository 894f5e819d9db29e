// Runs beside the sound card: gathers what the microphone brings into frames of 20 ms, at the rate that is asked for.
// Loaded as an AudioWorklet.

const WINGS = 10; // zero crossings of the filter on each side: steep enough for speech, light enough for an old phone

// Samples at another rate, by a windowed sinc: the low-pass and the interpolation in one.
class Resampler {
  constructor(fromHz, toHz) {
    this.step = fromHz / toHz;
    this.cut = Math.min(1, 1 / this.step) * 0.94;
    this.reach = Math.ceil(WINGS / this.cut);
    this.past = new Float32Array(2 * this.reach);
    this.at = this.reach;
  }

  weight(distance) {
    const x = Math.PI * distance * this.cut;
    const sinc = distance === 0 ? 1 : Math.sin(x) / x;
    return this.cut * sinc * (0.5 + 0.5 * Math.cos((Math.PI * distance) / this.reach));
  }

  take(samples, out) {
    const all = new Float32Array(this.past.length + samples.length);
    all.set(this.past);
    all.set(samples, this.past.length);
    for (; this.at + this.reach < all.length; this.at += this.step) {
      const middle = Math.floor(this.at);
      let sum = 0;
      for (let each = middle - this.reach + 1; each < middle + this.reach; each++) {
        sum += all[each] * this.weight(this.at - each);
      }
      out(sum);
    }
    const kept = all.length - 2 * this.reach;
    this.past = all.slice(kept);
    this.at -= kept;
  }
}

class Capture extends AudioWorkletProcessor {
  filled = 0;

  constructor({ processorOptions: { rateHz } }) {
    super();
    this.frame = new Float32Array(rateHz / 50);
    this.resampler = rateHz === sampleRate ? null : new Resampler(sampleRate, rateHz);
  }

  process([[channel]]) {
    if (!channel) return true;
    if (this.resampler) this.resampler.take(channel, (sample) => this.gather(sample));
    else channel.forEach((sample) => this.gather(sample));
    return true;
  }

  gather(sample) {
    this.frame[this.filled++] = sample;
    if (this.filled < this.frame.length) return;
    const { length } = this.frame;
    this.port.postMessage(this.frame, [this.frame.buffer]);
    this.frame = new Float32Array(length);
    this.filled = 0;
  }
}

registerProcessor("capture", Capture);
