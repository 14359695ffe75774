import { type AccessEvent } from '@sluice/contracts/events';
import { type Immutable } from '@sluice/contracts/primitives';
import { type TokenRole, tokenRoles } from '@sluice/contracts/tokens';

export type Role = TokenRole;

/** What a device token may speak for: one device, or all whose id starts with a prefix. */
export type Binding = NonNullable<Extract<Immutable<AccessEvent>, { type: 'TokenIssued' }>['binding']>;

/** What each role brings with it: what it needs to read, and for whom it speaks. */
const impliedRoles: Readonly<Record<Role, readonly Role[]>> = {
  viewer: [],
  publisher: ['viewer'],
  operator: ['viewer'],
  responder: ['viewer'],
  device: [],
  gateway: ['device'],
  // Instances hand on what devices and people sent to them.
  peer: ['viewer', 'gateway', 'device'],
  admin: tokenRoles,
};

/** What the token of a caller says beside its name and roles. */
export interface CallerToken {
  /** Absent for tokens that are files. */
  readonly tokenId?: string;
  readonly binding?: Binding | undefined;
  readonly expiresAt?: string | undefined;
}

/** Who calls, as far as the token tells. */
export class Caller {
  private readonly all: ReadonlySet<Role>;

  constructor(
    readonly name: string,
    readonly roles: readonly Role[],
    readonly token: CallerToken = {},
  ) {
    this.all = new Set(roles.flatMap((role) => [role, ...impliedRoles[role]]));
  }

  /** The name for logs and traces, which say nothing of devices: the token of one may be called after it. */
  get loggedName(): string {
    return this.roles.includes('device') ? 'a device' : this.name;
  }

  get isAdmin(): boolean {
    return this.all.has('admin');
  }

  has(role: Role): boolean {
    return this.all.has(role);
  }

  maySpeakFor(deviceId: string): boolean {
    if (this.all.has('gateway')) return true;
    const { binding } = this.token;
    if (binding === undefined) return false;
    return 'deviceId' in binding ? deviceId === binding.deviceId : deviceId.startsWith(binding.devicePrefix);
  }
}
