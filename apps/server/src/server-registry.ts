import type { ObjectStore } from '@oci/cache';

import type { EventJournal } from './events/journal.js';
import { type HostedRegistry, createHostedRegistry } from './hosted/hosted-registry.js';
import type { QuotaNotice } from './hosted/quota/quota-notices.js';
import type { QuotaUsage } from './hosted/quota/quota-usage.js';
import { noRules } from './hosted/rules/hosted-rules.js';
import type { Metrics } from './metrics/metrics.js';
import { type ServerOptions, defaultVerifyBytesPerSecond } from './server-options.js';

/** Namespaces with a quota that metrics tell of. */
const mostQuotaLabels = 100;

/** What the hosted repositories of a server are made of. */
export interface ServerRegistryParts {
  readonly store: ObjectStore;
  /** The present ones. */
  readonly options: () => ServerOptions;
  readonly journal: EventJournal;
  readonly metrics: Metrics;
  readonly log: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly onDamagedRecord: (key: string) => void;
}

/** Creates the hosted repositories of a server, which tells of what they notice. */
export function createServerRegistry(parts: ServerRegistryParts): HostedRegistry {
  const { metrics, log, journal, onDamagedRecord } = parts;
  const { collection, storage, quotas } = parts.options();
  return createHostedRegistry(parts.store, {
    journal,
    rules: () => parts.options().rules ?? noRules,
    onLostPulls: (pulls) => metrics.lostPulls.inc(pulls),
    collection: {
      ...collection,
      get objectsPerSecond() {
        return parts.options().collection?.objectsPerSecond;
      },
    },
    quotas: {
      quotas,
      isAlone: storage?.kind !== 's3',
      onNotice: (notice) => noteQuota(parts, notice),
    },
    onCorruption: (digest) => {
      metrics.integrityFailures.inc();
      log.error({ digest }, 'stored content is corrupt: push it again to repair it');
    },
    onDamagedRecord,
    verification: {
      bytesPerSecond: () =>
        parts.options().verification?.bytesPerSecond ?? defaultVerifyBytesPerSecond,
    },
  });
}

/** How full namespaces are, as metrics have it; none while the storage fails, which must not hide other metrics. */
export async function quotaFigures({
  quotas,
}: Pick<HostedRegistry, 'quotas'>): Promise<readonly QuotaUsage[]> {
  const figures: QuotaUsage[] = [];
  try {
    for await (const usage of quotas.usages()) {
      if (figures.length === mostQuotaLabels) break;
      figures.push(usage);
    }
  } catch {
    return [];
  }
  return figures;
}

const quotaTexts: Readonly<Record<QuotaNotice['what'], string>> = {
  exceeded: 'a push was refused: the quota of its namespace is exceeded',
  'nearly-full': 'a namespace has used 80 % of its quota',
};

function noteQuota({ log, journal }: ServerRegistryParts, { what, ...state }: QuotaNotice): void {
  log.warn(state, quotaTexts[what]);
  if (what !== 'exceeded') return;
  journal.note({ type: 'quota.reached', ...state }).catch((error: unknown) => {
    log.error({ err: error }, 'the event of a full quota is lost');
  });
}
