// The replay's page beside the player: what is still missing, the second picture, captions, and the class's time line.
import { call } from '../call.js';
import { minus } from '../player/intervals.js';
import { player } from '../player/player.js';
import { Second } from './replay_second.js';
import { Story } from './replay_story.js';

const { video, lesson, words, fill } = player;
const $ = (id) => document.getElementById(id);
const GAP = 5_000; // a stretch shorter than this is not worth going to

// ── what is still missing ───────────────────────────────

const missing = () => minus([[lesson.in_ms, lesson.length_ms]], player.covered()).filter(([from, to]) => to - from >= GAP);

$('gap-list').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) player.watchFrom(Number(button.dataset.at));
});

/** The stretches that are still open, each as the button that leads there; none once the class is heard out. */
function drawGaps() {
  if ($('gaps').hidden) return;
  const open = missing();
  const drawn = JSON.stringify(open);
  if (drawn === drawGaps.drawn) return;
  drawGaps.drawn = drawn;
  $('gaps').hidden = !open.length || lesson.study.done;
  $('gap-list').replaceChildren(...open.slice(0, 6).map(([from, to]) => {
    const button = document.createElement('button');
    button.className = 'btn';
    button.type = 'button';
    button.dataset.at = from / 1000;
    button.textContent = `${player.time(from)} — ${player.time(to)}`;
    return button;
  }));
}

/** The class was settled while the page was open: show what attending counted, and count from here. */
function seated(state) {
  $('settling')?.remove();
  if (!state.study) return;
  player.takeSeat(state.study);
  const attended = state.study.covered.reduce((sum, [from, to]) => sum + to - from, 0);
  if (!attended || !state.gaps.length) return;
  $('gaps').firstElementChild.textContent = fill(words.attended, { length: player.time(lesson.in_ms + attended) });
  $('gaps').hidden = false;
  drawGaps();
  if (video.paused && !video.currentTime) player.seek(state.gaps[0][0] / 1000);
}

/** Just after the class: wait for the end of its recording, and for what attending counted. */
async function follow() {
  const state = await call('GET', lesson.state).catch(() => null);
  if (state) {
    const closed = lesson.growing && !state.growing;
    lesson.growing = state.growing;
    lesson.length_ms = Math.max(state.length_ms, lesson.length_ms);
    if (state.settled && !lesson.settled) {
      lesson.settled = true;
      seated(state);
    }
    if (closed) tell(); // now every moment of the class has its place in the recording
    second?.join(state.beside);
    if (state.settled && !state.growing) return;
  }
  setTimeout(follow, 2000);
}

/** What comes now was heard in the class: offer the way to the next stretch that was not. */
let heard = false;
function offerSkip() {
  const at = video.currentTime * 1000;
  const inside = player.covered().find(([from, to]) => from <= at && at < to - GAP);
  const was = heard;
  heard = Boolean(inside) && !video.paused;
  if (heard === was) return;
  const next = heard && lesson.study && !lesson.study.done && missing().find(([from]) => from > at);
  $('skip').hidden = !next || !offerSkip.played;
  if (next) {
    const button = $('skip').querySelector('button');
    button.textContent = fill(words.next, { at: player.time(next[0]) });
    button.onclick = () => { $('skip').hidden = true; player.watchFrom(next[0] / 1000); };
  }
}

video.addEventListener('playing', () => { offerSkip.played = true; });
video.addEventListener('timeupdate', offerSkip);
video.addEventListener('timeupdate', drawGaps);

// ── captions, trim ──────────────────────────────────────

if ($('cc')) {
  const track = $('captions').track;
  track.mode = 'disabled';
  $('cc').addEventListener('click', () => {
    track.mode = track.mode === 'showing' ? 'disabled' : 'showing';
    $('cc').setAttribute('aria-pressed', String(track.mode === 'showing'));
  });
}

$('here')?.addEventListener('click', () => {
  const seconds = Math.floor(video.currentTime);
  $('here').form.elements.begin.value = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
});

// ── the second picture and the time line ────────────────

const second = lesson.camera && new Second(video, $('camera'), $('pip'), $('second'), lesson.camera, async () => (await call('GET', lesson.renew)).camera);
const story = new Story(player, lesson.slides);
const tell = () => call('GET', lesson.story).then((told) => story.show(told), () => story.fail());
tell();
if (lesson.growing || !lesson.settled) follow();
