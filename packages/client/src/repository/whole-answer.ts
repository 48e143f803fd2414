import { asOciError } from '@oci/spec-types';

import { readBody } from '../transport/bounded-body.js';
import type { RegistryResponse } from '../transport/exchange.js';
import { Attempts } from '../transport/retry-policy.js';
import { type Endpoint, type EndpointRequest, call } from './endpoint.js';

/** An answer, and all bytes of its body. */
export interface WholeAnswer {
  readonly response: RegistryResponse;
  readonly bytes: Buffer;
}

/**
 * Sends a request and reads its answer into memory; where the connection breaks in the body, the request is
 * sent again.
 *
 * @throws OciError `LIMIT_EXCEEDED` beyond `limit` bytes, and what a request fails with
 */
export async function fetchWhole(
  endpoint: Endpoint,
  ask: EndpointRequest & { readonly method: 'GET' },
  limit: number,
): Promise<WholeAnswer> {
  const attempts = new Attempts(endpoint.retryPolicy, ask);
  for (;;) {
    const response = await call(endpoint, ask);
    const request = { url: response.url, method: ask.method, signal: ask.signal };
    try {
      return { response, bytes: await readBody(response, limit, request) };
    } catch (thrown) {
      await attempts.again(asOciError(thrown), { host: response.url.host });
    }
  }
}
