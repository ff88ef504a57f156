// The keyboard: one key a command, never while somebody writes or presses a button, and it can be switched off.
import { recall, remember } from './memo.js';

const COMMANDS = {
  ' ': 'play', k: 'play', ArrowLeft: 'back', ArrowRight: 'forward', ArrowUp: 'louder', ArrowDown: 'softer',
  f: 'full', m: 'mute', '<': 'slower', '>': 'faster',
};
const LETTERS = 'kfm<>'; // what 单键操作 switches; space and arrows stay

/** Call `commands[name]()` for each key; `toggle` is the check box that switches the letter keys. */
export function listen(commands, toggle) {
  toggle.checked = recall('letters') !== 'off';
  toggle.addEventListener('change', () => remember('letters', toggle.checked ? 'on' : 'off'));
  addEventListener('keydown', (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const command = COMMANDS[key];
    if (!command || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target.closest('textarea, select, [contenteditable], [role=dialog]')) return;
    if (target.matches('input:not([type=range])')) return;
    if (LETTERS.includes(key) ? !toggle.checked : key === ' ' && target.closest('button, a, summary')) return;
    if (target.matches('[data-own-arrows]') && key.startsWith('Arrow')) return;
    event.preventDefault();
    commands[command]();
  });
}
