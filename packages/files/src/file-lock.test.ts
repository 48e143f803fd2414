import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { compile, killAtOutput, run, temporaryDirectory } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { ownProcess, withFileLock } from '@oci/files';

/** POSIX. */
const pipeMaker = 'mkfifo';

test('lets one process at a time in', async () => {
  await using directory = await temporaryDirectory();
  const counter = join(directory.path, 'counter');
  await writeFile(counter, '0');
  const program = await compile(
    `import { readFile, writeFile } from 'node:fs/promises';
     import { withFileLock } from '@oci/files';
     const [counter, lock] = process.argv.slice(2);
     for (let i = 0; i < 20; i++)
       await withFileLock(lock, async () => {
         const before = Number(await readFile(counter, 'utf8'));
         await writeFile(counter, String(before + 1));
       });`,
    { from: import.meta.url, directory: directory.path },
  );
  const lock = join(directory.path, 'locks', 'one');
  const ends = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, [program, counter, lock])),
  );
  expect(ends.map((end) => end.stderr)).toEqual(['', '', '']);
  expect(await readFile(counter, 'utf8')).toBe('60');
  expect(await readdir(lock)).toHaveLength(1);
});

test.each<[string, (path: string) => unknown]>([
  ['a pipe', (path) => execFileSync(pipeMaker, [path])],
  ['a link to an endless device', (path) => symlink('/dev/zero', path)],
])('is taken over from %s that somebody put in its place', async (_, plant) => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  await mkdir(lock);
  await plant(join(lock, '1'));
  expect(await withFileLock(lock, async () => 'held', { staleMs: 10 })).toBe('held');
});

test('is taken over from a process that was killed while it held it', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const program = await compile(
    `import { withFileLock } from '@oci/files';
     await withFileLock(process.argv[2], async () => {
       process.stdout.write('held');
       await new Promise(() => setInterval(() => {}, 1000));
     });`,
    { from: import.meta.url, directory: directory.path },
  );
  await killAtOutput(process.execPath, [program, lock]);
  const takers = [1, 2, 3, 4, 5].map((taker) => withFileLock(lock, async () => taker));
  expect(await Promise.all(takers)).toEqual([1, 2, 3, 4, 5]);
});

test('is taken over from another machine only after a silence that it watched itself', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const gone = (await run(process.execPath, ['-p', 'process.pid'])).stdout.trim();
  await mkdir(lock);
  await writeFile(join(lock, '7'), `${gone} another-machine`);
  // The other machine's clock, or ours, may be wrong by any amount.
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(lock, '7'), longAgo, longAgo);
  const enter = (staleMs?: number): Promise<string> =>
    withFileLock(lock, async () => 'entered', { patienceMs: staleMs ? 10_000 : 0, staleMs });
  await expect(enter()).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(lock),
  });
  expect(await enter(50)).toBe('entered');
});

test('is taken over from who died between making its file and writing into it', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  await mkdir(lock);
  await writeFile(join(lock, '3'), '');
  expect(await withFileLock(lock, async () => 'entered')).toBe('entered');
});

test('is free after a holder that was killed while it gave it back', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  await mkdir(lock);
  await writeFile(join(lock, '3'), `free${ownProcess.slice(4)}`);
  expect(await withFileLock(lock, async () => 'held', { patienceMs: 0 })).toBe('held');
});

test('is held by signs of life, which its holder gives by itself', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const signs = new Set<number>();
  await withFileLock(
    lock,
    async () => {
      const [mine = ''] = await readdir(lock);
      while (signs.size < 3) signs.add((await stat(join(lock, mine))).mtimeMs);
    },
    { staleMs: 80 },
  );
  expect(signs.size).toBe(3);
});

test('is not taken over while signs come, however long that lasts, and after one silence', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const file = join(lock, '7');
  await mkdir(lock);
  await writeFile(file, '1 another-machine');
  // The clock that silence is measured by goes on only where the test says so.
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const looks = (): number => clock.mock.calls.length;
  const isSeen = async (): Promise<void> => {
    // Each look at the lock asks for the time twice or more.
    const enough = looks() + 8;
    while (looks() < enough) await sleep(1);
  };
  let entered = false;
  const entering = withFileLock(lock, async () => (entered = true), {
    staleMs: 1000,
    patienceMs: Infinity,
  });
  await isSeen();
  for (let sign = 1; sign <= 3; sign += 1) {
    await utimes(file, sign, sign);
    await isSeen();
    now += 900;
    await isSeen();
    expect(entered).toBe(false);
  }
  now += 101;
  await entering;
  clock.mockRestore();
  expect(entered).toBe(true);
});

