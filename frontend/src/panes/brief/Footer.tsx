import type { Editor } from '@tiptap/core';
import { ListTree } from 'lucide-react';
import { useEffect, useState } from 'react';

import { citationOrder } from '../../editor';
import { Menu, MenuItem } from '../../ui/Menu';
import { count } from '../../ui/words';

interface Heading {
  pos: number;
  level: number;
  text: string;
}

interface Measure {
  words: number;
  citations: number;
  headings: readonly Heading[];
}

function measure(editor: Editor): Measure {
  const headings: Heading[] = [];
  let words = 0;
  editor.state.doc.descendants((node, pos) => {
    if (!node.isTextblock) return true;
    const text = node.textBetween(0, node.content.size, ' ', ' ');
    words += text.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0;
    if (node.type.name === 'heading' && text.trim())
      headings.push({ pos, level: Number(node.attrs.level), text: text.trim() });
    return false;
  });
  return { words, citations: citationOrder(editor.state).length, headings };
}

/** Outline and size of the brief, counted when the keyboard rests. */
export function Footer({ editor }: { editor: Editor }) {
  const [now, setNow] = useState<Measure>(() => measure(editor));

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setNow(measure(editor)), 300);
    };
    later();
    editor.on('update', later);
    return () => {
      clearTimeout(timer);
      editor.off('update', later);
    };
  }, [editor]);

  const goTo = ({ pos }: Heading) => {
    const at = Math.min(pos + 1, editor.state.doc.content.size);
    const { node } = editor.view.domAtPos(at);
    (node instanceof Element ? node : node.parentElement)?.scrollIntoView({ block: 'start' });
    editor.commands.setTextSelection(at);
  };

  return (
    <footer className="brief-footer">
      <Menu
        onChosen={() => editor.view.focus()}
        trigger={
          <button type="button" className="brief-outline" disabled={now.headings.length === 0}>
            <ListTree size={14} aria-hidden="true" /> Outline
          </button>
        }
      >
        {now.headings.map((heading) => (
          <MenuItem key={heading.pos} onSelect={() => goTo(heading)}>
            <span
              className="max-w-80 truncate"
              style={{ paddingInlineStart: `${(heading.level - 1) * 14}px` }}
            >
              {heading.text}
            </span>
          </MenuItem>
        ))}
      </Menu>
      <span>{count(now.words, 'word')}</span>
      <span>{count(now.citations, 'citation')}</span>
    </footer>
  );
}
