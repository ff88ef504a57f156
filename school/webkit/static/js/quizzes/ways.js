// The ways a question is answered: choosing, writing, putting in order, matching. Each is made by `way(face, options)`,
// shows an answer in the places as they are served, and tells `changed(answer)` when the person gives another one.
import { fill, icon, make } from '../dom.js';

const REST = 700; // milliseconds without a key before what was written counts as an answer
export const letter = (at) => String.fromCharCode(65 + at);

/** A picture, sound or short video. */
export function medium({ mime, src, alt, width, height }) {
  if (mime.startsWith('image/')) return make('img', { src, alt, width: width || null, height: height || null, class: 'q-pic', loading: 'lazy' });
  if (mime.startsWith('audio/')) return make('audio', { src, controls: true, preload: 'none', class: 'q-sound', 'aria-label': alt });
  return make('video', { src, controls: true, playsinline: true, preload: 'metadata', class: 'q-pic', 'aria-label': alt });
}

/** The text of an option with what belongs to it. */
export const piece = ({ text, media = [] }) => make('span', { class: 'grow stack g2' }, ...(text ? [make('span', {}, text)] : []), ...media.map(medium));

class Way {
  constructor(face, { name, labelled, words, changed }) {
    Object.assign(this, { face, name, labelled, words, changed });
  }

  lock() { for (const field of this.element.querySelectorAll('input, textarea, select, button')) field.disabled = true; }
}

/** 单选, 多选, 判断: [places] in ascending order, or true and false. */
class Choosing extends Way {
  constructor(...rest) {
    super(...rest);
    const { face, words } = this;
    this.judge = face.kind === 'judge';
    const options = this.judge ? [words.yes, words.no].map((text) => ({ text })) : face.options;
    const multi = face.kind === 'multiple';
    this.element = make('div', { class: 'stack g3', role: multi ? 'group' : 'radiogroup', 'aria-labelledby': this.labelled },
      ...options.map((option, at) => make('label', { class: `opt${multi ? ' multi' : ''}` },
        make('input', { type: multi ? 'checkbox' : 'radio', name: this.name, value: at }),
        make('span', { class: 'k', 'aria-hidden': 'true' }, this.judge ? icon(at ? 'close' : 'check', 's') : letter(at)), piece(option))));
    this.inputs = [...this.element.querySelectorAll('input')];
    this.element.addEventListener('change', () => { this.draw(); this.changed(this.answer); });
  }

  get answer() {
    const on = this.inputs.flatMap((input, at) => (input.checked ? [at] : []));
    if (!on.length) return null;
    return this.judge ? on[0] === 0 : on;
  }

  show(answer) {
    const on = answer === null || answer === undefined ? [] : this.judge ? [answer ? 0 : 1] : answer;
    this.inputs.forEach((input, at) => { input.checked = on.includes(at); });
    this.draw();
  }

  /** What is said beside an option: with several right ones, whether it was found. */
  verdict(good, input) {
    const { words } = this;
    const many = input.type === 'checkbox';
    const missed = good && many && !input.checked;
    const text = !good ? words.notThis : missed ? words.missed : many ? words.found : words.rightOne;
    return make('span', { class: `verdict${missed ? ' missed' : ''}` }, icon(!good ? 'close' : missed ? 'info' : 'check', 's'), text);
  }

  /** Choose by its number, as a key does. */
  press(at) { if (this.inputs[at] && !this.inputs[at].disabled) this.inputs[at].click(); }

  draw() { for (const input of this.inputs) input.parentNode.classList.toggle('on', input.checked); }

  /** Mark what is right, and what was chosen and is not. */
  reveal(right) {
    const places = this.judge ? [right ? 0 : 1] : right;
    this.inputs.forEach((input, at) => {
      const good = places.includes(at);
      if (!good && !input.checked) return;
      input.parentNode.classList.add(good ? 'good' : 'bad');
      input.parentNode.append(this.verdict(good, input));
    });
  }
}

/** 填空: one text a blank; 简答: one long text. */
class Writing extends Way {
  constructor(...rest) {
    super(...rest);
    const { face, words, name } = this;
    this.long = face.kind === 'short';
    const size = this.long ? { rows: 6, maxlength: face.limit } : { maxlength: 100, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' };
    this.fields = Array.from({ length: this.long ? 1 : face.blanks }, (_none, at) => make(this.long ? 'textarea' : 'input', { class: 'in', id: `${name}-${at}`, ...size }));
    const label = (at) => (this.long ? words.written : this.fields.length > 1 ? fill(words.blank, { n: at + 1 }) : words.oneBlank);
    this.element = make('div', { class: 'stack g3', role: 'group', 'aria-labelledby': this.labelled },
      ...this.fields.map((field, at) => make('div', { class: 'field' }, make('label', { class: 'lab', for: field.id }, label(at)), field)));
    if (this.long) this.element.append(this.room = make('p', { class: 'hint', id: `${name}-room` }));
    this.element.addEventListener('input', () => {
      this.draw();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.settle(), REST);
    });
    this.element.addEventListener('change', () => this.settle());
  }

  /** What was written is an answer now; nothing when it is the one already told. */
  settle() {
    clearTimeout(this.timer);
    const now = JSON.stringify(this.answer);
    if (now === this.told) return;
    this.told = now;
    this.changed(this.answer);
  }

  get answer() {
    const texts = this.fields.map((field) => field.value.trim());
    if (!texts.some(Boolean)) return null;
    return this.long ? texts[0] : texts;
  }

