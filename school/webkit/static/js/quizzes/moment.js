// Questions at a moment of a lesson: playing stops there, asks, hands the answers in as a sitting of its own, and goes on.
import { call } from '../call.js';
import { $, icon, make, tell } from '../dom.js';
import { player } from '../player/player.js';
import { post } from '../player/outbox.js';
import { Outbox } from './outbox.js';
import { Question } from './question.js';
import { hush } from './speak.js';

const { video, lesson } = player;
const NEAR = 2; // seconds between two looks at the picture; a longer way was a leap, and leaps are not asked at
const dialog = make('dialog', { class: 'dialog moment stack g4' });
document.body.append(dialog);
let before = null; // where the picture stood at the last look

/** Ask at the moment that was just played past, if it is still open. */
function look() {
  const now = video.currentTime;
  const from = before;
  before = video.seeking || video.paused ? null : now;
  if (from === null || video.seeking || now < from || now - from > NEAR || dialog.open) return;
  const due = lesson.moments.find(({ at_ms, done }) => !done && at_ms > from * 1000 && at_ms <= now * 1000);
  if (due) ask(due);
}

/** Open the questions of a moment over the picture. */
async function ask(moment) {
  video.pause();
  if (document.fullscreenElement) await document.exitFullscreen();
  video.webkitExitFullscreen?.();
  let sitting;
  try {
    sitting = await call('POST', moment.start, new FormData());
  } catch (error) {
    if (error.status) moment.done = true; // it cannot be answered any more: not asked again on this page
    return say(error.status ? error.message : player.words.offline);
  }
  return new Asking(moment, sitting).begin();
}

function say(text) {
  const on = make('button', { class: 'btn ink lg', type: 'button' }, icon('play', 's'), player.words.play);
  on.addEventListener('click', goOn);
  dialog.replaceChildren(make('p', {}, text), make('div', { class: 'btn-row' }, on));
  dialog.showModal();
}

function goOn() {
  hush();
  dialog.close();
  video.play().catch(() => {});
}

class Asking {
  constructor(moment, sitting) {
    const { words, quiz, questions } = sitting;
    Object.assign(this, { moment, sitting, words, at: 0, waiting: new Map(), answers: { ...sitting.answers } });
    this.outbox = new Outbox(sitting, (answer, error) => this.heard(answer, error));
    const told = { changed: (i, a) => { this.answers[i] = a; this.outbox.put(i, a, 0); } };
    if (quiz.show === 'at_once') told.asked = (i, a) => this.asked(i, a);
    this.questions = questions.map((face) => new Question(face, questions.length, words, told));
    this.next = make('button', { class: 'btn ink lg', type: 'button' });
    this.next.addEventListener('click', () => this.step());
    this.later = make('button', { class: 'btn lg', type: 'button' }, words.later);
    this.later.addEventListener('click', goOn);
    this.place = make('div');
    this.trouble = make('p', { class: 'note warn', role: 'alert', hidden: true });
  }

  begin() {
    for (const question of this.questions) {
      const { i } = question.face;
      question.show(this.outbox.waiting[i]?.a ?? this.answers[i] ?? null);
      if (this.sitting.told[i]) question.reveal(this.sitting.told[i]);
    }
    dialog.setAttribute('aria-label', this.moment.title);
    dialog.replaceChildren(make('p', { class: 't2 mute' }, this.moment.title), this.place, this.trouble, make('div', { class: 'btn-row' }, this.next, this.later));
    dialog.showModal();
    this.outbox.flush();
    this.show();
  }

  show() {
    this.place.replaceChildren(this.questions[this.at].element);
    this.next.textContent = this.at < this.questions.length - 1 ? this.words.next : this.words.hand;
    this.questions[this.at].focus();
  }

  step() {
    hush();
    if (this.at === this.questions.length - 1) return this.handIn();
    this.at += 1;
    return this.show();
  }

  asked(i, a) {
    return new Promise((resolve, reject) => {
      this.waiting.set(i, { resolve, reject });
      this.outbox.put(i, a, 0);
    });
  }

  heard(answer, error) {
    if (error) {
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
      if (error.status && error.status < 500) tell(this.trouble, error.message);
      return;
    }
    tell(this.trouble, '');
    for (const told of answer.saved) {
      if (told.key) this.questions[told.i].reveal(told);
      this.waiting.get(told.i)?.resolve();
    }
    for (const { i, message } of answer.refused) {
      this.questions[i]?.fail(message);
      this.waiting.get(i)?.reject(Object.assign(new Error(message), { status: 409 }));
    }
    this.waiting.clear();
  }

  async handIn() {
    this.next.disabled = true;
    try {
      const { href } = await post(this.sitting.urls.submit, this.outbox.message());
      this.outbox.stopped = true;
      this.outbox.drop();
      this.done(href);
    } catch (error) {
      this.next.disabled = false;
      if (error.code === 'attempt.over') this.done(this.sitting.urls.result);
      else tell(this.trouble, error.status ? error.message : this.words.notYet);
    }
  }

  done(href) {
    this.moment.done = true;
    draw();
    const on = make('button', { class: 'btn ink lg', type: 'button' }, icon('play', 's'), this.words.on);
    on.addEventListener('click', goOn);
    dialog.replaceChildren(make('p', { role: 'status' }, this.words.handed), make('div', { class: 'btn-row' }, on, make('a', { class: 'btn lg', href, target: '_blank' }, this.words.result)));
    on.focus();
  }
}

/** The list below the picture: what is answered has its mark. */
function draw() {
  lesson.moments.forEach(({ done }, at) => { $('moments').querySelectorAll('[data-done]')[at].hidden = !done; });
}

$('moments').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const moment = button && lesson.moments[button.dataset.moment];
  if (!moment) return;
  player.seek(moment.at_ms / 1000);
  if (!moment.done) ask(moment);
});
dialog.addEventListener('cancel', hush);
for (const event of ['timeupdate', 'seeking', 'pause']) video.addEventListener(event, look);
