// What the trainer asks of everybody for a moment: 到课登记 with a code, and the presence check.
import { Check } from '../player/check.js';
import { $, clock, fill, tell } from '../dom.js';

const PATIENCE_MS = 4000;

export class Moments {
  constructor(link, words, room, announce) {
    Object.assign(this, { link, words, room, announce, open: false, signed: null, current: null });
    this.check = new Check($('check'), () => this.here(), () => {});
    $('code-form').addEventListener('submit', (event) => { event.preventDefault(); this.sign(); });
    link.on('welcome', ({ state, me }) => {
      this.signed = me.signed_in_ms;
      this.setCode(state.code_open);
      if (state.check) this.asked(state.check.check, state.check.at_ms, state.check.answer_ms);
    });
    link.on('code', ({ body }, { past }) => { if (!past) this.setCode(body.open, true); });
    link.on('signed_in', (line) => { if (line.by?.account_id === room.account_id) this.signedIn(line.at_ms); });
    link.on('check', ({ body, at_ms: at }, { past }) => { if (!past) this.asked(body.check, at, body.answer_ms); });
    link.on('settled', ({ event, answer }) => { if (event === 'here' && answer) this.done?.(); });
  }

  // ── 到课登记 ────────────────────────────────────────────

  setCode(open, fresh = false) {
    this.open = open;
    this.drawCode();
    if (fresh && open && !this.signed && this.room.member) this.announce(this.words.codeOpen);
  }

  drawCode() {
    $('code-card').hidden = !this.open || Boolean(this.signed) || !this.room.member;
    $('signed').hidden = !this.signed;
    if (this.signed) $('signed').lastElementChild.textContent = fill(this.words.signed, { time: clock(this.signed, this.room.zone) });
  }

  async sign() {
    const code = $('code').value.trim();
    tell($('code-err'), '');
    try {
      const { at_ms: at } = await this.link.send('sign_in', { code });
      this.signedIn(at);
    } catch (error) {
      tell($('code-err'), error.message);
      $('code').select();
    }
  }

  signedIn(at) {
    if (this.signed) return;
    this.signed = at;
    this.drawCode();
    this.announce($('signed').textContent);
  }

  // ── 在场确认 ────────────────────────────────────────────

  /** Ask, for what is left of the time to answer; members alone are counted. */
  asked(check, at, answerMs) {
    if (!this.room.member || this.current === check) return;
    this.current = check;
    this.check.ask(Math.max(0, at + answerMs - this.link.now()));
  }

  /** The answer is kept until it is stored; whoever is offline learns that it will go out by itself. */
  here() {
    if (this.sentFor !== this.current) this.link.send('here', { check: this.current }).catch(() => this.done?.());
    this.sentFor = this.current;
    return new Promise((done, late) => {
      this.done = done;
      setTimeout(late, PATIENCE_MS);
    });
  }
}
