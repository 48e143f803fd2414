import { BlockList, isIP } from 'node:net';

import { OciError, redact } from '@oci/spec-types';

/** Which proxy a host is reached through; the names are those of the environment's variables. */
export interface ProxyOptions {
  /** For `http://`. */
  readonly httpProxy?: string | undefined;
  /** For `https://`. */
  readonly httpsProxy?: string | undefined;
  /** Hosts that are reached directly: names, `.domain`, addresses, `10.0.0.0/8`, each perhaps with a port; `*` for all. */
  readonly noProxy?: string | undefined;
}

/** `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters first, as curl reads them. */
export function proxyFromEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ProxyOptions {
  const read = (name: string): string | undefined =>
    env[name.toLowerCase()] || env[name] || undefined;
  const all = read('ALL_PROXY');
  // In a CGI program HTTP_PROXY is a header of whoever calls it (CVE-2016-5385).
  const http = env['REQUEST_METHOD'] === undefined ? read('HTTP_PROXY') : env['http_proxy'];
  return {
    httpProxy: http || all,
    httpsProxy: read('HTTPS_PROXY') ?? all,
    noProxy: read('NO_PROXY'),
  };
}

/** A decision for each URL: the proxy, or undefined for a direct connection. */
export type ProxyPolicy = (url: URL) => URL | undefined;

/** @throws OciError `CONFIG_INVALID` for a proxy that is no URL, or of a kind that is not known */
export function proxyPolicy(options: ProxyOptions): ProxyPolicy {
  const http = parseProxy(options.httpProxy);
  const https = parseProxy(options.httpsProxy);
  if (!http && !https) return () => undefined;
  const exceptions = (options.noProxy ?? '')
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((text) => parseException(text.toLowerCase()));
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    const target = targetOf(url);
    if (!proxy || isLoopback(target.host)) return undefined;
    return exceptions.some((excepts) => excepts(target)) ? undefined : proxy;
  };
}

function parseProxy(text: string | undefined): URL | undefined {
  if (!text) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url?.hostname && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new OciError('CONFIG_INVALID', `${redact(full)} is not a proxy that can be used`, {
    hint: 'A proxy looks like http://proxy.example:3128; it is named by HTTP_PROXY and HTTPS_PROXY.',
  });
}

interface Target {
  readonly host: string;
  readonly port: string;
}

function targetOf(url: URL): Target {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return { host: url.hostname.replace(/^\[|\]$/g, '').toLowerCase(), port };
}

/** Loopback is never behind a proxy, as in Go. */
function isLoopback(host: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|::1)$/.test(host);
}

function parseException(text: string): (target: Target) => boolean {
  if (text === '*') return () => true;
  const network = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(text);
  if (network) return inNetwork(network[1] ?? '', Number(network[2]));
  const [, host = '', port] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  const name = isIP(text) === 6 ? text : host;
  const suffix = name.replace(/^\*?\./, '');
  return (target) =>
    (port === undefined || isIP(text) === 6 || port === target.port) &&
    (target.host === suffix || (isIP(suffix) === 0 && target.host.endsWith(`.${suffix}`)));
}

function inNetwork(address: string, prefix: number): (target: Target) => boolean {
  const family = isIP(address);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return () => false;
  const network = new BlockList();
  network.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return ({ host }) => isIP(host) === family && network.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
