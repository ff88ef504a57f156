// 讲师台: joins the room's connection, what this desk sends and receives, and everything the trainer does in class.
import { call } from '../call.js';
import { Devices, Level } from './desk_devices.js';
import { Hands } from './desk_hands.js';
import { Polls } from './desk_polls.js';
import { Questions } from './desk_questions.js';
import { Roll } from './desk_roll.js';
import { Sending } from './desk_sending.js';
import { Slides } from './desk_slides.js';
import { Talk } from './desk_talk.js';
import { View } from './desk_view.js';
import { $, fill, read, tell } from '../dom.js';
import { connect } from './link.js';

const OFFLINE_MS = 1_500; // shorter breaks are nobody's business

const desk = read('desk');
const words = read('words');
const link = connect({ id: desk.id, side: 'desk' });
const now = { state: desk.state, rehearsal: desk.rehearsal, online: true, wanted: desk.teaches, speaking: false, sent: false, tried: false, told: '', left: false };
const tools = { failed, confirm, ask: words.ask };

const devices = new Devices(words.devices, deviceChanged, notice);
const level = new Level(words.level);
const slides = new Slides(desk, link, words.slides, { changed: () => view.draw(), failed });
const view = new View(desk.id, devices, slides, words.view);
const sending = new Sending(desk.id, devices, words.health, { changed: tellSources, refused: sendingRefused });
const talk = new Talk(link, words.chat, tools);
const questions = new Questions(link, words.questions, tools);
const polls = new Polls(desk, link, words.polls, tools);
const roll = new Roll(link, words.roll, words.watching, tools);
new Hands(link, words.hands, { failed, speaking: (on) => { now.speaking = on; arrange(); } });

// ── what is said to the trainer ─────────────────────────

function failed(error) {
  tell($('trouble').lastElementChild, error?.message || '');
  $('trouble').hidden = !error?.message;
  if (error?.message) setTimeout(() => { if ($('trouble').textContent.trim() === error.message) $('trouble').hidden = true; }, 12_000);
}

function notice(text) {
  tell($('notice').lastElementChild, text);
  $('notice').hidden = !text;
}

/** A question that must be answered; true for yes. */
function confirm({ title, text, yes, no }) {
  const dialog = $('ask-dialog');
  const [agree, decline] = dialog.querySelectorAll('button');
  $('ask-t').textContent = title;
  $('ask-d').textContent = text;
  agree.textContent = yes;
  decline.textContent = no;
  dialog.returnValue = 'no';
  dialog.showModal();
  decline.focus();
  return new Promise((answered) => {
    agree.onclick = () => dialog.close('yes');
    decline.onclick = () => dialog.close('no');
    dialog.onclose = () => answered(dialog.returnValue === 'yes');
  });
}

// ── the class's state ───────────────────────────────────

const running = () => now.state === 'live' || now.state === 'paused';

/** Everything that follows from the state: buttons, what is sent, what is received. */
function arrange() {
  const sends = now.wanted && devices.open && (running() || now.rehearsal);
  const shown = {
    rehearse: now.state === 'approved' && !now.rehearsal && devices.open,
    'leave-rehearsal': now.state === 'approved' && now.rehearsal,
    start: now.state === 'approved',
    pause: now.state === 'live',
    resume: now.state === 'paused',
    end: running(),
  };
  for (const button of document.querySelectorAll('[data-act]')) button.hidden = !shown[button.dataset.act];
  sending.turn(sends);
  view.set({ state: now.state, rehearsal: now.rehearsal, sends, speaking: now.speaking });
  slides.running = running();
  polls.enable(running());
  roll.enable(running());
  $('devices').hidden = sends;
  $('srcs').hidden = !devices.open;
  if (sends && !now.sent) $('chosen').open = false; // chosen once; it opens again by a tap
  now.sent = sends;
  drawState();
  tellSources();
}

function drawState() {
  const word = now.rehearsal && now.state === 'approved' ? 'rehearsal' : now.state;
  let text = words.states[word];
  if (running() && desk.started_ms) {
    const seconds = Math.max(0, Math.floor((link.now() - desk.started_ms) / 1000));
    const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (number) => String(number).padStart(2, '0');
    text += ` ${hours ? `${hours}:${two(minutes)}` : minutes}:${two(rest)}`;
  }
  $('state').firstChild.nodeValue = text;
  $('state').classList.toggle('still', now.state !== 'live');
}

function become(state, at) {
  if (state === 'rehearsal' || state === 'closed') now.rehearsal = state === 'rehearsal';
  else {
    now.state = state;
    now.rehearsal = false;
    if (state === 'live') desk.started_ms ??= at;
  }
  if (!['approved', 'live', 'paused'].includes(now.state)) return void leave();
  arrange();
}

