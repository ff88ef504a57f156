// A page with a player: puts the picture, its controls, the ribbon and the counting together. Everything it says stands in
// the page's `#words`, everything it knows in `#lesson`.
import { call } from '../call.js';
import { Check } from './check.js';
import { clock, measure, union } from './intervals.js';
import { listen } from './keys.js';
import { recall, remember } from './memo.js';
import { deliver, waiting } from './outbox.js';
import { Reasons } from './reasons.js';
import { Ribbon } from './ribbon.js';
import { openSource } from './source.js';
import { Study } from './study.js';

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const $ = (id) => document.getElementById(id);
const lesson = read('lesson');
const words = read('words');
const video = $('video');
const frame = $('frame');
const start = lesson.in_ms || 0; // trim: the page shows [start, length_ms] of the recording and counts time from there
const fill = (text, values) => text.replace(/%\((\w+)\)[sd]/g, (_all, name) => values[name]);

let source = null;
let pressed = false;
let study = null;
let check = null;
let reasons = null;
const ribbon = new Ribbon($('ribbon'), words.ribbon, (seconds) => seek(seconds));

// ── what the page shows ─────────────────────────────────

/** One line over the picture, also spoken; empty takes it away. */
function say(text = '') {
  if ($('says').textContent !== text) $('says').textContent = text;
  $('says').hidden = !text;
}

function length() {
  return lesson.growing && Number.isFinite(video.duration) ? Math.max(video.duration * 1000, lesson.length_ms) : lesson.length_ms;
}

function drawTime() {
  const at = source?.position ?? lesson.position_ms / 1000;
  $('now').textContent = clock(Math.max(at * 1000 - start, 0));
  $('length').textContent = clock(length() - start);
  ribbon.move(at);
}

function drawRibbon() {
  const known = study?.ticket ? study : lesson.study || { covered: [], refused: [] };
  const pending = study ? study.pending : [];
  ribbon.draw({ covered: known.covered, refused: known.refused, pending, start, length: length() });
  reasons?.show(known.refused);
  if (lesson.study) drawNeed(measure(union([...known.covered, ...pending])));
  drawTime();
}

/** 这门课再看 n 分钟即学完（九成），各节一共 */
function drawNeed(mine) {
  const left = lesson.study.need_ms - lesson.study.elsewhere_ms - mine;
  $('need').hidden = lesson.study.done || left <= 0;
  $('need').textContent = fill(words.need, { n: Math.ceil(left / 60_000) });
}

