// 投票 and 随堂提问: the options are the bars. Counts show after voting; a named vote may be changed while it is open.
import { $, bar, fill, icon, make } from '../dom.js';

export class Polls {
  constructor(link, words, announce) {
    Object.assign(this, { link, words, announce, card: $('poll'), poll: null, chosen: new Set(), voted: null, wrong: '' });
    link.on('welcome', ({ state, me }) => this.begin(state.poll, me.votes));
    link.on('poll', ({ body }, { past }) => { if (!past) this.open(body); });
    link.on('poll_closed', ({ body }, { past }) => { if (!past || this.poll?.poll === body.poll) this.closed(body); });
    link.on('tick', ({ tallies = [] }) => tallies.forEach((tally) => this.count(tally)));
  }

  /** What is open when one comes (back) into the room. */
  begin(poll, votes) {
    if (!poll) {
      if (this.poll && !this.poll.closed) this.dismiss();
      return;
    }
    const vote = votes[poll.poll];
    if (this.poll?.poll !== poll.poll) this.chosen = new Set(vote);
    this.poll = poll;
    this.voted = vote ? new Set(vote) : null;
    this.draw();
  }

  open(poll) {
    Object.assign(this, { poll: { ...poll, tally: poll.options.map(() => 0), voters: 0 }, chosen: new Set(), voted: null, wrong: '' });
    this.draw();
    this.announce(`${this.kind}：${poll.question}`);
    this.card.scrollIntoView({ block: 'nearest' });
  }

  count({ poll, tally, voters }) {
    if (this.poll?.poll !== poll || this.poll.closed) return;
    Object.assign(this.poll, { tally, voters });
    this.draw();
  }

  closed(result) {
    if (this.poll?.poll !== result.poll) return;
    Object.assign(this.poll, result, { closed: true });
    this.draw();
    this.announce(fill(this.words.closed, { kind: this.kind }));
  }

  dismiss() {
    this.poll = null;
    this.card.hidden = true;
  }

  get kind() { return this.poll.quiz ? this.words.quiz : this.words.poll; }

  get fixed() { return this.poll.closed || (this.voted && this.poll.anonymous); }

  choose(index) {
    if (this.fixed) return;
    if (!this.poll.multiple) this.chosen = new Set([index]);
    else if (!this.chosen.delete(index)) this.chosen.add(index);
    this.wrong = '';
    this.draw();
  }

  async vote() {
    const { poll } = this.poll;
    const chosen = [...this.chosen].sort((one, other) => one - other);
    this.sending = true;
    this.draw();
    try {
      const answer = await this.link.send('vote', { poll, choices: chosen });
      if (this.poll?.poll !== poll) return;
      this.voted = new Set(chosen);
      this.count({ poll, ...answer });
    } catch (error) {
      this.wrong = error.message;
    } finally {
      this.sending = false;
      if (this.poll) this.draw();
    }
  }

  // ── drawing ─────────────────────────────────────────────

  draw() {
    const { poll, words } = this;
    const at = document.activeElement?.closest('#poll [data-at]')?.dataset.at;
    const most = Math.max(1, poll.voters);
    const shown = poll.closed || this.voted;
    const short = !poll.right && poll.options.length <= 3 && poll.options.every((option) => option.length <= 5);
    this.card.classList.toggle('poll-short', short);
    this.card.hidden = false;
    this.card.replaceChildren(
      make('p', { class: 'row t2 mute' }, icon('poll', 's'), make('b', { id: 'poll-t' }, this.kind),
        make('span', { class: 'push' }, `${poll.anonymous ? words.anonymous : words.named}　${fill(words.voters, { n: poll.voters })}`),
        poll.closed ? this.closer() : null),
      make('p', { class: 'b', id: 'poll-q' }, poll.question),
      poll.multiple && !this.fixed ? make('p', { class: 't2 mute' }, words.several) : '',
      make('div', { class: 'stack g2', role: poll.multiple ? 'group' : 'radiogroup', 'aria-labelledby': 'poll-q' },
        ...poll.options.map((option, index) => this.option(option, index, shown ? poll.tally[index] / most : 0, shown))),
      ...this.foot());
    if (at) this.card.querySelector(`[data-at="${at}"]`)?.focus();
  }

  option(text, index, share, shown) {
    const { poll, words } = this;
    const mine = (this.fixed && this.voted?.size ? this.voted : this.chosen).has(index);
    const right = poll.closed && poll.right?.includes(index);
    const first = this.chosen.size ? this.chosen.has(index) : index === 0;
    const button = make('button', {
      class: 'poll-opt', type: 'button', role: poll.multiple ? 'checkbox' : 'radio', 'aria-checked': String(mine),
      'aria-disabled': this.fixed ? 'true' : null, tabindex: poll.multiple || first ? 0 : -1, 'data-at': index,
    }, bar(share), make('span', {},
      make(mine ? 'b' : 'span', {}, text, right ? make('span', { class: 'right' }, icon('check', 'xs'), words.right) : ''),
      shown ? make('b', {}, String(poll.tally[index])) : ''));
    button.addEventListener('click', () => this.choose(index));
    if (!poll.multiple) button.addEventListener('keydown', (event) => this.arrow(event, index));
    return button;
  }

  /** Arrows move through a single choice, as in any group of radio buttons. */
  arrow(event, index) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || this.fixed) return;
    event.preventDefault();
    const next = (index + step + this.poll.options.length) % this.poll.options.length;
    this.choose(next);
    this.card.querySelector(`[data-at="${next}"]`).focus();
  }

  foot() {
    const { poll, words } = this;
    if (this.wrong) return [make('p', { class: 'err', role: 'alert' }, icon('warn', 's'), make('span', {}, this.wrong)), this.button(words.vote)];
    if (poll.closed) return [make('p', { class: 't2' }, this.verdict()), poll.explanation ? make('p', { class: 't2' }, poll.explanation) : ''];
    if (this.voted && poll.anonymous) return [make('p', { class: 't2 mute' }, words.kept)];
    const same = this.voted && this.voted.size === this.chosen.size && [...this.voted].every((index) => this.chosen.has(index));
    if (same) return [make('p', { class: 't2 mute' }, words.changeable)];
    return [poll.anonymous ? make('p', { class: 't2 mute' }, words.secret) : '', this.button(this.voted ? words.change : words.vote)];
  }

  button(text) {
    const button = make('button', { class: 'btn ink', type: 'button', disabled: !this.chosen.size || Boolean(this.sending), 'data-at': 'vote' }, text);
    button.addEventListener('click', () => this.vote());
    return button;
  }

  /** What the result means for this person. */
  verdict() {
    const { poll, words } = this;
    if (!poll.right) return words.over;
    if (!this.voted) return words.unanswered;
    if (!this.voted.size) return words.over; // an anonymous one: nobody knows what was chosen
    const right = poll.right.length === this.voted.size && poll.right.every((index) => this.voted.has(index));
    return right ? words.rightly : words.otherwise;
  }

  closer() {
    const button = make('button', { class: 'tool', type: 'button', 'aria-label': this.words.dismiss }, icon('close', 's'));
    button.addEventListener('click', () => this.dismiss());
    return button;
  }
}
