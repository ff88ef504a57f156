// What goes out from this desk: the camera with microphone and small picture, and a shared screen beside it; and how
// that goes, in words a trainer understands.
import { $, fill, tell } from '../dom.js';
import { publish } from './whip.js';

const WORST = ['again', 'silent', 'thin', 'busy', 'connecting', 'good']; // a trainer hears of the worst first
const BARS = { again: 0, silent: 1, thin: 2, connecting: 2, busy: 3, good: 4 };
const STEADY_MS = 4_000; // a better word waits so long, so that words do not flicker

export class Sending {
  /** `changed()`: what is being sent is another set now. `refused(error)`: the relay will not have us. */
  constructor(id, devices, words, { changed, refused }) {
    Object.assign(this, { id, devices, words, changed, refused, on: false, main: null, screen: null, word: null, wordAt: 0 });
    this.going = { main: {}, screen: {} };
  }

  /** Send, or no longer; the devices stay open. */
  turn(on) {
    if (on === this.on) return;
    this.on = on;
    if (on) {
      const { mic, camera } = this.devices;
      this.main = this.open('main', { want: 'publish', mic, camera, small: this.small() });
      if (this.devices.screen) this.share(this.devices.screen);
    } else {
      this.main?.stop();
      this.share(null);
      this.main = null;
      this.going.main = {};
    }
    this.draw();
  }

  open(part, options) {
    const going = {};
    this.going[part] = going;
    return publish({ id: this.id, ...options }, {
      state: (state, error) => {
        going.state = state;
        if (state !== 'sending') going.health = null;
        if (state === 'refused') this.refused(error, part);
        this.draw();
        this.changed();
      },
      health: (health) => {
        going.health = health;
        this.draw();
      },
    });
  }

  /** A device changed: the connection stays, the track in it is another one. */
  put(name, track) {
    if (!this.on) return;
    if (name === 'screen') this.share(track);
    else this.main?.put(name, track);
    if (name !== 'mic') this.main?.put('small', this.small());
    this.changed();
  }

  share(track) {
    if (track && this.screen) this.screen.put('screen', track);
    else if (track) this.screen = this.open('screen', { want: 'screen', screen: track });
    else {
      this.screen?.stop();
      this.screen = null;
      this.going.screen = {};
    }
  }

  /** The small picture shows the face; without a camera, the screen. */
  small() {
    return this.devices.camera || this.devices.screen || null;
  }

  /** The names that arrive at the relay, as the room is told. */
  get sources() {
    const { camera, screen, mic } = this.devices;
    const arrived = this.going.main.state === 'sending';
    return [
      screen && this.going.screen.state === 'sending' && 'screen',
      arrived && camera && 'camera',
      arrived && (camera || screen) && 'small',
      arrived && mic && 'mic',
    ].filter(Boolean);
  }

  // ── how it goes ─────────────────────────────────────────

  draw() {
    const parts = Object.values(this.going).filter(({ state }) => state && state !== 'stopped' && state !== 'refused');
    $('health').hidden = !parts.length;
    if (!parts.length) return;
    const words = parts.map(({ state, health }) => (state === 'sending' ? health?.word || 'good' : state));
    const worst = WORST.find((word) => words.includes(word));
    const now = performance.now();
    const better = this.word && WORST.indexOf(worst) > WORST.indexOf(this.word);
    if (worst !== this.word && better && ['thin', 'busy'].includes(this.word) && now - this.wordAt < STEADY_MS) return;
    if (worst !== this.word) Object.assign(this, { word: worst, wordAt: now });
    tell($('health-t'), this.words[worst]);
    $('health').dataset.word = worst;
    $('health').querySelectorAll('.signal i').forEach((bar, index) => bar.classList.toggle('on', index < BARS[worst]));
    const bits = parts.reduce((sum, { health }) => sum + (health?.bits || 0), 0);
    $('health-d').textContent = bits && worst !== 'again' ? fill(this.words.detail, { rate: (bits / 1e6).toFixed(1) }) : '';
  }
}
