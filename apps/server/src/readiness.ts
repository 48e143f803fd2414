import type { AuditLog } from './audit/audit-log.js';
import type { HostedStorage } from './hosted/storage.js';

export type Phase = 'starting' | 'open' | 'closing';

/** Returns why a server cannot do its work; nothing while it can. */
export async function reasonsAgainst({
  phase,
  audit,
  storage,
  onFailure,
}: {
  readonly phase: Phase;
  readonly audit: Pick<AuditLog, 'trouble'> | undefined;
  readonly storage: Pick<HostedStorage, 'probe'>;
  /** Hears why the storage cannot be written. */
  readonly onFailure: (error: unknown) => void;
}): Promise<readonly string[]> {
  const reasons: string[] = [];
  if (phase !== 'open') reasons.push(`the server is ${phase}`);
  if (audit?.trouble !== undefined) reasons.push('the audit log cannot be written');
  await storage.probe().catch((error: unknown) => {
    onFailure(error);
    reasons.push('the storage cannot be written');
  });
  return reasons;
}
