// The queue of questions: the one being answered first, then those most people want to know.
import { $, fill, once } from '../dom.js';

const OPEN = ['answering', 'waiting'];
const SHOWS = { waiting: ['answering', 'later'], answering: ['on', 'answered'], answered: ['waiting'], later: ['waiting'] };

export class Questions {
  constructor(link, words, { failed }) {
    Object.assign(this, { link, words, failed, all: new Map(), view: 'open' });
    link.on('welcome', ({ questions }) => {
      this.all = new Map(questions.map((question) => [question.question, question]));
      this.draw();
    });
    link.on('asked', ({ body, by, at_ms: at }, { past }) => {
      if (past || body.removed) return;
      this.all.set(body.question, { ...body, by, at_ms: at });
      this.draw();
    });
    link.on('question', ({ body }, { past }) => {
      const known = this.all.get(body.question);
      if (past || !known) return;
      Object.assign(known, body);
      this.draw();
    });
    link.on('removed', ({ body }) => { if (this.all.delete(body.question)) this.draw(); });
  }

  show(view) {
    this.view = view;
    this.draw();
  }

  draw() {
    const all = [...this.all.values()];
    const open = all.filter(({ state }) => OPEN.includes(state))
      .sort((one, other) => OPEN.indexOf(one.state) - OPEN.indexOf(other.state) || other.seconds - one.seconds || one.question - other.question);
    const done = all.filter(({ state }) => !OPEN.includes(state)).sort((one, other) => other.question - one.question);
    $('seg').querySelector('[data-show=open] .num').textContent = open.length ? ` ${open.length}` : '';
    $('seg').querySelector('[data-show=done] .num').textContent = done.length ? ` ${done.length}` : '';
    const focused = document.activeElement?.closest('#questions [data-question]')?.dataset.question;
    $('questions').replaceChildren(...(this.view === 'done' ? done : open).map((question) => this.row(question)));
    $('questions').hidden = this.view === 'chat';
    $('questions-none').hidden = this.view !== 'open' || open.length > 0;
    if (focused) $('questions').querySelector(`[data-question="${focused}"] button:not([hidden])`)?.focus();
  }

  row(question) {
    const row = $('t-question').content.firstElementChild.cloneNode(true);
    row.dataset.question = question.question;
    row.classList.toggle('first', question.state === 'answering');
    row.querySelector('[data-text]').textContent = question.text;
    row.querySelector('[data-name]').textContent = question.by.name;
    row.querySelector('[data-branch]').textContent = question.by.branch || '';
    const state = { answered: this.words.answered, later: this.words.later }[question.state];
    row.querySelector('[data-seconds]').textContent = state || (question.seconds ? fill(this.words.seconds, { n: question.seconds }) : '');
    for (const button of row.querySelectorAll('[data-do]')) {
      const what = button.dataset.do;
      button.hidden = what !== 'remove' && !SHOWS[question.state].includes(what);
      once(button, () => (what === 'remove'
        ? this.link.send('remove', { question: question.question })
        : this.link.send('question', { question: question.question, state: what === 'on' ? 'waiting' : what })), this.failed);
    }
    return row;
  }
}
