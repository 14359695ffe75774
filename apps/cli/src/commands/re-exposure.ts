import { bodyOf, given, type PatchView, type ReExposureView, type RecallPreview } from '@sluice/api-client';
import { type Api } from '../api.ts';
import { CliError } from '../errors.ts';
import { clean, facts, type Paint, quoted, time } from '../output.ts';

/** Both parts of the re-exposure ledger: what a recall re-opens, and whom it hits. */

/** The orchestrator asks telemetry for two seconds; a recall is not kept waiting for longer than this. */
const PREVIEW_WITHIN_MS = 5_000;
const LISTED_MAX = 8;

/** Whom a recall hits, or why that is not known: it keeps nobody from recalling. */
export type Preview = RecallPreview | { readonly unknownBecause: string };

export function reExposureOf(api: Api, id: string): Promise<ReExposureView> {
  return bodyOf(api.of('catalog').GET('/v1/patches/{id}/re-exposure', { params: { path: { id } } }));
}

export function previewOf(api: Api, patchId: string, replacement?: string): Promise<RecallPreview> {
  const params = { path: { patchId }, query: given({ replacement }) };
  return bodyOf(api.of('orchestrator', PREVIEW_WITHIN_MS).GET('/v1/recalls/{patchId}/preview', { params }));
}

export async function previewOrReason(api: Api, patchId: string, replacement?: string): Promise<Preview> {
  try {
    return await previewOf(api, patchId, replacement);
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === 'interrupted') throw error;
    return { unknownBecause: [error.story.what, error.story.detail].filter((part) => part !== undefined).join(' ') };
  }
}

export function reExposureText(ledger: ReExposureView, paint: Paint): string {
  const { patchId, cves, builds, patches, replacement, fullRelease, digest } = ledger;
  const cveLines = cves.map(({ id, exploited, closedSince, closedBy }) => {
    const mark = exploited ? `  ${paint('red', 'known to be exploited')}` : '';
    return `  ${clean(id)}${mark}  closed since ${time(closedSince)} by ${clean(closedBy.join(', '))}`;
  });
  const more = facts(
    [
      [
        'goes back',
        listed(
          builds.map(({ build, base, models }) => `${build} to ${base} (${listed(models)})`),
          '; ',
        ),
      ],
      ['falls too', listed(patches.map((each) => `${each.patchId} (${each.letter})`))],
      ['replacement', replacementText(replacement)],
      ['full release', fullRelease === null ? 'none known' : fullReleaseText(fullRelease)],
      ['digest', digest],
    ],
    paint,
  );
  const head = paint('bold', `What opens again when ${clean(patchId)} is recalled`);
  return [head, ...(cveLines.length === 0 ? ['  no CVE is named'] : cveLines), more].join('\n');
}

export function previewText(preview: Preview, paint: Paint): string {
  const head = paint('bold', 'Who is hit');
  if (!('holders' in preview)) return `${head}\n  not known: ${clean(preview.unknownBecause)}`;
  const { holders, byModel, byTrack, byLastReport, inFlight, replacement, withoutReplacement, unknownBecause } =
    preview;
  const more = facts(
    [
      ['holders', tracksText(holders, byTrack)],
      [
        'models',
        byModel === null ? unknown : listed(byModel.map(({ model, devices }) => `${model} ${String(devices)}`)),
      ],
      [
        'last heard of',
        byLastReport === null
          ? unknown
          : `${String(byLastReport.withinDay)} within a day, ${String(byLastReport.withinWeek)} within a week, ${String(byLastReport.longer)} longer ago`,
      ],
      ['in flight', inFlight === null ? unknown : `${String(inFlight)} installs that have begun`],
      ['replacement', mayHaveText(replacement)],
      ['unprotected', withoutReplacement === null ? unknown : `${String(withoutReplacement)} have no replacement`],
      ['not known', unknownBecause ?? undefined],
    ],
    paint,
  );
  return `${head}\n${more}`;
}

/** Whether somebody has asked for the recall, and what another person's does then. */
export function askedText(requested: PatchView['requested'], { digest }: ReExposureView): string | undefined {
  if (requested === undefined) return undefined;
  const { by, reason, ledgerDigest, at } = requested;
  const does =
    ledgerDigest === digest
      ? 'another person who recalls it now confirms that'
      : 'the ledger has changed since: who recalls it now asks anew';
  return `${clean(by)} asked for this recall at ${time(at)}: ${clean(reason)}; ${does}.`;
}

/** What came of a recall that needs a second person, with the command that this one types. */
export function requestedText({ patchId, requested }: PatchView): string {
  const { by, reason } = requested ?? { by: 'somebody', reason: '' };
  return [
    `${clean(patchId)} is withdrawn: nobody is offered it any more. Its recall re-opens exploited CVEs, and ${clean(by)} has asked for it.`,
    'A second person, with a token of another name, confirms it with:',
    `  sluice patch pull ${clean(patchId)} --mode recall --reason ${clean(quoted(reason))}`,
    'Alone, and shown for good: the same with --break-glass "why it cannot wait".',
  ].join('\n');
}

const unknown = 'not known';

function tracksText(holders: number | null, byTrack: RecallPreview['byTrack']): string {
  if (holders === null) return unknown;
  const tracks = byTrack === null ? '' : ` (${String(byTrack.automatic)} automatic, ${String(byTrack.manual)} manual)`;
  return `${String(holders)} devices${tracks} remove it, restart, and go back to their base`;
}

function mayHaveText(replacement: RecallPreview['replacement']): string {
  if (replacement === null) return unknown;
  const { atMost, expected } = replacement;
  if (atMost === 0) return 'for nobody';
  return `${expected === null ? 'not known how many' : `about ${String(expected)}`} of at most ${String(atMost)} may have it now`;
}

function replacementText({ named, available }: ReExposureView['replacement']): string {
  const others = available.map(({ patchId, letter, leavesOpen }) => {
    const open = leavesOpen.length === 0 ? '' : `, leaves open ${listed(leavesOpen)}`;
    return `${patchId} (${letter})${open}`;
  });
  const all = [
    ...(named === null ? [] : [`${named} is named`]),
    ...(others.length === 0 ? [] : [`there is ${listed(others, '; ')}`]),
  ];
  return all.length === 0 ? 'there is none' : all.join('; ');
}

function fullReleaseText({ version, build }: NonNullable<ReExposureView['fullRelease']>): string {
  return `${version} (${build}) contains the fix; it protects no device that stays on its base`;
}

function listed(items: readonly string[], between = ', '): string {
  const more = items.length > LISTED_MAX ? ` and ${String(items.length - LISTED_MAX)} more` : '';
  return `${items.slice(0, LISTED_MAX).join(between)}${more}`;
}
