import * as z from 'zod';

import type { Finding } from '../../hosted/verification/finding.js';
import type { VerificationStatus } from '../../hosted/verification/verification.js';
import type { PassFigures, WholePass } from '../../hosted/verification/verification-state.js';
import { digestSchema } from './identifier-schema.js';

/** One thing that a verification found to be wrong; `docs/storage.md` has the kinds. */
interface FindingJson {
  readonly kind: string;
  /** Of the record that it is about. */
  readonly key: string;
  readonly digest: string | null;
  readonly tag: string | null;
  /** Repositories that it concerns; pushing to one repairs content. */
  readonly repositories: readonly string[];
  /** Content that a manifest names and its repository does not have. */
  readonly missing: readonly string[];
}

/** What a pass of the verification has seen so far. */
export interface VerificationPassJson {
  /** RFC 3339. */
  readonly started_at: string;
  /** RFC 3339; null for one that has not reached the end. */
  readonly ended_at: string | null;
  /** Digests whose data was read. */
  readonly objects: number;
  readonly bytes: number;
  /** Records that were read. */
  readonly records: number;
  /** Findings in all; the first 500 are listed, or fewer where they are long. */
  readonly damaged: number;
  readonly findings: readonly FindingJson[];
  /** Findings of the pass before it that it did not make again. */
  readonly healed: readonly FindingJson[];
}

export interface VerificationJson {
  /** RFC 3339; null while nothing runs. */
  readonly running_since: string | null;
  /** The pass that is under way, or was stopped and goes on where it stopped. */
  readonly pass: VerificationPassJson | null;
  /** The last pass that reached the end. */
  readonly last: VerificationPassJson | null;
}

/** How far a verification goes; without limits to the end. */
export interface VerifyStorageRequest {
  /** Begins a new pass, wherever the last one stopped. */
  readonly restart?: boolean | undefined;
  /** Bytes of data to read. */
  readonly max_bytes?: number | undefined;
  readonly max_seconds?: number | undefined;
}

const count = z.int().nonnegative();
const time = z.string().meta({ format: 'date-time' });

const findingJsonSchema = z.object({
  kind: z.string(),
  key: z.string(),
  digest: digestSchema.nullable(),
  tag: z.string().nullable(),
  repositories: z.array(z.string()),
  missing: z.array(z.string()),
});

export const verificationPassJsonSchema: z.ZodType<VerificationPassJson> = z.object({
  started_at: time,
  ended_at: time.nullable(),
  objects: count,
  bytes: count,
  records: count,
  damaged: count,
  findings: z.array(findingJsonSchema),
  healed: z.array(findingJsonSchema),
});

export const verificationJsonSchema: z.ZodType<VerificationJson> = z.object({
  running_since: time.nullable(),
  pass: verificationPassJsonSchema.nullable(),
  last: verificationPassJsonSchema.nullable(),
});

export const verifyStorageRequestSchema: z.ZodType<VerifyStorageRequest> = z.strictObject({
  restart: z.boolean().optional(),
  max_bytes: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  max_seconds: z.int().min(1).max(1_000_000_000).optional(),
});

/** The state of the verification, as the HTTP API and the command print it. */
export function verificationJson({
  runningSince,
  pass,
  last,
}: VerificationStatus): VerificationJson {
  return {
    running_since: runningSince === undefined ? null : timeOf(runningSince),
    pass: pass ? passJson(pass) : null,
    last: last ? passJson(last) : null,
  };
}

export function passJson(
  pass: PassFigures & Partial<Pick<WholePass, 'endedAt' | 'healed'>>,
): VerificationPassJson {
  const { startedAt, endedAt, objects, bytes, records, damaged, findings, healed = [] } = pass;
  return {
    started_at: timeOf(startedAt),
    ended_at: endedAt === undefined ? null : timeOf(endedAt),
    objects,
    bytes,
    records,
    damaged,
    findings: findings.map(findingJson),
    healed: healed.map(findingJson),
  };
}

function findingJson(finding: Finding): FindingJson {
  const { kind, key, digest = null, tag = null, repositories, missing = [] } = finding;
  return { kind, key, digest, tag, repositories, missing };
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
