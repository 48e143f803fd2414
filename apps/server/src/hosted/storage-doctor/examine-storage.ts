import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { type CallOptions, asOciError, throwIfAborted } from '@oci/spec-types';
import { onStorage } from '@oci/files';

import { keys } from '../keys.js';
import { type HostedStorage, type StorageOptions, openStorage } from '../storage.js';
import type { Bench, Check } from './bench.js';
import {
  type CheckName,
  type Finding,
  type StorageCheck,
  type StorageReport,
  checkNames,
  judge,
} from './check.js';
import { checkClock } from './clock-check.js';
import {
  checkDurability,
  checkFileSystem,
  checkLock,
  checkRename,
  checkSpace,
} from './file-checks.js';
import { checkFacts, checkLists, checkOrder } from './list-checks.js';
import { checkParts } from './parts-check.js';
import { checkDeletion, checkLongKeys, checkRanges, checkReads } from './read-checks.js';
import { ScratchStore, Stopwatch } from './scratch-store.js';
import { checkCreate, checkReplace } from './write-checks.js';

export interface ExamineOptions extends CallOptions {
  /** Checks to make beside whether the storage can be reached. Default all. */
  readonly only?: ReadonlySet<CheckName> | undefined;
  /** Hears of each check as it ends. */
  readonly onCheck?: ((check: StorageCheck) => void) | undefined;
}

/** Milliseconds that removing what was written may take, also when the examination was aborted. */
const cleanupMs = 60_000;

/** Checks that take no longer than a start. */
export const briefChecks: ReadonlySet<CheckName> = new Set(['clock', 'space']);

const storeChecks: readonly (readonly [CheckName, Check])[] = [
  ['create', checkCreate],
  ['replace', checkReplace],
  ['reads', checkReads],
  ['lists', checkLists],
  ['order', checkOrder],
  ['facts', checkFacts],
  ['ranges', checkRanges],
  ['deletion', checkDeletion],
  ['long-keys', checkLongKeys],
  ['parts', checkParts],
  ['clock', checkClock],
];

/**
 * Finds out whether a server can rely on a storage, and several on one. What fails is a finding: only an abort is a
 * failure. Everything is written below a name of its own, and removed at the end, however it ends. A server may use
 * the storage meanwhile.
 *
 * @param dataDir where a server of this configuration would keep hosted repositories in files
 * @throws OciError `ABORTED`
 */
export async function examineStorage(
  dataDir: string,
  options: StorageOptions = { kind: 'file' },
  call: ExamineOptions = {},
): Promise<StorageReport> {
  const examination = new Examination(call);
  if (options.kind === 's3') await examination.bucket(options);
  else await examination.directory(dataDir);
  throwIfAborted(call.signal);
  return judge(options.kind, examination.checks, examination.watch.latencies);
}

class Examination {
  readonly checks: StorageCheck[] = [];
  readonly watch: Stopwatch = new Stopwatch();
  readonly #signal: AbortSignal;
  readonly #only: ReadonlySet<CheckName>;
  readonly #onCheck: (check: StorageCheck) => void;

