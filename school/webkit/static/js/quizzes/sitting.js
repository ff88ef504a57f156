// A sitting: the paper, its answers, the clock and the way out. Everything it says stands in the page's `#words`, what it
// knows in `#sitting`; the server decides what counts.
import { call } from '../call.js';
import { $, fill, make, read, tell } from '../dom.js';
import { post } from '../player/outbox.js';
import { Clock } from './clock.js';
import { Outbox } from './outbox.js';
import { Question } from './question.js';
import { Sheet } from './sheet.js';
import { hush } from './speak.js';

const sitting = read('sitting');
const words = read('words');
const { quiz, urls } = sitting;
const count = sitting.questions.length;
const atOnce = quiz.show === 'at_once';
const EVERY = 25_000; // between two looks at the server's clock
const SOON = 8_000; // while the sitting stands still
const saved = {}; // question → the server's moment of the answer it holds, as far as this page saw it
const answers = { ...sitting.answers }; // as the page shows them
const spent = {}; // question → milliseconds it was looked at
let at = 0; // the question in view
let since = performance.now();
let over = false;

// ── what this device remembers of the sitting ───────────

const memo = (() => { try { return JSON.parse(localStorage.getItem(`sitting.${sitting.id}`)) || {}; } catch { return {}; } })();
const flags = new Set(memo.flags);

function remember() {
  try { localStorage.setItem(`sitting.${sitting.id}`, JSON.stringify({ at, flags: [...flags] })); } catch { /* forgotten with the page */ }
}

function forget() {
  try { localStorage.removeItem(`sitting.${sitting.id}`); } catch { /* nothing was kept */ }
}

// ── what the page shows ─────────────────────────────────

