// The training file: 申请复核 for a ledger line, without leaving the line.
import { call } from './call.js';

const words = JSON.parse(document.getElementById('words').textContent);
for (const form of document.querySelectorAll('[data-review]')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button'), fault = form.querySelector('.err');
    button.disabled = true;
    fault.hidden = true;
    try {
      await call('POST', form.dataset.review, { entry_id: Number(form.dataset.entry), words: form.elements.words.value });
      const note = Object.assign(document.createElement('p'), { className: 't2 mute', textContent: words.asked });
      note.setAttribute('role', 'status');
      form.closest('.more').replaceWith(note);
    } catch (error) {
      fault.textContent = error.message;
      fault.hidden = false;
      button.disabled = false;
    }
  });
}
