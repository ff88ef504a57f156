// Building what a page shows out of values, never out of markup.

export const $ = (id) => document.getElementById(id);

/** The JSON a page carries in `<script id=…>`. */
export const read = (id) => JSON.parse($(id).textContent);

/** A sentence of the page's words with its values put in. */
export const fill = (text, values) => text.replace(/%\((\w+)\)[sd]/g, (_all, name) => values[name]);

/** An element with attributes (true: bare, false or null: none) and children (texts or nodes; null: none). */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** An icon of the sprite, at `s`, `xs` or full size. */
export function icon(name, size = '') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('class', `i ${size}`.trim());
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `${new URL('../icons.svg', import.meta.url).pathname}#${name}`);
  svg.append(use);
  return svg;
}

/** A bar behind an option's words, `share` of 0 to 1. */
export function bar(share) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  svg.setAttribute('aria-hidden', 'true');
  rect.setAttribute('width', `${Math.round(share * 1000) / 10}%`);
  rect.setAttribute('height', '100%');
  svg.append(rect);
  return svg;
}

/** Change a text only when it is another one, so that screen readers do not hear it again. */
export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** Let a press on `button` start `act()`, a promise; the button is free again only when that failed. */
export function once(button, act, failed) {
  button.addEventListener('click', () => {
    button.disabled = true;
    act().catch((error) => { button.disabled = false; failed(error); });
  });
}

/** 19:33 on the school's clock. */
export const clock = (ms, zone) => new Date(ms).toLocaleTimeString('zh-CN', { timeZone: zone, hour: '2-digit', minute: '2-digit', hour12: false });
