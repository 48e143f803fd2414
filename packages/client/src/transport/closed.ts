import { OciError } from '@oci/spec-types';

/** Returns the failure of every call that a closed registry, or a closed connection of one, does not finish. */
export function closed(host: string, cause?: unknown): OciError {
  return new OciError('ABORTED', `the registry was closed: ${host} is not asked`, {
    cause,
    hint: 'Its close() was called, or its scope ended. Create the registry again, and close it last.',
  });
}
