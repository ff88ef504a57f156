// One page's connection to one class's room (docs/protocol.md): it comes back by itself, tells each line of the class
// once and in order, and keeps what its user does until the server has acknowledged it, through a reload too.
//
//   const link = connect({ id: 7, side: 'room' });            // or 'desk'
//   link.on('said', (line, { past }) => …)                    // each line by its kind; `past`: caught up with, not new
//   link.on('line', (line, { past }) => …)                    // every line
//   link.on('welcome', (welcome, { again, gap }) => …)        // what is true now; the lines before it have been told
//   link.on('tick', ({ present, tallies, watching }) => …)    // counts that have changed, about every two seconds
//   link.on('counted', ({ counted_ms, state }) => …)
//   link.on('notice', ({ code, on }) => …)                    // something the school says of itself, at the desk
//   link.on('online', () => …); link.on('offline', () => …)   // 'offline' once, then 'online' after the next welcome
//   link.on('refused', (error) => …)                          // {code, message}: it is over, a reload may help
//   link.on('settled', ({ key, event, body, answer, error }) => …)  // also of what an earlier page had left
//   const answer = await link.send('say', { text })           // kept until acknowledged; throws {code, message, params}
//   const { branches } = await link.ask('roster', {})         // not kept; throws {code: 'offline'} without a connection
//   link.pending      // [{key, event, body}] that nobody has acknowledged yet, oldest first
//   link.now()        // the server's clock, ms
//   link.me, link.no  // of the last welcome; the last line's number
//   link.close()
import { io } from '../../vendor/socket.io.mjs';

const ANSWER_MS = 10_000; // a connection that takes longer to acknowledge is tried again
const AGAIN_MS = 2_000;
const PASSING = new Set(['database.busy', 'database.away', 'commit.full', 'live.again']); // nothing was stored, try again
const PASSING_REFUSAL = new Set([...PASSING, 'fault']);

const makeKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** What is not acknowledged yet, in memory and, where the browser lets us, in this tab's storage. */
class Outbox {
  constructor(name) {
    this.name = name;
    try { this.entries = JSON.parse(sessionStorage.getItem(name)) || []; } catch { this.entries = []; }
  }

  keep(entry) { this.entries.push(entry); this.#write(); }

  drop(key) { this.entries = this.entries.filter((entry) => entry.key !== key); this.#write(); }

  #write() {
    try {
      if (this.entries.length) sessionStorage.setItem(this.name, JSON.stringify(this.entries));
      else sessionStorage.removeItem(this.name);
    } catch { /* memory alone */ }
  }
}

/** Connect to class `id` from a `side`; see the top of this file. */
export function connect({ id, side = 'room' }) {
  return new Link(id, side);
}

class Link {
  #handlers = new Map();
  #promises = new Map(); // key → {resolve, reject} of what this page has sent
  #flying = new Set(); // keys on their way
  #outbox;
  #socket;
  #offset = 0;
  #welcomed = false;
  #online = null;

  constructor(id, side) {
    this.no = null;
    this.me = null;
    this.#outbox = new Outbox(`live.${id}.${side}`);
    this.#socket = io('/live', {
      transports: ['websocket'], reconnectionDelay: 300, reconnectionDelayMax: 4_000,
      auth: (give) => give({ class: id, side, since: this.no }),
    });
    this.#socket.on('welcome', (welcome) => this.#welcome(welcome));
    this.#socket.on('tick', (tick) => this.#tick(tick));
    for (const kind of ['counted', 'notice']) this.#socket.on(kind, (body) => this.#tell(kind, body));
    this.#socket.on('disconnect', (reason) => this.#lost(reason));
    this.#socket.on('connect_error', (error) => this.#failed(error));
  }

  get pending() { return [...this.#outbox.entries]; }

  /** Call `fn(body, about)` for each `kind`; returns this, so that calls chain. */
  on(kind, fn) {
    this.#handlers.set(kind, [...(this.#handlers.get(kind) || []), fn]);
    return this;
  }

  /** The server's clock, in milliseconds. */
  now() { return Date.now() + this.#offset; }

  /** Do something in the room; resolves to the server's answer once it is stored, however often the line breaks. */
  send(event, body) {
    const entry = { key: makeKey(), event, body };
    this.#outbox.keep(entry);
    const settled = new Promise((resolve, reject) => this.#promises.set(entry.key, { resolve, reject }));
    this.#emit(entry);
    return settled;
  }

  /** Ask something that is not worth keeping. */
  async ask(event, body) {
    if (!this.#online) throw { code: 'offline', message: '' };
    let answer;
    try { answer = await this.#socket.timeout(ANSWER_MS).emitWithAck(event, body); } catch { throw { code: 'offline', message: '' }; }
    if (answer.error) throw answer.error;
    return answer;
  }

  close() { this.#socket.disconnect(); }

  #tell(kind, body, about = {}) {
    for (const fn of this.#handlers.get(kind) || []) fn(body, about);
  }

  #lines(lines, past) {
    for (const line of lines) {
      if (this.no !== null && line.no <= this.no) continue;
      this.no = line.no;
      this.#tell(line.kind, line, { past });
      this.#tell('line', line, { past });
    }
  }

  #welcome(welcome) {
    const again = this.#welcomed;
    this.#offset = welcome.now_ms - Date.now();
    this.me = welcome.me;
    if (welcome.gap) this.no = null;
    this.#lines(welcome.events, true);
    this.no = Math.max(this.no ?? 0, welcome.no);
    this.#welcomed = true;
    this.#tell('welcome', welcome, { again, gap: Boolean(welcome.gap) });
    this.#state(true);
    this.#flying.clear();
    for (const entry of this.pending) this.#emit(entry);
  }

  #tick(tick) {
    this.#lines(tick.events, false);
    this.no = Math.max(this.no ?? 0, tick.no); // lines that others see count as well
    if ('present' in tick || 'tallies' in tick || 'watching' in tick) this.#tell('tick', tick);
  }

  #state(online) {
    if (online === this.#online) return;
    this.#online = online;
    this.#tell(online ? 'online' : 'offline');
  }

  #lost(reason) {
    this.#flying.clear();
    if (reason === 'io client disconnect') return;
    this.#state(false);
    if (reason === 'io server disconnect') this.#socket.connect(); // asks why: the answer is a refusal
  }

  #failed(error) {
    this.#state(false);
    const refusal = error.data?.error;
    if (!refusal) return; // the network; socket.io tries again
    if (PASSING_REFUSAL.has(refusal.code)) setTimeout(() => this.#socket.connect(), AGAIN_MS);
    else this.#tell('refused', refusal);
  }

  #emit(entry) {
    if (!this.#online || this.#flying.has(entry.key)) return; // goes out after the next welcome
    this.#flying.add(entry.key);
    this.#socket.timeout(ANSWER_MS).emit(entry.event, { ...entry.body, key: entry.key }, (lost, answer) => {
      this.#flying.delete(entry.key);
      if (lost) return void this.#emit(entry);
      if (answer.error && PASSING.has(answer.error.code)) return void setTimeout(() => this.#emit(entry), AGAIN_MS);
      this.#settle(entry, answer);
    });
  }

  #settle(entry, answer) {
    this.#outbox.drop(entry.key);
    const promise = this.#promises.get(entry.key);
    this.#promises.delete(entry.key);
    this.#tell('settled', { ...entry, answer: answer.error ? null : answer, error: answer.error || null });
    if (answer.error) promise?.reject(answer.error);
    else promise?.resolve(answer);
  }
}
