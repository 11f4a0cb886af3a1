import { ListTree } from 'lucide-react';

import { minutes } from '../../editor';
import { count } from '../../ui/words';
import { Authorship } from './Authorship';
import type { Measured } from './useMeasure';

interface FooterProps {
  measured: Measured;
  citations: number;
  outlined: boolean;
  onOutline: () => void;
  marked: boolean;
  onMark: (marked: boolean) => void;
}

/** Outline and size of the brief, and whose words they are. */
export function Footer(props: FooterProps) {
  const { measured, citations, outlined, onOutline } = props;
  const { words, characters, selected } = measured;
  return (
    <footer className="brief-footer">
      <button
        type="button"
        className="brief-outline"
        aria-expanded={outlined}
        aria-controls={outlined ? 'brief-outline' : undefined}
        onClick={onOutline}
      >
        <ListTree size={14} aria-hidden="true" /> Outline
      </button>
      {selected ? (
        <span>
          {selected.words} of {count(words, 'word')}, {count(selected.characters, 'character')}{' '}
          selected
        </span>
      ) : (
        <>
          <span>{count(words, 'word')}</span>
          <span className="brief-footer-wide">{count(characters, 'character')}</span>
          {words > 0 && <span className="brief-footer-wide">{minutes(words)} min to read</span>}
        </>
      )}
      <span>{count(citations, 'citation')}</span>
      <Authorship shares={measured.shares} marked={props.marked} onMark={props.onMark} />
    </footer>
  );
}
