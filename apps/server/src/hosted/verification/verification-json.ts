import type {
  FindingJson,
  VerificationJson,
  VerificationPassJson,
} from '../../api/json/verification-json.js';
import type { Finding } from './finding.js';
import type { VerificationStatus } from './verification.js';
import type { PassFigures, WholePass } from './verification-state.js';

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
