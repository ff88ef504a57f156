// The discussion as the trainer's side sees it: messages that wait, what was said, who should listen first, the rules.
import { $, fill, once } from '../dom.js';

const SHOWN = 300;

export class Talk {
  constructor(link, words, { failed, confirm, ask }) {
    Object.assign(this, { link, words, failed, confirm, ask, waiting: new Map(), said: new Map(), known: new Map(), muted: new Map(), seen: 0, view: 'open' });
    link.on('welcome', ({ state, gap }) => {
      if (gap) this.clear();
      this.waiting = new Map(state.waiting.map((message) => [message.message, message]));
      this.rules(state.rules);
      this.muted = new Map(state.muted.map((by) => [by.account_id, by]));
      this.drawMuted();
      this.draw();
    });
    link.on('muted', ({ body }, { past }) => {
      if (past) return;
      if (body.on) this.muted.set(body.account_id, this.known.get(body.account_id) || { account_id: body.account_id, name: '' });
      else this.muted.delete(body.account_id);
      this.drawMuted();
    });
    link.on('said', (line) => this.take(line));
    link.on('removed', ({ body }) => this.remove(body.message));
    link.on('rules', ({ body }, { past }) => { if (!past) this.rules(body); });
    $('say').addEventListener('submit', (event) => { event.preventDefault(); this.say(); });
    $('rules').addEventListener('submit', (event) => { event.preventDefault(); this.save(); });
  }

  show(view) {
    this.view = view;
    $('chat-pane').hidden = view !== 'chat';
    this.draw();
    if (view === 'chat') $('chat').scrollTop = $('chat').scrollHeight;
  }

  clear() {
    this.said.clear();
    $('chat').replaceChildren();
  }

  take({ body, by, at_ms: at }) {
    if (by) this.known.set(by.account_id, by);
    if (body.removed) return;
    if (body.waiting) this.waiting.set(body.message, { ...body, by, at_ms: at });
    else {
      this.waiting.delete(body.message);
      if (this.said.has(body.message)) return;
      const row = this.row(body, by);
      this.said.set(body.message, row);
      const end = $('chat').scrollHeight - $('chat').scrollTop - $('chat').clientHeight < 60;
      $('chat').append(row);
      while (this.said.size > SHOWN) {
        const [oldest] = this.said.keys();
        this.remove(oldest);
      }
      if (end) $('chat').scrollTop = $('chat').scrollHeight;
      if (this.view !== 'chat') this.seen += 1;
    }
    this.draw();
  }

  remove(message) {
    this.waiting.delete(message);
    this.said.get(message)?.remove();
    this.said.delete(message);
    this.draw();
  }

  draw() {
    if (this.view === 'chat') this.seen = 0;
    const count = this.waiting.size || this.seen;
    $('seg').querySelector('[data-show=chat] .num').textContent = count ? ` ${count}` : '';
    $('waiting').replaceChildren(...[...this.waiting.values()].map((message) => this.pending(message)));
  }

  row({ message, text }, by) {
    const row = $('t-message').content.firstElementChild.cloneNode(true);
    row.classList.toggle('host', Boolean(by?.host));
    row.querySelector('[data-name]').textContent = by?.name || '';
    row.querySelector('[data-branch]').textContent = by?.host ? this.words.host : by?.branch || '';
    row.querySelector('[data-text]').textContent = text;
    this.on(row, 'remove', () => this.link.send('remove', { message }));
    const mute = row.querySelector('[data-do=mute]');
    mute.hidden = !by || by.host;
    mute.addEventListener('click', () => this.mute(by));
    return row;
  }

  pending({ message, text, by }) {
    const row = $('t-waiting').content.firstElementChild.cloneNode(true);
    row.querySelector('[data-text]').textContent = text;
    row.querySelector('[data-name]').textContent = by.name;
    row.querySelector('[data-branch]').textContent = by.branch || '';
    this.on(row, 'approve', () => this.link.send('approve', { message }));
    this.on(row, 'remove', () => this.link.send('remove', { message }));
    return row;
  }

  on(row, name, act) {
    once(row.querySelector(`[data-do=${name}]`), act, this.failed);
  }

  async mute(by) {
    const words = { ...this.ask.mute, title: fill(this.ask.mute.title, { name: by.name }) };
    if (!await this.confirm(words)) return;
    await this.link.send('mute', { account_id: by.account_id, on: true }).catch(this.failed);
  }

  /** Those who should listen first, each with the way back. */
  drawMuted() {
    $('muted').hidden = !this.muted.size;
    $('muted-list').replaceChildren(...[...this.muted.values()].map((by) => {
      const row = $('t-muted').content.firstElementChild.cloneNode(true);
      row.querySelector('[data-name]').textContent = by.name;
      row.querySelector('[data-branch]').textContent = by.branch || '';
      this.on(row, 'unmute', () => this.link.send('mute', { account_id: by.account_id, on: false }));
      return row;
    }));
  }

  async say() {
    const text = $('say-t').value.trim();
    if (!text) return;
    $('say-t').value = '';
    await this.link.send('say', { text }).catch((error) => {
      if (!$('say-t').value) $('say-t').value = text; // nothing that was written is lost
      this.failed(error);
    });
  }

  rules(rules) {
    const form = $('rules').elements;
    form.chat.checked = rules.chat;
    form.premoderate.checked = rules.premoderate;
    form.slow_s.value = rules.slow_s;
    if (rules.words) form.words.value = rules.words.join(' ');
  }

  async save() {
    const form = $('rules').elements;
    $('rules-says').textContent = '';
    try {
      await this.link.send('rules', {
        chat: form.chat.checked, premoderate: form.premoderate.checked, slow_s: Number(form.slow_s.value),
        words: form.words.value.split(/[\s，、,]+/).filter(Boolean),
      });
      $('rules-says').textContent = this.words.saved;
    } catch (error) {
      this.failed(error);
    }
  }
}
