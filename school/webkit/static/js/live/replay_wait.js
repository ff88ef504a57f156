// The class has just ended and nothing of its recording can be played yet: look every second, then show the replay.
import { call } from '../call.js';

const address = JSON.parse(document.getElementById('waiting').textContent);

async function look() {
  const { playable, settled } = await call('GET', address).catch(() => ({}));
  if (playable || settled) location.reload();
  else setTimeout(look, 1000);
}

setTimeout(look, 1000);
