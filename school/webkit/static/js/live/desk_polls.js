// Votes and quick questions: written in a dialog, counted live, closed for everybody.
import { $, bar, fill, icon, make } from '../dom.js';
import { Bank } from './desk_bank.js';

const LEAST = 2;
const MOST = 8;

export class Polls {
  constructor(desk, link, words, { failed }) {
    Object.assign(this, { link, words, failed, poll: null, quiz: false });
    this.bank = new Bank(desk.bank, words, (question) => this.take(question));
    link.on('welcome', ({ state }) => {
      if (state.poll) this.poll = state.poll;
      else if (this.poll && !this.poll.closed) this.poll = null;
      this.draw();
    });
    link.on('poll', ({ body }, { past }) => {
      if (past) return;
      this.poll = { ...body, tally: body.options.map(() => 0), voters: 0 };
      this.draw();
      if (!document.activeElement?.closest('input, textarea')) $('poll').scrollIntoView({ block: 'nearest' });
    });
    link.on('poll_closed', ({ body }) => {
      if (this.poll?.poll !== body.poll) return;
      Object.assign(this.poll, body, { closed: true });
      this.draw();
    });
    link.on('tick', ({ tallies = [] }) => {
      for (const tally of tallies) if (this.poll?.poll === tally.poll && !this.poll.closed) Object.assign(this.poll, tally);
      if (tallies.length) this.draw();
    });
    for (const button of document.querySelectorAll('[data-open]')) button.addEventListener('click', () => this.write(button.dataset.open === 'quiz'));
    $('more-options').addEventListener('click', () => this.option().focus());
    $('poll-no').addEventListener('click', () => $('poll-dialog').close());
    $('poll-form').addEventListener('submit', (event) => { event.preventDefault(); this.open(); });
    $('poll-multiple').addEventListener('change', () => this.single());
    $('options').addEventListener('change', (event) => { if (event.target.matches('[data-right]')) this.single(event.target); });
    $('poll-form').addEventListener('input', (event) => { if (!event.target.closest('#bank')) this.bank.own(); });
  }

  /** Polls and checks begin with the class. */
  enable(on) {
    this.running = on;
    for (const button of document.querySelectorAll('[data-open]')) button.disabled = !on || Boolean(this.poll && !this.poll.closed);
  }

  // ── writing one ─────────────────────────────────────────

  write(quiz) {
    const { words } = this;
    if (quiz !== this.quiz || !$('options').children.length) {
      this.quiz = quiz;
      $('options').replaceChildren();
      while ($('options').children.length < LEAST) this.option();
    }
    $('new-t').textContent = quiz ? words.newQuiz : words.newPoll;
    $('options-t').textContent = quiz ? words.quizOptions : words.options;
    $('poll-go').textContent = words.go;
    $('explanation-line').hidden = !quiz;
    $('anonymous-line').hidden = quiz;
    this.bank.offer(quiz);
    $('poll-err').hidden = true;
    $('poll-dialog').showModal();
    $('poll-q').focus();
  }

  option() {
    const line = $('t-option').content.firstElementChild.cloneNode(true);
    const number = $('options').children.length + 1;
    const field = line.querySelector('.in');
    field.id = `option-${number}`;
    line.querySelector('[data-right-line]').hidden = !this.quiz;
    line.querySelector('[data-right-line] span').textContent = fill(this.words.right, { n: number });
    const label = line.querySelector('label:not([data-right-line])');
    label.htmlFor = field.id;
    label.textContent = fill(this.words.option, { n: number });
    field.placeholder = label.textContent;
    $('options').append(line);
    $('more-options').hidden = number >= MOST;
    return field;
  }

  /** A question of the bank, as if it had been written here. */
  take({ question, options, multiple, right, explanation }) {
    $('poll-q').value = question;
    $('poll-multiple').checked = multiple;
    $('poll-explanation').value = explanation;
    $('options').replaceChildren();
    options.forEach((text, index) => {
      const field = this.option();
      field.value = text;
      field.closest('.option-line').querySelector('[data-right]').checked = right.includes(index);
    });
    $('poll-err').hidden = true;
    $('poll-go').focus();
  }

  /** Of a single choice one answer is right. */
  single(kept = $('options').querySelector('[data-right]:checked')) {
    if ($('poll-multiple').checked || !kept?.checked) return;
    for (const box of $('options').querySelectorAll('[data-right]')) box.checked = box === kept;
  }

  async open() {
    const body = this.bank.chosen ? { question_ref: this.bank.chosen } : this.written();
    $('poll-go').disabled = true;
    try {
      await this.link.send('poll_open', body);
      $('poll-dialog').close();
      $('poll-form').reset();
      $('options').replaceChildren();
      this.bank.own();
    } catch (error) {
      $('poll-err').lastElementChild.textContent = error.message;
      $('poll-err').hidden = false;
    } finally {
      $('poll-go').disabled = false;
    }
  }

  /** What stands in the dialog. */
  written() {
    const lines = [...$('options').children].map((line) => ({ text: line.querySelector('.in').value.trim(), right: line.querySelector('[data-right]').checked }))
      .filter(({ text }) => text);
    const body = {
      question: $('poll-q').value, options: lines.map(({ text }) => text), multiple: $('poll-multiple').checked,
      anonymous: !this.quiz && $('poll-anonymous').checked,
    };
    if (this.quiz) Object.assign(body, { right: lines.flatMap(({ right }, index) => (right ? [index] : [])), explanation: $('poll-explanation').value });
    return body;
  }

  // ── the running one ─────────────────────────────────────

  draw() {
    const { poll, words } = this;
    this.enable(this.running);
    $('poll').hidden = !poll;
    if (!poll) return;
    const most = Math.max(1, poll.voters);
    const kind = [poll.quiz ? words.quiz : words.poll, poll.quiz ? '' : poll.anonymous ? words.anonymous : words.named, poll.closed ? words.over : ''];
    const focused = document.activeElement?.closest('#poll') !== null && document.activeElement?.tagName === 'BUTTON';
    $('poll').replaceChildren(
      make('p', { class: 'row t2 mute' }, icon(poll.quiz ? 'exam' : 'poll', 's'), make('b', { id: 'poll-t' }, kind.filter(Boolean).join('　')),
        make('span', { class: 'push', role: 'status' }, fill(words.voters, { n: poll.voters }))),
      make('p', { class: 'b' }, poll.question),
      make('ul', { class: 'stack g2' }, ...poll.options.map((option, index) => {
        const right = poll.closed && poll.right?.includes(index);
        return make('li', { class: 'poll-opt' }, bar(poll.tally[index] / most), make('span', {},
          make('span', {}, option, right ? make('span', { class: 'right' }, icon('check', 'xs'), words.correct) : ''), make('b', { class: 'num' }, String(poll.tally[index]))));
      })),
      make('p', { class: 'row' }, poll.closed
        ? this.button(words.dismiss, () => { this.poll = null; this.draw(); })
        : this.button(words.end, (button) => this.close(button))));
    if (focused) $('poll').querySelector('button').focus();
  }

  button(text, act) {
    const button = make('button', { class: 'btn', type: 'button' }, text);
    button.addEventListener('click', () => act(button));
    return button;
  }

  async close(button) {
    button.disabled = true;
    await this.link.send('poll_close', { poll: this.poll.poll }).catch((error) => { button.disabled = false; this.failed(error); });
  }
}
