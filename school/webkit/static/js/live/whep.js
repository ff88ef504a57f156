// Watching with almost no delay: one WHEP session of four sounds and three pictures, and the look-out for its end.
// The sections of the offer stand in the order of docs/protocol.md, so that whatever comes later needs no new offer.
import { ask, exchange, gathered, later, preferH264 } from './rtc.js';

export const SOUNDS = ['mic', 'speak-1', 'speak-2', 'speak-3'];
const PICTURES = ['screen', 'camera', 'small'];

const CONNECT_MS = 4000; // a line that is not open by then is one on which UDP does not pass
const TICK_MS = 700;
const ASK_TICKS = 2; // so many without a packet, and the relay is asked whether it knows us: 1.4 s
const QUIET_TICKS = 3; // and nothing comes, as a person sees it
const ASK_MS = 2000;

const blocked = () => Object.assign(new Error('blocked'), { code: 'blocked' });

/**
 * One session. `told({flowing, loss, frozen, quiet})` comes 1.4 times a second: the names that packets come for, the lost
 * share of them, milliseconds the pictures stood still, and whether nothing comes though the relay lives.
 * `gone(why)` comes once, when the session is over without `close`: `lost`.
 */
export class Whep {
  constructor({ told = () => {}, gone = () => {} } = {}) {
    Object.assign(this, { told, gone, session: null, wanted: null, counts: new Map(), quiet: 0 });
    this.leave = () => this.close();
  }

  /**
   * Connect with a ticket {whep, token, ice_servers}; resolves when packets can come. Rejects with {code}: the server's
   * own refusal, `blocked` when no way through the network opens, `away` when nobody answers.
   */
  async open({ whep, token, ice_servers: iceServers }) {
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    this.token = token;
    this.names = new Map();
    this.tracks = {};
    const transceivers = [
      ...SOUNDS.map((name) => [name, pc.addTransceiver('audio', { direction: 'recvonly' })]),
      ...PICTURES.map((name) => [name, pc.addTransceiver('video', { direction: 'recvonly' })]),
    ];
    for (const [name, transceiver] of transceivers) {
      if (PICTURES.includes(name)) preferH264(transceiver, RTCRtpReceiver);
      transceiver.receiver.jitterBufferTarget = 0; // milliseconds: the least delay that the line allows
      this.tracks[name] = transceiver.receiver.track;
    }
    addEventListener('pagehide', this.leave);
    try {
      await pc.setLocalDescription(await pc.createOffer());
      await gathered(pc);
      if (!pc.localDescription.sdp.includes('a=candidate')) throw blocked();
      const answer = await exchange(whep, token, pc.localDescription.sdp, CONNECT_MS);
      this.session = answer.session;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      for (const [name, transceiver] of transceivers) this.names.set(transceiver.mid, name);
      await this.connected();
    } catch (error) {
      this.close();
      throw error;
    }
    this.timer = setInterval(() => this.look(), TICK_MS);
    pc.addEventListener('connectionstatechange', () => this.changed());
  }

  get headers() { return { Authorization: `Bearer ${this.token}` }; }

  connected() {
    const { pc } = this;
    return new Promise((done, failed) => {
      const look = () => {
        if (pc.connectionState === 'connected') done();
        else if (['failed', 'closed'].includes(pc.connectionState)) failed(blocked());
      };
      pc.addEventListener('connectionstatechange', look);
      setTimeout(() => failed(blocked()), CONNECT_MS);
      look();
    });
  }

  /** Say which pictures are wanted; the others cost nothing then. */
  want(names) {
    const wanted = names.join();
    if (!this.session || this.wanted === wanted) return;
    this.wanted = wanted;
    ask(this.session, {
      method: 'PATCH', body: JSON.stringify({ want: names }), headers: { ...this.headers, 'Content-Type': 'application/json' },
    }, CONNECT_MS).catch(() => { this.wanted = null; }); // said again with the next change
  }

  changed() {
    if (this.pc.connectionState === 'failed') this.lost();
    else if (this.pc.connectionState === 'disconnected') this.inquire();
  }

  /** Count what came since the last look. */
  async look() {
    const report = await this.pc.getStats().catch(() => null);
    if (!report || !this.session) return;
    const flowing = new Set();
    let came = 0;
    let lost = 0;
    let frozen = 0;
    report.forEach((row) => {
      if (row.type !== 'inbound-rtp') return;
      const before = this.counts.get(row.id) || { packets: 0, lost: 0, frozen: 0 };
      const now = { packets: row.packetsReceived || 0, lost: row.packetsLost || 0, frozen: (row.totalFreezesDuration || 0) * 1000 };
      this.counts.set(row.id, now);
      if (now.packets > before.packets) flowing.add(this.names.get(row.mid));
      came += now.packets - before.packets;
      lost += Math.max(0, now.lost - before.lost);
      frozen += now.frozen - before.frozen;
    });
    this.quiet = came ? 0 : this.quiet + 1;
    if (this.quiet >= ASK_TICKS) this.inquire();
    this.told({ flowing, frozen, loss: came + lost ? lost / (came + lost) : 0, quiet: this.quiet >= QUIET_TICKS });
  }

  /**
   * Nothing comes: does the relay still know us? If not, the session is over; if so, the trainer's side is silent. When
   * nobody answers at all the network is to blame, and the connection itself will say whether it has failed.
   */
  async inquire() {
    if (this.asking || !this.session) return;
    this.asking = true;
    const answer = await ask(this.session, { headers: this.headers }, ASK_MS).catch(() => null);
    if (answer && !answer.ok) this.lost();
    await later(ASK_MS);
    this.asking = false;
  }

  lost() {
    if (!this.session) return;
    this.close();
    this.gone('lost');
  }

  /** Leave; the relay is told even while the page goes away. */
  close() {
    removeEventListener('pagehide', this.leave);
    clearInterval(this.timer);
    if (this.session) fetch(this.session, { method: 'DELETE', headers: this.headers, keepalive: true }).catch(() => {});
    this.session = null;
    this.pc.close();
  }
}
