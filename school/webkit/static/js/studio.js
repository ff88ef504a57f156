// The trainer's studio: files become lessons, uploads run one after another, and every card shows how its file is doing.
import { call } from './call.js';
import { Sending } from './upload.js';

const words = JSON.parse(document.getElementById('words').textContent);
const csrf = document.querySelector('meta[name=csrf-token]').content;
const drop = document.querySelector('[data-drop]');
const course = drop?.dataset.course;
const slots = document.querySelector('[data-slots]');
const picker = document.querySelector('[data-files]');
const refusal = document.querySelector('[data-refusal]');
const queue = []; // what waits for its turn: {card, file}
const active = new Map(); // lesson id → Sending
let target = null; // the card a file is being chosen for; null: new lessons

// ── words ────────────────────────────────────────────────
const say = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);

function size(bytes) {
  for (const [unit, step] of [['GB', 1024 ** 3], ['MB', 1024 ** 2]]) {
    if (bytes >= step) return `${(bytes / step).toFixed(bytes / step < 10 ? 1 : 0)} ${unit}`;
  }
  return `${Math.max(1, Math.round(bytes / 1024))} KB`;
}

function left(seconds) {
  if (seconds < 60) return words.under_a_minute;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? say(words.minutes, { n: minutes }) : say(words.hours, { n: Math.round(minutes / 60) });
}

function refuse(text) {
  refusal.hidden = !text;
  refusal.lastElementChild.textContent = text;
  if (text) refusal.scrollIntoView({ block: 'nearest' });
}

// ── cards ────────────────────────────────────────────────
const cardOf = (lesson) => document.querySelector(`[data-lesson="${lesson}"]`);

function show(card, { tag, text, permille }) {
  const [label, line, bar] = ['[data-tag]', '[data-words]', '[data-bar]'].map((name) => card.querySelector(name));
  if (label && tag) label.textContent = tag;
  if (line && text && line.textContent !== text) line.textContent = text;
  if (bar && permille !== undefined) bar.value = permille;
}

/** The card as the server draws it now. */
async function redraw(card) {
  const response = await fetch(card.dataset.url, { credentials: 'same-origin' });
  if (!response.ok) return card;
  const box = document.createElement('template');
  box.innerHTML = (await response.text()).trim();
  const fresh = box.content.firstElementChild;
  card.replaceWith(fresh);
  settle();
  return fresh;
}

/** Sending to review opens when every lesson is ready. */
function settle() {
  const submit = document.querySelector('[data-submit]');
  if (!submit) return;
  const all = [...slots.querySelectorAll('[data-lesson]')];
  const waiting = all.filter((card) => card.dataset.state !== 'ready').length;
  submit.disabled = !all.length || waiting > 0;
  for (const name of ['primary', 'lg']) submit.classList.toggle(name, !submit.disabled);
  drop.querySelector('[data-choose-new]').className = submit.disabled ? 'btn primary lg' : 'btn ink';
  document.querySelector('[data-submit-words]').textContent =
    !all.length ? words.submit_empty : waiting ? say(words.submit_waiting, { n: waiting }) : words.submit_ready;
}

// ── the worker's progress ────────────────────────────────
const QUICK = 2000;
const SLOW = 15_000;
const BUSY = ['uploading', 'checking', 'transcoding'];
const watched = new Set(); // asset ids

/** Ask how an asset is doing until it is ready or has failed; more seldom while nothing moves or nobody looks. */
async function watch(card) {
  const asset = card.dataset.asset;
  if (!asset || watched.has(asset) || !BUSY.includes(card.dataset.state)) return;
  watched.add(asset);
  let pause = QUICK;
  let first = null; // [ms, permille] when this state was first seen
  let last = '';
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? SLOW : pause));
    if (!card.isConnected) card = cardOf(card.dataset.lesson);
    if (!card || card.dataset.asset !== asset) break;
    if (active.has(card.dataset.lesson)) continue;
    let status;
    try {
      status = await call('GET', `/media/assets/${asset}`);
    } catch (error) {
      if (error.status === 403 || error.status === 404) break;
      pause = Math.min(SLOW, pause * 2);
      continue;
    }
    if (status.state !== card.dataset.state || (status.timeline_id && !card.hasAttribute('data-playable'))) {
      card = await redraw(card);
      first = null;
    }
    if (!BUSY.includes(card.dataset.state)) break; // by the card: a redrawing that failed is tried again
    const seen = `${status.state} ${status.stage} ${status.progress}`;
    pause = seen === last ? Math.min(SLOW, pause * 1.3) : QUICK;
    last = seen;
    if (status.state !== 'uploading') show(card, progress(status, (first ??= [performance.now(), status.progress])));
  }
  watched.delete(asset);
}

function progress(status, [since, from]) {
  const percent = Math.floor(status.progress / 10);
  const gone = (performance.now() - since) / 1000;
  const rate = (status.progress - from) / gone;
  const more = gone > 8 && rate > 0 ? left((1000 - status.progress) / rate) : '';
  return {
    tag: status.state === 'transcoding' ? say(words.transcoding, { n: percent }) : undefined,
    text: [status.message, more].filter(Boolean).join(words.comma) + words.stop,
    permille: status.progress || undefined,
  };
}

// ── uploads ──────────────────────────────────────────────
const memory = (file) => `school-lesson-${course}-${file.name}-${file.size}-${file.lastModified}`;

