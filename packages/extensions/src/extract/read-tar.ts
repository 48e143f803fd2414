import { once } from 'node:events';

import { OciError, asOciError } from '@oci/spec-types';
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
  let failed: { readonly error: unknown } | undefined;
  let handled: Promise<void> = Promise.resolve();
  const fail = (error: unknown): void => {
    failed ??= { error };
  };
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: 64 * 1024,
    onReadEntry: (entry) => {
      const handle = (): Promise<void> =>
        failed ? Promise.reject(failed.error) : options.onEntry(entry);
      handled = handled.then(handle).catch((error: unknown) => {
        fail(error);
        // What nobody reads would hold the parser for ever.
        entry.resume();
      });
    },
  });
  parser.on('error', fail);
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    fail(new OciError('ARCHIVE_UNSAFE', `the archive has an entry of the type ${entry.type}`));
  });
  for await (const chunk of source) {
    if (options.signal?.aborted) fail(asOciError(options.signal.reason));
    if (failed) throw failed.error;
    if (!parser.write(Buffer.from(chunk)))
      await Promise.race([once(parser, 'drain'), once(parser, 'error')]);
  }
  const ended = new Promise<void>((resolve) => {
    parser.once('end', () => resolve());
    parser.once('error', () => resolve());
  });
  parser.end();
  await ended;
  await handled;
  if (failed) throw failed.error;
}
