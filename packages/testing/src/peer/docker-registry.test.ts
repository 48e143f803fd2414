import { get } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import { describePeer } from '../contracts/index.js';
import { testAuthority } from '../registry/certificate-authority.js';
import { dockerRegistryCredential, startDockerRegistry } from './docker-registry.js';

const { username, password } = dockerRegistryCredential;
const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

describePeer('docker-registry', 'startDockerRegistry', () => {
  test('with a token server, lets in who has a token for what is asked', async () => {
    await using registry = await startDockerRegistry({ auth: 'token' });
    const url = `${registry.url}/v2/team/app/tags/list`;
    const refused = await fetch(url);
    const challenge = refused.headers.get('www-authenticate') ?? '';
    const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const service = /service="([^"]+)"/.exec(challenge)?.[1] ?? '';
    const scope = 'repository:team/app:pull';
    const ask = `${realm}?service=${service}&scope=${scope}`;
    expect((await fetch(ask)).status).toBe(401);
    const answer = await fetch(ask, { headers: { authorization: basic } });
    const { token } = (await answer.json()) as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    // The repository does not exist, and who may not pull from it is not told so.
    expect([refused.status, (await fetch(url, { headers })).status]).toEqual([401, 404]);
    expect((await fetch(url.replace('app', 'other'), { headers })).status).toBe(401);
    expect(registry.tokens?.granted).toEqual([[scope]]);
  });

  test('with client certificates, lets in who has one', async () => {
    await using registry = await startDockerRegistry({ tls: 'client-certificate' });
    const { ca, client } = await testAuthority();
    const status = async (options: object): Promise<unknown> => {
      const request = get(`${registry.url}/v2/`, { ca, agent: false, ...options });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await status(client)).toBe(200);
    await expect(status({})).rejects.toThrow(/certificate|ECONNRESET|EPIPE|socket hang up/i);
  });
});
