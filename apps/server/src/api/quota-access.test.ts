import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';

test('a caller sees the quotas of namespaces that it may list, in pages; what is refused is audited and measured', async () => {
  await using directory = await temporaryDirectory();
  const [team, admin, other] = [createAccessToken(), createAccessToken(), createAccessToken()];
  const audit = join(directory.path, 'audit');
  const tokens = { team, admin, other };
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory.path, 'data'),
    manager: { namespace: 'extensions', cacheDir: join(directory.path, 'cache') },
    audit: { dir: audit },
    quotas: [
      { namespace: '*', maxBytes: 150 },
      { namespace: 'team/ci', maxBytes: 250 },
    ],
    access: {
      tokens: Object.entries(tokens).map(([name, { hash }]) => ({ name, hash })),
      rules: [
        { who: ['token:team'], namespaces: ['team'], actions: ['push', 'list', 'observe'] },
        { who: ['token:admin'], namespaces: ['*'], actions: ['push', 'list', 'observe'] },
        { who: ['token:other'], namespaces: ['*'], actions: ['list'] },
      ],
    },
  });
  const push = async (repository: string, seed: number): Promise<number> => {
    const body = Buffer.from(randomBytes(seed, 100));
    const authorization = `Bearer ${admin.secret}`;
    const url = `${server.url}/v2/${repository}/blobs/uploads/?digest=${digestOf(body)}`;
    return (await fetch(url, { method: 'POST', body, headers: { authorization } })).status;
  };
  const list = (token: string, query: { limit?: number; after?: string } = {}) =>
    createOciServerClient({ url: server.url, token }).listQuotas(query);
  try {
    for (const repository of ['a/x', 'team/x', 'team/ci/x'])
      expect(await push(repository, 901)).toBe(201);
    expect(await push('team/x', 902)).toBe(403);
    const [a, ofTeam, ofCi] = [
      { namespace: 'a', used_bytes: 100, max_bytes: 150 },
      { namespace: 'team', used_bytes: 100, max_bytes: 150 },
      { namespace: 'team/ci', used_bytes: 100, max_bytes: 250 },
    ];
    expect(await list(admin.secret)).toEqual({ quotas: [a, ofTeam, ofCi], next: null });
    expect(await list(admin.secret, { limit: 2 })).toEqual({ quotas: [a, ofTeam], next: 'team' });
    expect(await list(admin.secret, { limit: 2, after: 'team' })).toEqual({
      quotas: [ofCi],
      next: null,
    });
    expect(await list(team.secret)).toEqual({ quotas: [ofTeam, ofCi], next: null });
    await expect(list(other.secret)).rejects.toMatchObject({ status: 403 });
    const headers = { authorization: `Bearer ${admin.secret}` };
    const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text();
    expect(metrics).toContain('oci_quota_used_bytes{namespace="team/ci"} 100');
    expect(metrics).toContain('oci_quota_limit_bytes{namespace="team"} 150');
    expect(metrics).toContain('oci_denials_total{reason="quota"} 1');
  } finally {
    await server.close();
  }
  const lines = (await readFile(join(audit, 'audit.jsonl'), 'utf8')).split('\n');
  const denials = lines.filter((line) => line.includes('quota of team'));
  expect(denials).toHaveLength(1);
  expect(JSON.parse(denials[0] ?? '')).toMatchObject({
    event: 'denied',
    result: 'denied',
    who: 'token:admin',
    repository: 'team/x',
    detail: expect.stringContaining('100 of 150 bytes are used, and 100 more are needed') as string,
  });
});
