import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  tokenRoles,
  ADMIN_TOKEN_FILE,
  ADMIN_TOKEN_START,
  FORMER_ADMIN_TOKEN_FILE,
  FORMER_ADMIN_TOKEN_MS,
  type FormerAdminToken,
  PRIVATE_FILE_MODE,
} from '@sluice/contracts/tokens';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { bodyOf, given, type TokenPage, type TokenRole, type TokenView } from '@sluice/api-client';
import { type Command, Option } from 'commander';
import { type Api, type Page } from '../api.ts';
import { CliError, usageError } from '../errors.ts';
import { table, time } from '../output.ts';
import { gather, type OpenSession, type Session, toLimit, toTime } from '../session.ts';

const SECRET_BYTES = 24;
const LIST_LIMIT = 1_000;

interface CreateOptions {
  readonly name: string;
  readonly role: readonly string[];
  readonly device?: string;
  readonly devicePrefix?: string;
  readonly expires?: string;
}

/** The catalog makes and ends tokens; each service knows by itself when one was used there. */
export function addTokenCommands(program: Command, open: OpenSession): void {
  const token = program.command('token').description('make, list and revoke tokens (admin only)');
  token
    .command('create')
    .description('make a token; its text is printed once and kept nowhere')
    .requiredOption('--name <name>', 'who or what uses it; the actor of its commands')
    .requiredOption('--role <role>', `${tokenRoles.slice(0, -1).join(', ')} or admin; may be repeated`, gather)
    .addOption(new Option('--device <id>', 'speaks for this device only').conflicts('devicePrefix'))
    .option('--device-prefix <prefix>', 'speaks for all devices whose id starts so')
    .option('--expires <time>', 'is refused from then on (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice token create --name gateway-7 --role device --device-prefix g7-')
    .action(async ({ name, role, device, devicePrefix, expires }: CreateOptions) => {
      const { api, output } = open();
      // The catalog names a role that is none.
      const roles = role as TokenRole[];
      const body = { name, roles, ...given({ deviceId: device, devicePrefix, expiresAt: expires }) };
      const created = await bodyOf(api.of('catalog').POST('/v1/tokens', { body }));
      output.answer(created, ({ token: text }) => text);
      output.note(`Keep it now; it is not shown again. \`sluice token revoke ${created.info.id}\` ends it.`);
    });
  token
    .command('list')
    .description('list tokens, without their text')
    .option('--limit <count>', 'at most so many', toLimit, LIST_LIMIT)
    .addHelpText('after', '\nExample:\n  $ sluice token list')
    .action(({ limit }: { limit: number }) => list(open(), limit));
  token
    .command('revoke <token>')
    .description('end a token, named by its id')
    .addHelpText('after', '\nExample:\n  $ sluice token revoke 0123456789ab')
    .action(async (id: string) => {
      const { api, output } = open();
      await api.of('catalog').DELETE('/v1/tokens/{id}', { params: { path: { id } } });
      output.answer(
        { id, revoked: true },
        () => `${id} is revoked. The catalog takes it no more, each other service once it hears of that.`,
      );
    });
  token
    .command('rotate-admin')
    .description('put a new admin token into a data folder of this machine; the former one works for ten more minutes')
    .option('--now', 'the former one ends at once')
    .addHelpText(
      'after',
      '\nNo service has to be started again.\n\nExample:\n  $ sluice token rotate-admin --data .sluice',
    )
    .action((options: { now?: true }) => rotate(open(), options));
}

async function list({ api, output }: Session, limit: number): Promise<void> {
  const [first] = api.hosts(['catalog']);
  const page = await listOf(api, 'catalog', limit);
  const { notTakenOver = [] } = await pageOf(api, 'catalog', { limit: 1 });
  const items = new Map(page.items.map((item) => [item.id, item]));
  for (const { url, services } of api.hosts().filter((host) => host.url !== first?.url)) {
    try {
      for (const item of (await listOf(api, services[0], limit)).items) mergeUse(items, item);
    } catch (error) {
      if (!(error instanceof CliError) || error.exit === 'interrupted') throw error;
      output.note(`${url} does not tell which tokens were used there: ${error.story.what}`);
    }
  }
  const merged = { ...page, items: [...items.values()], ...(notTakenOver.length > 0 && { notTakenOver }) };
  output.answer(merged, ({ items: shown }, paint) =>
    shown.length === 0 ? 'No tokens but the admin token.' : tokenTable(shown, paint),
  );
  if (page.nextCursor !== undefined) output.note('There are more. Give a larger --limit.');
  for (const file of notTakenOver) {
    output.note(`tokens/${file} was kept by a former version and cannot be read; the log of the catalog says why.`);
  }
}

