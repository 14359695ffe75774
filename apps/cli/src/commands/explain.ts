import {
  bodyOf,
  type ChangeView,
  type ExplainBody,
  type ExplanationView,
  given,
  type RuleCode,
  type RuleView,
} from '@sluice/api-client';
import { type Command } from 'commander';
import { usageError } from '../errors.ts';
import { clean, facts, type Paint, time } from '../output.ts';
import { type OpenSession, type Session, toTime } from '../session.ts';

interface ExplainOptions {
  readonly patch?: string;
  readonly at?: string;
  readonly checkIn?: string;
}

export function addExplainCommand(program: Command, open: OpenSession): void {
  program
    .command('explain <device>')
    .description('why a device is told what it is told: each rule in order, and what would change the answer')
    .option('--patch <patch>', 'what becomes of this patch on it; its whole answer if not given')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .option('--check-in <file>', 'a check-in as JSON in place of its last reports (- for standard input)')
    .addHelpText(
      'after',
      '\n✓ the rule passed, → it decided, ? something that it looks at is not known, · it was not reached.\n\n' +
        'Examples:\n  $ sluice explain d-1\n  $ sluice explain d-1 --patch ios-26.3.1-a --at 2026-11-24T10:00:00Z',
    )
    .action(async (deviceId: string, { patch: patchId, at, checkIn }: ExplainOptions) => {
      const session = open();
      const { api, output } = session;
      const orchestrator = api.of('orchestrator');
      const explained =
        checkIn === undefined
          ? orchestrator.GET('/v1/explain', { params: { query: { deviceId, ...given({ patchId, at }) } } })
          : orchestrator.POST('/v1/explain', {
              body: { ...(await readCheckIn(session, checkIn, deviceId)), ...given({ patchId, at }) },
            });
      output.answer(await bodyOf(explained), explanationText);
    });
}

async function readCheckIn(session: Session, file: string, deviceId: string): Promise<ExplainBody> {
  const body = (await session.readJson(file)) as Partial<ExplainBody> | null;
  if (body?.deviceId !== undefined && body.deviceId !== deviceId) {
    throw usageError(
      `The check-in is of ${body.deviceId}, and not of ${deviceId}.`,
      'Name the device of the check-in.',
    );
  }
  return { ...body, deviceId } as ExplainBody;
}

function explanationText(explained: ExplanationView, paint: Paint): string {
  const { asOf, position, patchId, rules, changes, unknown, others, words } = explained;
  const width = Math.max(...rules.map(({ rule }) => rule.length));
  const head = facts(
    [
      ['device', deviceText(explained)],
      ['as of', `${time(asOf)}${typeof position === 'string' ? ` (position ${position})` : ''}`],
      ['patch', patchId ?? undefined],
    ],
    paint,
  );
  const tail = facts(
    [
      ...changes.map((change) => ['would change', changeText(change)] as const),
      ...unknown.filter(({ rule }) => isShown(rule, explained)).map((each) => ['not known', each.words] as const),
      ['other patches', others.map((each) => `${each.patchId} (${each.reason})`).join(', ')],
    ],
    paint,
  );
  const answer = paint(explained.directive === null ? 'yellow' : 'bold', clean(words));
  return [head, '', answer, '', ...rules.map((each) => ruleText(each, width, paint)), '', tail].join('\n').trimEnd();
}

/** The rule of an unknown says it already, unless it was judged all the same. */
function isShown(rule: RuleCode, { rules }: ExplanationView): boolean {
  return rules.find((each) => each.rule === rule)?.outcome !== 'unknown';
}

function deviceText({ deviceId, device, deviceBy }: ExplanationView): string {
  if (device === null) return `${deviceId}, which is not known (${deviceBy})`;
  const ring = device.ring === undefined ? '' : `, ring ${device.ring}`;
  const known = device.lastReportAt === undefined ? 'by its check-in' : `last heard of ${time(device.lastReportAt)}`;
  const retired = device.retiredAt === undefined ? '' : `, retired ${time(device.retiredAt)}`;
  return `${deviceId}, ${device.model} on ${device.osBuild}, ${device.track}${ring}; ${known}${retired}`;
}

function changeText({ words, at }: ChangeView): string {
  return at === undefined || words.includes(at) ? words : `${words} (${time(at)})`;
}

function ruleText({ rule, outcome, words }: RuleView, width: number, paint: Paint): string {
  const marks = {
    passed: paint('green', '✓'),
    decided: paint('cyan', '→'),
    unknown: paint('yellow', '?'),
    'not-reached': paint('dim', '·'),
  };
  const name = rule.padEnd(width);
  return `${marks[outcome]} ${outcome === 'not-reached' ? paint('dim', name) : name}  ${clean(words)}`.trimEnd();
}
