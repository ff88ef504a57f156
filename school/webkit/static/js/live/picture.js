// Picture and sound by the rung of the ladder that holds: WHEP, HLS, or sound alone. It falls and climbs by itself, with
// one quiet line of words; which picture is big follows from what the trainer shows and what the person prefers.
import { call } from '../call.js';
import { Hall } from './hall.js';
import { Ladder } from './ladder.js';
import { Sound } from './sound.js';
import { Whep } from './whep.js';

const AGAIN_MS = [0, 400, 800, 1200, 1600]; // a relay that died is back within seconds; a hall of viewers comes one by one
const PATIENCE_MS = [1000, 2000, 4000, 8000];
const EMPTY_MS = 1500; // until the trainer's side sends
const STALL_MS = 9000; // a line that carries no picture for so long may still carry sound
const BAD_LOSS = 0.08;
const BAD_FREEZE_MS = 250;
const WEAK_AT = 4; // bad looks more than good ones, at 0.7 s each
const STRONG_AFTER = 45; // calm looks in a row
const FULL = /full|seat/;

const later = (ms) => new Promise((done) => { setTimeout(done, ms); });
const reason = ({ code }) => (code === 'blocked' ? 'blocked' : FULL.test(code) ? 'full' : 'lost');

export class Picture {
  /** `changed()` is called when the rung, the sound or the places changed. */
  constructor(stage, { tickets }, words, changed) {
    Object.assign(this, { stage, tickets, words, changed });
    Object.assign(this, {
      ladder: new Ladder('low'), state: null, sources: [], flowing: new Set(), page: null, pages: 0, swapped: false,
      whep: null, turn: 0, stalls: 0, weak: false, bad: 0, calm: 0, tries: 0,
      shown: false, seen: false, broke: false, empty: false, away: false, slow: false, mentioned: '',
    });
    this.hall = new Hall(stage.videos.hall, {
      moving: () => this.hallMoves(), still: () => this.hallStands(), broken: (code) => this.hallBroke(code),
    });
    this.sound = new Sound(stage.videos.hall, changed);
    this.hall.silenced = () => this.sound.hush();
    addEventListener('online', () => this.ladder.hope(performance.now()));
    addEventListener('pageshow', (event) => event.persisted && this.running && this.enter());
    navigator.connection?.addEventListener?.('change', () => this.ladder.hope(performance.now()));
    setInterval(() => this.consider(), 1000);
  }

  get rung() { return this.ladder.rung; }

  get running() { return this.state === 'live' || this.state === 'paused'; }

  /** What `watching` says of this page. */
  get mode() { return this.running && this.shown ? this.rung : 'none'; }

  // ── what the class and the person want ──────────────────

  /** The class's state: media runs while it is live or paused, and is let go otherwise. */
  become(state) {
    const before = this.running;
    this.state = state;
    if (this.running && !before) {
      this.showSlide(); // before the class nobody outside the desk is given its slides
      this.enter();
    }
    if (!this.running && before) this.leave();
    this.stage.stayAwake(this.running);
    this.arrange();
  }

  setSources(names) {
    this.sources = names;
    this.arrange();
  }

  /** The trainer's page of the slides; shown when the picture, which may lie seconds behind, has come so far. */
  turnTo(page, pages) {
    const show = () => {
      Object.assign(this, { page, pages });
      this.showSlide();
      this.arrange();
    };
    clearTimeout(this.turning);
    if (this.rung === 'low' || this.page === null) show();
    else this.turning = setTimeout(show, this.hall.lag * 1000);
  }

  showSlide() {
    if (this.page && this.running) this.stage.turn(this.page, this.pages);
  }

  /** The person chooses the highest rung. */
  choose(rung) {
    this.ladder.choose(rung);
    this.weak = false;
    this.stage.say();
    if (this.running) this.enter();
    this.changed();
  }

  /** Slides big or the trainer big. */
  swap() {
    this.swapped = !this.swapped;
    this.arrange();
  }

  // ── rungs ───────────────────────────────────────────────

  /** Begin on the ladder's rung; whatever was underway before is void. */
  async enter() {
    const turn = ++this.turn;
    this.tries = 0;
    this.shown = false;
    if (this.rung === 'low') {
      this.hall.close();
      await this.enterLow(turn);
    } else {
      this.closeLow();
      await this.enterHall(turn);
    }
  }

  async enterLow(turn) {
    let why = 'lost';
    for (const wait of AGAIN_MS) {
      await later(wait * (0.5 + Math.random()));
      if (turn !== this.turn) return;
      try {
        return await this.openLow(turn);
      } catch (error) {
        why = reason(error);
        if (why !== 'lost') break;
      }
    }
    if (turn === this.turn) this.fall(why);
  }

