// 从题库选题: finds a question of the bank for a quick question; the school asks it as the bank has it.
import { call } from '../call.js';
import { $, fill, make } from '../dom.js';

const PAUSE_MS = 250; // after the last sign typed

export class Bank {
  constructor(address, words, taken) {
    Object.assign(this, { address, words, taken, chosen: null, asked: 0 });
    $('bank').addEventListener('toggle', () => { if ($('bank').open && !$('bank-found').children.length) this.search(); });
    $('bank-q').addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), PAUSE_MS);
    });
    $('bank-q').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing) return;
      event.preventDefault(); // would send the dialog
      clearTimeout(this.timer);
      this.search();
    });
  }

  /** Show the search where a question may have a right answer. */
  offer(on) {
    $('bank').hidden = !on;
    if (!on) this.own();
  }

  /** What stands in the dialog is the trainer's own. */
  own() {
    this.chosen = null;
    $('bank-note').hidden = true;
  }

  async search() {
    const turn = ++this.asked; // an answer that comes after a later question is of no use
    $('bank-says').textContent = this.words.searching;
    try {
      const { questions } = await call('GET', `${this.address}?q=${encodeURIComponent($('bank-q').value.trim())}`);
      if (turn === this.asked) this.show(questions);
    } catch (error) {
      if (turn === this.asked) $('bank-says').textContent = error.message;
    }
  }

  show(questions) {
    $('bank-says').textContent = questions.length ? fill(this.words.found, { n: questions.length }) : this.words.foundNone;
    $('bank-found').replaceChildren(...questions.map((question) => {
      const line = make('button', { class: 'list-item', type: 'button' },
        make('span', { class: 'grow' }, make('span', { class: 'ti' }, question.question),
          make('span', { class: 'meta' }, make('span', {}, question.category), make('span', {}, question.options.join(' / ')))));
      line.addEventListener('click', () => this.take(question));
      return make('li', {}, line);
    }));
  }

  take(question) {
    this.taken(question);
    this.chosen = question.question_ref;
    $('bank-note').hidden = false;
    $('bank').open = false;
  }
}
