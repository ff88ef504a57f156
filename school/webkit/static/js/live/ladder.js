// The ladder: 低延时 above 流畅 above 只听声音. It falls when a rung does not hold, and climbs back after a calm while.
// Pure: the time is handed in, and nothing here touches the page.

const RUNGS = ['low', 'smooth', 'sound'];

const CALM_MS = { full: 30_000, lost: 5_000, blocked: 300_000, weak: 60_000, stalled: 60_000 };
const LONGEST_MS = 600_000;

export class Ladder {
  /** `wish` is the highest rung that is wanted. */
  constructor(wish) {
    this.choose(wish);
  }

  /** The person chooses the highest rung; what was learned of the line is forgotten. */
  choose(wish) {
    this.wish = wish;
    this.rung = wish;
    this.fallen = []; // one entry a fall: when to climb back from it
    this.waits = {};
  }

  /** The rung does not hold, because of `why`: one down. False when there is none below. */
  fall(why, now) {
    const below = RUNGS[RUNGS.indexOf(this.rung) + 1];
    if (!below) return false;
    const wait = Math.min(this.waits[this.rung] ?? CALM_MS[why], LONGEST_MS);
    this.waits[this.rung] = wait * 2; // each time it does not hold it is left alone for longer
    this.fallen.push(now + wait);
    this.rung = below;
    return true;
  }

  /** The rung above, when it has been calm for long enough to try it; else null. */
  above(now) {
    const due = this.fallen[this.fallen.length - 1];
    return due !== undefined && now >= due ? RUNGS[RUNGS.indexOf(this.rung) - 1] : null;
  }

  /** The rung above holds. */
  climb() {
    this.fallen.pop();
    this.rung = RUNGS[RUNGS.indexOf(this.rung) - 1];
  }

  /** The rung above was tried and does not hold yet. */
  stay(why, now) {
    const above = RUNGS[RUNGS.indexOf(this.rung) - 1];
    const wait = Math.min(Math.max(this.waits[above] ?? 0, CALM_MS[why]), LONGEST_MS);
    this.waits[above] = wait * 2;
    this.fallen[this.fallen.length - 1] = now + wait;
  }

  /** Something new is to be hoped for, such as another network: what is above may be tried at once. */
  hope(now) {
    this.fallen = this.fallen.map(() => now);
    this.waits = {};
  }

  /** Trouble on the rung: the calm begins anew. */
  stir(why, now) {
    const last = this.fallen.length - 1;
    if (last >= 0) this.fallen[last] = Math.max(this.fallen[last], now + CALM_MS[why]);
  }
}
