import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { temporaryDirectory } from '../temporary-directory.js';
import type { Certificate } from './certificate.js';

/** An authority, and what it vouches for: a server on loopback, and a client. All PEM. */
export interface CertificateAuthority {
  /** The authority's own certificate. */
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
}

let made: Promise<CertificateAuthority> | undefined;

/** One authority for all tests of a process; Node can't make one, so `openssl` does. */
export function testAuthority(): Promise<CertificateAuthority> {
  made ??= makeAuthority();
  return made;
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

async function makeAuthority(): Promise<CertificateAuthority> {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  const openssl = (args: string) => promisify(execFile)('openssl', args.split(' '), { cwd: path });
  const read = (name: string): Promise<string> => readFile(join(path, name), 'utf8');
  await openssl(`req -x509 -subj /CN=authority -days 2 ${newKey} -keyout ca.key -out ca.pem`);
  const issue = async (name: string, extensions: string): Promise<Certificate> => {
    await writeFile(join(path, `${name}.ext`), extensions);
    await openssl(`req -new -subj /CN=${name} ${newKey} -keyout ${name}.key -out ${name}.csr`);
    const signing = `-CA ca.pem -CAkey ca.key -CAcreateserial -extfile ${name}.ext`;
    await openssl(`x509 -req -in ${name}.csr -days 2 ${signing} -out ${name}.pem`);
    return { key: await read(`${name}.key`), cert: await read(`${name}.pem`) };
  };
  const server = await issue(
    'localhost',
    'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n',
  );
  const client = await issue('tester', 'extendedKeyUsage=clientAuth\n');
  return { ca: await read('ca.pem'), server, client };
}
