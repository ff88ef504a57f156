// The smooth way: HLS by hls.js where a page may feed the picture, by the browser itself in Safari. It keeps near the
// live edge, says when the picture stands still, and gives up only by saying so.

const OWN_HLS = 'application/vnd.apple.mpegurl';
const STILL_MS = 3000; // so long without moving is standing still
const TICK_MS = 500;
const GROWS_MS = 6000; // the trainer's side sends while the newest moment is younger

const prefersOwn = (video) => navigator.vendor.startsWith('Apple') && video.canPlayType(OWN_HLS) !== '';

/**
 * Plays live HLS on `video`. `moving()` and `still()` come when the picture begins and ceases to move, `broken(code)` when an
 * address has to be asked for anew (`away`; `none` when nothing is sent yet) or this browser cannot play (`unsupported`).
 */
export class Hall {
  constructor(video, { moving, still, broken }) {
    Object.assign(this, { video, moving, still, broken, hls: null, open: false });
  }

  /** Seconds that the picture lies behind the moment it shows; 0 when unknown. */
  get lag() { return this.open ? this.hls?.latency || 0 : 0; }

  /** Whether new picture still comes in; unknown counts as yes. */
  get growing() { return !this.hls || performance.now() - this.grew < GROWS_MS; }

  /** Play `address`; where it is refused, `other` (plain segments instead of low-latency parts). */
  async play(address, other = null) {
    this.close();
    const mine = {};
    this.open = mine;
    this.place = this.video.currentTime;
    this.moved = performance.now();
    this.standing = true;
    this.timer = setInterval(() => this.look(), TICK_MS);
    if (prefersOwn(this.video)) return this.playOwn(address);
    const { default: Hls } = await import('../../vendor/hls.mjs');
    if (this.open !== mine) return;
    if (Hls.isSupported()) this.feed(Hls, address, other);
    else if (this.video.canPlayType(OWN_HLS)) this.playOwn(address);
    else this.broken('unsupported');
  }

  playOwn(address) {
    this.video.src = address;
    this.video.onerror = () => this.open && this.broken('away');
    this.start();
  }

  feed(Hls, address, other) {
    const hls = new Hls({
      lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, backBufferLength: 10, capLevelToPlayerSize: false,
      ...(address.endsWith('/low.m3u8') ? {} : { liveSyncDurationCount: 2 }), // low latency goes by its parts
      workerPath: new URL('../../vendor/hls.worker.js', import.meta.url).href,
    });
    this.hls = hls;
    this.grew = performance.now();
    let edge = 0;
    hls.on(Hls.Events.LEVEL_UPDATED, (_event, { details }) => {
      if (details.edge > edge) this.grew = performance.now();
      edge = details.edge;
    });
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (!data.fatal || this.hls !== hls) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !this.mended) {
        this.mended = true;
        hls.recoverMediaError();
      } else if (other) {
        this.stop();
        this.feed(Hls, other, null);
      } else this.broken(data.response?.code === 404 ? 'none' : 'away');
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => this.start());
    hls.loadSource(address);
    hls.attachMedia(this.video);
  }

  /** Play with sound, and without where the browser wants a press first: then `silenced` is told. */
  async start() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name !== 'NotAllowedError') return;
      this.video.muted = true;
      this.silenced?.();
      await this.video.play().catch(() => {});
    }
  }

  look() {
    const now = performance.now();
    if (this.video.currentTime !== this.place) {
      this.place = this.video.currentTime;
      this.moved = now;
      if (this.standing) {
        this.standing = false;
        this.moving();
      }
    } else if (!this.standing && now - this.moved > STILL_MS) {
      this.standing = true;
      this.still();
    }
    if (this.video.paused && this.open && this.video.readyState > 2) this.start(); // a phone call, a headset pulled out
  }

  stop() {
    this.hls?.destroy();
    this.hls = null;
    this.mended = false;
  }

  close() {
    clearInterval(this.timer);
    if (!this.open) return;
    this.open = false;
    this.stop();
    this.video.onerror = null;
    this.video.removeAttribute('src');
    this.video.load();
  }
}
