import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { temporaryDirectory } from '../temporary-directory.js';

/** A key and a self-signed certificate for 127.0.0.1 and localhost, PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

let made: Promise<Certificate> | undefined;

/** One certificate for all registries of a process; Node can't make one, so `openssl` does. */
export function testCertificate(): Promise<Certificate> {
  made ??= makeCertificate();
  return made;
}

async function makeCertificate(): Promise<Certificate> {
  await using directory = await temporaryDirectory();
  const key = join(directory.path, 'key.pem');
  const cert = join(directory.path, 'cert.pem');
  const subject = '-subj /CN=localhost -days 2 -addext subjectAltName=IP:127.0.0.1,DNS:localhost';
  const keyType = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  const options = `req -x509 ${keyType} ${subject}`.split(' ');
  await promisify(execFile)('openssl', [...options, '-keyout', key, '-out', cert]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}
