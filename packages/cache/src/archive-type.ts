/** What a file is by its first bytes. */
export type ArchiveType = 'gzip' | 'tar' | 'zstd' | 'zip';

/** Bytes that {@link detectArchive} wants to see. */
export const detectionBytes = 512;

/**
 * Tells archives apart by their magic bytes, for media types are often wrong. A tar without a magic
 * (before POSIX) is known by the checksum of its first header; two empty blocks are an empty tar.
 */
export function detectArchive(start: Uint8Array): ArchiveType | undefined {
  const begins = (...bytes: readonly number[]): boolean =>
    bytes.every((byte, at) => start[at] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (begins(0x50, 0x4b, 0x03, 0x04) || begins(0x50, 0x4b, 0x05, 0x06)) return 'zip';
  return start.byteLength >= detectionBytes && isTarHeader(start) ? 'tar' : undefined;
}

function isTarHeader(block: Uint8Array): boolean {
  const header = block.subarray(0, detectionBytes);
  if (header.every((byte) => byte === 0)) return true;
  const recorded = Number.parseInt(Buffer.from(header.subarray(148, 156)).toString('latin1'), 8);
  // The checksum field itself counts as spaces (POSIX pax, "ustar Interchange Format").
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return sum === recorded;
}
