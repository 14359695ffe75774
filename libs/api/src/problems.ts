import { type ErrorCode, errorCodes } from '@sluice/contracts';

/** What an operation is, as far as that decides what it may refuse. */
export interface OperationKind {
  /** Anybody may call it. */
  readonly isPublic: boolean;
  /** It changes something. */
  readonly isCommand: boolean;
  /** How it reads a body: `lenient` takes anything for one, as stops and files do. */
  readonly body: 'json' | 'lenient';
}

/** The codes that any operation of its kind may answer, beside its own. */
export function commonProblems({ isPublic, isCommand, body }: OperationKind): ErrorCode[] {
  return [
    'invalid-request',
    'internal',
    'not-ready',
    'overloaded',
    ...(isPublic ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(isCommand ? (['body-too-large', 'conflict', 'store-unavailable'] as const) : []),
    ...(isCommand && body === 'json' ? (['malformed-json', 'unsupported-media-type'] as const) : []),
  ];
}

/** Codes by their HTTP status, both in order. */
export function byStatus(codes: readonly ErrorCode[]): [status: number, codes: ErrorCode[]][] {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of [...new Set(codes)].sort()) {
    const { status } = errorCodes[code];
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return [...groups].sort(([left], [right]) => left - right);
}
