import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { unlessMissing } from '@oci/files';

import { currentFile, firstSeqOf, linesOf, rotatedFiles } from './audit-files.js';
import { type FoundHead, headFile, readHead } from './audit-head.js';
import {
  type ChainEnd,
  type ReadLine,
  chainStart,
  lineVersion,
  readAuditLine,
} from './audit-line.js';
import { continued } from './audit-state.js';

/** A place in a log, and what is to know of it. */
export interface AuditProblem {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly what: string;
}

export interface AuditVerdict {
  /** Whether there is a log at all. */
  readonly exists: boolean;
  readonly lines: number;
  /** The chain before the first line, and after the last one. */
  readonly before: ChainEnd;
  readonly end: ChainEnd;
  /** Whether the ends of the chain are authenticated, so that lines cut from them are noticed. */
  readonly isAuthenticated: boolean;
  /** The first hundred. */
  readonly problems: readonly AuditProblem[];
  /** What is no sign of a change: a crash, lost lines, an upgrade. The first hundred. */
  readonly notes: readonly AuditProblem[];
}

const most = 100;
const mostAttempts = 3;

/**
 * Follows the chain through all files of a directory: finds lines that were changed, removed or added.
 *
 * @param noted a line that was kept elsewhere; without it a log that was put back to an earlier state is whole
 */
export async function verifyAudit(
  dir: string,
  key?: Uint8Array,
  noted?: ChainEnd,
): Promise<AuditVerdict> {
  for (let attempt = 1; ; attempt += 1) {
    const head = await readHead(dir, key);
    const walk = await followed(dir, head, { key, noted });
    // A server that writes meanwhile may put a file aside, or remove an old one.
    const isSame = (await readHead(dir, key)).text === head.text;
    if (walk.problems.length === 0 || isSame || attempt === mostAttempts)
      return {
        exists: head.state !== 'missing' || walk.files > 0,
        lines: walk.lines,
        before: walk.before,
        end: walk.end,
        isAuthenticated: key !== undefined && head.state === 'valid',
        problems: walk.problems,
        notes: walk.notes,
      };
  }
}

/** What a log is held against. */
interface Expected {
  readonly key: Uint8Array | undefined;
  readonly noted: ChainEnd | undefined;
}

async function followed(
  dir: string,
  found: FoundHead,
  { key, noted }: Expected,
): Promise<ChainWalk> {
  const head = 'head' in found ? found.head : undefined;
  const walk = new ChainWalk(head?.before ?? chainStart, { key, noted });
  const rotated = await rotatedFiles(dir).catch(unlessMissing);
  for (const file of [...(rotated ?? []), currentFile]) {
    const info = await stat(join(dir, file)).catch(unlessMissing);
    if (!info) continue;
    if (!info.isFile()) walk.problem({ file, line: 0 }, 'is not a file');
    else if (firstSeqOf(file) <= walk.before.seq && file !== currentFile)
      walk.note({ file, line: 0 }, 'was to be removed by audit.keep_files, and does not count');
    else await walk.file(dir, file);
  }
  judgeHead(walk, found, key);
  walk.judgeNoted();
  if (head && head.end.seq > walk.end.seq) {
    const lost = head.end.seq - walk.end.seq;
    walk.problem({ file: currentFile, line: 0 }, `its last ${lost} lines were removed`);
  } else if (head?.end.seq === walk.end.seq && head.end.hash !== walk.end.hash)
    walk.problem({ file: currentFile, line: 0 }, 'its last line was replaced');
  return walk;
}

function judgeHead(walk: ChainWalk, { state }: FoundHead, key: Uint8Array | undefined): void {
  const place = { file: headFile, line: 0 };
  if (state === 'missing' && walk.lines > 0) walk.problem(place, 'is missing');
  if (state === 'unreadable') walk.problem(place, 'cannot be read');
  if (state === 'forged')
    walk.problem(
      place,
      key ? 'was not made with this key' : 'is of a log with a key, which was not given',
    );
  if (state === 'old' && walk.newest >= lineVersion)
    walk.problem(place, 'was replaced: it is of an earlier version than the lines');
  else if (state === 'old' && key)
    walk.note(place, 'has no HMAC, as earlier versions wrote it: the ends are not authenticated');
}

type Place = Pick<AuditProblem, 'file' | 'line'>;

class ChainWalk {
  files = 0;
  lines = 0;
  /** The highest version among the lines. */
  newest = 1;
  end: ChainEnd;
  readonly before: ChainEnd;
  readonly problems: AuditProblem[] = [];
  readonly notes: AuditProblem[] = [];
  readonly #key: Uint8Array | undefined;
  readonly #noted: ChainEnd | undefined;
  #isNotedThere = false;

  constructor(before: ChainEnd, { key, noted }: Expected) {
    this.before = before;
    this.end = before;
    this.#key = key;
    this.#noted = noted;
    this.#compare(before);
  }

  async file(dir: string, file: string): Promise<void> {
    this.files += 1;
    let line = 0;
    for await (const { bytes, isWhole } of linesOf(join(dir, file))) {
      const place = { file, line: (line += 1) };
      if (isWhole) this.#line(bytes, place);
      else if (file === currentFile)
        this.note(place, 'is torn, as a crash leaves a line: the next start removes it');
      else this.problem(place, `line ${this.end.seq + 1} was changed`);
    }
  }

  #line(bytes: Buffer, place: Place): void {
    this.lines += 1;
    const read = readAuditLine(bytes, this.#key);
    if (!read) {
      this.problem(place, `line ${this.end.seq + 1} was changed`);
      // The next line tells what this one's hash was.
      this.end = { seq: this.end.seq + 1, hash: 'unknown' };
      return;
    }
    this.#follow(read, place);
    this.#read(read, place);
    this.end = read.end;
    this.#compare(read.end);
  }

  #compare({ seq, hash }: ChainEnd): void {
    this.#isNotedThere ||= seq === this.#noted?.seq && hash === this.#noted.hash;
  }

  judgeNoted(): void {
    if (!this.#noted || this.#isNotedThere) return;
    const place = { file: currentFile, line: 0 };
    const { seq } = this.#noted;
    if (seq < this.before.seq) this.note(place, `line ${seq}, which was noted, was removed by age`);
    else this.problem(place, `line ${seq} is not there as it was noted`);
  }

  #follow({ prev, end: { seq } }: ReadLine, place: Place): void {
    const expected = this.end.seq + 1;
    if (seq > expected)
      this.problem(place, `lines ${expected} to ${seq - 1} were removed before it`);
    else if (seq < expected) this.problem(place, `line ${seq} is here once more`);
    else if (prev !== this.end.hash && this.end.hash !== 'unknown')
      this.problem(place, `line ${seq} follows another line`);
  }

  #read({ version, event, detail, end: { seq } }: ReadLine, place: Place): void {
    if (version < this.newest) this.problem(place, `line ${seq} is of an earlier version`);
    this.newest = Math.max(this.newest, version);
    if (event === 'alarm') this.problem(place, `line ${seq}: the server found: ${detail}`);
    if (event === 'gap' || (event === 'server' && detail === continued))
      this.note(place, `line ${seq}: ${detail}`);
  }

  problem(place: Place, what: string): void {
    if (this.problems.length < most) this.problems.push({ ...place, what });
  }

  note(place: Place, what: string): void {
    if (this.notes.length < most) this.notes.push({ ...place, what });
  }
}
