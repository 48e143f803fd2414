import * as z from 'zod';

import {
  type RetainedKind,
  type RetentionReport,
  retainedKinds,
} from '../../hosted/rules/retention-report.js';
import { digestSchema } from './identifier-schema.js';

interface RetainedJson {
  /** Tags or manifests that were looked at. */
  readonly looked_at: number;
  readonly removed: number;
}

/** What the rules of retention removed, or, as a dry run, would have removed. */
export interface RetentionJson {
  readonly dry_run: boolean;
  /** RFC 3339. */
  readonly began_at: string;
  readonly ended_at: string;
  readonly result: 'done' | 'interrupted' | 'failed';
  /** Repositories that a rule is for. */
  readonly repositories: number;
  readonly kinds: Readonly<Record<RetainedKind, RetainedJson>>;
  /** Repositories whose untagged manifests stay, as an index cannot be read. */
  readonly unreadable: number;
  /** The first 1000; the first 100 of a run that was asked for later. */
  readonly removals: readonly {
    readonly kind: RetainedKind;
    readonly repository: string;
    readonly tag: string | null;
    readonly digest: string;
    readonly why: string;
  }[];
}

const count = z.int().nonnegative();
const retained = z.object({ looked_at: count, removed: count });

export const retentionJsonSchema: z.ZodType<RetentionJson> = z.object({
  dry_run: z.boolean(),
  began_at: z.string(),
  ended_at: z.string(),
  result: z.enum(['done', 'interrupted', 'failed']),
  repositories: count,
  kinds: z.object({ tags: retained, manifests: retained }),
  unreadable: count,
  removals: z.array(
    z.object({
      kind: z.enum(retainedKinds),
      repository: z.string(),
      tag: z.string().nullable(),
      digest: digestSchema,
      why: z.string(),
    }),
  ),
});

export function retentionJson(report: RetentionReport): RetentionJson {
  const { tags, manifests } = report.kinds;
  const timeOf = (ms: number): string => new Date(ms).toISOString();
  return {
    dry_run: report.dryRun,
    began_at: timeOf(report.beganAt),
    ended_at: timeOf(report.endedAt),
    result: report.result,
    repositories: report.repositories,
    kinds: {
      tags: { looked_at: tags.lookedAt, removed: tags.removed },
      manifests: { looked_at: manifests.lookedAt, removed: manifests.removed },
    },
    unreadable: report.unreadable,
    removals: report.removals.map(({ tag = null, ...removal }) => ({ ...removal, tag })),
  };
}
