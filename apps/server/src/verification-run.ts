import { asOciError } from '@oci/spec-types';

import { describeFinding } from './hosted/verification/finding.js';
import type { VerificationReport, VerifyOptions } from './hosted/verification/verification.js';
import type { ServerParts } from './server-parts.js';

/** For whom a verification runs, as the audit log names it. */
export interface VerificationCaller {
  readonly who: string;
  readonly client?: string | undefined;
  readonly request_id?: string | undefined;
}

/**
 * Verifies the hosted storage, and tells the metrics, the log and the audit log what was found.
 *
 * @returns undefined when another call or process verifies
 * @throws OciError `ABORTED`, `STORAGE_…`
 */
export async function runVerification(
  parts: Pick<ServerParts, 'hosted' | 'metrics' | 'audit' | 'isSparseAllowed' | 'onFinding'>,
  call: Pick<VerifyOptions, 'restart' | 'maxBytes' | 'maxMs' | 'signal'>,
  caller: VerificationCaller,
): Promise<VerificationReport | undefined> {
  const { hosted, metrics, audit } = parts;
  const note = (result: 'ok' | 'failed', detail: string): void =>
    audit?.record({ event: 'storage', result, ...caller, detail });
  try {
    const report = await hosted.verification.run({
      ...call,
      isSparseAllowed: parts.isSparseAllowed(),
      onContent(bytes) {
        metrics.verifiedObjects.inc();
        metrics.verifiedBytes.inc(bytes);
      },
      onFinding(finding) {
        metrics.verificationFindings.inc({ kind: finding.kind });
        parts.onFinding(finding, describeFinding(finding));
      },
    });
    if (report) note('ok', describeReport(report));
    return report;
  } catch (error) {
    note('failed', `verification stopped: ${asOciError(error).code}`);
    throw error;
  }
}

function describeReport({ isWhole, objects, bytes, damaged, healed }: VerificationReport): string {
  const what = isWhole ? 'verification done' : 'verification stopped at its limit';
  return `${what}: ${objects} objects, ${bytes} bytes, ${damaged} damaged, ${healed.length} healed`;
}
