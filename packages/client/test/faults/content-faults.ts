import type { Fault } from '@oci/testing';

import type { FaultRow, FaultTable } from './fault-row.js';
import { artifact } from './operations.js';

const flip = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte));

function manifest(fault: string, rule: Partial<Fault>, outcome: string): FaultRow {
  return {
    fault,
    operation: 'read a manifest',
    faults: [{ path: '/manifests/', ...rule }],
    outcome,
  };
}

function list(
  operation: 'list tags' | 'list referrers',
  fault: string,
  rule: Partial<Fault>,
  outcome: string,
): FaultRow {
  const path = operation === 'list tags' ? '/tags/list' : '/referrers/';
  return { fault, operation, faults: [{ path, ...rule }], outcome };
}

const index = 'application/vnd.oci.image.index.v1+json';
const both = { ...artifact.manifest.document, manifests: [] };

export const manifestFaults: FaultTable = {
  title: 'Manifests',
  rows: [
    {
      fault: 'bytes that are not those of the digest',
      operation: 'read a manifest by digest',
      faults: [
        {
          path: '/manifests/',
          bodyTransform: (body) => Buffer.concat([body, Buffer.from(' ')]).subarray(1),
        },
      ],
      outcome: 'DIGEST_MISMATCH',
    },
    {
      fault: 'more bytes than the descriptor says',
      operation: 'read a manifest by digest',
      faults: [{ path: '/manifests/', bodyTransform: (body) => Buffer.concat([body, body]) }],
      outcome: 'SIZE_MISMATCH',
    },
    manifest(
      'a Docker-Content-Digest that is not that of the bytes',
      { headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } },
      'DIGEST_MISMATCH',
    ),
    manifest(
      'bytes that are no JSON',
      { bodyTransform: () => Buffer.from('{'), omitHeaders: ['docker-content-digest'] },
      'DOCUMENT_INVALID',
    ),
    manifest(
      'an image and an index in one (CVE-2021-41190)',
      {
        bodyTransform: () => Buffer.from(JSON.stringify(both)),
        omitHeaders: ['docker-content-digest'],
      },
      'DOCUMENT_INVALID',
    ),
    manifest(
      'a Content-Type of something else (CVE-2021-41190)',
      { headers: { 'content-type': index } },
      'DOCUMENT_INVALID',
    ),
    manifest(
      'a body without end (CVE-2017-11468)',
      { endless: true, omitHeaders: ['content-length'] },
      'LIMIT_EXCEEDED',
    ),
    manifest(
      'more than 4 MiB',
      { bodyTransform: () => new Uint8Array(4 * 1024 * 1024 + 1) },
      'LIMIT_EXCEEDED',
    ),
    manifest('a body that is compressed unasked', { gzip: true }, 'PROTOCOL'),
    manifest(
      'a body that is compressed over and over (CVE-2026-22036)',
      { headers: { 'content-encoding': 'gzip, gzip, gzip, gzip, gzip, gzip' } },
      'PROTOCOL',
    ),
    manifest('a body that is cut once', { truncate: 100, times: 1 }, 'read'),
    {
      fault: 'another digest for what was pushed',
      operation: 'push a manifest',
      faults: [
        {
          method: 'PUT',
          path: '/manifests/',
          handled: true,
          headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` },
        },
      ],
      outcome: 'DIGEST_MISMATCH',
    },
    {
      fault: 'the answer to a push is lost once',
      operation: 'push a manifest',
      faults: [
        { method: 'PUT', path: '/manifests/', handled: true, destroyBeforeHeaders: true, times: 1 },
      ],
      outcome: 'stored',
    },
    {
      fault: 'a registry that deletes nothing',
      operation: 'delete a manifest',
      registry: { deletes: false },
      outcome: 'UNSUPPORTED',
    },
  ],
};

export const listFaults: FaultTable = {
  title: 'Lists',
  rows: [
    list(
      'list tags',
      'pages in a circle',
      { headers: { link: '</v2/faults/demo/tags/list>; rel="next"' } },
      'PROTOCOL',
    ),
    list(
      'list tags',
      'a next page on another host (GHSA-h7vf-4x9w-h99v)',
      { headers: { link: '<http://192.0.2.1/v2/>; rel="next"' } },
      'POLICY_REFUSED',
    ),
    list(
      'list tags',
      'null for no tags',
      { status: 200, body: { name: 'x', tags: null } },
      '0 read',
    ),
    list(
      'list tags',
      'a tag that is none',
      { status: 200, body: { name: 'x', tags: ['../../src/x', 'ok'] } },
      '1 read',
    ),
    list('list tags', 'no list', { status: 200, body: { tags: 'all' } }, 'DOCUMENT_INVALID'),
    list(
      'list tags',
      'a page without end',
      { endless: true, omitHeaders: ['content-length'] },
      'LIMIT_EXCEEDED',
    ),
    list('list tags', 'a page that is cut once', { truncate: 3, times: 1 }, '1 read'),
    list('list referrers', 'no referrers API', { status: 404 }, '0 read'),
    list('list referrers', 'a page for people', { status: 200, body: '<html>' }, '0 read'),
    list(
      'list referrers',
      'a digest that leads elsewhere (CVE-2024-3727)',
      {
        status: 200,
        headers: { 'content-type': index },
        body: {
          schemaVersion: 2,
          mediaType: index,
          manifests: [{ mediaType: index, digest: 'sha256:../../x', size: 1 }],
        },
      },
      '0 read',
    ),
  ],
};

export const blobFaults: FaultTable = {
  title: 'Blobs as streams',
  rows: (
    [
      ['a connection that breaks in the middle', { destroyAfterBytes: 150_000, times: 1 }, 'read'],
      ['a body that ends early', { truncate: 150_000, times: 1 }, 'read'],
      ['a body that never brings enough to go on', { truncate: 100 }, 'NETWORK'],
      ['bytes that are altered', { bodyTransform: flip }, 'DIGEST_MISMATCH'],
      ['fewer bytes', { bodyTransform: (body) => body.subarray(1) }, 'SIZE_MISMATCH'],
      ['more bytes', { bodyTransform: (body) => Buffer.concat([body, body]) }, 'SIZE_MISMATCH'],
      ['bytes without end', { endless: true, omitHeaders: ['content-length'] }, 'SIZE_MISMATCH'],
      ['bytes that are compressed unasked', { gzip: true }, 'PROTOCOL'],
      ['404', { status: 404 }, 'BLOB_UNKNOWN'],
      ['500 once', { status: 500, times: 1 }, 'read'],
    ] satisfies readonly (readonly [string, Partial<Fault>, string])[]
  ).map(([fault, rule, outcome]) => ({
    fault,
    operation: 'read a blob',
    faults: [{ path: '/blobs/', ...rule }],
    outcome,
  })),
};
