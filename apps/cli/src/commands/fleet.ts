import { platforms } from '@sluice/contracts';
import { type Command, Option } from 'commander';
import { path } from '../api.ts';
import { clean, facts, type Paint, table, time } from '../output.ts';
import { type OpenSession, toCount, toLimit, toTime } from '../session.ts';

const deviceFlags = ['clock-ahead', 'clock-behind', 'id-used-twice'];
const patchStates = ['started', 'installed', 'failed', 'rolledBack', 'replaced'];

interface Fleet {
  readonly asOf: string;
  readonly position: string;
  readonly facts: number;
  readonly devices: number;
  readonly byPlatform?: Readonly<Record<string, number>>;
  readonly byBase?: Readonly<Record<string, number>>;
  readonly patches?: Readonly<Record<string, { installed?: number; failed?: number; rolledBack?: number }>>;
}

interface Device {
  readonly deviceId: string;
  readonly platform: string;
  readonly model: string;
  readonly osVersion: string;
  readonly osBuild: string;
  readonly base: string;
  readonly track: string;
  readonly ring?: string;
  readonly region?: string;
  readonly lastReportAt?: string;
  readonly retiredAt?: string;
  readonly flags?: readonly string[];
  readonly patches?: Readonly<Record<string, DevicePatch>>;
}

interface DevicePatch {
  readonly state: string;
  readonly at: string;
  readonly by?: string;
  readonly failureCode?: string | null;
  readonly failedInstalls?: number;
  readonly failedRemovals?: number;
}

interface ListOptions {
  readonly limit: number;
  readonly patch?: string;
  readonly state?: string;
  readonly platform?: string;
  readonly base?: string;
  readonly flag?: string;
  readonly model?: string;
  readonly track?: string;
  readonly ring?: string;
  readonly region?: string;
  readonly silentSince?: string;
  readonly failedRemovals?: number;
  readonly id?: string;
}

export function addFleetCommands(program: Command, open: OpenSession): void {
  program
    .command('fleet')
    .description('count the fleet, now or as of an instant')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice fleet --at 2026-11-24T10:00:00Z')
    .action(async ({ at }: { at?: string }) => {
      const { api, output } = open();
      output.answer(await api.get<Fleet>('telemetry', '/v1/fleet', { at }), fleetText);
    });
  const device = program.command('device').description('look at single devices');
  addListCommand(device, open);
  device
    .command('show <device>')
    .description('show one device, now or as of an instant')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice device show d-1')
    .action(async (id: string, { at }: { at?: string }) => {
      const { api, output } = open();
      output.answer(await api.get<Device>('telemetry', path`/v1/devices/${id}`, { at }), deviceText);
    });
  device
    .command('retire <device>')
    .description('say that a device is gone, so that nothing waits for it')
    .addHelpText('after', '\nExample:\n  $ sluice device retire d-1')
    .action(async (id: string) => {
      const { api, output } = open();
      const answer = await api.post<object | undefined>('telemetry', path`/v1/devices/${id}/retire`);
      output.answer(answer ?? { deviceId: id, retired: true }, () => `${id} is retired.`);
    });
}

function addListCommand(device: Command, open: OpenSession): void {
  device
    .command('list')
    .description('list devices')
    .option('--patch <patch>', 'with something reported of this patch')
    .addOption(new Option('--state <state>', 'with a patch (or this one) in this state').choices(patchStates))
    .addOption(new Option('--platform <platform>', 'of this platform only').choices(platforms))
    .option('--base <build>', 'on this base build only')
    .addOption(new Option('--flag <flag>', 'of which this is odd').choices(deviceFlags))
    .option('--model <model>', 'of this model only')
    .addOption(new Option('--track <track>', 'on this track only').choices(['automatic', 'manual']))
    .option('--ring <ring>', 'in this ring only')
    .option('--region <region>', 'in this region only')
    .option('--silent-since <time>', 'not heard of since then (RFC 3339)', toTime)
    .option('--failed-removals <count>', 'that failed at least so often to remove a patch, or this one', toCount)
    .option('--id <prefix>', 'whose id begins so')
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice device list --patch ios-26.3.1-a --state installed')
    .action(async ({ limit, patch: patchId, id: q, ...filter }: ListOptions) => {
      const { api, output } = open();
      const page = await api.list<Device>('telemetry', '/v1/devices', limit, { patchId, q, ...filter });
      output.answer(page, ({ items }, paint) => (items.length === 0 ? 'No devices.' : deviceTable(items, paint)));
      const all = typeof page.total === 'number' ? ` (${String(page.total)} in all)` : '';
      if (page.nextCursor !== undefined) output.note(`There are more${all}; ask for them with --limit.`);
    });
}

