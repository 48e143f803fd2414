import type { Command } from 'commander';

import { retentionJson } from '../api/json/retention-json.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { noRules } from '../hosted/rules/hosted-rules.js';
import { type RetentionReport, retainedKinds } from '../hosted/rules/retention-report.js';
import { type Result, printResult } from '../output.js';
import { anotherRuns } from '../retention-run.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { untilInterrupted } from './until-interrupted.js';
import { type OpenedStorage, withStorage } from './with-storage.js';

interface RetentionOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

export function addRetention(program: Command): void {
  withConfiguration(commandOf(program, 'retention'))
    .description('remove the tags and manifests that the rules of server.retention let go')
    .option('--dry-run', 'tell what would be removed and why, and change nothing')
    .addHelpText('after', example('retention --config server.toml --dry-run'))
    .action(async (_: unknown, command: Command) => {
      const { dryRun = false, ...options } = command.optsWithGlobals<RetentionOptions>();
      printResult(await retain(inputsOf(options), dryRun), options.format);
    });
}

/** Runs until it is done, or the process is told to end. */
function retain(inputs: ServerSettingInputs, dryRun: boolean): Promise<Result> {
  const work = async (
    { storage, options }: OpenedStorage,
    signal: AbortSignal,
  ): Promise<Result> => {
    const { rules = noRules, quotas, storage: { kind } = { kind: 'file' } } = options;
    const registry = createHostedRegistry(storage.store, {
      rules: () => rules,
      quotas: { quotas, isAlone: kind !== 's3' },
    });
    const report = await registry.retention.run({ dryRun, signal });
    return resultOf(report ?? anotherRuns());
  };
  return untilInterrupted((signal) =>
    withStorage(inputs, (opened) => work(opened, signal), { signal }),
  );
}

function resultOf(report: RetentionReport): Result {
  const { dryRun, kinds, removals, unreadable } = report;
  const verb = dryRun ? 'would be removed' : 'removed';
  const counts = retainedKinds.map(
    (kind) => `${kinds[kind].removed} of ${kinds[kind].lookedAt} ${kind} ${verb}`,
  );
  const all = retainedKinds.reduce((sum, kind) => sum + kinds[kind].removed, 0);
  const more = all > removals.length ? [`and ${all - removals.length} more`] : [];
  const left =
    unreadable === 0 ? [] : [`${unreadable} repositories have an unreadable index or record`];
  return {
    json: retentionJson(report),
    lines: [
      ...removals.map(({ repository, tag, digest, why }) => {
        const name = tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
        return `${name}: ${why}`;
      }),
      ...more,
      ...left,
      ...counts,
    ],
  };
}
