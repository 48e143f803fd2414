import { mkdir, rm, writeFile } from 'node:fs/promises';

import type { Fault } from '@oci/testing';

import type { FaultRow, FaultTable } from './fault-row.js';
import { type FaultSite, blob, blobBytes } from './operations.js';

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 1);
const never = new Promise<void>(() => {});

type Prepare = (site: FaultSite) => Promise<void>;

function row(fault: string, rules: readonly Partial<Fault>[], outcome: string): FaultRow {
  return {
    fault,
    operation: 'download',
    faults: rules.map((rule) => ({ path: '/blobs/', method: 'GET', ...rule })),
    outcome,
  };
}

/** Leaves what an earlier download left behind, or says that it did. */
function left(journal: string, partial: Uint8Array | undefined) {
  return async ({ path }: FaultSite): Promise<void> => {
    await writeFile(`${path}.journal`, journal);
    if (partial) await writeFile(`${path}.partial`, partial);
  };
}

const { digest, size } = blob;
const header = `${JSON.stringify({ version: 1, digest, size })}\n`;
const half = blobBytes.subarray(0, 150_000);

function found(fault: string, prepare: Prepare, outcome = 'whole'): FaultRow {
  return { fault, operation: 'download', prepare, outcome };
}

export const downloadFaults: FaultTable = {
  title: 'Downloads to a file, in ranges',
  rows: [
    row(
      'a connection that breaks in the middle',
      [{ destroyAfterBytes: 70_000, times: 1 }],
      'whole',
    ),
    row(
      'a connection that is closed before an answer',
      [{ destroyBeforeHeaders: true, times: 1 }],
      'whole',
    ),
    row('a part that ends early', [{ truncate: 70_000, times: 1 }], 'whole'),
    row('connections that bring a few bytes each', [{ destroyAfterBytes: 10 }], 'NETWORK'),
    {
      ...row(
        'a part that stalls',
        [{ pause: { afterBytes: 70_000, until: never }, times: 1 }],
        'whole',
      ),
      client: { download: { stallMs: 1000 } },
    },
    row('206 with another range', [{ contentRange: 'bytes 1-100000/300000', times: 1 }], 'whole'),
    row('206 without a range', [{ contentRange: '', times: 1 }], 'whole'),
    row('206 with compressed bytes', [{ gzip: true, times: 1 }], 'whole'),
    row(
      '206 with a part of a blob of another size',
      [{ contentRange: 'bytes 0-99999/5' }],
      'SIZE_MISMATCH',
    ),
    row('200 with all of it', [{ ignoreRange: true }], 'whole'),
    row('200 with all of it from the second part on', [{ ignoreRange: true, skip: 1 }], 'whole'),
    row(
      '416 with the full size',
      [{ status: 416, headers: { 'content-range': 'bytes */300000' }, times: 1 }],
      'whole',
    ),
    row(
      '416 with another size',
      [{ status: 416, headers: { 'content-range': 'bytes */5' } }],
      'SIZE_MISMATCH',
    ),
    row('416 without a size', [{ status: 416, times: 1 }], 'whole'),
    row('a part that is altered once', [{ bodyTransform: flip, times: 1, skip: 1 }], 'whole'),
    row('parts that are always altered', [{ bodyTransform: flip }], 'DIGEST_MISMATCH'),
    row('404', [{ status: 404 }], 'BLOB_UNKNOWN'),
    row('401 in the middle, as of a token that ended', [{ status: 401, skip: 1 }], 'UNAUTHORIZED'),
    row(
      '429 with Retry-After in the middle',
      [{ status: 429, headers: { 'retry-after': '1' }, skip: 1, times: 1 }],
      'whole',
    ),
    row('503 in the middle', [{ status: 503, skip: 1, times: 2 }], 'whole'),
    found('a half of it is here', left(`${header}0 150000\n`, half)),
    found('a half of it is here, and wrong', left(`${header}0 150000\n`, flip(half))),
    found('a journal without its file', left(`${header}0 150000\n`, undefined)),
    found(
      'a file that is shorter than its journal says',
      left(`${header}0 150000\n`, half.subarray(0, 9)),
    ),
    found('a file without its journal', left('', half)),
    found(
      'a journal of another blob',
      left(`${header.replace('sha256:', 'sha512:')}0 150000\n`, half),
    ),
    found(
      'a journal that was cut in the middle of a line',
      left(`${header}0 100000\n100000 15`, half),
    ),
    found('a journal that makes no sense', left(`${header}9 1\n-1 7\n\u0000`, half)),
    found(
      'a file that is longer than the blob',
      left(`${header}0 150000\n`, Buffer.concat([half, blobBytes])),
    ),
    found(
      'the directory is gone',
      ({ directory }) => rm(directory, { recursive: true }),
      'STORAGE_FAILED',
    ),
    found(
      'a directory where the partial file belongs',
      ({ path }) => mkdir(`${path}.partial`).then(() => {}),
      'STORAGE_FAILED',
    ),
  ],
};
