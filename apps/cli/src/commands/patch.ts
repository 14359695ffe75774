import {
  bodyOf,
  enums,
  given,
  type PatchStatus,
  type PatchView,
  type Platform,
  type PublishPatchBody,
  type PullMode,
} from '@sluice/api-client';
import { type Command, Option } from 'commander';
import { usageError } from '../errors.ts';
import { facts, type Paint, type Style, table, time } from '../output.ts';
import { type OpenSession, type Session, toCount, toLimit, toTime } from '../session.ts';
import { askedText, previewOrReason, previewText, reExposureOf, reExposureText, requestedText } from './re-exposure.ts';

interface PullOptions {
  readonly mode: PullMode;
  readonly reason?: string;
  readonly replacement?: string;
  readonly removePerHour?: number;
  readonly breakGlass?: string;
  readonly yes?: true;
}

export function addPatchCommands(program: Command, open: OpenSession): void {
  const patch = program.command('patch').description('publish, look at and pull patches');
  addReadingCommands(patch, open);
  patch
    .command('publish <file>')
    .description('publish the patch that a JSON file describes (- for standard input)')
    .addHelpText('after', '\nExample:\n  $ sluice patch publish ios-26.3.1-a.json')
    .action(async (file: string) => {
      const session = open();
      const body = (await session.readJson(file)) as PublishPatchBody;
      const publishing = session.api.of('catalog').POST('/v1/patches', { body });
      const { response } = await publishing;
      session.output.answer(await bodyOf(publishing), ({ patchId }) =>
        response.status === 201 ? `Published ${patchId}.` : `${patchId} was published before; nothing changed.`,
      );
    });
  patch
    .command('pull <patch>')
    .description('stop offering a patch; with --mode recall, also take it back from the devices that have it')
    .addOption(new Option('--mode <mode>', 'withdraw or recall').choices(enums.PullMode).makeOptionMandatory())
    .option('--reason <text>', 'why, for those who ask later')
    .option('--replacement <patch>', 'patch to install instead')
    .option('--remove-per-hour <devices>', 'of a recall: direct so many devices an hour to remove it, no more', toCount)
    .option('--break-glass <reason>', 'of a recall that takes two people: why one decides on it alone; shown for good')
    .option('--yes', 'do not ask before a recall')
    .addHelpText(
      'after',
      '\nA withdrawal needs nothing. Before a recall, what it re-opens and whom it hits is shown on standard error, with --yes' +
        ' too, and\nthe digest of what is shown is sent. Where exploited CVEs open again, it is withdrawn at once, and a second' +
        ' person confirms.\n\nExample:\n  $ sluice patch pull ios-26.3.1-a --mode recall --reason "boot loops on iPhone18,1"',
    )
    .action((id: string, options: PullOptions) => pull(open(), id, options));
  patch
    .command('fold-in <patch>')
    .description('say that a full release contains the patch')
    .requiredOption('--version <version>', 'version of the full release')
    .requiredOption('--build <build>', 'build of the full release')
    .addHelpText('after', '\nExample:\n  $ sluice patch fold-in ios-26.3.1-a --version 26.4 --build 23E246')
    .action(async (id: string, { version, build }: { version: string; build: string }) => {
      const { api, output } = open();
      const call = { params: { path: { id } }, body: { version, build } };
      const folded = await bodyOf(api.of('catalog').POST('/v1/patches/{id}/fold-in', call));
      output.answer(folded, () => `${id} is folded into ${version} (${build}).`);
    });
}

interface ListOptions {
  readonly limit: number;
  readonly platform?: Platform;
  readonly status?: PatchStatus;
  readonly at?: string;
}

function addReadingCommands(patch: Command, open: OpenSession): void {
  patch
    .command('list')
    .description('list patches')
    .addOption(new Option('--platform <platform>', 'of this platform only').choices(enums.Platform))
    .addOption(new Option('--status <status>', 'with this status only').choices(enums.PatchStatus))
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice patch list --platform ios --status published')
    .action(async ({ limit, ...filter }: ListOptions) => {
      const { api, output } = open();
      const page = await api.list(limit, (each) =>
        bodyOf(api.of('catalog').GET('/v1/patches', { params: { query: given({ ...filter, ...each }) } })),
      );
      output.answer(page, ({ items }, paint) =>
        items.length === 0
          ? 'No patches. `sluice patch publish` or `sluice import` brings some.'
          : patchTable(items, paint),
      );
      if (page.nextCursor !== undefined) output.note('There are more; ask for them with --limit.');
    });
  patch
    .command('show <patch>')
    .description('show one patch, now or as of an instant')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice patch show ios-26.3.1-a')
    .action(async (id: string, { at }: { at?: string }) => {
      const { api, output } = open();
      const params = { path: { id }, query: given({ at }) };
      const shown = await bodyOf(api.of('catalog').GET('/v1/patches/{id}', { params }));
      output.answer(shown, patchText);
    });
  patch
    .command('re-exposure <patch>')
    .description('show what a recall of the patch re-opens: CVEs, builds, and what there is to go on to')
    .addHelpText('after', '\nExample:\n  $ sluice patch re-exposure ios-26.3.1-a')
    .action(async (id: string) => {
      const { api, output } = open();
      output.answer(await reExposureOf(api, id), reExposureText);
    });
}

