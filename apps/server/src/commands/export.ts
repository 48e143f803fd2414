import { exitCodes } from '@oci/manager/program';
import { OciError } from '@oci/spec-types';
import type { Command } from 'commander';

import { ExportDirectory } from '../backup/export-directory.js';
import { exportRepositories } from '../backup/export-repositories.js';
import { withProgress } from '../backup/progress.js';
import type { RepositoryChoice } from '../backup/repository-choice.js';
import { TransferReport } from '../backup/transfer-report.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { printResult } from '../output.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { withStorageReadOnly } from './with-storage.js';

interface ExportCommandOptions extends CommonOptions, RepositoryChoice {
  readonly verify?: boolean;
  readonly prune?: boolean;
}

export function addExport(program: Command): void {
  withChoice(withConfiguration(commandOf(program, 'export')))
    .argument('<target>', 'directory of the export, which is made, or gone on with')
    .description(
      'copy hosted repositories into a directory, beside a running server too; ends with 1 when something is damaged',
    )
    .option('--verify', 'hash what the target has, and copy anew what is damaged')
    .option('--prune', 'remove from the target what the storage does not have any more')
    .addHelpText('after', example('export /backup/oci --data-dir /var/lib/oci-server'))
    .action(async (target: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExportCommandOptions>();
      const report = new TransferReport();
      const path = await runExport(target, report, options);
      printResult(report.result({ target: path }), options.format);
      if (report.problemCount > 0) process.exitCode = exitCodes.other;
    });
}

/** Adds the options that choose repositories. */
export function withChoice(command: Command): Command {
  return command
    .option('--namespace <name>', 'only repositories of this name, and below it', added)
    .option('--repository <name>', 'only this repository; both can be given several times', added);
}

function added(name: string, names: readonly string[] = []): readonly string[] {
  return [...names, name];
}

const damaged = new OciError('DOCUMENT_INVALID', 'the record is damaged, and was left out');

/** @returns the absolute path of the target */
function runExport(
  target: string,
  report: TransferReport,
  options: ExportCommandOptions,
): Promise<string> {
  return withStorageReadOnly(inputsOf(options), async ({ storage }) => {
    const registry = createHostedRegistry(storage.store, {
      onDamagedRecord: (key) => report.problem({ repository: 'storage', subject: key }, damaged),
    });
    const directory = new ExportDirectory(target, { verify: options.verify ?? false });
    const work = () => exportRepositories({ registry, directory }, report, options);
    await withProgress(report, work).finally(() => registry.close());
    return directory.path;
  });
}
