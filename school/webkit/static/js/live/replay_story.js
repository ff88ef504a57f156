// Everything that was said, asked, voted and shown, beside the picture: it follows the playing, and leads back into it.

const SVG = 'http://www.w3.org/2000/svg';
const REST = 6_000; // whoever scrolls by hand is left alone so long

/** An element with a class, text and children. */
function make(name, className = '', ...inside) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...inside.filter((each) => each !== null && each !== ''));
  return made;
}

export class Story {
  /** `player` is the page's, `slides` the address under which the slides' pictures lie. */
  constructor(player, slides) {
    Object.assign(this, { player, slides, lines: [], chapters: [], rested: 0 });
    this.pane = document.getElementById('p-all');
    for (const event of ['wheel', 'touchmove', 'keydown', 'pointerdown']) {
      this.pane.addEventListener(event, () => { this.rested = performance.now() + REST; }, { passive: true });
    }
    document.querySelector('.story').addEventListener('click', (event) => {
      const button = event.target.closest('[data-at]');
      if (button) player.watchFrom(Number(button.dataset.at) / 1000);
    });
    for (const event of ['timeupdate', 'seeked']) player.video.addEventListener(event, () => this.move());
  }

  show({ lines, chapters }) {
    const { in_ms, length_ms, growing } = this.player.lesson;
    const kept = (all) => all.filter(({ at_ms }) => at_ms >= in_ms && (growing || at_ms <= length_ms));
    const begun = chapters.filter(({ at_ms }) => at_ms < in_ms).pop();
    this.chapters = [...(begun ? [{ ...begun, at_ms: in_ms }] : []), ...kept(chapters)];
    this.lines = [...kept(lines), ...this.chapters.map((chapter) => ({ kind: 'slide', ...chapter }))].sort((one, other) => one.at_ms - other.at_ms);
    const questions = this.lines.filter(({ kind }) => kind === 'question');
    this.moments = this.fill('p-all', this.lines.map((line) => this.moment(line)));
    this.fill('p-ask', questions.map((line) => this.question(line)));
    this.marks = this.fill('p-chap', this.chapters.map((chapter) => this.chapter(chapter)));
    for (const [name, count] of [['ask', questions.length], ['chap', this.chapters.length]]) document.querySelector(`[data-count=${name}]`).textContent = count || '';
    this.move();
  }

  fail() {
    this.pane.querySelector('[data-empty]').textContent = this.player.words.troubled;
  }

  fill(id, rows) {
    const panel = document.getElementById(id);
    panel.querySelector('ol').replaceChildren(...rows);
    panel.querySelector('ol').classList.toggle('long', rows.length > 500);
    const empty = panel.querySelector('[data-empty]');
    empty.hidden = rows.length > 0;
    if (id === 'p-all') empty.textContent = this.player.words.empty;
    return rows;
  }

  /** The time as the button that leads there. */
  time(atMs, text = this.player.time(atMs)) {
    const button = make('button', 'num', text);
    button.type = 'button';
    button.dataset.at = atMs;
    return button;
  }

  by({ by }) {
    const { words } = this.player;
    return make('span', 'by', make('b', '', by.name), ' ', by.host ? words.host : by.branch);
  }

  /** One line of the time line. */
  moment(line) {
    const { words, fill } = this.player;
    const row = make('li', `moment ${line.kind}${line.by?.host ? ' host' : ''}`, this.time(line.at_ms));
    const body = make('div', 'grow');
    if (line.kind === 'said') body.append(this.by(line), make('p', '', line.text));
    else if (line.kind === 'question') body.append(this.by(line), make('p', '', make('span', 'tag', words.question), ' ', line.text), ...this.answer(line));
    else if (line.kind === 'poll') body.append(this.poll(line));
    else if (line.kind === 'called') body.append(make('p', 'mute', fill(words.called, { name: line.by.name })));
    else if (line.kind === 'break') body.append(make('p', 'mute', fill(words.break, { n: Math.round(line.length_ms / 60_000) })));
    else body.append(make('p', 'mute', fill(words.page, { n: line.page })));
    row.append(body);
    return row;
  }

  answer({ answer_ms, state }) {
    const { words, fill, time } = this.player;
    if (answer_ms !== null) return [make('p', '', this.time(answer_ms, fill(words.answer, { at: time(answer_ms) })))];
    return state === 'answered' ? [] : [make('p', 't2 faint', words.unanswered)];
  }

  question(line) {
    const { words, fill } = this.player;
    const others = line.seconds ? make('span', 't2 faint', fill(words.asked, { n: line.seconds })) : null;
    return make('li', 'moment question', this.time(line.at_ms), make('div', 'grow', this.by(line), make('p', '', line.text), ...this.answer(line), others));
  }

  poll({ question, options, tally, voters, right, explanation }) {
    const { words, fill } = this.player;
    const most = Math.max(1, ...tally);
    const rows = options.map((text, i) => {
      const bar = document.createElementNS(SVG, 'svg');
      const rect = document.createElementNS(SVG, 'rect');
      for (const [name, value] of [['width', `${(100 * (tally[i] || 0)) / most}%`], ['height', '100%']]) rect.setAttribute(name, value);
      bar.setAttribute('aria-hidden', 'true');
      bar.append(rect);
      const mark = right?.includes(i) ? make('b', 'right', words.right) : null;
      return make('li', 'poll-opt', bar, make('span', '', make('span', '', text, ' ', mark || ''), make('b', '', String(tally[i] || 0))));
    });
    const head = make('p', '', make('span', 'tag', right ? words.quiz : words.poll), ' ', make('b', '', question));
    return make('div', 'stack g2', head, make('ol', 'plain-list stack g2', ...rows), make('p', 't2 faint', fill(words.voters, { n: voters })), explanation ? make('p', 't2', explanation) : null);
  }

  chapter({ at_ms, page }) {
    const { words, fill, time } = this.player;
    const button = make('button', 'chap', make('span', 'num', time(at_ms)), make('span', 'ct', fill(words.page, { n: page })));
    button.type = 'button';
    button.dataset.at = at_ms;
    return make('li', '', button);
  }

  /** Follow the playing: mark the line and the page that are on now. */
  move() {
    const at = this.player.video.currentTime * 1000 + 200;
    const last = (list) => { let i = list.length - 1; while (i >= 0 && list[i].at_ms > at) i -= 1; return i; };
    this.mark('now', this.moments, last(this.lines));
    const chapter = last(this.chapters);
    this.mark('page', this.marks, chapter);
    this.turn(this.chapters[chapter]);
  }

  mark(name, rows, index) {
    if (!rows || this[name] === rows[index]) return;
    (this[name]?.querySelector('.chap') || this[name])?.removeAttribute('aria-current');
    this[name] = rows[index];
    (this[name]?.querySelector('.chap') || this[name])?.setAttribute('aria-current', 'true');
    if (name === 'now' && this.now && performance.now() > this.rested) {
      const { offsetTop, offsetHeight } = this.now;
      this.pane.scrollTop = offsetTop + offsetHeight - this.pane.clientHeight + 60;
    }
  }

  turn(chapter) {
    const figure = document.getElementById('slide');
    if (!figure || figure.dataset.page === String(chapter?.page ?? '')) return;
    figure.hidden = !chapter;
    if (!chapter) return;
    const words = this.player.fill(this.player.words.page, { n: chapter.page });
    figure.dataset.page = chapter.page;
    figure.querySelector('img').src = `${this.slides}/${chapter.page}.jpg`;
    figure.querySelector('img').alt = figure.querySelector('figcaption').textContent = words;
  }
}
