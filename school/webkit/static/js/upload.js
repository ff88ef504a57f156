// One file on its way to the school by tus 1.0: pauses, waits for the network, and goes on after a closed browser.
import { Upload } from '../vendor/tus.mjs';

const CHUNK = 8 * 1024 * 1024; // one part in the store
const AGAIN = 10_000; // ms until the next try when the browser does not say that it is online again
const WINDOW = 8_000; // ms over which the speed is measured
const PASSING = new Set([0, 409, 423, 429, 460]);

const statusOf = (error) => error.originalResponse?.getStatus() ?? 0;

/** Whether the same request may go well later: no answer, a busy server, or another window at the same upload. */
const passing = (error) => statusOf(error) >= 500 || PASSING.has(statusOf(error));

/** What the server said, else nothing. */
function sentence(error) {
  try {
    return JSON.parse(error.originalResponse.getBody()).error.message;
  } catch {
    return '';
  }
}

export class Sending {
  /**
   * `key` names file and place, so that the same file chosen again goes on where it stood. Handlers: `asset(id)` when the
   * school has taken it in, `progress({sent, size, speed, left})` (bytes, bytes/s, s), `waiting()`, `done()`, `refused(sentence)`.
   */
  constructor(file, { key, title, csrf, handlers }) {
    this.file = file;
    this.handlers = handlers;
    this.paused = false;
    this.samples = [];
    this.upload = new Upload(file, {
      endpoint: '/uploads',
      chunkSize: CHUNK,
      retryDelays: [0, 1000, 3000],
      headers: { 'X-CSRFToken': csrf, Accept: 'application/json' },
      metadata: { filename: file.name, filetype: file.type, title },
      fingerprint: () => Promise.resolve(key),
      removeFingerprintOnSuccess: true,
      onShouldRetry: (error) => navigator.onLine && passing(error),
      onAfterResponse: (_request, response) => {
        const asset = response.getHeader('Asset-Id');
        if (asset) handlers.asset(Number(asset));
      },
      onProgress: (sent, size) => this._measure(sent, size),
      onSuccess: () => handlers.done(),
      onError: (error) => this._stumble(error),
    });
  }

  /** Begin, or go on where an earlier upload of the same file in the same place stood. */
  async start() {
    const [earlier] = await this.upload.findPreviousUploads();
    if (earlier) this.upload.resumeFromPreviousUpload(earlier);
    this.upload.start();
  }

  pause() {
    this.paused = true;
    this._rest();
    return this.upload.abort();
  }

  resume() {
    this.paused = false;
    this.samples = [];
    this.upload.start();
  }

  _measure(sent, size) {
    const now = performance.now();
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > WINDOW) this.samples.shift();
    const [then, before] = this.samples[0];
    const speed = now > then ? Math.max(0, (sent - before) / ((now - then) / 1000)) : 0;
    this.handlers.progress({ sent, size, speed, left: speed ? (size - sent) / speed : Infinity });
  }

  _stumble(error) {
    if (this.paused) return;
    if (!passing(error)) {
      this.handlers.refused(sentence(error));
      return;
    }
    this.handlers.waiting();
    this.samples = [];
    const again = () => {
      this._rest();
      this.upload.start();
    };
    this.timer = setTimeout(again, AGAIN);
    this.again = again;
    addEventListener('online', again, { once: true });
  }

  _rest() {
    clearTimeout(this.timer);
    if (this.again) removeEventListener('online', this.again);
  }
}
