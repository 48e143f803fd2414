import { type ValueKind, invalidValue, readTable } from '@oci/manager/config';

import type { HostedRules } from '../hosted/rules/hosted-rules.js';
import type { ImmutableTagRule } from '../hosted/rules/immutable-tags.js';
import type { LoadedServerSettings } from './server-settings.js';
import {
  type PlacedTable,
  listOf,
  matching,
  repositoryPattern,
  tablesOf,
} from './setting-tables.js';

/** Rules that a tag is compared with. */
const mostRules = 1000;

/** Returns the rules for hosted repositories. @throws OciError `CONFIG_INVALID` */
export function hostedRules(settings: LoadedServerSettings): HostedRules {
  const immutableTags = tablesOf('server.immutable_tags', settings, 'docs/retention.md').map(
    (placed, at) => {
      if (at >= mostRules) throw invalidValue(placed.place, `is more than ${mostRules} rules`);
      return immutableTagRule(placed);
    },
  );
  return { immutableTags };
}

const tagPattern = matching(/^[\w.*-]{1,128}$/, 'a tag, in which * stands for any text');

const immutableFields = {
  repositories: { required: oneOrMore(repositoryPattern) },
  tags: { required: oneOrMore(tagPattern) },
  except: oneOrMore(tagPattern),
  allow_delete: 'flag',
} as const;

function immutableTagRule({ table, place }: PlacedTable): ImmutableTagRule {
  const { allow_delete: allowDelete, ...rule } = readTable(table, place, immutableFields);
  return { ...rule, allowDelete };
}

/** The kind of a text of a certain form, or a list of such. */
function oneOrMore(item: ValueKind<string>): ValueKind<readonly string[]> {
  const list = listOf(item);
  return {
    expected: `${item.expected}; or a list of such`,
    read: (value, place) => list.read(typeof value === 'string' ? [value] : value, place),
  };
}
