import { OciError } from '@oci/spec-types';

import { matchesWildcard, maxPatternLength } from '../pack/glob.js';

/** Which extensions may be installed: the platform's modes, and its lists. */
export interface ExtensionPolicy {
  /** `full`: all but what is blocked; `restricted`: only what is allowed; `disabled`: none. */
  readonly mode: 'full' | 'restricted' | 'disabled';
  /** Patterns: `name`, `type/name`, or the source behind `from:`; `*` stands for any text. */
  readonly allowed: readonly string[];
  /** As `allowed`; goes before it. */
  readonly blocked: readonly string[];
}

/** What a policy decides about. The source is known once the reference is. */
export interface PolicySubject {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** The whole reference, e.g. `registry.example/extensions/taskserv/kubernetes:1.28.0`. */
  readonly source?: string | undefined;
}

const modes = ['full', 'restricted', 'disabled'] as const;

/**
 * The policy of the platform's variables: `PROVISIONING_EXTENSION_MODE`,
 * `PROVISIONING_ALLOWED_EXTENSIONS`, `PROVISIONING_BLOCKED_EXTENSIONS`, the lists with commas.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export function policyFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): ExtensionPolicy {
  const said = env['PROVISIONING_EXTENSION_MODE'] || 'full';
  const mode = modes.find((known) => known === said);
  if (!mode) {
    throw new OciError(
      'CONFIG_INVALID',
      `PROVISIONING_EXTENSION_MODE is ${JSON.stringify(said.slice(0, 100))}`,
      { hint: `The modes are ${modes.join(', ')}.` },
    );
  }
  return {
    mode,
    allowed: listOf(env['PROVISIONING_ALLOWED_EXTENSIONS']),
    blocked: listOf(env['PROVISIONING_BLOCKED_EXTENSIONS']),
  };
}

/**
 * Asked before the pull without the source, and after it with the source: patterns of sources only count
 * then.
 *
 * @throws OciError `POLICY_REFUSED`, with the rule
 */
export function enforcePolicy(policy: ExtensionPolicy, subject: PolicySubject): void {
  const what = `${subject.type} ${subject.name} ${subject.version}`;
  const refuse = (rule: string): never => {
    throw new OciError('POLICY_REFUSED', `${what} may not be installed: ${rule}`, {
      hint: 'The policy is in PROVISIONING_EXTENSION_MODE, …_ALLOWED_EXTENSIONS and …_BLOCKED_EXTENSIONS.',
    });
  };
  if (policy.mode === 'disabled') refuse('the mode is disabled');
  const blocking = policy.blocked.find((pattern) => matches(pattern, subject));
  if (blocking !== undefined) refuse(`it is blocked by ${JSON.stringify(blocking)}`);
  const isUndecided =
    subject.source === undefined && policy.allowed.some((pattern) => pattern.startsWith('from:'));
  const hasList = policy.mode === 'restricted' || policy.allowed.length > 0;
  if (hasList && !isUndecided && !policy.allowed.some((pattern) => matches(pattern, subject)))
    refuse('it is on no list of what is allowed');
}

/** A `*` crosses slashes: a list of policy should not be circumvented by depth. */
function matches(pattern: string, { type, name, version, source }: PolicySubject): boolean {
  if (pattern.startsWith('from:'))
    return source !== undefined && matchesWildcard(pattern.slice('from:'.length), source);
  return [name, `${type}/${name}`, `${type}/${name}@${version}`, `${name}@${version}`].some(
    (text) => matchesWildcard(pattern, text),
  );
}

function listOf(text: string | undefined): readonly string[] {
  const items = (text ?? '').split(',').map((item) => item.trim());
  const tooLong = items.find((item) => item.length > maxPatternLength);
  if (tooLong === undefined) return items.filter((item) => item !== '');
  throw new OciError(
    'CONFIG_INVALID',
    `the pattern ${JSON.stringify(tooLong.slice(0, 60))}… of the extension policy is longer than ${maxPatternLength} characters`,
    { hint: 'Write several shorter patterns with commas between them.' },
  );
}