const hour = (ms) => new Date(ms).toLocaleTimeString('zh-CN', { timeZone: sitting.zone, hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const hasAnswer = (i) => answers[i] !== null && answers[i] !== undefined;
const stateOf = (i) => (outbox.waiting[i] ? 'wait' : hasAnswer(i) ? 'done' : 'open');
const unanswered = () => sitting.questions.flatMap(({ i }) => (hasAnswer(i) ? [] : [i]));

function drawSheet() {
  for (const { i } of sitting.questions) sheet.draw(i, stateOf(i), flags.has(i), i === at);
  const left = unanswered().length;
  for (const element of document.querySelectorAll('[data-count]')) element.textContent = fill(words[element.dataset.count], { done: count - left, left, all: count });
}

function drawSaved(i) {
  const waits = outbox.waiting[i];
  if (waits) questions[i].state(offline ? { wait: true, text: fill(words.waiting, { time: hour(waits.at + clock.now - Date.now()) }) } : outbox.sending ? { wait: true, text: words.saving } : null);
  else questions[i].state(hasAnswer(i) && !atOnce ? { text: saved[i] ? fill(words.savedAt, { time: hour(saved[i]) }) : words.states.done } : null);
}

function draw() {
  drawSheet();
  for (const { i } of sitting.questions) drawSaved(i);
}

let offline = false;

/** Whether the school takes answers, as far as this page knows: '' when it does, else `offline` or `busy`. */
function reach(lost) {
  offline = Boolean(lost);
  if (lost) $('offline').lastElementChild.textContent = words[lost];
  $('offline').hidden = !lost;
}

// ── going about the paper ───────────────────────────────

/** Add the time since the last look to the question in view; from now on that is `i`. */
function look(i = at) {
  const now = performance.now();
  if (!document.hidden) spent[at] = (spent[at] || 0) + now - since;
  since = now;
  at = i;
}

/** What was written a moment ago counts as well. */
function settle() {
  for (const { way } of questions) way.settle?.();
}

/** Fetch the pictures of the next questions while there is a network. */
function fetchAhead() {
  for (const { face } of questions.slice(at + 1, at + 3)) {
    for (const { mime, src } of [face, ...(face.options || []), ...(face.left || []), ...(face.right || [])].flatMap((each) => each.media)) {
      if (mime.startsWith('image/')) new Image().src = src;
    }
  }
}

/** Show question `i`; `quiet` leaves the focus where it is. */
function go(i, quiet = false) {
  look(Math.max(0, Math.min(i, count - 1)));
  hush();
  if (quiz.one_a_page) {
    $('paper').replaceChildren(questions[at].element);
    $('prev').disabled = at === 0;
    $('next').hidden = at === count - 1;
    $('finish').hidden = at !== count - 1;
  }
  if (!quiet) {
    questions[at].element.scrollIntoView({ block: 'start' });
    questions[at].focus();
  }
  $('pop').open = false;
  fetchAhead();
  remember();
  drawSheet();
}

// ── answers ─────────────────────────────────────────────

function changed(i, answer) {
  if (over) return;
  look(i);
  answers[i] = answer;
  outbox.put(i, answer, spent[i] || 0);
  draw();
}

function flagged(i, on) {
  if (on) flags.add(i); else flags.delete(i);
  remember();
  drawSheet();
}

/** 看对错: send this one answer and resolve when its verdict is there. */
function asked(i, answer) {
  look(i);
  answers[i] = answer;
  return new Promise((resolve, reject) => {
    verdicts.set(i, { resolve, reject });
    outbox.put(i, answer, spent[i] || 0);
    draw();
  });
}
const verdicts = new Map(); // question → who waits for its verdict

/** The server answered, or did not. */
function heard(answer, error) {
  if (error) return refused(error);
  reach('');
  clock.sync(answer);
  for (const told of answer.saved) {
    const { i } = told;
    saved[i] = told.saved_ms;
    if (told.key) questions[i].reveal(told);
    verdicts.get(i)?.resolve();
    verdicts.delete(i);
  }
  for (const { i, message } of answer.refused || []) {
    questions[i]?.fail(message);
    verdicts.get(i)?.reject(Object.assign(new Error(message), { status: 409 }));
    verdicts.delete(i);
  }
  standing(answer);
  draw();
  return undefined;
}

function refused(error) {
  for (const { reject } of verdicts.values()) reject(error);
  verdicts.clear();
  if (error.code === 'attempt.elsewhere') elsewhere();
  else if (error.code === 'attempt.over') end();
  else if (error.code === 'quiz.paused') poll();
  else if (error.code === 'attempt.token') questions[at].fail(error.message);
  else reach(error.status ? 'busy' : 'offline'); // either way the answers wait here
  draw();
}

// ── the state of the sitting ────────────────────────────

/** What the server says of the sitting: {state, paused}. */
function standing({ state, paused }) {
  if (state && state !== 'open') { end(); return; }
  const stood = $('paused').open;
  if (paused && !stood) { hush(); $('paused').showModal(); }
  if (!paused && stood) { $('paused').close(); outbox.flush(); }
}

async function poll() {
  clearTimeout(poll.timer);
  try {
    const now = await call('GET', urls.clock);
    reach('');
    clock.sync(now);
    standing(now);
    if (!clock.paused) outbox.note({ alive: true }); // a sign of life, with whatever waits
  } catch (error) {
    if (!error.status || error.status >= 500) reach(error.status ? 'busy' : 'offline');
  }
  draw();
  if (!over) poll.timer = setTimeout(poll, clock.paused ? SOON : EVERY);
}

/** Another page or device goes on with this sitting. */
function elsewhere() {
  over = true;
  hush();
  if (!$('elsewhere').open) $('elsewhere').showModal();
}

/** The sitting is over, whoever ended it: to its result. */
function end() {
  over = true;
  forget();
  location.replace(urls.result);
}

// ── handing in ──────────────────────────────────────────

/** The question that must be answered before: what is still open, flagged, or waiting. */
function askToSubmit() {
  const list = (numbers, text) => (numbers.length ? [make('p', {}, fill(text, { n: numbers.length }), ...numbers.slice(0, 30).flatMap((i) => [' ', link(i)]))] : []);
  const link = (i) => {
    const made = make('a', { href: `#q-${i}`, class: 'q-link' }, fill(words.number, { n: i + 1 }));
    made.addEventListener('click', (event) => { event.preventDefault(); $('submit').close(); go(i); });
    return made;
  };
  const open = unanswered();
  $('submit-d').replaceChildren(...(open.length ? list(open, words.open) : [make('p', {}, words.allAnswered)]), ...list([...flags].sort((a, b) => a - b), words.flaggedOnes));
  tell($('submit-err'), '');
  $('submit').showModal();
}

/** Hand in with whatever still waits here; resolves only when the page may not go on. */
async function handIn() {
  const { href } = await post(urls.submit, outbox.message());
  outbox.stopped = true;
  outbox.drop();
  over = true;
  forget();
  location.replace(href);
}

async function submit() {
  $('submit-do').disabled = true;
  look();
  try {
    await handIn();
  } catch (error) {
    $('submit-do').disabled = false;
    $('submit').close();
    if (['attempt.over', 'attempt.elsewhere', 'quiz.paused'].includes(error.code)) return refused(error);
    $('submit').showModal();
    tell($('submit-err'), error.status ? error.message : words.notSubmitted);
  }
  return undefined;
}

/** No time is left, unless the school has just given more: hand in; without a network the school does that by itself. */
async function timeUp() {
  hush();
  settle();
  $('submit').close();
  $('up').showModal();
  tell($('voice'), words.timeUp);
  while (!over) {
    try {
      const now = await call('GET', urls.clock);
      clock.sync(now);
      if (now.state !== 'open') return end();
      if (clock.left > 0) {
        $('up').close();
        return standing(now);
      }
      await handIn();
    } catch (error) {
      if (error.code === 'attempt.over') return end();
      if (error.code === 'attempt.elsewhere') return elsewhere();
      await new Promise((done) => { setTimeout(done, 3000); });
    }
  }
  return undefined;
}

/** The page is left, or looked at again: told as it is; who reads it knows that a call may have come in. */
function seen() {
  if (document.hidden) {
    look();
    settle();
    hush();
    seen.since = performance.now();
    seen.timer = setTimeout(() => { seen.told = true; outbox.note({ away: true }); }, 1000);
    return;
  }
  clearTimeout(seen.timer);
  since = performance.now();
  if (seen.told) outbox.note({ back: Math.round(since - seen.since) });
  seen.told = false;
  poll();
}

// ── keys ────────────────────────────────────────────────

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || over || document.querySelector('dialog[open]')) return;
  if (event.target.closest('textarea, select, input:not([type=radio]):not([type=checkbox]), audio, video')) return;
  const { key } = event;
  const choice = /^[1-9]$/.test(key) ? Number(key) - 1 : -1;
  if (choice >= 0 && questions[at].way.press) questions[at].way.press(choice);
  else if (quiz.one_a_page && key === 'ArrowLeft' && event.target.type !== 'radio') go(at - 1);
  else if (quiz.one_a_page && key === 'ArrowRight' && event.target.type !== 'radio') go(at + 1);
  else return;
  event.preventDefault();
}

