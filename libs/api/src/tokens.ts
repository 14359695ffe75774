import { wordsOf } from '@sluice/contracts/pattern-words';
import { ID_PATTERN } from '@sluice/contracts/primitives';
import { type TokenRole, tokenRoles, TOKEN_NAME_CHARACTERS_MAX } from '@sluice/contracts/tokens';
import { Id, OneOf, Part, Text, Time } from './fields.ts';
import { pageOf } from './paging.ts';

/** Neither control characters, nor blanks at either end: the name is the actor of commands, in logs and headers. */
const NAME_PATTERN = '^(?! )[^\\u0000-\\u001f\\u007f-\\u009f]+(?<! )$';

const Roles = (description: string) =>
  OneOf(tokenRoles, 'TokenRole', { description, list: { min: 1, max: tokenRoles.length, unique: true } });

const Name = () =>
  Text({
    min: 1,
    max: TOKEN_NAME_CHARACTERS_MAX,
    pattern: NAME_PATTERN,
    says: 'a name without control characters, and without blanks at its ends',
    description: 'Who or what uses the token; the actor of its commands.',
    example: 'gateway-7',
  });

export class IssueTokenBody {
  @Name()
  name!: string;

  @Roles('What it may do. A device token is bound to devices; a gateway speaks for any device.')
  roles!: TokenRole[];

  @Id({ optional: true, description: 'A device token that speaks for this device only.' })
  deviceId?: string;

  @Id({ optional: true, description: 'A device token that speaks for all devices whose id starts so.' })
  devicePrefix?: string;

  @Time({ optional: true, description: 'From then on it is refused.' })
  expiresAt?: string;
}

export class TokenPath {
  @Id()
  readonly id!: string;
}

export class TokenBinding {
  @Id({ optional: true })
  deviceId?: string;

  @Id({ optional: true })
  devicePrefix?: string;
}

export class TokenView {
  @Text({ max: 64, pattern: ID_PATTERN, says: wordsOf(ID_PATTERN), example: '4f0c9a7be231' })
  id!: string;

  @Name()
  name!: string;

  @Roles('What it may do.')
  roles!: TokenRole[];

  @Part(() => TokenBinding, { optional: true, description: 'For which devices a device token speaks.' })
  binding?: TokenBinding;

  @Time()
  createdAt!: string;

  @Time({ optional: true })
  expiresAt?: string;

  @Time({ optional: true, description: 'The begin of the hour in which this service was last asked with it.' })
  lastUsedAt?: string;
}

export class IssuedToken {
  @Text({
    max: 200,
    pattern: '^slc_[A-Za-z0-9_-]+$',
    says: 'a token',
    description: 'The token. It is shown here once, and kept nowhere.',
  })
  token!: string;

  @Part(() => TokenView)
  info!: TokenView;
}

/** In the order in which they were issued; expired ones too. */
export class TokenPage extends pageOf(() => TokenView) {
  @Text({
    max: 255,
    optional: true,
    list: { max: 100 },
    description: 'Files of the tokens folder, of former versions, that could not be taken over; at most 100 of them.',
  })
  notTakenOver?: string[];
}

/** Who asks. */
export class MeView {
  @Text({ max: TOKEN_NAME_CHARACTERS_MAX })
  name!: string;

  @Roles('What it may do, and what follows from that.')
  roles!: TokenRole[];

  @Text({
    max: 64,
    pattern: ID_PATTERN,
    says: wordsOf(ID_PATTERN),
    optional: true,
    description: 'The id of the token; absent where it is a file.',
  })
  tokenId?: string;

  @Part(() => TokenBinding, { optional: true })
  binding?: TokenBinding;

  @Time({ optional: true })
  expiresAt?: string;
}
