import { type SettingInputs } from '@oci/manager/config';

import { verifyAudit } from '../audit/audit-verify.js';
import { loadConfiguration } from '../config/configuration.js';
import { OciError } from '@oci/spec-types';

/** Follows the chain of the audit log, and tells each place where it is broken. */
export async function verifyAuditLog(inputs: SettingInputs): Promise<void> {
  const { options } = await loadConfiguration(inputs);
  if (!options.audit) {
    throw new OciError('USAGE', 'the configuration has no audit log', {
      hint: 'Set audit.enabled, or name the directory with --dir.',
    });
  }
  const { dir, key } = options.audit;
  const { lines, end, problems } = await verifyAudit(dir, key);
  for (const { file, line, what } of problems)
    process.stdout.write(`${file}${line > 0 ? `:${line}` : ''}: ${what}\n`);
  if (problems.length > 0) process.exitCode = 1;
  const verdict = problems.length === 0 ? 'whole' : 'NOT whole';
  process.stdout.write(
    `${dir}: ${lines} lines, ${verdict}, ends with line ${end.seq} ${end.hash}\n`,
  );
}
