import type { Editor } from '@tiptap/core';
import { useState } from 'react';

import { isSafeLink } from '../../editor';
import { Button } from '../../ui/Button';
import { Input } from '../../ui/Field';

/** Completes what people type: "example.org" and "a@b.org" are addresses too. */
export function toAddress(typed: string): string {
  const text = typed.trim();
  if (isSafeLink(text)) return text;
  if (/^[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$/.test(text)) return `mailto:${text}`;
  return /^[\w-]+(\.[\w-]+)+([/?#:].*)?$/.test(text) ? `https://${text}` : '';
}

interface LinkFieldProps {
  editor: Editor;
  onClose: () => void;
}

export function LinkField({ editor, onClose }: LinkFieldProps) {
  const current: unknown = editor.getAttributes('link').href;
  const [typed, setTyped] = useState(typeof current === 'string' ? current : '');
  const address = toAddress(typed);

  const close = () => {
    onClose();
    editor.commands.focus();
  };
  const set = () => {
    if (!address) return;
    const chain = editor.chain().focus().extendMarkRange('link');
    if (editor.state.selection.empty && !current)
      chain
        .insertContent({
          type: 'text',
          text: typed.trim(),
          marks: [{ type: 'link', attrs: { href: address } }],
        })
        .run();
    else chain.setLink({ href: address }).run();
    onClose();
  };

  return (
    <form
      className="brief-bar"
      aria-label="Link"
      onSubmit={(event) => {
        event.preventDefault();
        set();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <Input
        autoFocus
        aria-label="Address"
        placeholder="https://…"
        value={typed}
        aria-invalid={typed !== '' && !address}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Button small look="primary" type="submit" disabled={!address}>
        Set
      </Button>
      {typeof current === 'string' && (
        <Button
          small
          onClick={() => {
            editor.chain().focus().extendMarkRange('link').unsetLink().run();
            onClose();
          }}
        >
          Remove
        </Button>
      )}
      <Button small look="quiet" onClick={close}>
        Cancel
      </Button>
    </form>
  );
}