  constructor({ signal, only = new Set(checkNames), onCheck = () => {} }: ExamineOptions) {
    this.#signal = signal ? AbortSignal.any([signal]) : new AbortController().signal;
    // As many listen as write in a race.
    setMaxListeners(0, this.#signal);
    this.#only = only;
    this.#onCheck = onCheck;
  }

  async bucket(options: StorageOptions & { kind: 's3' }): Promise<void> {
    const opened: HostedStorage[] = [];
    try {
      const isThere = await this.#check('connection', async () => {
        for (let client = 0; client < 2; client += 1) opened.push(await openStorage('', options));
        const found = await opened[0]?.store.head(keys.format, { signal: this.#signal });
        const state = found ? 'holds a registry' : 'holds no registry yet';
        return { outcome: 'ok', summary: `The bucket answers, and ${state}` };
      });
      const [one, two] = opened;
      if (!isThere || !one || !two) return;
      const prefix = keys.examination(randomUUID());
      const scratch = new ScratchStore(one.store, { prefix, watch: this.watch });
      const { service } = one;
      const bench = { one: scratch, two: scratch.through(two.store), service };
      await this.#store({ ...bench, signal: this.#signal }, () => this.#clear(scratch));
    } finally {
      for (const storage of opened) storage.close();
    }
  }

  async directory(dataDir: string): Promise<void> {
    const isThere = await stat(dataDir).then(
      (info) => info.isDirectory(),
      () => false,
    );
    if (!isThere) {
      // Whoever examines is perhaps not who will serve, and would own what it makes.
      const summary = `${dataDir} is not there yet; the first start makes it`;
      this.#note('connection', { outcome: 'skipped', summary });
      return;
    }
    let scratch = '';
    const isWritable = await this.#check('connection', async () => {
      scratch = await onStorage({ path: dataDir }, () => mkdtemp(join(dataDir, '.doctor-')));
      return { outcome: 'ok', summary: `${dataDir} can be written` };
    });
    if (!isWritable) return;
    const [files, objects] = [join(scratch, 'files'), join(scratch, 'objects')];
    const [one, two] = [createFileObjectStore(objects), createFileObjectStore(objects)];
    const store = new ScratchStore(one, { prefix: '', watch: this.watch });
    const bench = { one: store, two: store.through(two), service: undefined };
    await this.#store(
      { ...bench, signal: this.#signal },
      () => this.#remove(scratch),
      async () => {
        await mkdir(files);
        await this.#chosen('rename', () => checkRename(files));
        await this.#chosen('durability', () => checkDurability(files));
        await this.#chosen('lock', () => checkLock(files, this.#signal));
        await this.#chosen('file-system', () => checkFileSystem(files));
        await this.#chosen('space', () => checkSpace(files));
      },
    );
  }

  async #store(
    bench: Bench,
    clear: () => Promise<Finding>,
    more: () => Promise<void> = async () => {},
  ): Promise<void> {
    try {
      for (const [name, check] of storeChecks) await this.#chosen(name, () => check(bench));
      if (!this.#signal.aborted) await more();
    } finally {
      await this.#check('cleanup', clear, { isAbortable: false });
    }
  }

  async #chosen(name: CheckName, work: () => Promise<Finding>): Promise<void> {
    if (this.#only.has(name)) await this.#check(name, work);
  }

  async #clear(scratch: ScratchStore): Promise<Finding> {
    const signal = AbortSignal.timeout(cleanupMs);
    setMaxListeners(0, signal);
    const left = await scratch.clear({ signal });
    if (left.length === 0) return { outcome: 'ok', summary: 'Everything was removed again' };
    const summary = `${left.length} objects are left below ${scratch.keyOf('')}`;
    return { outcome: 'problem', code: 'LEFT_BEHIND', summary };
  }

  async #remove(scratch: string): Promise<Finding> {
    await rm(scratch, { recursive: true, force: true });
    return { outcome: 'ok', summary: 'Everything was removed again' };
  }

  /** @returns whether it was worth going on */
  async #check(
    name: CheckName,
    work: () => Promise<Finding>,
    { isAbortable = true }: { readonly isAbortable?: boolean } = {},
  ): Promise<boolean> {
    if (isAbortable && this.#signal.aborted) return false;
    const finding = await work().catch((thrown: unknown): Finding => {
      const error = asOciError(thrown);
      const code = name === 'cleanup' ? 'LEFT_BEHIND' : 'STORAGE_UNREACHABLE';
      return { outcome: 'problem', code, summary: error.message, error };
    });
    if (isAbortable && this.#signal.aborted) return false;
    this.#note(name, finding);
    return finding.outcome !== 'problem';
  }

  #note(name: CheckName, finding: Finding): void {
    const check = { name, ...finding };
    this.checks.push(check);
    this.#onCheck(check);
  }
}
