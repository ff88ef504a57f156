// Reading a question aloud with the browser's own voice; the button stays away where there is none.

const voice = window.speechSynthesis;

/** What is read of a question: its stem, then each option with its letter, then the pieces to be matched. */
export function lines(face) {
  const named = (pieces = []) => pieces.map((piece, at) => `${String.fromCharCode(65 + at)}，${piece.text || piece.media?.[0]?.alt || ''}`);
  const plain = (pieces = []) => pieces.map((piece) => piece.text || piece.media?.[0]?.alt || '');
  return [...face.stem.split('\n'), ...face.media.map((each) => each.alt), ...named(face.options), ...plain(face.left), ...named(face.right)]
    .map((line) => line.replace(/_{2,}/g, '，空格，').trim()).filter(Boolean);
}

export const speaks = Boolean(voice);

/** Stop reading. */
export function hush() { voice?.cancel(); }

/** Read `texts` one after another; `done()` is called when it ends, whoever ended it. */
export function speak(texts, done) {
  hush();
  const chinese = voice.getVoices().find((each) => each.lang.replace('_', '-').startsWith('zh'));
  texts.forEach((text, at) => { // one sentence an utterance: long ones are cut off by some browsers
    const said = new SpeechSynthesisUtterance(text);
    said.lang = 'zh-CN';
    said.rate = 0.9;
    if (chinese) said.voice = chinese;
    if (at === texts.length - 1) said.onend = done;
    said.onerror = done;
    voice.speak(said);
  });
}