  show(answer) {
    const texts = this.long ? [answer || ''] : answer || [];
    this.fields.forEach((field, at) => { field.value = texts[at] || ''; });
    this.told = JSON.stringify(this.answer);
    this.draw();
  }

  draw() { if (this.room) this.room.textContent = fill(this.words.room, { n: this.fields[0].value.length, most: this.face.limit }); }

  reveal(right) {
    if (this.long) return;
    this.fields.forEach((field, at) => field.parentNode.append(make('p', { class: 'verdict-line' }, icon('check', 's'), fill(this.words.rightIs, { text: right[at].join(' / ') }))));
  }
}

/** 排序: press the pieces from first to last; pressing one again takes it and what follows it back. */
class Ordering extends Way {
  constructor(...rest) {
    super(...rest);
    const { face, words } = this;
    this.order = [];
    this.buttons = face.options.map((option, at) => {
      const button = make('button', { class: 'opt', type: 'button', 'aria-pressed': 'false' }, make('span', { class: 'k' }), piece(option));
      button.addEventListener('click', () => this.press(at));
      return button;
    });
    this.again = make('button', { class: 'btn', type: 'button' }, words.orderAgain);
    this.again.addEventListener('click', () => { this.order = []; this.told(); this.buttons[0].focus(); });
    this.element = make('div', { class: 'stack g3', role: 'group', 'aria-labelledby': this.labelled }, this.hint = make('p', { class: 'hint' }, words.orderHint),
      ...this.buttons, make('div', { class: 'row' }, this.again, this.says = make('p', { class: 'hint', role: 'status' })));
  }

  press(at) {
    if (this.buttons[at]?.disabled !== false) return;
    const place = this.order.indexOf(at);
    if (place < 0) this.order.push(at); else this.order.length = place;
    if (this.order.length === this.buttons.length - 1) this.order.push(this.buttons.findIndex((_button, each) => !this.order.includes(each))); // only one is left
    this.told();
  }

  told() {
    this.draw();
    const { answer } = this;
    if (JSON.stringify(answer) !== JSON.stringify(this.last)) this.changed(answer);
    this.last = answer;
  }

  get answer() { return this.order.length === this.buttons.length ? [...this.order] : null; }

  show(answer) {
    this.order = [...(answer || [])];
    this.last = this.answer;
    this.draw();
  }

  draw() {
    this.buttons.forEach((button, at) => {
      const place = this.order.indexOf(at);
      button.classList.toggle('on', place >= 0);
      button.setAttribute('aria-pressed', place >= 0);
      button.firstElementChild.textContent = place >= 0 ? place + 1 : '';
    });
    this.again.disabled = !this.order.length;
    this.says.textContent = this.answer || !this.order.length ? '' : fill(this.words.orderLeft, { n: this.buttons.length - this.order.length });
  }

  reveal(right) {
    this.hint.hidden = this.again.parentNode.hidden = true;
    right.forEach((at, place) => {
      const good = this.order[place] === at;
      this.buttons[at].classList.add(good ? 'good' : 'bad');
      this.buttons[at].append(make('span', { class: 'verdict' }, icon(good ? 'check' : 'close', 's'), fill(this.words.orderRight, { n: place + 1 })));
    });
  }
}

/** 连线: a list of choices beside each left piece; what they stand for is shown once below. */
class Matching extends Way {
  constructor(...rest) {
    super(...rest);
    const { face, words, name } = this;
    this.selects = face.left.map((_left, at) => make('select', { class: 'in', id: `${name}-${at}` }, make('option', { value: '' }, words.matchPick),
      ...face.right.map((_right, place) => make('option', { value: place }, this.short(place)))));
    this.element = make('div', { class: 'stack g4', role: 'group', 'aria-labelledby': this.labelled },
      make('ul', { class: 'match-right', 'aria-label': words.matchFrom }, ...face.right.map((each, at) => make('li', {}, make('b', {}, letter(at)), piece(each)))),
      ...this.selects.map((select, at) => make('div', { class: 'match' }, make('label', { for: select.id }, piece(face.left[at])), select)));
    this.element.addEventListener('change', () => { this.draw(); this.changed(this.answer); });
  }

  /** The letter of a right piece and what it says; a picture is named by its words. */
  short(place) {
    const { text, media } = this.face.right[place];
    return `${letter(place)}　${text || media?.[0]?.alt || ''}`;
  }

  get answer() {
    const places = this.selects.map((select) => (select.value === '' ? null : Number(select.value)));
    return places.some((place) => place !== null) ? places : null;
  }

  show(answer) {
    this.selects.forEach((select, at) => { select.value = answer?.[at] ?? ''; });
    this.draw();
  }

  draw() { for (const select of this.selects) select.parentNode.classList.toggle('on', select.value !== ''); }

  reveal(right) {
    this.selects.forEach((select, at) => {
      const good = Number(select.value) === right[at] && select.value !== '';
      select.parentNode.append(make('p', { class: `verdict-line${good ? '' : ' bad'}` }, icon(good ? 'check' : 'close', 's'),
        good ? this.words.rightPair : fill(this.words.rightIs, { text: this.short(right[at]) })));
    });
  }
}

const WAYS = { single: Choosing, multiple: Choosing, judge: Choosing, fill: Writing, short: Writing, order: Ordering, match: Matching };

/** The way to answer `face`; `options` {name, labelled (id of the stem), words, changed(answer)}. */
export const way = (face, options) => new WAYS[face.kind](face, options);
