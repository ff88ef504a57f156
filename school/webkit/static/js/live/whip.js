// Publishing by WHIP (RFC 9725): one connection for each thing that is sent, which comes back by itself.
//
//   const publisher = publish({ id: 7, want: 'publish', mic, camera, small }, {
//     state: (state, error) => …,   // 'connecting', 'sending', 'again' (lost, being tried again), 'stopped', 'refused' (error says why)
//     health: (health) => …,        // about twice a second while sending, see `Health`
//   });
//   publisher.put('camera', track);  // another track, or null; nothing is negotiated anew
//   publisher.stop();
//
// `want` is 'publish' (mic, camera, small), 'screen' (screen) or 'speak' (a called member's mic). The tracks stay the
// caller's: they are neither stopped nor changed, so a lost relay costs nothing but the moment it takes to find another.
import { call } from '../call.js';
import { ask, exchange, gathered, later, preferH264 } from './rtc.js';

const LOOK_MS = 300;
const QUIET_MS = 900; // without a packet from the relay, which reports twice a second; asking whether it lives costs little
const SILENT_MS = 4_000; // then it is lost, whatever it says
const ASK_MS = 1_500;
const CONNECT_MS = 5_000;
const AGAIN_MS = [0, 300, 500, 500, 700, 1_000, 1_500, 2_000]; // between tries; the last one for ever
const DEAD = new Set([401, 403, 404, 502, 503, 504]); // of a session that was alive a second ago
const REPLACED = 410; // another page of the same person has its place, and should keep it

// What each thing may cost. A shared screen is text: sharp rather than smooth.
const MEDIA = {
  mic: { kind: 'audio', maxBitrate: 48_000 },
  camera: { kind: 'video', maxBitrate: 1_500_000, maxFramerate: 30, hint: 'motion' },
  small: { kind: 'video', maxBitrate: 150_000, maxFramerate: 12, width: 320 },
  screen: { kind: 'video', maxBitrate: 2_000_000, maxFramerate: 15, hint: 'detail' },
};
const SECTIONS = { publish: ['mic', 'camera', 'small'], screen: ['screen'], speak: ['mic'] };

// Refusals that a later try may not meet; everything else is said at once.
const PASSING = new Set(['away', 'stream.no_node', 'stream.elsewhere', 'stream.busy', 'database.busy', 'database.away', 'fault', undefined]);

export function publish(options, handlers) {
  return new Publisher(options, handlers);
}

class Publisher {
  constructor({ id, want, ...tracks }, { state = () => {}, health = () => {} } = {}) {
    Object.assign(this, { id, want, tracks, health, session: null, tries: 0, stopped: false });
    this.told = state;
    this.state = null;
    this.bye = () => this.stop();
    this.wake = () => this.rouse?.();
    addEventListener('pagehide', this.bye);
    addEventListener('online', this.wake);
    this.run();
  }

  /** Send this track as `name` from now on; null: nothing. */
  put(name, track) {
    this.tracks[name] = track;
    this.session?.put(name, track);
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    removeEventListener('pagehide', this.bye);
    removeEventListener('online', this.wake);
    this.rouse?.();
    this.session?.close();
    if (this.state !== 'refused') this.say('stopped');
  }

  say(state, error) {
    if (this.state === state && !error) return;
    this.state = state;
    this.told(state, error);
  }

  /** Connect, stay until it is lost, and again, until somebody stops us. */
  async run() {
    this.say('connecting');
    while (!this.stopped) {
      try {
        const ticket = await call('POST', `/live/${this.id}/tickets`, { want: this.want });
        if (this.stopped) return;
        this.session = new Session(this.want, this.tracks, this.health);
        await this.session.open(ticket);
        this.tries = 0;
        this.say('sending');
        const why = await this.session.over;
        if (why === 'replaced') throw Object.assign(new Error(''), { code: 'stream.replaced' });
      } catch (error) {
        if (this.stopped) return;
        if (!(error instanceof TypeError) && !PASSING.has(error.code)) {
          this.say('refused', error);
          this.stop();
          return;
        }
      } finally {
        this.session?.close();
        this.session = null;
      }
      if (this.stopped) return;
      this.say('again');
      await this.pause(AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)]);
    }
  }

  /** Wait, but not longer than until the network is back. */
  async pause(ms) {
    await Promise.race([later(ms), new Promise((done) => { this.rouse = done; })]);
  }
}

/** One WHIP session, from offer to end. `over` resolves when it is lost, or `replaced` by another page's. */
class Session {
  constructor(want, tracks, health) {
    Object.assign(this, { want, health, senders: {}, url: null, heard: 0, before: null });
    this.pc = null;
    this.tracks = tracks;
    this.over = new Promise((done) => { this.end = done; });
  }

