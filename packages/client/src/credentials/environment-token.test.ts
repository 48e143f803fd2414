import { expect, test } from 'vitest';

import { environmentToken } from './environment-token.js';

test('a token of the environment is for one registry, and read anew each time', async () => {
  const env: Record<string, string> = { GITHUB_TOKEN: 'first' };
  const source = environmentToken('ghcr.io', 'GITHUB_TOKEN', { env });
  expect(await source('ghcr.io')).toEqual({
    kind: 'password',
    username: 'token',
    password: 'first',
    from: 'GITHUB_TOKEN',
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
