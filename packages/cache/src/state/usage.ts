import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryFiles,
  makeDirectoryBelow,
  onStorage,
  readNote,
  replaceFile,
  unlessMissing,
  writeNote,
} from '@oci/files';

import { hourOf } from './age-queue.js';

/** What is in the cache. */
export interface UsageTotal {
  readonly blobs: number;
  /** Of blobs and views. */
  readonly bytes: number;
}

interface Summary extends UsageTotal {
  /** Logs that are part of the total already. */
  readonly counted: readonly string[];
}

/** A log of an earlier hour than this many milliseconds ago is written by nobody any more. */
const restMs = 2 * 60 * 60_000;

/**
 * How much is in the cache, known without looking at it: every change is a line in the log of its hour.
 * A process that is killed between a change and its line leaves the total off by one blob; `rebuild` counts
 * anew.
 */
export class Usage {
  readonly #root: string;
  readonly #dir: string;
  readonly #temporary: TemporaryFiles;

  /** @param root the cache directory */
  constructor(root: string, temporary: TemporaryFiles) {
    this.#root = root;
    this.#dir = join(root, 'state', 'usage');
    this.#temporary = temporary;
  }

  /** Notes what came or, with negative numbers, went. A disk that is full or read-only forgets it. */
  async add({ blobs, bytes }: UsageTotal): Promise<void> {
    const path = join(this.#dir, `${hourOf(Date.now())}.log`);
    // Begins with a line of its own, so that one which a killed process cut does not spoil it.
    const line = `\n${blobs} ${bytes}\n`;
    await writeNote({ root: this.#root, path }, line, { append: true }).catch(() => {});
  }

  async total(): Promise<UsageTotal> {
    const summary = await this.#summary();
    let { blobs, bytes } = summary;
    for (const log of await this.#logs()) {
      if (summary.counted.includes(log)) continue;
      const sum = await this.#sumOf(log);
      blobs += sum.blobs;
      bytes += sum.bytes;
    }
    return { blobs: Math.max(0, blobs), bytes: Math.max(0, bytes) };
  }

  /** Puts the logs of earlier hours together; one process at a time may. */
  async compact(now: number = Date.now()): Promise<void> {
    const summary = await this.#summary();
    const rested = (await this.#logs()).filter((log) => log < `${hourOf(now - restMs)}.log`);
    if (rested.length === 0) return;
    let { blobs, bytes } = summary;
    for (const log of rested) {
      if (summary.counted.includes(log)) continue;
      const sum = await this.#sumOf(log);
      blobs += sum.blobs;
      bytes += sum.bytes;
    }
    await this.#write({ blobs, bytes, counted: rested });
    for (const log of rested) await rm(join(this.#dir, log), { force: true });
  }

  /** Begins anew from what was counted; one process at a time may. */
  async reset(total: UsageTotal): Promise<void> {
    const logs = await this.#logs();
    await this.#write({ ...total, counted: logs });
    for (const log of logs) await rm(join(this.#dir, log), { force: true });
    await this.#write({ ...total, counted: [] });
  }

  async #write(summary: Summary): Promise<void> {
    await onStorage({ path: this.#dir }, async () => {
      await makeDirectoryBelow(this.#root, join('state', 'usage'));
      const path = join(this.#dir, 'total.json');
      await replaceFile(path, JSON.stringify(summary), { temporaryFiles: this.#temporary });
    });
  }

  async #summary(): Promise<Summary> {
    const none: Summary = { blobs: 0, bytes: 0, counted: [] };
    const text = (await readNote(join(this.#dir, 'total.json')).catch(() => '')) ?? '';
    try {
      const { blobs, bytes, counted } = JSON.parse(text) as Partial<Summary>;
      const isWhole =
        Number.isSafeInteger(blobs) && Number.isSafeInteger(bytes) && Array.isArray(counted);
      return isWhole ? ({ blobs, bytes, counted } as Summary) : none;
    } catch {
      return none;
    }
  }

  async #logs(): Promise<readonly string[]> {
    const names = await onStorage({ path: this.#dir }, () =>
      readdir(this.#dir).catch(unlessMissing),
    );
    return (names ?? []).filter((name) => name.endsWith('.log')).sort();
  }

  async #sumOf(log: string): Promise<UsageTotal> {
    const text = (await readNote(join(this.#dir, log)).catch(() => '')) ?? '';
    let blobs = 0;
    let bytes = 0;
    for (const [, count, size] of text.matchAll(/^(-?\d{1,15}) (-?\d{1,15})$/gm)) {
      blobs += Number(count);
      bytes += Number(size);
    }
    return { blobs, bytes };
  }
}
