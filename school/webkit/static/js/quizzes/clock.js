// What is left of a sitting's time, by the server's clock: this device's own clock may say what it likes.
import { fill, tell } from '../dom.js';

const SPOKEN = [10, 5, 1]; // minutes at which the rest is also said

/** 1:02:07, or 18:42. */
function long(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const pad = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

export class Clock {
  /** `face` shows the time that is left, `voice` says it at few moments; `over()` is called once when none is left. */
  constructor(face, voice, words, over) {
    Object.assign(this, { face, voice, words, over });
    this.ended = false;
    this.said = Infinity;
    setInterval(() => this.draw(), 500);
  }

  /** Milliseconds of the server's clock. `performance.now()` stands still for nobody who turns the device's clock. */
  get now() { return this.base + performance.now(); }

  get left() { return this.deadline === null ? Infinity : this.deadline - (this.paused ? this.stoodAt : this.now); }

  /** Take what the server said just now: {now_ms, deadline_ms, paused}. */
  sync({ now_ms, deadline_ms, paused }) {
    const before = this.paused ? null : this.deadline; // the time of a pause is no present
    this.base = now_ms - performance.now();
    this.deadline = deadline_ms ?? null;
    if (paused && !this.paused) this.stoodAt = now_ms;
    this.paused = Boolean(paused);
    if (this.left > 0) this.ended = false;
    if (before && this.deadline > before) {
      this.said = Infinity;
      tell(this.voice, fill(this.words.longer, { n: Math.round((this.deadline - before) / 60_000) || 1 }));
    }
    this.draw();
  }

  draw() {
    const { left } = this;
    this.face.hidden = left === Infinity;
    if (left === Infinity) return;
    const text = long(left);
    if (this.face.lastElementChild.textContent !== text) this.face.lastElementChild.textContent = text;
    const minutes = left / 60_000;
    const due = SPOKEN.filter((at) => minutes <= at).pop();
    if (due < this.said && minutes > due - 0.25 && left > 0) tell(this.voice, fill(this.words.left, { n: due }));
    if (due !== undefined) this.said = Math.min(this.said, due);
    if (left <= 0 && !this.paused && !this.ended) {
      this.ended = true;
      this.over();
    }
  }
}