function listOf(api: Api, service: ServiceName, limit: number): Promise<Page<TokenView>> {
  return api.list(limit, (page) => pageOf(api, service, page));
}

function pageOf(
  api: Api,
  service: ServiceName,
  page: { limit: number; cursor?: string | undefined },
): Promise<TokenPage> {
  return bodyOf(api.of(service).GET('/v1/tokens', { params: { query: given(page) } }));
}

function mergeUse(items: Map<string, TokenView>, { id, lastUsedAt = '' }: TokenView): void {
  const known = items.get(id);
  if (known !== undefined && lastUsedAt > (known.lastUsedAt ?? '')) items.set(id, { ...known, lastUsedAt });
}

function rotate({ output, dataFolders }: Session, { now }: { now?: true }): void {
  const found = dataFolders.flatMap((folder) => {
    const file = join(folder, ADMIN_TOKEN_FILE);
    const text = readIfThere(file);
    return text === undefined ? [] : [{ folder, file, text }];
  });
  const [{ folder, file, text } = noFolder(dataFolders)] = found;
  const former = join(folder, FORMER_ADMIN_TOKEN_FILE);
  try {
    // Said before the token changes: a crash in between leaves the present one good, and never none.
    if (now === true) rmSync(former, { force: true });
    else replace(former, JSON.stringify(formerOf(text)));
    replace(file, `${ADMIN_TOKEN_START}${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
  } catch (error) {
    throw usageError(
      `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
      'Where it is mounted from elsewhere, as in Kubernetes, change it there.',
    );
  }
  const answer = { file, formerWorksMinutes: now === true ? 0 : FORMER_ADMIN_TOKEN_MS / 60_000 };
  output.answer(answer, ({ formerWorksMinutes }) =>
    formerWorksMinutes === 0
      ? `${file} has a new admin token. The former one has ended.`
      : `${file} has a new admin token. The former one works for ${String(formerWorksMinutes)} more minutes.`,
  );
}

function formerOf(text: string): FormerAdminToken {
  return { sha256: createHash('sha256').update(text).digest('hex'), untilMs: Date.now() + FORMER_ADMIN_TOKEN_MS };
}

function noFolder(folders: readonly string[]): never {
  throw usageError(
    `There is no ${ADMIN_TOKEN_FILE} in ${folders.join(' or in ')}.`,
    'Name the data folder, or the folder of tokens that services share, with --data.',
  );
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Whoever reads the file sees the old or the new content, whole. */
function replace(file: string, content: string): void {
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  const opened = openSync(temporary, 'wx', PRIVATE_FILE_MODE);
  try {
    writeSync(opened, content);
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
  renameSync(temporary, file);
}

function tokenTable(tokens: readonly TokenView[], paint: Parameters<typeof table>[2]): string {
  return table(
    tokens,
    [
      { head: 'TOKEN', text: ({ id }) => id },
      { head: 'NAME', text: ({ name }) => name },
      { head: 'ROLES', text: ({ roles }) => roles.join(' ') },
      { head: 'SPEAKS FOR', text: speaksFor },
      { head: 'CREATED', text: ({ createdAt }) => time(createdAt) },
      { head: 'EXPIRES', text: ({ expiresAt }) => time(expiresAt) },
      { head: 'LAST USED', text: ({ lastUsedAt }) => time(lastUsedAt) },
    ],
    paint,
  );
}

function speaksFor({ binding, roles }: TokenView): string {
  if (binding?.deviceId !== undefined) return binding.deviceId;
  if (binding?.devicePrefix !== undefined) return `${binding.devicePrefix}*`;
  return roles.includes('gateway') ? '*' : '';
}
