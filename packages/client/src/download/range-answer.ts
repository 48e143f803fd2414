import { type Descriptor, OciError } from '@oci/spec-types';

import { refuseEncoding } from '../transport/bounded-body.js';
import { type RegistryResponse, header } from '../transport/exchange.js';

/** Why a host's answers to ranges can't be used: all of a blob is asked for from now on. */
export class RangesUnusable extends OciError {
  /** Who answered. */
  readonly host: string;

  constructor(host: string, what: string) {
    super('PROTOCOL', `${host} ${what}`, {
      hint: 'The registry, or a proxy before it, does not serve parts of a blob as it should.',
    });
    this.host = host;
  }
}

/**
 * Checks the answer to `bytes=<start>-<end - 1>` (RFC 9110, sections 14.4 and 15.3.7).
 *
 * @throws RangesUnusable when the host does not serve ranges as it should; OciError `SIZE_MISMATCH` when it
 * says that the blob has another size
 */
export function checkRangeAnswer(
  response: RegistryResponse,
  { start, end, blob }: { start: number; end: number; blob: Descriptor },
): void {
  const { host } = response.url;
  const range = header(response, 'content-range') ?? '';
  if (response.status === 416) {
    const size = /^bytes \*\/(\d{1,15})$/.exec(range)?.[1];
    if (size !== undefined && Number(size) !== blob.size) throw wrongSize(blob, host, size);
    throw new RangesUnusable(host, `finds bytes ${start}-${end - 1} not satisfiable`);
  }
  if (response.status === 200) throw new RangesUnusable(host, 'ignores ranges');
  const encoding = header(response, 'content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new RangesUnusable(host, `encodes ranges as ${encoding.slice(0, 40)}`);
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(range) ?? [];
  if (total !== undefined && total !== '*' && Number(total) !== blob.size)
    throw wrongSize(blob, host, total);
  if (Number(first) !== start || Number(last) !== end - 1)
    throw new RangesUnusable(
      host,
      `answers bytes ${start}-${end - 1} with ${JSON.stringify(range.slice(0, 60))}`,
    );
  const length = header(response, 'content-length');
  if (length !== undefined && Number(length) !== end - start)
    throw new RangesUnusable(host, `announces ${length} bytes for ${end - start}`);
}

/** Checks the answer to a request for all of a blob. @throws OciError `SIZE_MISMATCH`, `PROTOCOL` */
export function checkWholeAnswer(response: RegistryResponse, blob: Descriptor): void {
  refuseEncoding(response);
  const length = header(response, 'content-length');
  if (length !== undefined && Number(length) !== blob.size)
    throw wrongSize(blob, response.url.host, length);
}

function wrongSize({ digest, size }: Descriptor, host: string, said: string): OciError {
  return new OciError('SIZE_MISMATCH', `${digest} has ${size} bytes, ${host} has ${said}`, {
    hint: 'The registry or something on the way altered it, or the manifest is wrong.',
  });
}
