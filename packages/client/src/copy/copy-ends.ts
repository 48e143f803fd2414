import { OciError } from '@oci/spec-types';

export function isReadable(repository: unknown): boolean {
  return hasMethods(repository, ['resolve', 'fetchManifest', 'fetchBlob']);
}

export function isWritable(repository: unknown): boolean {
  return hasMethods(repository, ['resolve', 'hasBlob', 'pushBlob', 'pushManifest']);
}

/** Checks the ends of a copy of all tags, which have no names. @throws OciError `USAGE` */
export function checkRepositories(source: unknown, target: unknown): void {
  if (!isReadable(source) || !hasMethods(source, ['listTags'])) {
    throw new OciError('USAGE', 'a copy of all tags has a source', {
      hint: 'Give a repository that lists its tags, without a reference.',
    });
  }
  if (isWritable(target)) return;
  throw new OciError('USAGE', 'a copy of all tags has a target', {
    hint: 'Give a repository to write to, without tags.',
  });
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  const fields = Object(value) as Readonly<Partial<Record<string, unknown>>>;
  return names.every((name) => typeof fields[name] === 'function');
}
