import { exitCodes } from '@oci/manager/program';
import { type Command, Option } from 'commander';

import { type ImportOptions, importRepositories } from '../backup/import-repositories.js';
import {
  type ImportSource,
  type SourceType,
  openImportSource,
  sourceTypes,
} from '../backup/import-source.js';
import { withProgress } from '../backup/progress.js';
import { TransferReport } from '../backup/transfer-report.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { noRules } from '../hosted/rules/hosted-rules.js';
import { printResult } from '../output.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { withChoice } from './export.js';
import { type OpenedStorage, withStorage } from './with-storage.js';

interface ImportCommandOptions extends CommonOptions, Omit<ImportOptions, 'signal' | 'onEvent'> {
  readonly type?: SourceType;
  readonly allowIncomplete?: boolean;
}

export function addImport(program: Command): void {
  withChoice(withConfiguration(commandOf(program, 'import')))
    .argument('<source>', 'an export, an OCI image layout, or the directory of a docker-registry')
    .description(
      'copy repositories into the storage of a server that does not run, or into a bucket; ends with 1 when something was left out',
    )
    .option('--into <name>', 'prefix of their names; of a layout: the repository it becomes')
    .option('--overwrite', 'move tags that are of other manifests here')
    .option('--verify', 'hash what is there, too, and store anew what is damaged')
    .option('--allow-incomplete', 'import an export that did not come to its end')
    .addOption(
      new Option('--type <type>', 'what the source is; default: found out').choices(sourceTypes),
    )
    .addHelpText('after', example('import /backup/oci --data-dir /var/lib/oci-server'))
    .action(async (given: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ImportCommandOptions>();
      const source = await openImportSource(given, options);
      const report = new TransferReport();
      await runImport(source, report, options);
      const { path, type } = source;
      printResult(report.result({ source: path, type }), options.format);
      if (report.problemCount > 0) process.exitCode = exitCodes.other;
    });
}

function runImport(
  source: ImportSource,
  report: TransferReport,
  options: ImportCommandOptions,
): Promise<void> {
  const into = async ({ storage, options: server }: OpenedStorage): Promise<void> => {
    const { quotas, rules = noRules } = server;
    const isAlone = server.storage?.kind !== 's3';
    const limits = { quotas: { quotas, isAlone }, rules: () => rules };
    const registry = createHostedRegistry(storage.store, limits);
    const work = () => importRepositories({ registry, source }, report, options);
    await withProgress(report, work).finally(() => registry.close());
  };
  return withStorage(inputsOf(options), into, { mayCreate: true });
}
