// The member's room: joins the connection, the stage and what people do in it. Everything it says stands in `#words`.
import { Ask } from './ask.js';
import { $, clock, fill, read, tell } from '../dom.js';
import { Hand } from './hand.js';
import { connect } from './link.js';
import { Moments } from './moments.js';
import { Picture } from './picture.js';
import { Polls } from './polls.js';
import { Stage } from './stage.js';
import { Talk } from './talk.js';

const WATCHING_MS = 30_000;
const OFFLINE_MS = 1_500; // shorter breaks are nobody's business

const room = read('room');
const words = read('words');
const link = connect({ id: room.id, side: 'room' });
const stage = new Stage(room.slides, (page) => fill(words.page, { n: page }));
const picture = new Picture(stage, room, words.picture, drawTools);
const talk = new Talk(link, words.talk, room);
const ask = new Ask(link, words.ask, room);
const polls = new Polls(link, words.polls, announce);
const moments = new Moments(link, words.moments, room, announce);
const hand = new Hand(link, words.hand, room, picture.sound, announce);

const me = { muted: false, counted: null };
let state = room.state;
let rules = { chat: true };
let online = null;
let over = false;
let watched = null;

// ── what is said ────────────────────────────────────────

/** One sentence for everybody, heard by screen readers too; `stays` puts it into the talk as a note. */
function announce(text, stays = false) {
  $('told').textContent = text;
  if (stays) tell($('notice').lastElementChild, text);
  if (stays) $('notice').hidden = false;
}

function drawTop() {
  const running = state === 'live' || state === 'paused';
  $('state').textContent = !running ? words.states[state] : online === false ? words.reconnecting : words.states[state];
  $('state').classList.toggle('still', state !== 'live' || online === false);
  const since = Math.floor((link.now() - room.started_ms) / 60_000);
  const taught = running && room.started_ms && since > 0 ? `　${fill(words.taught, { n: since })}` : '';
  $('since').textContent = `　${room.trainer}${taught}`;
  const minutes = Math.floor((me.counted ?? 0) / 60_000);
  $('counted').hidden = !minutes || !room.member;
  if (minutes) $('counted').lastElementChild.textContent = fill(words.counted, { n: minutes });
}

