// What publishing and watching share: which codec first, waiting for candidates, requests that give up.

const GATHER_MS = 1500; // a slow TURN server must not hold everything up

export const later = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** H.264 baseline first, as every browser decodes it and the relay forwards it; `side` is RTCRtpSender or RTCRtpReceiver. */
export function preferH264(transceiver, side) {
  const codecs = side.getCapabilities?.('video')?.codecs;
  if (!codecs || !transceiver.setCodecPreferences) return;
  const rank = ({ mimeType, sdpFmtpLine = '' }) => {
    if (mimeType !== 'video/H264') return 2;
    return /packetization-mode=1/.test(sdpFmtpLine) && /profile-level-id=42e0/i.test(sdpFmtpLine) ? 0 : 1;
  };
  transceiver.setCodecPreferences([...codecs].sort((one, other) => rank(one) - rank(other)));
}

/** Until the connection's own candidates are known, or long enough. */
export async function gathered(pc) {
  if (pc.iceGatheringState === 'complete') return;
  const complete = new Promise((done) => {
    pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done());
  });
  await Promise.race([complete, later(GATHER_MS)]);
}

/** A fetch that gives up; rejects when nobody answered in time. */
export async function ask(url, options, ms) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ms);
  try {
    return await fetch(url, { ...options, signal: stop.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** Send an offer; gives {session, sdp}. Rejects with {code, message, status}: the server's refusal, or `away`. */
export async function exchange(url, token, sdp, ms) {
  let answer;
  try {
    answer = await ask(url, { method: 'POST', body: sdp, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' } }, ms);
  } catch {
    throw Object.assign(new Error('away'), { code: 'away' });
  }
  const text = await answer.text();
  if (answer.status !== 201) {
    let error = {};
    try { ({ error } = JSON.parse(text)); } catch { /* not from the school */ }
    throw Object.assign(new Error(error.message || answer.statusText), { code: error.code || 'away', status: answer.status });
  }
  return { session: new URL(answer.headers.get('Location'), answer.url).href, sdp: text };
}
