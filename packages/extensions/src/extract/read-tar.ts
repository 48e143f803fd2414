import { OciError, throwIfAborted } from '@oci/spec-types';
import { Parser, type ReadEntry } from 'tar';

import type { ExtractLimits } from './limits.js';

export interface ReadTarOptions {
  /** Has to read the entry to its end. */
  readonly onEntry: (entry: ReadEntry) => Promise<void>;
  readonly limits: Pick<ExtractLimits, 'pathBytes'>;
  readonly signal?: AbortSignal | undefined;
}

/** Gives the entries of a tar one after the other; the first failure, of either side, ends it. */
export async function readTar(
  source: AsyncIterable<Uint8Array>,
  options: ReadTarOptions,
): Promise<void> {
  const entries = new EntryQueue(options.onEntry);
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: 64 * 1024,
    onReadEntry: (entry) => entries.add(entry),
  });
  parser.on('error', (error: unknown) => entries.fail(error));
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    entries.fail(
      new OciError('ARCHIVE_UNSAFE', `the archive has an entry of the type ${entry.type}`),
    );
  });
  try {
    for await (const chunk of source) {
      throwIfAborted(options.signal);
      // A failure within `write` was told already, and nothing comes after it.
      const isFull = !parser.write(Buffer.from(chunk));
      if (entries.hasFailed) break;
      if (isFull) await nextOf(parser, 'drain', 'error');
    }
    if (!entries.hasFailed) {
      const ended = nextOf(parser, 'end', 'error');
      parser.end();
      if (!entries.hasFailed) await ended;
    }
  } catch (error) {
    entries.fail(error);
  }
  await entries.handled();
}

/** Entries that are handled one by one, in the order of the archive. */
class EntryQueue {
  readonly #handle: (entry: ReadEntry) => Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  #current: ReadEntry | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: (entry: ReadEntry) => Promise<void>) {
    this.#handle = handle;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  add(entry: ReadEntry): void {
    // Its failure is told by the turn that reads it; before and after, nobody else listens.
    entry.on('error', () => {});
    this.#turn = this.#turn.then(async () => {
      this.#current = entry;
      try {
        if (!this.#failure) await this.#handle(entry);
      } catch (error) {
        this.fail(error);
      }
      // What nobody reads would hold the parser for ever.
      entry.resume();
    });
  }

  /** Ends the entry that is being read, too: its remaining bytes will not come. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#current?.emit('error', error);
  }

  /** Once every entry is let go of. @throws the first failure */
  async handled(): Promise<void> {
    await this.#turn;
    if (this.#failure) throw this.#failure.error;
  }
}

/** Resolves at the first of some events. */
function nextOf(parser: Parser, ...events: readonly ('drain' | 'end' | 'error')[]): Promise<void> {
  return new Promise((resolve) => {
    const happened = (): void => {
      for (const event of events) parser.off(event, happened);
      resolve();
    };
    for (const event of events) parser.on(event, happened);
  });
}
