import { type Command } from 'commander';
import { checkDataFolders } from '../doctor/data-folder.ts';
import { type Finding, ok, warning } from '../doctor/finding.ts';
import { checkInstallation } from '../doctor/installation.ts';
import { checkPort } from '../doctor/port.ts';
import { checkService } from '../doctor/service.ts';
import { type Host } from '../api.ts';
import { clean, type Paint, type Style } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';

const styles: Readonly<Record<Finding['verdict'], Style>> = { ok: 'green', warning: 'yellow', fault: 'red' };
const HELP = `
It looks at this installation and, with --data, at a folder of this machine, and asks the services. To time the disk it
writes a small file into the folder, and removes it again; it changes nothing else. What it could not look at is a warning.
It works also where nothing runs. Exits with 0 when no fault was found (warnings are none), and with 1 for a fault.

Examples:
  $ sluice doctor
  $ sluice doctor --data .sluice --json`;

export function addDoctorCommand(program: Command, open: OpenSession): void {
  program
    .command('doctor')
    .description('look for what is wrong: installation, data folder, disk, ports, clock, token, sources')
    .addHelpText('after', HELP)
    .action(async () => {
      const session = open();
      const services = await Promise.all(session.api.hosts().map((host) => checkHost(session, host)));
      const findings = [
        ...checkInstallation(),
        ...checkDataFolders(session.dataFolders, session.isDataNamed),
        ...tokenFindings(session),
        ...services.flat(),
      ];
      const count = (verdict: Finding['verdict']) => findings.filter((each) => each.verdict === verdict).length;
      const answer = { faults: count('fault'), warnings: count('warning'), findings };
      session.output.answer(answer, (_, paint) => findingsText(findings, paint));
      if (answer.faults > 0) session.exit = 'no';
    });
}

async function checkHost({ api, terminal }: Session, host: Host): Promise<Finding[]> {
  const { findings, isSluice } = await checkPort(host.url, terminal.signal);
  return isSluice ? [...findings, ...(await checkService(api, host))] : findings;
}

function tokenFindings({ api, dataFolders }: Session): Finding[] {
  if (api.tokenOrigin !== undefined) return [ok('token', `A token was found: ${api.tokenOrigin}.`)];
  const mend = 'Name the data folder of the server with --data, or give --token or SLUICE_TOKEN.';
  return [warning('token', `No token was found, neither given nor in ${dataFolders.join(' or ')}.`, mend)];
}

function findingsText(findings: readonly Finding[], paint: Paint): string {
  const lines = findings.flatMap(({ about, verdict, says, mend }) => [
    `${paint(styles[verdict], verdict.padEnd(7))}  ${about.padEnd(12)}  ${clean(says)}`,
    ...(mend === undefined ? [] : [`${' '.repeat(23)}${paint('cyan', '→')} ${clean(mend)}`]),
  ]);
  return lines.join('\n');
}
