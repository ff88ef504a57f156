// 错题本: each question opens with the answer given then and what is right; or all of the page are answered once more.
import { call } from '../call.js';
import { $, fill, read } from '../dom.js';
import { Question } from './question.js';

const words = read('words');
const looked = read('looked');

/** A question as it was answered then. */
function then({ face, answer, told }) {
  const question = new Question(face, looked.length, words, {});
  question.show(answer);
  question.reveal(told);
  return question.element;
}

for (const entry of document.querySelectorAll('[data-wrong]')) {
  entry.addEventListener('toggle', () => {
    const place = entry.querySelector('[data-place]');
    if (entry.open && !place.firstChild) place.append(then(looked[entry.dataset.wrong]));
  });
}

// ── answering them again ────────────────────────────────

let at = 0;
let right = 0;

const again = looked.map(({ face, url }) => {
  const question = new Question(face, looked.length, words, {
    asked: async (_i, a) => {
      const told = await call('POST', url, { a });
      if (told.right) right += 1;
      question.reveal(told);
      $('next').disabled = false;
      $('next').focus();
    },
  });
  question.show(null);
  return question;
});

function go() {
  if (at === looked.length) {
    $('paper').replaceChildren();
    $('ended').hidden = false;
    $('ended').querySelector('p').textContent = fill(words.ended, { n: looked.length, right });
    $('next').hidden = true;
    $('ended').querySelector('a').focus();
    return;
  }
  $('paper').replaceChildren(again[at].element);
  $('next').disabled = true;
  again[at].element.scrollIntoView({ block: 'start' });
  again[at].focus();
}

$('again')?.addEventListener('click', () => {
  for (const place of document.querySelectorAll('[data-place]')) place.replaceChildren(); // the same questions once on the page
  $('book').hidden = true;
  $('redo').hidden = false;
  go();
});
$('next')?.addEventListener('click', () => { at += 1; go(); });