function fleetText(fleet: Fleet, paint: Paint): string {
  const head = facts(
    [
      ['as of', `${time(fleet.asOf)} (position ${fleet.position})`],
      ['devices', fleet.devices],
      ['facts', fleet.facts],
      ['platforms', counts(fleet.byPlatform)],
      ['bases', counts(fleet.byBase)],
    ],
    paint,
  );
  const patches = Object.entries(fleet.patches ?? {});
  if (patches.length === 0) return head;
  const body = table(
    patches,
    [
      { head: 'PATCH', text: ([patchId]) => patchId },
      { head: 'INSTALLED', align: 'right', text: ([, { installed }]) => installed ?? 0 },
      { head: 'FAILED', align: 'right', text: ([, { failed }]) => failed ?? 0 },
      { head: 'ROLLED BACK', align: 'right', text: ([, { rolledBack }]) => rolledBack ?? 0 },
    ],
    paint,
  );
  return `${head}\n\n${body}`;
}

function deviceTable(devices: readonly Device[], paint: Paint): string {
  return table(
    devices,
    [
      { head: 'DEVICE', text: ({ deviceId }) => deviceId },
      { head: 'PLATFORM', text: ({ platform }) => platform },
      { head: 'MODEL', text: ({ model }) => model },
      { head: 'VERSION', text: ({ osVersion, osBuild }) => `${osVersion} (${osBuild})` },
      { head: 'BASE', text: ({ base }) => base },
      { head: 'TRACK', text: ({ track }) => track },
      { head: 'LAST REPORT', text: ({ lastReportAt }) => time(lastReportAt) },
      { head: 'PATCHES', text: ({ patches = {} }) => stateTexts(patches).join(', ') },
    ],
    paint,
  );
}

function deviceText(device: Device, paint: Paint): string {
  return facts(
    [
      ['device', device.deviceId],
      ['model', `${device.model} (${device.platform})`],
      ['version', `${device.osVersion} (${device.osBuild}), base ${device.base}`],
      ['track', device.track],
      ['ring', device.ring],
      ['region', device.region],
      ['last report', time(device.lastReportAt)],
      ['retired', time(device.retiredAt)],
      ['odd', device.flags?.join(', ')],
      ...Object.entries(device.patches ?? {}).map(([id, patch]) => [id, patchText(patch)] as const),
    ],
    paint,
  );
}

/** As in: installed (by its build) at …, 2 failed installs (verification-failed). */
function patchText({ state, at, by, failureCode, failedInstalls = 0, failedRemovals = 0 }: DevicePatch): string {
  const why = by === undefined ? '' : by === 'build' ? ' (by its build)' : ' (it says so, and has yet to restart)';
  const failures = [
    ...(failedInstalls > 0 ? [`${String(failedInstalls)} failed installs`] : []),
    ...(failedRemovals > 0 ? [`${String(failedRemovals)} failed removals`] : []),
  ].join(', ');
  const code = typeof failureCode === 'string' ? ` (${clean(failureCode)})` : '';
  return `${state}${why} at ${time(at)}${failures === '' ? '' : `, ${failures}${code}`}`;
}

function stateTexts(patches: NonNullable<Device['patches']>): string[] {
  return Object.entries(patches).map(([patchId, { state }]) => `${patchId} ${state}`);
}

function counts(of: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(of ?? {})
    .sort(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}
