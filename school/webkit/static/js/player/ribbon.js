// The credit ribbon: what counts, what does not and what was not watched, on one line that is also the way to seek.
import { clock, measure } from './intervals.js';

const SVG = 'http://www.w3.org/2000/svg';

function rect(kind, from, to, length) {
  const shape = document.createElementNS(SVG, 'rect');
  shape.setAttribute('class', kind);
  shape.setAttribute('x', `${(100 * from) / length}%`);
  shape.setAttribute('width', `${(100 * (to - from)) / length}%`);
  shape.setAttribute('y', 10);
  shape.setAttribute('height', 20);
  return shape;
}

/** Whole seconds of the three sums; they always add up to the length. */
export function sums({ covered, refused, length }) {
  const whole = (ms) => Math.round(ms / 1000);
  const yes = whole(measure(covered));
  const no = Math.min(whole(measure(refused)), whole(length) - yes);
  return { yes: yes * 1000, no: no * 1000, unseen: (whole(length) - yes - no) * 1000 };
}

export class Ribbon {
  /** `root` holds an SVG with `.stretches` and `.at`, a range input, and `[data-sum]` places below. */
  constructor(root, words, seek) {
    this.root = root;
    this.words = words;
    this.slider = root.querySelector('input');
    this.slider.addEventListener('input', () => seek(this.slider.valueAsNumber));
  }

  /** Draw stretches in ms: covered, refused with its reason, pending (played, not yet acknowledged), of [start, length]. */
  draw({ covered, refused, pending, start = 0, length: end }) {
    const drawn = JSON.stringify([covered, refused, pending, end]);
    if (drawn === this.drawn || end <= start) return;
    this.drawn = drawn;
    this.start = start;
    const length = this.length = end - start;
    [covered, refused, pending] = [covered, refused, pending].map((list) => list.map(([from, to, ...why]) => [from - start, to - start, ...why]));
    this.root.querySelector('.stretches').replaceChildren(
      ...refused.map(([from, to]) => rect('no', from, to, length)),
      ...covered.map(([from, to]) => rect('yes', from, to, length)),
      ...pending.map(([from, to]) => rect('wait', from, to, length)),
    );
    this.slider.max = end / 1000;
    this.root.querySelectorAll('.ribbon-scale span').forEach((mark, i, all) => {
      mark.textContent = clock((length * i) / (all.length - 1));
    });
    const { yes, no, unseen } = sums({ covered, refused, length });
    for (const [name, value] of Object.entries({ yes, no, unseen })) {
      const place = this.root.querySelector(`[data-sum=${name}]`);
      if (place) place.textContent = clock(value);
    }
    const told = (name, list) => list.map(([from, to]) => this.words[name].replace('%(start)s', clock(from)).replace('%(end)s', clock(to)));
    this.root.querySelector('[data-told]').textContent = [...told('covered', covered), ...told('refused', refused)].join('；');
  }

  /** Put the head at `seconds`. */
  move(seconds) {
    if (!this.length) return;
    const at = seconds * 1000 - this.start;
    this.root.querySelector('.at').setAttribute('x', `${Math.max(0, Math.min(100, (100 * at) / this.length))}%`);
    this.slider.value = seconds;
    this.slider.setAttribute('aria-valuetext', `${clock(Math.max(at, 0))} / ${clock(this.length)}`);
  }
}
