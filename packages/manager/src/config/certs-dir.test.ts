import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parseRegistryHost } from '@oci/spec-types';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { lookupCertsDir } from './certs-dir.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(() => work.remove());

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(work.path, name)), { recursive: true });
    await writeFile(join(work.path, name), text);
  }
}

async function of(host: string) {
  return (await lookupCertsDir(work.path))(parseRegistryHost(host));
}

test("reads docker's files, for the host exactly as it is named", async () => {
  await put({
    'registry.example:5000/a.crt': 'first',
    'registry.example:5000/b.crt': 'second',
    'registry.example:5000/client.cert': 'cert',
    'registry.example:5000/client.key': 'key',
  });
  expect(await of('registry.example:5000')).toEqual({
    ca: 'first\nsecond',
    clientCertificate: { cert: 'cert', key: 'key' },
  });
  expect(await of('registry.example')).toBeUndefined();
  expect(await of('registry.example:443')).toBeUndefined();
});

test("reads containerd's hosts.toml", async () => {
  await put({
    'docker.io/hosts.toml': `
      server = "https://registry-1.docker.io"
      [host."https://mirror.local:5000"]
      capabilities = ["pull", "resolve"]
      ca = "ca.pem"
      skip_verify = true
      [host."https://mirror.local:5000".header]
      x-team = ["a", "b"]
      [host."http://public.example/v2/hub"]
      capabilities = ["pull"]
      override_path = true
      client = [["c.pem", "c.key"]]
      [host."https://push.example"]
      capabilities = ["push"]
    `,
    'docker.io/ca.pem': 'ca',
    'docker.io/c.pem': 'cert',
    'docker.io/c.key': 'key',
  });
  expect(await of('docker.io')).toEqual({
    mirrors: [
      {
        location: 'https://mirror.local:5000',
        pullFrom: 'all',
        ns: true,
        insecure: true,
        ca: 'ca',
        headers: { 'x-team': 'a, b' },
      },
      {
        location: 'http://public.example/hub',
        pullFrom: 'digest-only',
        ns: true,
        clientCertificate: { cert: 'cert', key: 'key' },
      },
      { location: 'https://registry-1.docker.io', ns: true },
    ],
  });
});

test('reads a host with a port where a colon cannot be, and a default', async () => {
  await put({
    'registry.example_5000_/ca.crt': 'port',
    '_default/hosts.toml': '[host."https://mirror.local"]',
  });
  expect(await of('registry.example:5000')).toEqual({ ca: 'port' });
  expect((await of('other.example'))?.mirrors).toMatchObject([
    { location: 'https://mirror.local' },
  ]);
});

test.each([
  'host = 5',
  '[host]\n"https://a.example" = 5',
  '[host."https://a.example/path"]',
  '[host."https://a.example"]\noverride_path = true',
  '[host."https://a.example"]\ncapabilities = "pull"',
  '[host."https://a.example"]\nca = 5',
  '[host."https://a.example"]\nca = "missing.pem"',
  'not TOML',
])('refuses hosts.toml with %j', async (text) => {
  await put({ 'a.example/hosts.toml': text });
  await expect(of('a.example')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('refuses a directory that is not there', async () => {
  await expect(lookupCertsDir(join(work.path, 'none'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});