  async open({ whip, token, ice_servers: iceServers }) {
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    this.token = token;
    const stream = new MediaStream();
    for (const name of SECTIONS[this.want]) {
      const { kind, maxBitrate, maxFramerate } = MEDIA[name];
      const encoding = kind === 'video' ? { maxBitrate, maxFramerate } : { maxBitrate };
      const transceiver = pc.addTransceiver(kind, { direction: 'sendonly', streams: [stream], sendEncodings: [encoding] });
      if (kind === 'video') preferH264(transceiver, RTCRtpSender);
      this.senders[name] = transceiver.sender;
      await this.put(name, this.tracks[name] || null);
    }
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc);
    const answer = await exchange(whip, token, pc.localDescription.sdp, CONNECT_MS);
    this.url = answer.session;
    await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await this.connected();
    this.heard = performance.now();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    pc.addEventListener('connectionstatechange', () => {
      if (['disconnected', 'failed', 'closed'].includes(pc.connectionState)) this.inquire();
    });
  }

  connected() {
    const { pc } = this;
    return new Promise((done, failed) => {
      const lost = () => failed(Object.assign(new Error('away'), { code: 'away' }));
      const look = () => {
        if (pc.connectionState === 'connected') done();
        else if (['failed', 'closed'].includes(pc.connectionState)) lost();
      };
      pc.addEventListener('connectionstatechange', look);
      setTimeout(lost, CONNECT_MS);
      look();
    });
  }

  async put(name, track) {
    const sender = this.senders[name];
    if (!sender) return;
    const { kind, hint, width } = MEDIA[name];
    if (track && hint) track.contentHint = hint;
    await sender.replaceTrack(track);
    if (!track || kind !== 'video') return;
    const parameters = sender.getParameters();
    // the size stays when the line is thin, for a new size cuts the recording; the picture moves less often instead
    parameters.degradationPreference = 'maintain-resolution';
    if (width && parameters.encodings[0]) parameters.encodings[0].scaleResolutionDownBy = Math.max(1, (track.getSettings().width || width) / width);
    await sender.setParameters(parameters).catch(() => {});
  }

  /** See what went out and what came back since the last look. */
  async look() {
    const report = await this.pc.getStats().catch(() => null);
    if (!report || !this.url) return;
    const now = performance.now();
    const seen = { at: now, sent: 0, received: 0, frames: 0, limited: null, loss: 0, rtt: null, codec: null };
    report.forEach((row) => {
      if (row.type === 'transport') Object.assign(seen, { received: row.packetsReceived ?? seen.received, sent: row.bytesSent ?? seen.sent });
      else if (row.type === 'outbound-rtp' && row.kind === 'video') {
        seen.frames += row.framesEncoded || 0;
        if (row.qualityLimitationReason === 'bandwidth' || row.qualityLimitationReason === 'cpu') seen.limited ??= row.qualityLimitationReason;
      } else if (row.type === 'remote-inbound-rtp') {
        seen.loss = Math.max(seen.loss, row.fractionLost || 0);
        seen.rtt = Math.max(seen.rtt ?? 0, row.roundTripTime ?? 0);
      }
    });
    const { before } = this;
    this.before = seen;
    if (!before || seen.received > before.received) this.heard = now;
    const quiet = now - this.heard;
    if (quiet >= SILENT_MS) this.end();
    else if (quiet >= QUIET_MS) this.inquire();
    if (before) this.health(new Health(before, seen, quiet >= QUIET_MS));
  }

  /** The relay says nothing: is it there, and does it know us? */
  async inquire() {
    if (this.asking || !this.url) return;
    this.asking = true;
    const answer = await ask(this.url, { headers: { Authorization: `Bearer ${this.token}` } }, ASK_MS).catch(() => null);
    if (!answer || DEAD.has(answer.status) || answer.status === REPLACED) {
      this.url = null; // nobody is there to be told
      this.end(answer?.status === REPLACED ? 'replaced' : 'lost');
    }
    await later(ASK_MS / 2);
    this.asking = false;
  }

  /** Leave; the relay is told even while the page goes away. */
  close() {
    clearInterval(this.timer);
    if (this.url) fetch(this.url, { method: 'DELETE', headers: { Authorization: `Bearer ${this.token}` }, keepalive: true }).catch(() => {});
    this.url = null;
    this.pc?.close();
    this.end();
  }
}

/** How sending goes: `bits` a second, lost share (0 to 1), round trip in ms, and `word`: good, thin, busy or silent. */
class Health {
  constructor(before, seen, silent) {
    this.bits = Math.max(0, ((seen.sent - before.sent) * 8000) / (seen.at - before.at));
    this.loss = seen.loss;
    this.rtt = seen.rtt === null ? null : Math.round(seen.rtt * 1000);
    this.moving = seen.frames > before.frames;
    this.word = silent ? 'silent' : seen.loss > 0.05 || seen.limited === 'bandwidth' ? 'thin' : seen.limited === 'cpu' ? 'busy' : 'good';
  }
}
