import { OciError } from '@oci/spec-types';

/** @throws OciError `USAGE` for a limit below one byte a second; undefined is no limit */
export function checkBandwidth(bytesPerSecond: number | undefined): void {
  if (bytesPerSecond === undefined || bytesPerSecond >= 1) return;
  throw new OciError('USAGE', `${bytesPerSecond} bytes a second are too few to send anything`, {
    hint: 'Leave bytesPerSecond out for no limit.',
  });
}
