import type { Editor } from '@tiptap/core';
import { useEditorState } from '@tiptap/react';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

import { findCount } from '../../editor';
import { Button, IconButton } from '../../ui/Button';
import { Input } from '../../ui/Field';

interface FindBarProps {
  editor: Editor;
  onClose: () => void;
}

/** Find and replace. Return goes on, Shift+Return back, Escape closes. */
export function FindBar({ editor, onClose }: FindBarProps) {
  const [text, setText] = useState(() => {
    const { from, to } = editor.state.selection;
    return editor.state.doc.textBetween(from, Math.min(to, from + 80), ' ');
  });
  const [by, setBy] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const { places, current, editable } = useEditorState({
    editor,
    selector: ({ editor: e }) => ({ ...findCount(e.state), editable: e.isEditable }),
  });

  useEffect(() => {
    editor.commands.setFind(text);
  }, [editor, text]);
  useEffect(() => {
    field.current?.select();
    return () => {
      if (!editor.isDestroyed) editor.commands.setFind('');
    };
  }, [editor]);

  const close = () => {
    onClose();
    editor.commands.focus();
  };

  const replace = (how: 'replaceFound' | 'replaceAllFound') => {
    editor.commands[how](by);
    // With nothing left to replace the buttons are off, and the keyboard would be nowhere.
    if (findCount(editor.state).places === 0) field.current?.focus();
  };

  return (
    <div
      role="search"
      aria-label="Find in the brief"
      className="brief-bar"
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <Input
        ref={field}
        autoFocus
        aria-label="Find"
        placeholder="Find"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') editor.commands.stepFind(event.shiftKey ? -1 : 1);
        }}
      />
      <span role="status" className="brief-count">
        {text === '' ? '' : places === 0 ? 'Not found' : `${current} of ${places}`}
      </span>
      <IconButton label="Previous" onClick={() => editor.commands.stepFind(-1)}>
        <ChevronUp />
      </IconButton>
      <IconButton label="Next" onClick={() => editor.commands.stepFind(1)}>
        <ChevronDown />
      </IconButton>
      {editable && (
        <>
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
        </>
      )}
      <IconButton label="Close" onClick={close}>
        <X />
      </IconButton>
    </div>
  );
}
