import { OciError } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { type RegistryRequest, type RegistryResponse, header } from './exchange.js';
import { networkFailure } from './network-failure.js';

/** Bytes that are read of each kind of body, at most. */
export interface BodyLimits {
  /** Default 4 MiB, what every registry accepts. */
  readonly manifestBytes: number;
  /** Default 64 KiB. */
  readonly errorBytes: number;
  /** Default 128 KiB. */
  readonly tokenBytes: number;
  /** A page of tags or repositories. Default 4 MiB. */
  readonly pageBytes: number;
  /** Pages of one listing. Default 1000. */
  readonly pages: number;
}

export const defaultLimits: BodyLimits = {
  manifestBytes: 4 * 1024 * 1024,
  errorBytes: 64 * 1024,
  tokenBytes: 128 * 1024,
  pageBytes: 4 * 1024 * 1024,
  pages: 1000,
};

/**
 * Reads a whole body into memory, which grows with what arrives and not with what is announced.
 *
 * @throws OciError `LIMIT_EXCEEDED`, and what a connection can fail with
 */
export async function readBody(
  response: RegistryResponse,
  limit: number,
  request: Pick<RegistryRequest, 'url' | 'method' | 'signal'>,
): Promise<Buffer> {
  try {
    refuseEncoding(response);
    return await readBytes(response.body, { limit, what: `the answer of ${response.url.host}` });
  } catch (error) {
    response.body.destroy();
    throw networkFailure(error, request);
  }
}

/** Digests and ranges are of the bytes as stored: a body that was encoded on the way is not those. */
export function refuseEncoding(response: RegistryResponse): void {
  const encoding = header(response, 'content-encoding');
  if (encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw new OciError(
    'PROTOCOL',
    `${response.url.host} encodes content as ${encoding.slice(0, 40)} unasked`,
    {
      hint: 'A proxy before the registry may compress its answers; that has to be switched off.',
    },
  );
}