  /** Connect by WHEP; the picture before stays until the new one is there. Rejects with {code}. */
  async openLow(turn) {
    const ticket = await this.ticket();
    if (!ticket.whep) throw Object.assign(new Error('full'), { code: 'full' });
    const whep = new Whep({ told: (look) => this.looked(whep, look), gone: () => this.lost(whep) });
    await whep.open(ticket);
    if (turn !== this.turn) return whep.close();
    this.closeLow();
    this.whep = whep;
    this.weak = false;
    this.bad = this.calm = 0;
    this.sound.take(whep.tracks);
    this.begun();
  }

  async enterHall(turn) {
    try {
      const { hls } = await this.ticket();
      if (turn !== this.turn) return;
      if (!hls) throw Object.assign(new Error('away'), { code: 'away' });
      if (this.rung === 'sound') await this.hall.play(hls.sound);
      else await this.hall.play(hls.low || hls.hall, hls.low ? hls.hall : null);
      this.arrange();
    } catch {
      if (turn === this.turn) this.hallBroke('away');
    }
  }

  ticket() { return call('POST', this.tickets, { want: 'watch' }); }

  /** Something can be seen or heard on this rung. */
  begun() {
    this.shown = true;
    this.broke = this.empty = this.slow = false;
    this.tries = 0;
    this.arrange();
    this.changed();
  }

  fall(why) {
    this.stalls += 1;
    if (!this.ladder.fall(why, performance.now())) return this.hallBroke('away');
    this.broke = this.slow = false;
    this.stage.say(this.words.fell[this.rung === 'sound' ? 'sound' : why]);
    this.changed();
    this.enter();
  }

  /** Once a second: is it time to try the rung above? */
  async consider() {
    const above = this.running && this.shown && !this.trying && this.ladder.above(performance.now());
    if (!above) return;
    if (above === 'smooth') {
      this.ladder.climb();
      this.stage.say(this.words.rose.smooth);
      this.changed();
      this.enter();
      return;
    }
    this.trying = true;
    const turn = this.turn;
    try {
      await this.openLow(turn);
      if (turn !== this.turn) return;
      this.turn += 1;
      this.ladder.climb();
      this.hall.close();
      this.stage.say(this.words.rose.low);
      this.begun();
    } catch (error) {
      if (turn === this.turn) this.ladder.stay(reason(error), performance.now());
    } finally {
      this.trying = false;
    }
  }

  closeLow() {
    this.whep?.close();
    this.whep = null;
    this.sound.drop();
    this.flowing = new Set();
  }

  leave() {
    this.turn += 1;
    this.closeLow();
    this.hall.close();
    clearTimeout(this.stalled);
    this.shown = false;
  }

  // ── how it goes ─────────────────────────────────────────

  /** A look at the WHEP session: who sends, how much is lost; a weak line takes the small picture, then falls. */
  looked(whep, { flowing, loss, frozen, quiet }) {
    if (whep !== this.whep || this.rung !== 'low') return;
    this.seen = this.seen || flowing.size > 0;
    this.away = quiet && this.seen && this.state === 'live';
    if ([...flowing].sort().join() !== [...this.flowing].sort().join()) {
      this.flowing = flowing;
      this.arrange();
    } else if (this.away !== this.wasAway) this.arrange();
    this.wasAway = this.away;
    const bad = loss > BAD_LOSS || frozen > BAD_FREEZE_MS;
    this.bad = Math.max(0, this.bad + (bad ? 1 : -0.25));
    this.calm = bad ? 0 : this.calm + 1;
    if (this.bad >= WEAK_AT) {
      this.bad = 0;
      if (this.weak) return this.fall('weak');
      this.weak = true;
      this.stage.say(this.words.weak);
      this.arrange();
    } else if (this.weak && this.calm >= STRONG_AFTER) {
      this.weak = false;
      this.arrange();
    }
  }

  /** The session is over though nobody left: the relay died or another one took over. */
  lost(whep) {
    if (whep !== this.whep) return;
    this.stalls += 1;
    this.broke = true;
    this.closeLow();
    if (this.rung === 'low' && this.running) this.enter();
    this.arrange();
  }

  hallMoves() {
    clearTimeout(this.stalled);
    this.seen = true;
    this.away = false;
    this.begun();
  }

