// Claims that the server has not acknowledged yet, kept on this device until it has: one entry a play session.
// They survive a reload, a crash and a night without network, and go out from whichever page is opened next.
import { minus, union } from './intervals.js';

const PREFIX = 'study.';
const memory = new Map(); // where the browser keeps nothing for us

function read(token) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + token));
  } catch {
    return memory.get(token) || null;
  }
}

/** Keep what session `token` is still owed: {claims, part_id, position_ms}; nothing is kept of an empty list. */
export function keep(token, entry) {
  try {
    if (entry.claims.length) localStorage.setItem(PREFIX + token, JSON.stringify(entry));
    else localStorage.removeItem(PREFIX + token);
  } catch {
    memory.set(token, entry);
  }
}

/** Sessions on this device that are owed something: [token, {claims, part_id, position_ms}] each. */
export function waiting() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    return keys.map((key) => key.slice(PREFIX.length)).map((token) => [token, read(token)]).filter(([, entry]) => entry?.claims);
  } catch {
    return [...memory];
  }
}

/** Send claims; resolves to the server's answer after it has stored them. Rejects with {status}: 0 when nobody answered. */
export async function post(url, body) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 20_000);
  try {
    const response = await fetch(url, {
      method: 'POST', body: JSON.stringify(body), signal: stop.signal, credentials: 'omit',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw Object.assign(new Error(answer.error?.message), { status: response.status, code: answer.error?.code });
  } catch (error) {
    throw error.status ? error : Object.assign(new Error(error.message), { status: 0 });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the server has refused for good, so that sending the same again is no use. */
export const final = (error) => error.status >= 400 && error.status < 500 && ![408, 425, 429].includes(error.status);

/** Deliver what sessions other than `own` left behind; resolves to false when the rest must be tried again later. */
export async function deliver(url, own) {
  for (const [token, { claims, position_ms }] of waiting()) {
    if (token === own) continue;
    try {
      await post(url, { token, claims, position_ms });
      const now = read(token);
      if (now) keep(token, { ...now, claims: minus(union(now.claims), claims) });
    } catch (error) {
      if (!final(error)) return false;
      keep(token, { claims: [] });
    }
  }
  return true;
}
