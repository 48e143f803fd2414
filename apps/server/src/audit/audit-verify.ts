import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { currentFile, readHead, rotatedFiles } from './audit-files.js';
import { type ChainEnd, chainStart, readAuditLine } from './audit-line.js';

export interface AuditProblem {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly what: string;
}

export interface AuditVerdict {
  readonly lines: number;
  readonly end: ChainEnd;
  /** The first hundred. */
  readonly problems: readonly AuditProblem[];
}

const maxProblems = 100;

/** Follows the chain through all files of a directory: finds lines that were changed, removed or added. */
export async function verifyAudit(dir: string, key?: Uint8Array): Promise<AuditVerdict> {
  const head = await readHead(dir);
  const files = [...(await rotatedFiles(dir)), currentFile];
  const walk = new ChainWalk(head?.before ?? chainStart, key);
  for (const file of files) {
    if (!(await exists(join(dir, file)))) continue;
    const lines = createInterface({
      input: createReadStream(join(dir, file)),
      crlfDelay: Infinity,
    });
    let number = 0;
    for await (const line of lines) walk.line(line, { file, line: (number += 1) });
  }
  if (!head && walk.lines > 0) walk.problem({ file: 'audit-head.json', line: 0 }, 'is missing');
  if (head && head.end.seq > walk.end.seq) {
    const lost = head.end.seq - walk.end.seq;
    walk.problem({ file: currentFile, line: 0 }, `its last ${lost} lines were removed`);
  }
  return { lines: walk.lines, end: walk.end, problems: walk.problems };
}

class ChainWalk {
  lines = 0;
  end: ChainEnd;
  readonly problems: AuditProblem[] = [];
  readonly #key: Uint8Array | undefined;

  constructor(before: ChainEnd, key: Uint8Array | undefined) {
    this.end = before;
    this.#key = key;
  }

  line(text: string, place: Pick<AuditProblem, 'file' | 'line'>): void {
    this.lines += 1;
    const read = readAuditLine(text, this.#key);
    if (!read) {
      this.problem(place, `line ${this.end.seq + 1} was changed`);
      // The next line tells what this one's hash was.
      this.end = { seq: this.end.seq + 1, hash: 'unknown' };
      return;
    }
    const expected = this.end.seq + 1;
    if (read.end.seq > expected)
      this.problem(place, `lines ${expected} to ${read.end.seq - 1} were removed before it`);
    else if (read.end.seq < expected) this.problem(place, `line ${read.end.seq} is here once more`);
    else if (read.prev !== this.end.hash && this.end.hash !== 'unknown')
      this.problem(place, `line ${read.end.seq} follows another line`);
    this.end = read.end;
  }

  problem(place: Pick<AuditProblem, 'file' | 'line'>, what: string): void {
    if (this.problems.length < maxProblems) this.problems.push({ ...place, what });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
