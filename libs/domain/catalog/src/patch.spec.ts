import { fold, Rejection } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PatchContent, type Variant } from './patch-content.ts';
import { type Patch, type PatchCommand, patchDecider, type PatchEvent } from './patch.ts';
import { type PullPatch } from './pull.ts';

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
const requested: PatchEvent = {
  type: 'PullRequested',
  patchId,
  mode: 'recall',
  reason: 'boot loops',
  ledgerDigest: 'now',
  recallEpoch: 0,
  by: 'ann',
  at,
};

const histories = {
  absent: [],
  published: [published],
  superseded: [published, superseded],
  'folded-in': [published, foldedIn],
  withdrawn: [published, withdrawn],
  requested: [published, withdrawn, requested],
  recalled: [published, recalled],
} satisfies Record<string, PatchEvent[]>;

/** An order of ann's; its ledger has nothing exploited. */
const pull = (mode: PullPatch['mode'], more: Partial<PullPatch> = {}): PullPatch => ({
  ...{ type: 'PullPatch', patchId, mode, reason: 'boot loops', by: 'ann', at: later },
  ledger: { digest: 'now', reopensExploited: false },
  ...more,
});
/** A recall that re-opens an exploited CVE, of the present ledger. */
const recallOpen = (more: Partial<PullPatch> = {}): PullPatch =>
  pull('recall', { ledger: { digest: 'now', reopensExploited: true }, ledgerDigest: 'now', ...more });
const { ledgerDigest: _, ...unseen } = recallOpen();

