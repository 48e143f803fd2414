import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { collect } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { type EcrOptions, ecrCredentials } from './ecr.js';

const privateRegistry = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const hour = 3_600_000;

interface Asked {
  readonly target: string;
  readonly authorization: string;
}

/** AWS, as far as it gives out tokens of ECR: JSON 1.1 by POST. */
async function startAws(lifetimeMs = 12 * hour) {
  const asked: Asked[] = [];
  let isDown = false;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await collect(request);
    const { 'x-amz-target': target, authorization = '' } = request.headers;
    asked.push({ target: String(target), authorization });
    if (isDown) {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: 'ServerException', message: 'no such role' }));
      return;
    }
    const authorizationToken = Buffer.from(`AWS:secret-${asked.length}`).toString('base64');
    const data = { authorizationToken, expiresAt: (Date.now() + lifetimeMs) / 1000 };
    const isPublic = String(target).startsWith('SpencerFrontendService');
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ authorizationData: isPublic ? data : [data] }));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client: EcrOptions['client'] = {
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'key' },
    maxAttempts: 1,
  };
  return {
    asked,
    client,
    fail: () => void (isDown = true),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

let aws: Awaited<ReturnType<typeof startAws>>;
beforeEach(async () => {
  aws = await startAws();
});
afterEach(async () => {
  vi.useRealTimers();
  await aws.close();
});

test('a private registry gets the token of its region', async () => {
  const source = ecrCredentials({ client: aws.client });
  expect(await source(privateRegistry)).toEqual({
    kind: 'password',
    username: 'AWS',
    password: 'secret-1',
    from: 'Amazon ECR',
  });
  const [only] = aws.asked;
  expect(only?.target).toBe('AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken');
  expect(only?.authorization).toContain('/eu-central-1/ecr/aws4_request');
});

test('public registries get the token of the public gallery', async () => {
  const source = ecrCredentials({ client: aws.client });
  expect(await source('public.ecr.aws')).toMatchObject({ username: 'AWS', password: 'secret-1' });
  const [only] = aws.asked;
  expect(only?.target).toBe('SpencerFrontendService.GetAuthorizationToken');
  expect(only?.authorization).toContain('/us-east-1/ecr-public/aws4_request');
});

test('a token is fetched once for all, and again when it was refused or is about to expire', async () => {
  const source = ecrCredentials({ client: aws.client });
  const all = await Promise.all([1, 2, 3].map(() => source(privateRegistry)));
  expect(all.map((each) => each?.kind === 'password' && each.password)).toEqual(
    Array.from({ length: 3 }, () => 'secret-1'),
  );
  expect(await source(privateRegistry, { fresh: true })).toMatchObject({ password: 'secret-2' });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 12 * hour - 60_000 });
  expect(await source(privateRegistry)).toMatchObject({ password: 'secret-3' });
});

test.each([
  'registry.example',
  'public.ecr.aws.example',
  `${privateRegistry}.example`,
  `${privateRegistry}:8443`,
  `x.${privateRegistry}`,
  'evil.example.dkr.ecr.eu-central-1.amazonaws.com',
  '123456789012.dkr.ecr.eu-central-1.example.com',
  '123456789012.dkr.ecr.eu-central-1.evil.amazonaws.com',
  'xpublic.ecr.aws',
])('%s gets nothing, and AWS is not asked', async (registry) => {
  expect(await ecrCredentials({ client: aws.client })(registry)).toBeUndefined();
  expect(aws.asked).toEqual([]);
});

test.each([
  ['123456789012.dkr-ecr.us-west-2.on.aws', 'us-west-2'],
  ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1'],
])('%s is a registry of %s', async (registry, region) => {
  await ecrCredentials({ client: aws.client })(registry);
  expect(aws.asked[0]?.authorization).toContain(`/${region}/ecr/`);
});

test('a FIPS registry is asked for at the FIPS endpoint', async () => {
  // Which the SDK does not take together with an endpoint of ours.
  const registry = '123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com';
  await expect(ecrCredentials({ client: aws.client })(registry)).rejects.toThrow(/FIPS/);
});

test('a refusal of AWS is told with its reason, and is no secret of anybody', async () => {
  aws.fail();
  const failure = ecrCredentials({ client: aws.client })(privateRegistry);
  await expect(failure).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    message: expect.stringContaining('no such role'),
    hint: expect.stringContaining('aws sts'),
  });
});

test('who waits no longer is not held up', async () => {
  const source = ecrCredentials({ client: aws.client });
  const signal = AbortSignal.abort();
  await expect(source(privateRegistry, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
});
