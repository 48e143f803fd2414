import type { Cache } from '@oci/cache';
import type { OciManagerOptions } from '@oci/manager';

import type { ArtifactIndex } from './artifact-index.js';
import type { AuditLog } from './audit/audit-log.js';
import type { ServerEvents } from './events/server-events.js';
import type { HostedRegistry } from './hosted/hosted-registry.js';
import type { Finding } from './hosted/verification/finding.js';
import type { Gate } from './http/gate.js';
import type { JobQueue } from './jobs/job-queue.js';
import type { Metrics } from './metrics/metrics.js';
import type { SharedManager } from './shared-manager.js';

/** What the handlers of requests work with. */
export interface ServerParts {
  readonly gate: Gate;
  readonly audit: AuditLog | undefined;
  readonly metrics: Metrics;
  readonly jobs: JobQueue;
  readonly index: ArtifactIndex;
  readonly hosted: HostedRegistry;
  readonly events: ServerEvents;
  readonly manager: Pick<SharedManager, 'use' | 'metrics'>;
  /** How repositories are named. */
  readonly naming: () => Pick<OciManagerOptions, 'namespace' | 'templates'>;
  /** The cache that the manager fills. */
  readonly cache: () => Promise<Cache>;
  /** Where extensions are installed; undefined when the server installs none. */
  readonly installDir: () => string | undefined;
  /** Why the server can not do its work; empty while it can. */
  readonly notReady: () => Promise<readonly string[]>;
  /** Bytes of one blob. */
  readonly maxUploadBytes: () => number;
  /** Whether manifests are taken whose content is missing. */
  readonly isSparseAllowed: () => boolean;
  /** Hears of what a verification found, and in words. */
  readonly onFinding: (finding: Finding, text: string) => void;
  /** Hears of what is the server's own fault. */
  readonly onDefect: (error: unknown, requestId: string) => void;
}

/** What the registry API needs of them. */
export type RegistryParts = Pick<
  ServerParts,
  | 'gate'
  | 'audit'
  | 'metrics'
  | 'index'
  | 'hosted'
  | 'maxUploadBytes'
  | 'isSparseAllowed'
  | 'onDefect'
>;