// ── the page comes up ───────────────────────────────────

const questions = sitting.questions.map((face) => new Question(face, count, words, { changed, flagged, asked: atOnce ? asked : null }));
const sheet = new Sheet([...document.querySelectorAll('.sheet')], count, words, go);
const clock = new Clock($('left'), $('voice'), words, timeUp);
const outbox = new Outbox(sitting, heard);

function wire() {
  $('prev')?.addEventListener('click', () => go(at - 1));
  $('next')?.addEventListener('click', () => go(at + 1));
  for (const button of document.querySelectorAll('[data-submit]')) button.addEventListener('click', askToSubmit);
  $('pop').addEventListener('toggle', () => { if ($('pop').open) $('pop').scrollIntoView({ block: 'nearest' }); }); // else it opens out of sight
  $('submit-do').addEventListener('click', submit);
  $('submit-no').addEventListener('click', () => $('submit').close());
  for (const name of ['paused', 'elsewhere', 'up']) $(name).addEventListener('cancel', (event) => event.preventDefault());
  addEventListener('keydown', keys);
  addEventListener('offline', () => { reach('offline'); draw(); });
  addEventListener('online', poll);
  document.addEventListener('visibilitychange', seen);
  if (!quiz.one_a_page) {
    const watch = new IntersectionObserver((entries) => { // the question that crosses the upper third is the one in view
      const entry = entries.find(({ isIntersecting }) => isIntersecting);
      if (!entry) return;
      look(questions.findIndex(({ element }) => element === entry.target));
      drawSheet();
    }, { rootMargin: '-30% 0px -65% 0px' });
    for (const { element } of questions) watch.observe(element);
  }
}

function main() {
  for (const [i, entry] of Object.entries(outbox.waiting)) answers[i] = entry.a;
  for (const question of questions) {
    const { i } = question.face;
    question.show(answers[i] ?? null);
    question.mark(flags.has(i));
    if (sitting.told?.[i]) question.reveal(sitting.told[i]);
  }
  clock.sync(sitting);
  if (!quiz.one_a_page) $('paper').replaceChildren(...questions.map(({ element }) => element));
  wire();
  go(memo.at ?? unanswered()[0] ?? 0, true);
  standing(sitting);
  draw();
  outbox.flush();
  poll.timer = setTimeout(poll, EVERY);
}

main();
