import { asProblem, type Problem, type Source } from '../api';
import type { Incoming } from './files';

export type UploadState = 'waiting' | 'sending' | 'failed';

/** A file that is not a source yet. It leaves the queue when the server has taken it. */
export interface Upload {
  key: number;
  space: string;
  path: string;
  bytes: number;
  state: UploadState;
  problem: Problem | null;
}

type Send = (space: string, incoming: Incoming, signal: AbortSignal) => Promise<Source>;

/** Sends files a few at a time. One that fails stays as a row with its reason; the others go on. */
export class Uploads {
  #rows: readonly Upload[] = [];
  #files = new Map<number, Incoming>();
  #running = new Map<number, AbortController>();
  #listeners = new Set<() => void>();
  #next = 1;

  constructor(
    private readonly send: Send,
    private readonly onTaken: (space: string, source: Source) => void,
    private readonly atOnce = 3,
  ) {}

  get rows(): readonly Upload[] {
    return this.#rows;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(space: string, incoming: readonly Incoming[]): void {
    const added = incoming.map((item): Upload => {
      const key = this.#next++;
      this.#files.set(key, item);
      return {
        key,
        space,
        path: item.path,
        bytes: item.file.size,
        state: 'waiting',
        problem: null,
      };
    });
    this.#set([...this.#rows, ...added]);
    this.#pump();
  }

  retry(key: number): void {
    this.#change(key, { state: 'waiting', problem: null });
    this.#pump();
  }

  /** Takes a file out, whether it waits, is being sent or has failed. */
  remove(key: number): void {
    this.#running.get(key)?.abort();
    this.#running.delete(key);
    this.#files.delete(key);
    this.#set(this.#rows.filter((row) => row.key !== key));
    this.#pump();
  }

  #pump(): void {
    while (this.#running.size < this.atOnce) {
      const row = this.#rows.find((r) => r.state === 'waiting' && !this.#running.has(r.key));
      const incoming = row && this.#files.get(row.key);
      if (!row || !incoming) return;
      const abort = new AbortController();
      this.#running.set(row.key, abort);
      this.#change(row.key, { state: 'sending' });
      void this.#run(row, incoming, abort.signal);
    }
  }

  async #run(row: Upload, incoming: Incoming, signal: AbortSignal): Promise<void> {
    try {
      const source = await this.send(row.space, incoming, signal);
      if (signal.aborted) return;
      this.#running.delete(row.key);
      this.#files.delete(row.key);
      this.#set(this.#rows.filter((r) => r.key !== row.key));
      this.onTaken(row.space, source);
    } catch (error) {
      if (signal.aborted) return;
      this.#running.delete(row.key);
      this.#change(row.key, { state: 'failed', problem: asProblem(error) });
    }
    this.#pump();
  }

  #change(key: number, change: Partial<Upload>): void {
    this.#set(this.#rows.map((row) => (row.key === key ? { ...row, ...change } : row)));
  }

  #set(rows: readonly Upload[]): void {
    this.#rows = rows;
    for (const listener of this.#listeners) listener();
  }
}
