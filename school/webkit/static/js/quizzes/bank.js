// The bank's pages: rows that grow, files that are there as soon as they are chosen, near-duplicates while one writes.
// Everything works without this file, with more pages.
import { call } from '../call.js';
import { $, fill, icon, make, read } from '../dom.js';

const ROWS = 12;
const LETTERS = 'ABCDEFGHIJKL';
const PAUSE = 700; // ms after the last key before the bank is asked
const GAP = /[_＿]{2,}/g;

// ── ticking a list ────────────────────────────────────────

for (const form of document.querySelectorAll('form[data-ticks]')) {
  const all = form.querySelector('[data-tick-all]');
  const ticks = [...form.querySelectorAll('input[name=ids]')];
  all.hidden = false;
  all.closest('label').hidden = false;
  all.addEventListener('change', () => ticks.forEach((tick) => { tick.checked = all.checked; }));
  form.addEventListener('change', () => { all.checked = ticks.every((tick) => tick.checked); });
}

const form = $('question');
if (form) write(form);

function write(question) {
  const words = read('words');
  const rows = question.querySelector('[data-rows]');

  // ── rows ──
  function number() {
    [...rows.children].forEach((row, i) => {
      const no = row.querySelector('[data-no]');
      if (no) no.textContent = no.dataset.no ? i + 1 : LETTERS[i];
      const right = row.querySelector('input[name=right]:not(.in)');
      if (right) right.value = i;
      for (const files of row.querySelectorAll('[data-files]')) {
        files.dataset.files = files.dataset.files.replace(/\d+$/, i);
        files.querySelectorAll('input[type=hidden]').forEach((id) => { id.name = files.dataset.files; });
      }
    });
    question.querySelector('[data-more]').disabled = rows.children.length >= ROWS;
  }

  function add() {
    const row = rows.lastElementChild.cloneNode(true);
    row.querySelectorAll('[data-file]').forEach((file) => file.remove());
    row.querySelectorAll('.in').forEach((text) => { text.value = ''; });
    row.querySelectorAll('input[name=right]:not(.in)').forEach((right) => { right.checked = false; });
    rows.append(row);
    number();
    row.querySelector('.in').focus();
  }

  if (rows) {
    const more = question.querySelector('[data-more]');
    more.hidden = false;
    more.addEventListener('click', add);
    rows.querySelectorAll('[data-remove]').forEach((button) => { button.hidden = false; });
    rows.addEventListener('click', (event) => {
      const row = event.target.closest('[data-remove]')?.closest('[data-row]');
      if (!row || rows.children.length <= 2) return;
      (row.nextElementSibling || row.previousElementSibling).querySelector('.in').focus();
      row.remove();
      number();
      look();
    });
    rows.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.isComposing || !event.target.matches('.in')) return;
      event.preventDefault(); // on to the next field, as in a table
      const fields = [...rows.querySelectorAll('.in')];
      const next = fields[fields.indexOf(event.target) + 1];
      if (next) next.focus();
      else if (rows.children.length < ROWS) add();
    });
    number();
  }

  // ── files ──
  const shown = (file) => {
    if (file.mime.startsWith('image/')) return make('img', { class: 'q-pic', src: file.src, alt: file.name, width: file.width, height: file.height });
    if (file.mime.startsWith('video/')) return make('video', { class: 'q-pic', src: file.src, controls: true, playsinline: true, preload: 'metadata' });
    return make('audio', { class: 'q-sound', src: file.src, controls: true, preload: 'metadata' });
  };

  async function attach(input) {
    const place = input.closest('[data-files]');
    const [chosen] = input.files;
    input.value = '';
    if (!chosen) return;
    place.querySelector('.err')?.remove();
    const busy = make('p', { class: 't2 mute', role: 'status' }, fill(words.busy, { name: chosen.name }));
    place.append(busy);
    const body = new FormData();
    body.append('host', question.elements.host.value);
    body.append('file', chosen);
    try {
      const file = await call('POST', question.dataset.upload, body);
      place.querySelector('ul').append(make(
        'li', { 'data-file': true },
        make('input', { type: 'hidden', name: place.dataset.files, value: file.id }),
        shown(file),
        make('button', { class: 'tool', type: 'button', 'data-drop': true }, icon('trash', 's'), make('span', {}, words.drop)),
      ));
    } catch (error) {
      place.append(make('p', { class: 'err', role: 'alert' }, icon('warn', 's'), make('span', {}, error.message)));
    }
    busy.remove();
  }

  question.querySelectorAll('[data-attach], [data-drop]').forEach((tool) => { tool.hidden = false; });
  question.addEventListener('change', (event) => { if (event.target.closest('[data-attach]')) attach(event.target); });
  question.addEventListener('click', (event) => { event.target.closest('[data-drop]')?.closest('[data-file]').remove(); });

  // ── near-duplicates, and how many blanks there are ──
  const note = question.querySelector('[data-alike-note]');
  const blanks = question.querySelector('[data-blanks]');
  let waiting = 0;
  let asked = 0;

  async function ask() {
    const body = new FormData(question);
    body.delete('csrf_token');
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    const turn = ++asked;
    const { alike } = await call('POST', question.dataset.alike, body).catch(() => ({ alike: [] }));
    if (turn !== asked) return; // something else has been typed meanwhile
    note.querySelector('ul').replaceChildren(...alike.map((each) => make(
      'li', { class: 't2' },
      make('a', { href: each.href, target: '_blank', rel: 'noopener' }, each.brief), ' ',
      make('span', { class: 'mute' }, each.same ? words.same : fill(words.alike, { n: Math.floor(each.likeness / 10) })),
    )));
    note.hidden = !alike.length;
  }

  function look() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  }

  function count() {
    if (blanks) blanks.textContent = fill(words.blanks, { n: (question.elements.stem.value.match(GAP) || []).length });
  }

  question.addEventListener('input', (event) => {
    if (event.target.name === 'stem') count();
    if (['stem', 'options', 'left', 'right'].includes(event.target.name)) look();
  });
  count();
}
