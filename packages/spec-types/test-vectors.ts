import { readFileSync, readdirSync } from 'node:fs';

const root = new URL('../../test-vectors/', import.meta.url);

/** The cases of a file, each as its fields; a field in double quotes is a JSON string. */
export function vectors(file: string): readonly (readonly string[])[] {
  const lines = readFileSync(new URL(`${file}.txt`, root), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t').map(field));
}

/** The first field of every case. */
export function texts(file: string): readonly string[] {
  return vectors(file).map(([text]) => text ?? '');
}

export interface DocumentVector {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function documents(
  kind: string,
  verdict: 'valid' | 'lenient' | 'invalid',
): readonly DocumentVector[] {
  const directory = new URL(`documents/${kind}/${verdict}/`, root);
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, directory))) }));
}

function field(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
