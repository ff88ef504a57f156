// 监考: keeps the list of who sits fresh. What is done is a plain form of the page; this only looks.
import { call } from '../call.js';
import { $, clock, fill, read, tell } from '../dom.js';

const EVERY = 5_000;
const FRESH = 70_000; // as the school counts it, a page gives a sign of life every 25 seconds
const MINUTE = 60_000;

const desk = read('desk');
const words = read('words');
const body = $('sitters').tBodies[0];
const rows = new Map([...body.rows].map((row) => [Number(row.dataset.id), row]));

function seen(each, now) {
  if (each.on_paper) return words.paper;
  if (each.state !== 'open') return each.submitted_ms ? fill(words.submitted, { time: clock(each.submitted_ms, desk.zone) }) : '';
  const quiet = now - Math.max(each.seen_ms, each.started_ms);
  return quiet < FRESH ? words.now : fill(words.ago, { n: Math.round(quiet / MINUTE) });
}

function left(each, now) {
  if (each.state !== 'open' || !each.deadline_ms) return '—';
  const ms = each.deadline_ms - now;
  return ms > 0 ? fill(words.left, { n: Math.ceil(ms / MINUTE) }) : words.up;
}

function facts(each) {
  return [
    each.away && fill(words.away, { n: each.away }), each.resumed && fill(words.resumed, { n: each.resumed }),
    each.extra_ms && fill(words.extra, { n: Math.round(each.extra_ms / MINUTE) }),
  ].filter(Boolean).join('　');
}

/** Put what is known of a person into their row. */
function show(row, each, now) {
  const field = (name) => row.querySelector(`[data-f="${name}"]`);
  row.dataset.id = each.id;
  field('name').href = each.href;
  const said = {
    name: each.name, branch: each.branch, state: words.states[each.state], progress: `${each.answered} / ${each.of}`,
    seen: seen(each, now), left: left(each, now), facts: facts(each),
  };
  for (const [name, text] of Object.entries(said)) if (field(name).textContent !== text) field(name).textContent = text;
  field('state').className = `tag${each.state === 'submitted' || each.state === 'marked' ? ' ok' : ''}`;
  field('seen').classList.toggle('quiet', each.quiet);
}

/** Offer the minutes that everybody lost together; 0: none. */
function offer(n) {
  const form = $('lost');
  form.hidden = !n;
  form.elements.minutes.value = n;
  form.elements.reason.value = fill(words.lost.reason, { n });
  form.querySelector('p').textContent = fill(words.lost.why, { n });
  form.querySelector('button').textContent = fill(words.lost.give, { n });
}

function draw({ now_ms: now, counts, sitters, more, lost }) {
  tell($('as-of'), fill(words.asOf, { time: clock(now, desk.zone) }));
  for (const cell of document.querySelectorAll('[data-count]')) {
    const name = cell.dataset.count;
    cell.textContent = name === 'over' ? counts.submitted + counts.marked : counts[name];
  }
  offer(lost);
  if (desk.absent) return; // another list stands there
  const there = new Set(sitters.map(({ id }) => id));
  for (const [id, row] of rows) {
    if (there.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  sitters.forEach((each, place) => {
    let row = rows.get(each.id);
    if (!row) {
      row = $('t-sitter').content.querySelector('tr').cloneNode(true);
      rows.set(each.id, row);
    }
    show(row, each, now);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] || null); // a row that stands right keeps its focus
  });
  $('sitters').hidden = !sitters.length;
  $('nobody').hidden = sitters.length > 0;
  $('more').hidden = !more;
}

async function look() {
  try {
    const room = await call('GET', `${desk.room}${location.search}`);
    $('trouble').hidden = true;
    draw(room);
    if ((room.paused_ms !== null) !== desk.paused && !document.querySelector('.act[open]')) location.reload(); // another invigilator's doing
  } catch (error) {
    if (error.status === 401 || error.status === 403 || error.status === 404) location.reload();
    $('trouble').hidden = false;
  }
  setTimeout(look, document.hidden ? 6 * EVERY : EVERY);
}

look();
