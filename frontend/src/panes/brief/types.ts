import type { Ref } from 'react';
import type { Doc } from 'yjs';

import type {
  ActionStatus,
  CitationEvidence,
  CitedSentence,
  ClaimMark,
  PassageChoice,
  StatusElsewhere,
} from '../../editor';
import type { Mode } from '../../desk';
import type { Session } from '../../session';

/** What other panes and the shell may ask of the open brief. */
export interface BriefHandle {
  /** Whether the brief takes changes now; when false the inserting calls do nothing. */
  readonly writable: boolean;
  /** Puts sentences where the cursor is (or at the end), each followed by its citations. */
  insertSentences(sentences: readonly CitedSentence[], how?: 'cursor' | 'end'): void;
  /** Puts sentences there as a suggestion of a model, whatever the mode. */
  suggestSentences(sentences: readonly CitedSentence[], author: string): void;
  /**
   * Suggests what the touched blocks (null: all that differ) of a kept copy say. How many blocks
   * that are, and whether the server has it, once that is known.
   */
  suggestCopy(
    copy: Doc,
    touched: readonly string[] | null,
  ): Promise<{ touched: number; saved: boolean }>;
  insertCitation(cite: string): void;
  /** Cites `to` where `from` was cited; in one block when it is named, else everywhere. */
  replaceCitation(from: string, to: string, block?: string): void;
  /** Cites at the end of a sentence that has no citation yet. False if it is not found there. */
  citeSentence(block: string, sentence: string, cite: string): boolean;
  /** Sets the status of an action item, as one's own edit. False if it is not there. */
  setStatus(block: string, status: ActionStatus): boolean;
  /** Makes the brief say what a version of it said, as one change that can be undone. */
  restore(version: Doc): Promise<{ touched: number; saved: boolean }>;
  focus(): void;
  /** Scrolls to a place and marks it for a moment. */
  reveal(target: { block?: string; cite?: string; text?: string }): void;
  /** Puts the cursor behind a sentence and the focus into the text. */
  select(target: { block: string; text: string }): void;
  find(): void;
}

export interface BriefPaneProps {
  ref?: Ref<BriefHandle>;
  session: Session;
  mode: Mode;
  /** The person's access is to read: the mode cannot be changed. */
  locked?: boolean;
  /** What is known of a cited passage; undefined while it is being fetched. */
  evidence: (cite: string) => CitationEvidence | undefined;
  /** Changes whenever `evidence` would answer differently, so that chips are drawn again. */
  evidenceVersion: number;
  /** The checked claims of this brief, in any order. */
  claims: readonly ClaimMark[];
  /** What the status of action items became in the targets of the brief. */
  statuses: readonly StatusElsewhere[];
  /** The citation that is selected in all panes, if one is. */
  selectedCite: string | null;
  onSelectCitation: (cite: string, block: string) => void;
  /** The cursor came to rest in another sentence. */
  onSelectBlock: (block: string, sentence: string) => void;
  searchPassages: (query: string) => Promise<readonly PassageChoice[]>;
  /** Makes the evidence record of what carries a claim in a passage; returns its citation id. */
  citePassage: (choice: PassageChoice, claim: string) => Promise<string>;
  uploadImage: (file: File) => Promise<{ src: string }>;
  /** The citations of the brief by first appearance: the n-th has the number n. */
  onCitations: (order: readonly string[]) => void;
  /** A message for the page's polite live region. */
  announce?: (message: string) => void;
}
