// 提问: questions to the trainer, the one being answered first, then the most wanted; each may be wanted too (也想问).
import { $, fill, icon, make } from '../dom.js';

const ORDER = { answering: 0, waiting: 1, later: 2, answered: 3 };

export class Ask {
  constructor(link, words, room) {
    Object.assign(this, { link, words, room, questions: new Map(), mine: new Set() });
    link.on('welcome', (welcome) => this.begin(welcome));
    link.on('asked', ({ by, body }) => !body.removed && this.set({ by, ...body }));
    link.on('question', ({ body }) => this.set(body));
    link.on('removed', ({ body }) => {
      if (body.question && this.questions.delete(body.question)) this.draw();
    });
  }

  /** Put a question; resolves when it is stored. */
  async ask(text) { await this.link.send('ask', { text }); }

  begin({ questions, me }) {
    for (const each of questions) this.questions.set(each.question, each);
    this.mine = new Set(me.seconded);
    this.draw();
  }

  set(change) {
    const known = this.questions.get(change.question);
    if (!known && !change.text) return; // one that came and went while we were away
    this.questions.set(change.question, { ...known, ...change });
    this.draw();
  }

  async second(question) {
    const on = !this.mine.has(question);
    this.want(question, on);
    try {
      const { seconds } = await this.link.send('second', { question, on });
      this.set({ question, seconds });
    } catch {
      this.want(question, !on);
    }
  }

  want(question, on) {
    if (on) this.mine.add(question);
    else this.mine.delete(question);
    this.draw();
  }

  draw() {
    const list = [...this.questions.values()]
      .sort((one, other) => ORDER[one.state] - ORDER[other.state] || other.seconds - one.seconds || one.question - other.question);
    const open = list.filter(({ state }) => state === 'waiting' || state === 'answering').length;
    $('asked').textContent = open || '';
    $('no-questions').hidden = list.length > 0;
    const at = document.activeElement?.closest('#questions [data-question]')?.dataset.question;
    $('questions').replaceChildren(...list.map((each) => this.item(each)));
    if (at) $('questions').querySelector(`[data-question="${at}"] button`)?.focus();
  }

  item({ question, text, seconds, state, by }) {
    const own = by.account_id === this.room.account_id;
    const on = this.mine.has(question);
    const open = state === 'waiting' || state === 'answering';
    const wanted = seconds ? fill(this.words.wanted, { n: seconds }) : '';
    return make('li', { class: state === 'answering' ? 'qa first' : 'qa', 'data-question': question },
      make('p', {}, text),
      make('p', { class: 't2 mute' }, own ? this.words.yours : `${by.name}　${by.branch || ''}`),
      make('div', { class: 'row' },
        state === 'waiting' ? null : make('span', { class: state === 'answered' ? 'tag ok' : 'tag' }, this.words.states[state]),
        open && !own ? this.button(question, on) : null,
        wanted ? make('span', { class: 't2 mute push' }, wanted) : null));
  }

  button(question, on) {
    const button = make('button', { class: 'btn', type: 'button', 'aria-pressed': String(on) }, on ? icon('check', 's') : '', this.words.second);
    button.addEventListener('click', () => this.second(question));
    return button;
  }
}
