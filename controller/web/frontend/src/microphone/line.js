// The connection to the centre: begun again for as long as the session may live there.

const AGAIN_MS = 500;
const LOOK_MS = 500;
const SILENT_MS = 3_000; // the centre says something every second: a line that hangs is not closed by anybody
const GIVEN_UP_MS = 15_000; // by then the session is over at the centre, and its word on the speakers
const BACKLOG_MS = 1_000;
const [REFUSED, REPLACED, OVER] = [4403, 4409, 4410];

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Line {
  open = false;
  over = false;

  // `news` is told what the centre says, `gap` whether the line is lost, `ended` once why it is over.
  constructor(session, bytesPerS, { news, gap, ended }) {
    this.session = session;
    this.address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live-sessions/${session}/sound`;
    this.backlog = (bytesPerS * BACKLOG_MS) / 1000;
    Object.assign(this, { news, gap, ended });
    this.lastNews = performance.now();
    this.watching = setInterval(() => this.look(), LOOK_MS);
    this.connect();
  }

  connect() {
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.begunAt = performance.now();
    socket.onopen = () => {
      this.open = true;
    };
    socket.onmessage = ({ data }) => {
      this.lastNews = performance.now();
      this.gap(false);
      const said = JSON.parse(data);
      this.news(said);
      if (said.ended) this.finish(said.ended);
    };
    socket.onclose = ({ code }) => this.lost(socket, code);
  }

  async lost(socket, code) {
    if (this.over || socket !== this.socket) return;
    this.open = false;
    if (code === REPLACED) return this.finish("elsewhere");
    // A session that this process of the service does not know is over: it knows no other's.
    if (code === REFUSED || code === OVER) return this.finish(await this.ending());
    this.gap(true);
    await sleep(AGAIN_MS);
    if (!this.over && socket === this.socket) this.connect();
  }

  look() {
    const now = performance.now();
    if (now - this.lastNews > GIVEN_UP_MS) return this.finish("lost");
    if (now - Math.max(this.lastNews, this.begunAt) < SILENT_MS) return;
    this.gap(true);
    this.open = false;
    const hanging = this.socket;
    hanging.onclose = null;
    hanging.onmessage = null;
    hanging.close();
    this.connect();
  }

  // What cannot leave now is not sent later: nobody wants to hear the past.
  send(frame) {
    if (this.open && this.socket.bufferedAmount < this.backlog) this.socket.send(frame);
  }

  async ending() {
    try {
      const answer = await fetch(`/api/v1/live-sessions/${this.session}`);
      return (await answer.json()).ending ?? "lost";
    } catch {
      return "lost";
    }
  }

  finish(why) {
    if (this.over) return;
    this.over = true;
    clearInterval(this.watching);
    this.socket.close();
    this.ended(why);
  }
}
