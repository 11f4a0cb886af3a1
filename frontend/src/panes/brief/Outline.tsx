import type { Editor } from '@tiptap/core';
import type { KeyboardEvent } from 'react';

import type { Heading } from '../../editor';

/** Takes the keyboard to the heading the cursor stands under. */
export function focusOutline(): void {
  const panel = document.querySelector<HTMLElement>('#brief-outline');
  // The panel itself while there is no heading, so that Escape closes it all the same.
  (panel?.querySelector<HTMLElement>('button[tabindex="0"]') ?? panel)?.focus();
}

interface OutlineProps {
  editor: Editor;
  headings: readonly Heading[];
  current: number;
  onClose: () => void;
}

/** Up and down walk along the headings, Escape goes back to the text. */
function walk(event: KeyboardEvent<HTMLElement>, onClose: () => void): void {
  if (event.key === 'Escape') {
    onClose();
    return;
  }
  const entries = [...event.currentTarget.querySelectorAll<HTMLElement>('button')];
  const at = entries.indexOf(event.target as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  entries[Math.min(Math.max(to, 0), entries.length - 1)]?.focus();
}

/** The headings of the brief, beside its text. */
export function Outline({ editor, headings, current, onClose }: OutlineProps) {
  const goTo = ({ pos }: Heading) => {
    const at = Math.min(pos + 1, editor.state.doc.content.size);
    const { node } = editor.view.domAtPos(at);
    (node instanceof Element ? node : node.parentElement)?.scrollIntoView({ block: 'start' });
    editor.chain().setTextSelection(at).focus(undefined, { scrollIntoView: false }).run();
  };

  return (
    <nav
      id="brief-outline"
      tabIndex={-1}
      aria-label="Outline"
      className="brief-outline-panel"
      onKeyDown={(event) => walk(event, onClose)}
    >
      {headings.length === 0 ? (
        <p>Headings of the brief appear here. “#” and a space begins one.</p>
      ) : (
        <ol>
          {headings.map((heading, n) => (
            <li key={heading.pos}>
              <button
                type="button"
                aria-current={n === current ? 'location' : undefined}
                // One stop for Tab; arrows go on from there.
                tabIndex={n === Math.max(current, 0) ? 0 : -1}
                style={{ paddingInlineStart: `${(heading.level - 1) * 12 + 10}px` }}
                onClick={() => goTo(heading)}
              >
                <span className="sr-only">Level {heading.level}: </span>
                {heading.text}
              </button>
            </li>
          ))}
        </ol>
      )}
    </nav>
  );
}
