import { BlockList, isIP } from 'node:net';
import { SettingsError } from '@sluice/platform';

const HOST_NAME = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const PREFIX_LENGTH = /^\d{1,3}$/;

/**
 * The addresses of other instances that a token may be sent to. Addresses of instances come in messages, and whoever can
 * write those must not be sent one: so only hosts that the operator has named are asked.
 */
export class PeerHosts {
  private readonly names = new Set<string>();
  private readonly endings: string[] = [];
  private readonly networks = new BlockList();

  /** Host names, with at most one leading `*.`, and networks as CIDRs, comma-separated. Throws SettingsError. */
  constructor(text: string) {
    for (const part of text.split(',').map((each) => each.trim().toLowerCase())) {
      if (part !== '') this.add(part);
    }
  }

  /** True for an http or https address, without a user, of a host that was named. */
  has(address: string): boolean {
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    if (family !== 0) return this.networks.check(host, family === 4 ? 'ipv4' : 'ipv6');
    return this.names.has(host) || this.endings.some((ending) => host.endsWith(ending) && host.length > ending.length);
  }

  private add(part: string): void {
    const [network = '', length, ...more] = part.split('/');
    const family = isIP(network);
    if (family !== 0) return this.addNetwork(part, { network, length, more, family });
    if (length !== undefined || !HOST_NAME.test(part)) throw wrong(part);
    if (part.startsWith('*.')) this.endings.push(part.slice(1));
    else this.names.add(part);
  }

  private addNetwork(
    part: string,
    { network, length, more, family }: { network: string; length: string | undefined; more: string[]; family: number },
  ): void {
    const bits = family === 4 ? 32 : 128;
    const prefix = length === undefined ? bits : PREFIX_LENGTH.test(length) ? Number(length) : Infinity;
    if (more.length > 0 || prefix > bits) throw wrong(part);
    this.networks.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
}

function wrong(part: string): SettingsError {
  return new SettingsError(
    `--peer-hosts (or SLUICE_PEER_HOSTS) has ${JSON.stringify(part)}, but takes host names, *.names and CIDRs with commas between`,
  );
}
