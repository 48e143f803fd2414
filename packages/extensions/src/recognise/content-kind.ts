import { type ExtensionType, extensionTypes } from '@oci/manager';

import { readArchiveFiles } from '../extract/archive-files.js';
import { declarationFiles, readMetadata } from '../validate/metadata.js';
import type { ArtifactKind } from './recognise.js';

/**
 * What an archive is by what is in it, for artifacts whose manifest does not say, as the guide's sample:
 * an extension by its declaring file when that says its type, a KCL package by `kcl.mod`.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `EXTENSION_INVALID`
 */
export async function contentKind(
  archivePath: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ArtifactKind> {
  const files = await readArchiveFiles(archivePath, [...declarationFiles, 'kcl.mod'], options);
  const metadata = await readMetadata((path) => files.get(path)?.toString('utf8'));
  const type = extensionTypes.find((known): known is ExtensionType => known === metadata?.type);
  if (type) return type;
  return files.has('kcl.mod') && !metadata ? 'kcl' : 'artifact';
}
