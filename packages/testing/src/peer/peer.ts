import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of another tool's program, in `PATH` or where Go installs programs; undefined without it. */
export function peer(name: string): string | undefined {
  return directories()
    .map((directory) => join(directory, name))
    .find((path) => isProgram(path));
}

function directories(): readonly string[] {
  const { PATH = '', GOBIN, GOPATH = '' } = process.env;
  const goPaths = GOPATH.split(delimiter).filter((path) => path !== '');
  return [
    ...PATH.split(delimiter).filter((path) => path !== ''),
    ...(GOBIN === undefined ? [] : [GOBIN]),
    ...goPaths.map((path) => join(path, 'bin')),
    join(homedir(), 'go', 'bin'),
  ];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
