import type { CallOptions } from '@oci/spec-types';
import { OciError, type RepositoryName, parseRepositoryName } from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import { HostedTarget, type HostedTargetOptions } from './hosted-target.js';
import type { ImportSource } from './import-source.js';
import { importLayout } from './layout-import.js';
import {
  type RepositoryChoice,
  nameBelow,
  refuseEmptyChoice,
  repositoryFilter,
} from './repository-choice.js';
import { RepositoryTransfer } from './repository-transfer.js';
import type { TransferReport } from './transfer-report.js';

/** How something is imported. */
export interface ImportOptions extends RepositoryChoice, CallOptions, HostedTargetOptions {
  /** In front of the names of repositories; of a layout, the repository that it becomes. */
  readonly into?: string | undefined;
}

/**
 * Brings repositories from a directory into the storage, as pushes would. What is there is not brought again, so that
 * an import that ended in between goes on.
 *
 * @throws OciError `USAGE`, `NAME_UNKNOWN`, `REFERENCE_INVALID`, `STORAGE_…`
 */
export async function importRepositories(
  { registry, source }: { readonly registry: HostedRegistry; readonly source: ImportSource },
  report: TransferReport,
  options: ImportOptions = {},
): Promise<void> {
  const into = options.into === undefined ? undefined : parseRepositoryName(options.into);
  if (source.type === 'layout') {
    const target = new HostedTarget(registry, layoutName(into, options), options);
    return importLayout({ layout: source.layout, target }, report, options);
  }
  const isChosen = repositoryFilter(options);
  let chosen = 0;
  for await (const found of source.repositories()) {
    if ('error' in found) {
      report.problem({ repository: found.path }, found.error);
      continue;
    }
    if (!isChosen(found.name)) continue;
    chosen += 1;
    await importRepository({ registry, source, name: found.name, into }, report, options);
  }
  refuseEmptyChoice(options, { chosen, place: source.path });
}

async function importRepository(
  parts: {
    readonly registry: HostedRegistry;
    readonly source: Exclude<ImportSource, { readonly type: 'layout' }>;
    readonly name: RepositoryName;
    readonly into: RepositoryName | undefined;
  },
  report: TransferReport,
  options: ImportOptions,
): Promise<void> {
  const { registry, name, into } = parts;
  let transfer: RepositoryTransfer;
  try {
    const target = new HostedTarget(registry, nameBelow(into, name), options);
    const source = await parts.source.open(name);
    transfer = new RepositoryTransfer({ source, target }, report, { signal: options.signal });
  } catch (error) {
    report.problem({ repository: name }, error);
    return;
  }
  await transfer.run();
}

function layoutName(
  into: RepositoryName | undefined,
  { namespace = [], repository = [] }: RepositoryChoice,
): RepositoryName {
  if (namespace.length + repository.length > 0)
    throw new OciError('USAGE', 'a layout is one repository, of which none is chosen', {
      hint: 'Leave out --namespace and --repository.',
    });
  if (into) return into;
  throw new OciError('USAGE', 'a layout does not say which repository it is', {
    hint: 'Name it: --into team/app.',
  });
}
