import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { replaceFile } from '@oci/spec-types/node';

import { type ChainEnd, chainStart } from './audit-line.js';

/**
 * The files of an audit log, in one directory:
 *
 * ```
 * audit.jsonl                  the lines since the last rotation
 * audit-<first number>.jsonl   lines before, a file each rotation
 * audit-head.json              where the chain begins and ends
 * ```
 */
export const currentFile = 'audit.jsonl';
const headFile = 'audit-head.json';

/** Where the chain of the files begins (older ones were removed by age), and where it ends. */
export interface AuditHead {
  readonly before: ChainEnd;
  readonly end: ChainEnd;
}

export function rotatedFile(firstSeq: number): string {
  return `audit-${String(firstSeq).padStart(14, '0')}.jsonl`;
}

/** Names of the rotated files, oldest first. */
export async function rotatedFiles(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => /^audit-\d{14}\.jsonl$/.test(name)).sort();
}

export async function readHead(dir: string): Promise<AuditHead | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, headFile), 'utf8')) as AuditHead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeHead(dir: string, head: AuditHead): Promise<void> {
  await replaceFile(join(dir, headFile), `${JSON.stringify(head)}\n`, { mode: 0o600 });
}

export const emptyHead: AuditHead = { before: chainStart, end: chainStart };
