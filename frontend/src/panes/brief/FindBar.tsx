import type { Editor } from '@tiptap/core';
import { useEditorState } from '@tiptap/react';
import { CaseSensitive, ChevronDown, ChevronUp, Regex, WholeWord, X } from 'lucide-react';
import { type ComponentType, useEffect, useRef, useState } from 'react';

import { findCount, NOTHING, patternProblem, type Wanted } from '../../editor';
import { Button, IconButton } from '../../ui/Button';
import { Input } from '../../ui/Field';
import { number } from '../../ui/words';

interface FindBarProps {
  editor: Editor;
  onClose: () => void;
}

const WAYS: readonly {
  name: 'matchCase' | 'wholeWord' | 'pattern';
  label: string;
  icon: ComponentType<{ size: number; 'aria-hidden': 'true' }>;
}[] = [
  { name: 'matchCase', label: 'Match capitals', icon: CaseSensitive },
  { name: 'wholeWord', label: 'Whole words', icon: WholeWord },
  { name: 'pattern', label: 'Regular expression', icon: Regex },
];

/** Find and replace. Return goes on, Shift+Return back, Escape closes. */
export function FindBar({ editor, onClose }: FindBarProps) {
  const [wanted, setWanted] = useState<Wanted>(() => {
    const { from, to } = editor.state.selection;
    return { ...NOTHING, text: editor.state.doc.textBetween(from, Math.min(to, from + 80), ' ') };
  });
  const [by, setBy] = useState('');
  const [replaced, setReplaced] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const { places, current, editable } = useEditorState({
    editor,
    selector: ({ editor: e }) => ({ ...findCount(e.state), editable: e.isEditable }),
  });
  const problem = patternProblem(wanted);

  useEffect(() => {
    editor.commands.setFind(wanted);
  }, [editor, wanted]);
  useEffect(() => {
    field.current?.select();
    return () => {
      if (!editor.isDestroyed) editor.commands.setFind(NOTHING);
    };
  }, [editor]);

  const close = () => {
    onClose();
    editor.commands.focus();
  };
  const look = (change: Partial<Wanted>) => {
    setReplaced(null);
    setWanted({ ...wanted, ...change });
  };
  const step = (by: 1 | -1) => {
    setReplaced(null);
    editor.commands.stepFind(by);
  };
  const replace = (how: 'replaceFound' | 'replaceAllFound') => {
    const all = how === 'replaceAllFound' ? places : 1;
    editor.commands[how](by);
    setReplaced(`${number(all)} replaced`);
    // With nothing left to replace the buttons are off, and the keyboard would be nowhere.
    if (findCount(editor.state).places === 0) field.current?.focus();
  };

  const where = wanted.text === '' ? '' : places === 0 ? 'Not found' : `${current} of ${places}`;
  const told = problem ?? [where, replaced].filter(Boolean).join(' · ');

  return (
    <div
      role="search"
      aria-label="Find in the brief"
      className="brief-bar"
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <div className="brief-bar-part">
        <Input
          ref={field}
          autoFocus
          aria-label="Find"
          placeholder="Find"
          value={wanted.text}
          aria-invalid={problem !== null}
          onChange={(event) => look({ text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
          }}
        />
        <div role="group" aria-label="How to find" className="brief-tools">
          {WAYS.map(({ name, label, icon: Icon }) => (
            <button
              key={name}
              type="button"
              className="brief-tool"
              aria-label={label}
              title={label}
              aria-pressed={wanted[name]}
              onClick={() => look({ [name]: !wanted[name] })}
            >
              <Icon size={15} aria-hidden="true" />
            </button>
          ))}
        </div>
        <span role="status" className="brief-count">
          {told}
        </span>
        <IconButton label="Previous" onClick={() => step(-1)}>
          <ChevronUp />
        </IconButton>
        <IconButton label="Next" onClick={() => step(1)}>
          <ChevronDown />
        </IconButton>
        <IconButton label="Close" onClick={close}>
          <X />
        </IconButton>
      </div>
      {editable && (
        <div className="brief-bar-part">
          <Input
            aria-label="Replace by"
            placeholder="Replace by"
            value={by}
            onChange={(event) => setBy(event.target.value)}
          />
          <Button small disabled={places === 0} onClick={() => replace('replaceFound')}>
            Replace
          </Button>
          <Button small disabled={places === 0} onClick={() => replace('replaceAllFound')}>
            All
          </Button>
        </div>
      )}
    </div>
  );
}
