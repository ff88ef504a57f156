// 到课: who is here by branch, the sign-in code, presence checks, and how the pictures arrive.
import { $, fill, icon, make } from '../dom.js';

const ROSTER_MS = 5_000;
const MODES = ['low', 'smooth', 'sound', 'none'];

export class Roll {
  constructor(link, words, watching, { failed, confirm, ask }) {
    Object.assign(this, { link, words, watching, failed, check: null });
    link.on('welcome', ({ state }) => {
      this.counts(state);
      this.branches(state.roster);
      this.code(state.code, state.signed_in);
      if (state.check) this.checking(state.check);
    });
    link.on('tick', (tick) => this.counts(tick));
    link.on('code', ({ body }, { past }) => { if (!past && (!body.open || body.code)) this.code(body.code || null, this.signed); });
    link.on('signed_in', ({ body }, { past }) => { if (!past) this.signedIn(body.count); });
    link.on('check', ({ body, at_ms: at }, { past }) => { if (!past) this.checking({ ...body, at_ms: at, count: 0 }); });
    link.on('here', ({ body }, { past }) => {
      if (past || this.check?.check !== body.check) return;
      this.check.count = body.count;
      this.drawCheck();
    });
    $('code-open').addEventListener('click', () => this.send('code', { open: true }).then((answer) => {
      if (!answer) return;
      this.code(answer.code, this.signed);
      $('code').scrollIntoView({ block: 'nearest' });
    }));
    $('code-close').addEventListener('click', () => this.send('code', { open: false }));
    $('check-ask').addEventListener('click', async () => { if (await confirm(ask.check)) this.send('check', {}); });
    setInterval(() => this.refresh(), ROSTER_MS);
    setInterval(() => this.drawCheck(), 1_000);
  }

  enable(running) {
    this.running = running;
    $('check-ask').disabled = !running || Boolean(this.check);
  }

  send(event, body) {
    return this.link.send(event, body).catch((error) => { this.failed(error); return null; });
  }

  counts({ present, expected, watching }) {
    if (present !== undefined) $('present').textContent = present;
    if (expected !== undefined) $('expected').textContent = expected ? fill(this.words.of, { n: expected }) : '';
    if (watching) this.modes(watching);
  }

  /** How many watch in which way, in one sentence. */
  modes(counts) {
    const parts = MODES.filter((mode) => counts[mode]).map((mode) => fill(this.watching[mode], { n: counts[mode] }));
    const text = parts.length ? parts.join(this.watching.comma) + this.watching.stop : this.watching.empty;
    if ($('watching').textContent !== text) $('watching').textContent = text;
  }

  // ── who is here ─────────────────────────────────────────

  async refresh() {
    if (document.hidden) return;
    const answer = await this.link.ask('roster', {}).catch(() => null);
    if (answer) this.branches(answer.branches);
  }

  branches(branches) {
    const rows = new Map([...$('branches').children].map((row) => [Number(row.dataset.org), row]));
    $('branches').replaceChildren(...branches.map((branch) => {
      const row = rows.get(branch.org_id) || this.branch(branch.org_id);
      row.querySelector('[data-name]').textContent = branch.name;
      row.querySelector('[data-present]').textContent = branch.present;
      row.querySelector('[data-expected]').textContent = branch.expected ? ` / ${branch.expected}` : '';
      const bar = row.querySelector('progress');
      Object.assign(bar, { max: Math.max(1, branch.expected, branch.present), value: branch.present });
      bar.setAttribute('aria-label', fill(this.words.bar, { name: branch.name }));
      return row;
    }));
  }

  branch(orgId) {
    const row = $('t-branch').content.firstElementChild.cloneNode(true);
    const button = row.querySelector('button');
    row.dataset.org = orgId;
    button.addEventListener('click', async () => {
      const open = button.getAttribute('aria-expanded') !== 'true';
      const answer = open ? await this.link.ask('roster', { org_id: orgId }).catch(() => null) : null;
      button.setAttribute('aria-expanded', String(Boolean(answer)));
      row.querySelector('.names').hidden = !answer;
      if (answer) row.querySelector('.names').replaceChildren(...answer.people.map((person) => this.person(person)));
    });
    return row;
  }

  person({ name, present, signed_in: signed }) {
    const state = [present ? this.words.here : this.words.away, signed ? this.words.signed_in : ''].filter(Boolean).join('　');
    return make('li', { class: present ? null : 'no' }, present ? icon('check', 'xs') : null, name, make('span', { class: 'vh' }, `　${state}`));
  }

  // ── 到课登记 ────────────────────────────────────────────

  code(code, signed = 0) {
    $('code').hidden = !code;
    $('code-open').disabled = Boolean(code);
    if (code) $('code-n').textContent = [...code].join(' ');
    this.signedIn(signed);
  }

  signedIn(count) {
    this.signed = count;
    $('code-count').textContent = fill(this.words.signed, { n: count });
  }

  // ── 在场确认 ────────────────────────────────────────────

  checking(check) {
    this.check = check;
    this.enable(this.running);
    this.drawCheck();
  }

  drawCheck() {
    if (!this.check) return;
    const left = Math.ceil((this.check.at_ms + this.check.answer_ms - this.link.now()) / 1000);
    const text = left > 0 ? fill(this.words.check, { n: this.check.count, s: left }) : fill(this.words.checked, { n: this.check.count });
    $('check').hidden = false;
    $('check').lastElementChild.textContent = text;
    if (left > 0) return;
    this.check = null;
    this.enable(this.running);
  }
}