function drawTools() {
  $('mode').value = picture.rung;
  $('mode').disabled = !picture.running;
  $('swap').hidden = !picture.two;
  $('swap').setAttribute('aria-pressed', String(!picture.swapped));
  $('swap').lastElementChild.textContent = picture.slides ? words.slides : words.screen;
  const { off, silent } = picture.sound;
  $('mute').setAttribute('aria-pressed', String(off));
  const use = $('mute').querySelector('use');
  use.setAttribute('href', use.getAttribute('href').replace(/#.*/, off ? '#soundoff' : '#sound'));
  if (watched !== picture.mode) report();
  $('sound-ask').hidden = !silent || picture.mode === 'none';
}

/** What the line at the bottom is for follows from the tab, and from what is allowed. */
function drawSay() {
  const asking = $('tab-ask').getAttribute('aria-selected') === 'true';
  const closed = over || me.muted || (!asking && !rules.chat);
  $('say').disabled = closed;
  const why = over ? words.over : me.muted ? words.muted : words.chatOff;
  $('say').placeholder = closed ? why : asking ? words.askHint : words.sayHint;
  document.querySelector('label[for=say]').textContent = asking ? words.askLabel : words.sayLabel;
  document.querySelector('.send-b').disabled = closed;
}

function drawPresent({ present, expected }) {
  if (present !== undefined) me.present = present;
  if (expected !== undefined) me.expected = expected;
  $('present').textContent = me.present || '';
  $('people-t').textContent = fill(me.expected ? words.presentOf : words.present, { n: me.present ?? 0, m: me.expected });
}

// ── the class ───────────────────────────────────────────

/** The class turned: begin, pause, go on, end, or stop. */
function become(next, at) {
  if (next === 'rehearsal') return; // the trainer's side alone
  if (next === 'live' && !room.started_ms) room.started_ms = at;
  state = next;
  over = state in words.ends || state === 'ended';
  picture.outside = outside();
  picture.become(state);
  hand.enable(!over && state !== 'approved' && !me.muted);
  if (over) leave();
  drawTop();
  drawSay();
}

/** The cover before and after the class. */
function outside() {
  if (state === 'live' || state === 'paused') return { icon: 'live', text: words.picture.opening }; // until the connection says more
  if (state === 'approved') {
    const left = Math.ceil((room.starts_ms - link.now()) / 60_000);
    const text = fill(words.startsAt, { time: clock(room.starts_ms, room.zone) });
    return { icon: 'cal', text, detail: left > 0 ? fill(left > 90 ? words.later : words.startsIn, { n: left }) : words.soon };
  }
  if (state === 'ended') {
    return { icon: 'check', text: words.ended, detail: $('counted').textContent.trim(), href: room.replay, action: words.toReplay };
  }
  const gone = state === 'stopped';
  return { icon: gone ? 'stop' : 'info', ...words.ends[state], href: gone ? room.home : room.page, action: gone ? words.toHome : words.toPage };
}

function leave() {
  hand.over();
  polls.dismiss();
}

link.on('state', (line, { past }) => { if (!past) become(line.body.state, line.at_ms); });
link.on('welcome', (welcome) => {
  const { me: mine, state: now } = welcome;
  me.muted = mine.muted;
  me.counted = mine.counted_ms;
  rules = now.rules;
  room.started_ms = welcome.class.started_ms;
  picture.setSources(now.sources);
  picture.turnTo(now.slide.page, now.slide.pages);
  drawPresent(now);
  become(welcome.class.state);
});
link.on('sources', ({ body }, { past }) => { if (!past) picture.setSources(body.sources); });
link.on('slide', (line) => chapter(line));
link.on('slide', ({ body }, { past }) => { if (!past) picture.turnTo(body.page, body.pages); });
link.on('rules', ({ body }, { past }) => { if (!past) { rules = body; drawSay(); } });
link.on('muted', ({ body }, { past }) => {
  if (past || body.account_id !== room.account_id) return;
  me.muted = body.on;
  hand.enable(!over && state !== 'approved' && !me.muted);
  announce(body.on ? words.muted : words.unmuted, true);
  drawSay();
});
link.on('tick', (tick) => { if (tick.present !== undefined) drawPresent(tick); });
link.on('counted', ({ counted_ms: counted }) => { me.counted = counted; drawTop(); });
link.on('refused', (error) => {
  over = true;
  picture.outside = { icon: 'info', text: error.message, href: room.home, action: words.toHome };
  picture.become('refused');
  hand.enable(false);
  drawSay();
});
link.on('online', () => connection(true));
link.on('offline', () => connection(false));
link.on('settled', () => talk.drawWaiting(online !== false));

function connection(now) {
  clearTimeout(connection.timer);
  const show = () => {
    online = now;
    talk.drawWaiting(online);
    drawTop();
  };
  if (now) show();
  else connection.timer = setTimeout(show, OFFLINE_MS);
}

/** 课件目录: each page once, at the moment the trainer first came to it. */
function chapter({ at_ms: at, body: { page } }) {
  const list = $('chapters');
  for (const item of list.children) item.firstElementChild.removeAttribute('aria-current');
  let item = list.querySelector(`[data-page="${page}"]`);
  if (!item) {
    item = document.createElement('li');
    item.dataset.page = page;
    const row = document.createElement('span');
    row.className = 'turn';
    const time = document.createElement('span');
    time.className = 'num';
    time.textContent = clock(at, room.zone);
    row.append(time, fill(words.page, { n: page }));
    item.append(row);
    list.append(item);
  }
  item.firstElementChild.setAttribute('aria-current', 'true');
  item.scrollIntoView({ block: 'nearest' });
  $('strip').hidden = false;
}

// ── what the person does ────────────────────────────────

async function submit() {
  const text = $('say').value.trim();
  if (!text) return;
  const asking = $('tab-ask').getAttribute('aria-selected') === 'true';
  tell($('say-err'), '');
  $('notice').hidden = $('notice').hidden || !me.muted;
  $('say').value = '';
  const settled = asking ? ask.ask(text) : talk.say(text);
  talk.drawWaiting(online !== false);
  if (asking) announce(words.asking);
  try {
    await settled;
    if (asking) announce(words.asked);
  } catch (error) {
    tell($('say-err'), error.message);
    if (!$('say').value) $('say').value = text; // nothing that was written is lost
  }
}

function wire() {
  $('say-form').addEventListener('submit', (event) => { event.preventDefault(); submit(); });
  $('say').addEventListener('input', () => tell($('say-err'), ''));
  for (const tab of document.querySelectorAll('[role=tab]')) {
    tab.addEventListener('click', () => setTimeout(drawSay));
    tab.addEventListener('keydown', () => setTimeout(drawSay));
  }
  $('to-ask').addEventListener('click', () => { $('tab-ask').click(); setTimeout(() => $('say').focus()); });
  $('mute').addEventListener('click', () => (picture.sound.silent ? picture.sound.press() : picture.sound.mute(!picture.sound.muted)));
  $('unmute').addEventListener('click', () => picture.sound.press());
  $('mode').addEventListener('change', () => picture.choose($('mode').value));
  $('swap').addEventListener('click', () => picture.swap());
  setInterval(() => {
    drawTop();
    picture.outside = outside();
    if (!picture.running && !over) picture.arrange();
  }, 10_000);
  setInterval(report, WATCHING_MS);
}

/** Tell the class how its pictures arrive. */
function report() {
  if (!online) return;
  watched = picture.mode;
  link.ask('watching', { mode: watched, stalls: picture.stalls }).catch(() => {});
}

wire();
picture.outside = outside();
picture.arrange();
drawTop();
drawTools();
