import { OciError } from '@oci/spec-types';
import { redact } from '@oci/spec-types/text';

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

/** The proxies of an option; false is for none, undefined for those of the environment. */
export interface Proxies {
  readonly http: URL | undefined;
  readonly https: URL | undefined;
  readonly noProxy: string;
}

/** @throws OciError `CONFIG_INVALID` for a proxy that is no URL, or of a kind that is not known */
export function parseProxies(given: ProxyOptions | false | undefined): Proxies {
  const options = given === false ? {} : (given ?? proxyFromEnvironment());
  return {
    http: parseProxy(options.httpProxy),
    https: parseProxy(options.httpsProxy),
    noProxy: options.noProxy ?? '',
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
