// 请上来发言: hands that are up, longest first, and the members who speak now.
import { $, fill, once } from '../dom.js';

export class Hands {
  /** `speaking(on)`: whether anybody speaks now. */
  constructor(link, words, { speaking, failed }) {
    Object.assign(this, { link, words, speaking, failed, up: new Map(), speakers: new Map() });
    link.on('welcome', ({ state }) => {
      this.up = new Map(state.hands.map(({ at_ms: at, by }) => [by.account_id, { at, by }]));
      this.speakers = new Map(state.speakers.map((speaker) => [speaker.account_id, speaker]));
      this.draw();
    });
    link.on('hand', ({ body, by, at_ms: at }, { past }) => {
      if (past) return;
      if (body.up) this.up.set(body.account_id, { at, by });
      else this.up.delete(body.account_id);
      this.draw();
    });
    link.on('called', ({ body }, { past }) => {
      if (past) return;
      this.speakers.set(body.account_id, { ...body, branch: this.up.get(body.account_id)?.by.branch });
      this.up.delete(body.account_id);
      this.draw();
    });
    link.on('hung_up', ({ body }, { past }) => {
      if (past) return;
      this.speakers.delete(body.account_id);
      this.draw();
    });
    setInterval(() => this.times(), 10_000);
  }

  draw() {
    $('speakers').replaceChildren(...[...this.speakers.values()].map((speaker) => {
      const row = this.row('t-speaker', speaker, [speaker.branch, this.words.speaking]);
      this.on(row, 'hang', () => this.link.send('hang_up', { account_id: speaker.account_id }));
      return row;
    }));
    $('hands').replaceChildren(...[...this.up.values()].map(({ at, by }) => {
      const row = this.row('t-hand', by, [by.branch, this.since(at)]);
      row.dataset.at = at;
      this.on(row, 'call', () => this.link.send('call', { account_id: by.account_id }));
      this.on(row, 'aside', () => this.link.send('hang_up', { account_id: by.account_id }));
      return row;
    }));
    $('hands-n').textContent = this.up.size ? fill(this.words.count, { n: this.up.size }) : '';
    $('hands-none').hidden = Boolean(this.up.size || this.speakers.size);
    this.speaking(this.speakers.size > 0);
  }

  times() {
    for (const row of $('hands').children) row.querySelector('[data-meta]').lastElementChild.textContent = this.since(Number(row.dataset.at));
  }

  since(at) {
    const seconds = Math.max(0, Math.round((this.link.now() - at) / 1000));
    const time = seconds < 60 ? fill(this.words.seconds, { n: seconds }) : fill(this.words.minutes, { n: Math.floor(seconds / 60) });
    return fill(this.words.since, { time });
  }

  row(template, person, meta) {
    const row = $(template).content.firstElementChild.cloneNode(true);
    row.querySelector('[data-face]').textContent = [...person.name][0];
    row.querySelector('[data-name]').textContent = person.name;
    row.querySelector('[data-meta]').append(...meta.filter(Boolean).map((text) => Object.assign(document.createElement('span'), { textContent: text })));
    return row;
  }

  on(row, name, act) {
    once(row.querySelector(`[data-do=${name}]`), act, this.failed);
  }
}
