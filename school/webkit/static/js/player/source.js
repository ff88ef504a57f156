// Feeds the picture: hls.js where a page may feed it, the browser's own HLS in Safari and in web views that may not.
// Signed paths that have run out are renewed and a lost network is waited for, both without stopping what plays.

const WORTH_WAITING = [0, 403, 408, 410, 425, 429, 500, 502, 503, 504];
const OWN_HLS = 'application/vnd.apple.mpegurl';

/** Whether this browser plays HLS better by itself: Safari does, and there is no other way on an iPhone. */
const prefersOwn = (video) => navigator.vendor.startsWith('Apple') && video.canPlayType(OWN_HLS) !== '';

/**
 * The right way to feed `video`. `paths` {master, audio} are signed addresses, `renew()` resolves to fresh ones,
 * `broken(code)` is told when playing cannot go on: `unsupported`, `missing`, `decoding`, or a refusal's own error.
 */
export async function openSource(video, paths, renew, broken) {
  if (prefersOwn(video)) return new OwnSource(video, paths, renew, broken);
  const { default: Hls } = await import('../../vendor/hls.mjs');
  if (Hls.isSupported()) return new FedSource(Hls, video, paths, renew, broken);
  if (video.canPlayType(OWN_HLS)) return new OwnSource(video, paths, renew, broken);
  broken('unsupported');
  return null;
}

/** What both ways share: the signed paths, the place to begin at, and the chosen quality. */
class Source {
  constructor(video, paths, renew, broken) {
    Object.assign(this, { video, paths, renew, broken, place: 0, begun: false, quality: 'auto' });
    video.addEventListener('loadedmetadata', () => this.arrive());
  }

  /** Where playing stands or will begin, seconds. */
  get position() { return this.place ?? this.video.currentTime; }

  seek(seconds) {
    if (this.begun && this.video.readyState > 0) this.video.currentTime = seconds;
    else this.place = seconds;
  }

  /** Media is there after a (re)load: go to where the member was, and play on if it played. */
  arrive() {
    if (this.place) this.video.currentTime = this.place;
    this.place = null;
    if (this.playOn) this.video.play().catch(() => {});
    this.playOn = false;
  }

  /** Put other media under the same place, playing on if it played. */
  swap(load) {
    this.playOn = this.playOn || (this.begun && !this.video.paused);
    this.place = this.position;
    load();
  }

  choose(quality) {
    const before = this.quality;
    this.quality = quality;
    if ((before === 'sound') !== (quality === 'sound')) this.swap(() => this.load());
    else this.apply();
  }

  get address() { return new URL(this.quality === 'sound' ? this.paths.audio : this.paths.master, location.href).href; }

  /** Fresh signed paths; one request however many ask. A refusal ends the playing, a lost network does not. */
  async fresh() {
    this.renewing ??= this.renew().then(
      (paths) => {
        if (paths.master === this.paths.master) this.refused = 'missing'; // fresh ones are refused as well
        this.paths = paths;
        return true;
      },
      (error) => { if (error.status) this.refused = error; return false; },
    ).finally(() => { this.renewing = null; });
    return this.renewing;
  }
}

class FedSource extends Source {
  constructor(Hls, ...rest) {
    super(...rest);
    const retry = {
      maxNumRetry: 1e6, retryDelayMs: 500, maxRetryDelayMs: 4000,
      shouldRetry: (_policy, _count, late, response) => {
        if ([403, 410].includes(response?.code)) this.stale = true;
        return !this.refused && (late || WORTH_WAITING.includes(response?.code ?? 0));
      },
    };
    const patient = { default: { maxTimeToFirstByteMs: 12_000, maxLoadTimeMs: 60_000, timeoutRetry: retry, errorRetry: retry } };
    const source = this;
    this.hls = new Hls({
      autoStartLoad: false, capLevelToPlayerSize: true, backBufferLength: 60,
      workerPath: new URL('../../vendor/hls.worker.js', import.meta.url).href,
      manifestLoadPolicy: patient, playlistLoadPolicy: patient, fragLoadPolicy: patient,
      async xhrSetup(xhr, url) {
        if (source.stale) source.stale = !(await source.fresh());
        xhr.open('GET', source.current(url), true);
      },
    });
    this.hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.apply();
      if (this.begun) this.hls.startLoad(this.place || 0);
      this.changed?.();
    });
    this.hls.on(Hls.Events.ERROR, (_event, data) => data.fatal && this.fail(Hls, data));
    this.hls.attachMedia(this.video);
    this.load();
  }

  load() {
    this.base = new URL('.', this.address).href;
    this.hls.loadSource(this.address);
  }

  /** The address under the newest signature; playlists go on naming those under which they were loaded. */
  current(url) {
    return url.startsWith(this.base) ? new URL(url.slice(this.base.length), this.address).href : url;
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    if (this.hls.levels.length) this.hls.startLoad(this.place || 0);
  }

  /** What can be chosen: sharper and lighter only where there are two pictures, sound where it stands alone. */
  get qualities() {
    if (this.quality !== 'sound') this.pictures = this.hls.levels.filter((level) => level.height).length;
    return ['auto', ...(this.pictures > 1 ? ['sharp', 'light'] : []), ...(this.paths.audio && this.pictures !== 0 ? ['sound'] : [])];
  }

  apply() {
    if (this.quality === 'sound') return;
    this.hls.nextLevel = { auto: -1, sharp: this.hls.levels.length - 1, light: 0 }[this.quality];
  }

  fail(Hls, data) {
    if (this.refused) this.broken(this.refused);
    else if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      this.swap(() => this.hls.recoverMediaError());
    } else this.broken(data.type === Hls.ErrorTypes.NETWORK_ERROR ? 'missing' : 'decoding');
  }
}

class OwnSource extends Source {
  constructor(...rest) {
    super(...rest);
    this.tries = 0;
    this.video.addEventListener('error', () => this.retry());
    this.video.addEventListener('playing', () => { this.tries = 0; });
  }

  get qualities() { return ['auto', ...(this.paths.audio ? ['sound'] : [])]; }

  load() {
    if (!this.begun) return;
    this.video.src = this.address;
    this.video.load();
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    this.load();
  }

  apply() {} // the browser chooses the picture by itself

  /** The browser does not say why it stopped: take fresh paths and go on, at first at once, then more slowly. */
  retry() {
    if (!this.begun) return;
    if (this.tries > 5 && navigator.onLine) return void this.broken('decoding');
    this.playOn = true;
    this.swap(() => setTimeout(async () => {
      if (navigator.onLine) await this.fresh();
      if (this.refused) this.broken(this.refused);
      else this.load();
    }, Math.min(500 * 2 ** this.tries, 8000)));
    this.tries += 1;
  }
}
