import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** Writes a file as gzip to a new file; the same bytes wherever it runs. */
export async function compressFile(path: string, target: string): Promise<void> {
  const source = await open(path);
  const sink = await open(target, 'wx');
  await pipeline(
    source.createReadStream(),
    createGzip({ level: 6 }),
    unknownSystem(),
    sink.createWriteStream(),
  );
}

/** The tenth byte of a gzip names the operating system (RFC 1952): unknown, so that all write the same. */
function unknownSystem(): Transform {
  let position = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (position <= 9 && position + chunk.length > 9) chunk[9 - position] = 255;
      position += chunk.length;
      done(null, chunk);
    },
  });
}