/** The class is over: its own page says what it came to. Told by the answer and by the log, gone to once. */
function leave() {
  if (now.left) return;
  now.left = true;
  sending.turn(false);
  devices.stop();
  location.assign(`/live/${desk.id}`);
}

async function act(verb, button) {
  failed(null);
  if (verb === 'start' && !await confirm(devices.open || !desk.teaches ? words.ask.start : words.ask.startBlind)) return;
  if (verb === 'end' && !await confirm(words.ask.end)) return;
  button.disabled = true;
  try {
    const [path, body] = { rehearse: ['rehearse', { on: true }], 'leave-rehearsal': ['rehearse', { on: false }] }[verb] || [verb, {}];
    const answer = await call('POST', `/live/${desk.id}/${path}`, body);
    become(answer.state, link.now());
    if (verb === 'start' && slides.pages) slides.tell();
  } catch (error) {
    failed(error);
  } finally {
    button.disabled = false;
  }
}

// ── devices and what is sent ────────────────────────────

function deviceChanged(name, track) {
  sending.put(name, track);
  if (name === 'mic') level.listen(track);
  drawSources();
  arrange();
}

function drawSources() {
  $('s-camera').setAttribute('aria-pressed', String(Boolean(devices.camera)));
  $('s-mic').setAttribute('aria-pressed', String(Boolean(devices.mic?.enabled)));
  $('s-screen').setAttribute('aria-pressed', String(Boolean(devices.screen)));
}

/** Tell the room what arrives, once for every change. */
function tellSources() {
  if (!running() || !sending.on) {
    now.told = '';
    return;
  }
  const names = sending.sources;
  if (names.join() === now.told) return;
  now.told = names.join();
  link.send('sources', { sources: names }).catch(failed);
}

/** The relay will not have us: another page sends, or the browser cannot. Nothing is tried again by itself. */
function sendingRefused(error, part) {
  if (part === 'screen') devices.take('screen', null);
  else {
    now.wanted = false;
    $('devices-t').textContent = error.code === 'stream.replaced' ? words.devices.replaced : error.message;
    $('try').hidden = false;
    arrange();
    return;
  }
  if (error.message) failed(error);
}

async function tryDevices() {
  now.tried = true;
  const button = $('try');
  tell($('devices-err').lastElementChild, '');
  $('devices-err').hidden = true;
  if (!desk.teaches && running() && !await confirm(words.ask.takeOver)) return;
  button.disabled = true;
  try {
    if (!devices.open) notice(await devices.request());
    now.wanted = true;
    $('devices-t').textContent = words.devices.ready;
    button.hidden = true;
    arrange();
  } catch (error) {
    tell($('devices-err').lastElementChild, error.message);
    $('devices-err').hidden = false;
  } finally {
    button.disabled = false;
  }
}

/** A page loaded again in the middle of a class goes on by itself, when the browser still allows the devices. */
async function goOn() {
  now.tried = true;
  if (performance.getEntriesByType('navigation')[0]?.type !== 'reload') return; // a second page should not take over
  const allowed = await Promise.all(['camera', 'microphone'].map((name) => navigator.permissions.query({ name }))).catch(() => []);
  if (allowed.length && allowed.every(({ state }) => state === 'granted')) tryDevices();
}

// ── wiring ──────────────────────────────────────────────

link.on('state', (line, { past }) => { if (!past) become(line.body.state, line.at_ms); });
link.on('welcome', ({ class: live }) => {
  desk.started_ms = live.started_ms;
  now.told = '';
  become(live.state, live.started_ms);
  if (desk.teaches && !now.tried && (running() || now.rehearsal)) goOn();
});
link.on('notice', ({ code, on }) => notice(on ? words.notices[code] : ''));
link.on('refused', (error) => {
  failed({ message: fill(words.refused, { why: error.message }) });
  sending.turn(false);
});
link.on('offline', () => { now.timer = setTimeout(() => notice(words.offline), OFFLINE_MS); });
link.on('online', () => { clearTimeout(now.timer); if ($('notice').textContent.trim() === words.offline) notice(''); });

for (const button of document.querySelectorAll('[data-act]')) button.addEventListener('click', () => act(button.dataset.act, button));
for (const button of $('seg').children) {
  button.addEventListener('click', () => {
    for (const other of $('seg').children) other.setAttribute('aria-pressed', String(other === button));
    questions.show(button.dataset.show);
    talk.show(button.dataset.show);
  });
}
$('try').addEventListener('click', tryDevices);
$('s-camera').addEventListener('click', async () => { await devices.toggle('camera'); drawSources(); });
$('s-mic').addEventListener('click', async () => { await devices.toggle('mic'); drawSources(); });
$('s-screen').addEventListener('click', () => devices.share());
addEventListener('beforeunload', (event) => { if (sending.on && running()) event.preventDefault(); });
setInterval(drawState, 1_000);
slides.draw();
drawSources();
arrange();
