import {
  type FileHandle,
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode, withFileLock } from '@oci/files';

import type { FaultCode, Finding } from './check.js';

/** Bytes below which pushes will soon fail, and part of the file system. */
const leastFreeBytes = 1024 ** 3;
const leastFreePart = 0.05;

/** Types of file systems of which locks and durability are another machine's affair, as Linux numbers them. */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB 2'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9P'],
]);

/** Replaces a file as a whole while it is read. */
export async function checkRename(directory: string): Promise<Finding> {
  const [path, next] = [join(directory, 'rename'), join(directory, 'rename.next')];
  await writeFile(path, 'first');
  const reader = await open(path, 'r');
  try {
    await writeFile(next, 'second');
    await rename(next, path);
    const before = (await reader.readFile()).toString();
    const after = await readFile(path, 'utf8');
    if (before !== 'first' || after !== 'second')
      return problem('RENAME_FAILED', 'A file that is replaced changes for who reads it');
  } finally {
    await reader.close();
  }
  return { outcome: 'ok', summary: 'Files are replaced as a whole' };
}

/** Writes a file and its directory through to the disk. */
export async function checkDurability(directory: string): Promise<Finding> {
  const path = join(directory, 'durable');
  const sync = async (open: Promise<FileHandle>): Promise<void> => {
    const file = await open;
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  };
  await writeFile(path, 'to the disk');
  try {
    await sync(open(path, 'r+'));
    await sync(open(directory, 'r'));
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EIO', 'EPERM')) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return problem('FSYNC_UNSUPPORTED', `It does not write through to the disk: ${why}`);
  }
  return { outcome: 'ok', summary: 'It writes files and directories through to the disk' };
}

/** Lets two ask for one lock. */
export async function checkLock(directory: string, signal: AbortSignal): Promise<Finding> {
  const lock = join(directory, 'lock');
  let holders = 0;
  let most = 0;
  const hold = (): Promise<void> =>
    withFileLock(
      lock,
      async (held) => {
        holders += 1;
        most = Math.max(most, holders);
        await stat(directory);
        await held.ensure();
        holders -= 1;
      },
      { signal },
    );
  await Promise.all(Array.from({ length: 8 }, hold));
  if (most !== 1) return problem('LOCK_NOT_EXCLUSIVE', `${most} held one lock at the same time`);
  return { outcome: 'ok', summary: 'A lock has one holder' };
}

/** Finds out what the file system is like, all of which the server can do with. */
export async function checkFileSystem(directory: string): Promise<Finding> {
  const { type } = await statfs(directory);
  const network = networkTypes.get(type >>> 0);
  await writeFile(join(directory, 'Case'), '');
  const isCaseSensitive = await stat(join(directory, 'cASE')).then(
    () => false,
    () => true,
  );
  const hasLinks = await link(join(directory, 'Case'), join(directory, 'link')).then(
    () => true,
    () => false,
  );
  await mkdir(join(directory, 'deep', 'er'), { recursive: true });
  await rm(join(directory, 'deep'), { recursive: true });
  const evidence = { isCaseSensitive, hasLinks, ...(network !== undefined && { network }) };
  const facts = [
    isCaseSensitive ? 'tells capitals apart' : 'does not tell capitals apart, which is no matter',
    ...(hasLinks ? [] : ['has no hard links, so that creating a record takes a lock']),
  ];
  const summary = `It ${facts.join(' and ')}`;
  if (network === undefined) return { outcome: 'ok', summary, evidence };
  const remote = `It is ${network}: locks and durability are those of another machine`;
  return { outcome: 'warning', code: 'LOCK_NOT_EXCLUSIVE', summary: remote, evidence };
}

/** Looks for room. */
export async function checkSpace(directory: string): Promise<Finding> {
  const { bavail, bsize, blocks, ffree, files } = await statfs(directory);
  if (blocks === 0)
    return { outcome: 'skipped', summary: 'It does not say how much room there is' };
  const freeBytes = bavail * bsize;
  const evidence = { freeBytes, freeInodes: ffree };
  const isLow = freeBytes < leastFreeBytes || bavail / blocks < leastFreePart;
  const lacksInodes = files > 0 && ffree / files < leastFreePart;
  const summary = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB are free`;
  if (lacksInodes)
    return { outcome: 'warning', code: 'SPACE_LOW', summary: `${ffree} inodes are left`, evidence };
  if (isLow) return { outcome: 'warning', code: 'SPACE_LOW', summary: `Only ${summary}`, evidence };
  return { outcome: 'ok', summary, evidence };
}

function problem(code: FaultCode, summary: string): Finding {
  return { outcome: 'problem', code, summary };
}
