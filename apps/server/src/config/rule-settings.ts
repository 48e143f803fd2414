import { type ValueKind, invalidValue, readTable } from '@oci/manager/config';

import type { HostedRules } from '../hosted/rules/hosted-rules.js';
import type { ImmutableTagRule } from '../hosted/rules/immutable-tags.js';
import { type RetentionRule, mostKept } from '../hosted/rules/retention-rule.js';
import type { LoadedServerSettings } from './server-settings.js';
import {
  type PlacedTable,
  between,
  listOf,
  matching,
  repositoryPattern,
  tablesOf,
} from './setting-tables.js';

/** Rules that a tag is compared with. */
const mostRules = 1000;

/** Returns the rules for hosted repositories. @throws OciError `CONFIG_INVALID` */
export function hostedRules(settings: LoadedServerSettings): HostedRules {
  const read = <T>(
    key: 'server.immutable_tags' | 'server.retention',
    rule: (placed: PlacedTable) => T,
  ): readonly T[] =>
    tablesOf(key, settings, 'docs/retention.md').map((placed, at) => {
      if (at >= mostRules) throw invalidValue(placed.place, `is more than ${mostRules} rules`);
      return rule(placed);
    });
  return {
    immutableTags: read('server.immutable_tags', immutableTagRule),
    retention: read('server.retention', retentionRule),
  };
}

const tagPattern = matching(/^[\w.*-]{1,128}$/, 'a tag, in which * stands for any text');
const days = between(1, 36_500, 'days');

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

const retentionFields = {
  repositories: { required: oneOrMore(repositoryPattern) },
  tags: oneOrMore(tagPattern),
  keep_last: between(1, mostKept, 'tags'),
  keep_days: days,
  keep_pulled_days: days,
  untagged_days: days,
} as const;

function retentionRule({ table, place }: PlacedTable): RetentionRule {
  const { repositories, tags = ['*'], ...rest } = readTable(table, place, retentionFields);
  return {
    repositories,
    tags,
    keepLast: rest.keep_last,
    keepDays: rest.keep_days,
    keepPulledDays: rest.keep_pulled_days,
    untaggedDays: rest.untagged_days,
  };
}

/** The kind of a text of a certain form, or a list of such. */
function oneOrMore(item: ValueKind<string>): ValueKind<readonly string[]> {
  const list = listOf(item);
  return {
    expected: `${item.expected}; or a list of such`,
    read: (value, place) => list.read(typeof value === 'string' ? [value] : value, place),
  };
}
