// 讨论: what is said, one's own words from the moment they are sent, and what waits for the network.
import { $, clock, fill, icon, make, tell } from '../dom.js';

const KEPT = 300; // messages in the page; the replay has them all
const NEAR = 80; // pixels from the end within which one is still reading the newest

export class Talk {
  constructor(link, words, room) {
    Object.assign(this, { link, words, room, list: $('chat'), pane: $('pane-chat'), byMessage: new Map(), byKey: new Map() });
    this.following = true;
    this.pane.addEventListener('scroll', () => {
      this.following = this.atEnd;
      if (this.following) $('newer').hidden = true;
    });
    new ResizeObserver(() => { if (this.following) this.toEnd(); }).observe(this.pane); // a vote above takes room from the talk
    $('newer').addEventListener('click', () => this.toEnd());
    $('tab-chat').addEventListener('click', () => this.toEnd());
    link.on('said', (line, about) => this.said(line, about));
    link.on('removed', ({ body }) => body.message && this.removed(body.message));
    link.on('state', (line) => this.system(line, words.turns[line.body.state]));
    link.on('called', (line) => this.system(line, fill(words.speaks, { name: line.body.name })));
    link.on('offline', () => { this.before = link.no; });
    link.on('welcome', (_welcome, { again, gap }) => { if (again && gap) this.gap(); });
    link.on('settled', (entry) => entry.event === 'say' && this.settled(entry));
    for (const entry of link.pending) if (entry.event === 'say') this.own(entry);
  }

  /** Say `text`; resolves when it is stored, rejects with the server's refusal. */
  async say(text) {
    const settled = this.link.send('say', { text });
    this.own(this.link.pending[this.link.pending.length - 1]);
    this.toEnd();
    await settled;
  }

  // ── lines ───────────────────────────────────────────────

  said(line, { past }) {
    const { message, text, waiting, removed } = line.body;
    const mine = line.by.account_id === this.room.account_id;
    const item = this.message(line.by, text, waiting ? this.words.moderated : '');
    item.dataset.no = line.no;
    if (this.link.me.moderates) item.querySelector('.by').append(this.remover(message));
    const known = this.byMessage.get(message);
    this.byMessage.set(message, item);
    if (known) known.replaceWith(item);
    else this.append(item, mine && !past);
    if (removed) this.removed(message);
  }

  removed(message) {
    const item = this.byMessage.get(message);
    if (!item) return;
    const text = item.querySelector('p');
    text.className = 'mute';
    text.textContent = this.words.removed;
    for (const rest of item.querySelectorAll('[data-note], button')) rest.remove();
  }

  /** For who oversees the class: take a message away. */
  remover(message) {
    const button = make('button', { class: 'tool', type: 'button', 'aria-label': this.words.remove }, icon('trash', 's'));
    button.addEventListener('click', () => this.link.send('remove', { message }).catch(() => {}));
    return button;
  }

  system(line, text) {
    if (!text) return;
    this.append(make('li', { class: 'msg sys', 'data-no': line.no }, `${clock(line.at_ms, this.room.zone)} ${text}`), false);
  }

  /** Lines are missing between what stood here and what came now. */
  gap() {
    const next = [...this.list.children].find((item) => Number(item.dataset.no) > this.before);
    next?.before(make('li', { class: 'msg sys' }, this.words.gap));
  }

  // ── one's own, before it is stored ──────────────────────

  own({ key, body }) {
    const item = this.message(this.link.me || { name: this.words.me, branch: '' }, body.text, this.words.sending);
    this.byKey.set(key, item);
    this.append(item, true);
  }

  settled({ key, answer }) {
    const item = this.byKey.get(key);
    this.byKey.delete(key);
    if (!item) return;
    if (!answer || this.byMessage.has(answer.message)) return item.remove();
    item.querySelector('[data-note]')?.remove();
    this.byMessage.set(answer.message, item); // its line, on the way, takes its place
  }

  /** How many messages wait, and why. */
  drawWaiting(online) {
    const count = this.byKey.size;
    tell($('waiting'), count && !online ? fill(this.words.waiting, { n: count }) : '');
    for (const item of this.byKey.values()) tell(item.querySelector('[data-note]'), online ? this.words.sending : this.words.kept);
  }

  // ── drawing ─────────────────────────────────────────────

  message(by, text, note) {
    const role = by.host ? this.words[by.name === this.room.trainer ? 'trainer' : 'helper'] : by.branch || '';
    return make('li', { class: by.host ? 'msg host' : 'msg' },
      make('span', { class: 'face', 'aria-hidden': 'true' }, [...by.name][0]),
      make('span', { class: 'by' }, make('b', {}, by.name), `　${role}`, make('span', { 'data-note': true, class: 'mute', hidden: !note }, note)),
      make('p', {}, text));
  }

  get atEnd() { return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight < NEAR; }

  append(item, follow) {
    const reading = this.atEnd;
    this.list.append(item);
    while (this.list.childElementCount > KEPT) this.list.firstElementChild.remove();
    if (reading || follow) this.toEnd();
    else if (!this.pane.hidden) $('newer').hidden = false;
  }

  toEnd() {
    $('newer').hidden = true;
    this.pane.scrollTop = this.pane.scrollHeight;
  }
}