const commands = {
  publish: { type: 'PublishPatch', patchId, content, at: later },
  'publish more': { type: 'PublishPatch', patchId, content: grown, at: later },
  'publish other': { type: 'PublishPatch', patchId, content: changed, at: later },
  'amend by nothing': { type: 'AmendPatch', patchId, content, at: later },
  'amend by a variant': { type: 'AmendPatch', patchId, content: grown, at: later },
  'amend by exploitation': { type: 'AmendPatch', patchId, content: exploited, at: later },
  'amend by a change': { type: 'AmendPatch', patchId, content: changed, at: later },
  withdraw: pull('withdraw', { reason: 'worse than thought' }),
  'withdraw by a ledger of long ago': pull('withdraw', { ledgerDigest: 'then' }),
  recall: pull('recall'),
  'recall for another reason': pull('recall', { reason: 'other' }),
  'recall at a pace': pull('recall', { removePerHourMax: 100 }),
  'recall otherwise': pull('recall', { reason: 'other', replacement: 'ios-26.3.1-c' }),
  'recall by the ledger': pull('recall', { ledgerDigest: 'now' }),
  'recall by a ledger of long ago': pull('recall', { ledgerDigest: 'then' }),
  'recall of what is exploited': recallOpen(),
  'recall of what is exploited, unseen': unseen,
  'recall of what is exploited, by a ledger of long ago': recallOpen({ ledgerDigest: 'then' }),
  'recall of what is exploited, by another person': recallOpen({ by: 'ben', reason: 'I see it too' }),
  'recall of what is exploited, by another person otherwise': recallOpen({ by: 'ben', replacement: 'ios-26.3.1-c' }),
  'recall of what is exploited, by another person unseen': { ...unseen, by: 'ben' },
  'recall of what is exploited, breaking the glass': recallOpen({ breakGlass: { reason: 'nobody else is awake' } }),
  'recall of what is exploited, breaking the glass unseen': { ...unseen, breakGlass: { reason: 'no time' } },
  'replace by itself': pull('recall', { replacement: patchId }),
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
    requested: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'publish other': every('patch-exists', { absent: 'PatchPublished' }),
  'amend by nothing': every('nothing', { absent: 'patch-not-found' }),
  'amend by a variant': every(amended.variants, {
    absent: 'patch-not-found',
    withdrawn: 'patch-pulled',
    requested: 'patch-pulled',
    recalled: 'patch-pulled',
  }),
  'amend by exploitation': every(amended.cves, { absent: 'patch-not-found' }),
  'amend by a change': every('patch-exists', { absent: 'patch-not-found' }),
  withdraw: every('withdraw 1', { absent: 'patch-not-found', ...done('nothing'), recalled: 'patch-already-recalled' }),
  'withdraw by a ledger of long ago': every('withdraw 1', {
    absent: 'patch-not-found',
    ...done('nothing'),
    recalled: 'patch-already-recalled',
  }),
  recall: every('recall 1', { absent: 'patch-not-found', ...done('recall 2'), recalled: 'nothing' }),
  'recall for another reason': every('recall 1', {
    absent: 'patch-not-found',
    ...done('recall 2'),
    recalled: 'nothing',
  }),
  'recall otherwise': every('recall 1', { absent: 'patch-not-found', ...done('recall 2'), recalled: 'recall 2' }),
  'recall at a pace': every('recall 1', { absent: 'patch-not-found', ...done('recall 2'), recalled: 'recall 2' }),
  'recall by the ledger': every('recall 1', {
    absent: 'patch-not-found',
    ...done('recall 2'),
    recalled: 'nothing',
  }),
  'recall by a ledger of long ago': every('ledger-changed', {
    absent: 'patch-not-found',
    recalled: 'nothing',
  }),
  'recall of what is exploited': every('withdraw 1, asked', {
    absent: 'patch-not-found',
    withdrawn: 'asked',
    requested: 'nothing',
    recalled: 'nothing',
  }),
  'recall of what is exploited, unseen': every('ledger-not-named', { absent: 'patch-not-found', recalled: 'nothing' }),
  'recall of what is exploited, by a ledger of long ago': every('ledger-changed', {
    absent: 'patch-not-found',
    recalled: 'nothing',
  }),
  'recall of what is exploited, by another person': every('withdraw 1, asked', {
    absent: 'patch-not-found',
    withdrawn: 'asked',
    requested: 'recall 2 by two',
    recalled: 'nothing',
  }),
  'recall of what is exploited, by another person otherwise': every('withdraw 1, asked', {
    absent: 'patch-not-found',
    ...done('asked'),
    recalled: 'recall 2',
  }),
  'recall of what is exploited, by another person unseen': every('ledger-not-named', {
    absent: 'patch-not-found',
    recalled: 'nothing',
  }),
  'recall of what is exploited, breaking the glass': every('recall 1 by broken glass', {
    absent: 'patch-not-found',
    ...done('recall 2 by broken glass'),
    recalled: 'nothing',
  }),
  'recall of what is exploited, breaking the glass unseen': every('ledger-not-named', {
    absent: 'patch-not-found',
    recalled: 'nothing',
  }),
  'replace by itself': every('replacement-unsuitable', { absent: 'patch-not-found' }),
  supersede: every('PatchSuperseded', {
    absent: 'patch-not-found',
    superseded: 'nothing',
    ...done('nothing'),
    recalled: 'nothing',
  }),
  'supersede again': every('PatchSuperseded', { absent: 'patch-not-found', ...done('nothing'), recalled: 'nothing' }),
  'supersede by itself': every('nothing', { absent: 'patch-not-found' }),
  'fold in': every('PatchFoldedIn', {
    absent: 'patch-not-found',
    'folded-in': 'nothing',
  }),
  'fold in elsewhere': every('PatchFoldedIn', {
    absent: 'patch-not-found',
    'folded-in': 'patch-folded-in',
  }),
  'fold in before': every('release-not-later', {
    absent: 'patch-not-found',
    'folded-in': 'patch-folded-in',
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

describe('folding in a patch that was pulled', () => {
  it('records the full release once, and leaves the patch pulled', () => {
    const folded = after('requested', commands['fold in']);
    expect(folded).toMatchObject({
      ...{ status: 'pulled', recallEpoch: 1, pulled: { mode: 'withdraw' }, requested: { by: 'ann' } },
      foldedInto: { version: '26.4', build: '23E246' },
    });
    expect(outcomeOf(commands['fold in'], folded)).toBe('nothing');
    expect(outcomeOf(commands['fold in elsewhere'], folded)).toBe('patch-folded-in');
    expect(after(folded, commands['recall by the ledger'])).toMatchObject({
      ...{ status: 'pulled', pulled: { mode: 'recall' }, foldedInto: { version: '26.4' } },
    });
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
    const anyEvent = fc.constantFrom(published, amendment, superseded, foldedIn, withdrawn, requested, recalled);
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
    return patchDecider.decide(command, state).map(nameOf).join(', ') || 'nothing';
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
}

function nameOf(event: PatchEvent): string {
  if (event.type === 'PullRequested') return 'asked';
  if (event.type === 'PatchPulled') {
    const { mode, recallEpoch, confirmedBy, breakGlass } = event;
    const how = confirmedBy !== undefined ? ' by two' : breakGlass !== undefined ? ' by broken glass' : '';
    return `${mode} ${String(recallEpoch)}${how}`;
  }
  if (event.type !== 'PatchAmended') return event.type;
  return `PatchAmended: ${event.variants.length > 0 ? 'variants' : 'cves'}`;
}

/** Of a patch that is withdrawn, also while a recall is asked for. */
function done(outcome: string) {
  return { withdrawn: outcome, requested: outcome };
}

function keys<Key extends string>(record: Record<Key, unknown>): Key[] {
  return Object.keys(record) as Key[];
}

describe('folding a stream that an older version wrote', () => {
  it('comes to what it came to, without people that it did not keep', () => {
    const pulledFurther: PatchEvent = { ...recalled, recallEpoch: 2, replacement: 'ios-26.3.1-c', ledgerDigest: 'abc' };
    const { type: _type, patchId: _id, recallEpoch: _epoch, ...pulled } = pulledFurther;
    expect(fold(patchDecider, [published, superseded, withdrawn, pulledFurther])).toEqual({
      ...{ status: 'pulled', patchId, publishedAt: at, firstContent: content, content, recallEpoch: 2, pulled },
      ...{ supersededBy: 'ios-26.3.1-c', closedSince: { 'CVE-2026-20643': at } },
    });
  });
});

describe('folding an event of a later version', () => {
  it.each(Object.entries(histories))('leaves what is %s as it is', (_, events) => {
    const patch = fold(patchDecider, events);
    expect(patchDecider.evolve(patch, { type: 'PatchBlessed', patchId, at } as never)).toBe(patch);
  });
});

describe('recalling further', () => {
  it('keeps the replacement when only the pace changes, and the pace when another replacement is named', () => {
    const steps = [
      pull('recall', { replacement: 'ios-26.3.1-c' }),
      pull('recall', { removePerHourMax: 100 }),
      pull('recall', { replacement: 'ios-26.3.1-d' }),
    ];
    const patch = after('published', ...steps);
    expect(patch).toMatchObject({
      recallEpoch: 3,
      pulled: { mode: 'recall', replacement: 'ios-26.3.1-d', removePerHourMax: 100 },
    });
    expect(steps.slice(2).flatMap((step) => patchDecider.decide(step, patch))).toEqual([]);
  });

  it('keeps the ledger that was seen when the order names none', () => {
    const recalledOpen = after('published', recallOpen(), recallOpen({ by: 'ben' }));
    const further = after(recalledOpen, { ...unseen, by: 'cat', removePerHourMax: 100 });
    expect(further).toMatchObject({ recallEpoch: 3, pulled: { removePerHourMax: 100, ledgerDigest: 'now' } });
  });

  it('needs one person, refuses a ledger that is not the present one, and keeps for good who decided on the recall', () => {
    const byTwo = after('published', recallOpen(), recallOpen({ by: 'ben' }));
    const named = recallOpen({ by: 'cat', replacement: 'ios-26.3.1-c', reason: 'it is out' });
    expect(after(byTwo, named)).toMatchObject({
      pulled: { by: 'cat', requestedBy: 'ann', confirmedBy: 'ben', replacement: 'ios-26.3.1-c' },
    });
    expect(outcomeOf({ ...named, ledgerDigest: 'then' }, byTwo)).toBe('ledger-changed');
    const alone = after('published', recallOpen({ breakGlass: { reason: 'nobody else is awake' } }));
    expect(after(alone, named)).toMatchObject({
      pulled: { by: 'cat', breakGlass: { by: 'ann', reason: 'nobody else is awake' } },
    });
  });
});

describe('asking for a recall', () => {
  it('withdraws in the same commit, and the second person makes it the recall that the first one meant', () => {
    const first = recallOpen({ replacement: 'ios-26.3.1-c', removePerHourMax: 100 });
    const asked = after('published', first);
    expect(asked).toMatchObject({
      status: 'pulled',
      recallEpoch: 1,
      pulled: { mode: 'withdraw', by: 'ann' },
      requested: {
        by: 'ann',
        reason: 'boot loops',
        replacement: 'ios-26.3.1-c',
        removePerHourMax: 100,
        recallEpoch: 0,
      },
    });
    expect(asked).not.toHaveProperty('pulled.replacement');
    const confirmed = after(asked, recallOpen({ by: 'ben', reason: 'I see it too' }));
    expect(confirmed).toMatchObject({
      recallEpoch: 2,
      pulled: {
        ...{ mode: 'recall', reason: 'I see it too', by: 'ben', requestedBy: 'ann', confirmedBy: 'ben' },
        ...{ ledgerDigest: 'now', replacement: 'ios-26.3.1-c', removePerHourMax: 100 },
      },
    });
    expect(confirmed).not.toHaveProperty('requested');
  });

  it('answers the first person who sends it again after the confirmation with what there is', () => {
    const first = recallOpen({ replacement: 'ios-26.3.1-c' });
    const confirmed = after('published', first, recallOpen({ by: 'ben', reason: 'I see it too' }));
    expect(outcomeOf(first, confirmed)).toBe('nothing');
    // The ledger is another one by now.
    expect(outcomeOf({ ...first, ledger: { digest: 'new', reopensExploited: true } }, confirmed)).toBe('nothing');
  });

  it('begins anew when the ledger is another one by then, and the first person may confirm that', () => {
    const changed = { ledger: { digest: 'new', reopensExploited: true }, ledgerDigest: 'new' };
    const asked = after('published', recallOpen());
    expect(outcomeOf(recallOpen({ by: 'ben', ledger: changed.ledger }), asked)).toBe('ledger-changed');
    const again = after(asked, recallOpen({ by: 'ben', ...changed }));
    expect(again).toMatchObject({ pulled: { mode: 'withdraw' }, requested: { by: 'ben', ledgerDigest: 'new' } });
    expect(after(again, recallOpen(changed))).toMatchObject({ pulled: { mode: 'recall', requestedBy: 'ben' } });
  });
});

function after(from: Patch | keyof typeof histories, ...orders: readonly PatchCommand[]): Patch {
  let patch = typeof from === 'string' ? fold(patchDecider, histories[from]) : from;
  for (const order of orders)
    for (const event of patchDecider.decide(order, patch)) patch = patchDecider.evolve(patch, event);
  return patch;
}
