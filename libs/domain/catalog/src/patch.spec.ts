import { fold, Rejection } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PatchContent, type Variant } from './patch-content.ts';
import { type Patch, type PatchCommand, patchDecider, type PatchEvent } from './patch.ts';

const at = '2026-03-17T10:00:00.000Z';
const later = '2026-03-18T10:00:00.000Z';
const patchId = 'ios-26.3.1-a';
const variant: Variant = { build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1', 'iPad16,3'] };
const otherVariant: Variant = { build: '23D771331a', prerequisiteBuild: '23D8133', models: ['iPhone17,1'] };
const content: PatchContent = {
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [variant],
  cves: [{ id: 'CVE-2026-20643', exploited: false }],
};
const grown: PatchContent = { ...content, variants: [variant, otherVariant] };
const exploited: PatchContent = { ...content, cves: [{ id: 'CVE-2026-20643', exploited: true }] };
const changed: PatchContent = { ...content, variants: [{ ...variant, models: ['iPhone18,1'] }] };

const published: PatchEvent = { type: 'PatchPublished', patchId, at, ...content };
const superseded: PatchEvent = { type: 'PatchSuperseded', patchId, by: 'ios-26.3.1-c', at };
const foldedIn: PatchEvent = { type: 'PatchFoldedIn', patchId, version: '26.4', build: '23E246', at };
const withdrawn: PatchEvent = {
  type: 'PatchPulled',
  patchId,
  mode: 'withdraw',
  reason: 'boot loops',
  at,
  recallEpoch: 1,
};
const recalled: PatchEvent = { type: 'PatchPulled', patchId, mode: 'recall', reason: 'boot loops', at, recallEpoch: 1 };

const histories = {
  absent: [],
  published: [published],
  superseded: [published, superseded],
  'folded-in': [published, foldedIn],
  withdrawn: [published, withdrawn],
  recalled: [published, recalled],
} satisfies Record<string, PatchEvent[]>;

const commands = {
  publish: { type: 'PublishPatch', patchId, content, at: later },
  'publish more': { type: 'PublishPatch', patchId, content: grown, at: later },
  'publish other': { type: 'PublishPatch', patchId, content: changed, at: later },
  'amend by nothing': { type: 'AmendPatch', patchId, content, at: later },
  'amend by a variant': { type: 'AmendPatch', patchId, content: grown, at: later },
  'amend by exploitation': { type: 'AmendPatch', patchId, content: exploited, at: later },
  'amend by a change': { type: 'AmendPatch', patchId, content: changed, at: later },
  withdraw: { type: 'PullPatch', patchId, mode: 'withdraw', reason: 'worse than thought', at: later },
  recall: { type: 'PullPatch', patchId, mode: 'recall', reason: 'boot loops', at: later },
  'recall for another reason': { type: 'PullPatch', patchId, mode: 'recall', reason: 'other', at: later },
  'recall at a pace': {
    type: 'PullPatch',
    patchId,
    mode: 'recall',
    reason: 'boot loops',
    removePerHourMax: 100,
    at: later,
  },
  'recall otherwise': {
    type: 'PullPatch',
    patchId,
    mode: 'recall',
    reason: 'other',
    replacement: 'ios-26.3.1-c',
    at: later,
  },
  'replace by itself': {
    type: 'PullPatch',
    patchId,
    mode: 'recall',
    reason: 'boot loops',
    replacement: patchId,
    at: later,
  },
  supersede: { type: 'SupersedePatch', patchId, by: 'ios-26.3.1-c', at: later },
  'supersede again': { type: 'SupersedePatch', patchId, by: 'ios-26.3.1-d', at: later },
  'supersede by itself': { type: 'SupersedePatch', patchId, by: patchId, at: later },
  'fold in': { type: 'FoldInPatch', patchId, version: '26.4', build: '23E246', at: later },
  'fold in elsewhere': { type: 'FoldInPatch', patchId, version: '26.5', build: '23F77', at: later },
  'fold in before': { type: 'FoldInPatch', patchId, version: '26.3.1', build: '23D8133', at: later },
} satisfies Record<string, PatchCommand>;

const amended = { variants: 'PatchAmended: variants', cves: 'PatchAmended: cves' };

// The events (with what matters of them), 'nothing', or the rejection.
const outcomes: Record<keyof typeof commands, Record<keyof typeof histories, string>> = {
  publish: every('nothing', { absent: 'PatchPublished' }),
  'publish more': every(amended.variants, {
    absent: 'PatchPublished',
    withdrawn: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'publish other': every('patch-exists', { absent: 'PatchPublished' }),
  'amend by nothing': every('nothing', { absent: 'patch-not-found' }),
  'amend by a variant': every(amended.variants, {
    absent: 'patch-not-found',
    withdrawn: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'amend by exploitation': every(amended.cves, { absent: 'patch-not-found' }),
  'amend by a change': every('patch-exists', { absent: 'patch-not-found' }),
  withdraw: every('PatchPulled: epoch 1', {
    absent: 'patch-not-found',
    withdrawn: 'nothing',
    recalled: 'patch-already-recalled',
  }),
  recall: every('PatchPulled: epoch 1', {
    absent: 'patch-not-found',
    withdrawn: 'PatchPulled: epoch 2',
    recalled: 'nothing',
  }),
  'recall for another reason': every('PatchPulled: epoch 1', {
    absent: 'patch-not-found',
    withdrawn: 'PatchPulled: epoch 2',
    recalled: 'patch-already-recalled',
  }),
  'recall otherwise': every('PatchPulled: epoch 1', {
    absent: 'patch-not-found',
    withdrawn: 'PatchPulled: epoch 2',
    recalled: 'PatchPulled: epoch 2',
  }),
  'recall at a pace': every('PatchPulled: epoch 1', {
    absent: 'patch-not-found',
    withdrawn: 'PatchPulled: epoch 2',
    recalled: 'PatchPulled: epoch 2',
  }),
  'replace by itself': every('replacement-unsuitable', { absent: 'patch-not-found' }),
  supersede: every('PatchSuperseded', {
    absent: 'patch-not-found',
    superseded: 'nothing',
    withdrawn: 'nothing',
    recalled: 'nothing',
  }),
  'supersede again': every('PatchSuperseded', { absent: 'patch-not-found', withdrawn: 'nothing', recalled: 'nothing' }),
  'supersede by itself': every('nothing', { absent: 'patch-not-found' }),
  'fold in': every('PatchFoldedIn', {
    absent: 'patch-not-found',
    'folded-in': 'nothing',
    withdrawn: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'fold in elsewhere': every('PatchFoldedIn', {
    absent: 'patch-not-found',
    'folded-in': 'patch-folded-in',
    withdrawn: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'fold in before': every('release-not-later', {
    absent: 'patch-not-found',
    'folded-in': 'patch-folded-in',
    withdrawn: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
};

describe('deciding on a patch', () => {
  const rows = keys(commands).flatMap((command) =>
    keys(histories).map((state) => ({ command, state, outcome: outcomes[command][state] })),
  );

  it.each(rows)('$command when $state: $outcome', ({ command, state, outcome }) => {
    expect(outcomeOf(commands[command], fold(patchDecider, histories[state]))).toBe(outcome);
  });

  it('leaves a state that answers the same command with nothing', () => {
    for (const command of Object.values(commands)) {
      for (const history of Object.values(histories)) {
        const state = fold(patchDecider, history);
        if (['absent', 'PatchAmended', 'nothing'].includes(outcomeOf(command, state))) continue;
        const events = attempt(command, state);
        const again =
          events === undefined
            ? 'nothing'
            : outcomeOf(
                command,
                events.reduce((next: Patch, event) => patchDecider.evolve(next, event), state),
              );
        expect(again).toBe('nothing');
      }
    }
  });

  it('recognises the first publication after an amendment, whatever the order of its lists', () => {
    const state = fold(patchDecider, [
      published,
      ...patchDecider.decide(commands['amend by a variant'], fold(patchDecider, [published])),
    ]);
    const shuffled = { ...content, variants: [{ ...variant, models: [...variant.models].reverse() }] };
    expect(patchDecider.decide({ type: 'PublishPatch', patchId, content: shuffled, at: later }, state)).toEqual([]);
  });

  it('names what contradicts the patch in an amendment', () => {
    expect(() => patchDecider.decide(commands['amend by a change'], fold(patchDecider, [published]))).toThrow(
      'variant 23D771330a: models differ (new: none; gone: iPad16,3)',
    );
  });
});

describe('folding a patch', () => {
  it('shows the last status that applies, and keeps the facts of the others', () => {
    expect(fold(patchDecider, [published, withdrawn, foldedIn, superseded])).toMatchObject({
      status: 'pulled',
      pulled: { mode: 'withdraw', reason: 'boot loops', at },
      foldedInto: { version: '26.4', build: '23E246' },
      supersededBy: 'ios-26.3.1-c',
      recallEpoch: 1,
    });
    expect(fold(patchDecider, [published, foldedIn, superseded]).status).toBe('folded-in');
  });

  it('never forgets that a CVE is exploited', () => {
    const downgrade: PatchEvent = { type: 'PatchAmended', patchId, at, variants: [], cves: content.cves };
    const upgrade: PatchEvent = { ...downgrade, cves: exploited.cves };
    expect(fold(patchDecider, [published, upgrade, downgrade])).toMatchObject({ content: { cves: exploited.cves } });
  });

  it('does not throw on any order of events', () => {
    const amendment: PatchEvent = { type: 'PatchAmended', patchId, at, variants: [otherVariant], cves: exploited.cves };
    const anyEvent = fc.constantFrom(published, amendment, superseded, foldedIn, withdrawn, recalled);
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
        const state = fold(patchDecider, events);
        expect(state.status === 'absent').toBe(!events.some(({ type }) => type === 'PatchPublished'));
      }),
    );
  });
});

function every<Key extends keyof typeof histories>(
  outcome: string,
  except: Record<Key, string>,
): Record<keyof typeof histories, string> {
  const all = Object.fromEntries(keys(histories).map((state) => [state, outcome])) as Record<
    keyof typeof histories,
    string
  >;
  return { ...all, ...except };
}

function attempt(command: PatchCommand, state: Patch): readonly PatchEvent[] | undefined {
  try {
    return patchDecider.decide(command, state);
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
}

function outcomeOf(command: PatchCommand, state: Patch): string {
  try {
    return patchDecider.decide(command, state).map(nameOf).join() || 'nothing';
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
}

function nameOf(event: PatchEvent): string {
  if (event.type === 'PatchPulled') return `PatchPulled: epoch ${String(event.recallEpoch)}`;
  if (event.type !== 'PatchAmended') return event.type;
  return `PatchAmended: ${event.variants.length > 0 ? 'variants' : 'cves'}`;
}

function keys<Key extends string>(record: Record<Key, unknown>): Key[] {
  return Object.keys(record) as Key[];
}

describe('folding an event of a later version', () => {
  it.each(Object.entries(histories))('leaves what is %s as it is', (_, events) => {
    const patch = fold(patchDecider, events);
    expect(patchDecider.evolve(patch, { type: 'PatchBlessed', patchId, at } as never)).toBe(patch);
  });
});

describe('recalling further', () => {
  it('keeps the replacement when only the pace changes, and the pace when another replacement is named', () => {
    const recall = { type: 'PullPatch', patchId, mode: 'recall', reason: 'boot loops', at: later } as const;
    const steps = [
      { ...recall, replacement: 'ios-26.3.1-c' },
      { ...recall, removePerHourMax: 100 },
      { ...recall, replacement: 'ios-26.3.1-d' },
    ];
    let patch = fold(patchDecider, histories.published);
    for (const step of steps)
      for (const event of patchDecider.decide(step, patch)) patch = patchDecider.evolve(patch, event);
    expect(patch).toMatchObject({
      recallEpoch: 3,
      pulled: { mode: 'recall', replacement: 'ios-26.3.1-d', removePerHourMax: 100 },
    });
    expect(patchDecider.decide(steps[2] ?? recall, patch)).toEqual([]);
  });
});
