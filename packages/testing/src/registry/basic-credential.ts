/** The user and password of an `Authorization: Basic` header; undefined when it is none. */
export function basicCredential(
  header: string | undefined,
): { readonly username: string; readonly password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '');
  if (!match) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
