import * as z from 'zod';

import {
  type CollectedCount,
  type CollectedKind,
  type CollectionReport,
  collectedKinds,
} from '../../hosted/collection/collection-report.js';
import { type VerificationJson, verificationJsonSchema } from './verification-json.js';
import { type RetentionJson, retentionJsonSchema } from './retention-json.js';

interface CollectedJson {
  /** Objects that were looked at. */
  readonly looked_at: number;
  readonly removed: number;
  /** Bytes of what was removed. */
  readonly bytes: number;
  /** Links that a collection of another day removes, unless a manifest names what they lead to by then. */
  readonly condemned?: number;
}

/** What a collection removed, or, as a dry run, would have removed. */
export interface CollectionJson {
  readonly dry_run: boolean;
  /** RFC 3339. */
  readonly began_at: string;
  readonly ended_at: string;
  readonly result: 'done' | 'interrupted' | 'failed';
  readonly kinds: Readonly<Record<CollectedKind, CollectedJson>>;
  /** Bytes of all kinds. */
  readonly bytes: number;
  /** Records that could not be read; while there are any, data that is no content stays. */
  readonly unreadable: number;
  /** Manifests that could not be read; while there are any, links of their repositories stay. */
  readonly unreadable_manifests: number;
}

export interface CollectRequest {
  /** Tells what would go, and removes nothing. */
  readonly dry_run?: boolean | undefined;
}

/** What works on the storage of hosted repositories, or did last. */
export interface StorageJson {
  readonly collection: {
    /** RFC 3339; null while none runs, in this process or another one that shares the storage. */
    readonly running_since: string | null;
    readonly last: CollectionJson | null;
    readonly last_dry_run: CollectionJson | null;
  };
  readonly verification: VerificationJson;
  readonly retention: {
    readonly running_since: string | null;
    readonly last: RetentionJson | null;
    readonly last_dry_run: RetentionJson | null;
  };
}

const count = z.int().nonnegative();
const collected = z.object({ looked_at: count, removed: count, bytes: count });

export const collectionJsonSchema: z.ZodType<CollectionJson> = z.object({
  dry_run: z.boolean(),
  began_at: z.string(),
  ended_at: z.string(),
  result: z.enum(['done', 'interrupted', 'failed']),
  kinds: z.object({
    uploads: collected,
    repositories: collected,
    content: collected,
    links: collected.extend({ condemned: count }),
    data: collected,
  }),
  bytes: count,
  unreadable: count,
  unreadable_manifests: count,
});

export const collectRequestSchema: z.ZodType<CollectRequest> = z.strictObject({
  dry_run: z.boolean().optional(),
});

export const storageJsonSchema: z.ZodType<StorageJson> = z.object({
  collection: z.object({
    running_since: z.string().nullable(),
    last: collectionJsonSchema.nullable(),
    last_dry_run: collectionJsonSchema.nullable(),
  }),
  verification: verificationJsonSchema,
  retention: z.object({
    running_since: z.string().nullable(),
    last: retentionJsonSchema.nullable(),
    last_dry_run: retentionJsonSchema.nullable(),
  }),
});

export function collectionJson(report: CollectionReport): CollectionJson {
  const kinds = Object.fromEntries(
    collectedKinds.map((kind) => {
      // The last report may be of a server that did not look at links.
      const counts: CollectedCount = report.kinds[kind] ?? { lookedAt: 0, removed: 0, bytes: 0 };
      const { lookedAt, removed, bytes, condemned = 0 } = counts;
      const json: CollectedJson = { looked_at: lookedAt, removed, bytes };
      return [kind, kind === 'links' ? { ...json, condemned } : json];
    }),
  ) as CollectionJson['kinds'];
  return {
    dry_run: report.dryRun,
    began_at: timeOf(report.beganAt),
    ended_at: timeOf(report.endedAt),
    result: report.result,
    kinds,
    bytes: collectedKinds.reduce((sum, kind) => sum + kinds[kind].bytes, 0),
    unreadable: report.unreadable,
    unreadable_manifests: report.unreadableManifests ?? 0,
  };
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
