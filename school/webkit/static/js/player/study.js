// The client's half of honest counting: notes which stretches were really played and claims them until the server
// has stored them. It knows no clock of its own and no sequence numbers; the server's seconds decide what is paid.
import { minus, union } from './intervals.js';
import { deliver, final, keep, post } from './outbox.js';

const EVERY = 15_000; // between two claims
const LOOK = 3_000; // how often it looks whether one is due
const JOIN = 300; // pausing lets the picture slip on by this much at most
const SLACK = 1_000; // a sample may jump this much further than time and rate allow, or it was no playing

/**
 * Studies one part through `video`. `routes`: {claims, checks}; `open()` resolves to a play ticket; `tell(study, answer)`
 * is called whenever something worth showing changed, with the server's answer when there is one.
 */
export class Study {
  constructor(video, routes, open, tell) {
    Object.assign(this, { video, routes, open, tell });
    this.ticket = null;
    this.claims = []; // played, not yet sent
    this.sent = []; // sent, not yet acknowledged
    this.covered = [];
    this.refused = [];
    this.held = []; // claimed a little ahead of the server's clock; it pays with the next claim
    this.lost = false; // the server takes no more of this session
    this.state = 'new'; // new, earning, paused, capped, superseded
    this.saving = 'none'; // none, saving, saved, waiting, busy
    this.savedAt = null;
    this.last = null; // the sample before: {at, clock, rate}
    this.end = null; // of the stretch noted before, while nobody seeks
    this.due = 0;
    for (const event of ['timeupdate', 'pause', 'ended', 'ratechange', 'playing', 'seeking', 'seeked', 'emptied', 'waiting']) {
      video.addEventListener(event, () => this.sample(event));
    }
    for (const event of ['pause', 'ended']) video.addEventListener(event, () => this.send());
    addEventListener('online', () => this.send());
    addEventListener('pagehide', () => this.leave());
    document.addEventListener('visibilitychange', () => document.hidden && this.send());
    setInterval(() => performance.now() >= this.due && (this.owed || !video.paused) && this.send(), LOOK);
    if ('BroadcastChannel' in window) {
      this.channel = new BroadcastChannel('study');
      this.channel.onmessage = () => this.send(); // another tab opened a session: learn at once who earns
    }
  }

  /** Whether anything was played that the server has not acknowledged. */
  get owed() { return this.claims.length + this.sent.length > 0; }

  /** What was played and is not yet known to the server, or still on its way. */
  get pending() { return minus(union([...this.claims, ...this.sent, ...this.held]), this.covered); }

  get earning() { return this.state === 'earning' || this.state === 'capped'; }

  /** Open a play session, the newest of this member everywhere; from now on played stretches are claimed. */
  async begin() {
    if (this.ticket && this.state === 'superseded') await this.send();
    const ticket = await this.open();
    this.ticket = ticket;
    this.claims = [];
    this.sent = [];
    this.last = null;
    this.due = performance.now() + EVERY;
    Object.assign(this, { covered: ticket.covered, refused: ticket.refused, held: [], lost: false, state: 'earning' });
    this.channel?.postMessage('opened');
    this.tell(this);
    return ticket;
  }

  /** Note where the playing stands; a stretch counts when it followed the sample before at the speed it was played. */
  sample(event = 'timeupdate') {
    const { video, last } = this;
    const clock = performance.now();
    const ended = event === 'ended';
    const at = ended ? this.ticket?.length_ms : Math.round(video.currentTime * 1000);
    const jumped = video.seeking || ['seeking', 'seeked', 'emptied'].includes(event);
    const playing = this.ticket && this.earning && !jumped;
    if (playing && last) {
      const moved = at - last.at;
      if (moved > 0 && moved <= (clock - last.clock) * Math.max(last.rate, video.playbackRate) + SLACK) this.note(last.at, at);
    }
    const slip = playing && !last && this.end !== null ? at - this.end : -1;
    const from = slip >= 0 && slip <= JOIN ? this.end : at;
    this.last = playing && !ended && !video.paused ? { at: from, clock, rate: video.playbackRate } : null;
    if (jumped) this.end = null;
  }

  note(from, to) {
    this.end = to;
    this.claims = union([...this.claims, [from, to]]);
    this.store();
    this.tell(this);
  }

  store() {
    keep(this.ticket.token, {
      claims: union([...this.claims, ...this.sent]), part_id: this.ticket.part_id, position_ms: this.position,
    });
  }

  get position() { return Math.round(this.video.currentTime * 1000); }

  get body() {
    return { token: this.ticket.token, claims: union([...this.claims, ...this.sent]), position_ms: this.position };
  }

  /** Claim everything not yet acknowledged. One claim is under way at a time; what comes meanwhile goes with the next. */
  async send() {
    if (!this.ticket || this.busy) return;
    this.busy = true;
    this.due = performance.now() + EVERY;
    const { body, ticket } = this;
    this.sent = body.claims;
    this.claims = [];
    const slow = setTimeout(() => this.say('saving'), 800);
    try {
      const answer = await post(this.routes.claims, body);
      if (ticket === this.ticket) this.take(answer);
    } catch (error) {
      if (ticket === this.ticket) this.fail(error);
    } finally {
      clearTimeout(slow);
      this.busy = false;
    }
    if (this.saving === 'saved') deliver(this.routes.claims, this.ticket.token);
  }

  take(answer) {
    this.sent = [];
    this.store();
    this.savedAt = new Date();
    this.saving = 'saved';
    this.know(answer);
  }

  know(answer) {
    const { covered, refused, held, state } = answer;
    Object.assign(this, { covered, refused, held, state });
    if (!this.earning) this.last = null;
    this.tell(this, answer);
  }

  fail(error) {
    this.claims = union([...this.claims, ...this.sent]);
    this.sent = [];
    if (!final(error)) return this.say(error.status === 0 ? 'waiting' : 'busy');
    keep(this.ticket.token, { claims: [] });
    Object.assign(this, { ticket: null, claims: [], held: [], lost: true, state: 'new', saving: 'none' });
    this.tell(this); // the next playing opens another session
  }

  say(saving) {
    this.saving = saving;
    this.tell(this);
  }

  /** The member answered that they are here; resolves when the session earns again. */
  async answer() {
    this.know(await post(this.routes.checks, { token: this.ticket.token }));
  }

  /** The page goes: keep everything, and give the browser one more claim to carry out. Sent twice, it counts once. */
  leave() {
    if (!this.ticket) return;
    this.sample();
    this.store();
    navigator.sendBeacon(this.routes.claims, new Blob([JSON.stringify(this.body)], { type: 'application/json' }));
  }
}
