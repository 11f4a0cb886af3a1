import type { Editor } from '@tiptap/core';
import { Check, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { announce, setSuggestionDesk, useCommands } from '../../desk';
import {
  type Author,
  chooseSuggestion,
  colorOf,
  decideIn,
  goToSuggestion,
  type Suggestion,
  suggestState,
} from '../../editor';
import type { Session } from '../../session';
import { Ago } from '../../ui/Ago';
import { Button } from '../../ui/Button';
import { keyText } from '../../ui/Keys';
import { count } from '../../ui/words';

/** Who writes in this session, as suggestions name them. */
export function authorOf(session: Session): Author {
  const state = session.awareness.getLocalState() as { user?: Partial<Session['user']> } | null;
  const name = state?.user?.name ?? session.user.name;
  const { color, id } = session.user;
  return { id: id ?? name, name, kind: 'person', color };
}

interface Seen {
  all: readonly Suggestion[];
  current: string | null;
}

interface Place {
  top: number;
  left: number;
}

/** Half a letter's width beside the page's edge. */
const EDGE = 8;
const CARD = 344; // pixels a card is wide

/** Where a card stands below a suggestion, in the page that scrolls with it. */
function placeOf(editor: Editor, suggestion: Suggestion): Place | null {
  const page = editor.view.dom.closest('.brief-page');
  const last = suggestion.pieces.find(({ from, to }) => {
    const { head } = editor.state.selection;
    return from <= head && head <= to;
  });
  const piece = last ?? suggestion.pieces[0];
  if (!page || !piece) return null;
  const box = page.getBoundingClientRect();
  if (box.width === 0) return null; // behind another tab
  const inside = piece.node.isInline ? piece.from : piece.from + 1;
  const at = editor.view.coordsAtPos(Math.min(inside, editor.state.doc.content.size));
  const end = editor.view.coordsAtPos(
    Math.min(piece.node.isInline ? piece.to : inside, editor.state.doc.content.size),
  );
  const widest = Math.max(EDGE, box.width - CARD - EDGE);
  return {
    top: Math.max(at.bottom, end.bottom) - box.top + EDGE,
    left: Math.min(Math.max(EDGE, at.left - box.left), widest),
  };
}

interface BriefSuggestionsProps {
  editor: Editor;
  suggesting: boolean;
  editable: boolean;
}

/** Joins suggestions in the text to the other panes, and shows the one at the caret. */
export function BriefSuggestions({ editor, suggesting, editable }: BriefSuggestionsProps) {
  const [seen, setSeen] = useState<Seen>(() => suggestState(editor.state));
  const [place, setPlace] = useState<Place | null>(null);
  const chosen = seen.all.find(({ id }) => id === seen.current) ?? null;

  useEffect(() => {
    editor.commands.setSuggesting(suggesting);
  }, [editor, suggesting]);

  useEffect(() => {
    let waiting = 0;
    const look = () => {
      waiting = 0;
      const { all, current } = suggestState(editor.state);
      setSeen((old) => (old.all === all && old.current === current ? old : { all, current }));
      const one = all.find(({ id }) => id === current);
      setPlace(one ? placeOf(editor, one) : null);
    };
    // Once for each frame, however many letters come in it.
    const later = () => {
      waiting ||= requestAnimationFrame(look);
    };
    later();
    editor.on('transaction', later);
    // A page that is laid out otherwise, or shown again, has the words elsewhere.
    const laidOut = new ResizeObserver(later);
    laidOut.observe(editor.view.dom);
    return () => {
      cancelAnimationFrame(waiting);
      laidOut.disconnect();
      editor.off('transaction', later);
    };
  }, [editor]);

  useEffect(() => {
    setSuggestionDesk({
      all: seen.all,
      current: seen.current,
      decides: editable,
      decide: (verdict, which) => {
        const settled = decideIn(editor, verdict, which);
        const what = verdict === 'accept' ? 'accepted' : 'rejected';
        announce(`${count(settled, 'suggestion')} ${what}.`);
      },
      show: (id) => chooseSuggestion(editor, id),
    });
    return () => setSuggestionDesk(null);
  }, [editor, editable, seen]);

  const go = (step: 1 | -1) => () => {
    const found = goToSuggestion(editor, step);
    if (!found) {
      announce('No suggestions.');
      return;
    }
    editor.commands.focus(undefined, { scrollIntoView: false });
    announce(`${found.name}: ${found.summary}.`);
  };
  const decide = (verdict: 'accept' | 'reject') => {
    if (!chosen || decideIn(editor, verdict, { id: chosen.id }) === 0) return false;
    announce(`${verdict === 'accept' ? 'Accepted' : 'Rejected'}: ${chosen.summary}.`);
    return true;
  };
  useCommands([
    ...(chosen && editable
      ? [
          {
            id: 'accept-suggestion',
            group: 'Brief',
            label: 'Accept the suggestion',
            keys: 'Alt+Enter',
            yields: true,
            run: () => decide('accept'),
          },
          {
            id: 'reject-suggestion',
            group: 'Brief',
            label: 'Reject the suggestion',
            keys: 'Alt+Backspace',
            yields: true,
            run: () => decide('reject'),
          },
        ]
      : []),
    {
      id: 'next-suggestion',
      group: 'Brief',
      label: 'Next suggestion',
      keys: 'F9',
      run: go(1),
    },
    {
      id: 'previous-suggestion',
      group: 'Brief',
      label: 'Previous suggestion',
      keys: 'Shift+F9',
      run: go(-1),
    },
  ]);

  if (!chosen || !place) return null;
  const decideHere = (verdict: 'accept' | 'reject') => {
    decide(verdict);
    editor.commands.focus(undefined, { scrollIntoView: false });
  };
  return (
    <section
      className="suggestion-card appear"
      aria-label={`Suggestion by ${chosen.name}`}
      style={{ top: place.top, left: place.left, maxWidth: CARD }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        editor.commands.focus(undefined, { scrollIntoView: false });
      }}
    >
      <p className="suggestion-who">
        <Who name={chosen.name} kind={chosen.kind} color={chosen.color} />
        <span>
          <Ago at={chosen.at} />
        </span>
      </p>
      <p className="suggestion-what">{chosen.summary}</p>
      {editable && (
        <div className="suggestion-acts">
          <Button small look="primary" onClick={() => decideHere('accept')}>
            <Check size={13} aria-hidden /> Accept <kbd>{keyText('Alt+Enter')}</kbd>
          </Button>
          <Button small onClick={() => decideHere('reject')}>
            <X size={13} aria-hidden /> Reject <kbd>{keyText('Alt+Backspace')}</kbd>
          </Button>
        </div>
      )}
    </section>
  );
}

interface WhoProps {
  name: string;
  kind: 'person' | 'ai';
  color: string;
}

function Who({ name, kind, color }: WhoProps) {
  return (
    <span className="suggestion-name">
      <span
        className="suggestion-dot"
        aria-hidden="true"
        style={colorOf({ color }) ? { background: color } : undefined}
      />
      {name}
      {kind === 'ai' && <span className="suggestion-ai">AI</span>}
    </span>
  );
}
