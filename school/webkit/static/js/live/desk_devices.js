// The trainer's camera, microphone and screen: asked for, chosen, tried, and watched for being pulled out.
import { $, fill, make } from '../dom.js';

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const MIC = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const SCREEN = { video: { frameRate: { ideal: 15, max: 15 }, width: { max: 1920 }, height: { max: 1080 } }, audio: false };
const CHOSEN = 'desk.devices';
const QUIET = 0.008; // root mean square below which nobody speaks
const LOW = 0.03;

export class Devices {
  /** `changed(name, track)`: camera, mic or screen is another track now, or null. `say(text)` speaks to the trainer. */
  constructor(words, changed, say) {
    Object.assign(this, { words, changed, say, camera: null, mic: null, screen: null, kept: {} });
    try { this.kept = JSON.parse(localStorage.getItem(CHOSEN)) || {}; } catch { /* the browser's own choice then */ }
    $('cam').addEventListener('change', () => this.choose('camera', $('cam').value));
    $('mic').addEventListener('change', () => this.choose('mic', $('mic').value));
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.list());
  }

  get open() { return Boolean(this.camera || this.mic); }

  /** Ask for camera and microphone, or for the one there is. Rejects with a sentence. */
  async request() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(this.words.insecure);
    const wanted = { camera: this.constraint('camera'), mic: this.constraint('mic') };
    let missing = '';
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted.camera, audio: wanted.mic });
    } catch (error) {
      if (error.name !== 'NotFoundError') throw this.because(error);
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: wanted.mic });
        missing = this.words.onlyMic;
      } catch {
        stream = await navigator.mediaDevices.getUserMedia({ video: wanted.camera }).catch((second) => { throw this.because(second); });
        missing = this.words.onlyCam;
      }
    }
    this.take('camera', stream.getVideoTracks()[0] || null);
    this.take('mic', stream.getAudioTracks()[0] || null);
    await this.list();
    return missing;
  }

  because(error) {
    const code = { NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'missing', NotReadableError: 'busy', AbortError: 'busy' }[error.name];
    return new Error(code ? this.words[code] : fill(this.words.other, { why: error.message || error.name }));
  }

  constraint(name) {
    const device = this.kept[name] ? { deviceId: { ideal: this.kept[name] } } : {};
    return { ...(name === 'camera' ? CAMERA : MIC), ...device };
  }

  /** Another camera or microphone, by its id; the old one goes dark once the new one is there. */
  async choose(name, deviceId) {
    this.kept[name] = deviceId;
    try { localStorage.setItem(CHOSEN, JSON.stringify(this.kept)); } catch { /* forgotten with the page */ }
    const base = name === 'camera' ? { video: { ...CAMERA, deviceId: { exact: deviceId } } } : { audio: { ...MIC, deviceId: { exact: deviceId } } };
    try {
      const stream = await navigator.mediaDevices.getUserMedia(base);
      this.take(name, stream.getTracks()[0]);
    } catch (error) {
      this.say(this.because(error).message);
    }
  }

  /** Camera off, or on again. A microphone is only silenced, so that the sound goes on without a gap. */
  async toggle(name) {
    if (name === 'mic') {
      if (this.mic) this.mic.enabled = !this.mic.enabled;
    } else if (this.camera) this.take('camera', null);
    else {
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ video: this.constraint('camera') });
        this.take('camera', stream.getVideoTracks()[0]);
      } catch (error) {
        this.say(this.because(error).message);
      }
    }
  }

  /** Share a screen or window, or no longer. */
  async share() {
    if (this.screen) return void this.take('screen', null);
    if (!navigator.mediaDevices?.getDisplayMedia) return void this.say(this.words.noScreen);
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
      this.take('screen', stream.getVideoTracks()[0]);
    } catch {
      this.say(this.words.screenDenied);
    }
  }

  take(name, track) {
    const before = this[name];
    if (before === track) return;
    const silent = name === 'mic' && before && !before.enabled;
    this[name] = track;
    if (silent && track) track.enabled = false;
    track?.addEventListener('ended', () => {
      if (this[name] !== track) return;
      this[name] = null;
      if (name !== 'screen') this.say(fill(this.words.unplugged, { name: track.label }));
      this.changed(name, null);
    });
    this.changed(name, track);
    before?.stop();
  }

  /** Fill the two lists with what is plugged in. */
  async list() {
    if (!this.open) return;
    const all = await navigator.mediaDevices.enumerateDevices();
    this.options($('cam'), all.filter(({ kind }) => kind === 'videoinput'), this.camera, this.words.camera);
    this.options($('mic'), all.filter(({ kind }) => kind === 'audioinput'), this.mic, this.words.mic);
    $('chosen').hidden = false;
  }

  options(select, devices, track, name) {
    const now = track?.getSettings().deviceId;
    select.replaceChildren(...devices.map(({ deviceId, label }, index) =>
      make('option', { value: deviceId, selected: deviceId === now }, label || fill(name, { n: index + 1 }))));
    select.disabled = !devices.length;
  }

  stop() {
    for (const name of ['camera', 'mic', 'screen']) this.take(name, null);
  }
}

/** How loud the microphone is: a bar ten times a second, a word every second. */
export class Level {
  constructor(words) {
    this.words = words;
    this.bar = document.querySelector('.level-bar');
    this.loudest = 0;
  }

  listen(track) {
    clearInterval(this.timer);
    this.source?.disconnect();
    this.track = track;
    this.bar.setAttribute('width', 0);
    if (!track) return this.word('off');
    this.context ??= new AudioContext();
    this.context.resume();
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.meter ??= this.context.createAnalyser();
    this.meter.fftSize = 1024;
    this.source.connect(this.meter);
    const samples = new Float32Array(this.meter.fftSize);
    let count = 0;
    this.timer = setInterval(() => {
      this.meter.getFloatTimeDomainData(samples);
      const loud = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
      this.bar.setAttribute('width', Math.round(72 * Math.min(1, Math.sqrt(loud * 4))));
      this.loudest = Math.max(this.loudest, loud);
      if (++count % 10) return;
      this.word(!track.enabled ? 'off' : this.loudest < QUIET ? 'none' : this.loudest < LOW ? 'low' : 'good');
      this.loudest = 0;
    }, 100);
  }

  word(name) {
    if (this.said === name) return;
    this.said = name;
    $('level-t').textContent = this.words[name];
    $('level').setAttribute('aria-label', this.words[name]);
    this.bar.classList.toggle('low', name !== 'good');
  }
}
