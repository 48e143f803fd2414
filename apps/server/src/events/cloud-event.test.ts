import { parseDigest, parseRepositoryName, parseTag } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { cloudEventOf } from './cloud-event.js';

const identity = { id: '1', source: 'https://registry.example', time: Date.UTC(2027, 0, 1) };
const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const content = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 7 };
const repository = parseRepositoryName('team/app');
const by = { who: 'token:ci', requestId: 'r-1' };

test('a push says what was pushed, where to, and by whom', () => {
  const tags = [parseTag('1.0.0')];
  const artifactType = 'application/example';
  const event = {
    type: 'manifest.pushed',
    repository,
    tags,
    artifactType,
    by,
    ...content,
  } as const;
  expect(cloudEventOf(event, identity)).toEqual({
    specversion: '1.0',
    id: '1',
    source: 'https://registry.example',
    type: 'dev.oci-server.manifest.pushed',
    subject: `team/app@${digest}`,
    time: '2027-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    data: {
      repository: 'team/app',
      tags: ['1.0.0'],
      digest,
      media_type: 'application/vnd.oci.image.manifest.v1+json',
      size: 7,
      artifact_type: 'application/example',
      who: 'token:ci',
      request_id: 'r-1',
    },
  });
});

test('deletions and quotas have their own subjects', () => {
  const tag = parseTag('1.0.0');
  const deleted = cloudEventOf({ type: 'tag.deleted', repository, tag, ...content }, identity);
  expect(deleted).toMatchObject({
    type: 'dev.oci-server.tag.deleted',
    subject: 'team/app:1.0.0',
    data: { tags: ['1.0.0'], digest, who: 'server' },
  });
  const quota = {
    type: 'quota.reached',
    repository,
    namespace: 'team',
    limit: 10,
    used: 9,
  } as const;
  expect(cloudEventOf({ ...quota, by }, identity)).toMatchObject({
    subject: 'team',
    data: { repository: 'team/app', namespace: 'team', limit: 10, used: 9, who: 'token:ci' },
  });
});

test('an event is small, however much a client pushes', () => {
  const long = 'x'.repeat(1_000_000);
  const tags = Array.from({ length: 5000 }, (_, at) => parseTag(`${'t'.repeat(120)}-${at}`));
  const event = {
    type: 'manifest.pushed',
    repository,
    tags,
    digest,
    size: 7,
    mediaType: long,
    artifactType: long,
    by: { who: long, requestId: 'r-1' },
  } as const;
  const made = cloudEventOf(event, identity);
  expect(made.data).toMatchObject({ more_tags: 4900 });
  expect(JSON.stringify(made).length).toBeLessThan(16_000);
});
