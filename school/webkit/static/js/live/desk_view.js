// The picture the members get, on the desk: this desk's own, or received like a member's in rehearsal and by a helper;
// and the voices of members who speak, received always.
import { call } from '../call.js';
import { $, tell } from '../dom.js';
import { later } from './rtc.js';
import { Whep } from './whep.js';

const AGAIN_MS = 1_500;
const SLOTS = ['speak-1', 'speak-2', 'speak-3'];

/** A WHEP session that lives as long as it is needed. */
class Receiving {
  constructor(id, changed) {
    Object.assign(this, { id, changed, needed: false, whep: null, flowing: new Set(), pictures: [] });
  }

  need(needed, pictures) {
    this.pictures = pictures;
    this.whep?.want(pictures);
    if (needed === this.needed) return;
    this.needed = needed;
    if (needed) this.run();
    else {
      this.whep?.close();
      this.lost();
    }
  }

  async run() {
    while (this.needed && !this.whep) {
      const whep = new Whep({
        told: ({ flowing }) => {
          const before = [...this.flowing].sort().join();
          this.flowing = flowing;
          if (before !== [...flowing].sort().join()) this.changed();
        },
        gone: () => {
          this.lost();
          later(AGAIN_MS).then(() => this.run());
        },
      });
      this.whep = whep;
      try {
        await whep.open(await call('POST', `/live/${this.id}/tickets`, { want: 'preview' }));
        if (!this.needed) return void whep.close();
        whep.want(this.pictures);
        this.changed();
        return;
      } catch {
        if (this.whep === whep) this.lost();
        await later(AGAIN_MS);
      }
    }
  }

  lost() {
    this.whep = null;
    this.flowing = new Set();
    this.changed();
  }

  track(name) { return this.whep?.tracks?.[name] || null; }
}

export class View {
  constructor(id, devices, slides, words) {
    Object.assign(this, { id, devices, slides, words, state: 'approved', rehearsal: false, sends: false, speaking: false });
    this.receiving = new Receiving(id, () => this.draw());
    this.voices = new Map();
  }

  /** What is going on: the class's state, whether it is a rehearsal, whether this desk sends, whether members speak. */
  set(now) {
    Object.assign(this, now);
    const running = this.state === 'live' || this.state === 'paused';
    const pictures = this.rehearsal || (running && !this.sends);
    this.receiving.need(pictures || (running && this.speaking), pictures ? ['screen', 'camera'] : []);
    this.draw();
  }

  get received() { return this.rehearsal || ((this.state === 'live' || this.state === 'paused') && !this.sends); }

  draw() {
    const { flowing } = this.receiving;
    const from = (name) => (this.received ? flowing.has(name) && this.receiving.track(name) : this.devices[name]) || null;
    const screen = from('screen');
    const camera = from('camera');
    const slide = screen ? null : this.slides.picture;
    const main = screen || (slide ? null : camera);
    this.play($('v-main'), main);
    $('v-slide').hidden = !slide;
    if (slide && $('v-slide').getAttribute('src') !== slide.src) Object.assign($('v-slide'), slide);
    this.play($('v-inset'), main === camera ? null : camera);
    $('inset').hidden = main === camera || !camera;
    $('view-none').hidden = Boolean(main || slide);
    tell($('view-says'), this.saying(Boolean(main || slide)));
    this.listen();
  }

  saying(picture) {
    const { words } = this;
    if (this.rehearsal) return words.rehearsal;
    if (this.state === 'paused') return words.paused;
    return picture && this.received ? words.received : '';
  }

  play(video, track) {
    const now = video.srcObject?.getVideoTracks()[0] || null;
    if (now !== track) video.srcObject = track ? new MediaStream([track]) : null;
    video.hidden = !track;
  }

  /** Members who speak; the class's own microphone only where this desk is not the one that sends it. */
  listen() {
    const names = this.sends || this.rehearsal ? SLOTS : ['mic', ...SLOTS];
    for (const name of ['mic', ...SLOTS]) {
      const track = names.includes(name) ? this.receiving.track(name) : null;
      let voice = this.voices.get(name);
      if (!voice) {
        voice = document.createElement('audio');
        voice.autoplay = true;
        $('voices').append(voice);
        this.voices.set(name, voice);
      }
      if ((voice.srcObject?.getAudioTracks()[0] || null) !== track) voice.srcObject = track ? new MediaStream([track]) : null;
    }
  }
}
