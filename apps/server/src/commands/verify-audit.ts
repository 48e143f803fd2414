import { exitCodes } from '@oci/manager/program';
import { OciError } from '@oci/spec-types';
import type { Command } from 'commander';

import type { ChainEnd } from '../audit/audit-line.js';
import { type AuditProblem, type AuditVerdict, verifyAudit } from '../audit/audit-verify.js';
import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { type Result, printResult } from '../output.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';

interface VerifyOptions extends CommonOptions {
  readonly dir?: string;
  readonly keyFile?: string;
  readonly noted?: string;
}

export function addAudit(program: Command): void {
  const audit = commandOf(program, 'audit').description('the audit log');
  withConfiguration(commandOf(audit, 'verify'))
    .description('find lines that were changed, removed or added; ends with 1 when there are any')
    .option('--dir <dir>', 'the directory of the log (also OCI_AUDIT_DIR)')
    .option('--key-file <file>', 'its key (also OCI_AUDIT_KEY_FILE)')
    .option('--noted <line:hash>', 'a line that verify printed before, which has to be there')
    .addHelpText('after', example('audit verify --config server.toml'))
    .action(async (_: unknown, command: Command) => {
      const { dir, keyFile, noted, ...options } = command.optsWithGlobals<VerifyOptions>();
      const flags = { 'audit.dir': dir, 'audit.key_file': keyFile };
      const result = await verifyAuditLog(inputsOf(options, flags), noted);
      printResult(result, options.format);
      if (!result.isWhole) process.exitCode = exitCodes.other;
    });
}

/** Follows the chain of the audit log, and tells each place where it is broken. */
async function verifyAuditLog(
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
