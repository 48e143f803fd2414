import { type OciError, type Side, amendError, asOciError, isAbort } from '@oci/spec-types';

/** Runs work of one end of a copy, and has its failure say which. @throws OciError with `side` */
export async function atSide<T>(side: Side, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withSide(error, side);
  }
}

/** A failure with the end it happened at, unless it knows that already, or is the caller's own abort. */
export function withSide(thrown: unknown, side: Side): OciError {
  const error = asOciError(thrown);
  if (error.side !== undefined || isAbort(error)) return error;
  return amendError(error, { side });
}