function drawPlaying() {
  const playing = !video.paused && !video.ended;
  const button = $('play');
  button.setAttribute('aria-label', playing ? words.pause : words.play);
  const use = button.querySelector('use');
  use.setAttribute('href', use.getAttribute('href').replace(/#.*/, playing ? '#pause' : '#play'));
  frame.classList.toggle('playing', playing);
}

function drawSound() {
  $('mute').setAttribute('aria-pressed', String(video.muted));
  $('volume').value = video.muted ? 0 : video.volume;
}

function drawSpeeds(limit) {
  for (const option of $('rate').options) option.hidden = option.disabled = Number(option.value) > limit;
}

function drawQualities() {
  const able = source.qualities;
  for (const option of $('quality').options) option.hidden = option.disabled = !able.includes(option.value);
  $('quality').value = source.quality;
  $('quality').closest('label').hidden = able.length < 2;
}

function drawSaving() {
  const text = study.saving === 'saved'
    ? fill(words.saved, { time: study.savedAt.toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit', hour12: false }) })
    : words[study.saving] || '';
  $('saved').classList.toggle('wait', ['waiting', 'busy'].includes(study.saving));
  $('saved').hidden = !text;
  if ($('saved').textContent !== text) $('saved').textContent = text;
}

/** Show the one standing note that fits: superseded, capped, lost; none when all is well. */
function drawNotes() {
  for (const name of ['superseded', 'capped']) $(name).hidden = study.state !== name;
  $('lost').hidden = !study.lost;
}

// ── playing ─────────────────────────────────────────────

/** Play on; the first time a play session is opened, so that what is seen counts from its first second. */
async function play() {
  pressed = true;
  if (!source) return; // pressed early: main() plays when there is something to play
  $('start').hidden = true;
  source.begin();
  say(words.loading);
  try {
    if (study && !study.earning) drawSpeeds((await study.begin()).rate);
    await video.play();
  } catch (error) {
    if (error.name === 'AbortError') return;
    say(error.name === 'NotAllowedError' ? words.pressAgain : error.status ? error.message : words.offline);
  }
  drawPlaying();
}

const toggle = () => (video.paused || video.ended ? play() : video.pause());

function seek(seconds) {
  source?.seek(Math.max(start / 1000, Math.min(seconds, length() / 1000 - 0.2)));
  drawTime();
}

function watchAgain(seconds) {
  seek(seconds);
  frame.scrollIntoView({ block: 'nearest' });
  play();
}

/** Another device earns now; take the study over to this page, at the place where the other one stood. */
async function takeOver() {
  try {
    const ticket = await study.begin();
    seek(ticket.position_ms / 1000);
    await video.play();
  } catch (error) {
    say(error.status ? error.message : words.offline);
  }
}

function step(options, by) {
  const usable = [...options.options].filter((option) => !option.disabled);
  const next = usable[usable.findIndex((option) => option.selected) + by];
  if (next) {
    options.value = next.value;
    options.dispatchEvent(new Event('change'));
  }
}

function sound(change) {
  video.muted = false;
  video.volume = Math.max(0, Math.min(1, video.volume + change));
}

function full() {
  if (document.fullscreenElement || document.webkitFullscreenElement) (document.exitFullscreen || document.webkitExitFullscreen).call(document);
  else if (frame.requestFullscreen) frame.requestFullscreen();
  else if (frame.webkitRequestFullscreen) frame.webkitRequestFullscreen();
  else video.webkitEnterFullscreen?.(); // an iPhone shows the bare picture
}

const commands = {
  play: toggle,
  back: () => seek(source.position - 10),
  forward: () => seek(source.position + 10),
  louder: () => sound(0.1),
  softer: () => sound(-0.1),
  mute: () => { video.muted = !video.muted; },
  slower: () => step($('rate'), -1),
  faster: () => step($('rate'), 1),
  full,
};

// ── counting ────────────────────────────────────────────

/** The study changed: draw it, and do what the server's answer asks for. */
function told(now, answer) {
  drawRibbon();
  drawSaving();
  drawNotes();
  if (now.state === 'superseded') {
    video.pause();
    if (answer && !$('device').textContent) nameDevice();
  } else $('device').textContent = '';
  if (now.lost) video.pause();
  if (answer?.check || now.state === 'paused') {
    video.webkitExitFullscreen?.();
    check.ask(answer?.check?.answer_ms ?? 0);
  }
  if (now.state === 'paused') check.miss();
  if (answer?.completed && !lesson.study.done) complete(answer.hours);
}

async function nameDevice() {
  const { device } = await call('GET', lesson.study.sessions).catch(() => ({}));
  $('device').textContent = device ? fill(words.onDevice, { device }) : words.elsewhere;
}

function complete(hours) {
  lesson.study.done = true;
  const given = (hours_100) => String(hours_100 / 100);
  const parts = [['group_100', words.groupHours], ['online_100', words.onlineHours]]
    .filter(([name]) => hours?.[name]).map(([name, text]) => fill(text, { hours: given(hours[name]) }));
  $('completed').querySelector('[data-hours]').textContent = parts.join('，');
  $('completed').hidden = false;
  $('need').hidden = true;
}

function resumeAt(position) {
  lesson.position_ms = position;
  $('resume').lastElementChild.textContent = fill(words.resume, { at: clock(position - start) });
  $('restart').hidden = false;
}

function startStudy() {
  reasons = new Reasons($('reasons'), $('reason'), words.reasons, {
    part: lesson.study.part_id, reviews: lesson.study.reviews, asked: lesson.study.asked, start, seek: watchAgain,
  });
  const { claims, checks, sessions } = lesson.study;
  const left = waiting().filter(([, entry]) => entry.part_id === lesson.study.part_id).pop();
  if (left) resumeAt(left[1].position_ms); // this device was the last to play it and could not say so
  deliver(claims, null);
  study = new Study(video, { claims, checks }, () => call('POST', sessions), told);
  check = new Check($('check'), async () => {
    await study.answer();
    if (video.paused) await video.play().catch(() => {});
  }, () => video.pause());
  $('takeover').addEventListener('click', takeOver);
}

// ── the page comes up ───────────────────────────────────

function wire() {
  for (const name of ['play', 'back', 'mute', 'full']) $(name).addEventListener('click', () => commands[name]());
  video.addEventListener('click', toggle);
  $('volume').addEventListener('input', (event) => { video.muted = false; video.volume = event.target.valueAsNumber; });
  $('rate').addEventListener('change', () => { video.playbackRate = video.defaultPlaybackRate = Number($('rate').value); });
  $('quality').addEventListener('change', () => { remember('quality', $('quality').value); source.choose($('quality').value); drawQualities(); });
  $('resume').addEventListener('click', play);
  $('resume').disabled = false; // a press before this would have been lost
  $('restart').addEventListener('click', () => { lesson.position_ms = start; seek(start / 1000); play(); });
  for (const event of ['play', 'pause', 'ended', 'emptied']) video.addEventListener(event, drawPlaying);
  for (const event of ['timeupdate', 'seeking', 'durationchange']) video.addEventListener(event, drawTime);
  video.addEventListener('timeupdate', stopAtEnd);
  video.addEventListener('durationchange', drawRibbon);
  video.addEventListener('volumechange', drawSound);
  video.addEventListener('playing', () => { clearTimeout(wire.stall); say(); });
  for (const event of ['waiting', 'stalled']) video.addEventListener(event, stalled);
  for (const event of ['online', 'offline']) addEventListener(event, stalled);
  video.addEventListener('ended', () => { $('next')?.classList.add('primary'); });
  listen(commands, $('letters'));
  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: lesson.title, artist: lesson.host });
    navigator.mediaSession.setActionHandler('seekbackward', commands.back);
    navigator.mediaSession.setActionHandler('play', play);
    navigator.mediaSession.setActionHandler('pause', () => video.pause());
  }
}

/** The picture stands still though it should move: after a moment say why. */
function stalled() {
  clearTimeout(wire.stall);
  wire.stall = setTimeout(() => {
    if (video.paused || video.readyState > 2) return navigator.onLine && say();
    const atEdge = lesson.growing && video.duration - video.currentTime < 1;
    return say(!navigator.onLine ? words.netGone : atEdge ? words.growing : words.slow);
  }, 600);
}

/** The end was cut off: stop there. */
function stopAtEnd() {
  if (lesson.growing || video.paused || video.currentTime * 1000 < lesson.length_ms || video.duration * 1000 < lesson.length_ms + 500) return;
  video.pause();
}

/** What gives hours has only now been reckoned: count from here, also when the picture already runs. */
async function takeSeat(seat) {
  lesson.study = seat;
  startStudy();
  drawRibbon();
  if (!video.paused) drawSpeeds((await study.begin()).rate);
}

/** What another script of the page may do with the player; seconds of the recording. */
export const player = {
  video, lesson, words, fill, seek, watchFrom: watchAgain, takeSeat, covered: () => (study?.ticket ? study : lesson.study)?.covered || [],
  time: (ms) => clock(Math.max(ms - start, 0)),
};

function broken(what) {
  video.pause();
  say(typeof what === 'string' ? words.broken[what] : what.message);
}

async function main() {
  wire();
  if (lesson.study) startStudy();
  drawSpeeds(lesson.rate);
  drawRibbon();
  source = await openSource(video, lesson.paths, () => call('GET', lesson.renew), broken);
  if (!source) return;
  source.changed = drawQualities;
  source.place = lesson.position_ms / 1000;
  const quality = recall('quality');
  if (quality && source.qualities.includes(quality)) source.choose(quality);
  drawQualities();
  drawTime();
  $('play').disabled = false;
  if (pressed) play();
}

main();
