import {
  type OciError,
  type OciErrorCode,
  amendError,
  asOciError,
  isOciError,
} from '@oci/spec-types';

/** Runs work of the source, and has its failure say so. */
export async function atSource<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asSource(error);
  }
}

/** A failure as one of the source. */
export function asSource(thrown: unknown): OciError {
  return amendError(asOciError(thrown), { side: 'source' });
}

const alwaysEnding: ReadonlySet<string> = new Set<OciErrorCode>([
  'ABORTED',
  'INTERNAL',
  'NETWORK',
  'STORAGE_FULL',
  'TIMEOUT',
]);

/** Tells whether a failure means that nothing can be stored, or read, any more. A file that cannot be read does not. */
export function endsAll(thrown: unknown): boolean {
  if (!isOciError(thrown) || alwaysEnding.has(thrown.code)) return true;
  if (thrown.code !== 'STORAGE_DENIED' && thrown.code !== 'STORAGE_FAILED') return false;
  return thrown.side !== 'source' || thrown.path === undefined;
}
