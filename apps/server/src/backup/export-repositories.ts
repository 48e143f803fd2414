import { type CallOptions, type RepositoryName, isOciError } from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import type { ExportDirectory } from './export-directory.js';
import type { ExportMark } from './export-mark.js';
import { pruneExport } from './export-prune.js';
import { ExportedRepository } from './exported-repository.js';
import { HostedSource } from './hosted-source.js';
import { type RepositoryChoice, refuseEmptyChoice, repositoryFilter } from './repository-choice.js';
import { RepositoryTransfer } from './repository-transfer.js';
import type { TransferReport } from './transfer-report.js';

/** How an export is made. */
export interface ExportOptions extends RepositoryChoice, CallOptions {
  /** Hash what the target has, and bring anew what is damaged. */
  readonly verify?: boolean | undefined;
  /** Remove from the target what the storage does not have any more. */
  readonly prune?: boolean | undefined;
}

/**
 * Brings hosted repositories into a directory, and what it has already not again. Each repository of it is replaced
 * when all that belongs to it is there; an end in between leaves the mark of an export that is not complete, and what
 * was brought.
 *
 * @throws OciError `NAME_UNKNOWN`, `USAGE`, `STORAGE_…`
 */
export async function exportRepositories(
  {
    registry,
    directory,
  }: { readonly registry: HostedRegistry; readonly directory: ExportDirectory },
  report: TransferReport,
  options: ExportOptions = {},
): Promise<void> {
  const isChosen = repositoryFilter(options);
  await directory.held(async () => {
    const before = await directory.readMark();
    const begun: ExportMark = {
      ...before,
      format: 'oci-server-export',
      version: 1,
      complete: false,
      begun: new Date().toISOString(),
    };
    await directory.writeMark(begun);
    let chosen = 0;
    for await (const name of registry.listRepositories()) {
      if (!isChosen(name)) continue;
      chosen += 1;
      await exportRepository({ registry, directory, name }, report, options);
    }
    refuseEmptyChoice(options, { chosen, place: 'the storage' });
    // Where something could not be read, what an earlier export has of it is worth keeping.
    if (options.prune && report.problemCount === 0)
      await pruneExport({ registry, directory, isChosen }, report, options);
    const ended = new Date().toISOString();
    await directory.writeMark({ ...begun, complete: true, ended, problems: report.problemCount });
  });
}

async function exportRepository(
  parts: {
    readonly registry: HostedRegistry;
    readonly directory: ExportDirectory;
    readonly name: RepositoryName;
  },
  report: TransferReport,
  { verify = false, prune = false, signal }: ExportOptions,
): Promise<void> {
  const { registry, directory, name } = parts;
  const problems = report.problemCount;
  const before = await directory.readIndex(name).catch((error: unknown) => {
    if (!isOciError(error, 'DOCUMENT_INVALID', 'LIMIT_EXCEEDED')) throw error;
    // It is written anew, from what the storage has.
    report.problem({ repository: name, subject: 'index.json' }, error);
    return undefined;
  });
  const target = new ExportedRepository(directory, { name, before }, { verify });
  const source = new HostedSource(registry, name);
  await new RepositoryTransfer({ source, target }, report, { signal }).run();
  const gone = await target.finish({ prune: prune && report.problemCount === problems });
  report.removed.manifests += gone.manifests;
  report.removed.tags += gone.tags;
}
