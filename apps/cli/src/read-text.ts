import { OciError } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'its mode does not allow it',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is a file',
};

/** Reads a file named on the command line. @throws OciError `USAGE`, with the reason */
export async function readText(path: string): Promise<string> {
  const bytes = await readNamedFile(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = reasons[cause.code ?? ''] ?? cause.message;
    throw new OciError('USAGE', `${path} cannot be read: ${reason}`, {
      cause,
      hint: 'Is the path right?',
    });
  });
  return bytes.toString('utf8');
}
