import type { Fault } from '@oci/testing';

import type { FaultRow, FaultTable } from './fault-row.js';
import { newBytes } from './operations.js';

function row(
  operation: 'push' | 'push in chunks' | 'mount',
  fault: string,
  rule: Partial<Fault>,
  outcome: string,
): FaultRow {
  return { fault, operation, faults: [{ path: '/uploads/', ...rule }], outcome };
}

const once = { times: 1 } as const;

export const uploadFaults: FaultTable = {
  title: 'Uploads',
  rows: [
    row('push', 'no right to push', { method: 'POST', status: 403 }, 'DENIED'),
    row('push', 'no Location', { method: 'POST', omitHeaders: ['location'] }, 'PROTOCOL'),
    row(
      'push',
      'a Location that is a file',
      { method: 'POST', headers: { location: 'file:///etc/passwd' } },
      'POLICY_REFUSED',
    ),
    row(
      'push',
      '429 to the beginning',
      { method: 'POST', status: 429, headers: { 'retry-after': '1' }, ...once },
      'stored',
    ),
    row('push', '500 to the beginning', { method: 'POST', status: 500, ...once }, 'stored'),
    row(
      'push',
      'the connection breaks in the middle',
      { method: 'PUT', destroyAfterRequestBytes: 50_000, ...once },
      'stored',
    ),
    row(
      'push',
      'the connection breaks at each try',
      { method: 'PUT', destroyBeforeHeaders: true },
      'NETWORK',
    ),
    row(
      'push',
      'the last answer is lost',
      { method: 'PUT', handled: true, destroyBeforeHeaders: true, ...once },
      'stored',
    ),
    row('push', '503 to the bytes', { method: 'PUT', status: 503, ...once }, 'stored'),
    row(
      'push',
      'the digest is found wrong',
      { method: 'PUT', status: 400, body: { errors: [{ code: 'DIGEST_INVALID' }] } },
      'PROTOCOL',
    ),
    row('push', 'the blob is found too large', { method: 'PUT', status: 413 }, 'LIMIT_EXCEEDED'),
    row(
      'push in chunks',
      '416 with where the registry is',
      { method: 'PATCH', status: 416, headers: { range: '0-39999' }, skip: 1, ...once },
      'stored',
    ),
    row(
      'push in chunks',
      '416 without where the registry is',
      { method: 'PATCH', status: 416, skip: 1, ...once },
      'stored',
    ),
    row(
      'push in chunks',
      '416 that contradicts itself',
      { method: 'PATCH', status: 416, headers: { range: '0-9' } },
      'PROTOCOL',
    ),
    row(
      'push in chunks',
      'a part of a chunk is taken',
      { method: 'PATCH', destroyAfterRequestBytes: 12_345, ...once },
      'stored',
    ),
    row(
      'push in chunks',
      'the answer to a chunk is lost',
      { method: 'PATCH', handled: true, destroyBeforeHeaders: true, ...once },
      'stored',
    ),
    row(
      'push in chunks',
      '503 to a chunk',
      { method: 'PATCH', status: 503, skip: 1, ...once },
      'stored',
    ),
    row(
      'push in chunks',
      '401 in the middle, as of a token that ended',
      { method: 'PATCH', status: 401, skip: 1, ...once },
      'stored',
    ),
    {
      fault: 'the session is forgotten',
      operation: 'push in chunks',
      faults: [
        { path: '/uploads/', method: 'PATCH', status: 404, skip: 1, ...once },
        { path: '/uploads/', method: 'GET', status: 404, ...once },
      ],
      outcome: 'stored',
    },
    row('mount', 'the other repository does not have it', { path: /never/ }, 'to be uploaded'),
    {
      fault: 'no right to read the other repository',
      operation: 'mount',
      faults: [{ path: /mount=/, status: 403 }],
      prepare: ({ registry }) => void registry.putBlob('faults/other', newBytes),
      outcome: 'to be uploaded',
    },
  ],
};
