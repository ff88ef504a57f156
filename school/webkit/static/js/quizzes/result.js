// The questions of a sitting that is over, with what was answered and what is right; all of them, or those not answered right.
import { $, read } from '../dom.js';
import { Question } from './question.js';

const words = read('words');
const looked = read('looked');

const questions = looked.map(({ face, answer, told }) => {
  const question = new Question(face, looked.length, words, {});
  question.show(answer);
  question.reveal(told);
  return { element: question.element, right: told.right };
});
$('questions').replaceChildren(...questions.map(({ element }) => element));

for (const chip of document.querySelectorAll('[data-only]')) {
  chip.addEventListener('click', () => {
    for (const other of document.querySelectorAll('[data-only]')) other.setAttribute('aria-pressed', other === chip);
    for (const { element, right } of questions) element.hidden = chip.dataset.only === 'wrong' && right !== false;
  });
}
