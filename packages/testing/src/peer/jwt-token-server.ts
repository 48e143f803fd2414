import { X509Certificate, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { collect, textOf } from '../bytes.js';
import { basicCredential } from '../registry/basic-credential.js';
import { type Certificate, testCertificate } from '../registry/certificate.js';
import { parseScope } from '../registry/token-scope.js';

export interface JwtTokenServerOptions {
  readonly username: string;
  readonly password: string;
  readonly service: string;
  readonly issuer: string;
}

/** A token server whose tokens another program can verify (distribution's token specification). */
export interface JwtTokenServer extends AsyncDisposable {
  /** What a registry names as its realm. */
  readonly realm: string;
  /** What its tokens are verified with, PEM. */
  readonly certificate: string;
  /** The scopes of every token that was given out. */
  readonly granted: readonly (readonly string[])[];
  readonly close: () => Promise<void>;
}

/** Starts a server that gives its user what is asked for, and everyone else nothing. */
export async function startJwtTokenServer(options: JwtTokenServerOptions): Promise<JwtTokenServer> {
  const certificate = await testCertificate();
  const granted: (readonly string[])[] = [];
  const server = createServer((request, response) => {
    void readParameters(request).then((parameters) => {
      const scopes = parameters.getAll('scope').flatMap((scope) => scope.split(' '));
      if (!isUser(request, parameters, options)) {
        response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[]}');
        return;
      }
      granted.push(scopes);
      const token = makeToken(scopes, options, certificate);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://localhost:${port}/token`,
    certificate: certificate.cert,
    granted,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readParameters(request: IncomingMessage): Promise<URLSearchParams> {
  if (request.method === 'POST') return new URLSearchParams(textOf(await collect(request)));
  return new URL(request.url ?? '/', 'http://token.invalid').searchParams;
}

function isUser(
  { headers }: IncomingMessage,
  parameters: URLSearchParams,
  { username, password }: JwtTokenServerOptions,
): boolean {
  const given = basicCredential(headers.authorization) ?? {
    username: parameters.get('username'),
    password: parameters.get('password'),
  };
  return given.username === username && given.password === password;
}

function makeToken(
  scopes: readonly string[],
  { issuer, service, username }: JwtTokenServerOptions,
  { cert, key }: Certificate,
): string {
  const now = Math.floor(Date.now() / 1000);
  const header = {
    typ: 'JWT',
    alg: 'ES256',
    x5c: [new X509Certificate(cert).raw.toString('base64')],
  };
  const claims = {
    iss: issuer,
    sub: username,
    aud: service,
    exp: now + 300,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access: scopes.map((scope) => parseScope(scope)).filter((grant) => grant !== undefined),
  };
  const text = [header, claims].map((part) => encode(JSON.stringify(part))).join('.');
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${encode(signature)}`;
}

function encode(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64url');
}
