import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type FaultyProxy,
  type TemporaryDirectory,
  startFaultyProxy,
  temporaryDirectory,
  testAuthority,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import {
  type BucketProgram,
  type StorageSettings,
  createBucketProgram,
} from '../../test/bucket-program.js';
import { startTokenBucket } from '../../test/token-bucket.js';

describePeer('versitygw', 'the access of a server to its bucket', () => {
  let server: BucketProgram;
  let secure: FaultyProxy;
  let work: TemporaryDirectory;
  const file = (name: string): string => join(work.path, name);

  beforeAll(async () => {
    server = await createBucketProgram();
    const { server: certificate } = await testAuthority();
    secure = await startFaultyProxy(server.gateway.endpoint, { certificate });
  }, 60_000);
  afterAll(async () => {
    await secure.close();
    await server.close();
  });
  beforeEach(async () => {
    work = await temporaryDirectory();
    const { accessKeyId, secretAccessKey } = server.gateway.credentials;
    // As editors write files.
    await writeFile(file('id'), `${accessKeyId}\n`);
    await writeFile(file('secret'), `${secretAccessKey}\n`);
    await writeFile(file('token'), 'session-token\n');
    await writeFile(file('ca.pem'), (await testAuthority()).ca);
  });
  afterEach(() => work.remove());

  const keyFiles = { access_key_id_file: 'id', secret_access_key_file: 'secret' };
  const runOf = (storage: StorageSettings, env?: NodeJS.ProcessEnv) => ({
    dir: work.path,
    storage,
    env,
  });

  test('by HTTPS trusts the authorities of ca_file', async () => {
    const storage = { ...keyFiles, endpoint: secure.endpoint, ca_file: 'ca.pem' };
    expect(await server.pushAndPull(runOf(storage))).toMatchObject({ exitCode: 0 });
  });

  test('by HTTPS is refused without them, and the message says what to do', async () => {
    const said = await server.failed(runOf({ ...keyFiles, endpoint: secure.endpoint }));
    expect(said).toMatch(/certificate/);
    expect(said).toContain('server.storage.ca_file');
  });

  test('by HTTPS takes any certificate when it is insecure', async () => {
    const storage = { ...keyFiles, endpoint: secure.endpoint, insecure: true };
    expect(await server.pushAndPull(runOf(storage))).toMatchObject({ exitCode: 0 });
  });

  test('with keys of files sends the session token that goes with them, and logs none', async () => {
    const bucket = await startTokenBucket();
    const storage = { ...keyFiles, session_token_file: 'token', endpoint: bucket.endpoint };
    const end = await server.pushAndPull(runOf(storage)).finally(() => bucket.close());
    expect(bucket.tokens).toEqual(['session-token']);
    for (const said of [end.stdout, end.stderr])
      expect(said).not.toMatch(/session-token|secretsecret/);
  });

  test('with a session token that is refused does not start, and says so', async () => {
    const storage = { ...keyFiles, session_token_file: 'token', endpoint: server.gateway.endpoint };
    const said = await server.failed(runOf(storage));
    expect(said).toContain('The session token is wrong');
  });

  test('with a wrong secret does not start, and prints none', async () => {
    await writeFile(file('secret'), 'another secret');
    const storage = { ...keyFiles, endpoint: server.gateway.endpoint };
    const said = await server.failed(runOf(storage));
    expect(said).toContain('The secret key is wrong');
    expect(said).not.toContain('another secret');
  });

  test('takes keys of the environment', async () => {
    const { accessKeyId, secretAccessKey } = server.gateway.credentials;
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const end = await server.pushAndPull(runOf({ endpoint: server.gateway.endpoint }, env));
    expect(end.exitCode).toBe(0);
  });

  test('takes keys and region of a profile of the AWS configuration files', async () => {
    const { region, credentials } = server.gateway;
    const { accessKeyId: id, secretAccessKey: secret } = credentials;
    const keys = `aws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`;
    await writeFile(file('config'), `[profile registry]\nregion = ${region}\n`);
    await writeFile(file('credentials'), `[registry]\n${keys}`);
    const from = server.proxy.requests.length;
    const env = {
      AWS_PROFILE: 'registry',
      AWS_CONFIG_FILE: file('config'),
      AWS_SHARED_CREDENTIALS_FILE: file('credentials'),
    };
    const storage = { endpoint: server.proxy.endpoint, region: undefined };
    await server.pushAndPull(runOf(storage, env));
    const [first] = server.proxy.requests.slice(from);
    expect(first?.headers.authorization).toContain(`/${region}/s3/`);
  });

  test('without any keys does not start, and the message says where they are looked for', async () => {
    const said = await server.failed(runOf({ endpoint: server.gateway.endpoint }));
    expect(said).toContain('There are no credentials');
  });
});
