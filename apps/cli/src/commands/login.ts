import { type LoginOptions, login, logout } from '@oci/client/credentials';
import { parseRegistryAddress } from '@oci/client/transport';
import { OciError } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { answer, piped, secretAnswer } from '../question.js';
import { fields } from '../render/fields.js';
import type { Terminal } from '../terminal.js';

interface LoginInput {
  readonly registry?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly identityTokenStdin?: boolean;
}

export async function logIn(input: LoginInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { output, progress, signal } = context;
    const { credentials: _unused, ...connection } = connectionOf(input, context);
    const credential = await askCredential(input, invocation.terminal);
    const { env } = invocation.terminal;
    const done = await login({ connection, credential, signal, env });
    if (done.inTheClear) {
      const message = `the ${nameOf(credential)} stands unencrypted in ${done.storedIn}; a credential helper keeps it safe: ocictl help credentials`;
      progress({ type: 'warning', message });
    }
    output.print({
      json: {
        registry: done.registry,
        stored_in: done.storedIn,
        in_the_clear: done.inTheClear,
        verified: done.verified,
      },
      text: fields([
        ['logged in', done.registry],
        ['stored in', done.storedIn],
        ['verified', done.verified ? 'yes' : 'no: the registry lets anybody in'],
      ]),
    });
  });
}

export async function logOut(
  input: { readonly registry?: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const { url, plainHttp = false } = connectionOf(input, context);
    const { host } = parseRegistryAddress(url, { plainHttp });
    const { removedFrom, remaining } = await logout(host, {
      env: invocation.terminal.env,
      signal: context.signal,
    });
    const { kind, username, from } = remaining;
    const still = [kind, username && `of ${username}`, from && `from ${from}`].filter(Boolean);
    context.output.print({
      json: {
        registry: host,
        removed_from: removedFrom,
        remaining: { kind, username: username ?? null, from: from ?? null },
      },
      text: fields([
        ['logged out', host],
        ['removed from', removedFrom.join(', ') || 'nowhere: nothing was stored'],
        ['used from now on', still.join(' ')],
      ]),
    });
  });
}

function connectionOf(
  { registry }: { readonly registry?: string },
  { registries, settings }: Context,
) {
  if (registry === undefined) return registries.optionsFor(registries.host);
  const plainHttp = settings.values.plain_http;
  const { host } = parseRegistryAddress(registry, { plainHttp });
  return { ...registries.optionsFor(host), ...(registry.includes('://') && { url: registry }) };
}

function nameOf({ kind }: LoginOptions['credential']): string {
  return kind === 'password' ? 'password' : 'token';
}

async function askCredential(
  input: LoginInput,
  terminal: Terminal,
): Promise<LoginOptions['credential']> {
  if (input.identityTokenStdin) return { kind: 'refresh', token: await piped(terminal) };
  const username = input.username ?? (await answer('Username: ', terminal));
  if (username === undefined) throw nobodyToAsk();
  const password = input.passwordStdin
    ? await piped(terminal)
    : await secretAnswer('Password: ', terminal);
  if (password === undefined) throw nobodyToAsk();
  return { kind: 'password', username, password };
}

function nobodyToAsk(): OciError {
  return new OciError('USAGE', 'there is no terminal to ask for the user name and the password', {
    hint: 'ocictl login REGISTRY --username NAME --password-stdin < FILE',
  });
}
