import { OciError } from '@oci/spec-types';

import type { ChainEnd } from '../audit/audit-line.js';
import { type AuditProblem, type AuditVerdict, verifyAudit } from '../audit/audit-verify.js';
import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import type { Result } from '../output.js';

/** Follows the chain of the audit log, and tells each place where it is broken. */
export async function verifyAuditLog(
  inputs: ServerSettingInputs,
  notedLine?: string,
): Promise<Result & { readonly isWhole: boolean }> {
  const { options } = await loadConfiguration(inputs);
  if (!options.audit) {
    throw new OciError('USAGE', 'the configuration has no audit log', {
      hint: 'Set audit.enabled, or name the directory with --dir.',
    });
  }
  const { dir, key } = options.audit;
  const found = await verifyAudit(dir, key, readNoted(notedLine));
  if (!found.exists) {
    throw new OciError('STORAGE_FAILED', `there is no audit log in ${dir}`, {
      hint: 'A server writes its first line when it starts: where one has run, its log was removed. Name another directory with --dir.',
    });
  }
  return { isWhole: found.problems.length === 0, ...resultOf(dir, found) };
}

function resultOf(dir: string, found: AuditVerdict): Result {
  const { lines, before, end, isAuthenticated, problems, notes } = found;
  const verdict = [
    `${lines} lines`,
    problems.length === 0 ? 'whole' : 'NOT whole',
    ...(isAuthenticated ? [] : ['ends not authenticated']),
    `from line ${before.seq + 1}`,
    `ends with line ${end.seq} ${end.hash}`,
  ];
  return {
    json: {
      dir,
      whole: problems.length === 0,
      lines,
      first_line: before.seq + 1,
      last_line: end,
      ends_authenticated: isAuthenticated,
      problems,
      notes,
    },
    lines: [
      ...notes.map((note) => `note: ${placeOf(note)}`),
      ...problems.map(placeOf),
      `${dir}: ${verdict.join(', ')}`,
    ],
  };
}

/** @throws OciError `USAGE` */
function readNoted(text: string | undefined): ChainEnd | undefined {
  if (text === undefined) return undefined;
  const [, seq, hash = ''] = /^(\d{1,15})[: ]([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined) return { seq: Number(seq), hash };
  throw new OciError('USAGE', `--noted ${text} is not a line of an audit log`, {
    hint: 'Give the number and the hash that audit verify printed: --noted NUMBER:HASH.',
  });
}

function placeOf({ file, line, what }: AuditProblem): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${what}`;
}
