import { existsSync, readlinkSync } from 'node:fs';

const descriptors = '/proc/self/fd';

/** Whether an open directory can be named by its descriptor, as Linux does it. */
export const hasDescriptorPaths: boolean = process.platform === 'linux' && existsSync(descriptors);

/** The path of an open directory: of that one, whatever stands at its former path. */
export function descriptorPath(descriptor: number): string {
  return `${descriptors}/${descriptor}`;
}

/** A path as people know it: one that begins at an open directory by the directory's name. */
export function shownPath(path: string): string {
  const [, descriptor, rest = ''] = /^(\/proc\/self\/fd\/\d+)(\/.*)?$/s.exec(path) ?? [];
  if (descriptor === undefined) return path;
  try {
    return readlinkSync(descriptor) + rest;
  } catch {
    return path;
  }
}
