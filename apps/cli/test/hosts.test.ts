import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, it } from 'vitest';

import { ocictl } from './ocictl.js';

it('pulls as the tables of the configuration say: with credentials, from a mirror, of any registry', async () => {
  await using work = await temporaryDirectory('ocictl-');
  const user = { username: 'ci', password: 'S3CR3T' };
  await using mirror = await startRegistry({ auth: { bearer: user } });
  mirror.putArtifact('hub/kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  await writeFile(join(work.path, 'password'), `${user.password}\n`);
  const config = join(work.path, 'config.toml');
  await writeFile(
    config,
    `[[orchestrator.oci.mirrors."127.0.0.1:1"]]
     location = "${mirror.url}/hub"
     [orchestrator.oci.credentials."${mirror.host}"]
     username = "ci"
     password_file = "password"`,
  );
  const command = ocictl(work.path, 'http://127.0.0.1:1');
  const pulled = await command('kcl', 'pull', 'demo', '1.0.0', '--config', config);
  expect(pulled).toMatchObject({ exitCode: 0 });
  expect(mirror.tokenRequests[0]).toMatchObject({ anonymous: false });

  const shown = await command('config', 'show', '--config', config, '--format', 'json');
  expect(shown.stdout).toContain(`mirrors.\\"127.0.0.1:1\\"[0].location`);
  expect(pulled.stdout + pulled.stderr + shown.stdout).not.toContain(user.password);

  const wrong = (await readFile(config, 'utf8')).replace('location', 'lokation');
  await writeFile(config, wrong);
  const refused = await command('kcl', 'pull', 'demo', '1.0.0', '--config', config);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('Did you mean location?');
});
