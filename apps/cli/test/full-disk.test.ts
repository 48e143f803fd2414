import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import {
  type SmallDisk,
  type TemporaryDirectory,
  type TestRegistry,
  canMount,
  guideArtifact,
  mountDisk,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type Ocictl, ocictl } from './ocictl.js';

const mebibyte = 1024 * 1024;

const isPossible = canMount();

describe.skipIf(!isPossible)(
  `ocictl on a disk of 16 MiB${isPossible ? '' : ' (needs the right to mount)'}`,
  () => {
    let registry: TestRegistry;
    let work: TemporaryDirectory;
    let command: Ocictl;
    let disk: SmallDisk;

    beforeEach(async () => {
      registry = await startRegistry();
      work = await temporaryDirectory('ocictl-');
      command = ocictl(work.path, registry.url);
      await mkdir(command.cacheDir);
      disk = mountDisk(command.cacheDir, 16);
    });
    afterEach(async () => {
      disk.unmount();
      await registry.close();
      await work.remove();
    });

    const filler = (): string => join(command.cacheDir, 'somebody-elses');

    /** What arrived is noted a moment later: only then is there something to go on with. */
    async function notedInJournal(): Promise<void> {
      const partial = join(command.cacheDir, 'partial');
      const names = await readdir(partial, { recursive: true });
      const journal = names.find((name) => name.endsWith('.journal')) ?? '';
      const lines = (await readFile(join(partial, journal), 'utf8')).split('\n');
      // The first line names the blob, and the last is empty.
      expect(lines.length).toBeGreaterThan(2);
    }

    const artifact = (size: number) => {
      // Text of base64 letters, which shrinks to three quarters again.
      const payload = Buffer.from(randomBytes(9, size)).toString('base64');
      return guideArtifact({ version: '1.0.0', files: { payload } });
    };
    const pull = () => command('extension', 'pull', 'taskserv', 'big', '1.0.0');
    const stored = async (): Promise<string[]> =>
      readdir(join(command.cacheDir, 'blobs/sha256')).catch(() => []);

    it('asks for nothing that there is no room for, and says how much is free and needed', async () => {
      const big = artifact(17 * mebibyte);
      registry.putArtifact('provisioning-extensions/taskserv/big', '1.0.0', big);
      const { exitCode, stderr } = await pull();
      expect(exitCode).toBe(8);
      expect(stderr).toMatch(/\d+ bytes are free, \d+ bytes are needed/);
      expect(stderr).toContain(command.cacheDir);
      const layer = big.blobs.at(-1)?.descriptor.digest ?? '';
      expect(registry.requests.filter(({ path }) => path.includes(layer))).toEqual([]);
      expect(await readdir(join(command.cacheDir, 'partial')).catch(() => [])).toEqual([]);
      expect(await readdir(join(command.cacheDir, '.tmp'))).toEqual([]);
    });

    it('ends with 8 when the disk fills up on the way, leaves nothing half under a name, and resumes', async () => {
      const big = artifact(5 * mebibyte);
      const layer = big.blobs.at(-1)?.descriptor;
      registry.putArtifact('provisioning-extensions/taskserv/big', '1.0.0', big);
      let release = (): void => {};
      const until = new Promise<void>((resolve) => (release = resolve));
      registry.fault({
        path: `/blobs/${layer?.digest}`,
        pause: { afterBytes: 3 * mebibyte, until },
        times: 1,
      });
      const asked = registry.nextRequest({ path: `/blobs/${layer?.digest}` });
      const running = pull();
      await asked;
      await vi.waitFor(notedInJournal, 20_000);
      await writeFile(filler(), Buffer.alloc(12 * mebibyte)).catch(() => {});
      release();
      const { exitCode, stderr } = await running;
      expect(exitCode).toBe(8);
      expect(stderr).toMatch(/no space is left/);
      expect(stderr).toContain(command.cacheDir);
      expect(await stored()).not.toContain(layer?.digest.slice('sha256:'.length));
      expect(await readdir(join(command.cacheDir, '.tmp'))).toEqual([]);
      expect(await readdir(command.cacheDir)).not.toContain('extensions');

      await rm(filler());
      registry.clearRequests();
      const again = await pull();
      expect(again).toMatchObject({ exitCode: 0 });
      const gets = registry.requests.filter(({ path }) => path.includes(layer?.digest ?? ''));
      expect(gets.length).toBeGreaterThan(0);
      for (const { headers } of gets) expect(headers.range).toMatch(/^bytes=[1-9]/);
      const path = join(command.cacheDir, 'extensions/taskserv/big/1.0.0/artifact.tar.gz');
      expect(digestOf(await readFile(path))).toBe(layer?.digest);
      expect(await readdir(join(command.cacheDir, 'partial'))).toEqual([]);
    });

    it('leaves nothing of an archive that there is no room for', async () => {
      registry.putArtifact('team/tool', '1.0.0', artifact(mebibyte));
      const target = join(command.cacheDir, 'tool.tar');
      await writeFile(filler(), Buffer.alloc(17 * mebibyte)).catch(() => {});
      const { exitCode, stderr } = await command(
        'copy',
        'team/tool:1.0.0',
        `oci-archive:${target}`,
      );
      expect(exitCode).toBe(8);
      expect(stderr).toContain(`no space is left for ${target}`);
      expect(await readdir(command.cacheDir)).toEqual(['somebody-elses']);
    });

    it('gives what is in the cache from a disk that is full, and from one that is read-only', async () => {
      const small = artifact(mebibyte);
      registry.putArtifact('provisioning-extensions/taskserv/big', '1.0.0', small);
      expect(await pull()).toMatchObject({ exitCode: 0 });
      await writeFile(filler(), Buffer.alloc(16 * mebibyte)).catch(() => {});
      expect(await pull()).toMatchObject({ exitCode: 0, stderr: '' });
      disk.makeReadOnly();
      expect(await pull()).toMatchObject({ exitCode: 0, stderr: '' });
      const missing = await command('kcl', 'pull', 'missing', '1.0.0');
      expect(missing.exitCode).toBe(3);
    });
  },
);
