// The catalogue: filters apply themselves on a wide screen and fold away on a phone; more cards join the list.
const wide = matchMedia('(min-width: 960px)');
const filters = document.getElementById('filters');
const form = document.getElementById('narrow');
const opener = document.querySelector('[data-filters]');
const apply = form.querySelector('[data-apply]');

opener.addEventListener('click', () => {
  const open = !filters.classList.toggle('wide');
  opener.setAttribute('aria-expanded', open);
});

const fit = () => { apply.hidden = wide.matches; };
wide.addEventListener('change', fit);
fit();
form.addEventListener('change', () => { if (wide.matches) form.submit(); });
document.getElementById('sort').addEventListener('change', () => form.submit());

// What stands at rest says nothing: an address carries only what was narrowed.
form.addEventListener('formdata', (event) => {
  const data = event.formData;
  for (const name of ['need', 'form']) {
    if (data.getAll(name).length === form.querySelectorAll(`[name=${name}]`).length) data.delete(name);
  }
  if (!data.get('progress')) data.delete('progress');
  if (data.get('sort') === 'todo') data.delete('sort');
});

document.addEventListener('click', async (event) => {
  const link = event.target.closest('[data-more]');
  if (!link) return;
  event.preventDefault();
  link.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(link.href, { credentials: 'same-origin' });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const cards = [...page.querySelectorAll('.courses > li')];
    document.querySelector('.courses').append(...cards);
    const next = page.querySelector('[data-more]');
    if (next) link.replaceWith(next); else link.parentElement.remove();
    cards[0]?.querySelector('a').focus({ preventScroll: true });
  } catch {
    location.assign(link.href);
  }
});
