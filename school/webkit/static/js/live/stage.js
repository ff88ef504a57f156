// What stands where on the stage: the big picture, the small one beside it, a cover with words while there is none, and
// one quiet line. It decides nothing; picture.js does.

const LAYERS = ['hall', 'camera', 'screen', 'slide'];
const LINE_MS = 6000;
const SLIDE_AGAIN_MS = 2000;

const $ = (id) => document.getElementById(id);

export class Stage {
  constructor(slides, naming) {
    Object.assign(this, { slides, naming, page: null, locked: null });
    this.videos = Object.fromEntries(['hall', 'camera', 'screen'].map((name) => [name, $(name).querySelector('video')]));
    this.image = $('slide').querySelector('img');
    this.image.addEventListener('error', () => setTimeout(() => this.fetch(), SLIDE_AGAIN_MS)); // a network that was away for a moment
    $('full').addEventListener('click', () => this.full());
    document.addEventListener('visibilitychange', () => this.locked !== null && this.stayAwake(true));
  }

  /** Put the layers `big` and `small` (names or null) in their places; the others go. */
  place(big, small) {
    for (const name of LAYERS) {
      const layer = $(name);
      layer.hidden = name !== big && name !== small;
      layer.classList.toggle('big', name === big);
      layer.classList.toggle('small', name === small);
    }
    $('views').classList.toggle('with-small', small !== null);
    $('strip').hidden = !small && !$('chapters').childElementCount;
  }

  /** Show a page of the slides; the next one is fetched ahead. */
  turn(page, pages) {
    if (page === this.page) return;
    this.page = page;
    this.image.alt = this.naming(page);
    this.fetch();
    if (page < pages) new Image().src = this.address(page + 1);
  }

  fetch() { this.image.src = this.address(this.page); }

  address(page) { return `${this.slides}/${page}.jpg`; }

  /** A cover over the big picture: {icon, text, detail, href, action}; null takes it away. */
  cover(what) {
    const key = JSON.stringify(what);
    if (key === this.covered) return;
    this.covered = key;
    $('cover').hidden = !what;
    if (!what) return;
    const use = $('cover').querySelector('use');
    use.setAttribute('href', use.getAttribute('href').replace(/#.*/, `#${what.icon}`));
    $('cover-t').textContent = what.text;
    $('cover-d').textContent = what.detail || '';
    $('cover-d').hidden = !what.detail;
    $('cover-go').hidden = !what.href;
    if (what.href) {
      $('cover-go').href = what.href;
      $('cover-go').textContent = what.action;
    }
  }

  /** One quiet line over the picture; it goes by itself unless it `stays`. */
  say(text = '', stays = false) {
    clearTimeout(this.timer);
    if ($('says').textContent !== text) $('says').textContent = text;
    if (text && !stays) this.timer = setTimeout(() => this.say(), LINE_MS);
  }

  /** Take `text` back, if that is what the line says. */
  unsay(text) {
    if ($('says').textContent === text) this.say();
  }

  full() {
    const stage = $('stage');
    if (document.fullscreenElement || document.webkitFullscreenElement) (document.exitFullscreen || document.webkitExitFullscreen).call(document);
    else if (stage.requestFullscreen) stage.requestFullscreen();
    else if (stage.webkitRequestFullscreen) stage.webkitRequestFullscreen();
    else Object.values(this.videos).find((video) => video.offsetParent)?.webkitEnterFullscreen?.(); // an iPhone: the bare picture
  }

  /** Keep the screen lit while the class goes on. */
  async stayAwake(on) {
    if (!on) {
      this.locked?.release?.().catch(() => {});
      this.locked = null;
    } else if (document.visibilityState === 'visible') {
      this.locked = await navigator.wakeLock?.request('screen').catch(() => ({})) ?? {};
    }
  }
}
