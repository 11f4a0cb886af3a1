import { useEffect, useId, useRef, useState } from 'react';
import type * as Y from 'yjs';

import { Button } from '../../ui/Button';

interface TitleProps {
  text: Y.Text;
  editable: boolean;
  /** Return in the title goes on to the text. */
  onDone: () => void;
  /** In Suggest mode, where it takes no change: leaves that mode. */
  onEdit?: (() => void) | undefined;
}

/** Changes only what differs, so that two people in one title keep both their words. */
export function changeText(text: Y.Text, next: string): void {
  const before = text.toJSON();
  let start = 0;
  while (start < before.length && start < next.length && before[start] === next[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < next.length - start &&
    before[before.length - 1 - end] === next[next.length - 1 - end]
  )
    end += 1;
  text.doc?.transact(() => {
    text.delete(start, before.length - start - end);
    text.insert(start, next.slice(start, next.length - end));
  });
}

function fit(element: HTMLTextAreaElement): void {
  element.style.height = 'auto';
  element.style.height = `${element.scrollHeight}px`;
}

/** The brief's title, which is shared like its text. */
export function Title({ text, editable, onDone, onEdit }: TitleProps) {
  const [value, setValue] = useState(() => text.toJSON());
  const field = useRef<HTMLTextAreaElement>(null);
  const why = useId();

  useEffect(() => {
    const read = () => setValue(text.toJSON());
    read();
    text.observe(read);
    return () => text.unobserve(read);
  }, [text]);

  // Long titles wrap; the field is as high as its words, however wide the pane becomes.
  useEffect(() => {
    if (field.current) fit(field.current);
  }, [value]);
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      // Its height is our own doing, and no reason to measure again.
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      fit(element);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return (
    <div className="brief-title-box">
      <textarea
        ref={field}
        className="brief-title"
        rows={1}
        value={value}
        readOnly={!editable}
        aria-label="Title of the brief"
        aria-describedby={onEdit && why}
        placeholder="Untitled brief"
        maxLength={300}
        onChange={(event) => changeText(text, event.target.value.replace(/\n/g, ' '))}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onDone();
        }}
      />
      {onEdit && (
        <p id={why} className="brief-title-why">
          The title takes no suggestions.
          <Button
            small
            onClick={() => {
              onEdit();
              field.current?.focus();
            }}
          >
            Edit it
          </Button>
        </p>
      )}
    </div>
  );
}