async function pull(session: Session, id: string, options: PullOptions): Promise<void> {
  const { api, output } = session;
  const { mode, reason, replacement, removePerHour: removePerHourMax } = options;
  if (replacement === id) throw usageError('A patch does not replace itself.', 'Name another patch, or none.');
  const order = { mode, ...given({ reason, replacement, removePerHourMax }) };
  // Stopping is never held up by a question; a recall restarts devices and opens holes again.
  const body = mode === 'recall' ? { ...order, ...(await seenLedger(session, id, options)) } : order;
  const pulled = await bodyOf(api.of('catalog').POST('/v1/patches/{id}/pull', { params: { path: { id } }, body }));
  output.answer(pulled, () => {
    if (pulled.requested !== undefined) return requestedText(pulled);
    return mode === 'recall'
      ? `${id} is recalled. Devices that have it remove it at their next check-in: \`sluice recall watch ${id}\` follows them.`
      : `${id} is withdrawn. Nobody is offered it any more; devices keep what they have.`;
  });
}

/** Shows what the recall re-opens and whom it hits, and asks. Answers with what is sent of that: the digest of what was shown. */
async function seenLedger(
  session: Session,
  id: string,
  { yes, replacement, breakGlass }: Pick<PullOptions, 'yes' | 'replacement' | 'breakGlass'>,
) {
  const { api, output } = session;
  if (yes === undefined) session.checkCanConfirm();
  const [reExposure, preview, { requested }] = await Promise.all([
    reExposureOf(api, id),
    previewOrReason(api, id, replacement),
    bodyOf(api.of('catalog').GET('/v1/patches/{id}', { params: { path: { id } } })),
  ]);
  output.show({ reExposure, preview, ...given({ requested }) }, (paint) =>
    [reExposureText(reExposure, paint), previewText(preview, paint), askedText(requested, reExposure)]
      .filter((text) => text !== undefined)
      .join('\n'),
  );
  if (yes === undefined) await session.confirm(id, 'A recall is never undone.');
  const alone = breakGlass === undefined ? undefined : { reason: breakGlass };
  return { ledgerDigest: reExposure.digest, ...given({ breakGlass: alone }) };
}

function patchTable(patches: readonly PatchView[], paint: Paint): string {
  return table(
    patches,
    [
      { head: 'PATCH', text: ({ patchId }) => patchId },
      { head: 'PLATFORM', text: ({ platform }) => platform },
      { head: 'VERSION', text: ({ baseVersion, letter }) => `${baseVersion} (${letter})` },
      { head: 'STATUS', text: ({ status }) => status, style: styleOf },
      { head: 'VARIANTS', align: 'right', text: ({ variants }) => variants.length },
      { head: 'CVES', align: 'right', text: ({ cves }) => cves.length },
      { head: '', text: what },
    ],
    paint,
  );
}

function patchText(patch: PatchView, paint: Paint): string {
  const { pulled, foldedInto } = patch;
  const head = facts(
    [
      ['patch', patch.patchId],
      ['version', `${patch.platform} ${patch.baseVersion} (${patch.letter})`],
      ['status', patch.status],
      ['pulled', pulled && `${pulled.mode} at ${time(pulled.at)}: ${pulled.reason}${durability(pulled)}`],
      ['by', pulled && peopleText(pulled)],
      [
        'recall asked',
        patch.requested && `at ${time(patch.requested.at)} by ${patch.requested.by}: ${patch.requested.reason}`,
      ],
      ['replacement', pulled?.replacement],
      ['recall epoch', patch.recallEpoch],
      ['superseded by', patch.supersededBy],
      ['folded into', foldedInto && `${foldedInto.version} (${foldedInto.build})`],
      ['published', time(patch.publishedAt)],
      ['release notes', patch.releaseNotesUrl],
      ['CVEs', patch.cves.map(({ id, exploited }) => (exploited ? `${id} (exploited)` : id)).join(', ')],
    ],
    paint,
  );
  const variants = table(
    patch.variants,
    [
      { head: 'BUILD', text: ({ build }) => build },
      { head: 'FOR BASE', text: ({ prerequisiteBuild }) => prerequisiteBuild },
      { head: 'ARTIFACT', text: ({ artifact, artifacts = [] }) => artifactsText(artifact, artifacts.length) },
      { head: 'MODELS', text: ({ models }) => models.join(' ') },
    ],
    paint,
  );
  return `${head}\n\n${variants}`;
}

function artifactsText(artifact: PatchView['variants'][number]['artifact'], packages: number): string {
  if (packages === 0) return artifact?.url ?? '–';
  return `${String(packages)} by model${artifact === undefined ? '' : `, else ${artifact.url}`}`;
}

function what({ supersededBy, foldedInto, pulled, requested }: PatchView): string {
  const asked = requested === undefined ? '' : `; ${requested.by} asks for its recall`;
  if (pulled !== undefined) return `${pulled.mode}: ${pulled.reason}${durability(pulled)}${asked}`;
  if (foldedInto !== undefined) return `in ${foldedInto.version}`;
  return supersededBy === undefined ? '' : `by ${supersededBy}`;
}

/** Who decided on it. That one person broke the glass is said for good. */
function peopleText({
  by,
  requestedBy,
  confirmedBy,
  breakGlass,
}: NonNullable<PatchView['pulled']>): string | undefined {
  const how = [
    ...(requestedBy === undefined ? [] : [`asked for by ${requestedBy}, confirmed by ${confirmedBy ?? 'nobody'}`]),
    ...(breakGlass === undefined ? [] : [`${breakGlass.by} broke the glass: ${breakGlass.reason}`]),
  ];
  return by === undefined ? undefined : [by, ...how].join('; ');
}

function durability({ durable = true }: { readonly durable?: boolean }): string {
  return durable ? '' : ' (in force, not stored yet)';
}

function styleOf({ status }: PatchView): Style | undefined {
  return status === 'pulled' ? 'red' : status === 'published' ? 'green' : 'dim';
}
