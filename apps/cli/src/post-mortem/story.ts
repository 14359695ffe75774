import { type FeedEventView } from '@sluice/api-client';
import { type CatalogEvent, type RolloutsEvent } from '@sluice/contracts/events';
import { duration, percent, time } from '../output.ts';

type StoryEvent = CatalogEvent | RolloutsEvent;
type Words = { readonly [Type in StoryEvent['type']]: (event: Extract<StoryEvent, { readonly type: Type }>) => string };

/** One line of the timeline. */
export interface StoryLine {
  /** RFC 3339, UTC; of grants that follow each other, the first. */
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly words: string;
  readonly stream: string;
  readonly revision: number;
}

/** How far one wave had come: the buckets up to `percent` were let in by `at`. */
export interface Exposure {
  readonly at: string;
  readonly rolloutId: string;
  readonly wave: number;
  readonly percent: number;
}

const wordsOf: Words = {
  PatchPublished: ({ platform, baseVersion, letter, cves }) =>
    `published for ${platform} ${baseVersion} (${letter}), closes ${named(cves.map(cveText), 'no CVE')}`,
  PatchAmended: ({ variants, cves }) =>
    `amended: ${named([...variants.map(({ build }) => `variant ${build}`), ...cves.map(cveText)], 'release notes')}`,
  PatchSuperseded: ({ by }) => `superseded by ${by}`,
  PatchPulled: (event) => pulledText(event),
  PullRequested: ({ mode, reason }) => `${mode} asked for, which takes a second person: ${reason}`,
  PatchFoldedIn: ({ version, build }) => `contained in ${version} (${build})`,
  RolloutPlanned: ({ plan }) => `planned with ${String(plan.waves.length)} waves`,
  RolloutApproved: ({ by, revision }) => `plan of revision ${String(revision)} approved by ${by}`,
  RolloutReplanned: ({ reason }) => `planned anew: ${reason}`,
  RolloutStarted: ({ evidenceSeen }) => `started${seenText(evidenceSeen)}`,
  WaveOpened: ({ wave }) => `wave ${String(wave)} opened`,
  ExposureGranted: ({ wave, fromPercent, toPercent, because }) =>
    `wave ${String(wave)} from ${percent(fromPercent)} to ${percent(toPercent)} of buckets (${because})`,
  WaveBaked: ({ wave, because, reason, forced }) =>
    `wave ${String(wave)} over (${because})${reason === undefined ? '' : `: ${reason}`}${forced === undefined ? '' : `; forced: ${forced}`}`,
  WaveWaiting: ({ wave, waitsFor }) =>
    `wave ${String(wave)} ${waitsFor.length === 0 ? 'waits for nothing more' : `waits: ${waitsFor.map(({ words }) => words).join('; ')}`}`,
  RolloutPaused: ({ reason }) => `paused: ${reason}`,
  RolloutResumed: ({ reason, evidenceSeen }) =>
    `resumed${reason === undefined ? '' : `: ${reason}`}${seenText(evidenceSeen)}`,
  RolloutHalted: ({ by, reason, exposurePercent, exposedDevices }) =>
    `halted by a ${by} at ${percent(exposurePercent)} exposed${exposedDevices === undefined ? '' : ` (${String(exposedDevices)} devices)`}: ${reason}`,
  RolloutCompleted: () => 'completed',
  RolloutAborted: ({ reason, causedBy }) => `aborted: ${reason}${causedBy === undefined ? '' : ` (by ${causedBy})`}`,
  PullRecorded: ({ mode, reason }) => `heard of a pull that the catalog cannot store yet (${mode}): ${reason}`,
  RecallStarted: ({ reason }) => `recall started: ${reason}`,
  RecallPaused: ({ by, reason }) => `recall paused${by === undefined ? '' : ` by the ${by}`}: ${reason}`,
  RecallResumed: ({ reason, evidenceSeen }) =>
    `recall resumed${reason === undefined ? '' : `: ${reason}`}${seenText(evidenceSeen)}`,
  RecallCompleted: ({ removed, devices, replaced, retired }) =>
    `recall completed: ${String(removed)}${devices === undefined ? '' : ` of ${String(devices)}`} removed, ${String(replaced ?? 0)} replaced, ${String(retired ?? 0)} retired`,
  RecallReopened: ({ holders }) => `recall opened again: ${String(holders)} devices hold the patch`,
  HoldPlaced: ({ holdId, slice, reason }) => `hold ${holdId} on ${sliceText(slice)}: ${reason}`,
  HoldLifted: ({ holdId, reason }) => `hold ${holdId} lifted: ${reason}`,
  HoldExpired: ({ holdId }) => `hold ${holdId} expired`,
};

