import { OciError } from '@oci/spec-types';

/** What `join` throws when one of its objects is gone. */
export function missingPart(key: string): OciError {
  return new OciError('STORAGE_FAILED', `${key} is missing, so it can not be joined`, {
    hint: 'Somebody removed it meanwhile: begin again.',
  });
}
