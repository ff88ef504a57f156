// The second picture of a replay: follows the first one by what was recorded at the same moment, and hides where it has
// nothing. It has no sound, so it may be put right quietly.
import { openSource } from '../player/source.js';

const DRIFT = 0.35; // seconds the two may be apart before the small one is put right
const CORNERS = ['right', 'left'];

export class Second {
  /** `beside`: [main from, main to, second from] in ms; `renew()` resolves to fresh paths of the second picture. */
  constructor(main, video, frame, button, { paths, beside }, renew) {
    Object.assign(this, { main, video, frame, button, beside, wanted: true });
    button.addEventListener('click', () => this.toggle());
    frame.addEventListener('click', () => frame.classList.toggle(CORNERS[1]));
    for (const event of ['timeupdate', 'seeked', 'play', 'pause', 'ratechange', 'emptied']) main.addEventListener(event, () => this.follow());
    main.addEventListener('play', () => this.open(paths, renew), { once: true });
  }

  async open(paths, renew) {
    this.source = await openSource(this.video, paths, renew, () => { this.broken = true; this.follow(); });
    this.source?.begin();
    this.follow();
  }

  toggle() {
    this.wanted = !this.wanted;
    this.button.setAttribute('aria-pressed', String(this.wanted));
    this.follow();
  }

  /** More of the recording is known by now. */
  join(beside) { this.beside = beside; }

  /** Where the second picture should stand, seconds; null where it has nothing. */
  place() {
    const at = this.main.currentTime * 1000;
    const piece = this.beside.find(([from, to]) => from <= at && at < to);
    return piece ? (piece[2] + at - piece[0]) / 1000 : null;
  }

  follow() {
    const place = this.wanted && !this.broken ? this.place() : null;
    this.frame.hidden = place === null || !this.source;
    if (!this.source) return;
    if (place === null) return void this.video.pause();
    if (Math.abs(this.source.position - place) > DRIFT) this.source.seek(place);
    this.video.playbackRate = this.main.playbackRate;
    if (this.main.paused !== this.video.paused) {
      if (this.main.paused) this.video.pause();
      else this.video.play().catch(() => {});
    }
  }
}