test('is waited for until the caller gives up', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  await withFileLock(lock, async () => {
    const stop = new AbortController();
    const onWait = (): void => stop.abort();
    const options = { signal: stop.signal, patienceMs: Infinity, onWait };
    await expect(withFileLock(lock, async () => {}, options)).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

test('is gone after its holder when that has a place for it, whether the work did well or not', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const trash = join(directory.path, 'trash');
  await withFileLock(lock, async () => {}, { trash });
  expect(await readdir(directory.path)).toEqual([]);
  const failing = withFileLock(lock, () => Promise.reject(new Error('the work broke')), { trash });
  await expect(failing).rejects.toThrow('the work broke');
  expect(await readdir(directory.path)).toEqual([]);
  expect(await withFileLock(lock, async () => 'entered')).toBe('entered');
});

test('is free for the next where it can not be moved away', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  await withFileLock(lock, async () => {}, { trash: join(directory.path, 'nowhere', 'trash') });
  expect(await withFileLock(lock, async () => 'entered', { patienceMs: 0 })).toBe('entered');
});

test('lets in one of several processes at a time, and each in the end, though each takes it away with it', async () => {
  await using directory = await temporaryDirectory();
  const program = await compile(
    `import { randomUUID } from 'node:crypto';
     import { mkdir, rmdir } from 'node:fs/promises';
     import { join } from 'node:path';
     import { withFileLock } from '@oci/files';
     const directory = process.argv[2];
     const lock = join(directory, 'lock');
     const lane = async () => {
       for (let i = 0; i < 100; i++)
         await withFileLock(lock, async () => {
           await mkdir(join(directory, 'inside'));
           await rmdir(join(directory, 'inside'));
         }, { trash: join(directory, randomUUID()) });
     };
     await Promise.all([lane(), lane(), lane()]);`,
    { from: import.meta.url, directory: directory.path },
  );
  const ends = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, [program, directory.path])),
  );
  expect(ends.map((end) => end.stderr)).toEqual(['', '', '']);
});

test('is not taken from who took it over meanwhile', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const trash = join(directory.path, 'trash');
  await withFileLock(
    lock,
    async () => {
      // As another does that has seen no sign of life for long enough.
      const [mine] = await readdir(lock);
      await writeFile(join(lock, '2'), ownProcess);
      await rm(join(lock, mine ?? ''));
    },
    { trash },
  );
  expect(await readdir(lock)).toEqual(['2']);
});

test('is not waited for where something else is in its place', async () => {
  await using directory = await temporaryDirectory();
  const [file, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
  await writeFile(file, '');
  await symlink(join(directory.path, 'nowhere'), link);
  for (const [lock, code] of [
    [file, 'STORAGE_FAILED'],
    [link, 'POLICY_REFUSED'],
  ] as const) {
    const entering = withFileLock(lock, async () => {}, { patienceMs: Infinity });
    await expect(entering).rejects.toMatchObject({ code });
  }
});

test('is given back when the work fails', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const failing = withFileLock(lock, async () => {
    throw new Error('the work broke');
  });
  await expect(failing).rejects.toThrow('the work broke');
  expect(await withFileLock(lock, async () => 'entered')).toBe('entered');
});

test('tells who holds it when another took it over, before a step that only the holder may do', async () => {
  await using directory = await temporaryDirectory();
  const lock = join(directory.path, 'lock');
  const steps: string[] = [];
  const slept = withFileLock(lock, async (held) => {
    await held.ensure();
    steps.push('held');
    const [mine] = await readdir(lock);
    await writeFile(join(lock, '2'), ownProcess);
    await rm(join(lock, mine ?? ''));
    await held.ensure();
    steps.push('never');
  });
  await expect(slept).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining('took over'),
  });
  expect(steps).toEqual(['held']);
  expect(await readFile(join(lock, '2'), 'utf8')).toBe(ownProcess);
});

const unshare = ['--pid', '--fork', '--mount-proc'];
const canUnshare = await run('unshare', [...unshare, 'true']).then(
  ({ exitCode }) => exitCode === 0,
  () => false,
);

test.runIf(canUnshare)(
  'is not taken from a process that another container of the same host name cannot see',
  async () => {
    await using directory = await temporaryDirectory();
    const lock = join(directory.path, 'lock');
    const program = await compile(
      `import { withFileLock } from '@oci/files';
       await withFileLock(process.argv[2], async () => {}, { patienceMs: 0 });`,
      { from: import.meta.url, directory: directory.path },
    );
    const inContainer = (): ReturnType<typeof run> =>
      run('unshare', [...unshare, process.execPath, program, lock]);
    await withFileLock(lock, async () => {
      expect((await inContainer()).stderr).toContain('stays locked by another process');
    });
    expect(await inContainer()).toMatchObject({ exitCode: 0, stderr: '' });
  },
);
