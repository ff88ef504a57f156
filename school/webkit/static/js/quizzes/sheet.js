// 答题卡: every question by its number, with where its answer is; the same in the side column and under the question.
import { fill, make } from '../dom.js';

export class Sheet {
  /** `places` are the elements that show it; `go(i)` is called when a number is pressed. */
  constructor(places, count, words, go) {
    Object.assign(this, { words });
    this.sheets = places.map((place) => {
      const links = Array.from({ length: count }, (_none, i) => make('a', { href: `#q-${i}`, 'data-i': i }, String(i + 1)));
      place.replaceChildren(...links);
      place.addEventListener('click', (event) => {
        const link = event.target.closest('a');
        if (!link) return;
        event.preventDefault();
        go(Number(link.dataset.i));
      });
      return links;
    });
  }

  /** One question: `state` open, wait or done; `flagged`; `here`. */
  draw(i, state, flagged, here) {
    const text = [fill(this.words.number, { n: i + 1 }), this.words.states[state], ...(flagged ? [this.words.flagged] : [])].join(this.words.comma);
    for (const links of this.sheets) {
      const link = links[i];
      link.className = `${state === 'open' ? '' : state}${flagged ? ' flag' : ''}`.trim();
      if (here) link.setAttribute('aria-current', 'step'); else link.removeAttribute('aria-current');
      link.setAttribute('aria-label', text);
    }
  }
}
