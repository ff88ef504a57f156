// What every page does: 长辈版, shown passwords, tabs, print buttons and the offline line. Only base.html loads it.
import { call } from './call.js';

const root = document.documentElement;

for (const button of document.querySelectorAll('[data-elder-switch]')) {
  button.addEventListener('click', () => {
    const on = !root.hasAttribute('data-elder');
    if (on) root.setAttribute('data-elder', '1'); else root.removeAttribute('data-elder');
    button.textContent = on ? button.dataset.on : button.dataset.off;
    document.cookie = `elder=${on ? 1 : 0}; path=/; max-age=31536000; samesite=lax`;
    if ('signedIn' in document.body.dataset) call('POST', '/account/view', { elder: on ? 1 : 0 }).catch(() => {});
  });
}
for (const list of document.querySelectorAll('[role=tablist]')) {
  const show = (tab) => {
    for (const other of list.querySelectorAll('[role=tab]')) {
      const on = other === tab;
      other.setAttribute('aria-selected', on);
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !on;
    }
  };
  list.addEventListener('click', (event) => { const tab = event.target.closest('[role=tab]'); if (tab) show(tab); });
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 'nextElementSibling', ArrowLeft: 'previousElementSibling' }[event.key];
    const next = step && event.target[step];
    if (next) { next.focus(); show(next); }
  });
}
for (const button of document.querySelectorAll('[data-print]')) button.addEventListener('click', () => window.print());
for (const button of document.querySelectorAll('[data-reveal]')) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false; // without script the field stays an ordinary one
  button.addEventListener('click', () => {
    const shown = field.type === 'text';
    field.type = shown ? 'password' : 'text';
    button.setAttribute('aria-pressed', !shown);
    button.lastElementChild.textContent = shown ? button.dataset.off : button.dataset.on;
    field.focus();
  });
}

const line = document.querySelector('[data-offline]');
const connection = () => { line.hidden = navigator.onLine; };
if (line) {
  addEventListener('online', connection);
  addEventListener('offline', connection);
  connection();
}

// Study time and answers that a page could not deliver go out from whichever page is opened next, tried again for as long as it is open.
async function settle(deliver, wait = 2000) {
  if (await deliver()) return;
  setTimeout(() => settle(deliver, Math.min(wait * 2, 60_000)), wait * (0.75 + Math.random() / 2));
}
try {
  const keys = Object.keys(localStorage);
  if (keys.some((key) => key.startsWith('study.'))) {
    import('./player/outbox.js').then(({ deliver }) => settle(() => deliver('/study/claims', null)));
  }
  if (keys.some((key) => key.startsWith('answers.'))) import('./quizzes/outbox.js').then(({ deliver }) => settle(deliver));
} catch { /* a browser that keeps nothing owes nothing */ }
