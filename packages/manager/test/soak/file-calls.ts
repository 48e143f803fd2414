import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Calls of the file system. */
export interface FileCalls {
  /** Looks, listings and openings. */
  reads: number;
  removals: number;
}

const reads = ['stat', 'lstat', 'open', 'readdir', 'readFile'] as const;
const removals = ['rm', 'unlink', 'rmdir'] as const;

/** Counts what this process does to files while it works. */
export async function countFileCalls<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly calls: FileCalls }> {
  const calls: FileCalls = { reads: 0, removals: 0 };
  const restore: (() => void)[] = [];
  const count = (target: object, name: string, kind: keyof FileCalls): void => {
    const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
    restore.push(() => Reflect.set(target, name, original));
    Reflect.set(target, name, (...args: unknown[]) => {
      calls[kind] += 1;
      return original.apply(target, args);
    });
  };
  for (const [names, kind] of [
    [reads, 'reads'],
    [removals, 'removals'],
  ] as const)
    for (const name of names) {
      count(fs.promises, name, kind);
      count(fs, `${name}Sync`, kind);
    }
  syncBuiltinESMExports();
  try {
    return { result: await work(), calls };
  } finally {
    for (const one of restore) one();
    syncBuiltinESMExports();
  }
}
