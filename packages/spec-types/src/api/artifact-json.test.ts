import { describe, expect, test } from 'vitest';

import { OciError } from '../index.js';
import {
  artifactJsonSchema,
  errorJson,
  errorJsonSchema,
  listArtifactsRequestSchema,
  listArtifactsResponseSchema,
  pullJsonSchema,
} from './index.js';

const artifact = {
  name: 'provisioning-core',
  version: '1.0.0',
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
  media_type: 'application/vnd.oci.image.manifest.v1+json',
  created_at: null,
};

test('an artifact has the six keys of the guide', () => {
  expect(artifactJsonSchema.parse(artifact)).toEqual(artifact);
  for (const key of Object.keys(artifact)) {
    expect(artifactJsonSchema.safeParse({ ...artifact, [key]: undefined }).success).toBe(false);
  }
});

test('a pull says where the file is, and whether it came from the cache', () => {
  const { digest, size, media_type } = artifact;
  const digests = { digest, manifest_digest: digest, content_digest: digest };
  const pull = {
    path: '/tmp/x',
    reference: 'a/b:1',
    ...digests,
    size,
    media_type,
    from_cache: true,
  };
  expect(pullJsonSchema.parse(pull)).toEqual(pull);
  expect(pullJsonSchema.safeParse({ ...pull, from_cache: 'yes' }).success).toBe(false);
});

describe('a request for a list', () => {
  test('names a namespace', () => {
    expect(listArtifactsRequestSchema.parse({ namespace: 'kcl' })).toEqual({ namespace: 'kcl' });
  });

  test.each([{}, { namespace: '' }, { namespace: 1 }, { namespace: 'kcl', limit: 1 }, null])(
    'is refused as %j',
    (value) => {
      expect(listArtifactsRequestSchema.safeParse(value).success).toBe(false);
    },
  );
});

test('a list is answered with success', () => {
  const response = { success: true, data: [artifact] };
  expect(listArtifactsResponseSchema.parse(response)).toEqual(response);
  expect(listArtifactsResponseSchema.safeParse({ ...response, success: false }).success).toBe(
    false,
  );
});

test.each([
  [
    new OciError('DENIED', 'x', { hint: 'Log in.' }),
    { code: 'DENIED', message: 'x', hint: 'Log in.' },
  ],
  [new OciError('INTERNAL', 'y'), { code: 'INTERNAL', message: 'y', hint: null }],
])('an error is its code, message and hint', (error, expected) => {
  expect(errorJsonSchema.parse(errorJson(error))).toEqual(expected);
});
