// What is heard: the microphone and the called members of a WHEP session, or the one sound of the hall. The pictures of a
// session are silent elements, so that they may always play; a browser that wants a press first holds back sound alone.
import { SOUNDS } from './whep.js';

export class Sound {
  /** `hall` is the element that plays HLS; `changed()` is called when something is heard or no longer. */
  constructor(hall, changed) {
    Object.assign(this, { hall, changed, muted: false, silent: false, own: null });
    this.elements = Object.fromEntries(SOUNDS.map((name) => [name, new Audio()]));
  }

  /** Nothing is heard, by choice or because the browser wants a press. */
  get off() { return this.muted || this.silent; }

  /** Hear the sounds of a session: tracks by name. */
  take(tracks) {
    for (const name of SOUNDS) this.elements[name].srcObject = new MediaStream([tracks[name]]);
    this.apply();
  }

  /** The session is over. */
  drop() {
    for (const audio of Object.values(this.elements)) audio.srcObject = null;
  }

  mute(on) {
    this.muted = on;
    this.silent = this.silent && on;
    this.apply();
  }

  /** After a press: browsers allow sound now. */
  press() { this.mute(false); }

  /** The browser wants a press before there is sound. */
  hush() {
    if (this.silent) return;
    this.silent = true;
    this.apply();
  }

  /** While this member speaks, their own voice must not come back: `name` of the sound, or null. */
  except(name) {
    this.own = name;
    this.apply();
  }

  apply() {
    this.hall.muted = this.off;
    for (const [name, audio] of Object.entries(this.elements)) {
      audio.muted = this.off || name === this.own;
      if (audio.srcObject && audio.paused) audio.play().catch((error) => this.refused(error));
    }
    this.changed();
  }

  refused({ name }) {
    if (name === 'NotAllowedError' && !this.muted) this.hush();
  }
}
