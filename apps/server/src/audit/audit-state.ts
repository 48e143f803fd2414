import { type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';

import { currentFile, firstLine, lastLine, rotatedFiles, wholeLines } from './audit-files.js';
import { type AuditHead, type FoundHead, headFile, readHead } from './audit-head.js';
import {
  type AuditEntry,
  type ChainEnd,
  type ReadLine,
  chainStart,
  lineVersion,
  readAuditLine,
} from './audit-line.js';

/** The `detail` of the line that a log of an earlier version is continued with. */
export const continued = 'continues a log of an earlier version, whose head has no HMAC';

/** What a log was found to be when it was opened. */
export interface AuditState {
  readonly head: AuditHead;
  /** Bytes of whole lines in the current file. */
  readonly size: number;
  /** The number of its first line, or of the next one while it has none. */
  readonly first: number;
  /** Lines that say what is wrong with the log, to be written first. */
  readonly remarks: readonly AuditEntry[];
  /** Whether the head has to be written before the next line. */
  readonly isHeadDue: boolean;
  /** Whether there was nothing of a log. */
  readonly isNew: boolean;
}

export interface StateQuestion {
  readonly dir: string;
  readonly key: Uint8Array | undefined;
  /** The current file, open. */
  readonly handle: FileHandle;
  /** What this process has written before; what is on the disk does not change it. */
  readonly known: AuditHead | undefined;
}

/**
 * Finds where a log goes on. What is missing or altered is written into the log itself, so that going on does not
 * hide it.
 *
 * @throws OciError `CONFIG_INVALID` when the log is one of another key
 */
export async function auditState({ dir, key, handle, known }: StateQuestion): Promise<AuditState> {
  const { size, last: text } = await wholeLines(handle);
  const rotated = await rotatedFiles(dir);
  const lastFile = rotated.at(-1);
  const lastText =
    text ?? (lastFile === undefined ? undefined : await lastLine(join(dir, lastFile)));
  const last = lastText && readAuditLine(lastText, key);
  const found = await readHead(dir, key);
  const trusted = trustedHead(found, lastText, last);
  if (!trusted && !known && lastText && !last) throw otherKey(dir);
  const before = (known ?? trusted)?.before ?? (await beginOf(dir, [...rotated, currentFile], key));
  const expected = (known ?? trusted)?.end ?? before;
  const end = last && last.end.seq > expected.seq ? last.end : expected;
  const first = size > 0 ? await firstLine(join(dir, currentFile)) : undefined;
  const alarms = [
    ...headAlarms(found, trusted, lastText !== undefined || known !== undefined),
    ...lineAlarms({
      isAltered: lastText !== undefined && !last,
      at: last?.end ?? before,
      expected,
      known,
    }),
  ];
  const isOld = found.state === 'old' && trusted !== undefined;
  return {
    head: { before, end },
    size,
    first: (first && readAuditLine(first, key)?.end.seq) ?? end.seq + (size > 0 ? 0 : 1),
    remarks: [
      ...alarms.map(alarm),
      ...(isOld
        ? [{ event: 'server', result: 'ok', who: 'server', detail: continued } as const]
        : []),
    ],
    isHeadDue: found.state !== 'valid' || alarms.length > 0,
    isNew: found.state === 'missing' && lastText === undefined && known === undefined,
  };
}

/** A head of version 1 can be made by anybody: it counts only with lines of version 1. */
function trustedHead(
  found: FoundHead,
  lastText: Uint8Array | undefined,
  last: ReadLine | undefined,
): AuditHead | undefined {
  if (found.state === 'valid') return found.head;
  const isContinued = lastText !== undefined && (last?.version ?? 1) < lineVersion;
  return found.state === 'old' && isContinued ? found.head : undefined;
}

function headAlarms(
  { state }: FoundHead,
  trusted: AuditHead | undefined,
  isLog: boolean,
): readonly string[] {
  if (state === 'missing') return isLog ? [`${headFile} was missing`] : [];
  if (state === 'unreadable') return [`${headFile} could not be read`];
  if (trusted) return [];
  return [
    isLog ? `${headFile} was not made with the key` : `${headFile} is of lines that are gone`,
  ];
}

function lineAlarms({
  isAltered,
  at: { seq, hash },
  expected,
  known,
}: {
  /** The last line is none of this log. */
  readonly isAltered: boolean;
  /** Where the lines on the disk end. */
  readonly at: ChainEnd;
  readonly expected: ChainEnd;
  readonly known: AuditHead | undefined;
}): readonly string[] {
  if (isAltered) return ['the last line was altered'];
  if (seq < expected.seq) return [`lines ${seq + 1} to ${expected.seq} were missing`];
  if (known && seq > expected.seq)
    return [`lines ${expected.seq + 1} to ${seq} are of another process`];
  return seq === expected.seq && hash !== expected.hash ? ['the last line was replaced'] : [];
}

/** The chain before the first line that there is. */
export async function beginOf(
  dir: string,
  files: readonly string[],
  key: Uint8Array | undefined,
): Promise<ChainEnd> {
  for (const name of files) {
    const text = await firstLine(join(dir, name));
    const line = text && readAuditLine(text, key);
    if (line) return { seq: line.end.seq - 1, hash: line.prev };
  }
  return chainStart;
}

function alarm(detail: string): AuditEntry {
  return { event: 'alarm', result: 'failed', who: 'server', detail };
}

function otherKey(dir: string): OciError {
  return new OciError('CONFIG_INVALID', `the audit log in ${dir} was not written with this key`, {
    hint: 'Set audit.key_file as it was, or move the files of the log away: they stay verifiable with their own key.',
  });
}
