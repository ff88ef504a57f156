// One question on the page: its number and kind, stem, media and the way to answer it; and, when it may be known, the verdict.
import { fill, icon, make, tell } from '../dom.js';
import { hush, lines, speak, speaks } from './speak.js';
import { medium, way } from './ways.js';

/** The stem's lines as paragraphs, each blank a numbered gap. */
function stem(face, id) {
  let blank = 0;
  const line = (text) => make('p', {}, ...text.split(/_{2,}/).flatMap((part, at) => (at ? [make('span', { class: 'gap' }, face.kind === 'fill' && face.blanks > 1 ? String(blank += 1) : '　'), part] : [part])));
  return make('div', { class: 'stem', id }, ...face.stem.split('\n').map(line));
}

export class Question {
  /**
   * `face` as it was served; `of` how many there are; `told.changed(i, answer)` hears of answers, `told.flagged(i, on)` of flags.
   * With `told.asked(i, answer)` an answer is given by pressing a button, and the verdict comes at once.
   */
  constructor(face, of, words, told) {
    Object.assign(this, { face, words, told });
    const { i, kind } = face;
    const number = make('h2', { class: 'b q-no', id: `q-${i}`, tabindex: -1 }, fill(words.number, { n: i + 1 }), make('span', { class: 'faint' }, ` / ${of}`));
    const points = face.points === undefined ? null : make('span', { class: 't2 faint nowrap' }, face.points ? fill(words.points, { n: face.points }) : words.uncounted);
    this.way = way(face, { name: `a${i}`, labelled: `stem-${i}`, words, changed: (answer) => this.change(answer) });
    this.saved = make('p', { class: 'saved', role: 'status', hidden: true });
    this.trouble = make('p', { class: 'err', role: 'alert', hidden: true });
    this.ask = told.asked ? make('button', { class: 'btn ink lg', type: 'button', disabled: true }, words.check) : null;
    this.verdict = make('div', { role: 'status' });
    this.element = make('section', { class: 'stack g5 question', 'aria-labelledby': `q-${i}` },
      make('div', { class: 'row' }, number, make('span', { class: 'tag' }, words.kinds[kind]), points, this.tools()),
      stem(face, `stem-${i}`), ...face.media.map(medium), this.way.element,
      make('div', { class: 'after' }, this.saved, this.trouble, this.ask && make('div', { class: 'btn-row' }, this.ask), this.verdict));
    this.ask?.addEventListener('click', () => this.give());
  }

  /** 标记 and 读题. */
  tools() {
    const { words } = this;
    this.flag = this.told.flagged ? make('button', { class: 'tool', type: 'button', 'aria-pressed': 'false' }, icon('flag', 's'), words.flag) : null;
    this.flag?.addEventListener('click', () => { this.mark(this.flag.getAttribute('aria-pressed') !== 'true'); this.told.flagged(this.face.i, this.flagged); });
    const read = speaks ? make('button', { class: 'tool', type: 'button', 'aria-pressed': 'false' }, icon('sound', 's'), make('span', {}, words.read)) : null;
    const draw = (on) => { read.setAttribute('aria-pressed', on); read.lastElementChild.textContent = on ? words.stop : words.read; };
    read?.addEventListener('click', () => {
      const on = read.getAttribute('aria-pressed') !== 'true';
      if (on) speak(lines(this.face), () => draw(false)); else hush();
      draw(on);
    });
    return make('span', { class: 'push row nowrap q-tools' }, this.flag, read);
  }

  get flagged() { return this.flag?.getAttribute('aria-pressed') === 'true'; }

  mark(on) {
    this.flag?.setAttribute('aria-pressed', on);
    if (this.flag) this.flag.lastChild.textContent = on ? this.words.unflag : this.words.flag;
  }

  get answer() { return this.way.answer; }

  /** Show an answer without telling anybody. */
  show(answer) {
    this.way.show(answer);
    if (this.ask) this.ask.disabled = this.answer === null;
  }

  change(answer) {
    tell(this.trouble, '');
    if (this.ask) this.ask.disabled = answer === null;
    else this.told.changed(this.face.i, answer);
  }

  /** 看对错: the answer is given for good. */
  async give() {
    this.ask.disabled = true;
    tell(this.trouble, '');
    try {
      await this.told.asked(this.face.i, this.answer);
    } catch (error) {
      this.ask.disabled = false;
      this.fail(error.status ? error.message : this.words.noNetwork);
    }
  }

  fail(text) {
    this.trouble.replaceChildren(icon('warn', 's'), make('span', {}, text));
    this.trouble.hidden = !text;
  }

  lock() { this.way.lock(); }

  /** What became of it: `told` {right (null: a person must mark), key, explanation, basis, points?, max?}; the key in served places. */
  reveal(told) {
    const { words } = this;
    this.lock();
    const right = Object.values(told.key)[0]; // none where everybody has the points
    if (right !== undefined) this.way.reveal(right);
    if (this.ask) this.ask.parentNode.hidden = true;
    const [tone, sign, text] = told.right === null && this.face.points === 0 ? ['plain', 'info', words.compare] : told.right === null ? ['plain', 'clock', words.toMark] : told.right ? ['ok', 'check', words.full]
      : told.points > 0 ? ['warn', 'info', words.part] : this.answer === null ? ['plain', 'info', words.empty] : ['bad', 'close', words.none];
    const points = told.points === undefined || told.right === null ? [] : [make('span', { class: 't2 mute nowrap' }, fill(words.earned, { n: told.points, max: told.max }))];
    this.verdict.replaceChildren(make('div', { class: `note ${tone}` }, icon(sign), make('div', { class: 'stack g2' }, make('p', { class: 'row' }, make('b', {}, text), ...points),
      ...(told.key.model ? [make('p', { class: 'lines' }, make('b', {}, words.model), told.key.model)] : []),
      ...(told.explanation ? [make('p', { class: 'lines' }, told.explanation)] : []), ...(told.basis ? [make('p', { class: 't2 mute' }, fill(words.basis, { text: told.basis }))] : []))));
  }

  /** Say where the answer is: {icon, text, wait}; none: nothing to say. */
  state(line) {
    this.saved.hidden = !line;
    if (!line || this.saved.textContent === line.text) return;
    this.saved.classList.toggle('wait', Boolean(line.wait));
    this.saved.replaceChildren(icon(line.wait ? 'clock' : 'check', 's'), line.text);
  }

  focus() { this.element.querySelector('h2').focus({ preventScroll: true }); }
}
