import { type SettingInputs } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import { type AuditProblem, verifyAudit } from '../audit/audit-verify.js';
import { loadConfiguration } from '../config/configuration.js';

/** Follows the chain of the audit log, and tells each place where it is broken. */
export async function verifyAuditLog(inputs: SettingInputs): Promise<void> {
  const { options } = await loadConfiguration(inputs);
  if (!options.audit) {
    throw new OciError('USAGE', 'the configuration has no audit log', {
      hint: 'Set audit.enabled, or name the directory with --dir.',
    });
  }
  const { dir, key } = options.audit;
  const { exists, lines, end, before, isAuthenticated, problems, notes } = await verifyAudit(
    dir,
    key,
  );
  if (!exists) {
    throw new OciError('STORAGE_FAILED', `there is no audit log in ${dir}`, {
      hint: 'A server writes its first line when it starts: where one has run, its log was removed. Name another directory with --dir.',
    });
  }
  for (const note of notes) process.stdout.write(`note: ${placeOf(note)}\n`);
  for (const problem of problems) process.stdout.write(`${placeOf(problem)}\n`);
  if (problems.length > 0) process.exitCode = 1;
  const verdict = problems.length === 0 ? 'whole' : 'NOT whole';
  const ends = isAuthenticated ? '' : ', ends not authenticated';
  process.stdout.write(
    `${dir}: ${lines} lines, ${verdict}${ends}, from line ${before.seq + 1}, ends with line ${end.seq} ${end.hash}\n`,
  );
}

function placeOf({ file, line, what }: AuditProblem): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${what}`;
}
