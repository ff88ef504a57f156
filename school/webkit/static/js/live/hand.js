// 请求发言: raise the hand, be called, open the microphone in one plain question, speak, and end it.
import { $, tell } from '../dom.js';
import { publish } from './whip.js';

const CLEAN = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class Hand {
  /** `sound.except(name)` keeps one's own voice out of what is heard. */
  constructor(link, words, room, sound, announce) {
    Object.assign(this, { link, words, room, sound, announce, up: false, slot: null, voice: null, able: false });
    this.buttons = document.querySelectorAll('[data-hand]');
    for (const button of this.buttons) button.addEventListener('click', () => this.press());
    $('speak').addEventListener('click', () => this.speak());
    $('decline').addEventListener('click', () => this.end());
    $('hang-up').addEventListener('click', () => this.end());
    $('called').addEventListener('keydown', (event) => this.inside(event));
    link.on('welcome', ({ me }) => this.begin(me));
    link.on('hand', ({ body }) => { if (this.mine(body)) this.raised(body.up); });
    link.on('called', ({ body }, { past }) => { if (!past && this.mine(body)) this.called(body.slot); });
    link.on('hung_up', ({ body }) => { if (this.mine(body)) this.over(); });
  }

  mine({ account_id: account }) { return account === this.room.account_id; }

  /** Hands may be raised while the class runs and the person is not asked to listen only. */
  enable(able) {
    this.able = able;
    this.draw();
  }

  begin({ hand, slot }) {
    this.up = hand;
    if (slot && !this.voice) this.called(slot);
    else if (!slot && this.slot) this.over();
    this.draw();
  }

  async press() {
    if (this.slot) return this.voice ? this.end() : this.askToSpeak();
    const before = this.up;
    this.raised(!before);
    try {
      await this.link.send('hand', { up: !before });
      if (!before) this.announce(this.words.raised);
    } catch (error) {
      this.raised(before);
      this.announce(error.message, true);
    }
  }

  raised(up) {
    this.up = up;
    this.draw();
  }

  called(slot) {
    this.slot = slot;
    this.draw();
    this.askToSpeak();
  }

  askToSpeak() {
    this.before = document.activeElement;
    tell($('called-err'), '');
    (document.fullscreenElement || document.body).append($('called'));
    $('called').hidden = false;
    $('speak').focus();
  }

  dismiss() {
    if ($('called').hidden) return;
    $('called').hidden = true;
    this.before?.focus?.();
  }

  async speak() {
    $('speak').disabled = true;
    tell($('called-err'), '');
    try {
      await this.open();
      this.dismiss();
    } catch (error) {
      tell($('called-err'), this.words.trouble[error.name] || this.words.trouble.other);
    } finally {
      $('speak').disabled = false;
    }
  }

  /** Open the microphone and send it; the connection comes back by itself until it is hung up. */
  async open() {
    const media = await navigator.mediaDevices.getUserMedia({ audio: CLEAN });
    const [mic] = media.getAudioTracks();
    if (!this.slot) return mic.stop(); // hung up while the browser asked
    this.sound.except(`speak-${this.slot}`);
    const publisher = publish({ id: this.room.id, want: 'speak', mic }, { state: (state, error) => this.told(state, error) });
    this.voice = { close: () => { publisher.stop(); mic.stop(); } };
    this.told('connecting');
  }

  /** The connection's state, in words. */
  told(state, error) {
    if (state === 'refused') this.announce(error.message, true);
    if (state === 'refused' || state === 'stopped') return;
    tell($('speaking-t'), this.words[state]);
    this.draw();
  }

  /** The person ends it, or would rather not speak this time. */
  end() {
    this.link.send('hang_up', { account_id: this.room.account_id }).catch(() => {});
    this.over();
  }

  over() {
    this.voice?.close();
    Object.assign(this, { voice: null, slot: null, up: false });
    this.sound.except(null);
    this.dismiss();
    this.draw();
  }

  inside(event) {
    if (event.key === 'Escape') this.dismiss(); // the card below still offers to speak
    if (event.key !== 'Tab') return;
    const [first, last] = [$('speak'), $('decline')];
    const next = event.shiftKey ? last : first;
    const edge = event.shiftKey ? first : last;
    if (document.activeElement !== edge) return;
    event.preventDefault();
    next.focus();
  }

  draw() {
    $('speaking').hidden = !this.voice;
    $('raised').hidden = !this.up || Boolean(this.slot);
    const label = this.slot ? this.words[this.voice ? 'end' : 'called'] : this.up ? this.words.lower : this.words.raise;
    for (const button of this.buttons) {
      button.disabled = !this.able && !this.slot;
      button.setAttribute('aria-pressed', String(this.up));
      const text = button.querySelector('span');
      if (text) text.textContent = label;
      else button.setAttribute('aria-label', label);
    }
  }
}
