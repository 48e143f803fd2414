import { createFileObjectStore } from '@oci/cache';

import type { AuditLog } from './audit/audit-log.js';

export type Phase = 'starting' | 'open' | 'closing';

/** Returns why a server cannot do its work; nothing while it can. */
export async function reasonsAgainst({
  phase,
  audit,
  dataDir,
}: {
  readonly phase: Phase;
  readonly audit: Pick<AuditLog, 'trouble'> | undefined;
  readonly dataDir: string;
}): Promise<readonly string[]> {
  const reasons: string[] = [];
  if (phase !== 'open') reasons.push(`the server is ${phase}`);
  if (audit?.trouble !== undefined) reasons.push('the audit log cannot be written');
  const store = createFileObjectStore(dataDir);
  const probe = store.put('ready', once('ready')).then(() => store.delete('ready'));
  await probe.catch(() => reasons.push('the storage cannot be written'));
  return reasons;
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
