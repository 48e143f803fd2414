import { OciError, type ReadableRepository } from '@oci/spec-types';

import {
  type ArtifactFile,
  type ImageManifest,
  type ListFilesOptions,
  listFiles,
} from './artifact-files.js';
import {
  type FileSource,
  type PlacementOptions,
  type PulledFile,
  placeFiles,
} from './file-placement.js';

export interface PullFilesOptions extends ListFilesOptions, PlacementOptions {
  /** Which files to write. Default: all. */
  readonly filter?: ((file: ArtifactFile) => boolean) | undefined;
}

export interface PulledFiles {
  /** Of an index that of the platform. */
  readonly manifest: ImageManifest;
  readonly files: readonly PulledFile[];
}

/**
 * Writes the files of an artifact below a directory, each at the path that its title says, and unpacks directories
 * that ORAS packed. A file is verified before it is at its place, one that is there already is left as it is, and a
 * call that was interrupted is gone on with by the next. No symbolic link below the directory is followed.
 *
 * @param reference a tag or a digest
 * @throws OciError `USAGE`, `ARCHIVE_UNSAFE` for a title that leads out of the directory, `POLICY_REFUSED` for a link or
 * a file to be kept, `STORAGE_…`, and as `listFiles`
 */
export async function pullFiles(
  repository: ReadableRepository & FileSource,
  reference: string,
  options: PullFilesOptions,
): Promise<PulledFiles> {
  checkOptions(options);
  const { filter = () => true } = options;
  const { manifest, files } = await listFiles(repository, reference, options);
  return { manifest, files: await placeFiles(repository, files.filter(filter), options) };
}

function checkOptions({ directory, filter }: PullFilesOptions = { directory: '' }): void {
  if (typeof directory !== 'string' || directory === '')
    throw new OciError('USAGE', 'files are pulled into a directory, and none was named', {
      hint: 'Name it: { directory }.',
    });
  if (filter !== undefined && typeof filter !== 'function')
    throw new OciError('USAGE', 'a filter is a function of a file', {
      hint: 'Give one that returns true for the files to write.',
    });
}
