import { exitCodes } from '@oci/manager/program';
import { parseDigest } from '@oci/spec-types';

import { Exit, type Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { sizeText } from '../render/quantity.js';

interface VerifyInput {
  readonly limit?: number;
  readonly restart?: boolean;
  readonly dryRun?: boolean;
}

/** Stands for all blobs on the one line that shows how far it is. */
const everything = parseDigest(`sha256:${'0'.repeat(64)}`);

export async function verifyCache(input: VerifyInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, signal }) => {
    const cache = await manager.cache();
    const { limit, restart, dryRun = false } = input;
    const { bytes: size } = await cache.usage();
    progress({ type: 'start', digest: everything, size, title: 'cache' });
    const report = await cache.verify({
      limit,
      restart,
      dryRun,
      signal,
      onEvent: progress,
      onProgress: ({ bytes: done }) => progress({ type: 'bytes', digest: everything, done, size }),
    });
    progress({ type: 'done', digest: everything, size: report.bytes });
    const { blobs, bytes, damaged, files, damagedFiles, finished, resumedAfter } = report;
    output.print({
      json: {
        cache_dir: cache.dir,
        dry_run: dryRun,
        blobs,
        bytes,
        damaged,
        files,
        damaged_files: damagedFiles,
        resumed_after: resumedAfter ?? null,
        finished,
      },
      text: [
        ...damaged.map((digest) => `damaged ${digest}${dryRun ? '' : ', set aside'}`),
        ...damagedFiles.map((path) => `damaged ${path}${dryRun ? '' : ', removed'}`),
        `${blobs - damaged.length} of ${blobs} blobs and ${files - damagedFiles.length} of ${files} materialized files are sound, ${sizeText(bytes)}`,
        ...(finished ? [] : ['the next run goes on behind them']),
      ],
      brief: [...damaged, ...damagedFiles],
    });
    if (damaged.length + damagedFiles.length > 0) throw new Exit(exitCodes.integrity);
  });
}
