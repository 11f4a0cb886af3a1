import type { Editor } from '@tiptap/core';
import { useEffect, useState } from 'react';

import { measure, type Measure, measurePart } from '../../editor';

/** How long the keyboard rests before the brief is counted again, in ms. */
const REST = 300;

/** The size of the brief, of the selection, and the heading the cursor stands under. */
export interface Measured extends Measure {
  selected: { words: number; characters: number } | null;
  /** Which heading, from zero; -1 above the first. */
  current: number;
}

function now(editor: Editor): Measured {
  const { doc, selection } = editor.state;
  const whole = measure(doc);
  return {
    ...whole,
    selected: selection.empty ? null : measurePart(doc, selection.from, selection.to),
    current: whole.headings.findLastIndex(({ pos }) => pos < selection.head),
  };
}

export function useMeasure(editor: Editor): Measured {
  const [measured, setMeasured] = useState(() => now(editor));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setMeasured(now(editor)), REST);
    };
    later();
    editor.on('update', later);
    editor.on('selectionUpdate', later);
    return () => {
      clearTimeout(timer);
      editor.off('update', later);
      editor.off('selectionUpdate', later);
    };
  }, [editor]);
  return measured;
}
