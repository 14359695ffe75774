import { type Command, Option } from 'commander';
import { path } from '../api.ts';
import { table, time } from '../output.ts';
import { gather, type OpenSession } from '../session.ts';

interface TokenInfo {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly binding?: { readonly deviceId?: string; readonly devicePrefix?: string };
  readonly createdAt?: string;
}

interface CreateOptions {
  readonly name: string;
  readonly role: readonly string[];
  readonly device?: string;
  readonly devicePrefix?: string;
}

/** Tokens lie in one folder for all services, or in one for each: with --url the person says whose. */
export function addTokenCommands(program: Command, open: OpenSession): void {
  const token = program.command('token').description('make, list and revoke tokens (admin only)');
  token
    .command('create')
    .description('make a token; its text is printed once and kept nowhere')
    .requiredOption('--name <name>', 'who or what uses it; the actor of its commands')
    .requiredOption('--role <role>', 'viewer, publisher, operator, responder or device; may be repeated', gather)
    .addOption(new Option('--device <id>', 'speaks for this device only').conflicts('devicePrefix'))
    .option('--device-prefix <prefix>', 'speaks for all devices whose id starts so')
    .addHelpText('after', '\nExample:\n  $ sluice token create --name gateway-7 --role device --device-prefix g7-')
    .action(async ({ name, role, device, devicePrefix }: CreateOptions) => {
      const { api, output } = open();
      const body = { name, roles: role, deviceId: device, devicePrefix };
      const created = await api.post<{ token: string; info: TokenInfo }>('catalog', '/v1/tokens', body);
      output.answer(created, ({ token: text }) => text);
      output.note(`Keep it now; it is not shown again. \`sluice token revoke ${created.info.id}\` ends it.`);
    });
  token
    .command('list')
    .description('list tokens, without their text')
    .addHelpText('after', '\nExample:\n  $ sluice token list')
    .action(async () => {
      const { api, output } = open();
      output.answer(await api.get<{ items: TokenInfo[] }>('catalog', '/v1/tokens'), ({ items }, paint) =>
        items.length === 0 ? 'No tokens but the admin token.' : tokenTable(items, paint),
      );
    });
  token
    .command('revoke <token>')
    .description('end a token, named by its id')
    .addHelpText('after', '\nExample:\n  $ sluice token revoke 0123456789ab')
    .action(async (id: string) => {
      const { api, output } = open();
      await api.call('DELETE', 'catalog', path`/v1/tokens/${id}`);
      output.answer({ id, revoked: true }, () => `${id} is revoked; no service takes it after five seconds at most.`);
    });
}

function tokenTable(tokens: readonly TokenInfo[], paint: Parameters<typeof table>[2]): string {
  return table(
    tokens,
    [
      { head: 'TOKEN', text: ({ id }) => id },
      { head: 'NAME', text: ({ name }) => name },
      { head: 'ROLES', text: ({ roles }) => roles.join(' ') },
      { head: 'SPEAKS FOR', text: speaksFor },
      { head: 'CREATED', text: ({ createdAt }) => time(createdAt) },
    ],
    paint,
  );
}

function speaksFor({ binding }: TokenInfo): string {
  if (binding?.deviceId !== undefined) return binding.deviceId;
  if (binding?.devicePrefix !== undefined) return `${binding.devicePrefix}*`;
  return '';
}