function take(file) {
  if (file.size > Number(drop.dataset.limit)) {
    refuse(say(words.too_large, { name: file.name, size: size(file.size), limit: size(Number(drop.dataset.limit)) }));
    return false;
  }
  if (!file.size) {
    refuse(say(words.empty, { name: file.name }));
    return false;
  }
  return true;
}

/** A new lesson for the file, or the one where the same file was left unfinished. */
async function lessonFor(file) {
  const known = cardOf(localStorage.getItem(memory(file)));
  if (known?.dataset.state === 'uploading') return known;
  const { id } = await call('POST', `/studio/courses/${course}/lessons`, { file: file.name });
  localStorage.setItem(memory(file), id);
  const card = document.createElement('li');
  card.dataset.url = `/studio/courses/${course}/lessons/${id}`;
  slots.append(card);
  return redraw(card);
}

async function add(files) {
  refuse('');
  for (const file of [...files].filter(take)) {
    try {
      enqueue(await lessonFor(file), file);
    } catch (error) {
      refuse(error.message);
      return;
    }
  }
}

function enqueue(card, file) {
  queue.push({ lesson: card.dataset.lesson, file });
  card.querySelector('[data-choose]')?.setAttribute('hidden', '');
  show(card, { text: words.queued, tag: words.waiting_tag });
  next();
}

function next() {
  if (active.size || !queue.length) return;
  const { lesson, file } = queue.shift();
  send(lesson, file);
}

function send(lesson, file) {
  let sent = 0;
  let attached = null; // the asset this lesson has been told to play
  let attaching = Promise.resolve();
  const attach = async (id) => {
    attached = id;
    if (cardOf(lesson)?.dataset.asset === String(id)) return;
    await call('POST', `/studio/courses/${course}/lessons/${lesson}/file`, { asset_id: id });
    const card = cardOf(lesson);
    if (card) await redraw(card);
    if (active.has(lesson)) pausable(cardOf(lesson), sending);
  };
  const end = async () => {
    await attaching;
    active.delete(lesson);
    next();
    const card = cardOf(lesson);
    if (card) watch(await redraw(card));
  };
  const sending = new Sending(file, {
    key: `school-${course}-${lesson}-${file.name}-${file.size}-${file.lastModified}`,
    title: cardOf(lesson)?.querySelector('[data-title]')?.textContent ?? file.name,
    csrf,
    handlers: {
      asset(id) {
        if (id !== attached) attaching = attach(id).catch((error) => refuse(error.message));
      },
      progress(now) {
        sent = now.sent;
        const card = cardOf(lesson);
        if (!card || sending.paused) return;
        const text = now.speed
          ? say(words.sent, { done: size(sent), speed: size(now.speed), left: left(now.left) })
          : say(words.sent_only, { done: size(sent) });
        show(card, { tag: say(words.uploading, { n: Math.floor((sent * 100) / now.size) }), text, permille: (sent * 1000) / now.size });
      },
      waiting() { show(cardOf(lesson), { tag: words.offline_tag, text: say(words.offline, { done: size(sent) }) }); },
      done() { localStorage.removeItem(memory(file)); end(); },
      refused(sentence) { refuse(sentence || words.refused); end(); },
    },
  });
  active.set(lesson, sending);
  pausable(cardOf(lesson), sending);
  sending.start();
}

/** Let the card's button pause and resume what is being sent into it. */
function pausable(card, sending) {
  card.querySelector('[data-choose]')?.setAttribute('hidden', '');
  const button = card.querySelector('[data-pause]');
  if (!button) return;
  button.hidden = false;
  button.onclick = async () => {
    if (sending.paused) sending.resume(); else await sending.pause();
    button.lastElementChild.textContent = sending.paused ? words.resume : words.pause;
    button.querySelector('use').setAttribute('href', button.querySelector('use').getAttribute('href').replace(/#\w+$/, sending.paused ? '#play' : '#pause'));
    if (sending.paused) show(card, { tag: words.paused_tag, text: words.paused });
  };
}

// ── hands ────────────────────────────────────────────────
if (drop) {
  drop.querySelector('[data-choose-new]').addEventListener('click', () => { target = null; picker.multiple = true; picker.click(); });
  picker.addEventListener('change', () => {
    const files = [...picker.files];
    picker.value = '';
    if (!target) { add(files); return; }
    refuse('');
    const card = cardOf(target);
    if (card && files[0] && take(files[0])) enqueue(card, files[0]);
  });
  for (const name of ['dragenter', 'dragover']) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add('over'); });
  for (const name of ['dragleave', 'drop']) drop.addEventListener(name, () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => { event.preventDefault(); add(event.dataTransfer.files); });
  addEventListener('beforeunload', (event) => { if (active.size) event.preventDefault(); });
}
slots?.addEventListener('click', async (event) => {
  const card = event.target.closest('[data-lesson]');
  if (event.target.closest('[data-choose]')) {
    target = card.dataset.lesson;
    picker.multiple = false;
    picker.click();
  } else if (event.target.closest('[data-retry]')) {
    try {
      await call('POST', `/media/assets/${card.dataset.asset}/retry`);
      watch(await redraw(card));
    } catch (error) {
      refuse(error.message);
    }
  }
});
for (const card of slots?.querySelectorAll('[data-lesson]') ?? []) watch(card);
