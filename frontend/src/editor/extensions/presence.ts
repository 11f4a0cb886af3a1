import { CollaborationCaret } from '@tiptap/extension-collaboration-caret';

/** Black or white, whichever reads better on a colour (the split lies where both contrast alike). */
export function inkOn(color: string): string {
  const [r = 0, g = 0, b = 0] = (/^#?(..)(..)(..)$/.exec(color)?.slice(1) ?? []).map((pair) => {
    const value = parseInt(pair, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#111' : '#fff';
}

/** The cursors of the others, with their names. */
export const presence = CollaborationCaret.configure({
  selectionRender: (user) => ({
    nodeName: 'span',
    class: 'presence-selection',
    style: `background-color: color-mix(in srgb, ${String(user.color)} 22%, transparent)`,
  }),
  render: (user) => {
    const color = String(user.color);
    const caret = document.createElement('span');
    caret.className = 'presence-caret';
    caret.style.borderColor = color;
    const label = document.createElement('span');
    label.className = 'presence-name';
    label.style.backgroundColor = color;
    label.style.color = inkOn(color);
    label.textContent = typeof user.name === 'string' ? user.name : '';
    caret.append('\u2060', label, '\u2060');
    return caret;
  },
});
