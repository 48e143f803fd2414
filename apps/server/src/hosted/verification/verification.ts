import type { ObjectStore } from '@oci/cache';
import type { CallOptions } from '@oci/spec-types';

import type { ContentCheck } from '../content-check.js';
import type { Links } from '../links.js';
import type { Quarantine } from '../quarantine.js';
import type { Records } from '../records.js';
import { Task, type TaskLease, type TaskTimes } from '../task-record.js';
import { type Finding, isSameFinding } from './finding.js';
import { RecordChecks } from './record-checks.js';
import { VerificationPass } from './verification-pass.js';
import {
  type OpenPass,
  type PassFigures,
  type VerificationState,
  type WholePass,
  readVerificationState,
} from './verification-state.js';

export interface VerificationParts {
  readonly store: ObjectStore;
  /** Of its own, so that a pass does not drive out of memory what requests need. */
  readonly records: Records;
  readonly links: Links;
  readonly content: ContentCheck;
  readonly quarantine: Quarantine;
  readonly times?: TaskTimes | undefined;
}

export interface VerifyOptions extends CallOptions {
  /** Begins a new pass, wherever the last one stopped. Default false. */
  readonly restart?: boolean | undefined;
  /** Bytes of data to read in this run. Default all. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that this run may take. Default without end. */
  readonly maxMs?: number | undefined;
  /** Whether manifests may be there without their content. Default false. */
  readonly isSparseAllowed?: boolean | undefined;
  /** Milliseconds until what looks wrong is looked at again. Default 5 s. */
  readonly settleMs?: number | undefined;
  /** Hears of each content that was read. */
  readonly onContent?: ((bytes: number) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/** What a pass has found, of which this run was a part or all. */
export interface VerificationReport extends PassFigures {
  /** Whether the pass reached the end. */
  readonly isWhole: boolean;
  /** The key behind which this run went on with a pass that was stopped. */
  readonly resumedAfter: string | undefined;
  /** Findings of the last pass that were not made again; known at the end of a pass. */
  readonly healed: readonly Finding[];
}

/** How the verification is getting on, whichever process runs it. */
export interface VerificationStatus extends VerificationState {
  /** Milliseconds since the epoch; undefined while nothing runs. */
  readonly runningSince: number | undefined;
}

/** Milliseconds between two notes of how far a pass is. */
const saveEveryMs = 5000;

/** Reads and hashes all that is stored, in passes, one process at a time. */
export class Verification {
  readonly #parts: VerificationParts;
  readonly #task: Task<VerificationState>;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
    this.#task = new Task(parts.records, 'verification', parts.times);
  }

  async status(): Promise<VerificationStatus> {
    const { runningSince, state } = await this.#task.status();
    return { runningSince, ...readVerificationState(state) };
  }

  /**
   * Goes on with the pass that was stopped, or begins one.
   *
   * @returns undefined when another call or process verifies
   * @throws OciError `STORAGE_…`, `ABORTED`: the next run goes on where this one stopped
   */
  run(options: VerifyOptions = {}): Promise<VerificationReport | undefined> {
    const { signal } = options;
    return this.#task.run((lease) => this.#run(lease, options), { signal });
  }

  async #run(
    lease: TaskLease<VerificationState>,
    options: VerifyOptions,
  ): Promise<VerificationReport> {
    const { pass: stopped, last } = readVerificationState(lease.state);
    const before = options.restart ? undefined : stopped;
    const kept = last ? { last } : {};
    const save = (pass: OpenPass): Promise<void> => lease.save({ ...kept, pass });
    const pass = this.#passFrom(before, options, { lease, save });
    let isWhole: boolean;
    try {
      isWhole = await pass.run();
    } catch (error) {
      // What cannot be noted is read again.
      await save(pass.figures).catch(() => {});
      throw error;
    }
    const { position, ...figures } = pass.figures;
    const resumedAfter = before?.position;
    if (!isWhole) {
      await save({ position, ...figures });
      return { ...figures, isWhole, resumedAfter, healed: [] };
    }
    await this.#parts.quarantine.expire({ signal: lease.signal });
    const healed = healedSince(last, figures);
    await lease.save({ last: { ...figures, endedAt: Date.now(), healed } });
    return { ...figures, isWhole, resumedAfter, healed };
  }

  #passFrom(
    before: OpenPass | undefined,
    { isSparseAllowed = false, ...options }: VerifyOptions,
    {
      lease,
      save,
    }: {
      readonly lease: TaskLease<VerificationState>;
      readonly save: (pass: OpenPass) => Promise<void>;
    },
  ): VerificationPass {
    const { store, records, links, content } = this.#parts;
    const checks = new RecordChecks(store, { isSparseAllowed });
    let savedAt = performance.now();
    const onProgress = async (figures: () => OpenPass): Promise<void> => {
      if (performance.now() - savedAt < saveEveryMs) return;
      savedAt = performance.now();
      await save(figures());
    };
    const none = { objects: 0, bytes: 0, records: 0, damaged: 0, findings: [], position: '' };
    const { signal } = lease;
    return new VerificationPass(
      { records, links, content, checks },
      before ?? { startedAt: Date.now(), ...none },
      { ...options, signal, onProgress },
    );
  }
}

function healedSince(last: WholePass | undefined, now: PassFigures): readonly Finding[] {
  // Among more than are kept it is not known which are new.
  if (now.damaged > now.findings.length) return [];
  return (last?.findings ?? []).filter(
    (finding) => !now.findings.some((other) => isSameFinding(finding, other)),
  );
}