/** The events as people read them, grants that follow each other in one line. */
export function storyOf(events: readonly FeedEventView[]): StoryLine[] {
  const lines: StoryLine[] = [];
  let grants: FeedEventView[] = [];
  const endGrants = () => {
    if (grants.length > 0) lines.push(grantsLine(grants));
    grants = [];
  };
  for (const event of events) {
    const isSameRun = event.type === 'ExposureGranted' && grants.every((each) => isSameWave(each, event));
    if (!isSameRun) endGrants();
    if (event.type === 'ExposureGranted') grants.push(event);
    else lines.push(lineOf(event));
  }
  endGrants();
  return lines;
}

/** How the waves widened, by their grants. */
export function exposuresOf(events: readonly FeedEventView[]): Exposure[] {
  return events.flatMap(({ data }) => {
    const event = data as StoryEvent;
    if (event.type !== 'ExposureGranted') return [];
    return [{ at: event.to, rolloutId: event.rolloutId, wave: event.wave, percent: event.toPercent }];
  });
}

/** Who gave how many commands of which kind; what the processes of Sluice did themselves is among it. */
export function peopleOf(events: readonly FeedEventView[]): { who: string; did: Record<string, number> }[] {
  const people = new Map<string, Record<string, number>>();
  for (const { actor, type } of events) {
    const did = people.get(actor) ?? {};
    did[type] = (did[type] ?? 0) + 1;
    people.set(actor, did);
  }
  return [...people].map(([who, did]) => ({ who, did }));
}

function lineOf(event: FeedEventView, words = textOf(event)): StoryLine {
  const { time: at, actor: who, type: what, stream, place } = event;
  return { at, who, what, words, stream, revision: place.revision };
}

/** What this version of the program does not know is named, not left out. */
function textOf({ type, data }: FeedEventView): string {
  const words = (wordsOf as Readonly<Record<string, ((event: never) => string) | undefined>>)[type];
  return words === undefined ? type : words(data as never);
}

function grantsLine(grants: readonly FeedEventView[]): StoryLine {
  const [first, last] = [grants[0], grants.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there is no grant');
  if (grants.length === 1) return lineOf(first);
  const [begin, end] = [first.data, last.data] as Extract<StoryEvent, { type: 'ExposureGranted' }>[];
  if (begin === undefined || end === undefined) throw new Error('there is no grant');
  const span = duration((Date.parse(end.to) - Date.parse(begin.from)) / 1000);
  const share = `from ${percent(begin.fromPercent)} to ${percent(end.toPercent)} of buckets`;
  const words = `wave ${String(begin.wave)} ${share} in ${span}, up to ${time(end.to)} (${String(grants.length)} grants)`;
  return lineOf(first, words);
}

function isSameWave(left: FeedEventView, right: FeedEventView): boolean {
  const wave = ({ data }: FeedEventView) => (data as { readonly wave?: number }).wave;
  return left.stream === right.stream && left.actor === right.actor && wave(left) === wave(right);
}

function pulledText({ mode, reason, recallEpoch, ...more }: Extract<StoryEvent, { type: 'PatchPulled' }>): string {
  const { replacement, requestedBy, confirmedBy, breakGlass } = more;
  const parts = [
    `pulled (${mode}, recall epoch ${String(recallEpoch)}): ${reason}`,
    ...(replacement === undefined ? [] : [`replaced by ${replacement}`]),
    ...(requestedBy === undefined ? [] : [`asked for by ${requestedBy}, confirmed by ${confirmedBy ?? 'nobody'}`]),
    ...(breakGlass === undefined ? [] : [`${breakGlass.by} alone, because: ${breakGlass.reason}`]),
  ];
  return parts.join('; ');
}

function cveText({ id, exploited }: { readonly id: string; readonly exploited: boolean }): string {
  return exploited ? `${id} (exploited)` : id;
}

function seenText(evidenceSeen: string | undefined): string {
  return evidenceSeen === undefined ? '' : `; seen: ${evidenceSeen}`;
}

function sliceText(slice: object): string {
  const parts = Object.entries(slice as Readonly<Record<string, readonly string[] | undefined>>);
  return named(
    parts.flatMap(([name, values]) => (values === undefined ? [] : [`${name} ${values.join(', ')}`])),
    'everything',
  );
}

function named(names: readonly string[], none: string): string {
  return names.length === 0 ? none : names.join(', ');
}
