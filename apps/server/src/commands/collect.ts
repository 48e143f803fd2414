import { OciError, isOciError } from '@oci/spec-types';
import type { Command } from 'commander';

import { collectionJson } from '../api/json/storage-json.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { type CollectionReport, collectedKinds } from '../hosted/collection/collection-report.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { type Result, printResult } from '../output.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { untilInterrupted } from './until-interrupted.js';
import { type OpenedStorage, withStorage } from './with-storage.js';

interface CollectOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

export function addCollect(program: Command): void {
  withConfiguration(commandOf(program, 'gc'))
    .description('remove what nothing refers to from the storage of hosted repositories')
    .option('--dry-run', 'tell what would be removed, and change nothing')
    .addHelpText('after', example('gc --config server.toml --dry-run'))
    .action(async (_: unknown, command: Command) => {
      const { dryRun = false, ...options } = command.optsWithGlobals<CollectOptions>();
      printResult(await collect(inputsOf(options), dryRun), options.format);
    });
}

/** Collects until it is done, or the process is told to end. */
function collect(inputs: ServerSettingInputs, dryRun: boolean): Promise<Result> {
  const work = async (
    { storage, options }: OpenedStorage,
    signal: AbortSignal,
  ): Promise<Result> => {
    const { objectsPerSecond } = options.collection ?? {};
    const { collection } = createHostedRegistry(storage.store, {
      collection: { objectsPerSecond },
    });
    return resultOf(await collection.run({ dryRun, signal }));
  };
  return untilInterrupted((signal) =>
    withStorage(inputs, (opened) => work(opened, signal), { signal }),
  ).catch((error: unknown) => {
    throw isOciError(error, 'STORAGE_FAILED') ? whileServed(error) : error;
  });
}

/** A server has the directory: it collects itself when it is asked to. */
function whileServed(error: OciError): OciError {
  if (!error.message.startsWith('another server uses')) return error;
  return new OciError('STORAGE_FAILED', error.message, {
    cause: error,
    hint: 'Ask it to collect: POST /api/v1/oci/storage/collect. Or end it first.',
  });
}

function resultOf(report: CollectionReport): Result {
  const { dryRun, kinds, unreadable, unreadableManifests, beganAt, endedAt } = report;
  const verb = dryRun ? 'would be removed' : 'removed';
  const counts = collectedKinds.map((kind) => {
    const { lookedAt, removed, bytes, condemned } = kinds[kind];
    const later = condemned === undefined ? '' : `; ${condemned} for a collection of another day`;
    return `${kind}: ${removed} of ${lookedAt} ${verb}, ${bytes} bytes${later}`;
  });
  const left: string[] = [];
  if (unreadable > 0)
    left.push(`${unreadable} records could not be read, so that data was left alone`);
  if (unreadableManifests > 0)
    left.push(
      `${unreadableManifests} manifests could not be read, so that links of their repositories were left alone`,
    );
  const seconds = ((endedAt - beganAt) / 1000).toFixed(1);
  return { json: collectionJson(report), lines: [...counts, ...left, `took ${seconds} s`] };
}
