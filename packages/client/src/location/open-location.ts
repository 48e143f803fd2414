import {
  type Digest,
  OciError,
  type ReadableRepository,
  type Reference,
  type Tag,
  isTag,
  parseTag,
  withDefaultTag,
} from '@oci/spec-types';

import { LayoutArchive } from '../archive/layout-archive.js';
import type { WritableRepository } from '../copy/ability.js';
import type { CopySource, CopyTarget } from '../copy/copy-options.js';
import { LayoutDirectory } from '../layout/layout-directory.js';
import { nameOf } from '../layout/layout-index.js';
import type { LayoutRepository } from '../layout/layout-repository.js';
import { type Location, formatLocation } from './location.js';

/** How a repository of a registry is reached; whoever opens it closes the registry. */
export type Connect = (reference: Reference) => ReadableRepository & WritableRepository;

export interface OpenSource extends CopySource, AsyncDisposable {
  readonly reference: Tag | Digest;
  close(): Promise<void>;
}

export interface OpenTarget extends CopyTarget, AsyncDisposable {
  /** Makes what was copied stay: an archive is complete only then. */
  finish(): Promise<void>;
  /** Closes it; of an archive that was not finished nothing stays. */
  close(): Promise<void>;
}

/**
 * Opens what a location names to copy from it. In a layout, no name means its only artifact.
 *
 * @throws OciError `MANIFEST_UNKNOWN`, `REFERENCE_INVALID`, and what opening fails with
 */
export async function openSource(location: Location, connect: Connect): Promise<OpenSource> {
  if (location.kind === 'registry') {
    const { digest, tag } = withDefaultTag(location.reference);
    const reference = digest ?? tag ?? parseTag('latest');
    return closedBy(none, { repository: connect(location.reference), reference });
  }
  if (location.kind === 'layout') {
    const repository = await LayoutDirectory.open(location.path);
    return closedBy(none, { repository, reference: await referenceIn(repository, location) });
  }
  const repository = await LayoutArchive.open(location.path);
  const close = (): Promise<void> => repository.close();
  try {
    return closedBy(close, { repository, reference: await referenceIn(repository, location) });
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens what a location names to copy to it: a layout or an archive is begun where there is none. Without
 * a tag it is named as at the source.
 *
 * @throws OciError `USAGE` for a digest, `REFERENCE_INVALID` for a name that is no tag
 */
export async function openTarget(location: Location, connect: Connect): Promise<OpenTarget> {
  const { digest } = location.kind === 'registry' ? location.reference : location;
  if (digest !== undefined) {
    throw new OciError('USAGE', `${formatLocation(location)} can't be copied to: it has a digest`, {
      hint: 'Name the target by a tag, or not at all; what is copied keeps its digest.',
    });
  }
  if (location.kind === 'registry') {
    const { tag } = location.reference;
    const repository = connect(location.reference);
    return closedBy(none, { repository, ...(tag && { tags: [tag] }), finish: none });
  }
  const { kind, path, name } = location;
  const named = name === undefined ? {} : { tags: [parseTag(name)] };
  if (kind === 'layout') {
    const repository = await LayoutDirectory.open(path, { create: true });
    return closedBy(none, { repository, ...named, finish: none });
  }
  const repository = await LayoutArchive.create(path);
  const finish = (): Promise<void> => repository.finish();
  return closedBy(() => repository.close(), { repository, ...named, finish });
}

const none = async (): Promise<void> => {};

function closedBy<P extends object>(
  close: () => Promise<void>,
  place: P,
): P & AsyncDisposable & { readonly close: () => Promise<void> } {
  return { ...place, close, [Symbol.asyncDispose]: close };
}

async function referenceIn(
  repository: LayoutRepository,
  location: Location & { readonly kind: 'layout' | 'archive' },
): Promise<OpenSource['reference']> {
  const { digest, name } = location;
  if (digest !== undefined) return digest;
  if (name !== undefined) {
    if (isTag(name)) return name;
    const found = await repository.findName(name);
    if (found) return found.digest;
    throw new OciError('MANIFEST_UNKNOWN', `there is no ${formatLocation(location)}`, {
      hint: 'Its names are in index.json.',
    });
  }
  const only = await repository.only();
  const names = (await repository.entries())
    .filter((entry) => entry.digest === only.digest)
    .map(nameOf);
  return names.find((known) => known !== undefined && isTag(known)) ?? only.digest;
}
