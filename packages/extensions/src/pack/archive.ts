import { gzipSync } from 'fflate';
import { Header, Pax } from 'tar';

import type { SourceEntry } from './source-tree.js';

const blockSize = 512;
const epoch = new Date(0);

/**
 * A gzip tar whose bytes depend on names, contents and executable bits alone: no owners, no times, two
 * modes, the order that is given, a gzip header that names no system.
 */
export function archive(entries: readonly SourceEntry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => [...header(entry), ...padded(entry.content)]);
  const tar = Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]);
  // Node's own deflate makes other bytes with another processor or release; this one never does.
  const packed = gzipSync(tar, { level: 6, mtime: 0 });
  // RFC 1952: byte 9 is the operating system, 255 unknown.
  packed[9] = 255;
  return packed;
}

function header(entry: SourceEntry): readonly Uint8Array[] {
  const isDirectory = entry.type === 'directory';
  const values = {
    path: isDirectory ? `${entry.path}/` : entry.path,
    mode: entry.executable ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: entry.content.byteLength,
    mtime: epoch,
    type: isDirectory ? ('Directory' as const) : ('File' as const),
  };
  const block = Buffer.alloc(blockSize);
  const needsPax = new Header(values).encode(block, 0);
  if (!needsPax) return [block];
  return [new Pax({ path: values.path, size: values.size }).encode(), block];
}

function padded(content: Uint8Array): readonly Uint8Array[] {
  const rest = content.byteLength % blockSize;
  return rest === 0 ? [content] : [content, Buffer.alloc(blockSize - rest)];
}
