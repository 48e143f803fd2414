import { setTimeout as sleep } from 'node:timers/promises';

import type { ListedObject } from '@oci/cache';
import { type Digest, type RepositoryName, throwIfAborted } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { ContentCheck } from '../content-check.js';
import { digestOfContentKey, keys } from '../keys.js';
import type { Links } from '../links.js';
import type { Records } from '../records.js';
import { type Finding, mostNamed } from './finding.js';
import { Position } from './position.js';
import type { PlainKind, RecordChecks, RelatedKind } from './record-checks.js';
import { type OpenPass, mostFindingBytes, mostFindings } from './verification-state.js';

/** Kinds of records in the order of their keys. */
const kinds = [
  'content',
  'events',
  'links',
  'manifests',
  'quarantine',
  'quotas',
  'referrers',
  'repositories',
  'tags',
  'tasks',
  'undelivered',
  'uploads',
  'usage',
] as const satisfies readonly ('content' | PlainKind | RelatedKind)[];

type Kind = (typeof kinds)[number];

/** Records that are checked at the same time. */
const atOnce = 4;
/** Milliseconds until what looked wrong is looked at again: whoever pushes or deletes has ended by then. */
const defaultSettleMs = 5000;
/** Records that look wrong, or wait behind one, until they are looked at again. */
const mostSuspects = 200;
const mostWaiting = 5000;

export interface PassParts {
  readonly records: Records;
  readonly links: Links;
  readonly content: ContentCheck;
  readonly checks: RecordChecks;
}

export interface PassOptions {
  readonly signal: AbortSignal;
  /** Bytes of data after which it stops. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds after which it stops. */
  readonly maxMs?: number | undefined;
  readonly settleMs?: number | undefined;
  /** Hears of each content that was read. */
  readonly onContent?: ((bytes: number) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  /** Is called behind each record. */
  readonly onProgress: (figures: () => OpenPass) => Promise<void>;
}

interface Suspect {
  readonly kind: PlainKind | RelatedKind;
  readonly key: string;
  readonly done: () => void;
}

/** Goes through all of the storage once, from where an earlier run of the same pass stopped. */
export class VerificationPass {
  readonly #parts: PassParts;
  readonly #options: PassOptions;
  readonly #position: Position;
  readonly #startedAt: number;
  readonly #findings: Finding[];
  #findingBytes: number;
  readonly #deadline: number;
  #counts: { objects: number; bytes: number; records: number; damaged: number };
  #runBytes = 0;
  #suspects: Suspect[] = [];

  constructor(parts: PassParts, pass: OpenPass, options: PassOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#position = new Position(pass.position);
    this.#startedAt = pass.startedAt;
    this.#findings = [...pass.findings];
    this.#findingBytes = bytesOf(pass.findings);
    const { objects, bytes, records, damaged } = pass;
    this.#counts = { objects, bytes, records, damaged };
    this.#deadline = performance.now() + (options.maxMs ?? Infinity);
  }

  get figures(): OpenPass {
    const { startedAt, position } = { startedAt: this.#startedAt, position: this.#position.key };
    return { startedAt, position, ...this.#counts, findings: [...this.#findings] };
  }

  /** @returns whether it reached the end. @throws OciError `STORAGE_…`, `ABORTED`; {@link figures} say how far it came */
  async run(): Promise<boolean> {
    for (const kind of kinds) {
      const prefix = keys.allOf(kind);
      const { key } = this.#position;
      if (key > prefix && !key.startsWith(prefix)) continue;
      await this.#all(kind, prefix);
      if (this.#isOver()) return false;
    }
    return true;
  }

  async #all(kind: Kind, prefix: string): Promise<void> {
    const { signal } = this.#options;
    const { key } = this.#position;
    const after = key.startsWith(prefix) ? key : undefined;
    const entries = this.#parts.records.entries(prefix, { after, signal });
    const work = async (begun: Begun, aborted: AbortSignal): Promise<void> => {
      if (kind === 'content') await this.#content(begun, aborted);
      else await this.#record(kind, begun);
      if (this.#suspects.length >= mostSuspects || this.#position.open >= mostWaiting)
        await this.#settle();
      await this.#options.onProgress(() => this.figures);
    };
    await forEachConcurrent(this.#begun(entries), work, { limit: atOnce, signal });
    await this.#settle();
  }

  /** Stops in front of a record where the limits of this run are reached. */
  async *#begun(entries: AsyncIterable<ListedObject>): AsyncGenerator<Begun, void, undefined> {
    for await (const { key } of entries) {
      if (this.#isOver()) return;
      yield { key, done: this.#position.begin(key) };
    }
  }

  #isOver(): boolean {
    const { maxBytes = Infinity } = this.#options;
    return this.#runBytes >= maxBytes || performance.now() >= this.#deadline;
  }

  async #content({ key, done }: Begun, signal: AbortSignal): Promise<void> {
    const digest = digestOfContentKey(key);
    const verdict = digest && (await this.#parts.content.run(digest, { signal }));
    if (!verdict) {
      this.#found({ kind: 'record-damaged', key, repositories: [] });
      return done();
    }
    this.#counts.objects += 1;
    this.#counts.bytes += verdict.bytes;
    this.#runBytes += verdict.bytes;
    this.#options.onContent?.(verdict.bytes);
    if (verdict.state === 'damaged') await this.#damaged(`content-${verdict.problem}`, key, digest);
    else if (verdict.state === 'intact' && verdict.isUnsteady)
      await this.#damaged('content-unsteady', key, digest);
    else if (verdict.state === 'gone' && (await this.#parts.checks.isDamaged(key)))
      await this.#damaged('record-damaged', key, digest);
    done();
  }

  async #damaged(kind: Finding['kind'], key: string, digest: Digest): Promise<void> {
    const repositories: RepositoryName[] = [];
    for await (const name of this.#parts.links.holders(digest)) {
      repositories.push(name);
      if (repositories.length === mostNamed) break;
    }
    this.#found({ kind, key, digest, repositories });
  }

  async #record(kind: PlainKind | RelatedKind, { key, done }: Begun): Promise<void> {
    this.#counts.records += 1;
    if ((await this.#parts.checks.check(kind, key)).length > 0)
      this.#suspects.push({ kind, key, done });
    else done();
  }

  /** Looks again at what looked wrong. */
  async #settle(): Promise<void> {
    const suspects = this.#suspects.splice(0);
    if (suspects.length === 0) return;
    const { settleMs = defaultSettleMs, signal } = this.#options;
    await sleep(settleMs, undefined, { signal }).catch(() => throwIfAborted(signal));
    for (const { kind, key, done } of suspects) {
      throwIfAborted(signal);
      for (const finding of await this.#parts.checks.check(kind, key)) this.#found(finding);
      done();
    }
  }

  #found(finding: Finding): void {
    this.#counts.damaged += 1;
    const bytes = bytesOf(finding);
    if (this.#findings.length < mostFindings && this.#findingBytes + bytes <= mostFindingBytes) {
      this.#findings.push(finding);
      this.#findingBytes += bytes;
    }
    this.#options.onFinding?.(finding);
  }
}

/** A key that is worked on, and what says that it is done. */
interface Begun {
  readonly key: string;
  readonly done: () => void;
}

function bytesOf(json: object): number {
  return Buffer.byteLength(JSON.stringify(json));
}
