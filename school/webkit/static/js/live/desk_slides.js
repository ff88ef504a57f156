// The slides: turned for everybody by button or arrow key, in rehearsal for this desk alone; a new PDF any time.
import { call } from '../call.js';
import { $, fill } from '../dom.js';

const TURNS = { ArrowLeft: -1, ArrowUp: -1, PageUp: -1, ArrowRight: 1, ArrowDown: 1, PageDown: 1 };
const OWN_KEYS = 'input, textarea, select, [role=tab], .chat, dialog'; // these use arrows themselves
const LOOK_MS = 2_000;

export class Slides {
  constructor(desk, link, words, { changed, failed }) {
    Object.assign(this, { desk, link, words, changed, failed, page: desk.page, pages: desk.pages, running: false });
    $('page-back').addEventListener('click', () => this.turn(-1));
    $('page-on').addEventListener('click', () => this.turn(1));
    addEventListener('keydown', (event) => this.key(event));
    link.on('welcome', ({ state }) => this.show(state.slide.page, state.slide.pages));
    link.on('slide', ({ body }, { past }) => { if (!past) this.show(body.page, body.pages); });
    $('deck-file').addEventListener('change', () => this.upload($('deck-file').files[0]));
    if (!this.pages) this.expect();
  }

  /** What the picture shows of them: {src, alt}, or null. */
  get picture() {
    if (!this.pages) return null;
    return { src: `/live/${this.desk.id}/slides/${this.page}.jpg`, alt: fill(this.words.alt, { page: this.page }) };
  }

  show(page, pages) {
    if (this.sending) return; // a turn of our own is on its way, and newer
    Object.assign(this, { page: Math.max(1, page), pages });
    this.draw();
  }

  key(event) {
    const step = TURNS[event.key];
    if (!step || !this.pages || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(OWN_KEYS)) return;
    event.preventDefault();
    this.turn(step);
  }

  async turn(step) {
    const page = Math.min(this.pages, Math.max(1, this.page + step));
    if (page === this.page) return;
    this.page = page;
    this.draw();
    if (this.running) await this.tell();
  }

  /** Say where we are; of several quick turns the last one alone. */
  async tell() {
    if (this.sending) return;
    this.sending = true;
    try {
      let told;
      do {
        told = this.page;
        await this.link.send('slide', { page: told });
      } while (told !== this.page);
    } catch (error) {
      this.failed(error);
    } finally {
      this.sending = false;
    }
  }

  draw() {
    $('slides').hidden = !this.pages;
    $('page').textContent = fill(this.words.page, { page: this.page, pages: this.pages });
    $('page-back').disabled = this.page <= 1;
    $('page-on').disabled = this.page >= this.pages;
    $('deck-t').textContent = this.pages ? this.words.change : $('deck-t').textContent;
    this.changed();
  }

  async upload(file) {
    if (!file) return;
    $('deck-file').value = '';
    $('deck-says').textContent = this.words.sending;
    try {
      const form = new FormData();
      form.append('file', file);
      await this.drawn(await call('POST', `/live/${this.desk.id}/slides`, form));
    } catch (error) {
      $('deck-says').textContent = '';
      this.failed(error);
    }
  }

  /** Slides that were uploaded before this page was opened may still be on their way. */
  async expect() {
    const deck = await call('GET', `/live/${this.desk.id}/slides`).catch(() => null);
    if (!deck || deck.state === 'none' || deck.state === 'failed') return;
    await this.drawn(deck).catch((error) => { $('deck-says').textContent = ''; this.failed(error); });
  }

  /** Wait until `deck` has become pictures, then show it; throws what went wrong. */
  async drawn(deck) {
    $('deck-says').textContent = this.words.drawing;
    while (deck.state !== 'ready') {
      await new Promise((done) => { setTimeout(done, LOOK_MS); });
      deck = await call('GET', `/live/${this.desk.id}/slides`);
      if (deck.state === 'failed') throw new Error(deck.message);
    }
    $('deck-says').textContent = fill(this.words.ready, { pages: deck.pages });
    this.sending = false;
    this.show(1, deck.pages);
    if (this.running) await this.tell();
  }
}
