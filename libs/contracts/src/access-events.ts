import Type from 'typebox';
import { event } from './event-shapes.ts';
import { Id, Time } from './primitives.ts';
import { TOKEN_NAME_CHARACTERS_MAX, tokenRoles } from './tokens.ts';

/** What a device token may speak for: one device, or all whose id starts with a prefix. */
const TokenBinding = Type.Union([Type.Object({ deviceId: Id }), Type.Object({ devicePrefix: Id })]);

const token = { tokenId: Id, at: Time };

/** Of the secret only the hash is kept: SHA-256 of the whole text of the token, in hexadecimal digits. */
export const TokenIssued = event('TokenIssued', {
  ...token,
  name: Type.String({ minLength: 1, maxLength: TOKEN_NAME_CHARACTERS_MAX }),
  roles: Type.Array(Type.Enum([...tokenRoles]), { minItems: 1 }),
  binding: Type.Optional(TokenBinding),
  expiresAt: Type.Optional(Time),
  secretSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});
export const TokenRevoked = event('TokenRevoked', token);
