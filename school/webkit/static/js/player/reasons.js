// One card for each stretch that does not count: from when to when, why, and the two things to do about it.
import { call } from '../call.js';
import { clock } from './intervals.js';

const NEAR = 2_000; // stretches of one reason this close together are told as one

/** Stretches as a person reads them: neighbours of one reason joined, none that begins and ends in the same second. */
export function readable(refused) {
  const told = [];
  for (const [from, to, reason] of [...refused].sort((one, other) => one[0] - other[0])) {
    const last = told[told.length - 1];
    if (last && last[2] === reason && from - last[1] <= NEAR) last[1] = to;
    else told.push([from, to, reason]);
  }
  return told.filter(([from, to]) => clock(from) !== clock(to));
}

export class Reasons {
  /** `place` takes the cards made from `form` (a template); `words` are the reasons' sentences by code. */
  constructor(place, form, words, { part, reviews, seek, asked, start = 0 }) {
    Object.assign(this, { place, form, words, part, reviews, seek, start, cards: new Map(), asked: asked.map(([from, to]) => `${from}-${to}`) });
  }

  show(refused) {
    const wanted = new Map(readable(refused).map((stretch) => [`${stretch[0]}-${stretch[1]}`, stretch]));
    for (const [key, card] of this.cards) {
      if (!wanted.has(key) && !card.contains(document.activeElement)) { card.remove(); this.cards.delete(key); }
    }
    for (const [key, stretch] of wanted) {
      if (!this.cards.has(key)) this.cards.set(key, this.make(key, stretch));
    }
    this.place.hidden = !this.cards.size;
    const order = [...this.cards].sort(([one], [other]) => parseInt(one, 10) - parseInt(other, 10));
    order.forEach(([, card], i) => this.place.children[i] !== card && this.place.insertBefore(card, this.place.children[i] || null));
  }

  make(key, [from, to, reason]) {
    const card = this.form.content.firstElementChild.cloneNode(true);
    const find = (name) => card.querySelector(`[data-r=${name}]`);
    find('from').textContent = clock(from - this.start);
    find('to').textContent = clock(to - this.start);
    find('why').textContent = this.words[reason] || this.words.other;
    find('again').addEventListener('click', () => this.seek(from / 1000));
    const ask = find('ask');
    const form = find('form');
    const words = form.elements.words;
    words.id = `words-${key}`;
    form.querySelector('label').htmlFor = words.id;
    const done = () => { ask.hidden = form.hidden = true; find('asked').hidden = false; };
    if (this.asked.includes(key)) done();
    ask.addEventListener('click', () => {
      form.hidden = !form.hidden;
      ask.setAttribute('aria-expanded', String(!form.hidden));
      if (!form.hidden) words.focus();
    });
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const send = form.querySelector('button');
      send.disabled = true;
      try {
        await call('POST', this.reviews, { part_id: this.part, from_ms: from, to_ms: to, words: words.value });
        this.asked.push(key);
        done();
      } catch (error) {
        find('trouble').hidden = false;
        find('trouble').textContent = error.message;
      } finally {
        send.disabled = false;
      }
    });
    return card;
  }
}