  hallStands() {
    if (this.state !== 'live') return;
    this.stalls += 1;
    this.ladder.stir('stalled', performance.now());
    this.away = !this.hall.growing && navigator.onLine;
    this.slow = !this.away;
    this.arrange();
    const turn = this.turn;
    clearTimeout(this.stalled);
    this.stalled = setTimeout(() => {
      if (turn === this.turn && this.hall.standing && this.hall.growing && this.rung === 'smooth') this.fall('stalled');
    }, STALL_MS);
  }

  /** The address does not answer, or has run out: ask for a fresh one, ever more patiently. */
  async hallBroke(code) {
    this.hall.close();
    if (code === 'unsupported') {
      this.shown = false;
      this.failed = this.words.unsupported;
      return this.arrange();
    }
    const turn = this.turn;
    this.empty = code === 'none';
    this.broke = !this.empty && this.tries > 1; // a short break goes by in silence
    this.shown = this.shown && !this.broke;
    this.arrange();
    await later(this.empty ? EMPTY_MS : PATIENCE_MS[Math.min(this.tries, PATIENCE_MS.length - 1)]);
    this.tries += 1;
    if (turn !== this.turn || !this.running) return;
    await this.enterHall(turn);
  }

  // ── places ────────────────────────────────────

  /** Whether the trainer sends `name` now: as announced, or as packets say. */
  has(name) { return this.sources.includes(name) || this.flowing.has(name); }

  /** The layers that have something to show, the one that should be big first. */
  get layers() {
    if (this.rung === 'low') {
      const shown = [];
      if (this.has('screen')) shown.push('screen');
      else if (this.page) shown.push('slide');
      if (this.has('camera') || this.has('small')) shown.push('camera');
      return shown;
    }
    const slide = this.page && !this.has('screen') ? ['slide'] : [];
    return this.rung === 'smooth' && this.shown ? [...slide, 'hall'] : slide;
  }

  arrange() {
    const layers = this.running ? this.layers : [];
    const [big = null, small = null] = this.swapped ? [...layers].reverse() : layers;
    const cover = this.cover(big);
    this.stage.place(cover ? null : big, cover ? null : small);
    this.stage.cover(cover);
    this.two = !cover && layers.length > 1;
    this.slides = layers.includes('slide');
    if (this.rung === 'low' && this.whep) this.attach(small);
    this.mention(cover ? '' : this.trouble);
    this.changed();
  }

  /** What is wrong, for the quiet line where no cover says it; empty when all is well. */
  get trouble() {
    if (this.state !== 'live') return '';
    if (this.broke) return this.words.reconnecting;
    if (this.away) return this.words.away.text;
    return this.slow ? this.words.slow : '';
  }

  /** Let the quiet line say `text` for as long as it is true. */
  mention(text) {
    if (text === this.mentioned) return;
    if (text) this.stage.say(text, true);
    else this.stage.unsay(this.mentioned);
    this.mentioned = text;
  }

  /** Ask for the pictures that are needed and show them. What nobody sends costs nothing, so both may always be asked for. */
  attach(small) {
    const thrifty = this.has('small') && (small === 'camera' || (this.weak && !this.has('screen')));
    const cut = this.weak && this.has('screen'); // of two pictures a weak line keeps the one that is read
    this.whep.want(cut ? ['screen'] : ['screen', thrifty ? 'small' : 'camera']);
    const smaller = this.flowing.has('small') && !this.flowing.has('camera'); // the relay spares a weak line by itself
    this.show('screen', this.whep.tracks.screen);
    this.show('camera', this.whep.tracks[thrifty || smaller ? 'small' : 'camera']);
  }

  show(layer, track) {
    const video = this.stage.videos[layer];
    if (video.srcObject?.getTracks()[0] !== track) video.srcObject = new MediaStream([track]);
    if (video.paused) video.play().catch(() => {}); // without sound: always allowed
  }

  /** What the cover says; null while there is a picture. */
  cover(big) {
    const { words } = this;
    if (!this.running) return this.outside;
    if (this.state === 'paused') return { icon: 'clock', ...words.paused };
    if (this.failed) return { icon: 'warn', text: this.failed };
    if (!this.shown && this.empty) return big === 'slide' ? null : { icon: 'cam', ...words.noPicture };
    if (!this.shown) return big === 'slide' ? null : { icon: 'live', text: this.broke ? words.reconnecting : words.opening };
    if (this.away) return big === 'slide' ? null : { icon: 'nowifi', ...words.away };
    if (big) return null;
    return this.rung === 'sound' ? { icon: 'sound', ...words.soundOnly } : { icon: 'cam', ...words.noPicture };
  }
}
