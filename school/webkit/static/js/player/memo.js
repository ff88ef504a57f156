// Small choices kept on this device; a browser that keeps nothing simply forgets them.

export function recall(name) {
  try { return localStorage.getItem(`player.${name}`); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(`player.${name}`, value); } catch { /* forgotten with the page */ }
}
