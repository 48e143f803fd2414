import { Header, Pax } from 'tar';

import { PackedNames } from './packed-names.js';
import type { SourceEntry, SourceNode } from './source-tree.js';

const blockSize = 512;
const epoch = new Date(0);
const tarTypes = { file: 'File', directory: 'Directory', link: 'SymbolicLink' } as const;

/** Ends a tar. */
export const endOfTar: Uint8Array = new Uint8Array(2 * blockSize);

// Node's own deflate makes other bytes with another processor or release; this one never does. It is imported where
// it is used: it loads threads, which an install does without.
const compression = { level: 6, mtime: 0 } as const;
/** RFC 1952: byte 9 is the operating system, 255 unknown. */
const systemByte = 9;
const unknownSystem = 255;

/** Input of one step: the compressed bytes depend on how their input is cut. */
const stepBytes = 64 * 1024;

/**
 * A gzip tar whose bytes depend on names, contents and executable bits alone: no owners, no times, two
 * modes, the order that is given, a gzip header that names no system.
 *
 * @throws OciError `USAGE` for what could not be unpacked
 */
export async function archive(entries: readonly SourceEntry[]): Promise<Uint8Array> {
  const { gzipSync } = await import('fflate');
  const names = new PackedNames();
  for (const entry of entries) names.add(entry);
  const blocks = entries.flatMap((entry) => [
    ...header(entry),
    entry.content,
    padding(entry.content.byteLength),
  ]);
  const packed = gzipSync(Buffer.concat([...blocks, endOfTar]), compression);
  packed[systemByte] = unknownSystem;
  return packed;
}

/** Compresses a stream as {@link archive} does its tar: the same input, however it is cut, makes the same bytes. */
export async function* compressed(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Gzip } = await import('fflate');
  let ready: Uint8Array[] = [];
  let isFirst = true;
  const gzip = new Gzip(compression, (chunk) => {
    if (isFirst) chunk[systemByte] = unknownSystem;
    isFirst = false;
    ready.push(chunk);
  });
  for await (const step of steps(source)) {
    gzip.push(step);
    yield* ready;
    ready = [];
  }
  gzip.push(new Uint8Array(), true);
  yield* ready;
}

async function* steps(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const step = Buffer.alloc(stepBytes);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength;) {
      const part = chunk.subarray(at, at + stepBytes - filled);
      step.set(part, filled);
      at += part.byteLength;
      filled += part.byteLength;
      if (filled < stepBytes) continue;
      yield step;
      filled = 0;
    }
  }
  yield step.subarray(0, filled);
}

/** The blocks before an entry's content. */
export function header(node: SourceNode): readonly Uint8Array[] {
  const values = {
    path: node.type === 'directory' ? `${node.path}/` : node.path,
    mode: node.executable ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: node.size,
    mtime: epoch,
    type: tarTypes[node.type],
    ...(node.linkPath !== undefined && { linkpath: node.linkPath }),
  };
  const block = Buffer.alloc(blockSize);
  const needsPax = new Header(values).encode(block, 0);
  if (!needsPax) return [block];
  const { path, size, linkpath } = values;
  return [new Pax({ path, size, ...(linkpath !== undefined && { linkpath }) }).encode(), block];
}

/** The zeros behind an entry's content. */
export function padding(size: number): Uint8Array {
  const rest = size % blockSize;
  return new Uint8Array(rest === 0 ? 0 : blockSize - rest);
}
