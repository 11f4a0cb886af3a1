import { asProblem } from '../api';
import type { Anchor } from './comments';

export interface Moved {
  id: string;
  revision: number;
  anchor: Anchor;
  /** Whether this page moved the words. */
  own: boolean;
}

const SOON = 800; // ms: a few changes in a row are told once
/** Milliseconds in which a page that only saw words move leaves it to the one that moved them. */
const LATER = 5000;

/**
 * Tells the server where commented words have gone, once it has the text they are in. A page that
 * saw another move them tells it after a while of chance length, should that page be gone.
 */
export class MovedWords {
  private readonly waiting = new Map<string, Moved>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = Infinity;

  constructor(
    private readonly ready: () => boolean,
    private readonly send: (moved: Moved) => Promise<void>,
    private readonly random: () => number = Math.random,
  ) {}

  add(moved: readonly Moved[]): void {
    for (const one of moved) this.waiting.set(one.id, one);
    if (moved.length > 0)
      this.schedule(moved.some(({ own }) => own) ? SOON : LATER * (1 + this.random()));
  }

  /** Somebody told it: of this revision nothing is to be said any more. */
  known(id: string, revision: number): void {
    const one = this.waiting.get(id);
    if (one && one.revision < revision) this.waiting.delete(id);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.due = Infinity;
  }

  private schedule(after: number): void {
    const at = Date.now() + after;
    if (at >= this.due) return;
    clearTimeout(this.timer);
    this.due = at;
    this.timer = setTimeout(() => void this.flush(), after);
  }

  private async flush(): Promise<void> {
    this.due = Infinity;
    if (this.waiting.size === 0) return;
    if (!this.ready()) {
      this.schedule(SOON);
      return;
    }
    for (const one of [...this.waiting.values()]) {
      try {
        await this.send(one);
        if (this.waiting.get(one.id) === one) this.waiting.delete(one.id);
      } catch (error) {
        console.info(`A comment's place is not told yet: ${asProblem(error).message}`);
        this.schedule(LATER);
        return;
      }
    }
  }
}
