// The presence check: a question that any key or tap answers. Never a puzzle; unanswered, it only pauses.

/** Two soft notes, so that a person who looks away hears the question. */
function chime() {
  const Audio = window.AudioContext || window.webkitAudioContext;
  if (!Audio) return;
  const sound = new Audio();
  for (const [start, pitch] of [[0, 587.3], [0.28, 784]]) {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    const at = sound.currentTime + start;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.04);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
    tone.connect(volume).connect(sound.destination);
    tone.start(at);
    tone.stop(at + 1);
  }
  setTimeout(() => sound.close(), 2000);
}

export class Check {
  /** `answer()` resolves when the server took the answer; `missed()` is called when nobody answered in time. */
  constructor(veil, answer, missed) {
    Object.assign(this, { veil, answer, missed });
    this.button = veil.querySelector('button');
    this.tell = veil.querySelector('[data-missed]');
    this.trouble = veil.querySelector('[data-trouble]');
    veil.addEventListener('click', () => this.reply());
    veil.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.reply();
    });
  }

  get open() { return !this.veil.hidden; }

  /** Ask once; the question stays until it is answered. */
  ask(answerMs) {
    if (this.open) return;
    this.before = document.activeElement;
    (document.fullscreenElement || document.body).append(this.veil);
    this.tell.hidden = this.trouble.hidden = true;
    this.veil.hidden = false;
    this.button.focus();
    chime();
    this.timer = setTimeout(() => this.miss(), answerMs);
  }

  /** Nobody answered: say so, and wait on. */
  miss() {
    clearTimeout(this.timer);
    if (!this.open || !this.tell.hidden) return;
    this.tell.hidden = false;
    this.missed();
  }

  async reply() {
    if (this.replying) return;
    this.replying = true;
    try {
      await this.answer();
      clearTimeout(this.timer);
      this.veil.hidden = true;
      this.before?.focus?.();
    } catch {
      this.trouble.hidden = false; // the answer did not reach the server; pressing again tries again
    } finally {
      this.replying = false;
    }
  }
}
