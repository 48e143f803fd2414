import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { CertificateAuthority } from '../registry/certificate-authority.js';
import { peer } from './peer.js';
import { type ProgramResult, run } from './run.js';

/** How a registry is reached by other tools. */
export interface ToolAccess {
  readonly host: string;
  readonly credential?: { readonly username: string; readonly password: string } | undefined;
  /** HTTPS with certificates of this authority; HTTP without. */
  readonly authority?: CertificateAuthority | undefined;
  /** Whether the authority's client certificate is shown. */
  readonly clientCertificate?: boolean | undefined;
}

export type ToolName = 'oras' | 'crane' | 'regctl' | 'skopeo';

/** Another client, set up for registries on loopback, in a directory of its own. */
export interface RegistryTool {
  /** Runs it. @throws Error with what it said, unless it ends with 0 */
  run(...args: readonly string[]): Promise<ProgramResult>;
  /** The flags that a command of `oras` or `skopeo` needs to reach the registry; others have them in files. */
  readonly flags: readonly string[];
}

/** Sets a tool up to reach a registry: credentials, certificates, HTTP or HTTPS. */
export async function registryTool(
  name: ToolName,
  access: ToolAccess,
  directory: string,
): Promise<RegistryTool> {
  const files = await writeFiles(directory, access);
  const env = {
    HOME: directory,
    DOCKER_CONFIG: directory,
    REGISTRY_AUTH_FILE: join(directory, 'config.json'),
    REGCTL_CONFIG: files.regctl,
    ...(access.authority && { SSL_CERT_FILE: files.ca }),
  };
  const program = peer(name) ?? name;
  return {
    flags: flagsOf(name, access, files),
    run: async (...args) => {
      const result = await run(program, args, { cwd: directory, env });
      if (result.exitCode === 0) return result;
      throw new Error(`${name} ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
    },
  };
}

interface ToolFiles {
  readonly certificates: string;
  readonly ca: string;
  readonly regctl: string;
}

async function writeFiles(
  directory: string,
  { host, credential, authority, clientCertificate }: ToolAccess,
): Promise<ToolFiles> {
  const put = async (name: string, content: string | object): Promise<string> => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };
  const certificates = join(directory, 'certs');
  await mkdir(certificates, { recursive: true });
  const ca = await put('certs/ca.crt', authority?.ca ?? '');
  if (clientCertificate) {
    await put('certs/client.cert', authority?.client.cert ?? '');
    await put('certs/client.key', authority?.client.key ?? '');
  }
  const auth = Buffer.from(`${credential?.username}:${credential?.password}`).toString('base64');
  await put('config.json', { auths: credential ? { [host]: { auth } } : {} });
  const regctl = await put('regctl.json', {
    hosts: {
      [host]: {
        hostname: host,
        tls: authority ? 'enabled' : 'disabled',
        ...(authority && { regcert: authority.ca }),
        ...(clientCertificate && {
          clientCert: authority?.client.cert,
          clientKey: authority?.client.key,
        }),
        ...(credential && { user: credential.username, pass: credential.password }),
      },
    },
  });
  return { certificates, ca, regctl };
}

function flagsOf(
  name: ToolName,
  { authority, clientCertificate }: ToolAccess,
  { certificates, ca }: ToolFiles,
): readonly string[] {
  if (name === 'oras') {
    if (!authority) return ['--plain-http'];
    const client = ['--cert-file', join(certificates, 'client.cert')];
    const key = ['--key-file', join(certificates, 'client.key')];
    return ['--ca-file', ca, ...(clientCertificate ? [...client, ...key] : [])];
  }
  if (name === 'skopeo') return authority ? ['--cert-dir', certificates] : ['--tls-verify=false'];
  return [];
}
