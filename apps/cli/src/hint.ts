import { settingHint } from '@oci/manager/config';
import type { ErrorReason, OciError } from '@oci/spec-types';

type Answers = {
  readonly [K in ErrorReason['kind']]: (
    reason: Extract<ErrorReason, { readonly kind: K }>,
  ) => string | undefined;
};

const onlineOnce = 'once without --offline';
const again = 'install without --frozen';

/** The answers of the command to what failed: its flags and its other commands. Others are settings, or the library's. */
const answers: Answers = {
  'login-missing': ({ host }) => `Log in with: ocictl login ${host}`,
  'login-refused': ({ host }) =>
    `It may be old, or not allow this. Log in again with: ocictl login ${host}`,
  'access-denied': ({ host }) => `Are you logged in as the right user? ocictl login ${host}`,
  'repository-unknown': ({ namespace, origin }) =>
    `See what there is with: ${['ocictl list', ...(namespace ? [namespace] : []), `--registry ${origin}`].join(' ')}`,
  'manifest-unknown': ({ host, repository }) =>
    `See which tags there are: ocictl tags ${host}/${repository}`,
  'plain-http-needed': ({ host }) => `If that is meant, say http://${host} or --plain-http.`,
  'https-needed': ({ host }) => `Say https://${host}, without --plain-http.`,
  'certificate-untrusted': () => 'Name its authority with --ca-file FILE.',
  'named-file-unreadable': ({ file }) =>
    file === 'certificate'
      ? 'It is named in the configuration, or by --ca-file.'
      : 'It is named by --config or OCI_CONFIG.',
  'realm-untrusted': settingHint,
  'registry-internal': settingHint,
  'registry-blocked': settingHint,
  'repositories-unlisted': settingHint,
  'route-missing': settingHint,
  'trust-rejected': settingHint,
  'signature-missing': () =>
    'Whoever publishes it has to sign it; a copy has to bring the signatures along (copy --referrers).',
  'not-cached': ({ what }) =>
    ({
      content: `Pull it ${onlineOnce}.`,
      listing: `List it, or pull something, ${onlineOnce}.`,
      versions: `Name a version, or ask ${onlineOnce}.`,
    })[what],
  'cache-damaged': () =>
    'Something else writes to the cache. Who may? This removes what is damaged: ocictl cache verify',
  'layer-ambiguous': ({ layers }) => `Choose one with --layer: ${layers.join(', ')}.`,
  'index-incomplete': () => 'Copy only what is there, by its platform: --platform OS/ARCHITECTURE.',
  'probe-repository-missing': () =>
    'Name one in which something may be pushed and deleted: --repository NAME.',
  'tag-taken': () => 'Push another version, or replace it with --force.',
  'tag-immutable': () =>
    'Push another version: a rule of the registry keeps this one, and --force does not change that.',
  'file-taken': ({ by }) =>
    ({
      file: 'Move it away, or leave out --keep-old-files to replace it.',
      directory: 'Move it away, or choose another directory with -o.',
      'foreign-install': 'Move it away, or choose another directory with --install-dir.',
    })[by],
  'file-name-unsafe': () =>
    'Nothing was written. See what it holds: ocictl manifest REPOSITORY VERSION',
  'input-missing': () => 'Name files as PATH or PATH:MEDIA_TYPE.',
  'attachment-empty': () => 'Name files, or at least an --artifact-type or an --annotation.',
  'lock-missing': () => 'Name it with --lock FILE.',
  'lock-invalid': ({ of }) =>
    of === 'kcl'
      ? 'Remove it, and make it anew with: ocictl kcl vendor.'
      : `Remove it, and ${again} to make it anew.`,
  'lock-incomplete': ({ of }) =>
    of === 'kcl'
      ? 'Resolve once without --frozen, and keep kcl.mod.lock with the sources.'
      : 'Install once without --frozen, and keep the lock file.',
  'lock-contradicted': () =>
    'The version was published again. If that is right, resolve without --frozen.',
  'dependency-from-git': () =>
    'Only packages of registries are fetched. Publish it with ocictl kcl push, or use kpm.',
  'extension-not-installed': () => 'See what is: ocictl extension list',
  'version-in-use': ({ type, name }) =>
    `Put another version into use first: ocictl extension rollback ${type} ${name}`,
  'extension-needed': () => 'Uninstall these first, or use --force.',
  'key-password': () => 'Give its password in COSIGN_PASSWORD, or with --password-stdin.',
  'key-missing': () => 'Make a pair with: ocictl generate-key-pair',
};

/** Returns what to do about a failure, in the words of the command. */
export function hintOf({ hint, reason }: OciError): string | undefined {
  return (reason && answerTo(reason)) ?? hint;
}

function answerTo<K extends ErrorReason['kind']>(
  reason: Extract<ErrorReason, { readonly kind: K }>,
): string | undefined {
  const answer:
    ((reason: Extract<ErrorReason, { readonly kind: K }>) => string | undefined) | undefined =
    answers[reason.kind];
  return answer?.(reason);
}
