import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';

function system(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

/** Tells whether {@link mountDisk} can: it takes the rights of root, which a container may have and a laptop has not. */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    system('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/tmp');
    return true;
  } catch {
    return false;
  }
}

/** A file system in memory, of a size that a test can fill. */
export interface SmallDisk {
  /** Writes a file of its own until no byte is left. */
  fill(file: string): Promise<void>;
  makeReadOnly(): void;
  unmount(): void;
}

/** Mounts an empty disk on a directory that is there. */
export function mountDisk(directory: string, mebibytes: number): SmallDisk {
  system('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory);
  return {
    async fill(file) {
      const handle = await open(file, 'a');
      // The last write is cut to what there is room for.
      for (let size = 1024 * 1024; size >= 1; size = size === 1 ? 0 : size / 2)
        while (await handle.write(Buffer.alloc(size)).catch(() => undefined));
      await handle.close();
    },
    makeReadOnly: () => system('mount', '-o', 'remount,ro', directory),
    unmount: () => system('umount', directory),
  };
}
