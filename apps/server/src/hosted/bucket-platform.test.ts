import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { type BucketProgram, createBucketProgram } from '../../test/bucket-program.js';
import { type TokenBucket, startTokenBucket } from '../../test/token-bucket.js';

/** A service of a platform, which answers by JSON, XML or text, and counts. */
async function startFake(answer: (request: IncomingMessage) => string | undefined) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const text = answer(request);
    request.resume();
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

describePeer('versitygw', 'a server takes keys of its platform', () => {
  let server: BucketProgram;
  let work: TemporaryDirectory;
  let bucket: TokenBucket;
  beforeAll(async () => {
    server = await createBucketProgram();
  }, 60_000);
  afterAll(() => server.close());
  beforeEach(async () => {
    work = await temporaryDirectory();
    bucket = await startTokenBucket();
  });
  afterEach(async () => {
    await bucket.close();
    await work.remove();
  });

  const keysWith = (change: object = {}) => {
    const { accessKeyId, secretAccessKey } = server.gateway.credentials;
    return {
      Code: 'Success',
      Type: 'AWS-HMAC',
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: 'of-the-platform',
      Expiration: inAnHour(),
      ...change,
    };
  };

  const runWith = (env: NodeJS.ProcessEnv) => ({
    dir: work.path,
    storage: { endpoint: bucket.endpoint },
    env,
  });

  test('as a container has them, which it asks for once', async () => {
    const authorization: unknown[] = [];
    await using fake = await startFake(({ headers }) => {
      authorization.push(headers.authorization);
      return JSON.stringify(keysWith());
    });
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fake.url}/keys`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'of the container',
    };
    await server.pushAndPull(runWith(env));
    expect(fake.asked).toEqual(['GET /keys']);
    expect(authorization).toEqual(['of the container']);
    expect(bucket.tokens).toEqual(['of-the-platform']);
  });

  test('as a machine has them (IMDSv2), which it asks for once', async () => {
    const answers: Readonly<Record<string, () => string>> = {
      'PUT /latest/api/token': () => 'metadata-token',
      'GET /latest/meta-data/iam/security-credentials/': () => 'role',
      'GET /latest/meta-data/iam/security-credentials/role': () => JSON.stringify(keysWith()),
    };
    await using fake = await startFake(({ method, url }) => answers[`${method} ${url}`]?.());
    const env = {
      AWS_EC2_METADATA_DISABLED: undefined,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: fake.url,
    };
    await server.pushAndPull(runWith(env));
    expect(fake.asked).toEqual(Object.keys(answers));
    expect(bucket.tokens).toEqual(['of-the-platform']);
  });

  test('as the token of a web identity gives them, which it asks for once', async () => {
    const identity = join(work.path, 'identity');
    await writeFile(identity, 'a token of Kubernetes');
    await using fake = await startFake(() => {
      const { AccessKeyId, SecretAccessKey, Token, Expiration } = keysWith();
      return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>
          <AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey>
          <SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
    });
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: identity,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/registry',
      AWS_ENDPOINT_URL_STS: fake.url,
    };
    await server.pushAndPull(runWith(env));
    expect(fake.asked).toEqual(['POST /']);
    expect(bucket.tokens).toEqual(['of-the-platform']);
  });

  test('that end, and asks for others before they do', async () => {
    let given = 0;
    await using fake = await startFake(() => {
      given += 1;
      const Expiration = given === 1 ? new Date(Date.now() + 30_000).toISOString() : inAnHour();
      return JSON.stringify(keysWith({ Token: `token-${given}`, Expiration }));
    });
    await server.pushAndPull(runWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fake.url}/keys` }));
    expect(fake.asked).toHaveLength(2);
    expect(bucket.tokens.at(-1)).toBe('token-2');
  });

  test('that nobody gives, does not start, and says so', async () => {
    await using fake = await startFake(() => undefined);
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fake.url}/keys` };
    expect(await server.failed(runWith(env))).toMatch(/credentials/i);
    expect(fake.asked.length).toBeLessThan(20);
  });
});
