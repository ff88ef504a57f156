// Answers that the server has not acknowledged yet, kept on this device until it has: one entry a sitting.
// They survive a reload, a crash and a dead network, and go out from whichever page is opened next.
import { final, post } from '../player/outbox.js';

const PREFIX = 'answers.';
const SLOWEST = 15_000; // between two tries while nobody answers
const KEPT = 14 * 24 * 3600_000; // an answer that nobody took for so long is no longer offered
const memory = new Map(); // where the browser keeps nothing for us

function read(attempt) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + attempt)) || memory.get(attempt);
  } catch {
    return memory.get(attempt);
  }
}

function keep(attempt, entry) {
  const owed = Object.keys(entry.answers).length > 0;
  try {
    if (owed) localStorage.setItem(PREFIX + attempt, JSON.stringify(entry));
    else localStorage.removeItem(PREFIX + attempt);
    memory.delete(attempt);
  } catch {
    if (owed) memory.set(attempt, entry); else memory.delete(attempt);
  }
}

/** Take out of `entry` what the server has stored, or will never store. A newer answer to the same question stays. */
function settle(entry, { saved = [], refused = [] }, sent) {
  for (const { i, n } of saved) if (entry.answers[i]?.n <= n) delete entry.answers[i];
  for (const { i } of refused) if (entry.answers[i]?.n <= sent[i]?.n) delete entry.answers[i];
}

const packed = (answers) => Object.entries(answers).map(([i, { a, n, spent_ms }]) => ({ i: Number(i), a, n, spent_ms }));

/** The answers of one open sitting, sent as they are given and again until they are acknowledged. */
export class Outbox {
  /** `sitting` {id, token, urls: {answers}, n}; `told(answer, error)` hears every answer of the server or why there is none. */
  constructor(sitting, told) {
    Object.assign(this, { sitting, told });
    this.entry = { ...read(sitting.id), token: sitting.token, url: sitting.urls.answers };
    this.entry.answers ??= {};
    for (const [i, n] of Object.entries(sitting.n || {})) if (this.entry.answers[i]?.n <= n) delete this.entry.answers[i];
    this.tops = { ...sitting.n };
    for (const [i, { n }] of Object.entries(this.entry.answers)) this.tops[i] = n;
    this.notes = {}; // away: the page was left; back: milliseconds after which it is there again
    this.stopped = false;
    this.wait = 0;
    this.store();
    addEventListener('online', () => this.flush());
  }

  /** What waits on this device: question → {a, n, spent_ms, at}. */
  get waiting() { return this.entry.answers; }

  store() { keep(this.sitting.id, this.entry); }

  /** Keep an answer (null: taken back) and send it. */
  put(i, a, spentMs) {
    this.tops[i] = (this.tops[i] || 0) + 1;
    this.entry.answers[i] = { a, n: this.tops[i], spent_ms: Math.round(spentMs), at: Date.now() };
    this.store();
    return this.flush();
  }

  /** Tell the school that the page was left ({away: true}) or is there again ({back: ms}). */
  note(what) {
    Object.assign(this.notes, what);
    return this.flush();
  }

  /** What a message carries: everything that waits, and comings and goings. */
  message() { return { token: this.entry.token, answers: packed(this.waiting), ...this.notes }; }

  /** Send what waits; one message at a time, the next one as soon as this one was answered. */
  async flush() {
    if (this.stopped) return;
    if (this.sending) { this.again = true; return; }
    clearTimeout(this.timer);
    if (!Object.keys(this.waiting).length && !Object.keys(this.notes).length) return;
    this.sending = true;
    const sent = { ...this.waiting };
    const body = this.message();
    try {
      const answer = await post(this.entry.url, body);
      for (const name of Object.keys(this.notes)) if (this.notes[name] === body[name]) delete this.notes[name];
      this.wait = 0;
      settle(this.entry, answer, sent);
      this.store();
      this.told(answer, null);
    } catch (error) {
      if (['attempt.over', 'attempt.elsewhere', 'attempt.token'].includes(error.code)) this.stopped = true;
      else this.later();
      if (error.code === 'attempt.over') this.drop();
      this.told(null, error);
    } finally {
      this.sending = false;
    }
    if (this.again && !this.stopped && !this.wait) {
      this.again = false;
      this.flush();
    }
  }

  /** Nobody answered: try again, at first soon, then more slowly, never all pages in the same moment. */
  later() {
    this.wait = Math.min(this.wait ? this.wait * 2 : 1000, SLOWEST);
    this.timer = setTimeout(() => this.flush(), this.wait * (0.75 + Math.random() / 2));
  }

  /** Nothing of this sitting is taken any more. */
  drop() {
    this.entry.answers = {};
    this.store();
  }
}

/** Deliver what earlier pages left behind; resolves to false when the rest must be tried again later. What is refused stays for its own page. */
export async function deliver() {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
    const attempt = key.slice(PREFIX.length);
    const entry = read(attempt);
    if (!entry?.answers) continue;
    if (Object.values(entry.answers).every(({ at }) => at < Date.now() - KEPT)) { keep(attempt, { answers: {} }); continue; }
    try {
      const answer = await post(entry.url, { token: entry.token, answers: packed(entry.answers) });
      const now = read(attempt);
      if (!now) continue;
      settle(now, answer, entry.answers);
      keep(attempt, now);
    } catch (error) {
      if (!final(error)) return false;
      if (error.code === 'attempt.over') keep(attempt, { answers: {} });
    }
  }
  return true;
}
