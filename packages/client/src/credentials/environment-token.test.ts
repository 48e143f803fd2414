import { startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';
import { staticCredentials } from './credential.js';
import { environmentToken } from './environment-token.js';

test('a token of the environment is for one registry, and read anew each time', async () => {
  const env: Record<string, string> = { GITHUB_TOKEN: 'first' };
  const source = environmentToken('ghcr.io', 'GITHUB_TOKEN', { env });
  expect(await source('ghcr.io')).toEqual({
    kind: 'password',
    username: 'token',
    password: 'first',
    from: 'GITHUB_TOKEN',
    hint: expect.stringContaining('GITHUB_TOKEN') as string,
  });
  env['GITHUB_TOKEN'] = 'second';
  expect(await source('ghcr.io')).toMatchObject({ password: 'second' });
  expect(await source('ghcr.io.example')).toBeUndefined();
});

test('a variable that is unset or empty is no credential', async () => {
  for (const env of [{}, { TOKEN: '' }])
    expect(await environmentToken('ghcr.io', 'TOKEN', { env })('ghcr.io')).toBeUndefined();
});

test('a registry that looks at the name gets the one that it wants', async () => {
  const env = { CI_JOB_TOKEN: 'secret' };
  const source = environmentToken('registry.gitlab.com', 'CI_JOB_TOKEN', {
    username: 'gitlab-ci-token',
    env,
  });
  expect(await source('registry.gitlab.com')).toMatchObject({ username: 'gitlab-ci-token' });
});

test.each([
  'https://ghcr.io',
  'ghcr.io/',
  'ghcr.io/team',
  '',
  'a b',
  undefined as unknown as string,
])('what is no host, as %j, would never match, and is refused', (host) => {
  const usage = expect.objectContaining({
    code: 'USAGE',
    hint: expect.stringContaining('host[:port]') as string,
  }) as Error;
  expect(() => environmentToken(host, 'TOKEN')).toThrow(usage);
  expect(() => staticCredentials(host, { kind: 'bearer', token: 'x' })).toThrow(usage);
});

test('a host is the same in capitals', async () => {
  const source = environmentToken('GHCR.io', 'TOKEN', { env: { TOKEN: 'x' } });
  expect(await source('ghcr.io')).toMatchObject({ password: 'x' });
});

test.each([
  [undefined, {}],
  ['', {}],
  ['A=B', {}],
  ['TOKEN', 'me'],
])('a variable %j with %j is refused', (variable, options) => {
  expect(() => environmentToken('ghcr.io', variable as string, options as object)).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      hint: expect.stringContaining('GITHUB_TOKEN') as string,
    }) as Error,
  );
});

test.each([
  ['Basic', { basic: { username: 'me', password: 'right' } }],
  ['Bearer', { bearer: { username: 'me', password: 'right' } }],
])(
  'a token that a registry refuses by %s leads to its variable and its user name',
  async (_, auth) => {
    await using server = await startRegistry({ auth });
    await using client = createRegistry({
      url: server.url,
      credentials: environmentToken(server.host, 'MY_TOKEN', { env: { MY_TOKEN: 'wrong' } }),
    });
    const failure = {
      code: 'UNAUTHORIZED',
      hint: expect.stringMatching(/MY_TOKEN.* token /) as string,
    };
    await expect(client.repository('a/b').fetch('1')).rejects.toMatchObject(failure);
  },
);
